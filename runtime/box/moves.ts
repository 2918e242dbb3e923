/**
 * Contexts that live follow the site's will. A walk over all of them, paced, compares where each one is with where it is meant to be: because the
 * settings or the hour changed, a provider is drained or used again, a line came back, a path that was dead works. Who is where it should be
 * is left alone; who is not goes by make before break (runtime/reap/leaves.ts), at most {@link MOVE_BATCH} in {@link MOVE_WINDOW}.
 */
import type { Failback } from "../policy/rule.ts";
import { isOutranked } from "../reap/leaves.ts";
import type { ContextView } from "../shim6/contract.ts";
import type { Locator } from "../value/address.ts";
import type { LeaveCause, MoveCause } from "../value/cause.ts";
import type { LocatorPair } from "../value/pair.ts";
import { type Millis, NEVER } from "../value/time.ts";
import { PREFERENCE_BROKEN } from "../wire/message.ts";
import type { MoveListener } from "./machines.ts";
import { MoveLog } from "./move-log.ts";
import { nextHour, sameOutlook } from "./outlook.ts";
import { type MoveParts, mayGoBack, PathWatch } from "./path-watch.ts";
import type { Outlook, Wish } from "./steer.ts";

// Chosen.

/** Contexts that begin to leave in one {@link MOVE_WINDOW}, and that are looked at: a look costs some microseconds. */
export const MOVE_BATCH = 40;
export const MOVE_WINDOW: Millis = 10;
const LOOKS = 200;
/** Between two walks while somebody waits; and until the first one after a drain: those that hear that they are on a drained locator leave by themselves. */
export const MOVE_AGAIN: Millis = 5_000;
/** When nothing is said of going back. */
export const FAILBACK: Failback = { kind: "after", hold: 60_000 };

/** A change of what the site wants that not every context has been looked at for. */
interface Change {
  readonly before: Outlook;
  readonly cause: LeaveCause;
}

/** Which end of its pair a context is to leave now, and why; "waits" = later. */
type Verdict = { readonly end: "local" | "peer"; readonly cause: LeaveCause } | "waits" | undefined;

/** Moves contexts of one box. For the control thread. */
export class Moves implements MoveListener {
  readonly #parts: MoveParts;
  readonly #log: MoveLog;
  readonly #paths: PathWatch;
  #outlook: Outlook | undefined;
  #change: Change | undefined;
  /** Prefixes of all providers. */
  #names: ReadonlySet<string> | undefined;
  /** Prefixes that may not be used, or should not: dead, drained or full. */
  #shut: ReadonlyMap<string, "broken" | "drained" | "full"> = new Map();
  /** When prefixes came back and why they were gone, as long as somebody may be on the way back. */
  readonly #back = new Map<string, { readonly at: Millis; readonly cause: LeaveCause }>();
  /** Contexts that a failure took from where they are meant to be. */
  readonly #displaced = new Set<number>();
  /** When the walk in hand began; `undefined` = none is under way. */
  #walkingSince: Millis | undefined;
  /** When the next one begins; an alarm for another instant is stale. */
  #walkAt: Millis = NEVER;
  #hourAt = 0;

  constructor(parts: MoveParts) {
    this.#parts = parts;
    this.#log = new MoveLog(parts);
    this.#paths = new PathWatch(parts);
  }

  /** The providers with these prefixes, as text, are drained from now on, and no others. */
  set(prefixes: ReadonlySet<string>): void {
    const { identities, shim6, told } = this.#parts;
    if (identities.setDrained(prefixes, shim6.untold > 0)) told();
    this.refresh();
  }

  /** Something has changed that contexts may have to follow: settings, lines, loads. `told` = peers are about to hear of it already. */
  refresh(told = false): void {
    const { identities, now, steering } = this.#parts;
    const outlook = steering.outlook;
    const before = this.#outlook;
    this.#outlook = outlook;
    this.#lookAtLines();
    if (before === undefined) return this.#planHour();
    if (sameOutlook(before, outlook)) return;
    const isHour = before.policy.terms === outlook.policy.terms && before.standings === outlook.standings;
    this.#change = { before: this.#change?.before ?? before, cause: isHour ? "hour" : "policy" };
    const isRuled = [before, outlook].some(({ policy }) => policy.terms.rules.length > 0);
    if (isRuled && !told) {
      if (this.#parts.shim6.untold > 0) identities.renew();
      this.#parts.told();
    }
    this.#planHour();
    this.#walkFrom(now());
  }

  /** Context `id` sends on another pair. */
  moved(id: number, from: LocatorPair, to: LocatorPair, cause: MoveCause, now: Millis): void {
    this.#log.moved(id, from, to, cause, now);
    if (cause !== "failure" && cause !== "brown-out") {
      this.#displaced.delete(id);
      return;
    }
    const view = this.#parts.shim6.get(id);
    if (view !== undefined && isOutranked(view, to.peer)) this.outranked(now);
    if (from.local === to.local) return;
    if (view === undefined || this.#parts.steering.wish(view, now).target === to.local) this.#displaced.delete(id);
    else this.#displaced.add(id);
    if (this.#displaced.size > 0) this.#walkFrom(now + MOVE_AGAIN);
  }

  /** A scout's question on `pair` came back. */
  pathWorks(id: number, pair: LocatorPair, now: Millis): void {
    const view = this.#parts.shim6.get(id);
    if (view !== undefined && this.#paths.works(view, pair, now)) this.#walkFrom(now);
  }

  /** A peer would rather have packets of some context at another locator: a failure took them from there, or it was BROKEN. */
  outranked(now: Millis): void {
    this.#walkFrom(now + MOVE_AGAIN);
  }

  /** What came back, and what went. */
  #lookAtLines(): void {
    const { identities, full, now } = this.#parts;
    const isFull = full();
    const shut = new Map<string, "broken" | "drained" | "full">();
    for (const { name, broken, drained } of identities.standings) {
      if (broken || drained) shut.set(name, broken ? "broken" : "drained");
      else if (isFull.has(name)) shut.set(name, "full");
    }
    const names = new Set(identities.standings.map(({ name }) => name));
    // One that the settings name for the first time has come back from nowhere: contexts go there by the same rules.
    for (const name of names) if (this.#names !== undefined && !this.#names.has(name)) this.#back.set(name, { at: now(), cause: "policy" });
    this.#names = names;
    for (const [name, why] of this.#shut)
      if (!shut.has(name) && names.has(name)) this.#back.set(name, { at: now(), cause: why === "drained" ? "restore" : "failback" });
    for (const name of [...this.#back.keys()]) if (shut.has(name) || !names.has(name)) this.#back.delete(name);
    const isMore = [...shut].some(([name, why]) => why === "drained" && this.#shut.get(name) !== "drained");
    this.#shut = shut;
    if (this.#back.size > 0) this.#walkFrom(now());
    if (isMore) this.#walkFrom(now() + MOVE_AGAIN);
  }

  /** Rules with hours begin and end by themselves. Looked at again once an hour at least: clocks are set. */
  #planHour(): void {
    const { at, now, steering } = this.#parts;
    const turn = ++this.#hourAt;
    const { terms } = steering.outlook.policy;
    const wait = nextHour(terms.rules, this.#parts.wall());
    if (wait === NEVER) return;
    at(now() + wait, () => {
      if (turn !== this.#hourAt) return;
      this.refresh();
      if (turn === this.#hourAt) this.#planHour();
    });
  }

  /** A walk begins at `when`, unless one does before; or when the one that is under way has ended. */
  #walkFrom(when: Millis): void {
    if (when >= this.#walkAt) return;
    this.#walkAt = when;
    if (this.#walkingSince === undefined) this.#plan();
  }

  #plan(): void {
    const when = this.#walkAt;
    this.#parts.at(when, () => {
      if (when !== this.#walkAt || this.#walkingSince !== undefined) return;
      this.#walkAt = NEVER;
      this.#walkingSince = this.#parts.now();
      this.#paths.beginWalk();
      this.#go(this.#parts.shim6.contexts()[Symbol.iterator](), this.#change, new Set());
    });
  }

  #go(contexts: Iterator<ContextView>, change: Change | undefined, awaited: Set<string>): void {
    const { at, leave } = this.#parts;
    const now = this.#parts.now();
    let left = 0;
    for (let looks = 0; looks < LOOKS && left < MOVE_BATCH; looks++) {
      const next = contexts.next();
      if (next.done === true) return this.#end(change, awaited, now);
      const verdict = this.#judge(next.value, change, awaited, now);
      if (verdict === undefined || verdict === "waits") continue;
      left++;
      leave(next.value.id, verdict.end, verdict.cause);
    }
    at(now + MOVE_WINDOW, () => this.#go(contexts, change, awaited));
  }

  /** Every context has been looked at. `awaited` = prefixes that some are on the way back to. */
  #end(change: Change | undefined, awaited: ReadonlySet<string>, now: Millis): void {
    const began = this.#walkingSince ?? now;
    this.#walkingSince = undefined;
    if (this.#change === change) this.#change = undefined;
    this.#paths.endWalk();
    for (const [name, { at }] of this.#back) if (at < began && !awaited.has(name)) this.#back.delete(name);
    if (this.#displaced.size > 0) this.#forgetGone();
    const isDrained = [...this.#shut.values()].includes("drained");
    if (this.#change !== undefined) this.#walkAt = Math.min(this.#walkAt, now);
    else if (awaited.size > 0 || isDrained || this.#back.size > 0) this.#walkAt = Math.min(this.#walkAt, now + MOVE_AGAIN);
    if (this.#walkAt !== NEVER) this.#plan();
  }

  #forgetGone(): void {
    for (const id of this.#displaced) if (this.#parts.shim6.get(id) === undefined) this.#displaced.delete(id);
  }

  /** Whether the context is to leave an end of its pair now, and why. */
  #judge(view: ContextView, change: Change | undefined, awaited: Set<string>, now: Millis): Verdict {
    const { identities, reap, steering } = this.#parts;
    const current = reap.currentOf(view.id);
    if (view.state !== "ESTABLISHED" || current === undefined) return undefined;
    const wish = steering.wish(view, now);
    const { target } = wish;
    const here = identities.standingOf(current.local);
    const there = target === undefined ? undefined : identities.standingOf(target);
    if (target === undefined || target === current.local || here === undefined || there === undefined) {
      this.#displaced.delete(view.id);
      return this.#judgePeer(view, current, wish, awaited, now);
    }
    // Everything else may be drained, too.
    if (here.drained || there.drained) return here.drained && !there.drained ? { end: "local", cause: "drain" } : undefined;
    if (change !== undefined && steering.wish(view, now, change.before).target !== target) {
      awaited.add(there.name);
      return { end: "local", cause: change.cause };
    }
    const isForbidden = wish.forbidden.includes(current.local);
    if (isForbidden || (here.metered && !there.metered)) {
      awaited.add(there.name);
      return this.#paths.mayTry(view, now) ? { end: "local", cause: isForbidden ? "policy" : "metered" } : "waits";
    }
    if (this.#shut.get(there.name) === "full" || !this.#isOffPlace(view.id, current.local, wish, there.name))
      return this.#judgePeer(view, current, wish, awaited, now);
    const back = this.#back.get(there.name);
    const ready = this.#mayGoBack(view, { local: target, peer: current.peer }, wish, { name: there.name, at: back?.at }, awaited, now);
    return ready === true ? { end: "local", cause: back?.cause ?? "failback" } : ready;
  }

  /** The peer would rather have our packets elsewhere, and has not just said so (then REAP goes at once): its locator had failed, or was BROKEN. */
  #judgePeer(view: ContextView, { local, peer }: LocatorPair, wish: Wish, awaited: Set<string>, now: Millis): Verdict {
    if (!isOutranked(view, peer)) return undefined;
    const isUsable = ({ preference: { flags }, verified }: ContextView["peerLocators"][number]) =>
      verified && (flags & PREFERENCE_BROKEN) === 0;
    const usable = view.peerLocators.filter(isUsable);
    const best = Math.min(...usable.map(({ preference }) => preference.priority ?? 0));
    const to = usable.find(({ preference }) => (preference.priority ?? 0) === best);
    if (to === undefined) return undefined;
    const ready = this.#mayGoBack(view, { local, peer: to.address }, wish, { name: "peer", at: undefined }, awaited, now);
    return ready === true ? { end: "peer", cause: "failback" } : ready;
  }

  /** Among locators that rank alike everyone stays where it is, but for those that had to leave. */
  #isOffPlace(id: number, current: Locator, { equals }: Wish, target: string): boolean {
    return !equals.has(current) || this.#displaced.has(id) || this.#back.has(target);
  }

  /** @returns whether the context goes to `pair` now, "waits" if later, `undefined` if never */
  #mayGoBack(
    view: ContextView,
    pair: LocatorPair,
    { failback }: Wish,
    target: { readonly name: string; readonly at: Millis | undefined },
    awaited: Set<string>,
    now: Millis,
  ): true | "waits" | undefined {
    const how = failback ?? this.#parts.failback();
    if (how.kind === "never") return undefined;
    awaited.add(target.name);
    const known = { since: target.at, path: this.#paths.provedSince(view, pair, now) };
    return mayGoBack(this.#parts, how, view, known, now) && this.#paths.mayTry(view, now) ? true : "waits";
  }
}
