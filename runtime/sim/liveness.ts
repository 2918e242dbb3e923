/**
 * If a working pair exists for long enough, a context uses it. From the first packet that a host sends after something broke, the
 * context has as long as {@link recoveryBound} says; whatever breaks after that at one of its sites starts the count anew.
 */
import { type Millis, NEVER } from "../value/time.ts";
import type { Agenda } from "./agenda.ts";
import { recoveryBound, repairBound, type Side, setupBound } from "./bound.ts";
import type { Machine, Running } from "./machine.ts";
import { entryOf } from "./maps.ts";
import { type Network, type Road, works } from "./network.ts";
import type { Person } from "./people.ts";
import { Violation } from "./violation.ts";

/** What the watch knows of the world. */
export interface LivenessWorld {
  readonly agenda: Agenda;
  readonly network: Network;
  /** The boxes' tables have room for every pair of hosts that talk. */
  readonly roomy: boolean;
  now(): Millis;
  machineOf(site: number): Machine | undefined;
  /** The road that a packet between these locators takes. */
  roadOf(local: string, peer: string): Road | undefined;
}

/** Hosts that said something so lately still talk. */
const TRAFFIC_LATELY: Millis = 20_000;

interface Watched {
  readonly a: Person;
  readonly b: Person;
  /** A check is planned: that the pair in use works; that there is a context. */
  planned: boolean;
  expected: boolean;
  lastSent: Millis;
  /** Goes up with every change that may need a new search; when that was. */
  epoch: number;
  brokenAt: Millis;
  /** Since then, hosts spoke while their context was on a dead pair. */
  wasDead: boolean;
  /** What recovery may take, reckoned at the first packet since then: later the search may have backed off, which is no excuse. */
  bound: Millis | undefined;
}

interface End {
  readonly machine: Machine;
  readonly running: Running;
  readonly person: Person;
  readonly other: Person;
}

/** Watches every pair of hosts that talk. */
export class Liveness {
  readonly #world: LivenessWorld;
  readonly #watched = new Map<Person, Map<Person, Watched>>();
  /** When each context of each box left Operational. */
  readonly #exploring = new Map<Running, Map<number, Millis>>();
  /** Checks that were made, and those of them after which a context had left a dead pair. */
  checks = 0;
  recoveries = 0;
  /** Times that a context was demanded. */
  made = 0;

  constructor(world: LivenessWorld) {
    this.#world = world;
  }

  /** Something broke at `site`: what its contexts were given to find a pair, they are given anew. */
  disturb(site: number): void {
    for (const byB of this.#watched.values()) {
      for (const watched of byB.values()) {
        if (watched.a.site !== site && watched.b.site !== site) continue;
        watched.planned = false;
        watched.expected = false;
        watched.epoch++;
        watched.brokenAt = this.#world.now();
        watched.wasDead = false;
        watched.bound = undefined;
      }
    }
  }

  /** A box said something. */
  told(running: Running | undefined, text: string): void {
    if (running === undefined) return;
    const said = /^context (\d+): (Operational|Exploring|InboundOk)/.exec(text);
    if (said === null) return;
    const since = entryOf(this.#exploring, running, () => new Map<number, Millis>());
    const id = Number(said[1]);
    if (said[2] === "Operational") since.delete(id);
    else if (!since.has(id)) since.set(id, this.#world.now());
  }

  /** A host sends a packet that its box will get. */
  sends(from: Person, to: Person): void {
    const watched = this.#watch(from, to);
    watched.lastSent = this.#world.now();
    if (watched.expected || watched.planned || !this.#world.roomy || !this.#isLossless(watched)) return;
    const ends = this.#endsOf(watched);
    const bound = ends === undefined || haveContext(ends) ? undefined : this.#makingBound(ends);
    if (ends === undefined || bound === undefined) return;
    watched.expected = true;
    const { epoch, lastSent: since } = watched;
    this.#world.agenda.at(since + bound, () => {
      if (epoch !== watched.epoch) return;
      watched.expected = false;
      const now = this.#endsOf(watched);
      // Without traffic there need be none.
      if (now === undefined || this.#world.now() - watched.lastSent > TRAFFIC_LATELY) return;
      this.made++;
      if (haveContext(now)) return;
      const states = now.map((end) => contextOf(end)?.state ?? "nothing").join(" and ");
      const after = `${(bound / 1000).toFixed(1)} s after ${(since / 1000).toFixed(3)} s`;
      throw new Violation("unmade", this.#world.now(), `${from.ulid} and ${to.ulid} have no context (${states}) ${after}`);
    });
  }

  /** What set-up or repair may take; `undefined` while something else goes on, whose end is not told by its beginning. */
  #makingBound(ends: readonly [End, End]): Millis | undefined {
    const [pairs, working] = this.#countPairs(ends);
    const roundTrip = this.#roundTrip();
    const setup = working === 0 ? undefined : setupBound(pairs, working, roundTrip);
    const [known, other] = ends.filter((end) => contextOf(end) !== undefined);
    if (setup === undefined || other !== undefined) return undefined;
    if (known === undefined) return setup;
    if (contextOf(known)?.state !== "ESTABLISHED") return undefined;
    return Math.max(setup, repairBound(this.#sideOf(known, this.#world.now()).side, pairs, roundTrip));
  }

  /** Pairs of providers between two sites, and those that work both ways. */
  #countPairs([a, b]: readonly [End, End]): [number, number] {
    const { roads } = this.#world.network;
    const there = roads.filter(({ from, to }) => from.site === a.person.site && to.site === b.person.site);
    const back = (road: Road): boolean => roads.some((other) => other.from === road.to && other.to === road.from && works(other));
    return [there.length, there.filter((road) => works(road) && back(road)).length];
  }

  /** A host sent a packet that its box got. */
  sent(from: Person, to: Person): void {
    const watched = this.#watch(from, to);
    if (watched.planned || !this.#isLossless(watched)) return;
    const ends = this.#endsOf(watched);
    if (ends === undefined || !haveContext(ends) || !ends.every((end) => this.#isPossible(end))) return;
    watched.wasDead ||= ends.some((end) => !this.#isOnWorking(end));
    watched.bound ??= this.#boundOf(ends, this.#world.now());
    if (this.#world.now() < watched.brokenAt + this.#debtOf(ends)) return;
    watched.planned = true;
    const [epoch, since] = [watched.epoch, this.#world.now()];
    const { bound } = watched;
    watched.bound = undefined;
    const incarnations = ends.map(({ running }) => running);
    this.#world.agenda.at(since + bound, () => {
      if (epoch !== watched.epoch) return;
      watched.planned = false;
      const now = this.#endsOf(watched);
      if (now?.every(({ running }, i) => running === incarnations[i])) this.#check(now, since, bound, watched);
    });
  }

  /** A Keepalive that is owed for packets from before stops the Send Timer once more, though nothing arrives since. */
  #debtOf(ends: readonly [End, End]): Millis {
    const timeouts = ends.map((end) => this.#sideOf(end, 0).side.timing.keepaliveTimeout);
    return Math.max(...timeouts) + this.#roundTrip();
  }

  #watch(from: Person, to: Person): Watched {
    const [a, b] = from.ulid < to.ulid ? [from, to] : [to, from];
    const byB = entryOf(this.#watched, a, () => new Map<Person, Watched>());
    return entryOf(byB, b, () => ({
      a,
      b,
      planned: false,
      expected: false,
      lastSent: 0,
      epoch: 0,
      brokenAt: -NEVER,
      wasDead: false,
      bound: undefined,
    }));
  }

  #endsOf({ a, b }: Watched): readonly [End, End] | undefined {
    const ends: End[] = [];
    for (const [person, other] of [
      [a, b],
      [b, a],
    ]) {
      const machine = this.#world.machineOf(person.site);
      if (machine?.running === undefined || machine.stopped) return undefined;
      ends.push({ machine, running: machine.running, person, other });
    }
    return [ends[0], ends[1]];
  }

  #boundOf(ends: readonly [End, End], now: Millis): Millis {
    const [a, b] = [this.#sideOf(ends[0], now), this.#sideOf(ends[1], now)];
    return recoveryBound(a.side, b.side, Math.max(a.pairs, b.pairs), this.#roundTrip());
  }

  #sideOf({ running, person, other }: End, now: Millis): { readonly side: Side; readonly pairs: number } {
    const context = contextOf({ running, person, other });
    if (context === undefined) throw new RangeError("the context is gone");
    const since = this.#exploring.get(running)?.get(context.id);
    return {
      side: { timing: running.box.settings.timing(context), exploring: since === undefined ? 0 : now - since },
      pairs: context.localLocators.length * context.peerLocators.length,
    };
  }

  /** The longest that there can be, jitter and packets held back included. */
  #roundTrip(): Millis {
    return this.#world.network.roads.reduce(
      (most, { plan, detourMost }) => Math.max(most, 2 * (2 * (plan.delay + detourMost) + plan.jitter)),
      0,
    );
  }

  /** Both directions had a working pair all the time: both must be on one now. */
  #check(ends: readonly [End, End], since: Millis, bound: Millis, watched: Watched): void {
    const contexts = ends.map(contextOf);
    const steady = ends.every(({ machine }, i) => {
      const established = contexts[i]?.establishedAt;
      return established !== undefined && established <= machine.local(since);
    });
    if (!steady || !haveContext(ends)) return;
    this.checks++;
    if (watched.wasDead) this.recoveries++;
    watched.wasDead = false;
    for (const end of ends) {
      if (this.#isOnWorking(end)) continue;
      const { running, person, other } = end;
      const id = contextOf(end)?.id ?? -1;
      const current = running.box.parts.reap.currentOf(id);
      throw new Violation(
        "late",
        this.#world.now(),
        `${person.ulid} → ${other.ulid} still uses ${current?.local} → ${current?.peer}, ${(bound / 1000).toFixed(1)} s after ${(since / 1000).toFixed(3)} s (${running.box.parts.reap.stateOf(id)})`,
      );
    }
  }

  /** Whether anything that leaves for the other site arrives. Nothing breaks unnoticed later: {@link disturb}. */
  #isPossible({ person, other }: End): boolean {
    return this.#world.network.roads.some((road) => road.from.site === person.site && road.to.site === other.site && works(road));
  }

  /** Whether what the box sends for these hosts now arrives. */
  #isOnWorking(end: End): boolean {
    const context = contextOf(end);
    const current = context === undefined ? undefined : end.running.box.parts.reap.currentOf(context.id);
    const road = current === undefined ? undefined : this.#world.roadOf(current.local, current.peer);
    return road !== undefined && works(road);
  }

  #isLossless({ a, b }: Watched): boolean {
    const { network } = this.#world;
    const between = (x: Person, y: Person) =>
      network.roads.every(({ from, to, loss }) => from.site !== x.site || to.site !== y.site || loss === 0);
    return network.perfect || (between(a, b) && between(b, a));
  }
}

/** Both boxes have a context for the two, and it is the same one. */
function haveContext(ends: readonly [End, End]): boolean {
  const [a, b] = ends.map(contextOf);
  return a?.state === "ESTABLISHED" && b?.state === "ESTABLISHED" && a.peerTag === b.localTag && b.peerTag === a.localTag;
}

function contextOf({ running, person, other }: Pick<End, "running" | "person" | "other">) {
  return running.box.parts.shim6.find({ local: person.ulid, peer: other.ulid, fork: 0 });
}
