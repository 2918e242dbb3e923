/** What a name says of a ULID and its locators, and what of that is believed. */
import { ADDRESS_OCTETS, type Address, addressAt, isMulticast, type Locator, type Ulid, UNSPECIFIED } from "../value/address.ts";
import { contains, prefix } from "../value/prefix.ts";
import type { Millis } from "../value/time.ts";
import { type DnsName, type DnsRecord, TYPE_AAAA } from "../wire/dns.ts";
import type { GatewaySettings, TimedLocator } from "./contract.ts";
import { isFailure } from "./known.ts";
import { type Inquiry, type Resolution, resolve } from "./resolve.ts";

/** Chosen: locators hold so much longer than their TTLs, because a host that was told of the ULID in their last second uses it some time later. */
const LOCATOR_HOLD: Millis = 60_000;
/** Chosen: ULIDs and locators of one name that are looked at; a Locator List of one packet holds no more. */
const ULIDS_MOST = 16;
const LOCATORS_MOST = 32;

const NO_LOCATORS = [
  prefix("fe80::/10"), //     link-local (RFC 4291 §2.5.6)
  prefix("::ffff:0:0/96"), // IPv4-mapped (§2.5.5.2)
  prefix("::/96"), //         unspecified, loopback, IPv4-compatible (§2.5.2, §2.5.3, §2.5.5.1)
];

/** A name with ULIDs. */
export interface Binding {
  /** Its ULIDs, in ascending order, each once; at least one. */
  readonly ulids: readonly Ulid[];
  /** Locators of each of them; at least one, but for names of the site itself, which need none. */
  readonly locators: readonly TimedLocator[];
  /** Whether this is a name of the site itself. */
  readonly isOurs: boolean;
  /** How the ULIDs were found. */
  readonly ulidAnswer: Resolution;
  /** Seconds that a host may keep what it is told. */
  readonly ttl: number;
  /** Whether upstream validated all of it. */
  readonly authentic: boolean;
  /** Good before this instant. */
  readonly until: Millis;
}

/** Why a name has none. */
export interface NoBinding {
  readonly ulids: undefined;
  /** Whether that is only because nobody could say. */
  readonly failed: boolean;
  readonly until: Millis;
}

/**
 * ULIDs and locators of `name`, lower case. A ULID without locators counts as none and is not learnt: a host that got it could reach nobody, while what
 * else there is of the name may do. Never asks with CD: what does not validate is no binding.
 * @returns `undefined` = not yet
 */
export function bindingOf(inquiry: Inquiry, name: DnsName): Binding | NoBinding | undefined {
  const { settings } = inquiry;
  const found = resolve(inquiry, name, settings.ulidType);
  if (found === undefined) return undefined;
  const none: NoBinding = { ulids: undefined, failed: isFailure(found), until: found.until };
  const ulids = ulidsOf(inquiry, found);
  if (ulids.length === 0) return none;
  const ttl = leastTtl([...found.links, ...found.records]);
  const { isOurs, authentic, until } = found;
  if (isOurs) return { ulids, locators: [], isOurs, ulidAnswer: found, ttl, authentic, until };
  const addresses = addressesOf(inquiry, name, found.end);
  if (addresses === undefined) return undefined;
  const both = Math.min(until, addresses.until);
  const locators = isFailure(addresses) || addresses.isOurs ? [] : locatorsOf(inquiry, addresses);
  if (locators.length === 0) return { ...none, failed: isFailure(addresses), until: both };
  return {
    ulids,
    locators,
    isOurs,
    ulidAnswer: found,
    ttl: Math.min(ttl, leastTtl(addresses.records)),
    authentic: authentic && addresses.authentic,
    until: both,
  };
}

/** Addresses of `end`: by way of the same name if its aliases lead there for both types, else asked for by themselves. */
function addressesOf(inquiry: Inquiry, name: DnsName, end: DnsName): Resolution | undefined {
  const found = resolve(inquiry, name, TYPE_AAAA);
  return found === undefined || found.end === end ? found : resolve(inquiry, end, TYPE_AAAA);
}

function ulidsOf(inquiry: Inquiry, found: Resolution): Ulid[] {
  const { settings } = inquiry;
  const ulids = new Set<Ulid>();
  for (const { type, data } of found.records) {
    if (type !== settings.ulidType) continue;
    const ulid = data.length === ADDRESS_OCTETS ? addressAt(data) : undefined;
    if (ulid === undefined || !contains(settings.generic, ulid) || isMulticast(ulid)) inquiry.drop("bad-ulid-dns");
    else if (!found.isOurs && contains(settings.own, ulid)) inquiry.drop("own-ulid-dns");
    else if (ulids.size < ULIDS_MOST) ulids.add(ulid);
  }
  return [...ulids].sort();
}

function locatorsOf(inquiry: Inquiry, found: Resolution): TimedLocator[] {
  const { settings, now } = inquiry;
  const locators = new Map<Locator, TimedLocator>();
  for (const { type, data, ttl } of found.records) {
    if (type !== TYPE_AAAA || data.length !== ADDRESS_OCTETS) continue;
    const address = addressAt(data);
    if (!mayBeLocator(address, settings)) inquiry.drop("bad-locator-dns");
    else if (locators.size < LOCATORS_MOST) locators.set(address, { address, until: now + 1000 * ttl + LOCATOR_HOLD });
  }
  return [...locators.values()];
}

/** Whether packets of another site may go to `address`. */
export function mayBeLocator(address: Address, { generic, own, providers }: GatewaySettings): boolean {
  if (address === UNSPECIFIED || isMulticast(address)) return false;
  return ![generic, own, ...providers, ...NO_LOCATORS].some((each) => contains(each, address));
}

/** The least TTL of `records`; 0 when there are none. */
export function leastTtl(records: readonly DnsRecord[]): number {
  return records.length === 0 ? 0 : records.reduce((least, { ttl }) => Math.min(least, ttl), Number.POSITIVE_INFINITY);
}

/** The instant at which the first of `locators` does not hold any more. */
export function firstEnd(locators: readonly TimedLocator[]): Millis {
  return locators.reduce((first, { until }) => Math.min(first, until), Number.POSITIVE_INFINITY);
}
