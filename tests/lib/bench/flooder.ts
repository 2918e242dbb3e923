/**
 * A flood of forged I1: a TUN in the internet that writes them at a steady rate, each from another address of many /48s, and counts
 * what comes back to these addresses. Tells what it did in JSON lines, one a second. Ends by SIGTERM.
 *
 * usage: flooder.ts --name TUN --rate PACKETS_PER_SECOND --to LOCATOR --ulid ULID --seed N
 */
import { writeSync } from "node:fs";
import { sharedBuffer } from "../../../adapters/common/libc.ts";
import { openTun } from "../../../adapters/common/tun.ts";
import { POLLFD_EVENTS, POLLFD_FD, POLLIN } from "../../../adapters/linux/file.ts";
import { VIRTIO_HEADER } from "../../../adapters/linux/tun.ts";
import { loadLibc, loadMonotonic } from "../../../adapters/platform.ts";
import { address } from "../../../runtime/value/address.ts";
import { putU16, putU32 } from "../../../runtime/value/bytes.ts";
import { contextTag } from "../../../runtime/value/tag.ts";
import { checksum, emitPacket } from "../../../runtime/wire/index.ts";
import { numberOf, wordOf } from "./arguments.ts";

/** A line of standard output: totals. */
export type FloodLine =
  | { readonly ready: true }
  | { readonly sent: number; readonly refused: number; readonly answered: number; readonly answeredOctets: number };

/** Sources are 2001:db8:e000::/36: 4,096 sites that nobody else has. */
export const FLOOD_SOURCES = "2001:db8:e000::/36";

const FRAME = 4096;
const IPV6 = 40;
const SECOND = 1000;

await flood();

async function flood(): Promise<void> {
  const [libc, now] = [await loadLibc(), await loadMonotonic()];
  const rate = numberOf("rate", 50_000, 1, 1_000_000);
  let state = numberOf("seed", 1, 1, 0xffff_ffff) >>> 0;
  const tun = openTun(libc, { name: wordOf("name") ?? "flood0", queues: 1, offload: 0 });
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const octets = new Uint8Array(memory.buffer);
  const calls = libc.onMemory(sharedBuffer(memory));
  const view = new DataView(memory.buffer);
  const pollfd = 2 * FRAME;
  view.setInt32(pollfd + POLLFD_FD, tun.queues[0], true);
  view.setInt16(pollfd + POLLFD_EVENTS, POLLIN, true);
  const template = emitPacket(address("2001:db8:e000::1"), address(wordOf("to") ?? ""), {
    kind: "I1",
    initiatorTag: contextTag(1),
    initiatorNonce: 1,
    options: [
      { kind: "ulid-pair", sender: address("fc00:dead::1"), receiver: address(wordOf("ulid") ?? "") },
      { kind: "capabilities", version: 1, sendTimeout: 300 },
    ],
  });
  const packet = octets.subarray(VIRTIO_HEADER, VIRTIO_HEADER + template.length);
  packet.set(template);
  const length = VIRTIO_HEADER + template.length;
  const totals = { sent: 0, refused: 0, answered: 0, answeredOctets: 0 };
  say({ ready: true });
  const begun = now();
  for (let told = begun; ; ) {
    const here = now();
    for (let due = Math.floor(((here - begun) * rate) / SECOND) - totals.sent - totals.refused; due > 0; due--) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      // Source, tag, nonce and the sender's ULID differ: no two have anything in common that a filter could know.
      packet[12] = 0xe0 | ((state >>> 8) & 0x0f);
      packet[13] = state & 0xff;
      putU32(packet, 20, state >>> 0);
      putU32(packet, IPV6 + 8, state >>> 0);
      putU32(packet, IPV6 + 12, Math.imul(state, 0x9e37_79b1) >>> 0);
      putU32(packet, IPV6 + 36, state >>> 0);
      putU16(packet, IPV6 + 4, 0);
      putU16(packet, IPV6 + 4, checksum(packet.subarray(IPV6)));
      if (calls.write(tun.queues[0], 0, length) > 0) totals.sent++;
      else totals.refused++;
    }
    for (let got = calls.read(tun.queues[0], FRAME, FRAME); got > 0; got = calls.read(tun.queues[0], FRAME, FRAME)) {
      totals.answered++;
      totals.answeredOctets += got - VIRTIO_HEADER;
    }
    if (here - told >= SECOND) {
      told = here;
      say({ ...totals });
    }
    calls.poll(pollfd, 0, 1);
  }
}

function say(line: FloodLine): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}
