/**
 * Bindings ULID → locators: what the box knows of peers before it has a context with them, and where it knows it from.
 */
import type { Locator, Ulid } from "../value/address.ts";
import { type Millis, NEVER } from "../value/time.ts";
import type { Preference } from "../wire/message.ts";

/**
 * "static" = written by the operator, like a hosts file; "handshake" = the peer's verified Locator List (RFC 5533 §7); "dns" = beside the ULID of
 * a name that a host asked for (draft §4.2.2); "reverse" = by way of the reverse tree (draft §4.2.1).
 */
export type BindingSource = "static" | LearntSource;
export type LearntSource = "handshake" | "dns" | "reverse";

/** From what is trusted most to least. */
const LEARNT_SOURCES: readonly LearntSource[] = ["handshake", "dns", "reverse"];

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
  /** Names under which it was found in the DNS. */
  readonly names: readonly string[];
  /** Not used from this instant on; `NEVER` for static ones. */
  readonly until: Millis;
}

/** The table of bindings. Bounded in ULIDs and in locators of each. */
export interface Bindings {
  /** Replaces all static bindings. Locators of a ULID that is named twice are joined. @returns ULIDs left out for want of room. */
  setStatic(entries: readonly { readonly ulid: Ulid; readonly locators: readonly Locator[] }[]): readonly Ulid[];
  /**
   * What `source`, a handshake unless said otherwise, says of `ulid` from now on; replaces what it said before. Each source has its own room:
   * when that is full, the ULID learnt longest ago from it is forgotten, so that hosts' queries cannot drive out what was proved.
   */
  learn(ulid: Ulid, locators: readonly BoundLocator[], until: Millis, source?: LearntSource, names?: readonly string[]): void;
  /** Forgets what was learnt of `ulid`, from `source` or from anybody; static bindings stay. */
  forget(ulid: Ulid, source?: LearntSource): void;
  /**
   * Locators to try for `ulid`, each once: those the peer signed first, because the site may have changed its providers since
   * the operator wrote the static ones; then what the DNS says; empty when nothing is known.
   */
  locatorsOf(ulid: Ulid, now: Millis): readonly BoundLocator[];
  /** Names under which `ulid` was found in the DNS, each once; lower case. */
  namesOf(ulid: Ulid, now: Millis): readonly string[];
  /** What `source` says of `ulid` at `now`. */
  get(ulid: Ulid, source: LearntSource, now: Millis): Binding | undefined;
  /** Everything that holds at `now`, for `show bindings`. */
  list(now: Millis): Iterable<Binding>;
}

/** Sizes of a table of bindings. */
export interface BindingOptions {
  /** ULIDs at most, of each source. */
  readonly capacity?: number;
  /** Hears of each change of what was learnt, but not of what ends by itself. */
  readonly changed?: ((change: BindingChange) => void) | undefined;
}

/** Which source says something else of which ULID. */
export interface BindingChange {
  readonly ulid: Ulid;
  readonly source: LearntSource;
}

/** Chosen, not from an RFC: as many as contexts, and as many locators as a Locator List of one packet may sensibly have. */
const CAPACITY = 1_048_576;
const LOCATORS_PER_ULID = 32;

const NAMES_PER_ULID = 16;

const PLAIN: Preference = { flags: 0 };

/** An empty table. */
export function createBindings({ capacity = CAPACITY, changed = () => undefined }: BindingOptions = {}): Bindings {
  let fixed = new Map<Ulid, Binding>();
  /** Oldest first: a Map keeps the order of insertion. */
  const learnt = new Map(LEARNT_SOURCES.map((source) => [source, new Map<Ulid, Binding>()]));
  const tableOf = (source: LearntSource) => learnt.get(source) ?? new Map<Ulid, Binding>();

  function live(source: LearntSource, ulid: Ulid, now: Millis): readonly BoundLocator[] {
    const table = tableOf(source);
    const binding = table.get(ulid);
    if (binding === undefined || binding.until > now) return binding?.locators ?? [];
    table.delete(ulid);
    return [];
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
        next.set(ulid, { ulid, source: "static", locators: distinct([...(known?.locators ?? []), ...added]), names: [], until: NEVER });
      }
      fixed = next;
      return refused;
    },
    learn(ulid, locators, until, source = "handshake", names = []) {
      const table = tableOf(source);
      const known = table.get(ulid);
      table.delete(ulid);
      if (locators.length === 0 || capacity < 1) {
        if (known !== undefined) changed({ ulid, source });
        return;
      }
      if (table.size >= capacity) {
        const oldest = table.keys().next();
        if (oldest.done !== true && table.delete(oldest.value)) changed({ ulid: oldest.value, source });
      }
      const all = distinctNames([...names, ...(known?.names ?? [])]);
      table.set(ulid, { ulid, source, locators: distinct(locators), names: all, until });
      changed({ ulid, source });
    },
    forget(ulid, source) {
      for (const each of source === undefined ? LEARNT_SOURCES : [source]) if (tableOf(each).delete(ulid)) changed({ ulid, source: each });
    },
    namesOf(ulid, now) {
      const found = LEARNT_SOURCES.flatMap((source) => tableOf(source).get(ulid) ?? []).filter(({ until }) => until > now);
      return distinctNames(found.flatMap(({ names }) => names));
    },
    get(ulid, source, now) {
      const binding = tableOf(source).get(ulid);
      return binding !== undefined && binding.until > now ? binding : undefined;
    },
    locatorsOf(ulid, now) {
      return distinct([...LEARNT_SOURCES.flatMap((source) => live(source, ulid, now)), ...(fixed.get(ulid)?.locators ?? [])]);
    },
    *list(now) {
      yield* fixed.values();
      for (const table of learnt.values()) for (const binding of table.values()) if (binding.until > now) yield binding;
    },
  };
}

function distinct(locators: readonly BoundLocator[]): BoundLocator[] {
  const seen = new Map<Locator, BoundLocator>();
  for (const locator of locators) if (!seen.has(locator.address) && seen.size < LOCATORS_PER_ULID) seen.set(locator.address, locator);
  return [...seen.values()];
}

function distinctNames(names: readonly string[]): readonly string[] {
  return names.length === 0 ? names : [...new Set(names.map((name) => name.toLowerCase()))].slice(0, NAMES_PER_ULID);
}
