/**
 * Stands for the internet where the kernel has no netem: a TUN whose packets come back out of it after `--delay` ms, except
 * those that a seeded choice loses. Tells what it lost in JSON lines. It blocks its thread and ends by SIGTERM.
 *
 * usage: lossy-wire.ts --name TUN --delay MS --loss SHARE --seed N
 */
import { writeSync } from "node:fs";
import { sharedBuffer } from "../../../adapters/common/libc.ts";
import { openTun } from "../../../adapters/common/tun.ts";
import { POLLFD_EVENTS, POLLFD_FD, POLLIN } from "../../../adapters/linux/file.ts";
import { VIRTIO_HEADER } from "../../../adapters/linux/tun.ts";
import { loadLibc, loadMonotonic } from "../../../adapters/platform.ts";
import { addressAt } from "../../../runtime/value/address.ts";
import { numberOf, wordOf } from "./arguments.ts";
import { seededRandom } from "./random.ts";

/** A line of standard output. */
export type WireLine = { readonly ready: true } | LostPacket;

/** `payload`: carries a host's packet behind a Shim6 payload header; else a Shim6 control message, or something else. */
export interface LostPacket {
  readonly lost: "payload" | "control" | "other";
  readonly source: string;
  readonly destination: string;
}

const LARGEST = 2048;
const PACKETS_KEPT = 65_536;
const IPV6_HEADER = 40;
const SHIM6 = 140;

interface Waiting {
  readonly due: number;
  readonly frame: Uint8Array;
}

await carry();

async function carry(): Promise<void> {
  const [libc, now] = [await loadLibc(), await loadMonotonic()];
  const delay = numberOf("delay", 10, 0, 10_000);
  const loss = numberOf("loss", 0, 0, 1);
  const random = seededRandom(numberOf("seed", 1, 0, 0xffff_ffff));
  const tun = openTun(libc, { name: wordOf("name") ?? "wire0", queues: 1, offload: 0 });
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const octets = new Uint8Array(memory.buffer);
  const calls = libc.onMemory(sharedBuffer(memory));
  const view = new DataView(memory.buffer);
  const pollfd = LARGEST;
  view.setInt32(pollfd + POLLFD_FD, tun.queues[0], true);
  view.setInt16(pollfd + POLLFD_EVENTS, POLLIN, true);
  const waiting: Waiting[] = [];
  say({ ready: true });
  for (;;) {
    calls.poll(pollfd, 1, waiting.length === 0 ? -1 : Math.max(0, Math.ceil(waiting[0].due - now())));
    for (let length = 0; ; ) {
      length = calls.read(tun.queues[0], 0, LARGEST);
      if (length <= 0) break;
      const frame = octets.slice(0, length);
      if (random() < loss || waiting.length >= PACKETS_KEPT) say(lost(frame.subarray(VIRTIO_HEADER)));
      else waiting.push({ due: now() + delay, frame });
    }
    for (const here = now(); waiting.length > 0 && waiting[0].due <= here; ) {
      const [next] = waiting.splice(0, 1);
      octets.set(next.frame);
      calls.write(tun.queues[0], 0, next.frame.length);
    }
  }
}

function lost(packet: Uint8Array): LostPacket {
  const shim6 = packet[6] === SHIM6 && packet.length > IPV6_HEADER + 2;
  const what = shim6 ? ((packet[IPV6_HEADER + 2] & 0x80) !== 0 ? "payload" : "control") : "other";
  return { lost: what, source: addressAt(packet, 8), destination: addressAt(packet, 24) };
}

function say(line: WireLine): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}
