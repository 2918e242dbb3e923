/**
 * The worlds the lab raises, as data: network namespaces, the cables between them, addresses, routes and filters.
 * {@link ./raise.ts} turns a world into iproute2's lines.
 */
import { type Prefix, prefix, showPrefix as show } from "../value/prefix.ts";

/** Nodes and what joins them. */
export interface World {
  readonly nodes: readonly WorldNode[];
  readonly cables: readonly Cable[];
}

/** A network namespace. */
export interface WorldNode {
  readonly name: string;
  /** Whether it passes packets on that are not for itself. */
  readonly forwards: boolean;
  /** Whether it takes its router from router advertisements; absent = no. */
  readonly advised?: boolean;
  /** Behind `ip -6 route add`. */
  readonly routes: readonly string[];
  /** Behind `ip -6 rule add`. */
  readonly rules: readonly string[];
}

/** A veth pair. */
export interface Cable {
  readonly ends: readonly [CableEnd, CableEnd];
  readonly mtu: number;
  /** Between sites: packets here count as "on the wire", are captured, and never larger than the MTU (no large frames). */
  readonly wire: boolean;
}

/** An interface. */
export interface CableEnd {
  readonly node: string;
  /** Interface name in the node, at most 15 octets. */
  readonly as: string;
  /** With prefix length; `undefined` = link-local only. */
  readonly address?: string;
}

/** A site with one box and one host. */
export interface Site {
  readonly name: string;
  readonly box: string;
  readonly host: string;
  readonly ulid: Prefix;
  readonly subnet: Prefix;
  /** The box on the LAN: the host's gateway. */
  readonly lanAddress: string;
  readonly providers: readonly Provider[];
}

/** Who carries a site's packets. */
export interface Provider {
  readonly name: string;
  readonly prefix: Prefix;
  /** The box's interface towards it. */
  readonly interface: string;
  readonly gateway: string;
  /** The box's own address on that link. */
  readonly address: string;
  /** Lower goes first. */
  readonly priority: number;
}

/** Every ULID of the world. */
export const GENERIC = prefix("fc00::/7");
export const WIRE_MTU = 1500;
/** Eight octets less than the wire: room for the Shim6 payload header, so that no packet is ever too big. */
export const LAN_MTU = 1492;
export const PAYLOAD_HEADER = 8;

const ISP1 = provider("isp1", "a1", "f1", "up1", 10);
const ISP2 = provider("isp2", "a2", "f2", "up2", 20);
const ISP3 = provider("isp3", "b3", "f3", "up3", 10);

export const ALPHA = site("alpha", "boxA", "h1", "aaaa", [ISP1, ISP2]);
export const BETA = site("beta", "boxB", "h2", "bbbb", [ISP3]);

/**
 * The draft's figure 1: site alpha behind two providers, site beta behind one; or other sites in its manner.
 *
 * ```
 *  h1 ── boxA ══ isp1 ══╗                 ╔══ isp3 ══ boxB ── h2
 *             ══ isp2 ══╩══ internet ═════╝
 * ```
 */
export function twoSites(sites: readonly Site[] = [ALPHA, BETA]): World {
  const customers = sites.flatMap((of) => of.providers.map((its): [Site, Provider] => [of, its]));
  return {
    nodes: [
      ...sites.flatMap((of) => [host(of), box(of, [])]),
      ...customers.map(([, its]) => ispNode(its)),
      {
        name: "internet",
        forwards: true,
        routes: customers.flatMap(([, its]) =>
          [show(its.prefix), linkPrefix(its)].map((to) => `${to} via ${coreAddress(its, "isp")} dev ${its.name}`),
        ),
        rules: [],
      },
    ],
    cables: [
      ...sites.map(lan),
      ...customers.flatMap(([of, its]): Cable[] => [
        {
          ends: [
            { node: of.box, as: its.interface, address: `${its.address}/64` },
            { node: its.name, as: "customer", address: `${its.gateway}/64` },
          ],
          mtu: WIRE_MTU,
          wire: true,
        },
        {
          ends: [
            { node: its.name, as: "core", address: `${coreAddress(its, "isp")}/64` },
            { node: "internet", as: its.name, address: `${coreAddress(its, "internet")}/64` },
          ],
          mtu: WIRE_MTU,
          wire: true,
        },
      ]),
    ],
  };
}

/**
 * The same with names: the boxes ask and answer the world's questions from their own ends of the providers' lines, and hosts take their router from
 * router advertisements.
 */
export function namedSites(): World {
  const { nodes, cables } = twoSites();
  const sites = [ALPHA, BETA];
  return {
    cables,
    nodes: nodes.map((node) => {
      const its = sites.flatMap(({ providers }) => providers).find(({ name }) => name === node.name);
      if (its !== undefined)
        return { ...node, rules: [...node.rules, `pref ${FILTER_PASS - 1} from ${linkPrefix(its)} iif customer lookup main`] };
      const of = sites.find(({ box: name }) => name === node.name);
      return {
        ...node,
        routes: of?.providers.map((each) => `default via ${each.gateway} dev ${each.interface} metric ${each.priority}`) ?? node.routes,
        advised: sites.some(({ host: name }) => name === node.name),
      };
    }),
  };
}

/** Two sites whose boxes are joined by one cable, each the other's provider: nothing else takes time. For benches. */
export function directSites(): { world: World; alpha: Site; beta: Site } {
  const near = { ...ISP1, gateway: "2001:db8:f1::3", address: "2001:db8:f1::2" };
  const far = { ...ISP3, interface: "up3", gateway: "2001:db8:f1::2", address: "2001:db8:f1::3" };
  const alpha = { ...ALPHA, providers: [near] };
  const beta = { ...BETA, providers: [far] };
  const route = (to: Provider, from: Provider) => `${show(to.prefix)} via ${from.gateway} dev ${from.interface}`;
  return {
    alpha,
    beta,
    world: {
      nodes: [host(alpha), box(alpha, [route(far, near)]), host(beta), box(beta, [route(near, far)])],
      cables: [
        lan(alpha),
        lan(beta),
        {
          ends: [
            { node: alpha.box, as: near.interface, address: `${near.address}/64` },
            { node: beta.box, as: far.interface, address: `${far.address}/64` },
          ],
          mtu: WIRE_MTU,
          wire: true,
        },
      ],
    },
  };
}

/** Rule preference of an ISP's ingress filter: its customer may use its own prefix as source and nothing else (BCP 38). */
const FILTER_PASS = 100;
const FILTER_DROP = 101;

function ispNode(its: Provider): WorldNode {
  return {
    name: its.name,
    forwards: true,
    routes: [`default via ${coreAddress(its, "internet")} dev core`, `${show(its.prefix)} via ${its.address} dev customer`],
    rules: [`pref ${FILTER_PASS} from ${show(its.prefix)} iif customer lookup main`, `pref ${FILTER_DROP} iif customer blackhole`],
  };
}

function host(of: Site): WorldNode {
  return { name: of.host, forwards: false, routes: [], rules: [] };
}

function box(of: Site, routes: readonly string[]): WorldNode {
  return { name: of.box, forwards: true, routes, rules: [] };
}

function lan(of: Site): Cable {
  return {
    ends: [
      { node: of.host, as: "lan" },
      { node: of.box, as: "lan", address: `${of.lanAddress}/64` },
    ],
    mtu: LAN_MTU,
    wire: false,
  };
}

function site(name: string, boxName: string, hostName: string, digits: string, providers: readonly Provider[]): Site {
  return {
    name,
    box: boxName,
    host: hostName,
    ulid: prefix(`fc00:${digits}:1::/48`),
    subnet: prefix(`fc00:${digits}:1::/64`),
    lanAddress: `fc00:${digits}:1::1`,
    providers,
  };
}

/**
 * A provider whose prefix, link and preference follow the world's manner.
 * @param digits the third group of its /48 @param link the third group of its link's /64 @param as the box's interface
 */
export function provider(name: string, digits: string, link: string, as: string, priority: number): Provider {
  return {
    name,
    prefix: prefix(`2001:db8:${digits}::/48`),
    interface: as,
    gateway: `2001:db8:${link}::1`,
    address: `2001:db8:${link}::2`,
    priority,
  };
}

function linkPrefix(its: Provider): string {
  return its.gateway.replace(/::1$/, "::/64");
}

function coreAddress(its: Provider, end: "isp" | "internet"): string {
  return `2001:db8:e${its.name.slice(-1)}::${end === "internet" ? 1 : 2}`;
}
