// Every golden vector agrees with the implementation, and the judge notices when an octet or a claim is changed.
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Fields, Json } from "../../../runtime/cli/fields.ts";
import { judgeVector, judgeVectors, VectorFileError } from "../../../runtime/cli/vectors.ts";
import { seed } from "../../lib/seed.ts";
import { bench, vectors, vectorText } from "../../lib/vectors.ts";

test("every vector agrees", () => {
  const results = judgeVectors(vectorText, bench.crypto);
  assert.equal(
    results.filter(({ ok }) => !ok),
    [],
  );
  assert.is(results.length, 167);
});

test("a file that is no list is refused, a vector that is none is a result", () => {
  assert.throws(
    () => judgeVectors("{", bench.crypto),
    (error: unknown) => error instanceof VectorFileError && /not JSON/.test(error.message),
  );
  assert.throws(
    () => judgeVectors("{}", bench.crypto),
    (error: unknown) => error instanceof VectorFileError,
  );
  const odd = [7, { name: "a", kind: "haiku", hex: "", fields: {} }, { name: "b", kind: "cga", hex: "x", fields: {} }, { name: "c" }];
  assert.equal(judgeVectors(JSON.stringify(odd), bench.crypto), [
    { name: "[0]", kind: "unknown", ok: false, why: "an object expected" },
    { name: "a", kind: "haiku", ok: false, why: "unknown kind haiku" },
    { name: "b", kind: "cga", ok: false, why: "hex: hexadecimal octets expected" },
    { name: "c", kind: "unknown", ok: false, why: "name and kind expected" },
  ]);
});

/** Octets that may change without anybody noticing, and why. */
const SILENT_OCTETS: readonly {
  readonly why: string;
  readonly covers: (kind: string, name: string, at: number, bits: number) => boolean;
}[] = [
  {
    why: "traffic class, flow label and hop limit are nothing to Shim6 when the packet is not written back",
    covers: (kind, _name, at, bits) => READ_ONLY.has(kind) && ((at === 0 && bits < 0x10) || (at >= 1 && at <= 3) || at === 7),
  },
  {
    why: "octets behind a control header, and their number, are outside the message",
    covers: (_kind, name, at) => name === "lenient-payload-after-control" && (at >= 56 || at === 5),
  },
  {
    why: "reserved bits of a packet that is dropped before its checksum is looked at, or for its checksum",
    covers: (_kind, name, at, bits) => BEFORE_CHECKSUM.has(name) && (at === 43 || (at === 46 && bits === 0x80)),
  },
  {
    why: "any Hdr Ext Len but 0 is equally wrong in a payload header",
    covers: (_kind, name, at, bits) => name === "bad-payload-ext-len" && at === 41 && bits !== 0x01,
  },
  {
    why: "a shorter Payload Length cuts the header off, which is dropped for being short already",
    covers: (_kind, name, at) => SHORT.test(name) && at === 5,
  },
];
const SHORT = /^bad-(length-past-end|i1-too-short|i2-too-short|i2bis-too-short|probe-counts)$/;
const READ_ONLY = new Set(["lenient", "malformed", "icmp-translate"]);
const BEFORE_CHECKSUM = new Set([
  "bad-checksum",
  "bad-checksum-pseudo-header",
  "bad-length-past-end",
  "bad-src-multicast",
  "bad-dst-multicast",
  "bad-src-unspecified",
]);

test("one changed bit in any octet of any vector is noticed", () => {
  const unnoticed: string[] = [];
  const used = new Set<string>();
  for (const vector of vectors) {
    for (let at = 0; at < vector.octets.length; at++) {
      const bits = 1 << ((at * 5 + seed) % 8);
      const octets = vector.octets.slice();
      octets[at] ^= bits;
      if (!judgeVector({ ...vector, octets }, bench).ok) continue;
      const excuse = SILENT_OCTETS.find(({ covers }) => covers(vector.kind, vector.name, at, bits));
      if (excuse === undefined) unnoticed.push(`${vector.name} octet ${at} bits ${bits.toString(16)}`);
      else used.add(excuse.why);
    }
  }
  assert.equal(unnoticed, [], `seed ${seed}`);
  assert.ok(used.size >= 3, "excuses that nothing needs");
});

/** Claims that may change without anybody noticing, and why. */
const SILENT_CLAIMS: readonly { readonly why: string; readonly names: RegExp; readonly paths: RegExp }[] = [
  { why: "prose", names: /./, paths: /^(fields\.(note|reason)|verdict\.(why|source))$/ },
  { why: "a context has more locators than the one message uses", names: /./, paths: /^fields\.context\.(ls_peer|ls_local)\[1\]$/ },
  {
    why: "the generation in use matters to preferences that come without a list",
    names: /^(ur-(locators|loclist|keepalive)|bad-)/,
    paths: /^fields\.context\.peer_generation$/,
  },
  {
    why: "the locators of this context are wrong on purpose, and nothing is looked at after that",
    names: /^nocontext-update-stale-locator$/,
    paths: /^fields\.context\.(ls_peer|ls_local|peer_generation)/,
  },
  { why: "a header cut short does not show these", names: /^bad-(i1|i2|i2bis)-too-short$/, paths: /^fields\.\w+_(ct|nonce)$/ },
  { why: "the option is cut off", names: /^bad-option-(overrun|truncated)/, paths: /^fields\.options\[\d\]/ },
  { why: "a search from another modifier may end at the same one", names: /^cga-sec1/, paths: /^fields\.initial_modifier$/ },
  { why: "another address is not of this PDS either", names: /^(cga|hba)-bad-/, paths: /^fields\.address$/ },
  { why: "the last octets of a private key are redundant (CRT coefficient)", names: /./, paths: /private_key_pkcs8$/ },
  { why: "HBA locators are not signed", names: /^sig-mixed-methods$/, paths: /^fields\.locators\[[01]\]\.addr$/ },
];

test("one changed claim in any vector is noticed", () => {
  const unnoticed: string[] = [];
  let changed = 0;
  for (const vector of vectors) {
    for (const part of ["fields", "verdict"] as const) {
      for (const [value, path] of changes(vector[part], part)) {
        changed++;
        if (!judgeVector({ ...vector, [part]: value as Fields }, bench).ok) continue;
        if (!SILENT_CLAIMS.some(({ names, paths }) => names.test(vector.name) && paths.test(path)))
          unnoticed.push(`${vector.name} ${path}`);
      }
    }
  }
  assert.equal(unnoticed, []);
  assert.ok(changed > 2500, `only ${changed} claims`);
});

/** `value` with one leaf changed, for every leaf, and where. */
function* changes(value: Json, path: string): Generator<[Json, string]> {
  if (typeof value === "number") yield [value + 1, path];
  else if (typeof value === "boolean") yield [!value, path];
  else if (typeof value === "string") yield [changedText(value), path];
  else if (Array.isArray(value)) {
    const items: readonly Json[] = value;
    for (const [i, item] of items.entries())
      for (const [other, where] of changes(item, `${path}[${i}]`)) yield [items.with(i, other), where];
  } else if (value !== null && typeof value === "object") {
    const fields = value as Fields;
    for (const [name, item] of Object.entries(fields)) {
      for (const [other, where] of changes(item, `${path}.${name}`)) yield [{ ...fields, [name]: other }, where];
    }
  }
}

/** The last hexadecimal digit changed, so that addresses, tags and octets stay what they are. */
function changedText(text: string): string {
  const other = text.replace(/[0-9a-f](?=[^0-9a-f]*$)/i, (digit) => (digit === "1" ? "2" : "1"));
  return other === text ? `${text}x` : other;
}

test.run();
