import type { Millis } from "../value/time.ts";

/** What must never happen, by name. docs/simulator.md says what each means. */
export type Invariant =
  /** A packet reached a host that no host sent. */
  | "stranger"
  /** A packet reached the wrong host, or with other ULIDs. */
  | "wrong-ulid"
  /** An octet of a packet changed between the hosts. */
  | "changed"
  /** A packet was sent, or delivered, more often than it was given to the box. */
  | "twice"
  /** A payload packet left by a pair or with a tag that its context does not have. */
  | "wrong-context"
  /** A packet left with an address that is none of the site's locators, or to one that is no locator. */
  | "leak"
  /** A locator is in a set that its owner never signed. */
  | "unverified"
  /** Payload went to a locator from which, or about which, nothing was ever heard. */
  | "unanswered"
  /** A working pair was there for long enough and is not used. */
  | "late"
  /** Two hosts talked, a pair worked both ways for long enough, and there is no context that both boxes have. */
  | "unmade"
  /** Nothing was wrong, and a context left its pair. */
  | "needless"
  /** All was well again, and a connection did not finish. */
  | "stuck"
  /** Core, Shim6 and REAP do not agree about a context. */
  | "disagree"
  /** A packet waits for a context that need not wait any more. */
  | "stranded"
  /** A table is larger than it may be. */
  | "unbounded"
  /** Traffic ended long ago and something is still there. */
  | "left-over"
  /** The box wakes up again and again without time passing. */
  | "busy"
  /** The box threw. */
  | "exception";

/** An invariant broke. Ends the run. */
export class Violation extends Error {
  readonly invariant: Invariant;
  readonly at: Millis;
  constructor(invariant: Invariant, at: Millis, what: string, cause?: unknown) {
    super(what, cause === undefined ? undefined : { cause });
    this.invariant = invariant;
    this.at = at;
  }
}
