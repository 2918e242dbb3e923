/** Which host has which name in the site's zone: everyone has exactly one, so that every ULID is found through the reverse tree (draft §4.2.1). */
import type { StoredLease } from "../port/store.ts";
import { addressOctets, type Ulid } from "../value/address.ts";
import { hex } from "../value/bytes.ts";

/** A host of the site. */
export interface ZoneHost {
  /** A DNS label; `undefined` = it has none. */
  readonly name: string | undefined;
  readonly ulid: Ulid;
  /** The name is the host's own word (RFC 4704), nobody confirmed it: it never takes a name that somebody else has. */
  readonly claimed?: boolean;
}

/**
 * The hosts that are there: those of site.yaml first, then those with a lease that holds. Names of leases that no reservation gave are claims.
 * @param wall calendar milliseconds
 */
export function zoneHosts(
  named: readonly { readonly name: string; readonly ulid: Ulid }[],
  leases: readonly StoredLease[],
  wall: number,
): ZoneHost[] {
  const held = leases.filter(({ state, until }) => state === "bound" && until > wall);
  return [
    ...named.map(({ name, ulid }) => ({ name, ulid })),
    ...held.map(({ name, ulid, matched }) => ({ name, ulid, claimed: !matched.startsWith(RESERVED) })),
  ];
}

/** How {@link StoredLease.matched} begins when somebody decided about the host. */
const RESERVED = "reservation";
/** LDH label (RFC 1123 §2.1), lower case. */
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const DERIVED = /^h-[0-9a-f]+$/;

/** The name of a host that has none: `h-` and the hexadecimal digits of its ULID behind the site's prefix of `length` bits. */
export function derivedName(ulid: Ulid, length: number): string {
  return `h-${hex(addressOctets(ulid)).slice(length >> 2)}`;
}

/** Labels that hosts may not have. */
export interface ReservedLabels {
  /** Nobody. */
  readonly always: ReadonlySet<string>;
  /** Nobody who just claims them. */
  readonly claims: ReadonlySet<string>;
}

/** Under which name a host is published. */
export interface Owner {
  readonly label: string;
  readonly claimed: boolean;
}

/**
 * One label for each host; `undefined` = its derived name. A name of two hosts goes to the one that did not just claim it, then to the one that stands first; the
 * other has its derived name. So has a host whose name is no label, is reserved, or looks like a derived one.
 */
export function ownersOf(hosts: Iterable<ZoneHost>, reserved: ReservedLabels): Map<Ulid, Owner | undefined> {
  const owners = new Map<Ulid, Owner | undefined>();
  const taken = new Set(reserved.always);
  const claims: ZoneHost[] = [];
  const assign = ({ name, ulid, claimed = false }: ZoneHost): void => {
    const label = name?.toLowerCase();
    const free = label !== undefined && LABEL.test(label) && !DERIVED.test(label) && !taken.has(label);
    if (!free || (claimed && reserved.claims.has(label)) || owners.get(ulid) !== undefined) return;
    taken.add(label);
    owners.set(ulid, { label, claimed });
  };
  for (const host of hosts) {
    if (!owners.has(host.ulid)) owners.set(host.ulid, undefined);
    if (host.claimed) claims.push(host);
    else assign(host);
  }
  for (const host of claims) assign(host);
  return owners;
}
