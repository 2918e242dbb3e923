/** Which locators first: the site's preferences and the peer's, for the first contact, for what REAP tries later, and for what peers are told. */
import type { Bindings } from "../locator/bindings.ts";
import { type LocalChoice, rankLocals, rankPairs, stableOctets } from "../locator/rank.ts";
import type { Failback, PolicyRule } from "../policy/rule.ts";
import type { ContextView, LocalIdentity, UlidPair } from "../shim6/contract.ts";
import type { Locator } from "../value/address.ts";
import type { LocatorPair } from "../value/pair.ts";
import type { Millis } from "../value/time.ts";
import { PREFERENCE_BROKEN, type Preference, WORST_PRIORITY } from "../wire/message.ts";
import type { Identities, Standing } from "./identity.ts";
import type { Policy, PolicyView } from "./policy.ts";
import type { Wishes } from "./wishes.ts";

/** What the choice rests on. */
export interface SteeringParts {
  readonly identities: Identities;
  readonly bindings: Bindings;
  /** Which providers the site wants for a pair's traffic. */
  readonly policy: Policy;
  /** Prefixes of providers that have as much to carry as they are meant to, as text; absent = none has. */
  readonly full?: (() => ReadonlySet<string>) | undefined;
  /** What somebody wishes for single contexts; absent = nothing. */
  readonly wishes?: Pick<Wishes, "rankOf"> | undefined;
}

/** What the site wanted at one moment, apart from what lines and operators say. */
export interface Outlook {
  readonly policy: PolicyView;
  readonly standings: readonly Standing[];
}

/** Where a context is meant to be. */
export interface Wish {
  /** The best of its locators; `undefined` = none may be used. */
  readonly target: Locator | undefined;
  /** Locators that rank as the target does. */
  readonly equals: ReadonlySet<Locator>;
  /** Locators that it must not use. */
  readonly forbidden: readonly Locator[];
  /** What its rule says of going back; `undefined` = nothing. */
  readonly failback: Failback | undefined;
}

interface Decided {
  readonly choices: readonly LocalChoice[];
  readonly forbidden: readonly Locator[];
  readonly rule: PolicyRule | undefined;
}

const NOTHING: Decided = { choices: [], forbidden: [], rule: undefined };
/** More than a provider's priority, or a rule's rank, can be. */
const BEHIND_ALL = 1_000;
/** The same for a provider that is full: still before one that is drained. */
const BEHIND_OTHERS = 400;
/** What a handshake proved of a peer's locators serves the next context with it for so long. */
const LEARNT_FOR: Millis = 86_400_000;
const WEIGHT_MOST = 255;

/** Ranks locators, and learns those of peers. What it says of a context is the same whenever it is asked, until the site wants something else. */
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
    const { bindings } = this.#parts;
    const { choices, rule } = this.#decide(pair, now);
    this.#parts.policy.note(rule);
    const locals = this.#withFull(choices);
    const bound = bindings.locatorsOf(pair.peer, now);
    const isRoutable = locals.some(({ address }) => address === pair.local);
    const peers = isRoutable && bound.length === 0 ? [{ address: pair.peer, preference: { flags: 0 } }] : bound;
    const ranked = rankPairs(locals, peers, seedOf(pair));
    const plain = ranked.findIndex(({ local, peer }) => local === pair.local && peer === pair.peer);
    return plain < 0 ? ranked : [ranked[plain], ...ranked.toSpliced(plain, 1)];
  }

  /** Those of the context's own locators, best first; `current` among them, as the last one, although policy may forbid it: packets are on it. */
  rankedLocals({ pair, localLocators }: ContextView, now: Millis, current?: Locator): readonly Locator[] {
    const { choices, forbidden, rule } = this.#decide(pair, now);
    this.#parts.policy.note(rule);
    const own = this.#withFull(choices).filter(({ address }) => localLocators.includes(address));
    const ranked = rankLocals(own, seedOf(pair));
    if (ranked.length === 0) return localLocators;
    const stays = current !== undefined && forbidden.includes(current) && localLocators.includes(current);
    return stays ? [...ranked, current] : ranked;
  }

  /** What the site wants now. */
  get outlook(): Outlook {
    return { policy: this.#parts.policy.view, standings: this.#parts.identities.standings };
  }

  /** Where the context is meant to be now, or would be if the site wanted what it did in `outlook`. */
  wish({ pair, localLocators }: Pick<ContextView, "pair" | "localLocators">, now: Millis, outlook?: Outlook): Wish {
    const { choices, forbidden, rule } = this.#decide(pair, now, outlook);
    const own = choices.filter(({ address }) => localLocators.includes(address));
    const [target] = rankLocals(own, seedOf(pair));
    const best = own.find(({ address }) => address === target)?.priority;
    const equals = new Set(own.flatMap(({ address, priority, usable }) => (usable && priority === best ? [address] : [])));
    return { target, equals, forbidden, failback: rule?.failback };
  }

  /** The identity of our end of `pair` with what its peer is to be told of the locators: the site's order, or that of its rule. */
  told(pair: UlidPair, now: Millis): LocalIdentity | undefined {
    const { identities } = this.#parts;
    const identity = identities.of(pair.local);
    if (identity === undefined || !this.#parts.policy.hasRules) return identity;
    const { choices, forbidden, rule } = this.#decide(pair, now);
    if (rule === undefined) return identity;
    return identities.saying(pair.local, preferencesOf(identity, choices, forbidden));
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
  #decide(pair: UlidPair, now: Millis, outlook?: Outlook): Decided {
    const { identities, policy } = this.#parts;
    const identity = identities.of(pair.local);
    if (identity === undefined) return NOTHING;
    const standings = identity.list.locators.map(({ address }) => identities.standingOf(address));
    const ranks = outlook && new Map(outlook.standings.map((standing) => [standing.name, standing]));
    const allBroken = standings.every((standing) => standing?.broken === true);
    const plain = identity.list.locators.map(({ address }, place): LocalChoice => {
      const standing = standings[place];
      const { priority, weight } = ranks?.get(standing?.name ?? "") ?? standing ?? { priority: 0, weight: 0 };
      return { address, priority, weight, usable: allBroken || standing?.broken !== true };
    });
    const { rule, choices, forbidden } = policy.decide(pair, plain, now, outlook?.policy);
    // Whatever a rule says of a drained provider: it is asked for when nothing else is left. One that is preferred comes first, where a rule
    // lets it come at all.
    const ranked = choices.map((choice, place): LocalChoice => {
      if (standings[place]?.drained === true) return { ...choice, priority: choice.priority + BEHIND_ALL };
      const wished = this.#parts.wishes?.rankOf(pair, choice.address);
      if (wished !== undefined) return { ...choice, ...wished };
      return standings[place]?.preferred === true ? { ...choice, priority: choice.priority - BEHIND_ALL } : choice;
    });
    return { choices: ranked, forbidden, rule };
  }

  /** Providers that are full come behind the others, for contexts that begin. */
  #withFull(choices: readonly LocalChoice[]): readonly LocalChoice[] {
    const full = this.#parts.full?.();
    if (full === undefined || full.size === 0) return choices;
    return choices.map((choice) => {
      const name = this.#parts.identities.standingOf(choice.address)?.name;
      return name !== undefined && full.has(name) ? { ...choice, priority: choice.priority + BEHIND_OTHERS } : choice;
    });
  }
}

function seedOf({ local, peer, fork }: UlidPair): Uint8Array {
  return stableOctets(`${local} ${peer} ${fork}`);
}

/**
 * Ranks and weights as peers hear them. What is forbidden ranks worst, so that the peer leaves it; it is not BROKEN, and what comes there is
 * taken in. Broken, drained and preferred locators are told as without a rule.
 */
function preferencesOf(
  { list, preferences }: LocalIdentity,
  choices: readonly LocalChoice[],
  forbidden: readonly Locator[],
): readonly Preference[] {
  const ranks = [...new Set(choices.map(({ priority }) => priority))].sort((a, b) => a - b);
  const heaviest = Math.max(...choices.map(({ weight }) => weight), 1);
  return list.locators.map(({ address }, place) => {
    const plain = preferences[place];
    if ((plain.flags & PREFERENCE_BROKEN) !== 0 || plain.priority === WORST_PRIORITY) return plain;
    if (forbidden.includes(address)) return { flags: plain.flags, priority: WORST_PRIORITY, weight: 0 };
    const { priority, weight } = choices[place];
    const share = heaviest <= WEIGHT_MOST ? weight : Math.ceil((weight * WEIGHT_MOST) / heaviest);
    return { flags: plain.flags, priority: Math.min(WORST_PRIORITY - 1, ranks.indexOf(priority)), weight: share };
  });
}
