import { setImmediate } from "node:timers";
import { Worker } from "node:worker_threads";
import type { Core } from "../../runtime/fast/contract.ts";
import { PortError } from "../../runtime/port/error.ts";
import type { PacketHandlers, PacketPlane } from "../../runtime/port/packet.ts";
import type { Millis } from "../../runtime/value/time.ts";
import { type Libc, sharedBuffer } from "../common/libc.ts";
import { openTun, type Tun } from "../common/tun.ts";
import { errnoName } from "../linux/errno.ts";
import { EFD_CLOEXEC, EFD_NONBLOCK, EVENTFD_OCTETS, MADV_HUGEPAGE } from "../linux/file.ts";
import { TUN_F_CSUM, TUN_F_TSO_ECN, TUN_F_TSO6, TUN_F_USO4, TUN_F_USO6, VIRTIO_HEADER } from "../linux/tun.ts";
import { BELL, CONTROL_WORDS, type DataMessage, type DataWork, STOP } from "./message.ts";

/** What the plane is made of. */
export interface PlaneParts {
  readonly libc: Libc;
  readonly now: () => Millis;
  readonly core: Pick<Core, "shared" | "drainPunts">;
}

/** How the plane is made. */
export interface PlaneOptions {
  /** Name of the TUN; there is none of that name in the namespace, or nobody uses it. */
  readonly name: string;
  /** Queues, each with a worker and one of the core's first lanes; more lanes than queues are for the control thread. */
  readonly queues: number;
  /** As in `TunOptions`; default: checksums, and large frames when the core has room to cut them. */
  readonly offload?: number | readonly number[];
  /** The file that a worker starts with: it calls `serveQueue` when `dataWork` finds work. */
  readonly entry: URL;
}

/** Large TCP frames, of UDP too where the kernel knows how (Linux 6.2): then it takes both families or none, and IPv4 is not routed here. */
const LARGE_TCP = TUN_F_CSUM | TUN_F_TSO6 | TUN_F_TSO_ECN;
const LARGE_FRAMES = [LARGE_TCP | TUN_F_USO4 | TUN_F_USO6, LARGE_TCP];
/** Punted packets handed over before the event loop gets its turn again. */
const PUNTS_A_TURN = 256;
const LARGEST_PACKET = 65_535;
/** Lengths are 32 bits, whole pages. */
const ADVICE_MAX = 0xffff_f000;

/**
 * Makes the TUN with its queues. Nothing is read before {@link PacketPlane.start}: the caller first
 * sets MTU, routes and the link up. The wake descriptors and the TUN are freed by `stop`.
 * @throws {PortError} as `openTun`
 */
export function openPacketPlane({ libc, now, core }: PlaneParts, options: PlaneOptions): PacketPlane {
  const large = (core.shared.sizes.spillOctets ?? 0) > 0;
  const tun = openTun(libc, { ...options, offload: options.offload ?? (large ? LARGE_FRAMES : TUN_F_CSUM) });
  adviseHugePages(libc, core);
  const sender = openSender(libc, tun);
  let queues: Queue[] = [];
  let handlers: PacketHandlers | undefined;
  let stopped: Promise<void> | undefined;
  let drainWaits = false;

  const drain = () => {
    drainWaits = false;
    if (handlers === undefined || stopped !== undefined) return;
    const { punt, activity } = handlers;
    const taken = core.drainPunts(PUNTS_A_TURN, (packet, reason, context) => punt.call(handlers, packet, reason, context));
    activity.call(handlers, now());
    if (taken >= PUNTS_A_TURN) later();
  };
  const later = () => {
    if (drainWaits) return;
    drainWaits = true;
    setImmediate(drain);
  };

  const hear = (queue: Queue, message: DataMessage) => {
    if (message.kind !== "bell") return;
    Atomics.store(queue.control, BELL, 0);
    if (!drainWaits) drain();
  };
  const ended = (error: string | undefined) => {
    if (stopped === undefined)
      handlers?.failed(new PortError("failed", `the packet loop on ${tun.name} ended: ${error ?? "its thread died"}`));
  };

  const shutDown = async () => {
    await Promise.all(queues.map((queue) => queue.stop()));
    sender.close();
    tun.close();
  };

  return {
    async start(given) {
      if (stopped !== undefined) throw new PortError("closed", `the packet plane on ${tun.name} was stopped`);
      if (handlers !== undefined) throw new PortError("busy", `the packet plane on ${tun.name} runs already`);
      handlers = given;
      queues = tun.queues.map((fd, index) => openQueue(libc, core, options.entry, index, fd, hear, ended));
      try {
        await Promise.all(queues.map((queue) => queue.ready));
      } catch (error) {
        stopped = shutDown();
        await stopped;
        throw error;
      }
    },
    send: (packet) => stopped === undefined && sender.send(packet),
    totals: () => sender.totals,
    stop() {
      stopped ??= shutDown();
      return stopped;
    },
  };
}

/**
 * Asks for large pages under the core's tables, before they fill: a lookup at random touches a page of its own (measured on 256 MB,
 * x86-64: random reads 1.2 to 2.5 times faster on Node, Deno and Bun). A kernel that has none serves small ones.
 */
function adviseHugePages(libc: Libc, core: Pick<Core, "shared">): void {
  const buffer = sharedBuffer(core.shared.memory);
  libc.onMemory(buffer).madvise(0, Math.min(buffer.byteLength, ADVICE_MAX), MADV_HUGEPAGE);
}

/** A worker and what it shares with us. */
interface Queue {
  readonly control: Int32Array;
  readonly ready: Promise<void>;
  stop(): Promise<void>;
}

function openQueue(
  libc: Libc,
  core: Pick<Core, "shared">,
  entry: URL,
  index: number,
  tun: number,
  hear: (queue: Queue, message: DataMessage) => void,
  ended: (error: string | undefined) => void,
): Queue {
  const wake = libc.eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake < 0) throw new PortError("failed", `no eventfd for the packet loop: ${errnoName(libc.errno())}`);
  const controlBuffer = new SharedArrayBuffer(4 * CONTROL_WORDS);
  const control = new Int32Array(controlBuffer);
  const work: DataWork = { kind: "pshim6-data", shared: core.shared, index, tun, wake, control: controlBuffer };
  const worker = new Worker(entry, { workerData: work, name: `pshim6-data-${index}` } as ConstructorParameters<typeof Worker>[1]);
  let over = false;
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let fail: (error: Error) => void = () => undefined;
  let isReady = false;
  const end = (error: string | undefined) => {
    if (over) return;
    over = true;
    finish();
    if (isReady) ended(error);
    else fail(new PortError("failed", `a packet thread could not start: ${error ?? "it ended at once"}`));
  };
  const ready = new Promise<void>((resolve, reject) => {
    fail = reject;
    worker.on("message", (message: DataMessage) => {
      if (message.kind === "ended") end(message.error);
      else if (message.kind === "bell") hear(queue, message);
      else {
        isReady = true;
        resolve();
      }
    });
  });
  worker.on("error", (error: Error) => end(error.message));
  worker.on("exit", () => end(undefined));
  const queue: Queue = {
    control,
    ready,
    async stop() {
      Atomics.store(control, STOP, 1);
      const one = new SharedArrayBuffer(EVENTFD_OCTETS);
      new BigUint64Array(one)[0] = 1n;
      libc.onMemory(one).write(wake, 0, EVENTFD_OCTETS);
      await finished;
      await worker.terminate();
      libc.close(wake);
    },
  };
  return queue;
}

/** Writes our own packets into the first queue, behind a virtio header that asks for nothing. */
function openSender(libc: Libc, tun: Tun) {
  const buffer = new SharedArrayBuffer(VIRTIO_HEADER + LARGEST_PACKET);
  const octets = new Uint8Array(buffer);
  const calls = libc.onMemory(buffer);
  const totals = new Map<string, number>();
  const refuse = (why: string): boolean => {
    const name = `drop-write-${why}`;
    totals.set(name, (totals.get(name) ?? 0) + 1);
    return false;
  };
  return {
    totals,
    send(packet: Uint8Array): boolean {
      if (packet.length > LARGEST_PACKET) return refuse("emsgsize");
      octets.set(packet, VIRTIO_HEADER);
      return calls.write(tun.queues[0], 0, VIRTIO_HEADER + packet.length) >= 0 || refuse(errnoName(libc.errno()).toLowerCase());
    },
    close: () => octets.fill(0),
  };
}
