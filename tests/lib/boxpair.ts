/**
 * Whole boxes (core, machines, real signatures) on one virtual time, joined by a network of links with delay. Hosts are
 * packets; attackers put in what they like and hear what comes to their addresses.
 */
import { Buffer } from "node:buffer";
import { createCrypto } from "../../adapters/common/crypto.ts";
import { seededEntropy } from "../../adapters/memory/entropy.ts";
import { memoryLogs } from "../../adapters/memory/log.ts";
import { type MemoryPlane, memoryPlane } from "../../adapters/memory/plane.ts";
import { assembleBox, type BoxSite } from "../../runtime/box/assemble.ts";
import type { Box } from "../../runtime/box/box.ts";
import type { Locate } from "../../runtime/box/lookups.ts";
import type { Prove } from "../../runtime/box/proofs.ts";
import { Release } from "../../runtime/box/release.ts";
import { type Cga, finish, generateCga, generateHba, publicKeyExtension } from "../../runtime/cga/index.ts";
import type { PairRules } from "../../runtime/fast/contract.ts";
import { createCore } from "../../runtime/fast/core.ts";
import { openLane } from "../../runtime/fast/lane.ts";
import type { Clock } from "../../runtime/port/clock.ts";
import { type Address, addressAt, addressOctets, type Locator, type Ulid } from "../../runtime/value/address.ts";
import { contains, type Prefix, prefix, withPrefix } from "../../runtime/value/prefix.ts";
import { Reject } from "../../runtime/value/reject.ts";
import { type Millis, NEVER } from "../../runtime/value/time.ts";
import { emitPacket, type Message, parseControl, Refusal } from "../../runtime/wire/index.ts";
import { coreModule, hashKey } from "./core.ts";
import { packetOf } from "./packet.ts";
import { vectors } from "./vectors.ts";

const KEYS = vectors.flatMap(({ fields }) => (typeof fields.private_key_pkcs8 === "string" ? [fields.private_key_pkcs8] : []));
const SIZES = { contexts: 256, lanes: 2, batch: 32, slotOctets: 2048, puntOctets: 1 << 18 };
const CONTROL_LANE = 1;
const module = coreModule();
const crypto = createCrypto();

/** A site before it has a box. */
export interface SitePlan {
  readonly name: string;
  readonly ulids: Prefix;
  readonly providers: readonly Prefix[];
  /** A /64 that the internet routes to the site's host, whose ULID is in it then; and when its pairs are due for a context. */
  readonly routable?: { readonly subnet: Prefix; readonly rules: PairRules };
  /** The host has an HBA set over its subnet and the providers' instead of a CGA: alone, or with the site's key. */
  readonly hba?: "only" | "hybrid";
  /** Further keys that may sign for the host (SPKI), behind the site's own; or before it. */
  readonly keys?: { readonly behind?: readonly Uint8Array[]; readonly first?: Uint8Array };
  /** Change of what the box is told. */
  readonly change?: Partial<BoxSite>;
  readonly locate?: Locate;
  readonly prove?: Prove;
}

/** One site with its box and one host. */
export interface SiteBox {
  readonly box: Box;
  readonly plane: MemoryPlane;
  readonly ulid: Ulid;
  readonly locators: readonly Locator[];
  readonly privateKey: Uint8Array;
  readonly pds: Uint8Array;
  /** Packets for the site's hosts, oldest first. */
  readonly delivered: Uint8Array[];
  /** Packets that the box put on the wire, oldest first. */
  readonly sent: Uint8Array[];
  /** A counter of the box, of its core and of its plane together. */
  count(name: string): number;
}

/** What lies between the boxes. */
export class BoxNet {
  now: Millis = 1000;
  readonly sites: SiteBox[] = [];
  /** Packets to addresses that no site has: what an attacker gets. */
  readonly strays: Uint8Array[] = [];
  /** Whether the network takes a packet of a box. */
  passes: (packet: Uint8Array) => boolean = () => true;
  readonly delay: Millis = 5;
  readonly #alarms: { at: Millis; run: () => void }[] = [];
  readonly #flying: { at: Millis; order: number; packet: Uint8Array }[] = [];
  readonly #providers: { prefix: Prefix; site: SiteBox }[] = [];
  #order = 0;

  /** Moves a packet as the network does: it arrives after the delay. */
  launch(packet: Uint8Array): void {
    this.#flying.push({ at: this.now + this.delay, order: this.#order++, packet });
  }

  /** A forged message, from wherever its maker says. */
  forge(source: Address, destination: Address, message: Message): void {
    this.launch(emitPacket(source, destination, message));
  }

  /** Runs arrivals and alarms up to `until`. */
  run(until: Millis): void {
    for (;;) {
      this.#flying.sort((a, b) => a.at - b.at || a.order - b.order);
      const alarm = this.#alarms.reduce((a, b) => (b.at < a.at ? b : a), { at: NEVER, run: () => undefined });
      const arrival = this.#flying[0]?.at ?? NEVER;
      if (Math.min(alarm.at, arrival) > until) break;
      this.now = Math.max(this.now, Math.min(alarm.at, arrival));
      if (arrival <= alarm.at) {
        const packet = this.#flying.shift()?.packet;
        if (packet !== undefined) this.#arrive(packet);
      } else {
        alarm.at = NEVER;
        alarm.run();
      }
    }
    this.now = Math.max(this.now, until);
  }

  #arrive(packet: Uint8Array): void {
    const destination = addressAt(packet, 24);
    const site = this.#providers.find(({ prefix: each }) => withPrefix(each, destination) === destination)?.site;
    if (site === undefined) this.strays.push(packet);
    else site.plane.receive(packet);
  }

  /** Packets to `prefix` reach nobody, whoever claims it. */
  disown({ base }: Prefix): void {
    const at = this.#providers.findIndex((provider) => provider.prefix.base === base);
    if (at >= 0) this.#providers.splice(at, 1);
  }

  clock(): Clock {
    const alarm = { at: NEVER, run: () => undefined as undefined };
    const slot: { at: Millis; run: () => void } = alarm;
    this.#alarms.push(slot);
    return {
      now: () => this.now,
      wall: () => this.now,
      wakeAt(at, run) {
        slot.at = at;
        slot.run = run;
      },
    };
  }

  async add(plan: SitePlan, peers: readonly { readonly ulid: Ulid; readonly locators: readonly Locator[] }[] = []): Promise<SiteBox> {
    const index = this.sites.length;
    const privateKey = Uint8Array.from(Buffer.from(KEYS[index % KEYS.length], "hex"));
    const modifier = seededEntropy(1000 + index).bytes(16);
    const { routable } = plan;
    const subnet = routable?.subnet ?? { base: plan.ulids.base, length: 64 };
    const [cga, ...members] = addressesOf(plan, subnet, crypto.rsaPublic(privateKey), modifier);
    const sizes = { ...SIZES, plainPairs: routable === undefined ? 0 : 64 };
    const core = await createCore(module, sizes, { hashKey: hashKey(index), now: this.now });
    const own = routable === undefined ? [] : [routable.subnet];
    core.setPrefixes({ ulid: plan.ulids, generic: prefix("fc00::/7"), locators: plan.providers, routable: own });
    if (routable !== undefined) core.setPairRules(routable.rules);
    const clock = this.clock();
    const delivered: Uint8Array[] = [];
    const sent: Uint8Array[] = [];
    const lane = await openLane(core.shared, 0);
    const plane = memoryPlane({
      core,
      lane,
      now: () => this.now,
      deliver: (packet) => {
        if ([plan.ulids, ...own].some((each) => contains(each, addressAt(packet, 24)))) {
          delivered.push(packet);
          return;
        }
        sent.push(packet);
        if (this.passes(packet)) this.launch(packet);
      },
    });
    const release = new Release(
      await openLane(core.shared, CONTROL_LANE),
      new Uint8Array(core.shared.memory.buffer),
      SIZES.batch,
      (packet) => plane.send(packet),
    );
    const logs = memoryLogs();
    const site: BoxSite = {
      contexts: { max: SIZES.contexts, idle: 300_000 },
      hold: { packets: 16, octets: 32_768, total: 262_144 },
      reap: { profile: "fast" },
      bindings: peers,
      providers: plan.providers.map((each, i) => ({ prefix: each, priority: 10 * i, weight: 10 })),
      ulid: { routable: own },
      ...plan.change,
    };
    const entropy = seededEntropy(77 + index);
    const box = assembleBox(site, {
      core,
      clock,
      entropy,
      crypto,
      log: logs.area("box"),
      generation: 0x1000 + index,
      privateKey,
      pdsOf: (ulid) => (ulid === cga.address ? cga.pds : undefined),
      send: (packet) => plane.send(packet),
      release: (packets, now) => release.run(packets, now),
      locate: plan.locate,
      prove: plan.prove,
      failed: (error) => {
        throw error;
      },
    });
    await plane.start({
      punt: (packet, reason, context) => box.punt(packet, reason, context),
      activity: () => box.activity(),
      failed: (error) => {
        throw error;
      },
    });
    const made: SiteBox = {
      box,
      plane,
      ulid: cga.address,
      locators: plan.providers.map(
        (each) => members.find((member) => contains(each, member.address))?.address ?? withPrefix(each, cga.address),
      ),
      privateKey,
      pds: cga.pds,
      delivered,
      sent,
      count: (name) => (new Map(box.counters.entries()).get(name) ?? 0) + (core.totals().get(name) ?? 0) + (plane.totals().get(name) ?? 0),
    };
    this.sites.push(made);
    for (const each of plan.providers) this.#providers.push({ prefix: each, site: made });
    return made;
  }

  /** A host's packet. */
  host(from: SiteBox, to: Ulid, octets = 20): void {
    from.plane.receive(packetOf(from.ulid, to, 17, new Uint8Array(octets).fill(7)));
  }
}

/** The host's address, and the other members of its HBA set if it has one. */
function addressesOf({ providers, hba, keys }: SitePlan, subnet: Prefix, publicKey: Uint8Array, modifier: Uint8Array): Cga[] {
  if (hba !== undefined) {
    const prefixes = [subnet, ...providers.map((each) => ({ base: withPrefix(each, subnet.base), length: 64 }))];
    const key = hba === "hybrid" ? { publicKey } : { random: seededEntropy(3).bytes(48) };
    return finish(generateHba(crypto, { prefixes, sec: 0, modifier, key }));
  }
  const [first, ...behind] = [...(keys?.first ? [keys.first] : []), publicKey, ...(keys?.behind ?? [])];
  return [finish(generateCga(crypto, { prefix: subnet, publicKey: first, sec: 0, modifier, extensions: behind.map(publicKeyExtension) }))];
}

export const ALPHA: SitePlan = {
  name: "alpha",
  ulids: prefix("fc00:aaaa:1::/48"),
  providers: [prefix("2001:db8:a1::/48"), prefix("2001:db8:a2::/48")],
};
export const BETA: SitePlan = {
  name: "beta",
  ulids: prefix("fc00:bbbb:1::/48"),
  providers: [prefix("2001:db8:b3::/48"), prefix("2001:db8:b4::/48")],
};

/** Two boxes that know one another; nothing has been sent. */
export async function twoBoxes(
  change: Partial<BoxSite> = {},
  alpha: Partial<SitePlan> = {},
): Promise<{ net: BoxNet; a: SiteBox; b: SiteBox }> {
  const net = new BoxNet();
  const a = await net.add({ ...ALPHA, ...alpha, change });
  const b = await net.add({ ...BETA, change }, [{ ulid: a.ulid, locators: a.locators }]);
  a.box.parts.bindings.setStatic([{ ulid: b.ulid, locators: b.locators }]);
  return { net, a, b };
}

/** The same, with a context between the hosts, payload both ways. */
export async function connected(change: Partial<BoxSite> = {}): Promise<{ net: BoxNet; a: SiteBox; b: SiteBox }> {
  const world = await twoBoxes(change);
  const { net, a, b } = world;
  net.host(a, b.ulid);
  net.run(net.now + 500);
  net.host(b, a.ulid);
  net.run(net.now + 100);
  if (a.delivered.length !== 1 || b.delivered.length !== 1) throw new Error("the boxes did not come together");
  return world;
}

/** The control messages among `packets`, oldest first. */
export function messagesOf(packets: readonly Uint8Array[]): { source: Address; destination: Address; message: Message }[] {
  return packets.flatMap((packet) => {
    const parsed = parseControl(packet);
    return parsed instanceof Reject || parsed instanceof Refusal ? [] : [parsed];
  });
}

/** An address `n` of /48s that nobody else uses. */
export function strangerAt(site: number, n = 1): Address {
  const octets = addressOctets("2001:db8:e000::" as Address);
  octets[4] = 0xe0 | (site >> 8);
  octets[5] = site;
  octets[14] = n >> 8;
  octets[15] = n;
  return addressAt(octets);
}
