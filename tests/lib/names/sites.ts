/**
 * The draft's figure 1 with names: two sites whose hosts have no address and no settings of their own, and the name servers of
 * the world between them.
 *
 * ```
 *  h1 ── boxA ══ isp1 ══╗                 ╔══ isp3 ══ boxB ─┬─ h2
 *             ══ isp2 ══╩══ internet ═════╝                 └─ h3
 *                              ║
 *                             dns    Unbound or BIND as resolver, BIND as the server of beta.example
 * ```
 *
 * Site alpha publishes its zone itself: its box answers the world. Site beta has BIND publish it, by signed updates.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { breakGround, type Ground } from "../../../runtime/lab/ground.ts";
import type { RuntimeName } from "../../../runtime/lab/host.ts";
import { siteYaml } from "../../../runtime/lab/site.ts";
import { ALPHA, BETA, type Cable, type Site, twoSites, WIRE_MTU, type World, type WorldNode } from "../../../runtime/lab/world.ts";
import { testHost } from "../labhost.ts";
import { type TestBox, testBox } from "./box.ts";
import { type ClientName, type DhcpClient, dhcpClient } from "./dhcp-clients.ts";
import { linkReady, type Node, nodeCalled } from "./nodes.ts";
import { must, type Program, until } from "./program.ts";
import { type BindZone, startBind, startResolver, startUnbound } from "./servers.ts";

export const ALPHA_ZONE = "alpha.example";
export const BETA_ZONE = "beta.example";
const ALPHA_REVERSE = "1.0.0.0.a.a.a.a.0.0.c.f.ip6.arpa";
const BETA_REVERSE = "1.0.0.0.b.b.b.b.0.0.c.f.ip6.arpa";
/** Addresses in the node `dns`. */
const RESOLVER = "2001:db8:53::53";
const SERVER = "2001:db8:53::2";
/** Where box A answers the world's questions about its zone: at its address on the first provider's line. */
const ALPHA_SERVER = ALPHA.providers[0].address;
const TSIG_KEY = "pshim6.beta.example";
const TSIG_SECRET = "cHNoaW02IHBzaGltNiBwc2hpbTYgcHNoaW02ISEhISE=";
/** Every record type that the draft leaves to be assigned, as `dns.type` has it by default. */
export const ULID_TYPE = 65280;

/** What resolves names for the boxes. */
export type ResolverName = "unbound" | "bind";

/** How the world differs from one test to the other. */
export interface SitesOptions {
  readonly runtime: RuntimeName;
  readonly resolver: ResolverName;
  /** Tells worlds of one test file apart. */
  readonly serial: number;
  readonly directory: string;
  /** Who asks for addresses on behalf of whom. */
  readonly clients: Readonly<Record<"h1" | "h2" | "h3", ClientName>>;
  /** Lines to add to both boxes' site.yaml. */
  readonly more?: string;
}

/** The world, raised: boxes and clients are there and not started, name servers run. */
export interface NamedSites {
  readonly ground: Ground;
  readonly world: World;
  node(name: string): Node;
  readonly boxes: { readonly alpha: TestBox; readonly beta: TestBox };
  readonly hosts: { readonly h1: DhcpClient; readonly h2: DhcpClient; readonly h3: DhcpClient };
  readonly resolver: Program;
  readonly bind: Program;
  /** Everything that might explain a failure. */
  lastWords(): string;
}

/** Raises the world. */
export async function raiseSites(options: SitesOptions): Promise<NamedSites> {
  const { directory } = options;
  mkdirSync(directory, { recursive: true });
  const ground = await breakGround(await testHost(), options.serial);
  const world = namedWorld();
  await ground.raise(world);
  const node = (name: string) => nodeCalled(ground.namespace(name), name);
  bridgeLan(node(BETA.box), ["h2", "h3"]);
  for (const name of ["h1", "h2", "h3"]) await linkReady(node(name), "lan");
  const hosts = {
    h1: host(node("h1"), options.clients.h1, directory),
    h2: host(node("h2"), options.clients.h2, directory),
    h3: host(node("h3"), options.clients.h3, directory),
  };
  const [bind, resolver] = await startServers(node("dns"), directory, options.resolver);
  const secret = `${directory}/tsig`;
  writeFileSync(secret, `${TSIG_SECRET}\n`, { mode: 0o600 });
  const update = `update: { server: "${SERVER}", key: { name: ${TSIG_KEY}, file: ${secret} } }`;
  const boxes = {
    alpha: boxOf(ALPHA, [hosts.h1], `zone: { name: ${ALPHA_ZONE}, ttl: 5, listen: ["${ALPHA_SERVER}"] }`, node, options),
    beta: boxOf(BETA, [hosts.h2, hosts.h3], `zone: { name: ${BETA_ZONE}, ttl: 5, ${update} }`, node, options),
  };
  const speakers = [boxes.alpha, boxes.beta, ...Object.values(hosts)];
  const lastWords = () => [...speakers.map((one) => one.lastWords()), bind.lastWords, resolver.lastWords].join("\n\n");
  return { ground, world, node, boxes, hosts, resolver, bind, lastWords };
}

/**
 * Starts the DHCPv6 clients and waits until each host has an address, a router, and the name server that it was told, and until
 * the world knows the names. @returns the hosts' addresses
 */
export async function moveIn(sites: NamedSites): Promise<Readonly<Record<"h1" | "h2" | "h3", string>>> {
  const { h1, h2, h3 } = sites.hosts;
  const settle = async (client: DhcpClient, gateway: string, zone: string): Promise<string> => {
    client.start();
    const [{ address }] = await client.until("has an address", (held) => held.length > 0);
    await client.told([gateway]);
    await until(
      `${client.node.name} has a router`,
      () => (client.node.run(["ip", "-6", "route", "show", "default"]).includes("via") ? true : undefined),
      sites.lastWords,
    );
    resolveWith(sites.ground.namespace(client.node.name), gateway, zone);
    return address;
  };
  const [a, b, c] = await Promise.all([
    settle(h1, ALPHA.lanAddress, ALPHA_ZONE),
    settle(h2, BETA.lanAddress, BETA_ZONE),
    settle(h3, BETA.lanAddress, BETA_ZONE),
  ]);
  const published: readonly [string, string, string][] = [
    [ALPHA_SERVER, `h1.${ALPHA_ZONE}`, a],
    [SERVER, `h2.${BETA_ZONE}`, b],
    [SERVER, `h3.${BETA_ZONE}`, c],
  ];
  for (const [server, name, address] of published) {
    const known = () => ulidRecord(dig(sites.node("dns"), `@${server}`, name, `TYPE${ULID_TYPE}`)) === hexOf(address) || undefined;
    await until(`${server} knows ${name}`, known, sites.lastWords);
  }
  return { h1: a, h2: b, h3: c };
}

/** What `dig +short` prints. */
export function dig(node: Node, ...words: readonly string[]): string {
  return node.run(["dig", "+short", "+time=5", "+tries=2", ...words]).trim();
}

/** Hex of the address in a ULID record as `dig` shows an unknown type (RFC 3597 §5); `undefined` for anything else. */
export function ulidRecord(text: string): string | undefined {
  const [, rdata] = /^\\# 16 ([0-9A-Fa-f ]+)$/m.exec(text) ?? [];
  return rdata?.replaceAll(" ", "").toLowerCase();
}

/** The 32 digits of an address. */
export function hexOf(address: string): string {
  const [left, right] = address.split("::").map((half) => half.split(":").filter((group) => group !== ""));
  const middle = right === undefined ? [] : new Array<string>(8 - left.length - right.length).fill("0");
  return [...left, ...middle, ...(right ?? [])].map((group) => group.padStart(4, "0")).join("");
}

function namedWorld(): World {
  const { nodes, cables } = twoSites();
  const others = cables.filter(({ ends }) => !ends.some(({ node }) => node === BETA.host));
  const lan = (host: string, port: string): Cable => ({
    ends: [
      { node: host, as: "lan" },
      { node: BETA.box, as: port },
    ],
    mtu: cables[0].mtu,
    wire: false,
  });
  const dns: WorldNode = { name: "dns", forwards: false, routes: ["default via 2001:db8:53::1 dev net"], rules: [] };
  const routed = nodes.map((node) => {
    // The boxes' own questions come from their ends of the lines: providers let them out, beside their customers' prefixes.
    const line = [...ALPHA.providers, ...BETA.providers].find((its) => its.name === node.name)?.gateway.replace(/::1$/, "::/64");
    if (line !== undefined) return { ...node, rules: [...node.rules, `pref 99 from ${line} iif customer lookup main`] };
    const site = [ALPHA, BETA].find(({ box }) => box === node.name);
    const routes = site?.providers.map((its) => `default via ${its.gateway} dev ${its.interface} metric ${its.priority}`);
    return routes === undefined ? node : { ...node, routes };
  });
  return {
    nodes: [...routed, { name: "h3", forwards: false, routes: [], rules: [] }, dns],
    cables: [
      ...others,
      lan("h2", "port2"),
      lan("h3", "port3"),
      {
        ends: [
          { node: "internet", as: "dns", address: "2001:db8:53::1/64" },
          { node: "dns", as: "net", address: `${RESOLVER}/64` },
        ],
        mtu: WIRE_MTU,
        wire: true,
      },
    ],
  };
}

/** Site beta's LAN is a switch in its box, with a port for each host. */
function bridgeLan(box: Node, hosts: readonly string[]): void {
  const mtu = "mtu 1492";
  box.ip(`link add name lan ${mtu} type bridge mcast_snooping 0`, "link set dev lan up", `address add ${BETA.lanAddress}/64 dev lan nodad`);
  for (const name of hosts) box.ip(`link set dev port${name.slice(1)} master lan`);
}

/** A host takes a router from router advertisements, and addresses from nobody but its client. */
function host(node: Node, client: ClientName, directory: string): DhcpClient {
  node.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/lan/accept_ra"]);
  return dhcpClient(client, node, directory);
}

async function startServers(node: Node, directory: string, name: ResolverName): Promise<[Program, Program]> {
  node.ip(`address add ${SERVER}/64 dev net nodad`);
  const empty = (zone: string): BindZone => ({
    name: zone,
    text: `$TTL 5\n@ IN SOA ns.${BETA_ZONE}. hostmaster.${BETA_ZONE}. 1 60 60 3600 1\n@ IN NS ns.${BETA_ZONE}.\n`,
    key: TSIG_KEY,
  });
  const forward = empty(BETA_ZONE);
  const zones = [{ ...forward, text: `${forward.text}ns IN AAAA ${SERVER}\n` }, empty(BETA_REVERSE)];
  const bind = startBind(node, `${directory}/bind`, { listen: SERVER, zones, keys: { [TSIG_KEY]: TSIG_SECRET } });
  const stubs = { [ALPHA_ZONE]: ALPHA_SERVER, [ALPHA_REVERSE]: ALPHA_SERVER, [BETA_ZONE]: SERVER, [BETA_REVERSE]: SERVER };
  const start = name === "bind" ? startResolver : startUnbound;
  return Promise.all([bind, start(node, `${directory}/resolver`, { listen: RESOLVER, stubs })]);
}

function boxOf(site: Site, hosts: readonly DhcpClient[], zone: string, node: (name: string) => Node, options: SitesOptions): TestBox {
  const directory = `${options.directory}/${site.name}`;
  const reservations = hosts.map(({ node: { name }, mac }) => `{ name: ${name}, mac: "${mac}" }`);
  const base = siteYaml(site, directory, [], []).replace("lan: { interface: lan,", "lan: { interface: lan, advertise: true,");
  const yaml = [
    ...base.split("\n").filter((line) => line !== "" && !/^(state|control):/.test(line)),
    "key: { bits: 1024 }",
    `dns: { listen: ["${site.lanAddress}"], upstreams: [{ server: "${RESOLVER}" }] }`,
    `dhcp: { reservations: [${reservations.join(", ")}] }`,
    zone,
    options.more ?? "",
    "",
  ].join("\n");
  return testBox({ node: node(site.box), runtime: options.runtime, directory }, yaml);
}

/** What the host's programs find in /etc/resolv.conf: `ip netns exec` puts it there. */
function resolveWith(namespace: string, server: string, search: string): void {
  const directory = `/etc/netns/${namespace}`;
  must(["mkdir", "-p", directory]);
  writeFileSync(`${directory}/resolv.conf`, `nameserver ${server}\nsearch ${search}\n`);
}
