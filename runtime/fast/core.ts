import { DUE_GENERATION, DUE_ID, DUE_KIND, DUE_MAX, DUE_OCTETS } from "../../core-as/layout/due.ts";
import { LANE_ACTIVITY_HEAD, LANE_ACTIVITY_TAIL, LANE_COUNTERS } from "../../core-as/layout/lane.ts";
import * as map from "../../core-as/layout/map.ts";
import { COUNTER_NAMES, GIVEN_UP_NAME } from "../../core-as/layout/names.ts";
import * as layout from "../../core-as/layout/record.ts";
import { SHIM6_PAYLOAD_LENGTH } from "../../core-as/layout/shim6.ts";
import { type Address, putAddress } from "../value/address.ts";
import { putU48 } from "../value/bytes.ts";
import type { Prefix } from "../value/prefix.ts";
import { CONTEXT_TAG_LIMIT, type ContextTag } from "../value/tag.ts";
import { type Millis, NEVER } from "../value/time.ts";
import type {
  ContextChange,
  ContextRecord,
  Core,
  CoreMapping,
  CoreOptions,
  CorePrefixes,
  CoreSizes,
  Counters,
  ForkTerm,
  PairRules,
  RecordTiming,
  SharedCore,
} from "./contract.ts";
import { type CoreExports, openModule, stamp } from "./exports.ts";
import { writeForkTerms } from "./forks.ts";
import { writeMapping } from "./mapping.ts";
import { writePairRules } from "./pairs.ts";
import { laneAt, type Plan, planMemory, writePlan } from "./plan.ts";
import { PuntRing } from "./punt.ts";

/** Octets of {@link CoreOptions.hashKey}. */
export const HASH_KEY_OCTETS = map.KEY_OCTETS;

/** IPv6 knows no line that carries less (RFC 8200 §5). */
const MTU_MIN = 1280;
const NOTHING_DUE = 0xffff_ffff;
const HALF_ROUND = 0x8000_0000;
const CHANGE = { localLocator: 1, peerLocator: 2, peerTag: 4, timing: 8, limit: 16, forks: 32 } as const;
const ACTION = { stop: 0, start: 1, restart: 2 } as const;
const REFUSALS = [
  "",
  "is in use or past the table's end",
  "has a ULID pair that is in the table already",
  "has a local tag that is in the table already",
];

/**
 * Makes the shared memory and opens the core of the control thread over it. `module` is dist/core.wasm, compiled.
 * @throws {RangeError} naming a size that is out of range, or a hash key of the wrong length
 */
export async function createCore(module: WebAssembly.Module, sizes: CoreSizes, options: CoreOptions): Promise<Core> {
  if (options.hashKey.length !== HASH_KEY_OCTETS) throw new RangeError(`hashKey: ${options.hashKey.length} octets, not ${HASH_KEY_OCTETS}`);
  const plan = planMemory(sizes);
  const pages = plan.octets / 65_536;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: options.shared ?? true });
  const words = new Uint32Array(memory.buffer);
  writePlan(plan, sizes, words);
  new Uint8Array(memory.buffer).set(options.hashKey, map.KEY_PAIR);
  words[map.MAP_SETTINGS >>> 2] = (options.passRouting ? map.SETTING_PASS_ROUTING : 0) | (options.puntOther ? map.SETTING_PUNT_OTHER : 0);
  words[map.MAP_LIMIT >>> 2] = limitOf(options.mtu);
  words[map.MAP_MSS >>> 2] = mssOf(options.mss ?? "auto");
  const core = await openModule(module, memory);
  core.start(stamp(options.now));
  return new TableCore({ memory, module, sizes }, plan, core, options.now);
}

class TableCore implements Core {
  readonly shared: SharedCore;
  readonly #plan: Plan;
  readonly #core: CoreExports;
  readonly #octets: Uint8Array;
  readonly #words: Uint32Array;
  readonly #signed: Int32Array;
  readonly #punts: PuntRing[];
  /** The latest instant heard of, and that of the wheel. */
  #now: Millis;
  #turned: Millis;
  /** Entries in the due list, and how many of them were handed over. */
  #listed = 0;
  #taken = 0;
  #nextRing = 0;
  /** The block of fork terms written last. */
  #forkBlock = 0;

  constructor(shared: SharedCore, plan: Plan, core: CoreExports, now: Millis) {
    const { buffer } = shared.memory;
    this.shared = shared;
    this.#plan = plan;
    this.#core = core;
    this.#octets = new Uint8Array(buffer);
    this.#words = new Uint32Array(buffer);
    this.#signed = new Int32Array(buffer);
    this.#now = now;
    this.#turned = Math.floor(now);
    this.#punts = Array.from(
      { length: shared.sizes.lanes },
      (_, i) => new PuntRing(buffer, laneAt(plan, i), plan.inLane.punt, shared.sizes.puntOctets),
    );
  }

  setPrefixes(prefixes: CorePrefixes): void {
    if (prefixes.locators.length > map.PREFIX_LOCATORS_MAX) {
      throw new RangeError(`locators: ${prefixes.locators.length} prefixes, more than ${map.PREFIX_LOCATORS_MAX}`);
    }
    const routable = prefixes.routable ?? [];
    if (routable.length > map.PREFIX_ROUTABLE_MAX) {
      throw new RangeError(`routable: ${routable.length} prefixes, more than ${map.PREFIX_ROUTABLE_MAX}`);
    }
    const used = (this.#words[map.MAP_PREFIXES >>> 2] - map.PREFIX_FIRST) / map.PREFIX_BLOCK_OCTETS;
    const block = map.PREFIX_FIRST + ((used + 1) % map.PREFIX_BLOCKS) * map.PREFIX_BLOCK_OCTETS;
    this.#putPrefix(block + map.PREFIX_OWN, prefixes.ulid);
    this.#putPrefix(block + map.PREFIX_GENERIC, prefixes.generic);
    prefixes.locators.forEach((prefix, i) => {
      this.#putPrefix(block + map.PREFIX_LOCATORS + i * map.PREFIX_OCTETS, prefix);
    });
    this.#words[(block + map.PREFIX_COUNT) >>> 2] = prefixes.locators.length;
    routable.forEach((prefix, i) => {
      this.#putPrefix(block + map.PREFIX_ROUTABLE + i * map.PREFIX_OCTETS, prefix);
    });
    this.#words[(block + map.PREFIX_ROUTABLE_COUNT) >>> 2] = routable.length;
    Atomics.store(this.#signed, map.MAP_PREFIXES >>> 2, block);
  }

  setPairRules(rules: PairRules): void {
    writePairRules(this.#plan, rules, this.#words, this.#octets);
  }

  setMapping(mapping: CoreMapping | undefined): void {
    if (mapping !== undefined && this.#plan.ways === 0) throw new RangeError("mapping: the core has no table of ways");
    const used = this.#words[map.MAP_MAPPING >>> 2];
    const block = mapping === undefined ? 0 : writeMapping(mapping, used, this.#plan.steer, this.#words, this.#octets);
    Atomics.store(this.#signed, map.MAP_MAPPING >>> 2, block);
  }

  setForkTerms(terms: readonly ForkTerm[]): number {
    this.#forkBlock = writeForkTerms(terms, this.#forkBlock, this.#words, this.#octets);
    this.#words[map.MAP_FORKS >>> 2] = terms.length;
    return this.#forkBlock;
  }

  add(id: number, record: ContextRecord, now: Millis): void {
    this.#checkId(id);
    this.#stagePair(record.localUlid, record.peerUlid, record.fork);
    this.#stageLocators(record);
    this.#stageTag(map.STAGE_LOCAL_TAG, record.localTag);
    this.#stageTag(map.STAGE_PEER_TAG, record.peerTag);
    this.#stageTiming(record.timing);
    this.#stageMtu(record.mtu);
    this.#stageForks(record.forks ?? 0n);
    const refused = this.#core.add(id, this.#at(now));
    if (refused !== 0) throw new RangeError(`context ${id} ${REFUSALS[refused]}`);
  }

  update(id: number, change: ContextChange, now: Millis): void {
    this.#checkLive(id);
    let parts = 0;
    if (change.localLocator !== undefined) parts |= CHANGE.localLocator;
    if (change.peerLocator !== undefined) parts |= CHANGE.peerLocator;
    this.#stageLocators(change);
    if (change.peerTag !== undefined) {
      this.#stageTag(map.STAGE_PEER_TAG, change.peerTag);
      parts |= CHANGE.peerTag;
    }
    if (change.timing !== undefined) {
      this.#stageTiming(change.timing);
      parts |= CHANGE.timing;
    }
    if (change.mtu !== undefined) {
      this.#stageMtu(change.mtu);
      parts |= CHANGE.limit;
    }
    if (change.forks !== undefined) {
      this.#stageForks(change.forks);
      parts |= CHANGE.forks;
    }
    this.#core.change(id, parts, this.#at(now));
  }

  remove(id: number): void {
    if (this.#isLive(id)) this.#core.remove(id);
  }

  hold(id: number, on: boolean): void {
    if (this.#isLive(id)) this.#core.hold(id, on ? 1 : 0);
  }

  watch(id: number, on: boolean): void {
    if (this.#isLive(id)) this.#core.watch(id, on ? 1 : 0);
  }

  touch(id: number, direction: "sent" | "received", now: Millis): void {
    if (this.#isLive(id)) this.#core.touch(id, direction === "received" ? 1 : 0, this.#at(now));
  }

  sendTimer(id: number, action: "start" | "restart" | "stop", now: Millis): void {
    if (this.#isLive(id)) this.#core.sendTimer(id, ACTION[action], this.#at(now));
  }

  keepaliveTimer(id: number, action: "start" | "stop", now: Millis): void {
    if (this.#isLive(id)) this.#core.keepaliveTimer(id, ACTION[action], this.#at(now));
  }

  counters(id: number): Counters & { readonly lastSent: Millis | undefined; readonly lastReceived: Millis | undefined } {
    this.#checkLive(id);
    const record = this.#plan.records + id * layout.RECORD_OCTETS;
    return {
      packetsOut: this.#wide(record + layout.RECORD_PACKETS_OUT),
      octetsOut: this.#wide(record + layout.RECORD_OCTETS_OUT),
      packetsIn: this.#wide(record + layout.RECORD_PACKETS_IN),
      octetsIn: this.#wide(record + layout.RECORD_OCTETS_IN),
      lastSent: this.#instant(record + layout.RECORD_LAST_SENT),
      lastReceived: this.#instant(record + layout.RECORD_LAST_RECEIVED),
    };
  }

  findPair(local: Address, peer: Address, fork: number): number {
    this.#stagePair(local, peer, fork);
    return this.#core.pairId();
  }

  findTag(tag: ContextTag): number {
    this.#stageTag(map.STAGE_LOCAL_TAG, tag);
    return this.#core.tagId();
  }

  advance(now: Millis, limit: number, due: (id: number, kind: number) => void): Millis {
    const at = this.#at(now);
    let left = limit;
    for (;;) {
      left = this.#handOver(left, due);
      if (this.#taken < this.#listed) return now;
      this.#listed = this.#core.advance(at, DUE_MAX);
      this.#taken = 0;
      this.#turned = Math.max(this.#turned, Math.floor(now));
      if (this.#listed === 0 && !this.#hasMore()) return this.wakeAt;
    }
  }

  get wakeAt(): Millis {
    if (this.#taken < this.#listed || this.#hasMore() || this.#hasActivity()) return this.#now;
    const next = this.#core.nextDue() >>> 0;
    return next === NOTHING_DUE ? NEVER : this.#turned + next;
  }

  drainPunts(limit: number, take: (packet: Uint8Array, reason: number, context: number) => void): number {
    let taken = 0;
    // Begin with another lane each time: a busy one must not starve the rest.
    for (let i = 0; i < this.#punts.length; i++) {
      taken += this.#punts[(this.#nextRing + i) % this.#punts.length].drain(limit - taken, take);
    }
    this.#nextRing = (this.#nextRing + 1) % this.#punts.length;
    return taken;
  }

  totals(): Map<string, number> {
    const totals = new Map<string, number>();
    for (const [verdict, name] of COUNTER_NAMES) {
      let total = 0;
      for (let i = 0; i < this.shared.sizes.lanes; i++) total += this.#wide(laneAt(this.#plan, i) + LANE_COUNTERS + 8 * verdict);
      totals.set(name, total);
    }
    totals.set(GIVEN_UP_NAME, this.#words[map.GIVEN_UP >>> 2]);
    return totals;
  }

  /** Hands over at most `left` entries of the due list; those of contexts that went since are skipped. @returns what is left of `left` */
  #handOver(left: number, due: (id: number, kind: number) => void): number {
    let room = left;
    while (this.#taken < this.#listed && room > 0) {
      const entry = map.DUE_LIST + this.#taken * DUE_OCTETS;
      const id = this.#words[(entry + DUE_ID) >>> 2];
      const kind = this.#words[(entry + DUE_KIND) >>> 2];
      const generation = this.#words[(entry + DUE_GENERATION) >>> 2];
      this.#taken++;
      if (!this.#isLive(id) || this.#generation(id) !== generation) continue;
      room--;
      due(id, kind);
    }
    return room;
  }

  #hasMore(): boolean {
    return this.#words[map.WHEEL_MORE >>> 2] !== 0;
  }

  #hasActivity(): boolean {
    for (let i = 0; i < this.shared.sizes.lanes; i++) {
      const lane = laneAt(this.#plan, i);
      if (Atomics.load(this.#signed, (lane + LANE_ACTIVITY_HEAD) >>> 2) !== this.#signed[(lane + LANE_ACTIVITY_TAIL) >>> 2]) return true;
    }
    return false;
  }

  #generation(id: number): number {
    return this.#words[(this.#plan.cold + id * layout.COLD_OCTETS + layout.COLD_GENERATION) >>> 2];
  }

  #checkId(id: number): void {
    if (!Number.isInteger(id) || id < 0 || id >= this.#plan.contexts)
      throw new RangeError(`context ${id} is not in 0 … ${this.#plan.contexts - 1}`);
  }

  #checkLive(id: number): void {
    this.#checkId(id);
    if (!this.#isLive(id)) throw new RangeError(`context ${id} is not in the table`);
  }

  #isLive(id: number): boolean {
    return Number.isInteger(id) && id >= 0 && this.#core.live(id) !== 0;
  }

  #at(now: Millis): number {
    if (now > this.#now) this.#now = now;
    return stamp(now);
  }

  #wide(at: number): number {
    return this.#words[at >>> 2] + this.#words[(at + 4) >>> 2] * 2 ** 32;
  }

  /** The latest instant up to now whose stamp is the one at `at`. A lane's clock may be a moment ahead of ours. */
  #instant(at: number): Millis | undefined {
    const value = this.#words[at >>> 2];
    if (value === 0) return undefined;
    const ago = (stamp(this.#now) - value) >>> 0;
    return Math.floor(this.#now) - (ago >= 2 ** 32 - 1000 ? 0 : ago);
  }

  #stagePair(local: Address, peer: Address, fork: number): void {
    putAddress(local, this.#octets, map.STAGE_LOCAL_ULID);
    putAddress(peer, this.#octets, map.STAGE_PEER_ULID);
    this.#words[map.STAGE_FORK >>> 2] = fork;
  }

  #stageLocators(change: Partial<Pick<ContextRecord, "localLocator" | "peerLocator">>): void {
    if (change.localLocator !== undefined) putAddress(change.localLocator, this.#octets, map.STAGE_LOCAL_LOCATOR);
    if (change.peerLocator !== undefined) putAddress(change.peerLocator, this.#octets, map.STAGE_PEER_LOCATOR);
  }

  /** As in a payload header: P bit, then 47 bits. */
  #stageTag(at: number, tag: ContextTag): void {
    putU48(this.#octets, at + 2, tag + CONTEXT_TAG_LIMIT);
  }

  #stageTiming(timing: RecordTiming): void {
    this.#words[map.STAGE_SEND_TIMEOUT >>> 2] = duration("sendTimeout", timing.sendTimeout);
    this.#words[map.STAGE_KEEPALIVE_TIMEOUT >>> 2] = duration("keepaliveTimeout", timing.keepaliveTimeout);
    this.#words[map.STAGE_KEEPALIVE_INTERVAL >>> 2] = duration("keepaliveInterval", timing.keepaliveInterval);
    this.#words[map.STAGE_IDLE_TIMEOUT >>> 2] = duration("idleTimeout", timing.idleTimeout);
  }

  #stageMtu(mtu: number | undefined): void {
    const limit = limitOf(mtu);
    this.#words[map.STAGE_LIMIT >>> 2] = limit < this.#words[map.MAP_LIMIT >>> 2] ? limit : 0;
  }

  #stageForks(forks: bigint): void {
    this.#words[map.STAGE_FORKS >>> 2] = Number(forks & 0xffff_ffffn);
    this.#words[(map.STAGE_FORKS + 4) >>> 2] = Number(forks >> 32n);
  }

  #putPrefix(at: number, prefix: Prefix): void {
    putAddress(prefix.base, this.#octets, at);
    for (let i = 0; i < 16; i++) {
      const bits = Math.min(8, Math.max(0, prefix.length - 8 * i));
      this.#octets[at + map.PREFIX_MASK + i] = (0xff00 >> bits) & 0xff;
    }
  }
}

/** What a host may send on a path of `mtu` octets: room for the payload header is left. */
function limitOf(mtu: number | undefined): number {
  if (mtu === undefined) return map.LIMIT_NONE;
  if (!(mtu >= MTU_MIN)) throw new RangeError(`mtu: ${mtu} is less than ${MTU_MIN}`);
  return Math.min(map.LIMIT_NONE, Math.floor(mtu) - SHIM6_PAYLOAD_LENGTH);
}

function mssOf(mss: "auto" | "off" | number): number {
  if (mss === "auto") return map.MSS_AUTO;
  if (mss === "off") return 0;
  if (!(mss >= 1 && mss <= map.MSS_AUTO)) throw new RangeError(`mss: ${mss} is not in 1 … ${map.MSS_AUTO}`);
  return Math.floor(mss);
}

function duration(name: string, value: Millis): number {
  if (!(value >= 0 && value < HALF_ROUND)) throw new RangeError(`${name}: ${value} ms is not in 0 … 2^31 − 1`);
  return Math.ceil(value);
}
