/**
 * Bindings ULID → locators: what the box knows of peers before it has a context with them, and where it knows it from.
 */
import type { Locator, Ulid } from "../value/address.ts";
import { type Millis, NEVER } from "../value/time.ts";
import type { Preference } from "../wire/message.ts";

/** "static" = written by the operator, like a hosts file; "handshake" = the peer's verified Locator List (RFC 5533 §7). */
export type BindingSource = "static" | "handshake";

/** A locator of a peer with what the peer says of it (RFC 5533 §5.15.3). */
export interface BoundLocator {
  readonly address: Locator;
  readonly preference: Preference;
}

/** What one source says of one ULID. */
export interface Binding {
  readonly ulid: Ulid;
  readonly source: BindingSource;
  /** In the order of the source. */
  readonly locators: readonly BoundLocator[];
  /** Not used from this instant on; `NEVER` for static ones. */
  readonly until: Millis;
}

/** The table of bindings. Bounded in ULIDs and in locators of each. */
export interface Bindings {
  /** Replaces all static bindings. Locators of a ULID that is named twice are joined. @returns ULIDs left out for want of room. */
  setStatic(entries: readonly { readonly ulid: Ulid; readonly locators: readonly Locator[] }[]): readonly Ulid[];
  /** What a handshake verified; replaces what an earlier one said. When full, the ULID learnt longest ago is forgotten. */
  learn(ulid: Ulid, locators: readonly BoundLocator[], until: Millis): void;
  /** Forgets what handshakes said of `ulid`; static bindings stay. */
  forget(ulid: Ulid): void;
  /**
   * Locators to try for `ulid`, each once: those the peer signed first, because the site may have changed its providers since
   * the operator wrote the static ones; empty when nothing is known.
   */
  locatorsOf(ulid: Ulid, now: Millis): readonly BoundLocator[];
  /** Everything that holds at `now`, for `show bindings`. */
  list(now: Millis): Iterable<Binding>;
}

/** Sizes of a table of bindings. */
export interface BindingOptions {
  /** ULIDs at most, of either source. */
  readonly capacity?: number;
}

/** Chosen, not from an RFC: as many as contexts, and as many locators as a Locator List of one packet may sensibly have. */
const CAPACITY = 1_048_576;
const LOCATORS_PER_ULID = 32;

const PLAIN: Preference = { flags: 0 };

/** An empty table. */
export function createBindings({ capacity = CAPACITY }: BindingOptions = {}): Bindings {
  let fixed = new Map<Ulid, Binding>();
  /** Oldest first: a Map keeps the order of insertion. */
  const learnt = new Map<Ulid, Binding>();

  function live(ulid: Ulid, now: Millis): Binding | undefined {
    const binding = learnt.get(ulid);
    if (binding === undefined || binding.until > now) return binding;
    learnt.delete(ulid);
    return undefined;
  }

  return {
    setStatic(entries) {
      const next = new Map<Ulid, Binding>();
      const refused: Ulid[] = [];
      for (const { ulid, locators } of entries) {
        const known = next.get(ulid);
        if (known === undefined && next.size >= capacity) {
          refused.push(ulid);
          continue;
        }
        const added = locators.map((address) => ({ address, preference: PLAIN }));
        next.set(ulid, { ulid, source: "static", locators: distinct([...(known?.locators ?? []), ...added]), until: NEVER });
      }
      fixed = next;
      return refused;
    },
    learn(ulid, locators, until) {
      learnt.delete(ulid);
      if (locators.length === 0 || capacity < 1) return;
      if (learnt.size >= capacity) {
        const oldest = learnt.keys().next();
        if (oldest.done !== true) learnt.delete(oldest.value);
      }
      learnt.set(ulid, { ulid, source: "handshake", locators: distinct(locators), until });
    },
    forget(ulid) {
      learnt.delete(ulid);
    },
    locatorsOf(ulid, now) {
      return distinct([...(live(ulid, now)?.locators ?? []), ...(fixed.get(ulid)?.locators ?? [])]);
    },
    *list(now) {
      yield* fixed.values();
      for (const binding of learnt.values()) if (binding.until > now) yield binding;
    },
  };
}

function distinct(locators: readonly BoundLocator[]): BoundLocator[] {
  const seen = new Map<Locator, BoundLocator>();
  for (const locator of locators) if (!seen.has(locator.address) && seen.size < LOCATORS_PER_ULID) seen.set(locator.address, locator);
  return [...seen.values()];
}
