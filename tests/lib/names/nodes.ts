/** Nodes of a small world inside a cage: network namespaces by name, joined by cables, each with programs of its own. */
import { must, type Program, type ProgramOptions, start, until } from "./program.ts";

/** A network namespace. */
export interface Node {
  readonly name: string;
  /** What `ip netns` calls it. */
  readonly namespace: string;
  /** How `argv` is run there. */
  enter(argv: readonly string[]): string[];
  start(argv: readonly string[], options?: ProgramOptions): Program;
  /** @throws when it fails */
  run(argv: readonly string[], input?: string): string;
  /** Lines of `ip -6 -batch`. @throws with what `ip` said */
  ip(...lines: readonly string[]): void;
}

/** Kernel settings of new nodes: addresses work at once, and come from nobody but DHCPv6. */
const SETTINGS = {
  "default/accept_dad": 0,
  "default/dad_transmits": 0,
  "default/accept_ra": 0,
  "default/router_solicitations": 0,
};

/** Makes a node. `forwards`: it passes packets on that are not for itself. */
export function addNode(name: string, forwards = false): Node {
  must(["ip", "netns", "add", name]);
  const node = nodeCalled(name);
  const settings = Object.entries({ ...SETTINGS, "all/forwarding": forwards ? 1 : 0 });
  node.run(["sh", "-e", "-s"], settings.map(([path, value]) => `echo ${value} > /proc/sys/net/ipv6/conf/${path}\n`).join(""));
  node.ip("link set dev lo up");
  return node;
}

/** A node that is there already, by the name of its namespace; `called` is its name in failures. */
export function nodeCalled(namespace: string, called = namespace): Node {
  const enter = (argv: readonly string[]) => ["ip", "netns", "exec", namespace, ...argv];
  return {
    name: called,
    namespace,
    enter,
    start: (argv, options) => start(`${argv[0]} in ${called}`, enter(argv), options),
    run: (argv, input) => must(enter(argv), input),
    ip: (...lines) => {
      must(["ip", "-6", "-n", namespace, "-batch", "-"], lines.map((line) => `${line}\n`).join(""));
    },
  };
}

/** Joins two nodes by a cable; both ends are up. */
export function join(a: Node, interfaceA: string, b: Node, interfaceB: string): void {
  a.ip(`link add name ${interfaceA} type veth peer name ${interfaceB} netns ${b.namespace}`, `link set dev ${interfaceA} up`);
  b.ip(`link set dev ${interfaceB} up`);
}

/** Waits until `device` has its carrier and its link-local address: the kernel takes up to a second to see a new cable. */
export async function linkReady(node: Node, device: string): Promise<void> {
  const show = () => node.run(["ip", "-6", "address", "show", "dev", device, "scope", "link"]);
  await until(`${device} of ${node.name} has a link-local address`, () => (show().includes("inet6") ? true : undefined), show);
}

/** Makes a switch in `node` under the interface name `bridge`, with a cable to `lan` of every one of `others`. */
export function addSwitch(node: Node, bridge: string, others: readonly Node[]): void {
  node.ip(`link add name ${bridge} type bridge mcast_snooping 0`, `link set dev ${bridge} up`);
  others.forEach((other, i) => {
    join(node, `${bridge}p${i}`, other, "lan");
    node.ip(`link set dev ${bridge}p${i} master ${bridge}`);
  });
}

/** An address of an interface. Lifetimes in seconds, `Infinity` for ever. */
export interface Held {
  readonly address: string;
  readonly length: number;
  readonly preferred: number;
  readonly valid: number;
}

/** Global addresses that `device` of `node` has now. */
export function addressesOf(node: Node, device: string): Held[] {
  const text = node.run(["ip", "-6", "-j", "address", "show", "dev", device, "scope", "global"]);
  const links = JSON.parse(text) as {
    addr_info?: { local?: string; prefixlen: number; preferred_life_time: number; valid_life_time: number }[];
  }[];
  const life = (seconds: number) => (seconds === 0xffff_ffff ? Number.POSITIVE_INFINITY : seconds);
  return links
    .flatMap((link) => link.addr_info ?? [])
    .filter((info) => info.local !== undefined)
    .map((info) => ({
      address: info.local ?? "",
      length: info.prefixlen,
      preferred: life(info.preferred_life_time),
      valid: life(info.valid_life_time),
    }));
}
