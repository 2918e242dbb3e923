/**
 * Locators by rule instead of by table: the provider's prefix followed by what distinguishes the host inside the site's ULID
 * prefix. One ULID, one locator per provider, and back; nothing to store.
 */
import { ADDRESS_OCTETS, type Address, addressAt, addressOctets, type Locator, type Ulid } from "../value/address.ts";
import { contains, covers, type Prefix, showPrefix } from "../value/prefix.ts";

/**
 * The locator of `ulid` at one provider. With a provider prefix longer than the ULID prefix, the ULID's bits between the two
 * lengths have no room: they must be zero or be those of the provider's prefix. With a shorter one the gap is zeros.
 * @returns the locator, or `undefined` when `ulid` is outside `ulidPrefix` or its bits between the lengths do not fit
 */
export function locatorFor(provider: Prefix, ulidPrefix: Prefix, ulid: Ulid): Locator | undefined {
  if (!contains(ulidPrefix, ulid)) return undefined;
  const host = addressOctets(ulid);
  const base = addressOctets(provider.base);
  const from = Math.max(provider.length, ulidPrefix.length);
  if (fillOf(host, base, ulidPrefix.length, provider.length) === undefined) return undefined;
  return join(base, host, from);
}

/**
 * The ULID behind a locator: inverse of {@link locatorFor}. `fill` says how the site fills ULID bits between the two lengths
 * (see {@link mappingOf}); it matters only when the provider's prefix is the longer one.
 * @returns the ULID, or `undefined` when `locator` is not the image of one
 */
export function ulidFor(provider: Prefix, ulidPrefix: Prefix, locator: Locator, fill: MappingFill = "zero"): Ulid | undefined {
  if (!contains(provider, locator)) return undefined;
  const from = Math.max(provider.length, ulidPrefix.length);
  const head = addressOctets(ulidPrefix.base);
  if (fill === "equal") copyBits(addressOctets(provider.base), head, ulidPrefix.length, provider.length);
  const ulid = join(head, addressOctets(locator), from);
  return locatorFor(provider, ulidPrefix, ulid) === locator ? ulid : undefined;
}

/** What ULIDs of the site have between the two prefix lengths: zeros, or the provider's own bits. */
export type MappingFill = "zero" | "equal";

/** Checked at configuration: how a provider's prefix maps the site, or why it cannot. */
export type Mapping = { readonly fill: MappingFill } | { readonly faults: readonly string[] };

/**
 * Whether every ULID of `subnets` has its own locator at `provider`. All subnets must fill the bits between the two lengths
 * in one way, or two ULIDs would share a locator.
 */
export function mappingOf(provider: Prefix, ulidPrefix: Prefix, subnets: readonly Prefix[]): Mapping {
  const faults: string[] = [];
  const fills = new Set<MappingFill>();
  for (const subnet of subnets) {
    const fault = subnetFault(provider, ulidPrefix, subnet);
    if (fault !== undefined) faults.push(fault);
    const fill = fillOf(addressOctets(subnet.base), addressOctets(provider.base), ulidPrefix.length, provider.length);
    if (fault === undefined && fill !== undefined && fill !== "both") fills.add(fill);
  }
  if (fills.size > 1) {
    faults.push(
      `some subnets have zeros and others the provider's bits at ${bitsText(ulidPrefix, provider)}: two hosts would share a locator of ${showPrefix(provider)}`,
    );
  }
  if (faults.length > 0) return { faults };
  return { fill: fills.has("equal") ? "equal" : "zero" };
}

function subnetFault(provider: Prefix, ulidPrefix: Prefix, subnet: Prefix): string | undefined {
  if (!covers(ulidPrefix, subnet)) return `${showPrefix(subnet)} is not inside the ULID prefix ${showPrefix(ulidPrefix)}`;
  if (subnet.length < provider.length) return `${showPrefix(subnet)} has more hosts than ${showPrefix(provider)} has locators`;
  const fill = fillOf(addressOctets(subnet.base), addressOctets(provider.base), ulidPrefix.length, provider.length);
  if (fill !== undefined) return undefined;
  return `${showPrefix(subnet)} has bits at ${bitsText(ulidPrefix, provider)} that are neither zero nor those of ${showPrefix(provider)}`;
}

function bitsText(ulidPrefix: Prefix, provider: Prefix): string {
  return `bit ${ulidPrefix.length} to ${provider.length - 1}`;
}

/** How `host` fills the bits from `from` to `to`; "both" when there are none or the provider's are zeros themselves. */
function fillOf(host: Uint8Array, base: Uint8Array, from: number, to: number): MappingFill | "both" | undefined {
  let zero = true;
  let equal = true;
  for (let bit = from; bit < to; bit++) {
    const ours = bitAt(host, bit);
    if (ours !== 0) zero = false;
    if (ours !== bitAt(base, bit)) equal = false;
  }
  if (zero) return equal ? "both" : "zero";
  return equal ? "equal" : undefined;
}

/** The first `length` bits of `head`, then those of `tail`. */
function join(head: Uint8Array, tail: Uint8Array, length: number): Address {
  const octets = tail.slice();
  copyBits(head, octets, 0, length);
  return addressAt(octets);
}

function copyBits(source: Uint8Array, target: Uint8Array, from: number, to: number): void {
  for (let i = 0; i < ADDRESS_OCTETS; i++) {
    const first = Math.min(8, Math.max(0, from - 8 * i));
    const end = Math.min(8, Math.max(0, to - 8 * i));
    const mask = (0xff >> first) & (0xff00 >> end) & 0xff;
    target[i] = (target[i] & ~mask & 0xff) | (source[i] & mask);
  }
}

function bitAt(octets: Uint8Array, bit: number): number {
  return (octets[bit >> 3] >> (7 - (bit & 7))) & 1;
}
