/**
 * Measures paths to boxes of our kind while contexts with them carry traffic: on each path in use one context asks a few times a second, on those
 * that contexts could take one asks now and then, and as often when a path in use is bad. The question is an Update Request that says nothing, its
 * Acknowledgement the answer; both ways count as one.
 */
import { type LocatorPair, samePair } from "../value/pair.ts";
import { type Millis, NEVER } from "../value/time.ts";
import { type Entry, isBroken, rankedPairs, shares } from "./entry.ts";
import { JITTER } from "./explorer.ts";
import { DeadlineHeap } from "./heap.ts";
import { Pacer } from "./pace.ts";
import { isLost, type Path, type PeerBox } from "./paths.ts";
import { PathQuality, type QualitySettings } from "./quality.ts";
import type { Siblings } from "./siblings.ts";
import type { Turn } from "./turn.ts";

// Chosen values.

/** Contexts that carried something so lately are worth measuring for. */
export const ACTIVE: Millis = 5_000;
/** A path that was lost so lately may come and go: it is measured as often as one in use. */
const DOUBTED: Millis = 60_000;
/** What was measured of a path that has been dead for longer says nothing of it now. */
const REVIVED: Millis = 10_000;
/** Looks at a box without such contexts, seldom and more seldom. */
const REST: Millis = 1_000;
const REST_MOST: Millis = 10_000;
/** A question is lost when its answer takes longer than so many round trips, within these bounds; one that comes later still, until the third, was late. */
const PATIENT = 4;
const PATIENCE_LEAST: Millis = 500;
const PATIENCE_MOST: Millis = 2_000;
const LATEST: Millis = 3_000;
/** Members of a path looked at in one tick, for one that is active. */
const LOOKS = 64;
/** Paths of a box on standby, and questions of a box that are open, at most. */
const STANDBYS = 8;
const OPEN_MOST = 512;
/** Standbys are looked for again after so long: locators, their ranks and who is reachable change. */
const PLAN_AGAIN: Millis = 5_000;
/** Share of what is bad enough, from which on standbys are measured as often as paths in use. */
const ALERT = 1 / 2;
/** Questions of the whole machine: a few thousand a second. */
const BURST = 40;
const WINDOW: Millis = 10;

interface Question {
  readonly entry: Entry;
  readonly path: Path<Entry>;
  readonly pair: LocatorPair;
  readonly at: Millis;
  readonly patience: Millis;
  missed: boolean;
}

interface Standby {
  readonly entry: Entry;
  readonly path: Path<Entry>;
  readonly pair: LocatorPair;
}

/** What is measured of the paths to one box. */
interface Watch {
  readonly box: PeerBox<Entry>;
  /** By nonce, oldest first. */
  readonly open: Map<number, Question>;
  /** Where the search for an active member of a path goes on, and the one found last. */
  readonly scans: Map<Path<Entry>, Iterator<Entry>>;
  readonly askers: Map<Path<Entry>, Entry>;
  readonly due: Map<Path<Entry>, Millis>;
  standbys: readonly Standby[];
  /** Standbys that are measured anew because a path in use is bad. */
  readonly renewed: Set<Path<Entry>>;
  plannedAt: Millis;
  rest: Millis;
  alert: boolean;
  deadline: Millis;
  heapIndex: number;
}

/** What the sampler works with. */
export interface SamplerParts {
  readonly siblings: Siblings;
  /** `undefined` = nothing is measured. */
  readonly settings: () => QualitySettings | undefined;
  /** When a context last carried a packet. */
  readonly lastUse: (id: number, now: Millis) => Millis;
  /** A path was browned out, or is no longer. */
  readonly changed: (path: Path<Entry>, box: PeerBox<Entry>, turn: Turn) => void;
  /** A path that counted as dead has answered `entry`. */
  readonly revived: (entry: Entry, path: Path<Entry>, turn: Turn) => void;
}

/** The questions of one machine. Bounded. */
export class Sampler {
  readonly #parts: SamplerParts;
  readonly #heap = new DeadlineHeap<Watch>();
  readonly #watches = new Map<PeerBox<Entry>, Watch>();
  readonly #pacer = new Pacer(BURST, WINDOW);

  constructor(parts: SamplerParts) {
    this.#parts = parts;
  }

  get wakeAt(): Millis {
    return this.#heap.wakeAt === NEVER ? NEVER : Math.max(this.#heap.wakeAt, this.#pacer.readyAt);
  }

  /** `entry` has joined its siblings. */
  join(entry: Entry, { now, draw }: Turn): void {
    const { box } = entry;
    if (box === undefined || !shares(entry) || this.#watches.has(box)) return;
    const watch: Watch = {
      box,
      open: new Map(),
      scans: new Map(),
      askers: new Map(),
      due: new Map(),
      standbys: [],
      renewed: new Set(),
      plannedAt: -NEVER,
      rest: REST,
      alert: false,
      deadline: 0,
      heapIndex: -1,
    };
    this.#watches.set(box, watch);
    this.#heap.set(watch, now + draw.around(REST, JITTER));
  }

  /** Whether `nonce` is that of a question of `entry`. */
  isOpen(entry: Entry, nonce: number): boolean {
    return this.#find(entry, nonce) !== undefined;
  }

  /** The peer acknowledged the request with `nonce`. */
  hear(entry: Entry, nonce: number, turn: Turn): void {
    const found = this.#find(entry, nonce);
    const settings = this.#parts.settings();
    if (found === undefined || settings === undefined) return;
    const { watch, question } = found;
    const { path, pair, at, missed } = question;
    watch.open.delete(nonce);
    const wasLost = isLost(path);
    const isOld = turn.now - (path.lostAt ?? turn.now) > REVIVED;
    this.#parts.siblings.sampled(entry, path, pair, at, turn.now);
    if (wasLost && isLost(path)) return;
    if (wasLost) {
      if (isOld) path.quality?.restart();
      this.#parts.revived(entry, path, turn);
    }
    path.quality ??= new PathQuality();
    if (path.quality.answered(turn.now - at, missed && !wasLost, turn.now, settings)) this.#parts.changed(path, watch.box, turn);
  }

  /** Asks what is due, as far as the pace goes, and gives up what was not answered. */
  poll(turn: Turn): void {
    for (let top = this.#heap.top; top !== undefined && top.deadline <= turn.now; top = this.#heap.top) {
      if (!this.#pacer.free(turn.now)) return;
      this.#tick(top, turn);
    }
  }

  #tick(watch: Watch, turn: Turn): void {
    const { box } = watch;
    const settings = this.#parts.settings();
    if (box.contexts === 0) {
      this.#heap.delete(watch);
      this.#watches.delete(box);
      return;
    }
    if (settings === undefined) {
      watch.open.clear();
      for (const path of box.paths.values()) path.quality = undefined;
      this.#heap.set(watch, turn.now + REST_MOST);
      return;
    }
    this.#giveUp(watch, settings, turn);
    const asker = this.#askInUse(watch, settings, turn);
    if (asker === undefined) {
      watch.rest = Math.min(REST_MOST, 2 * watch.rest);
      this.#heap.set(watch, turn.now + turn.draw.around(watch.rest, JITTER));
      return;
    }
    watch.rest = REST / 2;
    this.#askStandbys(watch, asker, settings, turn);
    this.#heap.set(watch, turn.now + settings.interval);
  }

  /** Questions that have been waited for long enough. */
  #giveUp({ box, open }: Watch, settings: QualitySettings, turn: Turn): void {
    const { now } = turn;
    for (const [nonce, question] of open) {
      const { path, at, patience, missed } = question;
      if (now - at >= LATEST) open.delete(nonce);
      if (missed || now - at < patience) continue;
      question.missed = true;
      // A dead path is REAP's business: what was asked when it was dead already says nothing of its quality.
      if (isLost(path) && (path.lostAt ?? now) <= at) continue;
      path.quality ??= new PathQuality();
      if (path.quality.missed(now, settings)) this.#parts.changed(path, box, turn);
    }
  }

  /** @returns a context that is active */
  #askInUse(watch: Watch, settings: QualitySettings, turn: Turn): Entry | undefined {
    let some: Entry | undefined;
    watch.alert = false;
    for (const path of watch.box.paths.values()) {
      if (path.members.size === 0) {
        watch.scans.delete(path);
        watch.askers.delete(path);
        continue;
      }
      if ((path.quality?.badness(settings) ?? 0) >= ALERT) watch.alert = true;
      const asker = this.#askerOf(watch, path, turn.now);
      if (asker === undefined) continue;
      some ??= asker;
      if ((watch.due.get(path) ?? 0) > turn.now || isLost(path)) continue;
      watch.due.set(path, turn.now + settings.interval * (1 - JITTER));
      this.#ask(watch, asker, path, asker.current, turn);
    }
    return some;
  }

  #askerOf(watch: Watch, path: Path<Entry>, now: Millis): Entry | undefined {
    const known = watch.askers.get(path);
    if (known !== undefined && this.#isActive(known, path, now)) return known;
    for (let looks = 0; looks < LOOKS; looks++) {
      const scan = watch.scans.get(path) ?? path.members[Symbol.iterator]();
      watch.scans.set(path, scan);
      const next = scan.next();
      if (next.done === true) {
        watch.scans.delete(path);
        if (looks > 0 || path.members.size === 0) break;
        continue;
      }
      if (!this.#isActive(next.value, path, now)) continue;
      watch.askers.set(path, next.value);
      return next.value;
    }
    watch.askers.delete(path);
    return undefined;
  }

  #isActive(entry: Entry, path: Path<Entry>, now: Millis): boolean {
    if (entry.path !== path || entry.rests || !shares(entry)) return false;
    return now - this.#parts.lastUse(entry.context.id, now) <= ACTIVE;
  }

  /** Paths that `asker` could take, and nobody uses. */
  #askStandbys(watch: Watch, asker: Entry, settings: QualitySettings, turn: Turn): void {
    if (turn.now - watch.plannedAt >= PLAN_AGAIN) {
      watch.plannedAt = turn.now;
      watch.standbys = this.#standbysOf(asker, turn);
      const known = new Set(watch.box.paths.values());
      for (const path of watch.due.keys()) if (!known.has(path)) watch.due.delete(path);
    }
    if (!watch.alert) watch.renewed.clear();
    for (const { entry, path, pair } of watch.standbys) {
      if (path.members.size > 0 || entry.box !== watch.box || (watch.due.get(path) ?? 0) > turn.now) continue;
      const isWatched = watch.alert || path.quality?.brown === true || turn.now - (path.lostAt ?? -NEVER) < DOUBTED;
      const gap = isWatched ? settings.interval : settings.standby;
      // Seldom samples are of another time: when it matters, it begins anew.
      if (watch.alert && !watch.renewed.has(path)) {
        watch.renewed.add(path);
        path.quality?.restart();
      }
      watch.due.set(path, turn.now + turn.draw.around(gap, JITTER));
      this.#ask(watch, entry, path, pair, turn);
    }
  }

  #standbysOf(entry: Entry, { draw }: Turn): Standby[] {
    const { siblings } = this.#parts;
    const standbys = new Map<Path<Entry>, Standby>();
    for (const pair of rankedPairs(entry.context, draw.octets())) {
      if (standbys.size >= STANDBYS) break;
      if (samePair(pair, entry.current) || isBroken(entry.context, pair) || !siblings.isReachable(entry, pair)) continue;
      const path = siblings.pathOf(entry, pair);
      if (path !== undefined && !standbys.has(path)) standbys.set(path, { entry, path, pair });
    }
    return [...standbys.values()];
  }

  #ask(watch: Watch, entry: Entry, path: Path<Entry>, pair: LocatorPair, { now, draw, effects }: Turn): void {
    if (watch.open.size >= OPEN_MOST || !this.#pacer.take(now)) return;
    const nonce = draw.u32();
    const patience = Math.min(PATIENCE_MOST, Math.max(PATIENCE_LEAST, PATIENT * (path.quality?.delay ?? path.roundTrip ?? 0)));
    watch.open.set(nonce, { entry, path, pair, at: now, patience, missed: false });
    const { id, peerTag } = entry.context;
    effects.push({ kind: "ask", id, pair, message: { kind: "UpdateRequest", receiverTag: peerTag, requestNonce: nonce, options: [] } });
  }

  #find(entry: Entry, nonce: number): { readonly watch: Watch; readonly question: Question } | undefined {
    const watch = entry.box && this.#watches.get(entry.box);
    const question = watch?.open.get(nonce);
    return watch === undefined || question?.entry !== entry ? undefined : { watch, question };
  }
}
