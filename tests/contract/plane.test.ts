/** The packet plane against a real kernel: a TUN in a namespace of its own, an echo in place of the core. */
import { createSocket, type Socket } from "node:dgram";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openTun } from "../../adapters/common/tun.ts";
import { loadLibc, loadPlatform, type Platform } from "../../adapters/platform.ts";
import type { PacketHandlers, PacketPlane } from "../../runtime/port/packet.ts";
import { address, putAddress } from "../../runtime/value/address.ts";
import { putU16, u16 } from "../../runtime/value/bytes.ts";
import { type EchoCore, openEchoCore, PUNT_PORT, PUNT_REASON } from "../lib/echo.ts";
import { insideNamespace } from "../lib/netns.ts";
import { within } from "../lib/scratch.ts";

const entry = new URL("../lib/echo-worker.ts", import.meta.url);
const HERE = "fc00:1::1";
const THERE = "fc00:1::2";
const ECHO_PORT = 7777;
/** More than one batch of the lane, and no more than a socket's default buffer holds while we are slow to read. */
const BURST = 100;
const NOTHING: PacketHandlers = { punt: () => undefined, activity: () => undefined, failed: () => undefined };

interface World {
  readonly platform: Platform;
  readonly core: EchoCore;
  readonly plane: PacketPlane;
}

/** A running plane `pt0`, its link up, {@link HERE} on it; stopped after `use`. */
async function withPlane(
  handlers: PacketHandlers,
  use: (world: World) => Promise<void>,
  options: { lanes?: number; offload?: number } = {},
): Promise<void> {
  const platform = await loadPlatform();
  const core = await openEchoCore(options.lanes);
  const plane = await platform.openPacketPlane(core, {
    name: "pt0",
    queues: options.lanes ?? 1,
    entry,
    ...(options.offload === undefined ? {} : { offload: options.offload }),
  });
  const ip = platform.command.run("ip", ["-batch", "-"], `link set lo up\naddr add ${HERE}/64 dev pt0 nodad\nlink set pt0 up mtu 1500\n`);
  assert.is(ip.code, 0, ip.stderr);
  try {
    await plane.start(handlers);
    await use({ platform, core, plane });
  } finally {
    for (const socket of sockets.splice(0)) socket.close();
    await plane.stop();
  }
}

/** Sockets of the running test; {@link withPlane} closes them, so that a failed test leaves nothing that keeps us alive. */
const sockets: Socket[] = [];

function bind(port = 0): Promise<Socket> {
  const socket = createSocket("udp6");
  sockets.push(socket);
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(port, HERE, () => resolve(socket));
  });
}

function nextMessage(socket: Socket): Promise<string> {
  return collect(socket, 1).then(([text]) => text);
}

/** Sends and waits until the kernel has it: not every runtime keeps the order of sends that overlap. */
function sendNow(socket: Socket, text: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => socket.send(text, port, THERE, (error) => (error ? reject(error) : resolve())));
}

/** The next `count` messages. */
function collect(socket: Socket, count: number): Promise<string[]> {
  const seen: string[] = [];
  const all = new Promise<string[]>((resolve) => {
    socket.on("message", (octets) => {
      seen.push(octets.toString());
      if (seen.length === count) resolve(seen);
    });
  });
  return within(`${count} packets back`, all);
}

async function echoOnce(text: string): Promise<void> {
  const socket = await bind();
  const answer = nextMessage(socket);
  socket.send(text, ECHO_PORT, THERE);
  assert.is(await answer, text);
}

/** An IPv6 UDP packet with a right checksum, from {@link THERE} to {@link HERE}. */
function udpPacket(port: number, payload: Uint8Array): Uint8Array {
  const packet = new Uint8Array(48 + payload.length);
  packet[0] = 0x60;
  putU16(packet, 4, 8 + payload.length);
  packet[6] = 17;
  packet[7] = 64;
  putAddress(address(THERE), packet, 8);
  putAddress(address(HERE), packet, 24);
  putU16(packet, 40, ECHO_PORT);
  putU16(packet, 42, port);
  putU16(packet, 44, 8 + payload.length);
  packet.set(payload, 48);
  let sum = 17 + 8 + payload.length;
  for (let at = 8; at < packet.length; at += 2) sum += (packet[at] << 8) | (packet[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  putU16(packet, 46, ~sum & 0xffff || 0xffff);
  return packet;
}

if (insideNamespace(fileURLToPath(import.meta.url))) {
  test("packets come back, with the transport checksum left to us", () =>
    withPlane(NOTHING, async ({ core, plane }) => {
      for (let i = 0; i < 20; i++) await echoOnce(`packet ${i}`);
      assert.ok(core.partialChecksums() >= 20, `partial checksums: ${core.partialChecksums()}`);
      assert.is(core.refusedWrites(), 0);
      assert.is(plane.totals().size, 0);
    }));

  test("without offload the kernel finishes every checksum", () =>
    withPlane(
      NOTHING,
      async ({ core }) => {
        await echoOnce("whole");
        assert.is(core.partialChecksums(), 0);
      },
      { offload: 0 },
    ));

  test("several queues serve one device", () =>
    withPlane(
      NOTHING,
      async () => {
        for (let i = 0; i < 16; i++) await echoOnce(`flow ${i}`);
      },
      { lanes: 2 },
    ));

  test("a burst is echoed whole", () =>
    withPlane(NOTHING, async () => {
      const sent = Array.from({ length: BURST }, (_, i) => String(i));
      const socket = await bind();
      const all = collect(socket, sent.length);
      for (const text of sent) socket.send(text, ECHO_PORT, THERE);
      assert.equal(new Set(await all), new Set(sent));
    }));

  test("what is sent in order comes back in order", () =>
    withPlane(NOTHING, async () => {
      const sent = Array.from({ length: 200 }, (_, i) => String(i));
      const socket = await bind();
      const all = collect(socket, sent.length);
      for (const text of sent) await sendNow(socket, text, ECHO_PORT);
      assert.equal(await all, sent);
    }));

  test("punted packets and the clock reach the handlers", async () => {
    const punts: { text: string; reason: number; context: number }[] = [];
    let activity = 0;
    let arrived: () => void = () => undefined;
    const all = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const handlers: PacketHandlers = {
      punt(packet, reason, context) {
        punts.push({ text: new TextDecoder().decode(packet.slice(48)), reason, context });
      },
      activity(now) {
        activity = now;
        if (punts.length === 30) arrived();
      },
      failed: () => undefined,
    };
    await withPlane(handlers, async ({ platform }) => {
      const before = platform.clock.now();
      const socket = await bind();
      for (let i = 0; i < 30; i++) await sendNow(socket, `punt ${i}`, PUNT_PORT);
      await within("30 punts", all);
      assert.ok(activity >= before && activity <= platform.clock.now());
      assert.equal(
        punts.map((punt) => punt.text),
        Array.from({ length: 30 }, (_, i) => `punt ${i}`),
      );
      assert.ok(punts.every((punt) => punt.reason === PUNT_REASON && punt.context === -1));
    });
  });

  test("each punt rings by itself, not only the first", async () => {
    let arrived: () => void = () => undefined;
    await withPlane({ ...NOTHING, punt: () => arrived() }, async () => {
      const socket = await bind();
      for (let i = 0; i < 20; i++) {
        const punted = new Promise<void>((resolve) => {
          arrived = resolve;
        });
        await sendNow(socket, "punt", PUNT_PORT);
        await within(`punt ${i}`, punted);
      }
    });
  });

  test("send puts a packet into the kernel; a refused one is counted", () =>
    withPlane(NOTHING, async ({ plane, platform }) => {
      const socket = await bind();
      const { port } = socket.address();
      const arrived = nextMessage(socket);
      const packet = udpPacket(port, new TextEncoder().encode("from the box"));
      assert.is(u16(packet, 42), port);
      assert.ok(plane.send(packet));
      packet.fill(0);
      assert.is(await arrived, "from the box");
      assert.not(plane.send(new Uint8Array(0)));
      assert.not(plane.send(new Uint8Array(70_000)));
      platform.command.run("ip", ["link", "set", "pt0", "down"]);
      assert.not(plane.send(udpPacket(port, new Uint8Array(4))));
      assert.is(plane.totals().get("drop-write-emsgsize"), 1);
      assert.is(plane.totals().get("drop-write-eio"), 1);
      platform.command.run("ip", ["-batch", "-"], `link set pt0 up\naddr replace ${HERE}/64 dev pt0 nodad\n`);
      await echoOnce("up again");
    }));

  test("an idle plane costs no processor time", () =>
    withPlane(NOTHING, async () => {
      await echoOnce("warm");
      const before = process.cpuUsage();
      await new Promise((resolve) => setTimeout(resolve, 400));
      const { user, system } = process.cpuUsage(before);
      // A loop that spins takes 400,000 µs here.
      assert.ok(user + system < 200_000, `${user + system} µs of processor time in 400 ms`);
    }));

  test("a deleted interface is told once, and stop still works", async () => {
    const errors: Error[] = [];
    let told: () => void = () => undefined;
    const known = new Promise<void>((resolve) => {
      told = resolve;
    });
    const failed = (error: Error) => {
      errors.push(error);
      told();
    };
    await withPlane({ ...NOTHING, failed }, async ({ platform }) => {
      assert.is(platform.command.run("ip", ["link", "del", "pt0"]).code, 0);
      await within("word of the end", known);
    });
    assert.is(errors.length, 1);
    assert.match(errors[0].message, /pt0.*deleted/);
  });

  test("a stopped plane is quiet, frees its device and cannot start again", async () => {
    let plane: PacketPlane | undefined;
    let platform: Platform | undefined;
    await withPlane(NOTHING, async (world) => {
      ({ plane, platform } = world);
    });
    assert.ok(plane !== undefined && platform !== undefined);
    assert.not(plane.send(new Uint8Array(40)));
    await plane.stop();
    assert.is.not(platform.command.run("ip", ["link", "show", "pt0"]).code, 0);
    await plane.start(NOTHING).then(
      () => assert.unreachable("started again"),
      (error: Error) => assert.match(error.message, /stopped/),
    );
  });

  test("a worker that cannot start is an error of start", async () => {
    const platform = await loadPlatform();
    const plane = await platform.openPacketPlane(await openEchoCore(), {
      name: "pt0",
      queues: 1,
      entry: new URL("data:text/javascript,throw new Error('no such lane')"),
    });
    let message = "";
    await plane.start(NOTHING).catch((error: Error) => {
      message = error.message;
    });
    assert.match(message, /could not start/);
    await plane.stop();
  });

  test("opening a TUN fails with a sentence that says what to do", async () => {
    const libc = await loadLibc();
    const first = openTun(libc, { name: "pt1", queues: 1 });
    const code = (work: () => unknown): string => {
      try {
        work();
      } catch (error) {
        return error instanceof Error && "code" in error ? `${error.code}: ${error.message}` : String(error);
      }
      return "no error";
    };
    assert.match(
      code(() => openTun(libc, { name: "pt1", queues: 1 })),
      /^busy: interface pt1 is in use/,
    );
    assert.match(
      code(() => openTun(libc, { name: "lo", queues: 1 })),
      /^busy: an interface lo of another kind/,
    );
    assert.match(
      code(() => openTun(libc, { name: "a name of many words", queues: 1 })),
      /^failed: .*no name for an interface/,
    );
    const barred = { ...libc, open: () => -1, errno: () => 1 };
    assert.match(
      code(() => openTun(barred, { name: "pt2", queues: 1 })),
      /^permission: .*CAP_NET_ADMIN/,
    );
    const absent = { ...libc, open: () => -1, errno: () => 2 };
    assert.match(
      code(() => openTun(absent, { name: "pt2", queues: 1 })),
      /^missing: .*modprobe tun/,
    );
    first.close();
    first.close();
    openTun(libc, { name: "pt1", queues: 1 }).close();
  });

  test.run();
}
