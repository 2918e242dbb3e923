/**
 * Forked contexts (RFC 5533 §4.2, §7.7): rules about ports, protocols and classes give the flows that they take out of a pair a context of
 * their own. The core tells the packets apart (core-as/layout/fork.ts); here forks are set up, and each default context is told of its own.
 *
 * While a fork is being set up, and when the peer does not take part, its packets go on the default context, unless the rule pins them:
 * those wait, or are refused. What failed is tried again, first after a minute, then ever more seldom.
 */
import type { Core } from "../fast/contract.ts";
import { FORK_BLOCKS, forksOf } from "../fast/forks.ts";
import type { ForkRule } from "../policy/rule.ts";
import type { ContextView, Shim6, UlidPair } from "../shim6/contract.ts";
import { addressAt } from "../value/address.ts";
import { Reject } from "../value/reject.ts";
import { type Millis, NEVER } from "../value/time.ts";
import { flowOf, IPV6_DESTINATION_AT, IPV6_SOURCE_AT } from "../wire/index.ts";
import type { ForkPolicy, Transport } from "./fork-policy.ts";
import type { Hold } from "./hold.ts";
import type { BoxParts } from "./parts.ts";
import { pairKey } from "./waiting.ts";

/** What the forks work with. */
export interface ForkParts extends Pick<BoxParts, "release"> {
  readonly core: Pick<Core, "setForkTerms" | "update" | "findPair">;
  readonly shim6: Pick<Shim6, "find" | "get" | "contexts">;
  readonly policy: Pick<ForkPolicy, "forks" | "forksFor" | "placeOf" | "forkOf" | "untilEdge">;
  readonly waiting: { readonly forContext: Pick<Hold, "push"> };
  readonly count: (name: string, by?: number) => void;
  /** Tells the host that its packet goes nowhere. */
  readonly refuse: (packet: Uint8Array, counter: string, now: Millis) => void;
  /** Initiates. */
  readonly need: (pair: UlidPair, now: Millis) => void;
  /** Work in slices, when nothing else is to be done. */
  readonly whenIdle: (work: Iterator<unknown>) => void;
}

// Chosen.

/** From a failure to the next attempt: at first, and at most. */
export const FORK_AGAIN: Millis = 60_000;
export const FORK_AGAIN_MOST: Millis = 3_600_000;
/** Forks remembered that are on their way or failed; the oldest is forgotten, and its next packet tries again. */
export const FORKS_REMEMBERED = 4_096;
/** Contexts told of other rules in one slice. */
const TOLD_AT_ONCE = 256;

interface Attempt {
  readonly pair: UlidPair;
  /** `asked` and `failed`: packets take the default context; `due`: the next one tries again. */
  state: "asked" | "failed" | "due";
  until: Millis;
  /** What the last failure cost; 0 = there was none. */
  wait: Millis;
}

/** The forks of one box, for its control thread. */
export class Forks {
  readonly #parts: ForkParts;
  #rules: readonly ForkRule[] = [];
  #block = 0;
  /** The walk over all contexts in hand; a later one ends it. Blocks written since the last one that came to its end. */
  #walk = 0;
  #unwalked = 0;
  /** By {@link pairKey}, oldest first. */
  readonly #attempts = new Map<string, Attempt>();
  /** Ids of the forks in the core, the peer's too, by the key of their default context. */
  readonly #ids = new Map<string, Set<number>>();
  #retryAt: Millis = NEVER;
  #edgeAt: Millis = NEVER;

  constructor(parts: ForkParts) {
    this.#parts = parts;
  }

  /** When {@link poll} has something to do. */
  get wakeAt(): Millis {
    return Math.min(this.#retryAt, this.#edgeAt);
  }

  /** Other rules may hold from now on: the core learns them, and default contexts one after another which of them are theirs. */
  configure(now: Millis): void {
    const { core, policy } = this.#parts;
    if (policy.forks === this.#rules) return;
    const were = this.#rules.length;
    this.#rules = policy.forks;
    this.#edgeAt = this.#nextEdge(now);
    if (were === 0 && this.#rules.length === 0) return;
    this.#block = core.setForkTerms(this.#rules.map(({ fork, match }) => ({ ...match, fork })));
    this.#unwalked++;
    this.#tellAll(now);
  }

  /** What the core is to be told of the forks of `pair`. */
  choice(pair: UlidPair, now: Millis): bigint {
    if (pair.fork !== 0 || this.#rules.length === 0) return 0n;
    const { policy } = this.#parts;
    const rules = policy.forksFor(pair, now).filter((rule) => isPinned(rule) || !this.#isOff({ ...pair, fork: rule.fork }));
    return forksOf(
      this.#block,
      rules.map((rule) => policy.placeOf(rule)),
    );
  }

  /**
   * A packet that the core found no fork for; `id` is its default context.
   * @returns `false` when that is gone: the packet is one without a context
   */
  punted(packet: Uint8Array, id: number, now: Millis): boolean {
    const { shim6, release } = this.#parts;
    const base = shim6.get(id);
    const isIts = base?.peerTag !== undefined && base.pair.local === addressAt(packet, IPV6_SOURCE_AT);
    if (!isIts || base.pair.peer !== addressAt(packet, IPV6_DESTINATION_AT)) return false;
    const rule = this.#ruleFor(packet, base.pair, now);
    const pair = { ...base.pair, fork: rule?.fork ?? 0 };
    const known = rule && shim6.find(pair);
    if (rule !== undefined && known?.peerTag === undefined && isPinned(rule)) this.#wait(packet, pair, known, now);
    else {
      const isOnItsWay = rule !== undefined && known?.peerTag === undefined && !this.#isOff(pair);
      if (isOnItsWay) this.#remember(pair, { state: "asked" }, now);
      // Before it is let go, or it would come back.
      this.tell(base, now);
      release([packet.slice()], now);
      if (isOnItsWay && (known === undefined || isNegative(known))) this.#parts.need(pair, now);
    }
    return true;
  }

  /** The context that `flow` of the default context `pair` goes on now: the default one too while a fork that it may do without is not there. */
  carrierOf(pair: UlidPair, flow: Transport, now: Millis): UlidPair {
    const rule = this.#rules.length === 0 ? undefined : this.#parts.policy.forkOf(pair, flow, now);
    const fork = rule && { ...pair, fork: rule.fork };
    return fork !== undefined && rule !== undefined && (isPinned(rule) || this.#parts.shim6.find(fork)?.peerTag !== undefined)
      ? fork
      : pair;
  }

  /** A packet opens the pair: the fork that it wants, if it may not go without, is set up beside the default context. */
  opened(packet: Uint8Array, pair: UlidPair, now: Millis): void {
    const rule = this.#ruleFor(packet, pair, now);
    if (rule === undefined || !isPinned(rule)) return;
    const fork = { ...pair, fork: rule.fork };
    if (this.#parts.shim6.find(fork) === undefined) this.#parts.need(fork, now);
  }

  /** A fork is in the core: packets may take it. */
  established({ id, pair }: ContextView, now: Millis): void {
    if (pair.fork === 0) return;
    const key = baseKey(pair);
    const ids = this.#ids.get(key);
    if (ids === undefined) this.#ids.set(key, new Set([id]));
    else ids.add(id);
    if (this.#attempts.delete(pairKey(pair))) this.#tellBase(pair, now);
  }

  /** The set-up of a fork failed. @returns whether that is news */
  failed(pair: UlidPair, now: Millis): boolean {
    const before = this.#attempts.get(pairKey(pair));
    // Packets that are pinned bring up every failure themselves.
    if (before === undefined) return true;
    const wait = before.wait === 0 ? FORK_AGAIN : Math.min(FORK_AGAIN_MOST, 2 * before.wait);
    this.#remember(pair, { state: "failed", until: now + wait, wait }, now);
    this.#retryAt = Math.min(this.#retryAt, now + wait);
    this.#tellBase(pair, now);
    return before.wait === 0;
  }

  /** The record of a context is gone. */
  removed(id: number, pair: UlidPair, now: Millis): void {
    if (pair.fork === 0) return;
    const key = baseKey(pair);
    const ids = this.#ids.get(key);
    ids?.delete(id);
    if (ids?.size === 0) this.#ids.delete(key);
    const attempt = this.#attempts.get(pairKey(pair));
    if (attempt?.state !== "asked") return;
    this.#attempts.delete(pairKey(pair));
    this.#tellBase(pair, now);
  }

  /** Whether a fork of any pair is in the core. */
  get some(): boolean {
    return this.#ids.size > 0;
  }

  /** Ids of the forks of the pair that are in the core. */
  of(pair: UlidPair): readonly number[] {
    return this.#ids.size === 0 ? [] : [...(this.#ids.get(baseKey(pair)) ?? [])];
  }

  poll(now: Millis): void {
    if (this.#edgeAt <= now) {
      this.#edgeAt = this.#nextEdge(now);
      this.#tellAll(now);
    }
    if (this.#retryAt > now) return;
    this.#retryAt = NEVER;
    for (const attempt of this.#attempts.values()) {
      if (attempt.state !== "failed") continue;
      if (attempt.until > now) this.#retryAt = Math.min(this.#retryAt, attempt.until);
      else {
        attempt.state = "due";
        this.#tellBase(attempt.pair, now);
      }
    }
  }

  /** The core hears which forks the default context `base`, which is in it, has now. */
  tell({ id, pair }: Pick<ContextView, "id" | "pair">, now: Millis): void {
    this.#parts.core.update(id, { forks: this.choice(pair, now) }, now);
  }

  #tellBase(pair: UlidPair, now: Millis): void {
    const base = this.#parts.shim6.find({ ...pair, fork: 0 });
    if (base !== undefined && this.#isInCore(base)) this.tell(base, now);
  }

  #isInCore({ id, pair, peerTag }: ContextView): boolean {
    return peerTag !== undefined && this.#parts.core.findPair(pair.local, pair.peer, pair.fork) === id;
  }

  #tellAll(now: Millis): void {
    const walk = this.#tellEach(++this.#walk, now);
    // A block that a context still names must not be written over.
    if (this.#unwalked < FORK_BLOCKS - 1) return this.#parts.whenIdle(walk);
    for (const _ of walk);
  }

  *#tellEach(walk: number, now: Millis): Generator<undefined> {
    let told = 0;
    for (const context of this.#parts.shim6.contexts()) {
      if (walk !== this.#walk) return;
      if (context.pair.fork === 0 && this.#isInCore(context)) this.tell(context, now);
      if (++told % TOLD_AT_ONCE === 0) yield;
    }
    this.#unwalked = 0;
  }

  #wait(packet: Uint8Array, pair: UlidPair, known: ContextView | undefined, now: Millis): void {
    const { waiting, count, refuse, need } = this.#parts;
    if (known !== undefined && isNegative(known)) return refuse(packet, "drop-unreachable-peer", now);
    count("drop-hold-full", waiting.forContext.push(pairKey(pair), packet));
    if (known === undefined) need(pair, now);
  }

  #ruleFor(packet: Uint8Array, pair: UlidPair, now: Millis): ForkRule | undefined {
    if (this.#rules.length === 0) return undefined;
    const flow = flowOf(packet);
    return flow instanceof Reject ? undefined : this.#parts.policy.forkOf(pair, flow, now);
  }

  #isOff(pair: UlidPair): boolean {
    const attempt = this.#attempts.get(pairKey(pair));
    return attempt !== undefined && attempt.state !== "due";
  }

  #remember(pair: UlidPair, { state, until = NEVER, wait }: Partial<Attempt> & Pick<Attempt, "state">, now: Millis): void {
    const key = pairKey(pair);
    const before = this.#attempts.get(key);
    this.#attempts.delete(key);
    this.#attempts.set(key, { pair, state, until, wait: wait ?? before?.wait ?? 0 });
    if (this.#attempts.size <= FORKS_REMEMBERED) return;
    const oldest = this.#attempts.entries().next();
    if (oldest.done === true) return;
    const [forgotten, { pair: its }] = oldest.value;
    this.#attempts.delete(forgotten);
    this.#tellBase(its, now);
  }

  #nextEdge(now: Millis): Millis {
    return now + this.#parts.policy.untilEdge();
  }
}

function isPinned({ use }: ForkRule): boolean {
  return use.kind === "pin";
}

function isNegative({ state }: ContextView): boolean {
  return state === "E-FAILED" || state === "NO-SUPPORT";
}

function baseKey(pair: UlidPair): string {
  return pairKey({ ...pair, fork: 0 });
}
