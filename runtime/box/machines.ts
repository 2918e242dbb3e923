/** The Shim6 and the REAP machine: stepped, and what they want done, done. They meet nowhere else. */
import type { Core } from "../fast/contract.ts";
import type { PolicyRule } from "../policy/rule.ts";
import { REAP_RANDOM_OCTETS, type ReapContext, type ReapEffect, type ReapEvent, type ReapTiming } from "../reap/contract.ts";
import { isOutranked } from "../reap/leaves.ts";
import {
  type ContextView,
  type RemovalReason,
  type Shim6Effect,
  type Shim6Event,
  STEP_RANDOM_OCTETS,
  type UlidPair,
} from "../shim6/contract.ts";
import type { Locator, Ulid } from "../value/address.ts";
import type { LeaveCause, MoveCause } from "../value/cause.ts";
import type { LocatorPair } from "../value/pair.ts";
import { type ContextTag, showTag } from "../value/tag.ts";
import { type Millis, NEVER } from "../value/time.ts";
import type { UpdateAck } from "../wire/index.ts";
import type { Census } from "./census.ts";
import type { ControlCounters } from "./counters.ts";
import { ForkPolicy } from "./fork-policy.ts";
import { Forks } from "./forks.ts";
import type { Journal } from "./journal.ts";
import type { PathKeeper } from "./keeper.ts";
import type { BoxParts, BoxSettings } from "./parts.ts";
import { Policy, type PolicyTerms } from "./policy.ts";
import type { Sender } from "./sender.ts";
import { Steering } from "./steer.ts";
import { pairKey, type Waiting } from "./waiting.ts";
import { type ContextWish, Wishes } from "./wishes.ts";

/** What the machines' effects work on. */
export interface MachineParts
  extends Pick<BoxParts, "core" | "shim6" | "reap" | "identities" | "bindings" | "entropy" | "release" | "proofs"> {
  readonly settings: () => BoxSettings;
  /** Calendar milliseconds. */
  readonly wall: () => number;
  readonly counters: ControlCounters;
  readonly journal: Journal;
  readonly paths: PathKeeper;
  readonly sender: Sender;
  readonly waiting: Waiting;
  readonly now: () => Millis;
  /** Work in slices, when nothing else is to be done. */
  readonly whenIdle: (work: Iterator<unknown>) => void;
  /** Hears of contexts that changed their pair, and of paths that work. */
  readonly moves: MoveListener;
  /** Prefixes of providers that are full, as text. */
  readonly full: () => ReadonlySet<string>;
  /** Notes who carries what. */
  readonly census: Census;
}

/** Who hears where contexts go. */
export interface MoveListener {
  moved(id: number, from: LocatorPair, to: LocatorPair, cause: MoveCause, now: Millis): void;
  pathWorks(id: number, pair: LocatorPair, now: Millis): void;
  /** The peer of some context would rather have its packets at another locator. */
  outranked(now: Millis): void;
}

/** A context with a packet so lately is wanted again when it had to go (RFC 5533 §7.15). */
const RECENT_USE: Millis = 10_000;

const NO_RULES: PolicyTerms = { rules: [], providers: [] };

/** Both machines of one box. */
export class Machines {
  readonly #parts: MachineParts;
  readonly steering: Steering;
  readonly #policy: Policy;
  readonly wishes = new Wishes();
  readonly #forkPolicy: ForkPolicy;
  readonly forks: Forks;

  constructor(parts: MachineParts) {
    this.#parts = parts;
    const { bindings, wall, settings, counters, sender } = parts;
    const policy = new Policy({ terms: () => settings().policy ?? NO_RULES, bindings, wall });
    this.#policy = policy;
    this.steering = new Steering({ ...parts, policy, wishes: this.wishes });
    this.#forkPolicy = new ForkPolicy({ rules: () => settings().policy?.rules ?? NO_RULES.rules, policy, wall });
    this.forks = new Forks({
      ...parts,
      policy: this.#forkPolicy,
      count: (name, by) => counters.count(name, by),
      refuse: (packet, counter, now) => sender.refuse(packet, counter, now),
      // The clock is read again: what went before may have signed, and the machine measures round trips from this instant on.
      need: (pair) => this.need(pair, parts.now()),
    });
  }

  /** How often each rule of the site's decided, by its name. */
  get decided(): ReadonlyMap<string, number> {
    return this.#policy.decided;
  }

  /** Pairs that a context for `pair` would be tried on now, best first. */
  candidates(pair: UlidPair, now: Millis): readonly LocatorPair[] {
    return this.steering.candidates(pair, now);
  }

  /** Sets a context for `pair` up, if its ends have locators. */
  need(pair: UlidPair, now: Millis): void {
    this.shim6({ kind: "need", pair, candidates: this.steering.candidates(pair, now) }, now);
  }

  /**
   * No packet of context `id` for the idle time: it goes. Not so a default context with forks, by which the core knows of them; it goes with the
   * last of them if nobody has used it for as long.
   */
  idle(id: number, now: Millis): void {
    const { core, shim6, settings } = this.#parts;
    const context = shim6.get(id);
    if (context?.pair.fork === 0 && this.forks.of(context.pair).length > 0) return;
    this.shim6({ kind: "discard", id }, now);
    if (context === undefined || context.pair.fork === 0 || this.forks.of(context.pair).length > 0) return;
    const base = shim6.find({ ...context.pair, fork: 0 });
    if (base?.peerTag === undefined) return;
    const used = Math.max(lastUse(core, base.id), base.establishedAt ?? -NEVER);
    if (now - used >= settings().idleTimeout) this.shim6({ kind: "discard", id: base.id }, now);
  }

  /** The rule whose flows the fork `pair` carries for us; none for a default context, and for a fork by rules of the peer's alone. */
  ruleOf(pair: UlidPair, now: Millis): PolicyRule | undefined {
    return this.#forkPolicy.ruleOf(pair, now);
  }

  /** Takes context `id` away, a default context with its forks. */
  discard(id: number, now: Millis): void {
    const pair = this.#parts.shim6.get(id)?.pair;
    if (pair?.fork === 0) for (const fork of this.forks.of(pair)) this.shim6({ kind: "discard", id: fork }, now);
    this.shim6({ kind: "discard", id }, now);
  }

  /** When context `id`, which is in the core, last carried a packet; a default context also when a fork of it did. */
  lastUse(id: number): Millis {
    const { core, shim6 } = this.#parts;
    const own = lastUse(core, id);
    if (!this.forks.some) return own;
    const pair = shim6.get(id)?.pair;
    return pair?.fork === 0 ? Math.max(own, ...this.forks.of(pair).map((fork) => lastUse(core, fork))) : own;
  }

  /** Timing of `context` as the settings have it now. */
  timing(context: ContextView): ReapTiming & { readonly idleTimeout: Millis } {
    const settings = this.#parts.settings();
    return { ...settings.timing(context), idleTimeout: settings.idleTimeout };
  }

  /** An Update Acknowledgement came. @returns whether it answers a question of REAP: nobody else waits for it */
  acknowledged({ receiverTag, requestNonce }: UpdateAck, now: Millis): boolean {
    const { shim6, reap } = this.#parts;
    const context = shim6.findTag(receiverTag);
    if (context === undefined || !reap.isAsking(context.id, requestNonce)) return false;
    this.reap({ kind: "acknowledged", id: context.id, nonce: requestNonce }, now);
    return true;
  }

  /** One event for the Shim6 machine. */
  shim6(event: Shim6Event, now: Millis): void {
    const { shim6, entropy } = this.#parts;
    for (const effect of shim6.step(event, now, entropy.bytes(STEP_RANDOM_OCTETS))) {
      if (effect.kind === "prove") this.#awaitProof(effect.ulid, event);
      else this.#applyShim6(effect, now);
    }
  }

  /** One event for the REAP machine. */
  reap(event: ReapEvent, now: Millis): void {
    const { reap, entropy } = this.#parts;
    for (const effect of reap.step(event, now, entropy.bytes(REAP_RANDOM_OCTETS))) this.#applyReap(effect, now);
  }

  #awaitProof(ulid: Ulid, event: Shim6Event): void {
    const waits = event.kind === "message" && this.#parts.proofs?.wait(ulid, event.packet) === true;
    this.#parts.counters.count(waits ? "in-wait-proof" : "drop-limit-proof");
  }

  #applyShim6(effect: Exclude<Shim6Effect, { kind: "prove" }>, now: Millis): void {
    const { core, counters, journal, sender, waiting } = this.#parts;
    switch (effect.kind) {
      case "send":
        if (effect.id !== undefined) core.touch(effect.id, "sent", now);
        return sender.send(effect.source, effect.destination, effect.message);
      case "told":
        if (effect.outcome === "acknowledged") return counters.count("in-acknowledged-update");
        return journal.tell("told", now, `context ${effect.id}: the peer refused our locators, Error code ${effect.code}`);
      case "established":
        return this.#established(effect.context, effect.cause, now);
      case "recovering":
        this.reap({ kind: "recovering", id: effect.id }, now);
        return journal.tell("recovering", now, `context ${effect.id}: the peer lost its state`);
      case "reap":
        if (effect.message.kind === "Keepalive") return this.reap({ kind: "keepalive", id: effect.id, message: effect.message }, now);
        if (effect.message.kind === "Probe")
          return this.reap(
            { kind: "probe", id: effect.id, source: effect.source, destination: effect.destination, message: effect.message },
            now,
          );
        return;
      case "failed": {
        const refused = waiting.forContext.take(pairKey(effect.pair));
        for (const packet of refused) sender.refuse(packet, "drop-unreachable-peer", now);
        if (effect.pair.fork !== 0 && !this.forks.failed(effect.pair, now)) return counters.count("skip-failed-fork");
        return journal.tell("failed", now, `${showPair(effect.pair)}: ${effect.why}, ${refused.length} packets refused`);
      }
      case "removed":
        return this.#removed(effect.id, effect.pair, effect.why, now);
      case "drop":
        return counters.count(`drop-${effect.why}`);
    }
  }

  #removed(id: number, pair: UlidPair, why: RemovalReason, now: Millis): void {
    const { census, core, journal, paths, waiting } = this.#parts;
    const inCore = core.findPair(pair.local, pair.peer, pair.fork) === id;
    const wantedAgain = why === "confused" && inCore && now - lastUse(core, id) <= RECENT_USE;
    waiting.forContext.take(pairKey(pair));
    waiting.exploring.take(String(id));
    if (inCore) core.remove(id);
    census.removed(id);
    paths.mtus.leave(id, now);
    this.reap({ kind: "removed", id }, now);
    this.forks.removed(id, pair, now);
    this.wishes.forget(pair);
    journal.tell("removed", now, `context ${id} ${showPair(pair)}: ${why}`);
    if (wantedAgain) this.need(pair, now);
  }

  #established(context: ContextView, cause: string, now: Millis): void {
    const { census, core, reap, release, journal, paths, waiting } = this.#parts;
    if (context.peerTag === undefined) return;
    const { id, pair } = context;
    const timing = this.timing(context);
    const fresh = cause !== "update";
    const current = fresh ? context.current : (reap.currentOf(id) ?? context.current);
    const record = {
      peerTag: context.peerTag,
      localLocator: current.local,
      peerLocator: current.peer,
      timing,
      mtu: paths.enter(context, current, now),
      forks: this.forks.choice(pair, now),
    };
    if (core.findPair(pair.local, pair.peer, pair.fork) === id) core.update(id, record, now);
    else core.add(id, { localUlid: pair.local, peerUlid: pair.peer, fork: pair.fork, localTag: context.localTag, ...record }, now);
    census.entered(id, pair, current.local, fresh);
    this.reap(
      {
        kind: "context",
        context: this.#reapContext(
          context,
          context.peerTag,
          current,
          this.steering.rankedLocals(context, now, fresh ? undefined : current.local),
          timing,
        ),
        fresh,
      },
      now,
    );
    // It has just heard how its locators rank now.
    const reason = this.#reasonToLeave(context, current.local, fresh, now);
    if (reason !== undefined) this.reap({ kind: "leave", id, end: "local", cause: reason }, now);
    if (!fresh && isOutranked(context, current.peer)) this.#parts.moves.outranked(now);
    this.steering.learn(context, now);
    this.forks.established(context, now);
    journal.tell(
      "established",
      now,
      `context ${id} ${showPair(pair)} by ${cause}, tag ${showTag(context.localTag)}, ${current.local} → ${current.peer}`,
    );
    release(waiting.forContext.take(pairKey(pair)), now);
  }

  /** A peer that begins chooses by its own lights; what the site's rules want of our direction holds all the same. */
  #reasonToLeave(context: ContextView, local: Locator, fresh: boolean, now: Millis): LeaveCause | undefined {
    const { identities } = this.#parts;
    if (identities.isUnwanted(local)) return identities.isDrained(local) ? "drain" : "operator";
    if (!fresh || !this.#policy.hasRules) return undefined;
    const { target, equals } = this.steering.wish(context, now);
    return target === undefined || equals.has(local) ? undefined : "policy";
  }

  /** Somebody wishes this of context `id`, in place of what was wished before. @returns `false` when there are too many wishes */
  wish(id: number, wish: ContextWish, now: Millis): boolean {
    const pair = this.#parts.shim6.get(id)?.pair;
    if (pair === undefined || !this.wishes.set(pair, wish)) return false;
    this.leave(id, "local", "operator", now);
    if (wish.peer.length > 0) this.leave(id, "peer", "operator", now);
    return true;
  }

  /** REAP hears how the locators of context `id` rank now. */
  #rerank(id: number, now: Millis, keep?: Locator): void {
    const { shim6, reap } = this.#parts;
    const context = shim6.get(id);
    const current = reap.currentOf(id);
    if (context?.peerTag === undefined || current === undefined) return;
    const ranked = this.steering.rankedLocals(context, now, keep);
    this.reap(
      { kind: "context", context: this.#reapContext(context, context.peerTag, current, ranked, this.timing(context)), fresh: false },
      now,
    );
  }

  /** What REAP hears of a context: locators that are proved, with the ranks that the peer, or a wish, gives them. */
  #reapContext(
    { id, pair, peerLocators, peerBox }: ContextView,
    peerTag: ContextTag,
    current: { local: Locator; peer: Locator },
    localLocators: readonly Locator[],
    timing: ReapTiming,
  ): ReapContext {
    const proved = peerLocators.filter(({ verified }) => verified).map(({ address, preference }) => ({ address, preference }));
    return { id, current, localLocators, peerLocators: this.wishes.overPeer(pair, proved), peerTag, peerBox, timing };
  }

  /** Context `id` is to leave an end of its pair for one that ranks better now, once that one has proved itself. */
  leave(id: number, end: "local" | "peer", cause: LeaveCause, now: Millis): void {
    this.#rerank(id, now, this.#parts.reap.currentOf(id)?.local);
    this.reap({ kind: "leave", id, end, cause }, now);
  }

  #applyReap(effect: ReapEffect, now: Millis): void {
    const { census, core, release, counters, journal, moves, sender, waiting } = this.#parts;
    switch (effect.kind) {
      case "send":
        return sender.send(effect.pair.local, effect.pair.peer, effect.message);
      case "ask":
        counters.count("out-locator-question");
        return sender.send(effect.pair.local, effect.pair.peer, effect.message);
      case "use-pair":
        return this.#usePair(effect, now);
      case "path-quality":
        return this.#tellQuality(effect, now);
      case "path-works":
        return moves.pathWorks(effect.id, effect.pair, now);
      case "state":
        core.hold(effect.id, effect.state !== "Operational");
        census.state(effect.id, effect.state);
        journal.tell("state", now, `context ${effect.id}: ${effect.state} (${effect.cause})`);
        if (effect.state === "Operational") release(waiting.exploring.take(String(effect.id)), now);
        return;
      case "send-timer":
        return core.sendTimer(effect.id, effect.action, now);
      case "keepalive-timer":
        return core.keepaliveTimer(effect.id, effect.action, now);
      case "watch":
        return core.watch(effect.id, effect.on);
      case "drop":
        return counters.count(`drop-${effect.why}`);
    }
  }

  #tellQuality({ pair, brown, loss = 0, delay = 0, contexts }: Extract<ReapEffect, { kind: "path-quality" }>, now: Millis): void {
    const { counters, journal } = this.#parts;
    counters.count(brown ? "in-path-brown-out" : "in-path-good-again");
    const measured = `loses ${Math.round(100 * loss)} %, takes ${Math.round(delay)} ms`;
    const what = brown ? "is too bad to be used while another one is better" : "is good again";
    journal.tell("path", now, `${pair.local} → ${pair.peer} ${what}: it ${measured}; contexts on it: ${contexts}`);
  }

  /** The new path's MTU holds from its first packet on. */
  #usePair({ id, from, pair, cause }: Extract<ReapEffect, { kind: "use-pair" }>, now: Millis): void {
    const { census, core, moves, paths } = this.#parts;
    const { local: localLocator, peer: peerLocator } = pair;
    const mtu = paths.mtus.move(id, pair, now);
    core.update(id, { localLocator, peerLocator, mtu }, now);
    census.moved(id, localLocator);
    moves.moved(id, from, pair, cause, now);
    // What policy forbids was its own to leave, and must not be come back to.
    if (cause !== "failure" && cause !== "brown-out" && this.#policy.hasRules) this.#rerank(id, now);
  }
}

/** When context `id`, which is in the core, last carried a packet; long ago if never. */
export function lastUse(core: Core, id: number): Millis {
  const { lastSent, lastReceived } = core.counters(id);
  return Math.max(lastSent ?? -NEVER, lastReceived ?? -NEVER);
}

function showPair({ local, peer, fork }: UlidPair): string {
  return fork === 0 ? `${local} → ${peer}` : `${local} → ${peer} fork ${fork.toString(16).padStart(8, "0")}`;
}
