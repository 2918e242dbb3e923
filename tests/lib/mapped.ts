/**
 * Hosts' addresses towards peers without Shim6, in plain TypeScript: packets are put together anew with the other addresses, and every checksum
 * is computed from nothing. What the core's exchange and its mended sums are judged by.
 */
import { ICMP6_QUOTE } from "../../core-as/layout/ip6.ts";
import { SHARES } from "../../core-as/layout/mapping.ts";
import type { Core, CoreMapping } from "../../runtime/fast/contract.ts";
import { exchangeFor } from "../../runtime/locator/exchange.ts";
import { locatorFor, type MappingFill } from "../../runtime/locator/map.ts";
import { type Address, addressAt, addressOctets } from "../../runtime/value/address.ts";
import { concat, putU16, u16 } from "../../runtime/value/bytes.ts";
import type { Prefix } from "../../runtime/value/prefix.ts";
import { checksum, pseudoHeaderSum } from "../../runtime/wire/checksum.ts";
import { packetOf } from "./packet.ts";

/** Where the checksum stands, by protocol; the others have none over addresses, or one that nobody knows. */
const SUM_AT: Readonly<Record<number, number>> = { 6: 16, 17: 6, 33: 6, 58: 2, 136: 6 };
const KNOWN = new Set([0, 4, 6, 17, 33, 41, 43, 44, 47, 50, 51, 58, 59, 60, 97, 115, 132, 136, 137, 140]);

/** A packet without its addresses. */
export interface Sample {
  readonly protocol: number;
  /** Its header and payload; the checksum is put in. */
  readonly transport: Uint8Array;
  /** UDP without a checksum. */
  readonly noSum?: boolean;
  /** Kinds of extension headers before it: 0, 43, 60, 51. */
  readonly before?: readonly number[];
  /** It is a fragment: these octets of the transport, behind extension headers of these kinds in the first fragment alone. */
  readonly fragment?: { readonly at: number; readonly octets: number };
}

/** The packet between two addresses. */
export function packetFor(sample: Sample, source: Address, destination: Address): Uint8Array {
  const { protocol, before = [], fragment } = sample;
  const transport = sealed(sample, source, destination);
  const kinds = fragment === undefined ? before : [...before, 44];
  const headers = kinds.map((kind, i) => extensionOf(kind, kinds[i + 1] ?? protocol, fragment?.at ?? 0));
  const rest = fragment === undefined ? transport : transport.subarray(fragment.at, fragment.at + fragment.octets);
  return packetOf(source, destination, kinds[0] ?? protocol, concat(...headers, rest));
}

/** An ICMPv6 error with the first `quoted` octets of `about`. */
export function errorFor(source: Address, destination: Address, about: Uint8Array, quoted: number): Uint8Array {
  const transport = concat(Uint8Array.of(1, 4, 0, 0, 0, 0, 0, 0), about.subarray(0, quoted));
  return packetFor({ protocol: 58, transport }, source, destination);
}

function sealed({ protocol, transport, noSum = false }: Sample, source: Address, destination: Address): Uint8Array {
  const octets = transport.slice();
  const at = SUM_AT[protocol];
  if (at === undefined || at + 2 > octets.length) return octets;
  putU16(octets, at, 0);
  if (noSum) return octets;
  const sum = checksum(octets, pseudoHeaderSum(source, destination, octets.length, protocol));
  putU16(octets, at, sum === 0 && (protocol === 17 || protocol === 136) ? 0xffff : sum);
  return octets;
}

function extensionOf(kind: number, next: number, fragmentAt: number): Uint8Array {
  if (kind === 44) return Uint8Array.of(next, 0, fragmentAt >> 8, (fragmentAt & 0xf8) | 1, 1, 2, 3, 4);
  if (kind === 51) return Uint8Array.of(next, 4, 0, 0, ...new Uint8Array(20).fill(7));
  return Uint8Array.of(next, 1, 1, 0, ...new Uint8Array(12).fill(9));
}

/** Whether a protocol's packets are mapped so that no sum changes (RFC 6296). */
export function isNeutral(protocol: number): boolean {
  return !KNOWN.has(protocol);
}

/** The host's address outside: the locator, or, for protocols of which nothing is known, what RFC 6296 §3.4 and §3.5 make of it. */
export function outside(provider: Prefix, site: Prefix, host: Address, protocol: number): Address | undefined {
  const locator = locatorFor(provider, site, host);
  if (locator === undefined || !isNeutral(protocol)) return locator;
  const octets = addressOctets(locator).slice();
  const adjustment = sumOf(addressOctets(host)) - sumOf(addressOctets(locator));
  const places = Math.max(provider.length, site.length) <= 48 ? [6] : [8, 10, 12, 14];
  const at = places.find((place) => u16(octets, place) !== 0xffff);
  if (at === undefined || (at >= 8 && octets.subarray(8).every((octet) => octet === 0))) return undefined;
  const word = (((u16(octets, at) + adjustment) % 0xffff) + 0xffff) % 0xffff;
  putU16(octets, at, word);
  return addressAt(octets);
}

function sumOf(octets: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < 16; i += 2) sum += u16(octets, i);
  return sum;
}

/** A provider as a test wants it. */
export interface TestProvider {
  readonly prefix: Prefix;
  readonly usable?: boolean;
  readonly drained?: boolean;
  readonly fill?: MappingFill;
}

/** A mapping over `providers`, their places as listed; the shares all go to `to`, or as given. */
export function mappingFor(site: Prefix, providers: readonly TestProvider[], to: number | Uint8Array = 0): CoreMapping {
  return {
    providers: providers.map(({ prefix, usable = true, drained = false, fill = "zero" }, place) => ({
      place,
      usable,
      drained,
      ...exchangeFor(prefix, site, fill),
    })),
    shares: typeof to === "number" ? new Uint8Array(SHARES).fill(to) : to,
    limitIn: 65_575,
    spared: [],
  };
}

/** Tells `core` of a site whose hosts are mapped. */
export function setMapped(
  core: Core,
  site: Prefix,
  generic: Prefix,
  providers: readonly TestProvider[],
  to: number | Uint8Array = 0,
): void {
  core.setPrefixes({ ulid: site, generic, locators: providers.map(({ prefix }) => prefix) });
  core.setMapping(mappingFor(site, providers, to));
}

/** Octets of an ICMPv6 error before its quote, its IPv6 header included. */
export const ERROR_OCTETS = 40 + ICMP6_QUOTE;
