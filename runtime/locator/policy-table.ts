/**
 * Properties of an address that RFC 6724 compares: scope, label and precedence by the default policy table, common prefix.
 * @see RFC 6724 §2.1, §2.2, §3.1
 */
import { ADDRESS_OCTETS, type Address, addressOctets } from "../value/address.ts";

/** One row of the policy table: addresses in `octets`/`length` have this precedence (higher = better) and label. */
interface PolicyRow {
  readonly octets: Uint8Array;
  readonly length: number;
  readonly precedence: number;
  readonly label: number;
}

/** What the selection rules need of one address, worked out once. `octets` belong to this value. */
export interface AddressClass {
  readonly address: Address;
  readonly octets: Uint8Array;
  /** The multicast scope values of RFC 4291 §2.7; {@link SCOPE_LINK_LOCAL}, {@link SCOPE_SITE_LOCAL} and {@link SCOPE_GLOBAL} for unicast. */
  readonly scope: number;
  readonly precedence: number;
  readonly label: number;
}

export const SCOPE_LINK_LOCAL = 0x2;
export const SCOPE_SITE_LOCAL = 0x5;
/** Unique-local addresses have it too (RFC 4193 §3.3). */
export const SCOPE_GLOBAL = 0xe;

/** Default policy table (RFC 6724 §2.1), longest prefix first so that the first match is the right one. */
const POLICY_TABLE: readonly PolicyRow[] = [
  row([...new Array<number>(15).fill(0), 1], 128, 50, 0), // ::1/128
  row([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], 96, 35, 4), // ::ffff:0:0/96
  row([], 96, 1, 3), // ::/96
  row([0x20, 0x01, 0, 0], 32, 5, 5), // 2001::/32, Teredo
  row([0x20, 0x02], 16, 30, 2), // 2002::/16, 6to4
  row([0x3f, 0xfe], 16, 1, 12), // 3ffe::/16, the old 6bone
  row([0xfe, 0xc0], 10, 1, 11), // fec0::/10, site-local
  row([0xfc], 7, 3, 13), // fc00::/7, unique-local
];
/** ::/0, what everything else falls to. */
const DEFAULT_PRECEDENCE = 40;
const DEFAULT_LABEL = 1;

/** The properties of `address` under the default policy table. */
export function classify(address: Address): AddressClass {
  const octets = addressOctets(address);
  const found = POLICY_TABLE.find(({ octets: prefix, length }) => commonPrefixLength(prefix, octets) >= length);
  return {
    address,
    octets,
    scope: scopeOf(octets),
    precedence: found?.precedence ?? DEFAULT_PRECEDENCE,
    label: found?.label ?? DEFAULT_LABEL,
  };
}

/** Bits that both addresses have in common from the left, 0 … 128 (RFC 6724 §2.2). */
export function commonPrefixLength(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < ADDRESS_OCTETS; i++) {
    const difference = a[i] ^ b[i];
    if (difference !== 0) return 8 * i + Math.clz32(difference) - 24;
  }
  return 8 * ADDRESS_OCTETS;
}

/** Whether packets with this address as a locator can leave a site: no multicast, unspecified, loopback or link-local (reap.md §8). */
export function canBeLocator({ octets, scope }: AddressClass): boolean {
  if (octets[0] === 0xff || scope === SCOPE_LINK_LOCAL) return false;
  return octets.subarray(0, 15).some((octet) => octet !== 0) || octets[15] > 1;
}

/** fc00::/7 (RFC 4193). */
export function isUniqueLocal({ octets }: AddressClass): boolean {
  return (octets[0] & 0xfe) === 0xfc;
}

function scopeOf(octets: Uint8Array): number {
  if (octets[0] === 0xff) return octets[1] & 0x0f;
  if (octets[0] !== 0xfe) return octets.subarray(0, 15).every((octet) => octet === 0) && octets[15] === 1 ? SCOPE_LINK_LOCAL : SCOPE_GLOBAL;
  const bits = octets[1] & 0xc0;
  if (bits === 0x80) return SCOPE_LINK_LOCAL;
  return bits === 0xc0 ? SCOPE_SITE_LOCAL : SCOPE_GLOBAL;
}

function row(head: readonly number[], length: number, precedence: number, label: number): PolicyRow {
  const octets = new Uint8Array(ADDRESS_OCTETS);
  octets.set(head);
  return { octets, length, precedence, label };
}
