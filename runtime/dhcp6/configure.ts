/** Configuration that clients ask for (RFC 8415 §18.3, §21.7). */
import { address } from "../value/address.ts";
import { covers, type Prefix, prefix, showPrefix } from "../value/prefix.ts";
import type { ClientFqdn, Dhcp6Option, PolicyRow } from "../wire/dhcp6.ts";
import {
  INF_MAX_RT,
  IRT_DEFAULT,
  IRT_MINIMUM,
  OPTION_ADDRSEL,
  OPTION_ADDRSEL_TABLE,
  OPTION_CLIENT_FQDN,
  OPTION_DNS_SERVERS,
  OPTION_DOMAIN_LIST,
  OPTION_INF_MAX_RT,
  OPTION_INFORMATION_REFRESH_TIME,
  OPTION_NTP_SERVER,
  OPTION_SNTP_SERVERS,
  OPTION_SOL_MAX_RT,
  SOL_MAX_RT,
} from "../wire/dhcp6-number.ts";
import type { Dhcp6Settings } from "./contract.ts";
import { answerFqdn } from "./name.ts";
import { renewalTime, toSeconds } from "./time.ts";

/** What is asked, and of what. */
export interface Wishes {
  /** The codes of the Option Request option. Those that have no place there are passed over (RFC 8415 §24, Table 4). */
  readonly codes: readonly number[];
  /** The client's FQDN option: answered only if it was sent and asked for (RFC 4704 §6). */
  readonly fqdn: ClientFqdn | undefined;
  readonly name: string | undefined;
  /** Whether an Information-request is answered: only there is a refresh time (§21.23). */
  readonly stateless: boolean;
}

/** The options that were asked for, as far as there are any, in the order of their codes. */
export function configuration({ codes, fqdn, name, stateless }: Wishes, settings: Dhcp6Settings): Dhcp6Option[] {
  const asked = new Set(codes);
  const { dns, search, ntp, policy, zone } = settings;
  const options: Dhcp6Option[] = [];
  const add = (code: number, option: Dhcp6Option | false | undefined): void => {
    if (option && asked.has(code)) options.push(option);
  };
  add(OPTION_DNS_SERVERS, dns.length > 0 && { kind: "dns-servers", addresses: dns });
  add(OPTION_DOMAIN_LIST, search.length > 0 && { kind: "domain-list", names: search });
  add(OPTION_SNTP_SERVERS, ntp.length > 0 && { kind: "sntp-servers", addresses: ntp });
  add(OPTION_INFORMATION_REFRESH_TIME, stateless && { kind: "refresh-time", seconds: refreshTime(settings) });
  add(OPTION_CLIENT_FQDN, fqdn && answerFqdn(fqdn, name, zone));
  add(OPTION_NTP_SERVER, ntp.length > 0 && { kind: "ntp-servers", addresses: ntp, others: [] });
  add(OPTION_SOL_MAX_RT, { kind: "sol-max-rt", seconds: SOL_MAX_RT });
  add(OPTION_INF_MAX_RT, { kind: "inf-max-rt", seconds: INF_MAX_RT });
  if (policy !== undefined && (asked.has(OPTION_ADDRSEL) || asked.has(OPTION_ADDRSEL_TABLE)))
    options.push({ kind: "address-selection", automatic: true, privacy: true, rows: policy });
  return options;
}

/** Hosts without leases come back as often as those with one renew theirs, within what RFC 8415 §7.6 allows. */
function refreshTime(settings: Dhcp6Settings): number {
  return Math.min(Math.max(toSeconds(renewalTime(settings)), IRT_MINIMUM), IRT_DEFAULT);
}

const row = (text: string, precedence: number, label: number): PolicyRow => ({ prefix: prefix(text), precedence, label });
/** The default policy table (RFC 6724 §2.1) without the row for unique local addresses. */
const DEFAULT_POLICY: readonly PolicyRow[] = [
  row("::1/128", 50, 0),
  row("::/0", 40, 1),
  row("::ffff:0:0/96", 35, 4),
  row("2002::/16", 30, 2),
  row("2001::/32", 5, 5),
  row("::/96", 1, 3),
  row("fec0::/10", 1, 11),
  row("3ffe::/16", 1, 12),
];
const UNIQUE_LOCAL: Prefix = { base: address("fc00::"), length: 7 };
/** Label of unique local addresses in RFC 6724. */
const LABEL = 13;
/** Of native IPv6 addresses. */
const NATIVE = 40;
/** Above IPv4 (35) and native IPv6 (40), below the loopback (50). */
const PRECEDENCE = 45;

/**
 * The policy table under which hosts prefer ULIDs (RFC 7078, RFC 6724 §10.6): the default one, with the identifiers of all sites above
 * IPv4 and global addresses. Unique local addresses that are no identifiers keep their place. `mapped` are prefixes of the internet to which hosts go
 * from their ULIDs although they have other addresses: with the same label, so that rule 6 of the source address chooses these.
 */
export function ulidPolicy(generic: Prefix, mapped: readonly Prefix[] = []): readonly PolicyRow[] {
  const others = showPrefix(generic) === showPrefix(UNIQUE_LOCAL) ? [] : [row(showPrefix(UNIQUE_LOCAL), 3, LABEL)];
  const label = covers(UNIQUE_LOCAL, generic) && others.length === 0 ? LABEL : LABEL + 1;
  const led = mapped.map((prefix) => ({ prefix, precedence: NATIVE, label }));
  return [...DEFAULT_POLICY, ...others, { prefix: generic, precedence: PRECEDENCE, label }, ...led];
}

/** Whether clients were told something else under `before`. */
export function tellsAnew(before: Dhcp6Settings, after: Dhcp6Settings): boolean {
  // How long a prefix holds is told anew all the time: hosts hear of it when they renew.
  const told = ({ dns, search, ntp, policy, zone, preferred, valid, subnets, reservations, beside = [] }: Dhcp6Settings) =>
    JSON.stringify([
      [dns, search, ntp, policy, zone, preferred, valid, subnets, reservations],
      beside.map(({ lan, outside, deprecated }) => [lan, outside, deprecated]),
    ]);
  return told(before) !== told(after);
}
