import type { Core, Lane } from "../../runtime/fast/contract.ts";
import { PortError } from "../../runtime/port/error.ts";
import type { PacketHandlers, PacketPlane } from "../../runtime/port/packet.ts";
import type { Millis } from "../../runtime/value/time.ts";

/** Octets before the IPv6 header of every frame (struct virtio_net_hdr). */
const VIRTIO_HEADER = 10;

/** What the plane is made of. */
export interface MemoryPlaneParts {
  readonly core: Pick<Core, "shared" | "drainPunts">;
  readonly lane: Lane;
  readonly now: () => Millis;
  /** Where packets go that the lane or the box writes: what the kernel would route on. `packet` is the callee's. */
  readonly deliver: (packet: Uint8Array) => void;
}

/** A packet plane on the caller's thread. */
export interface MemoryPlane extends PacketPlane {
  /** Packets that the kernel has for the box. They are copied, run in batches, and all they lead to has happened on return. */
  receive(...packets: Uint8Array[]): void;
}

/** A plane around one lane. Packets before `start` and after `stop` are lost, as on a link that is down. */
export function memoryPlane({ core, lane, now, deliver }: MemoryPlaneParts): MemoryPlane {
  const { batch } = core.shared.sizes;
  const octets = new Uint8Array(core.shared.memory.buffer);
  const totals = new Map<string, number>();
  let handlers: PacketHandlers | undefined;
  let stopped = false;

  const runBatch = (packets: readonly Uint8Array[]) => {
    packets.forEach((packet, slot) => {
      const at = lane.inputOffset(slot);
      octets.fill(0, at, at + VIRTIO_HEADER);
      octets.set(packet, at + VIRTIO_HEADER);
      lane.lengths[slot] = VIRTIO_HEADER + packet.length;
    });
    const outputs = lane.run(packets.length, now());
    for (let i = 0; i < outputs; i++) {
      const at = lane.outputOffsets[i];
      deliver(octets.slice(at + VIRTIO_HEADER, at + lane.outputLengths[i]));
    }
    if (!lane.takeBell() || handlers === undefined) return;
    const { punt, activity } = handlers;
    while (core.drainPunts(batch, (packet, reason, context) => punt.call(handlers, packet, reason, context)) > 0);
    activity.call(handlers, now());
  };

  return {
    async start(given) {
      if (stopped) throw new PortError("closed", "the packet plane was stopped");
      if (handlers !== undefined) throw new PortError("busy", "the packet plane runs already");
      handlers = given;
    },
    receive(...packets) {
      if (handlers === undefined || stopped) return;
      const fitting = packets.filter((packet) => packet.length + VIRTIO_HEADER <= lane.inputOctets);
      for (let at = 0; at < fitting.length; at += batch) runBatch(fitting.slice(at, at + batch));
    },
    send(packet) {
      if (stopped) return false;
      if (packet.length === 0 || packet[0] >> 4 !== 6) {
        totals.set("drop-write-einval", (totals.get("drop-write-einval") ?? 0) + 1);
        return false;
      }
      deliver(packet.slice());
      return true;
    },
    totals: () => totals,
    async stop() {
      stopped = true;
    },
  };
}

/**
 * Two planes joined like the two ends of a cable: what one writes, the other receives, after the writer has returned and in
 * order. @returns a function that resolves when the cable is empty
 */
export function joinPlanes(make: (deliver: (packet: Uint8Array) => void) => MemoryPlane): {
  a: MemoryPlane;
  b: MemoryPlane;
  settled: () => Promise<void>;
} {
  const waiting: { to: () => MemoryPlane; packet: Uint8Array }[] = [];
  let running: Promise<void> | undefined;
  const pump = async () => {
    await Promise.resolve();
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) next.to().receive(next.packet);
    running = undefined;
  };
  const send = (to: () => MemoryPlane) => (packet: Uint8Array) => {
    waiting.push({ to, packet });
    running ??= pump();
  };
  const a: MemoryPlane = make(send(() => b));
  const b: MemoryPlane = make(send(() => a));
  return { a, b, settled: async () => running };
}
