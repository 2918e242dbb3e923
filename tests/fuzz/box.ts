/** A whole box with contexts: whatever it is given, it throws nothing, and its tables stay within their bounds. */
import { addressOctets } from "../../runtime/value/address.ts";
import { putU48 } from "../../runtime/value/bytes.ts";
import { connected, strangerAt } from "../lib/boxpair.ts";
import { below, mend, oneOf, spoil } from "./mutate.ts";
import type { Target } from "./run.ts";

/** Packets kept by the harness are for tests that look at them. */
const KEPT = 256;

/** Control messages, payload and ICMPv6 of a box pair in the midst of its work, and strangers', spoiled. */
export async function boxTarget(packets: readonly Uint8Array[]): Promise<Target> {
  const { net, a, b } = await connected();
  const own = [...a.sent, ...b.sent].map((packet) => packet.slice());
  const [context] = [...a.box.parts.shim6.contexts()];
  const sources = [...b.locators, b.ulid, a.ulid, strangerAt(1), strangerAt(2)];
  return {
    name: "box",
    input(random, index) {
      const packet = spoil(random, oneOf(random, index % 2 === 0 ? own : packets));
      if (packet.length < 48) return packet;
      packet.set(addressOctets(oneOf(random, sources)), 8);
      packet.set(addressOctets(oneOf(random, a.locators)), 24);
      // Half of the messages with a tag have the right one.
      if (packet[6] === 140 && packet[42] >= 64 && packet[42] < 68 && random.next() % 2 === 0 && packet.length >= 56)
        putU48(packet, 46, context.localTag);
      return below(random, 8) === 0 ? packet : mend(packet);
    },
    play(octets) {
      a.plane.receive(octets);
      net.run(net.now + 1);
      for (const list of [a.sent, b.sent, a.delivered, b.delivered, net.strays]) if (list.length > KEPT) list.splice(0, list.length - KEPT);
      const { octets: held, keys } = a.box.held;
      if (held > 2 * 262_144 || keys > 1000) throw new Error(`${held} octets and ${keys} keys held`);
      if (a.box.events.length > 256) throw new Error("events without bound");
    },
  };
}
