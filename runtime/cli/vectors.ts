/**
 * `pshim6 vectors`: golden vectors judged by the implementation itself. The file is a list of
 * `{ name, kind, hex, fields, verdict? }`; names of fields are those of `decode`.
 */
import type { CryptoPort } from "../port/crypto.ts";
import { unhex } from "../value/bytes.ts";
import { FieldError, type Fields, isFields, type Json } from "./fields.ts";
import { judgeCga, judgeSignature } from "./vector-cga.ts";
import { judgeIcmp } from "./vector-icmp.ts";
import { judgeLenient, judgeMalformed, judgeOption, judgePacket } from "./vector-packet.ts";

/** What became of one vector. */
export interface VectorResult {
  readonly name: string;
  readonly kind: string;
  readonly ok: boolean;
  /** Where implementation and vector differ first. */
  readonly why?: string;
}

/** One vector, read. */
export interface Vector {
  readonly name: string;
  readonly kind: string;
  readonly octets: Uint8Array;
  readonly fields: Fields;
  /** Empty when the vector has none. */
  readonly verdict: Fields;
}

/** What judging a vector may need beside it. */
export interface Bench {
  readonly crypto: CryptoPort;
  /** Another vector of the file. */
  vector(name: string): Vector | undefined;
}

/** @returns where the vector and the implementation differ, or `undefined` */
export type Judge = (vector: Vector, bench: Bench) => string | undefined;

const JUDGES = new Map<string, Judge>([
  ["packet", judgePacket],
  ["lenient", judgeLenient],
  ["malformed", judgeMalformed],
  ["option", judgeOption],
  ["cga", judgeCga],
  ["hba", judgeCga],
  ["signature", judgeSignature],
  ["icmp-translate", judgeIcmp],
]);

/** The file is no list of vectors at all. */
export class VectorFileError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "VectorFileError";
  }
}

/** Judges every vector of a file. @throws {VectorFileError} if `text` is no JSON list */
export function judgeVectors(text: string, crypto: CryptoPort): VectorResult[] {
  let list: Json;
  try {
    list = JSON.parse(text);
  } catch (error) {
    throw new VectorFileError(`not JSON: ${error instanceof Error ? error.message : error}`);
  }
  if (!Array.isArray(list)) throw new VectorFileError("not a list of vectors");
  const items: readonly Json[] = list;
  const read = items.map(readVector);
  const named = new Map(read.filter((item) => typeof item !== "string").map((vector) => [vector.name, vector]));
  const bench: Bench = { crypto, vector: (name) => named.get(name) };
  return read.map((item, i) => (typeof item === "string" ? unreadable(items[i], i, item) : judgeVector(item, bench)));
}

/** Judges one vector. Never throws for what is in it. */
export function judgeVector(vector: Vector, bench: Bench): VectorResult {
  const { name, kind } = vector;
  const judge = JUDGES.get(kind);
  if (judge === undefined) return { name, kind, ok: false, why: `unknown kind ${kind}` };
  try {
    const why = judge(vector, bench);
    return why === undefined ? { name, kind, ok: true } : { name, kind, ok: false, why };
  } catch (error) {
    // Fields that describe no message, or one that no format can hold: the vector's fault, told as a result.
    if (error instanceof FieldError || error instanceof RangeError) return { name, kind, ok: false, why: error.message };
    throw error;
  }
}

function readVector(item: Json): Vector | string {
  if (!isFields(item)) return "an object expected";
  const { name, kind, hex, fields, verdict = {} } = item;
  if (typeof name !== "string" || typeof kind !== "string") return "name and kind expected";
  const octets = typeof hex === "string" ? unhex(hex) : undefined;
  if (octets === undefined) return "hex: hexadecimal octets expected";
  if (!isFields(fields)) return "fields: an object expected";
  if (!isFields(verdict)) return "verdict: an object expected";
  return { name, kind, octets, fields, verdict };
}

function unreadable(item: Json, index: number, why: string): VectorResult {
  const text = (name: string, otherwise: string) => (isFields(item) && typeof item[name] === "string" ? item[name] : otherwise);
  return { name: text("name", `[${index}]`), kind: text("kind", "unknown"), ok: false, why };
}
