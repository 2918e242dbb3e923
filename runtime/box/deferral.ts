/**
 * Pairs of routable ULIDs whose packets have passed without a context until the core found that there was enough of them (RFC 6629 §5.1.2,
 * core-as/layout/plain.ts): the context is set up now, unless this side has nothing to win by it. The packets pass all the while.
 */
import type { Shim6, UlidPair } from "../shim6/contract.ts";
import { addressAt, type Ulid } from "../value/address.ts";
import type { Millis } from "../value/time.ts";
import { IPV6_DESTINATION_AT, IPV6_SOURCE_AT } from "../wire/index.ts";
import type { Identities } from "./identity.ts";

/** What the deferral works with. */
export interface DeferralParts {
  readonly shim6: Pick<Shim6, "find">;
  readonly identities: Pick<Identities, "of">;
  readonly count: (name: string) => void;
  /** Whether Shim6 is switched off for the peer; absent = for nobody. */
  readonly excepted?: ((peer: Ulid) => boolean) | undefined;
  /** Initiates. */
  readonly need: (pair: UlidPair, now: Millis) => void;
}

/**
 * Most of the internet knows no Shim6 and says nothing when asked. So a pair is asked for again after a minute at first, then ever more
 * seldom; one that nobody had reason to ask for during twice its wait, beside the hold-downs of RFC 5533 §7.8, is as good as new.
 */
const WAIT_FIRST: Millis = 60_000;
const WAIT_MOST: Millis = 3_600_000;
const FORGIVEN: Millis = 900_000;
/** Pairs that are remembered; the one that was asked for longest ago is forgotten. */
const REMEMBERED = 16_384;

interface Attempt {
  readonly at: Millis;
  readonly wait: Millis;
}

/** Decides about pairs that are due. For the control thread. */
export class Deferral {
  readonly #parts: DeferralParts;
  /** Oldest first. */
  readonly #attempts = new Map<string, Attempt>();

  constructor(parts: DeferralParts) {
    this.#parts = parts;
  }

  /** The pair of `header`, the IPv6 header of a packet of either direction, is due. */
  due(header: Uint8Array, now: Millis): void {
    const { shim6, identities, count, need } = this.#parts;
    const [source, destination] = [addressAt(header, IPV6_SOURCE_AT), addressAt(header, IPV6_DESTINATION_AT)];
    const ours = identities.of(source) ?? identities.of(destination);
    // A host that made its address itself: nobody can prove its locators.
    if (ours === undefined) return count("skip-no-cga");
    const pair = { local: ours.ulid, peer: ours.ulid === source ? destination : source, fork: 0 };
    // Established a moment ago, on its way, or refused lately.
    if (shim6.find(pair) !== undefined) return;
    if (this.#parts.excepted?.(pair.peer)) return count("skip-excepted-peer");
    // RFC 6629 §2: who could not move anyway takes part, but does not begin.
    if (ours.list.locators.length < 2) return count("skip-one-locator");
    if (this.#isTooSoon(`${pair.local} ${pair.peer}`, now)) return count("skip-asked-lately");
    count("out-deferred-context");
    need(pair, now);
  }

  #isTooSoon(key: string, now: Millis): boolean {
    const last = this.#attempts.get(key);
    const passed = last === undefined ? Number.POSITIVE_INFINITY : now - last.at;
    if (last !== undefined && passed < last.wait) return true;
    const wait = last === undefined || passed > 2 * last.wait + FORGIVEN ? WAIT_FIRST : Math.min(WAIT_MOST, 2 * last.wait);
    this.#attempts.delete(key);
    this.#attempts.set(key, { at: now, wait });
    if (this.#attempts.size > REMEMBERED) {
      const oldest = this.#attempts.keys().next();
      if (oldest.done !== true) this.#attempts.delete(oldest.value);
    }
    return false;
  }
}
