/** What the search box means: words that say which contexts are wanted. The box filters; here words become its fields. */
import { parseAddress } from "../value/address.ts";

/** A search, as fields of a query to `/contexts`, and what could not be understood. */
export interface Search {
  readonly query: Readonly<Partial<Record<"ulid" | "peer" | "state" | "provider", string>>>;
  readonly unknown: readonly string[];
}

/** What words may mean beside addresses. */
export interface Known {
  readonly providers: readonly string[];
  /** Identifiers by the names of their hosts. */
  readonly hosts: ReadonlyMap<string, string>;
}

/** States of Shim6 and REAP, as the box writes them (RFC 5533 §6.2, RFC 5534 §4). */
export const STATES = [
  "I1-SENT",
  "I2-SENT",
  "ESTABLISHED",
  "I2BIS-SENT",
  "E-FAILED",
  "NO-SUPPORT",
  "Operational",
  "Exploring",
  "InboundOk",
] as const;

const FIELDS: Readonly<Record<string, keyof Search["query"]>> = {
  host: "ulid",
  ulid: "ulid",
  peer: "peer",
  to: "peer",
  state: "state",
  provider: "provider",
  via: "provider",
};

/** Each word is an identifier, a host's name, a provider or a state; `peer=`, `state=` and the like before it say which. Letters may be of any case. */
export function readSearch(text: string, known: Known): Search {
  const query: Partial<Record<keyof Search["query"], string>> = {};
  const unknown: string[] = [];
  for (const word of text.split(/[\s,]+/).filter((part) => part !== "")) {
    const [, said, value] = /^([a-z]+)=(.*)$/i.exec(word) ?? [];
    const field = said === undefined ? undefined : FIELDS[said.toLowerCase()];
    const meaning = said !== undefined && field === undefined ? undefined : meaningOf(value ?? word, field, known);
    if (meaning === undefined || (meaning[0] in query && query[meaning[0]] !== meaning[1])) unknown.push(word);
    else query[meaning[0]] = meaning[1];
  }
  return { query, unknown };
}

function meaningOf(
  word: string,
  field: keyof Search["query"] | undefined,
  { providers, hosts }: Known,
): [keyof Search["query"], string] | undefined {
  const alike = (one: string): boolean => one.toLowerCase() === word.toLowerCase();
  const ulid = parseAddress(word) ?? [...hosts].find(([name]) => alike(name))?.[1];
  if (ulid !== undefined && (field === undefined || field === "ulid" || field === "peer")) return [field ?? "ulid", ulid];
  const provider = providers.find(alike);
  if (provider !== undefined && (field === undefined || field === "provider")) return ["provider", provider];
  const state = STATES.find(alike);
  return state !== undefined && (field === undefined || field === "state") ? ["state", state] : undefined;
}
