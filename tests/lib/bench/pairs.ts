/** Two boxes of one process with as many contexts as their hosts have pairs: core, machines, real RSA signatures, no kernel. */
import process from "node:process";
import { createCrypto } from "../../../adapters/common/crypto.ts";
import { systemEntropy } from "../../../adapters/common/entropy.ts";
import { memoryLogs } from "../../../adapters/memory/log.ts";
import { type MemoryPlane, memoryPlane } from "../../../adapters/memory/plane.ts";
import { assembleBox } from "../../../runtime/box/assemble.ts";
import type { Box } from "../../../runtime/box/box.ts";
import { Release } from "../../../runtime/box/release.ts";
import { finish, generateCga } from "../../../runtime/cga/index.ts";
import { createCore, HASH_KEY_OCTETS } from "../../../runtime/fast/core.ts";
import { openLane } from "../../../runtime/fast/lane.ts";
import { addressAt, type Locator, type Ulid } from "../../../runtime/value/address.ts";
import { contains, type Prefix, prefix, withPrefix } from "../../../runtime/value/prefix.ts";
import { type Millis, NEVER } from "../../../runtime/value/time.ts";
import { coreModule } from "../core.ts";
import { packetOf } from "../packet.ts";

export const KEY_BITS = 2_048;
const BATCH = 64;
const PUNT_OCTETS = 1 << 20;
/** Host packets before the wire is emptied again: so many handshakes are under way at a time. */
const AT_A_TIME = 64;
const UDP = 17;

const crypto = createCrypto();
const module = coreModule();

/** One site, its box, and what is on the way to it. */
export interface Site {
  readonly ulids: readonly Ulid[];
  readonly providers: readonly Prefix[];
  readonly block: Prefix;
  box: Box;
  plane: MemoryPlane;
  wake: { at: Millis; run: () => void };
  established: number;
  readonly arriving: Uint8Array[];
}

/** What one run showed. */
export interface Figures {
  readonly contexts: number;
  readonly milliseconds: number;
  readonly perSecond: number;
  /** What both boxes cost: the same on a machine that has other things to do. */
  readonly cpuMilliseconds: number;
  readonly perCpuSecond: number;
}

async function makeSite(name: string, digits: string, providers: readonly Prefix[], hosts: number, wire: Uint8Array[]): Promise<Site> {
  const block = prefix(`fc00:${digits}:1::/48`);
  const privateKey = crypto.rsaGenerate(KEY_BITS);
  const publicKey = crypto.rsaPublic(privateKey);
  const subnet = { base: block.base, length: 64 };
  const cgas = Array.from({ length: hosts }, () =>
    finish(generateCga(crypto, { prefix: subnet, publicKey, sec: 0, modifier: systemEntropy.bytes(16) })),
  );
  const parameters = new Map(cgas.map(({ address, pds }) => [address, pds]));
  const now = () => performance.now();
  // Twice as many as one /48 may take (SITE_SHARE), and room.
  const sizes = {
    contexts: 4 * 2 ** Math.ceil(Math.log2(hosts * hosts)),
    lanes: 2,
    batch: BATCH,
    slotOctets: 2_048,
    puntOctets: PUNT_OCTETS,
  };
  const core = await createCore(module, sizes, { hashKey: systemEntropy.bytes(HASH_KEY_OCTETS), now: now() });
  core.setPrefixes({ ulid: block, generic: prefix("fc00::/7"), locators: providers });
  const site: Partial<Site> & Pick<Site, "established"> = { established: 0 };
  const wake = { at: NEVER as Millis, run: (): void => undefined };
  const plane = memoryPlane({
    core,
    lane: await openLane(core.shared, 0),
    now,
    deliver: (packet) => {
      if (contains(block, addressAt(packet, 24))) site.established++;
      else wire.push(packet);
    },
  });
  const release = new Release(await openLane(core.shared, 1), new Uint8Array(core.shared.memory.buffer), BATCH, (packet) =>
    plane.send(packet),
  );
  const box = assembleBox(
    {
      contexts: { max: sizes.contexts, idle: 600_000 },
      hold: { packets: 4, octets: 65_576, total: 64 << 20 },
      reap: { profile: "fast" },
      bindings: [],
      policy: [],
      providers: providers.map((each, i) => ({ name: `isp${i + 1}`, prefix: each, priority: 10, weight: 10 })),
    },
    {
      core,
      clock: {
        now,
        wall: () => Date.now(),
        wakeAt(at, run) {
          wake.at = at;
          wake.run = run;
        },
      },
      entropy: systemEntropy,
      crypto,
      log: memoryLogs().area(name),
      generation: 1,
      privateKey,
      pdsOf: (ulid) => parameters.get(ulid),
      send: (packet) => plane.send(packet),
      release: (packets, at) => release.run(packets, at),
      failed: (error) => {
        throw error;
      },
    },
  );
  await plane.start({
    punt: (packet, reason, context) => box.punt(packet, reason, context),
    activity: () => box.activity(),
    failed: (error) => {
      throw error;
    },
  });
  return Object.assign(site, { ulids: [...parameters.keys()], providers, block, box, plane, wake, arriving: wire });
}

/** Two sites that know one another's locators, lists signed and verified when `warm`. */
export async function makeWorld(hosts: number): Promise<{ a: Site; b: Site }> {
  const [toA, toB]: [Uint8Array[], Uint8Array[]] = [[], []];
  const a = await makeSite("a", "aaaa", [prefix("2001:db8:a1::/48"), prefix("2001:db8:a2::/48")], hosts, toB);
  const b = await makeSite("b", "bbbb", [prefix("2001:db8:b3::/48")], hosts, toA);
  const known = ({ ulids, providers }: Site) =>
    ulids.map((ulid) => ({ ulid, locators: providers.map((each): Locator => withPrefix(each, ulid)) }));
  a.box.parts.bindings.setStatic(known(b));
  b.box.parts.bindings.setStatic(known(a));
  return { a: { ...a, arriving: toA }, b: { ...b, arriving: toB } };
}

/** Empties the wire, and lets timers ring that are due. */
function settle(a: Site, b: Site): void {
  while (a.arriving.length > 0 || b.arriving.length > 0) {
    for (const site of [b, a]) site.plane.receive(...site.arriving.splice(0));
  }
  for (const { wake } of [a, b]) {
    if (wake.at > performance.now()) continue;
    wake.at = NEVER;
    wake.run();
  }
}

/** Every pair of hosts, so many packets at a time. */
export function establishAll(a: Site, b: Site): Figures {
  const begun = performance.now();
  const burnt = process.cpuUsage();
  const packets: Uint8Array[] = [];
  const flush = (): void => {
    a.plane.receive(...packets.splice(0));
    settle(a, b);
  };
  for (const from of a.ulids) {
    for (const to of b.ulids) {
      packets.push(packetOf(from, to, UDP, new Uint8Array(20)));
      if (packets.length === AT_A_TIME) flush();
    }
  }
  flush();
  const milliseconds = performance.now() - begun;
  const { user, system } = process.cpuUsage(burnt);
  const cpuMilliseconds = (user + system) / 1_000;
  const contexts = [...b.box.parts.shim6.contexts()].filter(({ state }) => state === "ESTABLISHED").length;
  if (contexts !== a.ulids.length * b.ulids.length) throw new Error(`${contexts} contexts of ${a.ulids.length * b.ulids.length} came up`);
  return {
    contexts,
    milliseconds,
    perSecond: rate(contexts, milliseconds),
    cpuMilliseconds,
    perCpuSecond: rate(contexts, cpuMilliseconds),
  };
}

function rate(count: number, milliseconds: number): number {
  return Math.round((count / milliseconds) * 1_000);
}
