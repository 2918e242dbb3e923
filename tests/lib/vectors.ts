/** The golden vectors, read. */
import { readFileSync } from "node:fs";
import { createCrypto } from "../../adapters/common/crypto.ts";
import type { Fields } from "../../runtime/cli/fields.ts";
import type { Bench, Vector } from "../../runtime/cli/vectors.ts";
import { unhex } from "../../runtime/value/bytes.ts";

export const vectorText = readFileSync(new URL("../vector/vectors.json", import.meta.url), "utf8");
const list: { name: string; kind: string; hex: string; fields: Fields; verdict?: Fields }[] = JSON.parse(vectorText);

export const vectors: readonly Vector[] = list.map(({ name, kind, hex, fields, verdict = {} }) => {
  const octets = unhex(hex);
  if (octets === undefined) throw new Error(`${name}: not hexadecimal`);
  return { name, kind, octets, fields, verdict };
});
const byName = new Map(vectors.map((vector) => [vector.name, vector]));

export const bench: Bench = { crypto: createCrypto(), vector: (name) => byName.get(name) };

export function vector(name: string): Vector {
  const found = byName.get(name);
  if (found === undefined) throw new Error(`no vector ${name}`);
  return found;
}
