/**
 * Messages as JSON fields and back: the names that `pshim6 decode` prints and that golden vectors use. Tags, nonces,
 * generations and checksums are hexadecimal text with 0x; octets are hexadecimal text without.
 */
import { type Address, parseAddress } from "../value/address.ts";
import { hex, unhex } from "../value/bytes.ts";
import { CONTEXT_TAG_LIMIT, type ContextTag, contextTag } from "../value/tag.ts";

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type Fields = { readonly [key: string]: Json };

/** Fields that do not describe what they should: says where and what was expected. */
export class FieldError extends Error {
  constructor(path: string, expected: string) {
    super(`${path}: ${expected}`);
    this.name = "FieldError";
  }
}

/** `value` as hexadecimal text with 0x and at least `digits` digits. */
export function hexNumber(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, "0")}`;
}

/** Whether a JSON value is an object. */
export function isFields(value: Json | undefined): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Reads fields one by one, with an error that names the field. `path` is what stands before the names. */
export class FieldReader {
  readonly #fields: Fields;
  readonly #path: string;

  constructor(fields: Fields, path = "") {
    this.#fields = fields;
    this.#path = path;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#fields, name);
  }

  text(name: string): string {
    const value = this.#fields[name];
    if (typeof value !== "string") throw this.error(name, "text expected");
    return value;
  }

  number(name: string): number {
    const value = this.#fields[name];
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0) throw this.error(name, "a whole number expected");
    return value;
  }

  flag(name: string): boolean {
    const value = this.#fields[name];
    if (typeof value !== "boolean") throw this.error(name, "true or false expected");
    return value;
  }

  /** Text such as 0x2a, or a number. */
  hexNumber(name: string): number {
    const value = this.#fields[name];
    if (typeof value === "string" && /^0x[0-9a-f]{1,12}$/i.test(value)) return Number.parseInt(value.slice(2), 16);
    if (typeof value === "number") return this.number(name);
    throw this.error(name, "a number such as 0x2a expected");
  }

  tag(name: string): ContextTag {
    const value = this.hexNumber(name);
    if (value >= CONTEXT_TAG_LIMIT) throw this.error(name, "a tag of 47 bits expected");
    return contextTag(value);
  }

  address(name: string): Address {
    const value = parseAddress(this.text(name));
    if (value === undefined) throw this.error(name, "an IPv6 address expected");
    return value;
  }

  addresses(name: string): Address[] {
    return this.#list(name).map((item) => {
      const value = typeof item === "string" ? parseAddress(item) : undefined;
      if (value === undefined) throw this.error(name, "IPv6 addresses expected");
      return value;
    });
  }

  octets(name: string): Uint8Array {
    const value = unhex(this.text(name));
    if (value === undefined) throw this.error(name, "hexadecimal octets expected");
    return value;
  }

  list(name: string): FieldReader[] {
    return this.#list(name).map((item, i) => {
      const path = `${this.#path}${name}[${i}].`;
      if (!isFields(item)) throw new FieldError(path, "an object expected");
      return new FieldReader(item, path);
    });
  }

  object(name: string): FieldReader {
    const value = this.#fields[name];
    if (!isFields(value)) throw this.error(name, "an object expected");
    return new FieldReader(value, `${this.#path}${name}.`);
  }

  #list(name: string): readonly Json[] {
    const value = this.#fields[name];
    if (!Array.isArray(value)) throw this.error(name, "a list expected");
    return value;
  }

  error(name: string, expected: string): FieldError {
    return new FieldError(`${this.#path}${name}`, expected);
  }
}

/** Where `actual` differs from `expected`, as text for a person; `undefined` if nowhere. Objects: the same names, too. */
export function difference(actual: Json | undefined, expected: Json | undefined, path: string): string | undefined {
  if (Array.isArray(expected) && Array.isArray(actual)) {
    if (actual.length !== expected.length) return `${path}: ${actual.length} elements, expected ${expected.length}`;
    return first(expected.map((item, i) => difference(actual[i], item, `${path}[${i}]`)));
  }
  if (isFields(expected) && isFields(actual)) {
    const names = new Set([...Object.keys(expected), ...Object.keys(actual)]);
    return first([...names].map((name) => difference(actual[name], expected[name], `${path}.${name}`)));
  }
  if (Object.is(actual, expected)) return undefined;
  return `${path}: ${JSON.stringify(actual) ?? "absent"}, expected ${JSON.stringify(expected) ?? "absent"}`;
}

/** Where octets differ; `undefined` if nowhere. */
export function octetDifference(actual: Uint8Array, expected: Uint8Array, what: string): string | undefined {
  const length = Math.max(actual.length, expected.length);
  for (let i = 0; i < length; i++) {
    if (actual[i] === expected[i]) continue;
    const show = (octets: Uint8Array) => (i < octets.length ? hex(octets.subarray(i, i + 1)) : "nothing");
    return `${what}: octet ${i} is ${show(actual)}, expected ${show(expected)}`;
  }
  return undefined;
}

/** The first that is not `undefined`. */
export function first(findings: Iterable<string | undefined>): string | undefined {
  for (const finding of findings) if (finding !== undefined) return finding;
  return undefined;
}
