/** The packet core: any frame leaves with a verdict, and nothing outside its slot is touched. */
import { SLOT_HEADROOM } from "../../core-as/layout/lane.ts";
import { COUNTER_NAMES } from "../../core-as/layout/names.ts";
import { PUNT_FIRST, PUNT_FORK } from "../../core-as/layout/verdict.ts";
import { forksOf } from "../../runtime/fast/forks.ts";
import { addressOctets } from "../../runtime/value/address.ts";
import { concat } from "../../runtime/value/bytes.ts";
import { Reject } from "../../runtime/value/reject.ts";
import { contextTag } from "../../runtime/value/tag.ts";
import { flowOf } from "../../runtime/wire/index.ts";
import { coreModule, putPacket, rig, sampleRecord } from "../lib/core.ts";
import { extension, packetOf, payloadHeader } from "../lib/packet.ts";
import { below, oneOf, spoil } from "./mutate.ts";
import type { Target } from "./run.ts";

const CANARY = 0xc5;
const SLOT_OCTETS = 2048;
const VIRTIO = 10;

/** Frames of every kind, spoiled: hosts' packets, payload, control messages, ICMPv6, chains of headers. */
export async function coreTarget(packets: readonly Uint8Array[]): Promise<Target> {
  const world = await rig({ batch: 4, slotOctets: SLOT_OCTETS }, { passRouting: true, puntOther: true }, coreModule());
  const record = sampleRecord(1);
  // Small ports go on a fork that is there, one class on a fork that is not.
  const anything = { protocols: undefined, ports: undefined, classes: undefined };
  const block = world.core.setForkTerms([
    { ...anything, fork: 5, protocols: [6, 17], ports: [{ first: 0, last: 20_000 }] },
    { ...anything, fork: 6, classes: [46] },
  ]);
  world.core.add(1, { ...record, forks: forksOf(block, [0, 1]) }, 0);
  world.core.add(2, { ...record, fork: 5, localTag: contextTag(5), peerTag: contextTag(6) }, 0);
  const { lane, memory, core } = world;
  const ends = [record.localUlid, record.peerUlid, record.localLocator, record.peerLocator];
  const stride = lane.inputOffset(1) - lane.inputOffset(0);
  const start = lane.inputOffset(0) - SLOT_HEADROOM;
  memory.fill(CANARY, start, start + 2 * stride);
  return {
    name: "core",
    input(random, index) {
      const chain = Array.from({ length: below(random, 5) }, () =>
        random.next() % 3 === 0
          ? payloadHeader(oneOf(random, [17, 60, 44, 59]), oneOf(random, [record.localTag, record.peerTag]))
          : extension(oneOf(random, [0, 43, 44, 60, 140, 17, 58]), below(random, 4), below(random, 3)),
      );
      const built = packetOf(
        oneOf(random, ends),
        oneOf(random, ends),
        oneOf(random, [0, 43, 44, 60, 140, 58, 17]),
        concat(...chain, random.octets(below(random, 64))),
      );
      const packet = spoil(random, index % 3 === 0 ? readdressed(oneOf(random, packets), oneOf(random, ends), oneOf(random, ends)) : built);
      const header = random.next() % 4 === 0 ? random.octets(VIRTIO) : new Uint8Array(VIRTIO);
      return concat(header, packet.subarray(0, SLOT_OCTETS - VIRTIO - SLOT_HEADROOM));
    },
    play(octets, index) {
      memory.fill(CANARY, start, start + SLOT_HEADROOM);
      putPacket(world, 0, octets.subarray(VIRTIO), octets.subarray(0, VIRTIO));
      const outputs = lane.run(1, index);
      const [verdict] = lane.verdicts;
      if (!COUNTER_NAMES.has(verdict)) throw new Error(`verdict ${verdict}`);
      if (outputs !== (verdict < PUNT_FIRST ? 1 : 0)) throw new Error(`verdict ${verdict}, ${outputs} frames to write`);
      const [at] = lane.outputOffsets;
      const [length] = lane.outputLengths;
      if (outputs === 1) {
        if (at < start || at + length > start + stride) throw new Error("the frame to write lies outside its slot");
        const said = (memory[at + VIRTIO + 4] << 8) | memory[at + VIRTIO + 5];
        if (said !== length - VIRTIO - 40) throw new Error(`Payload Length ${said} in a packet of ${length - VIRTIO} octets`);
      }
      if (memory[start] !== CANARY || memory[start + stride] !== CANARY) throw new Error("written outside the slot");
      core.drainPunts(8, (packet, reason) => {
        if (reason === PUNT_FORK && flowOf(packet) instanceof Reject) throw new Error("a fork for what is no packet");
      });
    },
  };
}

function readdressed(
  packet: Uint8Array,
  source: Parameters<typeof addressOctets>[0],
  destination: Parameters<typeof addressOctets>[0],
): Uint8Array {
  const octets = packet.slice();
  if (octets.length < 40) return octets;
  octets.set(addressOctets(source), 8);
  octets.set(addressOctets(destination), 24);
  return octets;
}
