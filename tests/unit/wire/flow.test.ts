/** What of a packet tells its flow, by packets put together octet by octet. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { address } from "../../../runtime/value/address.ts";
import { concat } from "../../../runtime/value/bytes.ts";
import { Reject } from "../../../runtime/value/reject.ts";
import { flowOf } from "../../../runtime/wire/index.ts";
import { extension, packetOf } from "../../lib/packet.ts";

const [A, B] = [address("fc00:aaaa:1::1"), address("fc00:bbbb:1::1")];
/** Ports 40,000 and 5,060, then whatever. */
const PORTED = Uint8Array.of(0x9c, 0x40, 0x13, 0xc4, 0, 8, 0, 0);
const ah = (next: number) => concat(Uint8Array.of(next, 2), new Uint8Array(14));
const fragment = (next: number, offset = 0) => Uint8Array.of(next, 0, offset >> 8, offset & 0xff, 0, 0, 0, 1);

const TABLE: readonly (readonly [name: string, next: number, rest: Uint8Array, protocol: number, ports: boolean])[] = [
  ["TCP", 6, PORTED, 6, true],
  ["UDP", 17, PORTED, 17, true],
  ["SCTP", 132, PORTED, 132, true],
  ["DCCP", 33, PORTED, 33, true],
  ["UDP-Lite", 136, PORTED, 136, true],
  ["ICMPv6", 58, PORTED, 58, false],
  ["ESP", 50, PORTED, 50, false],
  ["no next header", 59, new Uint8Array(), 59, false],
  ["ports cut off", 17, PORTED.subarray(0, 3), 17, false],
  ["behind options and routing", 0, concat(extension(43), extension(60), extension(17, 2), PORTED), 17, true],
  ["behind AH", 51, concat(ah(17), PORTED), 17, true],
  ["a whole fragment", 44, concat(fragment(17), PORTED), 17, false],
  ["the first of several", 44, concat(fragment(17, 1), PORTED), 17, false],
  ["a later one", 44, concat(fragment(17, 8), PORTED), 17, false],
  ["a fragment of options: nobody knows what is behind them", 44, concat(fragment(60), extension(17), PORTED), 60, false],
  ["options cut off", 60, extension(17, 3).subarray(0, 16), 60, false],
  ["a Fragment header cut off", 44, fragment(17).subarray(0, 7), 44, false],
  ["seven headers", 60, concat(...Array.from({ length: 6 }, () => extension(60)), extension(17), PORTED), 17, true],
  ["eight headers are one too many", 60, concat(...Array.from({ length: 7 }, () => extension(60)), extension(17), PORTED), 17, false],
];

for (const [name, next, rest, protocol, ports] of TABLE) {
  test(name, () => {
    assert.equal(flowOf(packetOf(A, B, next, rest)), {
      protocol,
      sourcePort: ports ? 40_000 : undefined,
      destinationPort: ports ? 5_060 : undefined,
      // Traffic class 0xab, as packetOf sets it.
      class: 0xab >> 2,
    });
  });
}

test("octets behind the packet are none of it", () => {
  const flow = flowOf(concat(packetOf(A, B, 17, PORTED.subarray(0, 2)), Uint8Array.of(0x13, 0xc4)));
  assert.is("sourcePort" in flow && flow.sourcePort, undefined);
});

test("what is no packet is said to be none", () => {
  assert.instance(flowOf(packetOf(A, B, 17, PORTED).subarray(0, 44)), Reject);
  assert.instance(flowOf(new Uint8Array(3)), Reject);
});

test.run();
