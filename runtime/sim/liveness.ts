/**
 * If a working pair exists for long enough, a context uses it. From the first packet that a host sends after the network's last
 * change, the context has as long as {@link recoveryBound} says; any further change starts the count anew.
 */
import { samePair } from "../value/pair.ts";
import type { Millis } from "../value/time.ts";
import type { Agenda } from "./agenda.ts";
import { recoveryBound } from "./bound.ts";
import type { Machine, Running } from "./machine.ts";
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
  #epoch = 0;
  /** Checks that were made, and the largest share of its bound that a recovery took. */
  checks = 0;

  constructor(world: LivenessWorld) {
    this.#world = world;
  }

  /** Something changed: what was counted so far says nothing. */
  disturb(): void {
    this.#epoch++;
    for (const byB of this.#watched.values()) for (const watched of byB.values()) watched.planned = false;
  }

  /** A box said something. */
  told(running: Running | undefined, text: string): void {
    if (running === undefined) return;
    const said = /^context (\d+): (Operational|Exploring|InboundOk)/.exec(text);
    if (said === null) return;
    let since = this.#exploring.get(running);
    if (since === undefined) this.#exploring.set(running, (since = new Map()));
    const id = Number(said[1]);
    if (said[2] === "Operational") since.delete(id);
    else if (!since.has(id)) since.set(id, this.#world.now());
  }

  /** A host sent a packet that its box got. */
  sent(from: Person, to: Person): void {
    const watched = this.#watch(from, to);
    if (watched.planned || !this.#isLossless()) return;
    const ends = this.#endsOf(watched);
    if (ends === undefined || ends.some((end) => contextOf(end)?.state !== "ESTABLISHED")) return;
    watched.planned = true;
    const [epoch, since] = [this.#epoch, this.#world.now()];
    const bound = this.#boundOf(ends, since);
    const incarnations = ends.map(({ running }) => running);
    this.#world.agenda.at(since + bound, () => {
      if (epoch !== this.#epoch) return;
      watched.planned = false;
      const now = this.#endsOf(watched);
      if (now?.every(({ running }, i) => running === incarnations[i])) this.#check(now, since, bound);
    });
  }

  #watch(from: Person, to: Person): Watched {
    const [a, b] = from.ulid < to.ulid ? [from, to] : [to, from];
    let byB = this.#watched.get(a);
    if (byB === undefined) this.#watched.set(a, (byB = new Map()));
    let watched = byB.get(b);
    if (watched === undefined) byB.set(b, (watched = { a, b, planned: false }));
    return watched;
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
  #check(ends: readonly [End, End], since: Millis, bound: Millis): void {
    const { network, roadOf } = this.#world;
    const contexts = ends.map(contextOf);
    const [a, b] = contexts;
    const steady = ends.every(({ machine }, i) => {
      const established = contexts[i]?.establishedAt;
      return contexts[i]?.state === "ESTABLISHED" && established !== undefined && established <= machine.local(since);
    });
    if (!steady || a === undefined || b === undefined || a.peerTag !== b.localTag || b.peerTag !== a.localTag) return;
    const possible = ends.every(({ person, other }) =>
      network.roads.some((road) => road.from.site === person.site && road.to.site === other.site && works(road)),
    );
    if (!possible) return;
    this.checks++;
    ends.forEach(({ running, person, other }, i) => {
      const current = running.box.parts.reap.currentOf(contexts[i]?.id ?? -1);
      const road = current === undefined ? undefined : roadOf(current.local, current.peer);
      if (current === undefined || road === undefined || works(road)) return;
      const state = running.box.parts.reap.stateOf(contexts[i]?.id ?? -1);
      const same = samePair(current, contexts[i]?.current ?? current) ? ", as from the start" : "";
      throw new Violation(
        "late",
        this.#world.now(),
        `${person.ulid} → ${other.ulid} still uses ${current.local} → ${current.peer}${same}, ${(bound / 1000).toFixed(1)} s after ${(since / 1000).toFixed(3)} s (${state})`,
      );
    });
  }

  #isLossless(): boolean {
    const { network } = this.#world;
    return network.perfect || network.roads.every(({ loss }) => loss === 0);
  }
}

function contextOf({ running, person, other }: Pick<End, "running" | "person" | "other">) {
  return running.box.parts.shim6.find({ local: person.ulid, peer: other.ulid, fork: 0 });
}
