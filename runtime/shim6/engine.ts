/** What all parts of the machine share during a step: the table, the budgets, the effects so far, the ways a context ends. */
import type { Locator } from "../value/address.ts";
import type { ContextTag } from "../value/tag.ts";
import { type Millis, NEVER } from "../value/time.ts";
import { errorFor } from "../wire/control/error.ts";
import type { Message } from "../wire/message.ts";
import { composeR1bis } from "./compose.ts";
import { type BudgetName, ICMP_HOLDDOWN_TIME, NO_R1_HOLDDOWN_TIME } from "./constants.ts";
import { type Context, type FailureReason, isNegative, isUsable, newContext, viewOf } from "./context.ts";
import type { LocalIdentity, LocatorPair, RemovalReason, Shim6Effect, Shim6Options, Shim6World, UlidPair } from "./contract.ts";
import { Deadlines } from "./deadlines.ts";
import { Draw } from "./draw.ts";
import { Limiter } from "./limiter.ts";
import { KnownPeers } from "./peers.ts";
import { ContextTable } from "./table.ts";
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
  readonly #limiter = new Limiter();
  /** E-FAILED and NO-SUPPORT, oldest first: they make room when the table is full. */
  readonly #negative = new Set<Context>();
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
  }

  begin(now: Millis, random: Uint8Array): void {
    this.now = now;
    this.draw = new Draw(random, this.world.hmac);
    this.effects = [];
    this.validators.renew(now, this.draw);
  }

  send({ local, peer }: LocatorPair, message: Message): void {
    this.effects.push({ kind: "send", source: local, destination: peer, message });
  }

  drop(why: string): void {
    this.effects.push({ kind: "drop", why });
  }

  /** Takes from a budget; when it is empty, counts `drop-limit-<name>`. */
  mayAnswer(name: BudgetName, source: Locator): boolean {
    if (this.#limiter.allow(name, source, this.now)) return true;
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

  /** A new record in I1-SENT, indexed by pair and tag. Room is made at the cost of the oldest negative entry. @returns `undefined` (counted) if there is none */
  create(pair: UlidPair, identity: LocalIdentity, current: LocatorPair): Context | undefined {
    const tag = this.table.freeTag(this.draw);
    if (tag !== undefined) {
      let id = this.table.ids.take();
      const oldest = this.#negative.values().next();
      if (id < 0 && !oldest.done) {
        this.remove(oldest.value, "expired");
        id = this.table.ids.take();
      }
      if (id >= 0) {
        const context = newContext(id, pair, tag, identity.list, current);
        this.table.add(context);
        return context;
      }
    }
    this.drop("full-context");
    return undefined;
  }

  remove(context: Context, why: RemovalReason): void {
    this.deadlines.set(context, NEVER);
    this.#negative.delete(context);
    this.table.remove(context);
    context.setup = undefined;
    this.effects.push({ kind: "removed", id: context.id, pair: context.pair, why });
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
    const identity = this.world.local(pair.local);
    this.remove(context, "failed");
    return identity === undefined ? undefined : this.create(pair, identity, current);
  }

  endSetup(context: Context): void {
    if (context.setup !== undefined) this.table.forgetNonce(context.setup.initiatorNonce);
    context.setup = undefined;
    this.deadlines.set(context, NEVER);
  }

  /** → ESTABLISHED. */
  establish(context: Context, cause: "R2" | "I2" | "I2bis", current: LocatorPair): void {
    this.endSetup(context);
    context.state = "ESTABLISHED";
    context.current = current;
    context.establishedAt = this.now;
    this.publish(context, cause);
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
