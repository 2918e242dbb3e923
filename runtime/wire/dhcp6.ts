/**
 * DHCPv6 messages (RFC 8415 §8, §9) and options (§21) as values. Numbers are unsigned integers in host order, times are seconds
 * unless they say otherwise. Octets are copies. Reading and writing is in {@link ./dhcp6-message.ts}, numbers in {@link ./dhcp6-number.ts}.
 */
import type { Address } from "../value/address.ts";
import type { Prefix } from "../value/prefix.ts";
import type { DnsName } from "./dns.ts";

/** Between clients and servers (§8). */
export interface Dhcp6Message {
  readonly kind: "message";
  readonly type: number;
  /** 24 bits. */
  readonly transaction: number;
  readonly options: readonly Dhcp6Option[];
}

/** Between relays and servers (§9). */
export interface Dhcp6Relay {
  readonly kind: "relay";
  readonly type: number;
  readonly hops: number;
  readonly link: Address;
  readonly peer: Address;
  readonly options: readonly Dhcp6Option[];
}

export type Dhcp6Packet = Dhcp6Message | Dhcp6Relay;

export type Dhcp6Option =
  | Identifier<"client-id">
  | Identifier<"server-id">
  | IaNa
  | IaTa
  | IaPd
  | IaAddress
  | IaPrefix
  | Codes<"option-request">
  | Codes<"echo-request">
  | Octet<"preference">
  | Octet<"reconfigure-message">
  | ElapsedTime
  | Opaque<"relay-message">
  | Opaque<"interface-id">
  | Authentication
  | ServerUnicast
  | Status
  | Empty<"rapid-commit">
  | Empty<"reconfigure-accept">
  | AddressList<"dns-servers">
  | AddressList<"sntp-servers">
  | DomainList
  | Seconds<"refresh-time">
  | Seconds<"sol-max-rt">
  | Seconds<"inf-max-rt">
  | RemoteId
  | ClientFqdn
  | NtpServers
  | LinkLayerAddress
  | AddressSelection
  | RelayPort
  | Raw;
export type Dhcp6OptionKind = Dhcp6Option["kind"];
export type Dhcp6OptionOf<K extends Dhcp6OptionKind> = Extract<Dhcp6Option, { readonly kind: K }>;

/** Who a client or a server is (§21.2, §21.3): 3 … 130 octets. */
export interface Identifier<K extends "client-id" | "server-id" = "client-id" | "server-id"> {
  readonly kind: K;
  readonly duid: Uint8Array;
}

/** Identity association of addresses that last (§21.4). */
export interface IaNa {
  readonly kind: "ia-na";
  readonly iaid: number;
  readonly t1: number;
  readonly t2: number;
  readonly options: readonly Dhcp6Option[];
}

/** The same of temporary addresses (§21.5). */
export interface IaTa {
  readonly kind: "ia-ta";
  readonly iaid: number;
  readonly options: readonly Dhcp6Option[];
}

/** The same of prefixes (§21.21). */
export interface IaPd {
  readonly kind: "ia-pd";
  readonly iaid: number;
  readonly t1: number;
  readonly t2: number;
  readonly options: readonly Dhcp6Option[];
}

/** An address of an IA_NA or IA_TA (§21.6). */
export interface IaAddress {
  readonly kind: "ia-address";
  readonly address: Address;
  readonly preferred: number;
  readonly valid: number;
  readonly options: readonly Dhcp6Option[];
}

/** A prefix of an IA_PD (§21.22). Bits behind the length are taken as zeros. */
export interface IaPrefix {
  readonly kind: "ia-prefix";
  readonly prefix: Prefix;
  readonly preferred: number;
  readonly valid: number;
  readonly options: readonly Dhcp6Option[];
}

/** Options that a client asks for (§21.7), or that a relay wants to have back (RFC 4994). */
export interface Codes<K extends "option-request" | "echo-request" = "option-request" | "echo-request"> {
  readonly kind: K;
  readonly codes: readonly number[];
}

/** A server's preference (§21.8); the message that a Reconfigure asks for (§21.19). */
export interface Octet<K extends "preference" | "reconfigure-message" = "preference" | "reconfigure-message"> {
  readonly kind: K;
  readonly value: number;
}

/** How long the client has been trying (§21.9). */
export interface ElapsedTime {
  readonly kind: "elapsed-time";
  readonly hundredths: number;
}

/** The message that was relayed (§21.10); the relay's port (§21.18). */
export interface Opaque<K extends "relay-message" | "interface-id" = "relay-message" | "interface-id"> {
  readonly kind: K;
  readonly octets: Uint8Array;
}

/** §21.11. */
export interface Authentication {
  readonly kind: "authentication";
  readonly protocol: number;
  readonly algorithm: number;
  readonly rdm: number;
  /** 8 octets. */
  readonly replay: Uint8Array;
  readonly information: Uint8Array;
}

/** Where a client may send to without multicast (§21.12). */
export interface ServerUnicast {
  readonly kind: "server-unicast";
  readonly address: Address;
}

/** §21.13. */
export interface Status {
  readonly kind: "status";
  readonly code: number;
  readonly text: string;
}

/** §21.14, §21.20. */
export interface Empty<K extends "rapid-commit" | "reconfigure-accept" = "rapid-commit" | "reconfigure-accept"> {
  readonly kind: K;
}

/** RFC 3646 §3, RFC 4075. */
export interface AddressList<K extends "dns-servers" | "sntp-servers" = "dns-servers" | "sntp-servers"> {
  readonly kind: K;
  readonly addresses: readonly Address[];
}

/** RFC 3646 §4. */
export interface DomainList {
  readonly kind: "domain-list";
  readonly names: readonly DnsName[];
}

/** §21.23 to §21.25. */
export interface Seconds<K extends "refresh-time" | "sol-max-rt" | "inf-max-rt" = "refresh-time" | "sol-max-rt" | "inf-max-rt"> {
  readonly kind: K;
  readonly seconds: number;
}

/** RFC 4649. */
export interface RemoteId {
  readonly kind: "remote-id";
  readonly enterprise: number;
  readonly octets: Uint8Array;
}

/** RFC 4704 §4. */
export interface ClientFqdn {
  readonly kind: "client-fqdn";
  /** Who updates the AAAA records: 1 = the server. */
  readonly s: boolean;
  /** The server did not do as the client wanted. */
  readonly o: boolean;
  /** The server updates nothing. */
  readonly n: boolean;
  readonly name: DnsName;
  /** Whether the name ends at the root; if not it is the first part of one, perhaps empty. */
  readonly whole: boolean;
}

/** RFC 5908: time servers by address; suboptions of other kinds are kept as they are. */
export interface NtpServers {
  readonly kind: "ntp-servers";
  readonly addresses: readonly Address[];
  readonly others: readonly { readonly code: number; readonly octets: Uint8Array }[];
}

/** What the relay saw the client's frame come from (RFC 6939). */
export interface LinkLayerAddress {
  readonly kind: "client-link-layer";
  /** Hardware type (IANA). */
  readonly type: number;
  readonly octets: Uint8Array;
}

/** RFC 7078. */
export interface AddressSelection {
  readonly kind: "address-selection";
  /** A: hosts may add rows of their own. */
  readonly automatic: boolean;
  /** P: hosts may prefer temporary addresses. */
  readonly privacy: boolean;
  readonly rows: readonly PolicyRow[];
}

/** A row of the policy table (RFC 6724 §2.1). */
export interface PolicyRow {
  readonly prefix: Prefix;
  readonly precedence: number;
  readonly label: number;
}

/** The port that the next relay towards the client sent from; 0 = 547 (RFC 8357 §4). */
export interface RelayPort {
  readonly kind: "relay-port";
  readonly port: number;
}

/** An option that we do not know, or not in this place. */
export interface Raw {
  readonly kind: "raw";
  readonly code: number;
  readonly octets: Uint8Array;
}
