/** What all parts of the machine share during a step: the table, the budgets, the effects so far, the ways a context ends. */
import type { Locator } from "../value/address.ts";
import type { ContextTag } from "../value/tag.ts";
import { type Millis, NEVER } from "../value/time.ts";
import { errorFor } from "../wire/control/error.ts";
import type { Message } from "../wire/message.ts";
import { composeR1bis } from "./compose.ts";
import { type BudgetName, DISPLACE_IDLE, DISPLACE_LOOK, ICMP_HOLDDOWN_TIME, NO_R1_HOLDDOWN_TIME, SITE_SHARE } from "./constants.ts";
import { addressesOf, type Context, type FailureReason, isNegative, isUsable, newContext, viewOf } from "./context.ts";
import type { LocalIdentity, LocatorPair, RemovalReason, Shim6Effect, Shim6Options, Shim6World, UlidPair } from "./contract.ts";
import { Deadlines } from "./deadlines.ts";
import { Draw } from "./draw.ts";
import { Generations } from "./generations.ts";
import { Limiter, siteOf } from "./limiter.ts";
import { owedTo, Waitlist } from "./owed.ts";
import { KnownPeers } from "./peers.ts";
import { ContextTable } from "./table.ts";
import type { Update } from "./update.ts";
import { Validators } from "./validator.ts";
import { Verifier } from "./verifier.ts";

/** State of the machine and of the step in hand. */
export class Engine {
  readonly options: Shim6Options;
  readonly world: Shim6World;
  readonly table: ContextTable;
  readonly deadlines = new Deadlines<Context>();
  readonly peers = new KnownPeers();
  readonly validators: Validators;
  readonly verifier: Verifier;
  readonly generations = new Generations();
  readonly #limiter = new Limiter();
  /** E-FAILED and NO-SUPPORT, oldest first: they make room when the table is full. */
  readonly #negative = new Set<Context>();
  /** Contexts that others initiated, by the /48 of their peer. */
  readonly #bySite = new Map<string, number>();
  readonly #siteLimit: number;
  /** All records, those looked at longest ago for room first. */
  readonly #ring = new Set<Context>();
  readonly waitlist = new Waitlist();
  /** Contexts that have not heard of a change of their identity yet, in the order they will. */
  relisting: Context[] = [];
  /** They have time: when the next of them hear of it; `undefined` = they have none. */
  relistAt: Millis | undefined;
  /** When the last ones that have time heard. */
  relistedAt: Millis = -NEVER;
  /** What Update Acknowledgements lately took beyond the round trip, smoothed. */
  ackLag: Millis = 0;
  #requests = 0;
  now: Millis = 0;
  draw: Draw;
  effects: Shim6Effect[] = [];

  constructor(options: Shim6Options, world: Shim6World) {
    this.options = options;
    this.world = world;
    this.table = new ContextTable(options.capacity, options.tagBits);
    this.validators = new Validators(options.secret, world.hmac);
    this.verifier = new Verifier(world, options.secret);
    this.draw = new Draw(options.secret, world.hmac);
    this.#siteLimit = Math.max(1, Math.floor(options.capacity * (options.siteShare ?? SITE_SHARE)));
  }

  /** When `poll` is due. */
  get wakeAt(): Millis {
    if (this.relisting.length > 0 && this.relistAt === undefined) return this.now;
    return Math.min(this.relisting.length > 0 ? (this.relistAt ?? this.now) : NEVER, this.deadlines.next, this.waitlist.wakeAt);
  }

  /** Contexts whose peer is to hear of us, or has not acknowledged it. */
  get untold(): number {
    return this.relisting.length + this.waitlist.size + this.#requests;
  }

  begin(now: Millis, random: Uint8Array): void {
    this.now = now;
    this.draw = new Draw(random, this.world.hmac);
    this.effects = [];
    this.validators.renew(now, this.draw);
  }

  send({ local, peer }: LocatorPair, message: Message, id?: number): void {
    const send = { kind: "send", source: local, destination: peer, message } as const;
    this.effects.push(id === undefined ? send : { ...send, id });
  }

  drop(why: string): void {
    this.effects.push({ kind: "drop", why });
  }

  /** Takes `cost` from a budget; when it is empty, counts `drop-limit-<name>`. */
  mayAnswer(name: BudgetName, source: Locator, cost = 1): boolean {
    return this.#granted(name, this.#limiter.allow(name, siteOf(source), this.now, cost));
  }

  /** Whether one more Probe of this context may be looked at: each may draw an answer. */
  mayProbe(context: Context): boolean {
    return this.#granted("probe", this.#limiter.allow("probe", String(context.id), this.now));
  }

  #granted(name: BudgetName, granted: boolean): boolean {
    if (granted) return true;
    this.drop(`limit-${name}`);
    return false;
  }

  /** R1bis for a packet from `pair.peer` whose tag has no context here (§7.17). */
  sendR1bis(pair: LocatorPair, packetTag: ContextTag): void {
    if (!this.mayAnswer("r1bis", pair.peer)) return;
    const loss = { packetTag, initiatorLocator: pair.peer, responderLocator: pair.local };
    this.send(pair, composeR1bis(packetTag, this.validators.forR1bis(loss, this.now)));
  }

  sendError(pair: LocatorPair, code: number, pointer: number, packet: Uint8Array): void {
    if (this.mayAnswer("error", pair.peer)) this.send(pair, errorFor(packet, code, pointer));
  }

  /**
   * A new record in I1-SENT, indexed by pair and tag. `site` = the peer's /48 when the peer initiates: it may have its share and no more.
   * @returns `undefined` (counted) if there is no room
   */
  create(pair: UlidPair, identity: LocalIdentity, current: LocatorPair, site?: string): Context | undefined {
    if (site !== undefined && (this.#bySite.get(site) ?? 0) >= this.#siteLimit) {
      this.drop("full-site");
      return undefined;
    }
    const tag = this.table.freeTag(this.draw);
    const id = tag === undefined ? -1 : this.#freeId();
    if (tag === undefined || id < 0) {
      this.drop("full-context");
      return undefined;
    }
    const context = newContext(id, pair, tag, identity.list, current, site);
    this.table.add(context);
    this.#ring.add(context);
    if (site !== undefined) this.#bySite.set(site, (this.#bySite.get(site) ?? 0) + 1);
    return context;
  }

  /** In a full table the oldest negative entry makes room, else the context that was unused for longest. */
  #freeId(): number {
    const id = this.table.ids.take();
    if (id >= 0) return id;
    const oldest = this.#negative.values().next();
    const victim = oldest.done ? this.#leastUsed() : oldest.value;
    if (victim === undefined) return -1;
    this.remove(victim, oldest.done ? "displaced" : "expired");
    return this.table.ids.take();
  }

  /** The longest unused of the next {@link DISPLACE_LOOK} records: near enough to the oldest of all, at a fixed cost. */
  #leastUsed(): Context | undefined {
    const looked: Context[] = [];
    for (const context of this.#ring) {
      if (looked.push(context) >= DISPLACE_LOOK) break;
    }
    let victim: Context | undefined;
    for (const context of looked) {
      this.#ring.delete(context);
      this.#ring.add(context);
      if (isUsable(context) && (victim === undefined || this.lastUse(context) < this.lastUse(victim))) victim = context;
    }
    return victim !== undefined && this.now - this.lastUse(victim) >= DISPLACE_IDLE ? victim : undefined;
  }

  /** When `context` last carried a packet; a context that never did counts from its establishment, one in set-up as used now. */
  lastUse(context: Context): Millis {
    if (!isUsable(context)) return this.now;
    return this.world.lastUse?.(context.id) ?? context.establishedAt ?? this.now;
  }

  remove(context: Context, why: RemovalReason): void {
    this.setUpdate(context, undefined);
    this.waitlist.delete(context);
    this.#negative.delete(context);
    this.#ring.delete(context);
    this.#leaveSite(context);
    this.table.remove(context);
    context.setup = undefined;
    this.effects.push({ kind: "removed", id: context.id, pair: context.pair, why });
  }

  #leaveSite({ site }: Context): void {
    const count = site === undefined ? undefined : this.#bySite.get(site);
    if (site === undefined || count === undefined) return;
    if (count > 1) this.#bySite.set(site, count - 1);
    else this.#bySite.delete(site);
  }

  /** The Update Request that `context` waits for from now on; its deadline is the caller's. */
  setUpdate(context: Context, update: Update | undefined): void {
    this.#requests += Number(update !== undefined) - Number(context.update !== undefined);
    context.update = update;
    this.deadlines.set(context, NEVER);
  }

  /**
   * Set-up gave up: E-FAILED or NO-SUPPORT for the hold-down (§7.8). A context that was usable ends, and a new record
   * remembers the failure.
   */
  fail(context: Context, failure: FailureReason): void {
    const record = isUsable(context) ? this.restart(context) : context;
    this.effects.push({ kind: "failed", pair: context.pair, why: failure });
    if (record === undefined) return;
    this.endSetup(record);
    this.table.releaseTag(record);
    record.peer = undefined;
    record.failure = failure;
    record.state = failure === "no-support" ? "NO-SUPPORT" : "E-FAILED";
    this.#negative.add(record);
    this.deadlines.set(record, this.now + (failure === "no-support" ? ICMP_HOLDDOWN_TIME : NO_R1_HOLDDOWN_TIME));
  }

  /** Ends a usable context whose peer has lost it for good; a fresh record for the same pair takes its place. */
  restart(context: Context): Context | undefined {
    const { pair, current } = context;
    const identity = this.world.local(pair.local, pair);
    this.remove(context, "failed");
    return identity === undefined ? undefined : this.create(pair, identity, current);
  }

  /** Also drops an Update Request: what set-up says next holds all of it. */
  endSetup(context: Context): void {
    if (context.setup !== undefined) this.table.forgetNonce(context.setup.initiatorNonce);
    context.setup = undefined;
    this.setUpdate(context, undefined);
  }

  /** → ESTABLISHED. */
  establish(context: Context, cause: "R2" | "I2" | "I2bis", current: LocatorPair): void {
    this.endSetup(context);
    context.state = "ESTABLISHED";
    context.current = current;
    context.establishedAt = this.now;
    this.admitLocators(context);
    this.publish(context, cause);
    const identity = this.world.local(context.pair.local, context.pair);
    // A peer that was told nothing is in set-up itself (our I1s crossed) and will ask.
    const tellsMore = context.told !== undefined && identity !== undefined && owedTo(context, identity, this.options) !== undefined;
    if (tellsMore) this.waitlist.add(context);
  }

  /**
   * Which locators may be sources, and which destinations of the peer, by what the peer was told and what the site has now. A
   * peer that knows none of ours any more gets new ones as sources at once: its R1bis starts the recovery that tells it.
   */
  admitLocators(context: Context): void {
    const identity = this.world.local(context.pair.local, context.pair);
    if (identity === undefined) return;
    const listed = addressesOf(identity.list);
    const known = listed.filter((locator) => context.told?.locators.includes(locator));
    context.localLocators = known.length > 0 ? known : listed;
    context.accepted = listed;
  }

  /** Tells what is new about a usable context. */
  publish(context: Context, cause: "R2" | "I2" | "I2bis" | "update"): void {
    this.resolveConfusion(context);
    this.table.indexPeer(context);
    this.effects.push({ kind: "established", context: viewOf(context), cause });
  }

  /** Discards every other usable context with the same CT(peer) and a common peer locator: the peer has reused its tag (§7.15). */
  resolveConfusion(context: Context): void {
    if (context.peer === undefined) return;
    for (const { address } of context.peer.locators) {
      const other = this.table.byPeer(context.peer.tag, address);
      if (other !== undefined && other !== context) this.remove(other, "confused");
    }
  }

  /** The context of `pair`; one that only remembers a failure gives way, because it counts as IDLE for what arrives. */
  findLive(pair: UlidPair): Context | undefined {
    const context = this.table.byPair(pair);
    return context === undefined || isNegative(context) ? undefined : context;
  }
}
