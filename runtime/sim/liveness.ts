/**
 * If a working pair exists for long enough, a context uses it. From the first packet that a host sends after something broke, the
 * context has as long as {@link recoveryBound} says; whatever breaks after that at one of its sites starts the count anew.
 */
import type { Millis } from "../value/time.ts";
import type { Agenda } from "./agenda.ts";
import { recoveryBound } from "./bound.ts";
import type { Machine, Running } from "./machine.ts";
import { entryOf } from "./maps.ts";
import { type Network, type Road, works } from "./network.ts";
import type { Person } from "./people.ts";
import { Violation } from "./violation.ts";

/** What the watch knows of the world. */
export interface LivenessWorld {
  readonly agenda: Agenda;
  readonly network: Network;
  now(): Millis;
  machineOf(site: number): Machine | undefined;
  /** The road that a packet between these locators takes. */
  roadOf(local: string, peer: string): Road | undefined;
}

interface Watched {
  readonly a: Person;
  readonly b: Person;
  /** A check is planned. */
  planned: boolean;
  /** Goes up with every change that may need a new search. */
  epoch: number;
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
  /** Checks that were made, and those of them that began with a direction on a pair that did not work. */
  checks = 0;
  recoveries = 0;

  constructor(world: LivenessWorld) {
    this.#world = world;
  }

  /** Something broke at `site`: what its contexts were given to find a pair, they are given anew. */
  disturb(site: number): void {
    for (const byB of this.#watched.values()) {
      for (const watched of byB.values()) {
        if (watched.a.site !== site && watched.b.site !== site) continue;
        watched.planned = false;
        watched.epoch++;
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

  /** A host sent a packet that its box got. */
  sent(from: Person, to: Person): void {
    const watched = this.#watch(from, to);
    if (watched.planned || !this.#isLossless(watched)) return;
    const ends = this.#endsOf(watched);
    if (ends === undefined || ends.some((end) => contextOf(end)?.state !== "ESTABLISHED" || !this.#isPossible(end))) return;
    watched.planned = true;
    const [epoch, since] = [watched.epoch, this.#world.now()];
    const bound = this.#boundOf(ends, since);
    const incarnations = ends.map(({ running }) => running);
    const broken = ends.some((end) => !this.#isOnWorking(end));
    this.#world.agenda.at(since + bound, () => {
      if (epoch !== watched.epoch) return;
      watched.planned = false;
      const now = this.#endsOf(watched);
      if (now?.every(({ running }, i) => running === incarnations[i])) this.#check(now, since, bound, broken);
    });
  }

  #watch(from: Person, to: Person): Watched {
    const [a, b] = from.ulid < to.ulid ? [from, to] : [to, from];
    const byB = entryOf(this.#watched, a, () => new Map<Person, Watched>());
    return entryOf(byB, b, () => ({ a, b, planned: false, epoch: 0 }));
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
    const [a, b] = ends.map(({ running, person, other }) => {
      const context = contextOf({ running, person, other });
      if (context === undefined) throw new RangeError("the context is gone");
      const since = this.#exploring.get(running)?.get(context.id);
      return {
        side: { timing: running.box.settings.timing(context), exploring: since === undefined ? 0 : now - since },
        pairs: context.localLocators.length * context.peerLocators.length,
      };
    });
    const longest = this.#world.network.roads.reduce((most, { plan }) => Math.max(most, plan.delay * 2 + plan.jitter), 0);
    return recoveryBound(a.side, b.side, Math.max(a.pairs, b.pairs), 2 * longest);
  }

  /** Both directions had a working pair all the time: both must be on one now. */
  #check(ends: readonly [End, End], since: Millis, bound: Millis, broken: boolean): void {
    const contexts = ends.map(contextOf);
    const [a, b] = contexts;
    const steady = ends.every(({ machine }, i) => {
      const established = contexts[i]?.establishedAt;
      return contexts[i]?.state === "ESTABLISHED" && established !== undefined && established <= machine.local(since);
    });
    if (!steady || a === undefined || b === undefined || a.peerTag !== b.localTag || b.peerTag !== a.localTag) return;
    this.checks++;
    if (broken) this.recoveries++;
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

function contextOf({ running, person, other }: Pick<End, "running" | "person" | "other">) {
  return running.box.parts.shim6.find({ local: person.ulid, peer: other.ulid, fork: 0 });
}
