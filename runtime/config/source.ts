/** A YAML text as plain values that remember where they stand. */
import { isMap, isNode, isScalar, LineCounter, parseDocument } from "yaml";
import type { Fault } from "./fault.ts";
import { type Path, showPath } from "./path.ts";

/** UTF-16 units of a configuration file at most. */
export const TEXT_LIMIT = 4_194_304;
const ALIAS_LIMIT = 100;

/** What {@link readSource} made of a text. */
export interface Source {
  /** Strings, numbers, booleans, null, arrays and plain objects; only strings as keys. */
  readonly value: unknown;
  /** Faults of the text itself; with any of them that {@link broken} is set for, `value` means nothing. */
  readonly faults: readonly Fault[];
  readonly broken: boolean;
  /** A fault at the value under `path`, or at the nearest thing around it that exists. `key`: at that key of the mapping there. */
  fault(path: Path, message: string, hint: string, key?: string): Fault;
}

/** Reads YAML 1.2. Never throws, whatever the text. */
export function readSource(text: string): Source {
  if (text.length > TEXT_LIMIT) return brokenSource(`is larger than ${TEXT_LIMIT} characters`, "a site's settings fit into much less");
  try {
    return parse(text);
  } catch (error) {
    // Aliases that multiply and nesting that is deeper than the stack end here.
    const why = error instanceof Error ? error.message.split("\n")[0] : String(error);
    return brokenSource(`cannot be read: ${why}`, "write the values out, without aliases and deep nesting");
  }
}

function parse(text: string): Source {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    version: "1.2",
    schema: "core",
    stringKeys: true,
  });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const broken = document.errors.some((error) => error.code !== "DUPLICATE_KEY");
  // Behind its first error of syntax a YAML parser is out of step: what it says then is noise.
  const complaints = broken
    ? document.errors.toSorted((a, b) => a.pos[0] - b.pos[0]).slice(0, 1)
    : [...document.errors, ...document.warnings];
  const faults = complaints.map((error): Fault => {
    const [message, hint] = explain(error.code, error.message);
    return { ...place(error.pos[0]), path: "", message, hint };
  });
  const value: unknown = broken ? undefined : document.toJS({ maxAliasCount: ALIAS_LIMIT });

  const offsetOf = (path: Path, key: string | undefined): number => {
    for (let depth = path.length; depth >= 0; depth--) {
      const node: unknown = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
      if (!isNode(node)) continue;
      if (key !== undefined && depth === path.length && isMap(node)) {
        const pair = node.items.find((item) => isScalar(item.key) && item.key.value === key);
        if (pair !== undefined && isNode(pair.key) && pair.key.range) return pair.key.range[0];
      }
      if (node.range) return node.range[0];
    }
    return 0;
  };
  const fault = (path: Path, message: string, hint: string, key?: string): Fault => {
    const full = key === undefined ? path : [...path, key];
    return { ...place(offsetOf(path, key)), path: showPath(full), message, hint };
  };
  return { value, faults, broken, fault };
}

function brokenSource(message: string, hint: string): Source {
  const fault = (path: Path, said: string, todo: string): Fault => ({
    line: 1,
    column: 1,
    path: showPath(path),
    message: said,
    hint: todo,
  });
  return { value: undefined, faults: [fault([], `the file ${message}`, hint)], broken: true, fault };
}

const QUOTES = 'put addresses and prefixes in quotes: "fc00:aaaa:1::10"';

function explain(code: string, message: string): [message: string, hint: string] {
  if (message.startsWith("Flow ")) return [sentence(message), "each [ and { needs its ] or }"];
  switch (code) {
    case "DUPLICATE_KEY":
      return ["this setting is there twice", "leave one of them"];
    case "TAB_AS_INDENT":
      return ["a tab is used for indentation", "YAML wants spaces"];
    case "MULTIPLE_DOCS":
      return ["a second document begins here", 'one file holds one site: leave out the line "---"'];
    case "NON_STRING_KEY":
      return ["the name of a setting is not text", "the names are listed in docs/site.yaml.md"];
    case "BAD_INDENT":
      return [sentence(message), "settings of one level begin in the same column"];
    case "BLOCK_AS_IMPLICIT_KEY":
    case "MISSING_CHAR":
    case "UNEXPECTED_TOKEN":
      return [sentence(message), QUOTES];
    default:
      return [sentence(message), ""];
  }
}

function sentence(message: string): string {
  return `this is not YAML: ${message.split("\n")[0]}`;
}
