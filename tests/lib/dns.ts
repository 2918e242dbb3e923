/** DNS messages and records for tests, and arbitraries of them. */
import fc from "fast-check";
import { addressOctets, parseAddress } from "../../runtime/value/address.ts";
import { concat, unhex } from "../../runtime/value/bytes.ts";
import {
  CLASS_IN,
  type DnsMessage,
  type DnsName,
  type DnsRecord,
  dnsName,
  type Edns,
  emitSoa,
  nameOctets,
  nameOf,
  TYPE_A,
  TYPE_AAAA,
  TYPE_CNAME,
  TYPE_DNAME,
  TYPE_MX,
  TYPE_NS,
  TYPE_PTR,
  TYPE_SOA,
  TYPE_SRV,
  TYPE_TXT,
  TYPE_ULID_DEFAULT,
} from "../../runtime/wire/index.ts";

export const NO_FLAGS = {
  id: 0,
  response: false,
  opcode: 0,
  authoritative: false,
  truncated: false,
  recursionDesired: false,
  recursionAvailable: false,
  authenticData: false,
  checkingDisabled: false,
  rcode: 0,
  questions: [],
  answers: [],
  authority: [],
  additional: [],
  edns: undefined,
} satisfies DnsMessage;

export const PLAIN_EDNS: Edns = { size: 1232, version: 0, dnssecOk: false, flags: 0, options: [] };

/** A query for `name` and `type`, as hosts send it. */
export function queryFor(name: string, type: number, changes: Partial<DnsMessage> = {}): DnsMessage {
  return { ...NO_FLAGS, id: 0x1234, recursionDesired: true, questions: [{ name: dnsName(name), type, class: CLASS_IN }], ...changes };
}

const TYPES: Record<string, number> = {
  A: TYPE_A,
  NS: TYPE_NS,
  CNAME: TYPE_CNAME,
  SOA: TYPE_SOA,
  PTR: TYPE_PTR,
  MX: TYPE_MX,
  TXT: TYPE_TXT,
  AAAA: TYPE_AAAA,
  SRV: TYPE_SRV,
  DNAME: TYPE_DNAME,
  ULID: TYPE_ULID_DEFAULT,
};

/** `name ttl type data`, as in a zone file; other types as `TYPE65 <hex>`. The SOA's data is its minimum alone. */
export function record(line: string): DnsRecord {
  const [name, ttl, type, ...data] = line.split(/\s+/);
  return {
    name: dnsName(name),
    type: TYPES[type] ?? Number(type.slice(4)),
    class: CLASS_IN,
    ttl: Number(ttl),
    data: dataOf(type, data),
  };
}

function dataOf(type: string, words: readonly string[]): Uint8Array {
  const text = words.join(" ");
  if (type === "A") return Uint8Array.from(text.split(".").map(Number));
  if (type === "AAAA" || type === "ULID") {
    const value = parseAddress(text);
    if (value === undefined) throw new RangeError(text);
    return addressOctets(value);
  }
  if (["NS", "CNAME", "PTR", "DNAME"].includes(type)) return nameOctets(dnsName(text));
  if (type === "MX") return concat(Uint8Array.of(0, Number(words[0])), nameOctets(dnsName(words[1])));
  if (type === "TXT") return Uint8Array.of(text.length, ...new TextEncoder().encode(text));
  if (type === "SOA") {
    const [primary, contact] = [dnsName("ns.example"), dnsName("hostmaster.example")];
    return emitSoa({ primary, contact, serial: 1, refresh: 7200, retry: 900, expire: 86_400, minimum: Number(text) });
  }
  return unhex(text) ?? new Uint8Array(0);
}

const label = fc.oneof(
  { weight: 6, arbitrary: fc.stringMatching(/^[a-z0-9-]{1,8}$/).map((text) => new TextEncoder().encode(text)) },
  { weight: 1, arbitrary: fc.stringMatching(/^[A-Z.\\ ;"]{1,4}$/).map((text) => new TextEncoder().encode(text)) },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 63 }) },
);
/** Any name; ends are shared often, so that there is something to compress. */
export const anyName: fc.Arbitrary<DnsName> = fc
  .tuple(fc.array(label, { maxLength: 3 }), fc.constantFrom("", "example", "a.example", "B.eXample"))
  .map(([labels, end]) => {
    const head = concat(...labels.map((octets) => concat(Uint8Array.of(octets.length), octets)));
    return nameOf(concat(head, nameOctets(dnsName(end))));
  });

const value = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record<T>(model, { noNullPrototype: true });
const octets = (maxLength: number) => fc.uint8Array({ maxLength });
const word = fc.integer({ min: 0, max: 0xffff });
const data = new Map<number, fc.Arbitrary<Uint8Array>>([
  [TYPE_A, fc.uint8Array({ minLength: 4, maxLength: 4 })],
  [TYPE_AAAA, fc.uint8Array({ minLength: 16, maxLength: 16 })],
  [TYPE_NS, anyName.map(nameOctets)],
  [TYPE_CNAME, anyName.map(nameOctets)],
  [TYPE_DNAME, anyName.map(nameOctets)],
  [
    TYPE_SOA,
    fc
      .tuple(anyName, anyName, fc.uint8Array({ minLength: 20, maxLength: 20 }))
      .map(([a, b, rest]) => concat(nameOctets(a), nameOctets(b), rest)),
  ],
  [TYPE_MX, fc.tuple(fc.uint8Array({ minLength: 2, maxLength: 2 }), anyName).map(([head, name]) => concat(head, nameOctets(name)))],
  [TYPE_SRV, fc.tuple(fc.uint8Array({ minLength: 6, maxLength: 6 }), anyName).map(([head, name]) => concat(head, nameOctets(name)))],
  [TYPE_TXT, octets(40)],
  [TYPE_ULID_DEFAULT, octets(20)],
  [65, octets(30)],
]);
const anyRecord: fc.Arbitrary<DnsRecord> = fc.constantFrom(...data.keys()).chain((type) =>
  value({
    name: anyName,
    type: fc.constant(type),
    class: fc.constant(CLASS_IN),
    ttl: fc.integer({ min: 0, max: 0x7fff_ffff }),
    data: data.get(type) ?? octets(0),
  }),
);

/** Any message that the format can hold. */
export const anyMessage: fc.Arbitrary<DnsMessage> = value({
  id: word,
  response: fc.boolean(),
  opcode: fc.integer({ min: 0, max: 15 }),
  authoritative: fc.boolean(),
  truncated: fc.boolean(),
  recursionDesired: fc.boolean(),
  recursionAvailable: fc.boolean(),
  authenticData: fc.boolean(),
  checkingDisabled: fc.boolean(),
  rcode: fc.integer({ min: 0, max: 15 }),
  questions: fc.array(value({ name: anyName, type: word, class: word }), { maxLength: 2 }),
  answers: fc.array(anyRecord, { maxLength: 6 }),
  authority: fc.array(anyRecord, { maxLength: 3 }),
  additional: fc.array(anyRecord, { maxLength: 3 }),
  edns: fc.option(
    value({
      size: word,
      version: fc.integer({ min: 0, max: 255 }),
      dnssecOk: fc.boolean(),
      flags: fc.integer({ min: 0, max: 0x7fff }),
      options: fc.array(value({ code: word, data: octets(12) }), { maxLength: 3 }),
    }),
    { nil: undefined },
  ),
}).chain((message) =>
  message.edns === undefined ? fc.constant(message) : fc.integer({ min: 0, max: 0xfff }).map((rcode) => ({ ...message, rcode })),
);
