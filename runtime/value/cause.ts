/** Why a context sends by another pair of locators than before: what logs, events and counters say. */

/** What the box moves contexts for. */
export type LeaveCause =
  /** An operator says it of this context, or prefers another provider. */
  | "operator"
  /** The settings say something else of it, or of its provider, than before. */
  | "policy"
  /** A rule has begun to hold, or holds no longer. */
  | "hour"
  /** An operator takes traffic off a provider. */
  | "drain"
  /** An operator lets a drained provider be used again. */
  | "restore"
  /** The provider that it had left works again. */
  | "failback"
  /** It was on a metered provider, and another one works. */
  | "metered";

/** All causes; `failure` = its path died, `brown-out` = its path lost too much or took too long, `peer` = the peer takes traffic off a locator of its own. */
export type MoveCause = LeaveCause | "failure" | "brown-out" | "peer";
