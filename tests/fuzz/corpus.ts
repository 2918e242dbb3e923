/** What is right, to be spoiled: packets of every kind, CGA parameters, keys. */
import fc from "fast-check";
import { address } from "../../runtime/value/address.ts";
import { concat } from "../../runtime/value/bytes.ts";
import { emitIcmpError, emitPacket } from "../../runtime/wire/index.ts";
import { message, tag, unicast } from "../lib/messages.ts";
import { extension, packetOf, payloadHeader } from "../lib/packet.ts";
import { vectors } from "../lib/vectors.ts";

const SHIM6 = 140;
const SAMPLES = 600;

/** Valid inputs, by what reads them. */
export interface Corpus {
  /** Whole IPv6 packets. */
  readonly packets: readonly Uint8Array[];
  /** CGA parameters. */
  readonly parameters: readonly Uint8Array[];
}

/** The same for the same seed. */
export function corpus(seed: number): Corpus {
  const sampled = fc.sample(fc.tuple(message, unicast, unicast), { seed, numRuns: SAMPLES });
  const control = sampled.map(([value, source, destination]) => emitPacket(source, destination, value));
  const tags = fc.sample(tag, { seed, numRuns: 40 });
  const [near, far] = [address("2001:db8:a1::1"), address("2001:db8:b1::1")];
  const payload = tags.map((each, i) => {
    const inner = packetOf(near, far, 17, new Uint8Array(20 + i)).subarray(40);
    const header = concat(payloadHeader(17, each), inner);
    return i % 3 === 0 ? packetOf(near, far, 60, concat(extension(SHIM6), header)) : packetOf(near, far, SHIM6, header);
  });
  const chained = control.slice(0, 40).map((packet) => packetOf(near, far, 0, concat(extension(SHIM6, 1), packet.subarray(40))));
  const quoted = [...payload, ...control.slice(0, 60)].map((packet, i) =>
    emitIcmpError(far, near, { type: 1 + (i % 4), code: i % 7, word: i % 5 === 0 ? 48 : 1400 }, packet.subarray(0, 40 + 13 * (i % 90))),
  );
  const golden = vectors.filter(({ octets }) => octets.length >= 40 && octets[0] >> 4 === 6).map(({ octets }) => octets);
  const parameters = vectors.filter(({ kind }) => kind === "cga" || kind === "hba").map(({ octets }) => octets);
  return { packets: [...golden, ...control, ...payload, ...chained, ...quoted], parameters };
}
