/** A {@link World} as the lines that iproute2 and the shell of each namespace read. Pure text; {@link ./ground.ts} runs it. */
import type { Cable, CableEnd, World } from "./world.ts";

/** What the lab does to raise a world, in this order. `ip` is input of `ip -batch -`. */
export interface RaisePlan {
  /** Namespaces. */
  readonly ip: string;
  /** Then in every namespace, side by side: kernel settings as a shell script. */
  readonly settings: ReadonlyMap<string, string>;
  /** Then the cables, which need both their namespaces. */
  readonly cables: string;
  /** Then in every namespace, side by side: input of `ip -6 -n NAMESPACE -batch -`. */
  readonly inside: ReadonlyMap<string, string>;
}

/** @param namespace the name of a node's namespace */
export function raisePlan(world: World, namespace: (node: string) => string): RaisePlan {
  return {
    ip: lines(world.nodes.map((node) => `netns add ${namespace(node.name)}`)),
    settings: new Map(world.nodes.map((node) => [node.name, settings(node)])),
    cables: lines(world.cables.map((cable) => cableLine(cable, namespace))),
    inside: new Map(
      world.nodes.map((node) => [
        node.name,
        lines([
          "link set dev lo up",
          ...endsOf(world, node.name).flatMap(([end, cable]) => endLines(end, cable)),
          ...node.routes.map((route) => `route add ${route}`),
          ...node.rules.map((rule) => `rule add ${rule}`),
        ]),
      ]),
    ),
  };
}

/** Lines that remove the namespaces and, with them, everything in them. */
export function razeLines(namespaces: readonly string[]): string {
  return lines(namespaces.map((name) => `netns delete ${name}`));
}

/** Lines for a host's namespace: `address` its only address, `gateway` the way to everything. */
export function settleLines(address: string, gateway: string, device = "lan"): string {
  return lines([`address add ${address}/64 dev ${device} nodad`, `route add default via ${gateway} dev ${device}`]);
}

/**
 * Values for new interfaces go to `default` before there is one. No duplicate address detection (addresses work at once),
 * no router advertisements unless somebody waits for them; a link that went down keeps its addresses, as a provider's router does.
 */
function settings({ forwards, advised }: World["nodes"][number]): string {
  const conf = "/proc/sys/net/ipv6/conf";
  const values: [string, number][] = [
    [`${conf}/default/accept_dad`, 0],
    [`${conf}/default/dad_transmits`, 0],
    [`${conf}/default/accept_ra`, advised === true ? 1 : 0],
    [`${conf}/default/router_solicitations`, 0],
    [`${conf}/default/keep_addr_on_down`, 1],
    [`${conf}/all/forwarding`, forwards ? 1 : 0],
  ];
  return values.map(([path, value]) => `echo ${value} > ${path}`).join("\n");
}

function endsOf(world: World, node: string): [CableEnd, Cable][] {
  return world.cables.flatMap((cable) => cable.ends.filter((end) => end.node === node).map((end): [CableEnd, Cable] => [end, cable]));
}

function cableLine(cable: Cable, namespace: (node: string) => string): string {
  const [near, far] = cable.ends;
  return (
    `link add name ${near.as} mtu ${cable.mtu} netns ${namespace(near.node)} ` +
    `type veth peer name ${far.as} mtu ${cable.mtu} netns ${namespace(far.node)}`
  );
}

/**
 * A veth hands over frames of 64 KiB as they are. With gso_max_segs 1 the kernel cuts them to the MTU before they leave,
 * so that a wire carries what a real one carries; it needs no ethtool.
 */
function endLines(end: CableEnd, cable: Cable): string[] {
  return [
    ...(cable.wire ? [`link set dev ${end.as} gso_max_size ${cable.mtu} gso_max_segs 1`] : []),
    `link set dev ${end.as} up`,
    ...(end.address === undefined ? [] : [`address add ${end.address} dev ${end.as} nodad`]),
  ];
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join("");
}
