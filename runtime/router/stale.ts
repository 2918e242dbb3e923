/**
 * Which prefixes a router advertises, and for how long, when they may change under the hosts: RFC 9096 §3.4 (short lifetimes), §3.5 (what was
 * advertised and is no more is taken back). Pure: calendar milliseconds in, seconds out. Heads up: read RFC 9096 §3.3 to §3.5 before you work here.
 */
import { type Prefix, showPrefix } from "../value/prefix.ts";
import { type Millis, NEVER } from "../value/time.ts";

// RFC 9096 §4, under its names, seconds.

export const ND_PREFERRED_LIMIT = 2_700;
export const ND_VALID_LIMIT = 5_400;

/** A stale prefix more than so many is forgotten, the oldest first: they come one at a change. */
export const STALE_MOST = 64;

/** A prefix that is on the link, for as long as it holds; calendar milliseconds, `NEVER` = nothing ends it. */
export interface OfferedPrefix {
  readonly prefix: Prefix;
  readonly preferredUntil: Millis;
  readonly validUntil: Millis;
}

/** One that was advertised and is not on the link any more, and until when hosts are told so; calendar milliseconds. */
export interface StalePrefix {
  readonly prefix: Prefix;
  readonly until: Millis;
}

/** What goes into a Prefix Information option; seconds. */
export interface PrefixLifetimes {
  readonly prefix: Prefix;
  readonly preferred: number;
  readonly valid: number;
}

/** What was advertised: this is what must outlast a restart (§3.5). */
export interface AdvertisedPrefixes {
  readonly current: readonly Prefix[];
  readonly stale: readonly StalePrefix[];
}

/** Nothing was ever advertised. */
export const NOTHING_ADVERTISED: AdvertisedPrefixes = { current: [], stale: [] };

/**
 * What is advertised at `wall` when `offered` is what the link has: §3.5. Hosts believe what they heard last for at most {@link ND_VALID_LIMIT}, so what
 * is gone is taken back for so long; what comes back is no longer stale.
 * @returns `before` itself if nothing has changed
 */
export function advertisedNow(before: AdvertisedPrefixes, offered: readonly OfferedPrefix[], wall: Millis): AdvertisedPrefixes {
  const current = offered.filter(({ validUntil }) => secondsUntil(validUntil, wall) > 0).map(({ prefix }) => prefix);
  const names = new Set(current.map(showPrefix));
  const gone = before.current.filter((prefix) => !names.has(showPrefix(prefix)));
  const isSame = gone.length === 0 && before.current.length === names.size;
  const taken = new Set(gone.map(showPrefix));
  const still = before.stale.filter(
    ({ prefix, until }) => until > wall && !names.has(showPrefix(prefix)) && !taken.has(showPrefix(prefix)),
  );
  if (isSame && still.length === before.stale.length) return before;
  const stale = [...still, ...gone.map((prefix) => ({ prefix, until: wall + 1_000 * ND_VALID_LIMIT }))];
  return { current: distinct(current), stale: stale.slice(-STALE_MOST) };
}

/**
 * Lifetimes at `wall`: of what the link has no longer than it holds and than the limits of §3.4; of what is stale none (§3.5: both 0, so that hosts
 * use it for nothing new, and no longer than the two hours of RFC 4862 §5.5.3 for anything).
 */
export function lifetimesOf({ stale }: AdvertisedPrefixes, offered: readonly OfferedPrefix[], wall: Millis): PrefixLifetimes[] {
  const seen = new Set<string>();
  const live = offered.flatMap(({ prefix, preferredUntil, validUntil }) => {
    const valid = Math.min(ND_VALID_LIMIT, secondsUntil(validUntil, wall));
    if (valid <= 0 || seen.has(showPrefix(prefix))) return [];
    seen.add(showPrefix(prefix));
    return [{ prefix, preferred: Math.min(ND_PREFERRED_LIMIT, valid, secondsUntil(preferredUntil, wall)), valid }];
  });
  const gone = stale.filter(({ prefix, until }) => until > wall && !seen.has(showPrefix(prefix)));
  return [...live, ...gone.map(({ prefix }) => ({ prefix, preferred: 0, valid: 0 }))];
}

/** Whole seconds from `wall`, 0 = it is over. */
function secondsUntil(until: Millis, wall: Millis): number {
  return until === NEVER ? Number.POSITIVE_INFINITY : Math.max(0, Math.floor((until - wall) / 1_000));
}

function distinct(prefixes: readonly Prefix[]): Prefix[] {
  return [...new Map(prefixes.map((prefix) => [showPrefix(prefix), prefix])).values()];
}
