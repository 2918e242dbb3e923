// The capture of a running box: whole control messages of both directions, readable at any time, bounded; a full disk does not stop the box.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { memoryGrowing } from "../../../adapters/memory/growing.ts";
import { memoryLogs } from "../../../adapters/memory/log.ts";
import { PUNT_CONTROL, PUNT_NO_TAG } from "../../../core-as/layout/verdict.ts";
import { Capture, capturePlane } from "../../../runtime/box/capture.ts";
import type { PacketHandlers, PacketPlane } from "../../../runtime/port/packet.ts";
import { sameBytes, u32 } from "../../../runtime/value/bytes.ts";
import { PCAP_HEADER_OCTETS, PCAP_RECORD_OCTETS } from "../../../runtime/wire/pcap.ts";
import { connected, messagesOf } from "../../lib/boxpair.ts";
import { havePeers } from "../../lib/peers.ts";

const PATH = "/run.pcap";
const JUDGE = fileURLToPath(new URL("../../lib/judge/shim6judge.py", import.meta.url));

function begin(limit: number, room = Number.POSITIVE_INFINITY) {
  const disk = memoryGrowing();
  const logs = memoryLogs();
  const capture = new Capture({
    file: disk.open(PATH),
    older: `${PATH}.1`,
    limit,
    wall: () => 1_767_225_600_123.456,
    log: logs.area("capture"),
  });
  disk.room = room;
  return { disk, logs, capture };
}

function records(file: Uint8Array | undefined): Uint8Array[] {
  if (file === undefined) return [];
  const packets: Uint8Array[] = [];
  for (let at = PCAP_HEADER_OCTETS; at < file.length; ) {
    const length = u32(file, at + 8);
    assert.is(u32(file, at + 12), length);
    packets.push(file.slice(at + PCAP_RECORD_OCTETS, at + PCAP_RECORD_OCTETS + length));
    at += PCAP_RECORD_OCTETS + length;
  }
  return packets;
}

/** A plane that only remembers. */
function plane(): { plane: PacketPlane; punt: PacketHandlers["punt"]; sent: Uint8Array[] } {
  const sent: Uint8Array[] = [];
  let handlers: PacketHandlers | undefined;
  const made: PacketPlane = {
    start: async (given) => {
      handlers = given;
    },
    send: (packet) => {
      sent.push(packet.slice());
      return true;
    },
    totals: () => new Map(),
    stop: async () => undefined,
  };
  return { plane: made, punt: (packet, reason, context) => handlers?.punt(packet, reason, context), sent };
}

test("control messages of both directions, whole and in order; no payload", async () => {
  const { a, b } = await connected();
  const { disk, capture } = begin(1_000_000);
  const rim = plane();
  const heard: number[] = [];
  const tapped = capturePlane(rim.plane, capture);
  await tapped.start({ punt: (_, reason) => heard.push(reason), activity: () => undefined, failed: () => undefined });
  const out = a.sent.slice();
  const back = b.sent.slice();
  for (const packet of out) tapped.send(packet);
  for (const packet of back) rim.punt(packet, packet[42] >= 0x80 ? PUNT_NO_TAG : PUNT_CONTROL, -1);
  await Promise.resolve();
  const kept = records(disk.files.get(PATH));
  const wanted = [...out, ...back].filter((packet) => packet[42] < 0x80);
  assert.is(kept.length, wanted.length);
  assert.ok(kept.every((packet, i) => sameBytes(packet, wanted[i])));
  assert.ok(out.length + back.length > wanted.length, "there was payload to leave out");
  assert.equal(new Set(messagesOf(kept).map(({ message }) => message.kind)), new Set(["I1", "I2", "R1", "R2", "Keepalive"]));
  assert.is(rim.sent.length, out.length);
  assert.is(heard.length, back.length);
  const file = disk.files.get(PATH) ?? new Uint8Array();
  assert.is(u32(file, PCAP_HEADER_OCTETS), 1_767_225_600);
  assert.is(u32(file, PCAP_HEADER_OCTETS + 4), 123_456);
});

test("the judge and tshark read it", async () => {
  if (!havePeers("python3")) return;
  const { a, b } = await connected();
  const { disk, capture } = begin(1_000_000);
  for (const packet of [...a.sent, ...b.sent]) if (packet[42] < 0x80) capture.add(packet);
  capture.close();
  const scratch = mkdtempSync(join(tmpdir(), "pshim6-capture-"));
  const file = join(scratch, "run.pcap");
  writeFileSync(file, disk.files.get(PATH) ?? new Uint8Array());
  const judged = spawnSync("python3", [JUDGE, file], { encoding: "utf8" });
  assert.is(judged.status, 0, judged.stdout + judged.stderr);
  assert.match(judged.stdout, /^(\d+) packets, \1 shim6, \1 control, 0 faults$/m);
  const shark = spawnSync("tshark", ["-r", file, "-T", "fields", "-e", "ipv6.nxt"], { encoding: "utf8" });
  if (shark.error === undefined) {
    assert.is(shark.status, 0, shark.stderr);
    assert.ok(
      shark.stdout
        .trim()
        .split("\n")
        .every((line) => line.startsWith("140")),
      shark.stdout,
    );
  }
  rmSync(scratch, { recursive: true });
});

test("the limit holds for both files together, whatever comes; the newest messages are there", async () => {
  const { disk, capture } = begin(4000);
  const packets = Array.from({ length: 200 }, (_, i) => new Uint8Array(40 + ((i * 37) % 900)).fill(i));
  for (const packet of packets) {
    capture.add(packet);
    if (packet[0] % 3 === 0) await Promise.resolve();
    const octets = [...disk.files.values()].reduce((sum, { length }) => sum + length, 0);
    assert.ok(octets <= 4000, `${octets} octets`);
  }
  capture.close();
  const kept = [...records(disk.files.get(`${PATH}.1`)), ...records(disk.files.get(PATH))];
  assert.ok(kept.length >= 2);
  assert.equal(kept, packets.slice(-kept.length));
});

test("a disk that is full ends the capture and says so once; messages go on", async () => {
  const { disk, logs, capture } = begin(1_000_000, 500);
  const rim = plane();
  const tapped = capturePlane(rim.plane, capture);
  const { a } = await connected();
  for (const packet of [...a.sent, ...a.sent]) {
    assert.ok(tapped.send(packet));
    await Promise.resolve();
  }
  assert.is(rim.sent.length, 2 * a.sent.length);
  assert.equal(
    logs.take().map(({ level, message }) => [level, message]),
    [["error", "the capture ends here"]],
  );
  records(disk.files.get(PATH));
});

test.run();
