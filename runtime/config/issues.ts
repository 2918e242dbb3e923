/** What zod found, in words that fit a fault: the end of a sentence that begins with the setting's path. */
import type { z } from "zod";
import { nearest } from "./nearest.ts";

/** A fault without its line and column. */
export interface Complaint {
  readonly path: readonly (string | number)[];
  /** The key that the complaint is about, if it is one that should not be there. */
  readonly key: string | undefined;
  readonly message: string;
  readonly hint: string;
}

/** What the words depend on: `keysAt` lists the settings that exist at a path; `valueAt` gives what the file has there. */
export interface Surroundings {
  keysAt(path: readonly (string | number)[]): readonly string[];
  valueAt(path: readonly (string | number)[]): unknown;
}

/** One issue as complaints: several when an object has several unknown keys. */
export function describeIssue(issue: z.core.$ZodIssue, around: Surroundings): Complaint[] {
  const path = issue.path.filter((step) => typeof step !== "symbol");
  const say = (message: string, hint: string): Complaint[] => [{ path, key: undefined, message, hint }];
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = around.keysAt(path);
      return issue.keys.map((key) => {
        const near = nearest(key, known);
        const hint = near === undefined ? `there is: ${known.join(", ")}` : `did you mean ${near}?`;
        return { path, key, message: "is no setting", hint };
      });
    }
    case "invalid_type": {
      const value = around.valueAt(path);
      if (value === undefined) return say("is missing", missingHint(issue.expected));
      return say(`must be ${WANTED[issue.expected] ?? issue.expected}, not ${nameOf(value)}`, typeHint(issue.expected, value));
    }
    case "invalid_value": {
      const values = issue.values.map(String);
      const value = around.valueAt(path);
      const near = typeof value === "string" ? nearest(value, values) : undefined;
      return say(`must be ${orList(values)}, not ${nameOf(value)}`, near === undefined ? "" : `did you mean ${near}?`);
    }
    case "too_small":
      if (issue.origin === "array") return say(`needs at least ${issue.minimum} ${issue.minimum === 1 ? "entry" : "entries"}`, "");
      return say(`must be at least ${issue.minimum}, not ${nameOf(around.valueAt(path))}`, "");
    case "too_big":
      if (issue.origin === "array") return say(`has more than ${issue.maximum} entries`, "");
      return say(`must be at most ${issue.maximum}, not ${nameOf(around.valueAt(path))}`, "");
    case "custom": {
      const hint: unknown = issue.params?.hint;
      return say(issue.message, typeof hint === "string" ? hint : "");
    }
    default:
      return say(issue.message, "");
  }
}

const WANTED: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a group of settings",
};

function nameOf(value: unknown): string {
  if (value === undefined || value === null) return "empty";
  if (typeof value === "string") return value.length > 40 ? "text" : JSON.stringify(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return Array.isArray(value) ? "a list" : "a group of settings";
}

function missingHint(expected: string): string {
  return expected === "object" || expected === "array" ? "an example is in docs/site.yaml.md" : "add it";
}

function typeHint(expected: string, value: unknown): string {
  if (expected === "string" && value !== null) return "put it in quotes";
  if (expected === "boolean") return "write true or false, without quotes";
  if (expected === "array" && value !== null) return "write a list: one line with a hyphen for each entry, or [ ]";
  if ((expected === "number" || expected === "int") && typeof value === "string") return "write digits, without quotes and units";
  return "";
}

function orList(values: readonly string[]): string {
  return values.length < 2 ? values.join("") : `${values.slice(0, -1).join(", ")} or ${values[values.length - 1]}`;
}
