/** How the API says yes: JSON, lists in pages, and tags by which a client sees that nothing has changed (RFC 9110 §8.8.3, §13). */
import type { Context } from "hono";
import { ROWS_DEFAULT } from "./fields.ts";
import { PLAIN_HEADERS, refuse } from "./problem.ts";
import type { Listing } from "./rows.ts";

/** What a client says of the page that it wants. */
export interface PageQuery {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

/** Rows whose tag is worth its price; a longer list has none. */
const TAGGED_ROWS = 2_000;
/** Durations that count from or to the moment of the answer: that they have gone on is no change. */
const RUNNING = new Set(["lastSentMs", "lastReceivedMs", "ageMs", "sinceMs", "expiresMs", "uptimeMs"]);

/** `body` as JSON. */
export function answer(body: unknown): Response {
  return jsonOf(JSON.stringify(body), {});
}

/** `body` with a weak tag, or 304 without it when the client knows this one. */
export async function answerTagged(c: Context, body: unknown): Promise<Response> {
  const said = JSON.stringify(body, (key, value: unknown) => (RUNNING.has(key) && value !== null ? 0 : value));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(said)));
  const tag = `W/"${Array.from(digest.subarray(0, 16), (octet) => octet.toString(16).padStart(2, "0")).join("")}"`;
  const headers = { etag: tag, "cache-control": "no-cache" };
  if (isKnown(c.req.header("if-none-match"), tag)) return new Response(null, { status: 304, headers: { ...PLAIN_HEADERS, ...headers } });
  return jsonOf(JSON.stringify(body), headers);
}

/** Weak comparison (RFC 9110 §8.8.3.2, §13.1.2). */
function isKnown(asked: string | undefined, tag: string): boolean {
  if (asked === undefined) return false;
  const opaque = (text: string): string => text.trim().replace(/^W\//, "");
  return asked.trim() === "*" || asked.split(",").some((one) => opaque(one) === opaque(tag));
}

function jsonOf(text: string, headers: Readonly<Record<string, string>>): Response {
  return new Response(text, { headers: { ...PLAIN_HEADERS, "content-type": "application/json", ...headers } });
}

/** A page as the client gets it. */
export function answerListing<Row>(c: Context, body: Listing<Row>): Response | Promise<Response> {
  return body.items.length > TAGGED_ROWS ? answer(body) : answerTagged(c, body);
}

/**
 * The page of `rows` that `query` wants. A cursor says how many rows came before and which was the last of them (`keyOf`): the page begins behind
 * that row wherever it is now, or at that count when the row has gone.
 */
export function answerRows<Row>(
  c: Context,
  rows: Iterable<Row>,
  { limit = ROWS_DEFAULT, cursor }: PageQuery,
  keyOf: (row: Row) => string,
): Response | Promise<Response> {
  const all = [...rows];
  const from = cursor === undefined ? 0 : placeOf(all, cursor, keyOf);
  if (from === undefined) return badCursor();
  const items = all.slice(from, from + limit);
  const end = from + items.length;
  const next = end < all.length && limit > 0 ? `${end}-${hashOf(keyOf(all[end - 1]))}` : null;
  return answerListing(c, { items, total: all.length, next });
}

/** The answer to a cursor that no answer gave. */
export function badCursor(): Response {
  const errors = [{ pointer: "#/query/cursor", detail: "is none of this list's" }];
  return refuse(400, "the cursor is none of this list's", { errors });
}

function placeOf<Row>(rows: readonly Row[], cursor: string, keyOf: (row: Row) => string): number | undefined {
  const [count, hash] = cursor.split("-");
  if (hash === undefined) return undefined;
  const end = Number(count);
  const isLast = (row: Row | undefined): boolean => row !== undefined && hashOf(keyOf(row)) === hash;
  if (isLast(rows[end - 1])) return end;
  const at = rows.findIndex(isLast);
  return at < 0 ? end : at + 1;
}

/** FNV-1a, 32 bits, over the text's UTF-16 units: tells rows of one list apart, guards nothing. */
function hashOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
