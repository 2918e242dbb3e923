/** What the files of the single messages share: a message with all that is known of it, and what they make of it. */
import { type Address, UNSPECIFIED } from "../value/address.ts";
import type { Millis } from "../value/time.ts";
import type { ClientFqdn, Dhcp6Message, Dhcp6Option, Dhcp6OptionKind, Dhcp6OptionOf, IaNa, IaPd, IaTa } from "../wire/dhcp6.ts";
import {
  STATUS_NO_ADDRS_AVAIL,
  STATUS_NO_BINDING,
  STATUS_NO_PREFIX_AVAIL,
  STATUS_NOT_ON_LINK,
  STATUS_SUCCESS,
  STATUS_USE_MULTICAST,
} from "../wire/dhcp6-number.ts";
import { dhcp6Option, dhcp6Options } from "../wire/dhcp6-option.ts";
import type { Assigner } from "./assign.ts";
import type { Client } from "./client.ts";
import type { Dhcp6Settings } from "./contract.ts";
import type { Link } from "./link.ts";
import type { LeaseTable } from "./table.ts";

/** A client's message that is to be answered. */
export interface Ask {
  readonly message: Dhcp6Message;
  readonly client: Client;
  /** `undefined` = a link that the settings do not tell of. */
  readonly link: Link | undefined;
  readonly fqdn: ClientFqdn | undefined;
  readonly now: Millis;
  readonly wall: number;
  readonly settings: Dhcp6Settings;
  readonly table: LeaseTable;
  readonly assigner: Assigner;
}

/** What is answered, beside what each answer has: identifiers and what was asked for. */
export interface Answer {
  readonly type: number;
  readonly options: readonly Dhcp6Option[];
  /** Whether configuration goes with it. */
  readonly configuration: boolean;
  /** Whether this is how a client gets its first lease: it is told its reconfigure key (§20.4.2). */
  readonly first?: true;
  /** The host's name, as far as this message is about one. */
  readonly name?: string | undefined;
}

/** Options of a kind in the message. */
export function every<K extends Dhcp6OptionKind>({ message }: Ask, kind: K): Dhcp6OptionOf<K>[] {
  return dhcp6Options(message.options, kind);
}

/** The first of them. */
export function one<K extends Dhcp6OptionKind>({ message }: Ask, kind: K): Dhcp6OptionOf<K> | undefined {
  return dhcp6Option(message.options, kind);
}

/** Addresses that an IA names. Some clients send `::` to wish for lifetimes, though they should not (§21.6): it names none. */
export function addressesOf({ options }: IaNa | IaTa): Address[] {
  return dhcp6Options(options, "ia-address").flatMap(({ address }) => (address === UNSPECIFIED ? [] : [address]));
}

const TEXTS: Readonly<Record<number, string>> = {
  [STATUS_SUCCESS]: "all is well",
  [STATUS_NO_ADDRS_AVAIL]: "no address is free",
  [STATUS_NO_BINDING]: "not known here",
  [STATUS_NOT_ON_LINK]: "not on this link",
  [STATUS_USE_MULTICAST]: "use multicast",
  [STATUS_NO_PREFIX_AVAIL]: "no prefixes here",
};

/** A Status Code option with a text for people (§21.13). */
export function statusOf(code: number): Dhcp6Option {
  return { kind: "status", code, text: TEXTS[code] ?? "" };
}

/** An IA that says why there is nothing in it. */
export function emptyIa(ia: IaNa | IaTa | IaPd, code: number): Dhcp6Option {
  const options = [statusOf(code)];
  return ia.kind === "ia-ta" ? { kind: "ia-ta", iaid: ia.iaid, options } : { kind: ia.kind, iaid: ia.iaid, t1: 0, t2: 0, options };
}

/** IAs of temporary addresses and of prefixes, of which this server has none (RFC 9663 too is for those who have prefixes). */
export function othersEmpty(ask: Ask, ofAddresses: number, ofPrefixes: number): Dhcp6Option[] {
  return [...every(ask, "ia-ta").map((ia) => emptyIa(ia, ofAddresses)), ...every(ask, "ia-pd").map((ia) => emptyIa(ia, ofPrefixes))];
}
