/** Options of a Router Advertisement (RFC 4861 §4.6, RFC 8106 §5), each in an array of its own, a multiple of 8 octets long. */
import { ADDRESS_OCTETS, type Address, addressOctets } from "../value/address.ts";
import { concat, putU32 } from "../value/bytes.ts";
import { type DnsName, nameOctets } from "../wire/index.ts";
import type { PrefixLifetimes } from "./stale.ts";

export const OPTION_SOURCE_LINK_ADDRESS = 1;
export const OPTION_PREFIX = 3;
export const OPTION_MTU = 5;
export const OPTION_DNS_SERVERS = 25;
export const OPTION_DNS_SEARCH = 31;

/** L of a prefix: its addresses are on the link. A, autoconfiguration, stays clear: hosts have the addresses that the box made for them. */
const ON_LINK = 0x80;
const UNIT = 8;
/** Octets of both DNS options before addresses and names. */
const DNS_HEAD = 8;
/** An option's length is an octet, in units of 8 octets. */
const OCTETS_MOST = 255 * UNIT;

/** Source Link-Layer Address (RFC 4861 §4.6.1) of an address of 6 octets. */
export function linkAddressOption(address: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(OPTION_SOURCE_LINK_ADDRESS, 1), address);
}

/** MTU (RFC 4861 §4.6.4). */
export function mtuOption(mtu: number): Uint8Array {
  const option = headed(OPTION_MTU, UNIT);
  putU32(option, 4, mtu);
  return option;
}

/** Prefix Information (RFC 4861 §4.6.2) of a prefix that is on the link, and not for autoconfiguration. */
export function prefixOption({ prefix: { base, length }, preferred, valid }: PrefixLifetimes): Uint8Array {
  const option = headed(OPTION_PREFIX, 32);
  option[2] = length;
  option[3] = ON_LINK;
  putU32(option, 4, valid);
  putU32(option, 8, preferred);
  option.set(addressOctets(base), 16);
  return option;
}

/** Recursive DNS Server (RFC 8106 §5.1), of at least one server; those that do not fit are left out. `lifetime` in seconds. */
export function serversOption(servers: readonly Address[], lifetime: number): Uint8Array {
  const fitting = servers.slice(0, (OCTETS_MOST - DNS_HEAD) / ADDRESS_OCTETS);
  const option = headed(OPTION_DNS_SERVERS, DNS_HEAD + ADDRESS_OCTETS * fitting.length);
  putU32(option, 4, lifetime);
  fitting.forEach((server, i) => {
    option.set(addressOctets(server), DNS_HEAD + ADDRESS_OCTETS * i);
  });
  return option;
}

/** DNS Search List (RFC 8106 §5.2), of at least one domain, not compressed, filled up with zeros. `most`: octets of the whole option. */
export function searchOption(domains: readonly DnsName[], lifetime: number, most = OCTETS_MOST): Uint8Array {
  const names: Uint8Array[] = [];
  let octets = DNS_HEAD;
  for (const name of domains.map(nameOctets)) {
    if (octets + name.length > most) break;
    names.push(name);
    octets += name.length;
  }
  const option = headed(OPTION_DNS_SEARCH, Math.ceil(octets / UNIT) * UNIT);
  putU32(option, 4, lifetime);
  option.set(concat(...names), DNS_HEAD);
  return option;
}

function headed(type: number, octets: number): Uint8Array {
  const option = new Uint8Array(octets);
  option[0] = type;
  option[1] = octets / UNIT;
  return option;
}
