/** Names that no upstream is asked about, or not about ULIDs. */
import { CLASS_IN, type DnsName, type DnsRecord, RCODE_NOERROR, RCODE_NXDOMAIN, TYPE_A, TYPE_AAAA } from "../wire/dns.ts";
import { dnsName, isBelow, parentOf, ROOT } from "../wire/dns-name.ts";
import { BARE, type Draft, hiddenSoa } from "./respond.ts";

/** Chosen; these answers never change. */
const TTL = 3600;

const LOCALHOST = dnsName("localhost");
/** There is nothing below these: RFC 6762 §22.1, RFC 6761 §6.4, RFC 7686 §2. */
const EMPTY = ["local", "invalid", "onion"].map(dnsName);
/**
 * Resolvers are asked here for better ways to themselves (RFC 9462 §6.1: not to be forwarded). Upstream's own would lead hosts past the gateway, where no ULID
 * is given. For the same reason the name by which a browser finds out whether it may go past the site's resolvers does not exist.
 */
const DISCOVERY = dnsName("resolver.arpa");
const CANARY = dnsName("use-application-dns.net");
/** Addresses in here are not what they look like (RFC 7050, RFC 8880), and no host has its name here. */
const ARPA = dnsName("arpa");

const ADDRESSES: ReadonlyMap<number, Uint8Array> = new Map([
  [TYPE_A, Uint8Array.of(127, 0, 0, 1)],
  [TYPE_AAAA, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)],
]);

/** The answer for a name of special use (RFC 6761), lower case; `undefined` for all others. */
export function specialAnswer(name: DnsName, type: number, now: number): Draft | undefined {
  const until = now + 1000 * TTL;
  const top = topOf(name);
  if (top === LOCALHOST) {
    const data = ADDRESSES.get(type);
    const answers: readonly DnsRecord[] = data === undefined ? [] : [{ name, type, class: CLASS_IN, ttl: TTL, data }];
    return { ...BARE, rcode: RCODE_NOERROR, answers, authority: data === undefined ? [hiddenSoa(top, TTL)] : [], until };
  }
  if (EMPTY.includes(top)) return { ...BARE, rcode: RCODE_NXDOMAIN, authority: [hiddenSoa(top, TTL)], until };
  if (name === CANARY) return { ...BARE, rcode: RCODE_NXDOMAIN, authority: [hiddenSoa(CANARY, TTL)], until };
  return isBelow(name, DISCOVERY) ? { ...BARE, authority: [hiddenSoa(DISCOVERY, TTL)], until } : undefined;
}

/** Whether the name may have a ULID at all. */
export function mayHaveUlid(name: DnsName): boolean {
  return name !== ROOT && topOf(name) !== ARPA;
}

function topOf(name: DnsName): DnsName {
  let top = name;
  for (let parent = parentOf(name); parent !== undefined && parent !== ROOT; parent = parentOf(parent)) top = parent;
  return top;
}
