/** Bindings that outlive a restart: what was learnt of peers is stored a little later, in groups, and learnt again at the start (DESIGN §7). */
import type { BindingChange, Bindings, LearntSource } from "../locator/bindings.ts";
import type { Clock } from "../port/clock.ts";
import type { Log } from "../port/log.ts";
import type { Store, StoredBinding } from "../port/store.ts";
import { parseAddress, type Ulid } from "../value/address.ts";
import { type Millis, NEVER } from "../value/time.ts";

/** What they work with. */
export interface KeepsakeParts {
  readonly store: Pick<Store, "bindings" | "commit">;
  readonly bindings: Bindings;
  readonly clock: Pick<Clock, "now" | "wall">;
  readonly log: Log;
  /** Calls `run` once, at `at`. */
  readonly later: (at: Millis, run: () => void) => void;
  /** Whether a ULID can be a peer's. */
  readonly isPeer: (ulid: Ulid) => boolean;
}

/** What is learnt is stored so much later: what is learnt again and again is stored once. */
const DELAY: Millis = 5_000;
/** Bindings in one transaction, and those that wait at most; more are learnt again when they are needed. */
const GROUP = 2_000;
const WAITING = 100_000;

/** The stored memory of bindings. */
export class Keepsakes {
  readonly #parts: KeepsakeParts;
  readonly #changed = new Map<string, BindingChange>();
  #planned = false;
  #complained = false;

  constructor(parts: KeepsakeParts) {
    this.#parts = parts;
  }

  /** Learns what was stored, as far as it holds still. @returns how many bindings */
  recall(): number {
    const { store, bindings, clock, isPeer } = this.#parts;
    const lead = clock.now() - clock.wall();
    let count = 0;
    for (const { ulid, source, locators, until } of store.bindings()) {
      const addresses = locators.flatMap((text) => parseAddress(text) ?? []);
      if (!isLearnt(source) || until <= clock.wall() || !isPeer(ulid) || addresses.length === 0) continue;
      const bound = addresses.map((address) => ({ address, preference: { flags: 0 } }));
      bindings.learn(ulid, bound, until === NEVER ? NEVER : until + lead, source);
      count++;
    }
    this.#changed.clear();
    return count;
  }

  /** Hears of every change of what was learnt. */
  changed(change: BindingChange): void {
    if (this.#changed.size >= WAITING) return;
    this.#changed.set(`${change.source} ${change.ulid}`, change);
    if (this.#planned) return;
    this.#planned = true;
    this.#parts.later(this.#parts.clock.now() + DELAY, () => void this.flush());
  }

  /** Stores what has changed; resolves when it is on the disk, or cannot be put there, which is no fault: it is learnt again. */
  async flush(): Promise<void> {
    const { store, bindings, clock, log, later } = this.#parts;
    const now = clock.now();
    const lead = clock.wall() - now;
    const group: StoredBinding[] = [];
    const unbound: BindingChange[] = [];
    for (const [key, change] of this.#changed) {
      if (group.length + unbound.length >= GROUP) break;
      this.#changed.delete(key);
      const known = bindings.get(change.ulid, change.source, now);
      if (known === undefined) unbound.push(change);
      else {
        const { ulid, source, locators, until } = known;
        group.push({ ulid, source, locators: locators.map(({ address }) => address), until: until === NEVER ? NEVER : until + lead });
      }
    }
    this.#planned = this.#changed.size > 0;
    if (this.#planned) later(now, () => void this.flush());
    if (group.length + unbound.length === 0) return;
    try {
      await store.commit({ bindings: group, unbound });
    } catch (error) {
      if (!this.#complained) log.warn("bindings are not stored: after a restart peers are looked up again", { error });
      this.#complained = true;
    }
  }
}

function isLearnt(source: string): source is LearntSource {
  return source === "handshake" || source === "dns" || source === "reverse";
}
