/** Arbitrary Shim6 messages that the formats can hold and that fit 1280 octets. */
import fc from "fast-check";
import { type Address, addressAt } from "../../runtime/value/address.ts";
import { contextTag } from "../../runtime/value/tag.ts";
import { type Message, messageLength, type Option, PACKET_IN_ERROR_LIMIT, type Preference } from "../../runtime/wire/index.ts";

/** With the usual prototype: what is read has it, and `assert.equal` compares prototypes, too. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> => fc.record(model).map((value) => ({ ...value }) as T);
const u8 = fc.nat(0xff);
const u32 = fc.nat(0xffff_ffff);
export const tag = fc.oneof(fc.bigInt(0n, 2n ** 47n - 1n).map(Number), fc.constantFrom(0, 1, 2 ** 47 - 1)).map(contextTag);
const octets = (maxLength: number) => fc.uint8Array({ maxLength });
/** Zero runs of every length are likely: the text form depends on them. */
export const anyAddress: fc.Arbitrary<Address> = fc
  .array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 })
  .map((groups) => addressAt(Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]))));
/** Neither multicast nor unspecified. */
export const unicast = anyAddress.filter((value) => value !== "::" && !/^ff..:/.test(value));

const validator: fc.Arbitrary<Option> = octets(40).map((value) => ({ kind: "responder-validator", validator: value }));
const list: fc.Arbitrary<Option> = record({
  kind: fc.constant("locator-list" as const),
  generation: u32,
  locators: fc.array(record({ address: anyAddress, method: u8 }), { minLength: 1, maxLength: 20 }),
});
const preferences: fc.Arbitrary<Option> = record({
  generation: u32,
  elementLength: fc.integer({ min: 1, max: 6 }),
  elements: fc.array(octets(6), { maxLength: 9 }),
}).map(({ generation, elementLength, elements }) => ({
  kind: "locator-preferences",
  generation,
  elementLength,
  elements: elements.map((element) => preferenceOf(element, elementLength)),
}));
const pds: fc.Arbitrary<Option> = octets(200).map((value) => ({ kind: "cga-pds", pds: value }));
const signature: fc.Arbitrary<Option> = octets(130).map((value) => ({ kind: "cga-signature", signature: value }));
const pair: fc.Arbitrary<Option> = record({ kind: fc.constant("ulid-pair" as const), sender: anyAddress, receiver: anyAddress });
const fork: fc.Arbitrary<Option> = record({ kind: fc.constant("forked-instance" as const), identifier: u32 });
const timeout: fc.Arbitrary<Option> = record({ kind: fc.constant("keepalive-timeout" as const), seconds: fc.nat(0xffff) });
const capabilities: fc.Arbitrary<Option> = record({
  kind: fc.constant("capabilities" as const),
  version: fc.integer({ min: 1, max: 0xff }),
  sendTimeout: fc.integer({ min: 1, max: 0xffff_ffff }),
});
/** Unassigned types: never defined for any message. */
const unknown: fc.Arbitrary<Option> = record({
  kind: fc.constant("unknown" as const),
  type: fc.integer({ min: 11, max: 0x4fff }),
  contents: octets(20),
});

function preferenceOf(element: Uint8Array, length: number): Preference {
  const at = (i: number) => element[i] ?? 0;
  if (length === 1) return { flags: at(0) };
  if (length === 2) return { flags: at(0), priority: at(1) };
  if (length === 3) return { flags: at(0), priority: at(1), weight: at(2) };
  return { flags: at(0), priority: at(1), weight: at(2), rest: Uint8Array.from({ length: length - 3 }, (_, i) => at(3 + i)) };
}

/** Any of `known` at most once each, and unknown ones, in any order. R1 without a validator is not taken, so `must` comes first. */
function options(known: readonly fc.Arbitrary<Option>[], must: readonly fc.Arbitrary<Option>[] = []): fc.Arbitrary<Option[]> {
  const marked = (option: fc.Arbitrary<Option>) =>
    fc.tuple(option, fc.boolean()).map(([value, c]) => (c ? { ...value, critical: true } : value));
  const some = fc.subarray([...known], { minLength: 0 }).chain((chosen) => fc.tuple(...[...must, ...chosen].map(marked)));
  return fc
    .tuple(some, fc.array(unknown, { maxLength: 2 }), fc.infiniteStream(fc.nat(1000)))
    .map(([found, others, order]) => shuffled([...found, ...others], order));
}

function shuffled<T>(values: readonly T[], order: Iterator<number>): T[] {
  return values
    .map((value) => ({ value, rank: order.next().value as number }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ value }) => value);
}

const locators = [list, preferences, pds, signature, timeout, capabilities];
const setup = options([validator, pair, fork, ...locators]);
const report = record({ source: anyAddress, destination: anyAddress, nonce: u32, data: u32 });

export const message: fc.Arbitrary<Message> = fc
  .oneof(
    record({ kind: fc.constant("I1" as const), initiatorTag: tag, initiatorNonce: u32, options: options([pair, fork, capabilities]) }),
    record({ kind: fc.constant("R1" as const), initiatorNonce: u32, responderNonce: u32, options: options([capabilities], [validator]) }),
    record({ kind: fc.constant("I2" as const), initiatorTag: tag, initiatorNonce: u32, responderNonce: u32, options: setup }),
    record({ kind: fc.constant("R2" as const), responderTag: tag, initiatorNonce: u32, options: options(locators) }),
    record({ kind: fc.constant("R1bis" as const), packetTag: tag, responderNonce: u32, options: options([validator, capabilities]) }),
    record({
      kind: fc.constant("I2bis" as const),
      initiatorTag: tag,
      initiatorNonce: u32,
      responderNonce: u32,
      packetTag: tag,
      options: setup,
    }),
    record({ kind: fc.constant("UpdateRequest" as const), receiverTag: tag, requestNonce: u32, options: options(locators) }),
    record({ kind: fc.constant("UpdateAck" as const), receiverTag: tag, requestNonce: u32, options: options([]) }),
    record({ kind: fc.constant("Keepalive" as const), receiverTag: tag, options: options([]) }),
    record({
      kind: fc.constant("Probe" as const),
      receiverTag: tag,
      state: fc.constantFrom("Operational" as const, "Exploring" as const, "InboundOk" as const),
      sent: fc.array(report, { minLength: 1, maxLength: 15 }),
      received: fc.array(report, { maxLength: 15 }),
      options: options([]),
    }),
    record({
      kind: fc.constant("Error" as const),
      code: fc.nat(0x7f),
      pointer: fc.nat(0xffff),
      packet: fc
        .integer({ min: 1, max: PACKET_IN_ERROR_LIMIT / 8 })
        .chain((units) => fc.uint8Array({ minLength: 8 * units, maxLength: 8 * units })),
    }),
  )
  .filter((value) => messageLength(value) <= 1240);
