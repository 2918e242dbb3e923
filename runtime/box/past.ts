/** How paths fared lately: their states and round trips, sampled, for as long as whoever comes to look wants to know. */
import type { HistoryRow } from "../api/flow-rows.ts";
import type { PathView } from "../reap/contract.ts";
import type { Locator } from "../value/address.ts";
import type { Millis } from "../value/time.ts";

/** From sample to sample, and samples kept: five minutes. */
export const PAST_STEP: Millis = 2_000;
export const PAST_SAMPLES = 150;
/** Paths followed: those with most contexts. One that is followed is until it is gone from all samples. */
export const PAST_PATHS = 32;

/** What is told when nobody looked. */
export const NO_PAST: HistoryRow = { stepMs: PAST_STEP, latest: 0, from: 1, paths: [] };

/** Names a path while the box runs. */
export function pathIdOf({ peerBox, local, peer }: Pick<PathView, "peerBox" | "local" | "peer">): string {
  return `${peerBox.slice(0, NAME_DIGITS)} ${local} ${peer}`;
}

const NAME_DIGITS = 16;

/** What sampling needs. */
export interface PastParts {
  readonly paths: () => Iterable<PathView>;
  readonly now: () => Millis;
  /** Calls `run` once, not before `at`. */
  readonly later: (at: Millis, run: () => void) => void;
}

interface Followed {
  /** As it was last seen. */
  view: PathView;
  /** Rings, by the number of the sample. */
  readonly states: string[];
  readonly roundTrips: (Millis | null)[];
  readonly losses: (number | null)[];
  /** Number of the last sample that had it. */
  seen: number;
}

const LETTERS: Readonly<Record<PathView["state"], string>> = { alive: "a", lost: "l", unknown: "u" };
const BROWN = "b";
const ABSENT = "-";

/** The samples. Takes the first when it is made. */
export class Past {
  readonly #parts: PastParts;
  readonly #followed = new Map<string, Followed>();
  #latest = 0;

  constructor(parts: PastParts) {
    this.#parts = parts;
    this.#sample();
  }

  /** Samples behind number `after`; a path's provider is `providerOf` its local locator. */
  row(after: number, providerOf: (locator: Locator) => string | null): HistoryRow {
    const from = Math.max(1, this.#latest - PAST_SAMPLES + 1, Math.min(after, this.#latest) + 1);
    const numbers = Array.from({ length: this.#latest - from + 1 }, (_, i) => (from + i) % PAST_SAMPLES);
    return {
      stepMs: PAST_STEP,
      latest: this.#latest,
      from,
      paths: [...this.#followed].map(([path, { view, states, roundTrips, losses }]) => ({
        path,
        peerBox: view.peerBox,
        localProvider: providerOf(view.pair.local),
        peerLocator: view.pair.peer,
        states: numbers.map((place) => states[place]).join(""),
        rttMs: numbers.map((place) => roundTrips[place]),
        loss: numbers.map((place) => losses[place]),
      })),
    };
  }

  #sample(): void {
    const { paths, now, later } = this.#parts;
    const number = ++this.#latest;
    const place = number % PAST_SAMPLES;
    for (const followed of this.#followed.values()) {
      followed.states[place] = ABSENT;
      followed.roundTrips[place] = null;
      followed.losses[place] = null;
    }
    const strangers: PathView[] = [];
    for (const view of paths()) {
      const followed = this.#followed.get(pathIdOf(view));
      if (followed === undefined) strangers.push(view);
      else note(followed, view, number);
    }
    for (const [id, { seen }] of this.#followed) if (number - seen >= PAST_SAMPLES) this.#followed.delete(id);
    const room = PAST_PATHS - this.#followed.size;
    if (room > 0) {
      strangers.sort((a, b) => b.contexts - a.contexts);
      for (const view of strangers.slice(0, room)) this.#follow(view, number);
    }
    later(now() + PAST_STEP, () => this.#sample());
  }

  #follow(view: PathView, number: number): void {
    const states = new Array<string>(PAST_SAMPLES).fill(ABSENT);
    const roundTrips = new Array<Millis | null>(PAST_SAMPLES).fill(null);
    const losses = new Array<number | null>(PAST_SAMPLES).fill(null);
    const followed: Followed = { view, states, roundTrips, losses, seen: number };
    note(followed, view, number);
    this.#followed.set(pathIdOf(view), followed);
  }
}

function note(followed: Followed, view: PathView, number: number): void {
  const place = number % PAST_SAMPLES;
  followed.view = view;
  followed.states[place] = view.brown && view.state === "alive" ? BROWN : LETTERS[view.state];
  followed.losses[place] = view.loss ?? null;
  followed.roundTrips[place] = view.state === "alive" ? (view.roundTrip ?? null) : null;
  followed.seen = number;
}
