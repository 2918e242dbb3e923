/** What the DHCPv6 server and its surroundings say to each other. */
import type { Address, Ulid } from "../value/address.ts";
import type { Prefix } from "../value/prefix.ts";
import type { Millis } from "../value/time.ts";
import type { PolicyRow } from "../wire/dhcp6.ts";
import type { DnsName } from "../wire/dns.ts";

/** How the server serves. */
export interface Dhcp6Settings {
  readonly preferred: Millis;
  readonly valid: Millis;
  readonly rapidCommit: boolean;
  readonly reconfigure: boolean;
  /** Of Advertise messages, 0 … 255; 0 is what clients assume (RFC 8415 §18.3.9). */
  readonly preference: number;
  readonly dns: readonly Address[];
  readonly search: readonly DnsName[];
  readonly ntp: readonly Address[];
  /** The address selection policy that hosts are offered; `undefined` = none (RFC 7078). */
  readonly policy: readonly PolicyRow[] | undefined;
  /** Leases that are remembered at most, ended ones included. */
  readonly max: number;
  readonly reservations: readonly Dhcp6Reservation[];
  /** Inside which hosts' addresses lie, at most 64 bits each. Hosts on the box's own link get theirs from the first /64 of the first. */
  readonly subnets: readonly Prefix[];
  /** Where hosts have addresses of the providers beside their ULIDs; absent = nowhere. */
  readonly beside?: readonly BesidePrefix[] | undefined;
  /** Where hosts' names are published; `undefined` = nowhere. */
  readonly zone: DnsName | undefined;
  /** Labels that no client gets by asking for them: the operator's hosts and name servers. Those of reservations are kept anyway. */
  readonly names: ReadonlySet<string>;
}

/** A subnet of ULIDs, at most 64 bits long, and the prefix as long as it that its hosts have addresses of one provider in, with the same bits behind. */
export interface BesidePrefix {
  readonly lan: Prefix;
  readonly outside: Prefix;
  /** Whether nothing new is to begin from there. */
  readonly deprecated: boolean;
  /** Until when the provider routes it, calendar milliseconds. */
  readonly until: number;
}

/** Who is known in advance; those of `duid`, `mac` and `relay` that are there must all match, and one is. */
export interface Dhcp6Reservation {
  readonly name: string;
  /** Lower-case hex. */
  readonly duid: string | undefined;
  /** `02:00:00:00:00:01`. */
  readonly mac: string | undefined;
  /** Interface-Id of a relay on the way: its text, or `0x` and hex. */
  readonly relay: string | undefined;
  readonly ulid: Ulid | undefined;
}

/** A CGA that nobody has yet. */
export interface ReadyCga {
  readonly address: Ulid;
  readonly pds: Uint8Array;
}

/** A lease as it is stored. */
export interface LeaseRecord {
  readonly ulid: Ulid;
  readonly duid: Uint8Array;
  readonly iaid: number;
  /** A lease that ran out is `released` too. */
  readonly state: "bound" | "released" | "declined";
  readonly name: string | undefined;
  readonly mac: string | undefined;
  /** `pool`, or `reservation` and what it matched: `reservation duid`, `reservation mac (relay)`, `reservation duid, relay`, … */
  readonly matched: string;
  /** Calendar milliseconds. */
  readonly since: number;
  /** End of the valid lifetime, calendar milliseconds. */
  readonly until: number;
}

/** One line of `show leases`. */
export interface LeaseRow {
  readonly ulid: Ulid;
  readonly name: string | undefined;
  readonly state: "bound" | "ended" | "declined";
  /** Lower-case hex. */
  readonly duid: string;
  readonly iaid: number;
  readonly mac: string | undefined;
  readonly matched: string;
  /** Calendar milliseconds. */
  readonly since: number;
  /** Calendar milliseconds, right even if the calendar jumped while the box ran. */
  readonly until: number;
}

/** What happens to the server. */
export type Dhcp6Event =
  /** A datagram came. `octets` need not last. */
  | {
      readonly kind: "message";
      readonly octets: Uint8Array;
      readonly from: Address;
      readonly port: number;
      /** Where it was sent to: a multicast group, or an address of ours. */
      readonly to: Address;
      /** Index of the interface that it came by. */
      readonly interface: number;
    }
  /** No more datagrams for now: what has gathered may be stored. */
  | { readonly kind: "settled" }
  /** What the last `store` effect named is durable. */
  | { readonly kind: "stored" }
  /** Nothing of it is. */
  | { readonly kind: "failed" }
  /** The instant `wakeAt` came. */
  | { readonly kind: "time" }
  | { readonly kind: "configure"; readonly settings: Dhcp6Settings };

/** What the server wants done. */
export type Dhcp6Effect =
  | Dhcp6Reply
  /** To be stored, all or nothing. `stored` or `failed` must follow; there is no other `store` before. */
  | ({ readonly kind: "store" } & Dhcp6Changes)
  /** Durable: a host has its address, or another name, or its lease ended. */
  | {
      readonly kind: "lease";
      readonly ulid: Ulid;
      readonly name: string | undefined;
      readonly living: boolean;
      /** Whether a reservation named the host; else the name is its own word. */
      readonly reserved: boolean;
      /** CGA parameters, where the address is new. */
      readonly pds: Uint8Array | undefined;
    }
  /** A counter goes up. */
  | { readonly kind: "count"; readonly name: string }
  /** A host got no address: there are `max` leases, or none was ready. */
  | { readonly kind: "exhausted"; readonly leases: number };

/** A datagram that leaves. */
export interface Dhcp6Reply {
  readonly kind: "reply";
  readonly octets: Uint8Array;
  readonly to: Address;
  readonly port: number;
  /** Index of the interface that `to` belongs to. */
  readonly interface: number;
  /** The address to send from; `undefined` = the kernel's choice. */
  readonly from: Address | undefined;
  /** Message type, of the innermost message. */
  readonly type: number;
}

/** Changes that become durable together. */
export interface Dhcp6Changes {
  readonly cga: readonly { readonly ulid: Ulid; readonly name: string | undefined; readonly pds: Uint8Array }[];
  readonly leases: readonly LeaseRecord[];
  readonly forgotten: readonly Ulid[];
}

/** What the server needs from outside, all of it without side effects that anybody could see. */
export interface Dhcp6Parts {
  /** RFC 8415 §11: the same for ever. */
  readonly serverDuid: Uint8Array;
  /** The reconfigure key of a client, 16 octets that nobody can guess; the same at every call and after a restart (§20.4.2). */
  readonly reconfigureKey: (duid: Uint8Array) => Uint8Array;
  /** HMAC-MD5 (RFC 2104): 16 octets. */
  readonly hmacMd5: (key: Uint8Array, octets: Uint8Array) => Uint8Array;
  /** What was stored. */
  readonly leases: readonly LeaseRecord[];
}
