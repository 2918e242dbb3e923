/** What the operator says of packets between hosts and the world. */
import type { PortRange } from "../policy/rule.ts";
import type { Prefix } from "../value/prefix.ts";

/** What happens to a packet; `reject` tells its sender (ICMPv6 code 1, administratively prohibited). */
export type FirewallAction = "accept" | "drop" | "reject";

/** One rule; the first that matches decides. An absent criterion matches everything. Packets of accepted flows pass in both directions. */
export interface FirewallRule {
  /** As the operator calls it, or `rule N`, counted from 1. */
  readonly name: string;
  /** Who begins the flow: `in` = a peer, `out` = a host of the site. */
  readonly direction: "in" | "out";
  readonly from: readonly FirewallEnd[] | undefined;
  readonly to: readonly FirewallEnd[] | undefined;
  /** IP protocol numbers. */
  readonly protocols: readonly number[] | undefined;
  /** Destination ports of TCP, UDP, UDP-Lite, SCTP and DCCP. */
  readonly ports: readonly PortRange[] | undefined;
  readonly action: FirewallAction;
  /** Whether the kernel's log hears of it, at a bounded rate. */
  readonly log: boolean;
}

/** Addresses: a prefix, or everything in a named set. */
export type FirewallEnd = Prefix | { readonly set: string };

/** The whole filter. */
export interface Firewall {
  /** RFC 6092: what peers begin is refused unless it is allowed. */
  readonly simple: boolean;
  readonly sets: ReadonlyMap<string, readonly Prefix[]>;
  readonly rules: readonly FirewallRule[];
  /** What happens to flows that no rule is about. */
  readonly in: FirewallAction;
  readonly out: FirewallAction;
}
