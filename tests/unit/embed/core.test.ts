/** `pshim6/core`: a packet both ways, over unshared and shared memory, and every error by its name. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { CoreSettings, Direction, EmbeddedCore } from "../../../runtime/embed/contract.ts";
import { embedCore } from "../../../runtime/embed/core.ts";
import { CoreError } from "../../../runtime/embed/error.ts";
import { withoutSharing } from "../../../runtime/embed/module.ts";
import { openLane } from "../../../runtime/embed/open.ts";
import { address } from "../../../runtime/value/address.ts";
import { contextTag } from "../../../runtime/value/tag.ts";
import { insertPayloadHeader } from "../../../runtime/wire/payload.ts";
import { coreModule, hashKey } from "../../lib/core.ts";

coreModule();
const OCTETS = Uint8Array.from(readFileSync(fileURLToPath(new URL("../../../dist/core.wasm", import.meta.url))));
const PREFIXES = { ulid: "fc00:aaaa:1::/48", locators: ["2001:db8:a1::/48"] };
const SETTINGS: CoreSettings = { prefixes: PREFIXES, contexts: 16, batch: 4, hashKey: hashKey() };
const CONTEXT = {
  localUlid: "fc00:aaaa:1::10",
  peerUlid: "FC00:BBBB:1:0::10",
  localTag: 0x1111,
  peerTag: 0x2222_0000_0001,
  localLocator: "2001:db8:a1::10",
  peerLocator: "2001:db8:b3::10",
};
const TIMING = { sendTimeout: 15_000, keepaliveTimeout: 15_000, keepaliveInterval: 5000 };

/** A UDP packet of `payload` octets. */
function packet(source: string, destination: string, payload = 16): Uint8Array {
  const octets = new Uint8Array(48 + payload);
  octets.set([0x60, 0, 0, 0, 0, 8 + payload, 17, 64]);
  new DataView(octets.buffer).setUint16(4, 8 + payload);
  octets.set(addressOf(source), 8);
  octets.set(addressOf(destination), 24);
  octets.set([0, 7, 0, 7, 0, 8 + payload, 1, 2], 40);
  return octets;
}

function addressOf(text: string): Uint8Array {
  const groups = text.split("::");
  const octets = new Uint8Array(16);
  const put = (part: string, at: number) =>
    part
      .split(":")
      .filter(Boolean)
      .forEach((group, i) => {
        new DataView(octets.buffer).setUint16(at + 2 * i, Number.parseInt(group, 16));
      });
  put(groups[0], 0);
  put(groups[1], 16 - 2 * groups[1].split(":").filter(Boolean).length);
  return octets;
}

const HOSTS = packet(CONTEXT.localUlid, "fc00:bbbb:1::10");

/** What the peer's box makes of its host's answer. */
function fromPeer(): Uint8Array {
  const answer = packet("fc00:bbbb:1::10", CONTEXT.localUlid);
  const sent = insertPayloadHeader(answer, address(CONTEXT.peerLocator), address(CONTEXT.localLocator), contextTag(CONTEXT.localTag));
  if (!(sent instanceof Uint8Array)) throw new Error("no packet");
  return sent;
}

function forwarded(core: EmbeddedCore, packets: readonly Uint8Array[], now = 0): [Uint8Array, Direction, number][] {
  const found: [Uint8Array, Direction, number][] = [];
  const count = core.run(packets, now, (view, direction, index) => found.push([view.slice(), direction, index]));
  assert.is(count, found.length);
  return found;
}

function code(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CoreError) return error.code;
    throw error;
  }
  return "no error";
}

async function codeOf(run: () => Promise<unknown>): Promise<string> {
  try {
    await run();
  } catch (error) {
    if (error instanceof CoreError) return error.code;
    throw error;
  }
  return "no error";
}

for (const shared of [false, true]) {
  test(`a packet leaves with its header, and one comes back, shared: ${shared}`, async () => {
    const core = await embedCore(OCTETS, { ...SETTINGS, shared });
    assert.is(core.lane.memory.buffer instanceof SharedArrayBuffer, shared);
    const id = core.addContext({ ...CONTEXT, timing: TIMING }, 0);
    const [[out, way, index], ...more] = forwarded(core, [packet("2001:db8::1", "2001:db8::2"), HOSTS], 5);
    const plain = insertPayloadHeader(HOSTS, address(CONTEXT.localLocator), address(CONTEXT.peerLocator), contextTag(CONTEXT.peerTag));
    assert.equal([out, way, index, more], [plain, "out", 1, []]);
    const [[back, direction]] = forwarded(core, [fromPeer()], 7);
    assert.equal([back, direction], [packet("fc00:bbbb:1::10", CONTEXT.localUlid), "in"]);
    assert.equal(core.traffic(id), { packetsOut: 1, octetsOut: 64, packetsIn: 1, octetsIn: 64, lastSent: 5, lastReceived: 7 });
    const { "out-payload-shim6": sent, "in-payload-shim6": received, "drop-source-ip6": dropped, ...others } = core.counters();
    assert.equal([sent, received, dropped], [1, 1, 1]);
    assert.ok(Object.values(others).every((count) => count === 0));
  });
}

test("more packets than slots, each time with clean slots, and the caller's arrays stay as they are", async () => {
  const core = await embedCore(OCTETS, SETTINGS);
  core.addContext(CONTEXT, 0);
  const before = HOSTS.slice();
  const packets = Array.from({ length: 11 }, (_, i) => (i % 2 === 0 ? HOSTS : fromPeer()));
  for (let round = 0; round < 3; round++) {
    const found = forwarded(core, packets);
    assert.equal(
      found.map(([, , index]) => index).sort((a, b) => a - b),
      packets.map((_, i) => i),
    );
    assert.ok(found.every(([, way, index]) => way === (index % 2 === 0 ? "out" : "in")));
  }
  assert.equal(HOSTS, before);
});

test("what the core leaves to the caller, and what it drops", async () => {
  const core = await embedCore(OCTETS, { ...SETTINGS, mtu: 1500, puntOther: true });
  const id = core.addContext(CONTEXT, 0);
  core.updateContext(id, { hold: true }, 0);
  const control = packet("2001:db8:b3::10", "2001:db8:a1::10");
  control.set([140], 6);
  control.set([59, 2, 1, 0], 40);
  const unknown = fromPeer();
  unknown[47] ^= 1;
  forwarded(core, [packet(CONTEXT.localUlid, "fc00:cccc::1"), HOSTS, unknown, control, packet("2001:db8:b3::1", "2001:db8:a1::9")]);
  const punts: [string, number | undefined, number][] = [];
  assert.is(
    core.takePunts(100, (view, reason, context) => punts.push([reason, context, view.length])),
    5,
  );
  assert.equal(punts.map(([reason, context]) => `${reason} ${context}`).sort(), [
    "punt-control-shim6 undefined",
    "punt-hold 0",
    "punt-no-context undefined",
    "punt-no-tag-shim6 undefined",
    "punt-other undefined",
  ]);
  core.updateContext(id, { hold: false }, 0);
  forwarded(core, [packet(CONTEXT.localUlid, "fc00:bbbb:1::10", 1452), new Uint8Array(3000).fill(0x60), new Uint8Array(0)]);
  core.takePunts(1, (_, reason, context) => assert.equal([reason, context], ["punt-big", undefined]));
  assert.is(core.counters()["drop-long-frame"], 1);
  assert.is(core.counters()["drop-short-ip6"], 1);
});

test("timers run out when they should", async () => {
  const core = await embedCore(OCTETS, SETTINGS);
  const id = core.addContext({ ...CONTEXT, timing: { ...TIMING, idleTimeout: 60_000 } }, 0);
  const due: [number, string, number][] = [];
  const advance = (now: number) => core.advance(now, (found, kind) => due.push([found, kind, now]));
  forwarded(core, [HOSTS], 100);
  // The wheel may want a look before that.
  for (let at = advance(101); due.length === 0; ) {
    assert.ok(at > 101 && at <= 15_100, String(at));
    at = advance(at);
  }
  assert.equal(due.splice(0), [[id, "send-timeout", 15_100]]);
  forwarded(core, [fromPeer()], 20_000);
  core.timer(id, "send", "stop", 20_000);
  for (const now of [25_000, 30_000, 35_000]) advance(now);
  assert.equal(
    due.splice(0).map(([, kind]) => kind),
    ["keepalive", "keepalive", "keepalive-last"],
  );
  core.timer(id, "keepalive", "restart", 40_000);
  core.updateContext(id, { watch: true }, 40_000);
  forwarded(core, [fromPeer()], 40_001);
  advance(40_001);
  assert.equal(due.splice(0), [[id, "received", 40_001]]);
  core.removeContext(id);
  assert.is(advance(1_000_000), Number.POSITIVE_INFINITY);
  assert.equal(due, []);
});

test("contexts are found, changed, removed; ids come again; the table fills", async () => {
  const core = await embedCore(OCTETS, SETTINGS);
  const numbered = (n: number) => ({ ...CONTEXT, localUlid: `fc00:aaaa:1::${n}`, localTag: n });
  const ids = Array.from({ length: 16 }, (_, n) => core.addContext(numbered(n), 0));
  assert.equal(new Set(ids).size, 16);
  assert.is(
    code(() => core.addContext(numbered(16), 0)),
    "full",
  );
  assert.is(core.findContext({ localTag: 7 }), ids[7]);
  assert.is(core.findContext({ localUlid: "fc00:aaaa:1::7", peerUlid: CONTEXT.peerUlid }), ids[7]);
  core.removeContext(ids[7]);
  core.removeContext(ids[7]);
  assert.is(core.findContext({ localTag: 7 }), undefined);
  assert.is(
    code(() => core.addContext({ ...numbered(7), localTag: 3 }, 0)),
    "taken",
  );
  assert.is(core.addContext(numbered(7), 0), ids[7]);
  core.updateContext(ids[0], { peerLocator: "2001:db8:b4::1", peerTag: 5, mtu: 1400, timing: TIMING }, 0);
  const [[out]] = forwarded(core, [packet("fc00:aaaa:1::0", "fc00:bbbb:1::10")]);
  assert.equal(out.subarray(24, 40), addressOf("2001:db8:b4::1"));
});

test("errors have names", async () => {
  const core = await embedCore(OCTETS, SETTINGS);
  const id = core.addContext(CONTEXT, 0);
  const wrong: readonly [string, () => unknown][] = [
    ["address", () => core.addContext({ ...CONTEXT, localUlid: "fc00::1::2" }, 0)],
    ["tag", () => core.addContext({ ...CONTEXT, localTag: 2 ** 47 }, 0)],
    ["option", () => core.addContext({ ...CONTEXT, fork: -1 }, 0)],
    ["option", () => core.addContext({ ...CONTEXT, localTag: 9, fork: 1, timing: { sendTimeout: 2 ** 31 } }, 0)],
    ["option", () => core.updateContext(id, { mtu: 1000 }, 0)],
    ["unknown", () => core.updateContext(9, { hold: true }, 0)],
    ["unknown", () => core.traffic(9)],
    ["prefix", () => core.setPrefixes({ ...PREFIXES, ulid: "fc00::1/48" })],
    ["option", () => core.setPrefixes({ ...PREFIXES, locators: new Array<string>(17).fill("2001:db8::/48") })],
    ["packet", () => core.lane.run(5, 0, () => undefined)],
  ];
  for (const [expected, run] of wrong) assert.is(code(run), expected);
  assert.is(core.findContext({ localTag: 9 }), undefined, "what was refused is not in the table");
  const opening: readonly [string, Partial<CoreSettings>][] = [
    ["option", { contexts: 0 }],
    ["option", { packetOctets: 100 }],
    ["option", { batch: 257 }],
    ["option", { hashKey: new Uint8Array(3) }],
    ["option", { puntOctets: 5000 }],
    ["option", { mss: 0 }],
    ["prefix", { prefixes: { ulid: "nonsense", locators: [] } }],
    ["memory", { lanes: 2, shared: false }],
    ["module", { wasm: {} }],
    ["module", { wasm: await WebAssembly.compile(withoutSharing(OCTETS)), shared: true }],
  ];
  for (const [expected, change] of opening) assert.is(await codeOf(() => embedCore(OCTETS, { ...SETTINGS, ...change })), expected);
  assert.is(await codeOf(() => embedCore(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]), SETTINGS)), "module");
  assert.is(await codeOf(() => openLane({ memory: {}, module: {}, sizes: {} }, 0)), "memory");
  assert.is(await codeOf(() => openLane(core.shared, 1)), "option");
  core.close();
  core.close();
  assert.is(
    code(() => core.counters()),
    "closed",
  );
  assert.is(
    code(() => core.lane),
    "closed",
  );
});

test("a program compiled ahead is taken", async () => {
  const core = await embedCore(new Uint8Array(0), { ...SETTINGS, wasm: await WebAssembly.compile(withoutSharing(OCTETS)) });
  core.addContext(CONTEXT, 0);
  assert.is(forwarded(core, [HOSTS]).length, 1);
});

test("a lane without copies says where each packet stands", async () => {
  const core = await embedCore(OCTETS, SETTINGS);
  core.addContext(CONTEXT, 0);
  const { lane } = core;
  for (const [slot, octets] of [HOSTS, fromPeer(), new Uint8Array(10)].entries()) {
    // Whoever reads packets into the memory may write there, too.
    lane.memory.fill(0xff, lane.slots[slot] - 10, lane.slots[slot]);
    lane.memory.set(octets, lane.slots[slot]);
    lane.lengths[slot] = octets.length;
  }
  const found: string[] = [];
  lane.run(3, 0, (offset, octets, direction, slot) => found.push(`${direction} ${slot} ${offset - lane.slots[slot]} ${octets}`));
  assert.equal(found.sort(), ["in 1 8 64", "out 0 -8 72"]);
  assert.equal([0, 1, 2].map(lane.verdict), ["out-payload-shim6", "in-payload-shim6", "drop-short-ip6"]);
  assert.ok(lane.takeBell(), "timers were started");
  assert.not(lane.takeBell());
});

test("another thread runs a lane of its own", async () => {
  const core = await embedCore(OCTETS, { ...SETTINGS, lanes: 2 });
  core.addContext(CONTEXT, 0);
  const url = new URL("../../../runtime/embed/open.ts", import.meta.url).href;
  const code = `
    import { parentPort, workerData } from "node:worker_threads";
    const { openLane } = await import(${JSON.stringify(url)});
    const lane = await openLane(workerData.shared, 1);
    lane.memory.set(workerData.packet, lane.slots[0]);
    lane.lengths[0] = workerData.packet.length;
    parentPort.postMessage(lane.run(1, 0, () => {}));`;
  const { memory, module, sizes } = core.shared;
  const workerData = { shared: { memory, module, sizes }, packet: HOSTS };
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), { workerData });
  const ran = await new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  await worker.terminate();
  assert.is(ran, 1);
  assert.is(core.counters()["out-payload-shim6"], 1);
});

test.run();
