/**
 * Addresses of a provider's that hosts have beside their ULIDs (P-Shim6 draft §7): a part of the provider's prefix, or another one, is the LAN's. The
 * interface identifier is the ULID's, so that nothing has to be stored of them.
 */
import { type Address, addressAt, addressOctets } from "../value/address.ts";
import { covers, type Prefix, showPrefix, withPrefix } from "../value/prefix.ts";

/** A LAN subnet of ULIDs, and where its hosts have addresses of one provider; both of the same length. */
export interface Beside {
  readonly lan: Prefix;
  readonly outside: Prefix;
}

/** What of a provider matters here. */
export interface BesideProvider {
  readonly prefix: Prefix;
  /** A prefix for this purpose alone. */
  readonly hosts?: Prefix | undefined;
}

/** Hosts need 64 bits behind it (RFC 4291 §2.5.1). */
const LINK_BITS = 64;

/**
 * One for each of `subnets`, LAN subnets of ULIDs and at most 64 bits long: the first begins at the /64 with the number `first` in the provider's
 * prefix, or at the start of `hosts`; the next ones follow, each at a multiple of its size.
 * @returns why that cannot be, in words, if it cannot
 */
export function besideSubnets(
  { prefix, hosts }: BesideProvider,
  subnets: readonly Prefix[],
  first: number | undefined,
): readonly Beside[] | string {
  if (hosts === undefined && first === undefined) return "it is not said where in it: neither `hosts` here nor legacy.subnet is there";
  const room = hosts ?? prefix;
  if (room.length > LINK_BITS) return `${showPrefix(room)} is longer than ${LINK_BITS} bits`;
  const end = 2 ** (LINK_BITS - room.length);
  const found: Beside[] = [];
  let next = hosts === undefined ? (first ?? 0) : 0;
  for (const lan of subnets) {
    const size = 2 ** (LINK_BITS - lan.length);
    const start = Math.ceil(next / size) * size;
    next = start + size;
    if (next > end)
      return `${showPrefix(room)} has ${end} subnets of ${LINK_BITS} bits, and ${showPrefix(lan)} would need those up to number ${next - 1}`;
    found.push({ lan, outside: { base: subnetAt(room, start), length: lan.length } });
  }
  return found;
}

/** The address beside `ulid`; `undefined` if it is in none of the subnets. */
export function besideOf(pairs: readonly Beside[], ulid: Address): Address | undefined {
  const pair = pairs.find(({ lan }) => withPrefix(lan, ulid) === ulid);
  return pair && withPrefix(pair.outside, ulid);
}

/** The ULID that `address` is beside; `undefined` if it is in none of the outside prefixes. */
export function ulidBeside(pairs: readonly Beside[], address: Address): Address | undefined {
  const pair = pairs.find(({ outside }) => withPrefix(outside, address) === address);
  return pair && withPrefix(pair.lan, address);
}

/** `of` as it is beside: the addresses that its hosts have there. */
export function besidePrefixes(pairs: readonly Beside[], of: Prefix): Prefix[] {
  return pairs.flatMap(({ lan, outside }) => {
    if (covers(of, lan)) return [outside];
    return covers(lan, of) ? [{ base: withPrefix(outside, of.base), length: of.length }] : [];
  });
}

function subnetAt(room: Prefix, number: number): Address {
  const octets = addressOctets(room.base);
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  view.setBigUint64(0, view.getBigUint64(0) + BigInt(number));
  return addressAt(octets);
}
