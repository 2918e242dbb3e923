/**
 * Tunnels to exit routers (P-Shim6 draft §6, at its end) that the box makes and takes away. They carry a mark, so that nobody else's interface is ever
 * touched.
 */
import type { Site, TunnelSettings } from "../config/site.ts";
import { everyProvider } from "../config/told.ts";
import type { Command } from "../port/command.ts";
import { PortError } from "../port/error.ts";

/** A tunnel as lines for `ip -batch -`, to be carried out in order. */
export interface TunnelPlan {
  readonly provider: string;
  readonly device: string;
  readonly kind: TunnelSettings["kind"];
  readonly up: readonly string[];
}

/** Where tunnels are found: those of providers whose prefix is awaited are made too. */
export type TunnelSite = Pick<Site, "providers" | "awaited">;

/** Mark of our interfaces in the kernel (`ip link` shows it as alias). */
export const TUNNEL_MARK = "pshim6-tunnel";
/** As for packets that the machine begins itself (IANA, ip-parameters). */
const HOP_LIMIT = 64;
/** RFC 7348 §5. */
const VXLAN_PORT = 4789;

/** What the kernel calls each kind, and what it takes to be used; without a Tunnel Encapsulation Limit, which costs eight octets a packet (RFC 2473 §4.1.1). */
const KINDS: Readonly<Record<TunnelSettings["kind"], { readonly type: string; readonly more: string; readonly module: string }>> = {
  ip6ip6: { type: "ip6tnl mode ip6ip6", more: `encaplimit none hoplimit ${HOP_LIMIT}`, module: "ip6_tunnel" },
  ip6gre: { type: "ip6gre", more: `encaplimit none hoplimit ${HOP_LIMIT}`, module: "ip6_gre" },
  sit: { type: "sit mode ip6ip", more: `ttl ${HOP_LIMIT}`, module: "sit" },
  gre: { type: "gre", more: `ttl ${HOP_LIMIT}`, module: "ip_gre" },
  vxlan: { type: "vxlan", more: `dstport ${VXLAN_PORT} ttl ${HOP_LIMIT}`, module: "vxlan" },
};

/** The tunnels that the site wants. */
export function tunnelPlans(site: TunnelSite): TunnelPlan[] {
  return everyProvider(site).flatMap(({ name, interface: device, tunnel }) => (tunnel === undefined ? [] : [planOf(name, device, tunnel)]));
}

function planOf(provider: string, device: string, { kind, local, remote, mtu, address, id }: TunnelSettings): TunnelPlan {
  const { type, more } = KINDS[kind];
  const number = kind === "vxlan" ? ` id ${id ?? 1}` : "";
  return {
    provider,
    device,
    kind,
    up: [
      `link add name ${device} type ${type}${number} local ${local} remote ${remote} ${more}`,
      `link set dev ${device} alias ${TUNNEL_MARK}`,
      `link set dev ${device}${mtu === undefined ? "" : ` mtu ${mtu}`} up`,
      ...(address === undefined ? [] : [`address add ${address} dev ${device} nodad`]),
    ],
  };
}

/** Makes the site's tunnels; those that a killed box left go first. @throws {PortError} `busy`, `unsupported`, `failed`; what was made then is to be taken down */
export function setUpTunnels(site: TunnelSite, command: Command): void {
  const plans = tunnelPlans(site);
  if (plans.length === 0) return;
  const names = ownTunnels(command);
  for (const plan of plans) {
    if (names.ours.has(plan.device)) deleteDevice(plan.device, command);
    else if (names.all.has(plan.device))
      throw new PortError(
        "busy",
        `provider ${plan.provider} wants a tunnel ${plan.device}, and there is an interface of that name: leave tunnel out to use it, or take another name`,
      );
    const { code, stderr } = command.run("ip", ["-batch", "-"], plan.up.map((line) => `${line}\n`).join(""));
    if (code !== 0) throw refused(plan, stderr);
  }
}

/** Takes the site's tunnels away, as far as they are ours. */
export function takeDownTunnels(site: TunnelSite, command: Command): void {
  const plans = tunnelPlans(site);
  if (plans.length === 0) return;
  const { ours } = ownTunnels(command);
  for (const { device } of plans) if (ours.has(device)) deleteDevice(device, command);
}

/** The same as text for an operator who makes them himself, to bring up and to remove. */
export function tunnelScript(site: TunnelSite): { readonly up: readonly string[]; readonly down: readonly string[] } {
  const plans = tunnelPlans(site);
  return {
    up: plans.flatMap(({ up }) => up.map((line) => `ip ${line}`)),
    down: plans.map(({ device }) => `ip link del dev ${device}`),
  };
}

function refused({ provider, device, kind }: TunnelPlan, stderr: string): PortError {
  const why = stderr.split("\n").find((line) => line.trim() !== "") ?? "ip gave no reason";
  if (/unknown device type|not supported/i.test(why))
    return new PortError(
      "unsupported",
      `provider ${provider}: this kernel has no ${kind} tunnels: \`modprobe ${KINDS[kind].module}\` may bring them; or choose another kind, or make the interface ${device} by other means and leave tunnel out`,
    );
  return new PortError("failed", `provider ${provider}: the kernel refuses the tunnel ${device}: ${why}`);
}

function deleteDevice(device: string, command: Command): void {
  command.run("ip", ["link", "del", "dev", device]);
}

function ownTunnels(command: Command): { readonly all: ReadonlySet<string>; readonly ours: ReadonlySet<string> } {
  const { stdout } = command.run("ip", ["-j", "link", "show"]);
  const links: unknown = stdout.trim() === "" ? [] : JSON.parse(stdout);
  const rows = Array.isArray(links) ? links.map((link: unknown) => ({ name: field(link, "ifname"), mark: field(link, "ifalias") })) : [];
  const named = (list: typeof rows) => new Set(list.flatMap(({ name }) => (name === undefined ? [] : [name])));
  return { all: named(rows), ours: named(rows.filter(({ mark }) => mark === TUNNEL_MARK)) };
}

function field(link: unknown, name: string): string | undefined {
  const value: unknown = typeof link === "object" && link !== null ? Reflect.get(link, name) : undefined;
  return typeof value === "string" ? value : undefined;
}
