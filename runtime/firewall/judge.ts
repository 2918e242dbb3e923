/** What the filter does with the first packet of a flow, by the rules as they are written: the plain form of the table that {@link ./compile.ts} makes. */
import { type Address, isMulticast } from "../value/address.ts";
import { contains, type Prefix, prefix } from "../value/prefix.ts";
import type { Firewall, FirewallAction, FirewallEnd, FirewallRule } from "./rule.ts";
import { INSANE_ENDS, SIMPLE_PROTOCOLS, SIMPLE_UDP_PORTS } from "./simple.ts";

/** The first packet of a flow; what is `undefined` is not known. */
export interface FilterFlow {
  /** Who begins: `in` = a peer, `out` = a host of the site. */
  readonly direction: "in" | "out";
  readonly from: Address;
  readonly to: Address;
  readonly protocol: number | undefined;
  /** Of the destination. */
  readonly port: number | undefined;
}

/** What becomes of it. */
export interface Judgement {
  readonly action: FirewallAction;
  /** Place of the rule that decides, from 0; `undefined` = none of the operator's does. */
  readonly place: number | undefined;
  /** Its counter: `rule-<name>`, `simple-inward`, `default-inward`, `default-outward`, `insane`, `spoofed-in`, `spoofed-out`. */
  readonly counter: string;
  /** Places of earlier rules that would decide for some protocols and ports, which the flow does not name. */
  readonly perhaps: readonly number[];
}

const INSANE = INSANE_ENDS.map(prefix);
/** Protocols of which the filter knows ports (compile.ts): TCP, UDP, DCCP, SCTP, UDP-Lite. */
const WITH_PORTS = [6, 17, 33, 132, 136];
const UDP = 17;

/**
 * @param firewall with what rules about hosts mean for all their addresses ({@link ./twins.ts})
 * @param own ULIDs of the site's hosts, and all their other addresses
 */
export function judge(firewall: Firewall, flow: FilterFlow, own: readonly Prefix[]): Judgement {
  const { direction, from } = flow;
  const alone = (action: FirewallAction, counter: string): Judgement => ({ action, place: undefined, counter, perhaps: [] });
  if (firewall.simple && isInsane(flow)) return alone("drop", "insane");
  const isOwn = own.some((each) => contains(each, from));
  if (direction === "in" && isOwn) return alone("drop", "spoofed-in");
  if (direction === "out" && !isOwn) return alone("drop", "spoofed-out");
  const perhaps: number[] = [];
  for (const [place, rule] of firewall.rules.entries()) {
    if (rule.direction !== direction || !isEnd(rule.from, from, firewall) || !isEnd(rule.to, flow.to, firewall)) continue;
    const fits = fitsTransport(rule, flow);
    if (fits === true) return { action: rule.action, place, counter: `rule-${rule.name.replaceAll(" ", "-")}`, perhaps };
    if (fits === undefined) perhaps.push(place);
  }
  if (direction === "in" && firewall.simple && isLetIn(flow)) return { ...alone("accept", "simple-inward"), perhaps };
  const chain = direction === "in" ? "inward" : "outward";
  return { ...alone(direction === "in" ? firewall.in : firewall.out, `default-${chain}`), perhaps };
}

function isInsane({ from, to }: FilterFlow): boolean {
  if (isMulticast(from) || [from, to].some((end) => INSANE.some((each) => contains(each, end)))) return true;
  // Scope is the last digit of ff0x (RFC 4291 §2.7).
  return isMulticast(to) && Number.parseInt(to[3], 16) <= 8;
}

function isEnd(ends: readonly FirewallEnd[] | undefined, address: Address, { sets }: Firewall): boolean {
  if (ends === undefined) return true;
  return ends.some((end) => ("set" in end ? (sets.get(end.set) ?? []).some((each) => contains(each, address)) : contains(end, address)));
}

/** `undefined` = it depends on what is not known. */
function fitsTransport({ protocols, ports }: FirewallRule, { protocol, port }: FilterFlow): boolean | undefined {
  if (protocol !== undefined && protocols !== undefined && !protocols.includes(protocol)) return false;
  if (protocol !== undefined && ports !== undefined && !WITH_PORTS.includes(protocol)) return false;
  if (port !== undefined && ports !== undefined && !ports.some(({ first, last }) => first <= port && port <= last)) return false;
  const isOpen =
    (protocol === undefined && (protocols !== undefined || ports !== undefined)) || (port === undefined && ports !== undefined);
  return isOpen ? undefined : true;
}

/** What RFC 6092 lets in. */
function isLetIn({ protocol, port }: FilterFlow): boolean {
  if (protocol === undefined) return false;
  return SIMPLE_PROTOCOLS.includes(protocol) || (protocol === UDP && port !== undefined && SIMPLE_UDP_PORTS.includes(port));
}
