/** Which locators first: the site's preferences and the peer's, for the first contact and for what REAP tries later. */
import type { Bindings } from "../locator/bindings.ts";
import { type LocalChoice, RANK_RANDOM_OCTETS, rankLocals, rankPairs } from "../locator/rank.ts";
import type { Entropy } from "../port/entropy.ts";
import type { ContextView, UlidPair } from "../shim6/contract.ts";
import type { Locator } from "../value/address.ts";
import type { LocatorPair } from "../value/pair.ts";
import type { Millis } from "../value/time.ts";
import { PREFERENCE_BROKEN } from "../wire/message.ts";
import type { Identities } from "./identity.ts";
import type { Policy } from "./policy.ts";

/** What the choice rests on. */
export interface SteeringParts {
  readonly identities: Identities;
  readonly bindings: Bindings;
  readonly entropy: Entropy;
  /** Which providers the site wants for a pair's traffic; absent = as they rank by themselves. */
  readonly policy?: Policy | undefined;
}

/** More than a provider's priority, or a rule's rank, can be. */
const BEHIND_ALL = 1_000;
/** What a handshake proved of a peer's locators serves the next context with it for so long. */
const LEARNT_FOR: Millis = 86_400_000;

/** Ranks locators, and learns those of peers. */
export class Steering {
  readonly #parts: SteeringParts;

  constructor(parts: SteeringParts) {
    this.#parts = parts;
  }

  /**
   * Pairs to set `pair` up on, best first; none when one of its ends has no locators. Where our ULID is a locator, so may be the peer's,
   * and then packets go between these two already (RFC 5533 §7.7).
   */
  candidates(pair: UlidPair, now: Millis): LocatorPair[] {
    const { bindings, entropy } = this.#parts;
    const locals = this.#locals(pair, now);
    const bound = bindings.locatorsOf(pair.peer, now);
    const isRoutable = locals.some(({ address }) => address === pair.local);
    const peers = isRoutable && bound.length === 0 ? [{ address: pair.peer, preference: { flags: 0 } }] : bound;
    const ranked = rankPairs(locals, peers, entropy.bytes(RANK_RANDOM_OCTETS));
    const plain = ranked.findIndex(({ local, peer }) => local === pair.local && peer === pair.peer);
    return plain < 0 ? ranked : [ranked[plain], ...ranked.toSpliced(plain, 1)];
  }

  /** Those of the context's own locators, best first. */
  rankedLocals({ pair, localLocators }: ContextView, now: Millis): readonly Locator[] {
    const choices = this.#locals(pair, now).filter(({ address }) => localLocators.includes(address));
    const ranked = rankLocals(choices, this.#parts.entropy.bytes(RANK_RANDOM_OCTETS));
    return ranked.length > 0 ? ranked : localLocators;
  }

  /** What the peer proved serves the next context with it, with the preferences it gave. */
  learn({ pair, peerLocators, peerBox }: ContextView, now: Millis): void {
    // Without CGA parameters nothing was proved but that the source of its messages answers.
    if (peerBox === undefined) return;
    const proved = peerLocators.filter(({ verified }) => verified);
    const bound = proved.map(({ address, preference }) => ({ address, preference }));
    if (bound.length > 0) this.#parts.bindings.learn(pair.peer, bound, now + LEARNT_FOR);
  }

  /** The host's locators as the site ranks them; one that is BROKEN serves only when all are, one that policy forbids never. */
  #locals(pair: UlidPair, now: Millis): LocalChoice[] {
    const identity = this.#parts.identities.of(pair.local);
    if (identity === undefined) return [];
    const { list, preferences } = identity;
    const isBroken = (place: number) => (preferences[place].flags & PREFERENCE_BROKEN) !== 0;
    const allBroken = list.locators.every((_, place) => isBroken(place));
    const choices = list.locators.map(({ address }, place) => ({
      address,
      priority: preferences[place].priority ?? 0,
      weight: preferences[place].weight ?? 0,
      usable: allBroken || !isBroken(place),
    }));
    const decided = this.#parts.policy?.apply(pair, choices, now) ?? choices;
    // Whatever a rule says of a drained provider: it is asked for when nothing else is left. One that is preferred comes first, where a rule
    // lets it come at all.
    const { identities } = this.#parts;
    return decided.map((choice) => {
      if (identities.isDrained(choice.address)) return { ...choice, priority: choice.priority + BEHIND_ALL };
      return identities.isPreferred(choice.address) ? { ...choice, priority: choice.priority - BEHIND_ALL } : choice;
    });
  }
}
