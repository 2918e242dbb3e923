/** Checks of providers' tunnels against the rest; see {@link ./cross.ts}. */
import { type Address, parseAddress } from "../value/address.ts";
import { contains, type Prefix, showPrefix } from "../value/prefix.ts";
import { type At, at, entries, type Findings } from "./draft.ts";
import { prefixField } from "./fields.ts";
import { dig } from "./path.ts";
import { OVER_IPV4, tunnelSchema } from "./tunnel-schema.ts";

/** What these checks need of the site. */
export interface TunnelDraft {
  readonly generic: At<Prefix> | undefined;
  readonly lan: At<string> | undefined;
}

/** Everything that is wrong about them; of a tunnel that is wrong by itself nothing is said here. */
export function checkTunnels(root: unknown, { generic, lan }: TunnelDraft, { fault }: Findings): void {
  const prefixes = entries(root, ["providers"]).flatMap((path) => at(root, [...path, "prefix"], prefixField)?.value ?? []);
  const routed = [...(generic === undefined ? [] : [generic.value]), ...prefixes];
  const devices = new Map<unknown, boolean>(lan === undefined ? [] : [[lan.value, false]]);
  for (const path of entries(root, ["providers"])) {
    const place = [...path, "tunnel"];
    const device = dig(root, [...path, "interface"]);
    const has = dig(root, place) !== undefined;
    const other = devices.get(device);
    if (other !== undefined && (has || other))
      fault([...path, "interface"], `is used twice, and once as a tunnel: ${String(device)}`, "each tunnel is an interface of its own");
    devices.set(device, has);
    const { data: tunnel } = tunnelSchema.safeParse(dig(root, place));
    if (tunnel === undefined) continue;
    const { kind, local, remote, id } = tunnel;
    for (const [name, end] of Object.entries({ local, remote })) {
      const value: Address | undefined = parseAddress(end);
      const isIpv4 = value === undefined;
      if (kind !== "vxlan" && isIpv4 !== OVER_IPV4.has(kind))
        fault([...place, name], `is no end of ${kind}: ${end}`, `${kind} goes between ${isIpv4 ? "IPv6" : "IPv4"} addresses`);
      const loop = value && routed.find((prefix) => contains(prefix, value));
      if (loop !== undefined)
        fault(
          [...place, name],
          `lies in ${showPrefix(loop)}, which leads to the box itself: ${end}`,
          "the tunnel's packets would go into the tunnel: give addresses of the network between box and exit router",
        );
    }
    if (kind === "vxlan" && (parseAddress(local) === undefined) !== (parseAddress(remote) === undefined))
      fault([...place, "remote"], `is of another kind than local: ${remote}`, "both are IPv6 addresses, or both IPv4");
    if (local === remote) fault([...place, "remote"], `is local too: ${remote}`, "give the address of the exit router");
    const gateway = dig(root, [...path, "gateway"]);
    if (kind === "vxlan" && gateway === undefined)
      fault(place, "does not say who is at its other end", "vxlan carries Ethernet: give the exit router's address in it as gateway");
    if (kind !== "vxlan" && gateway !== undefined) fault([...path, "gateway"], "is not needed: a tunnel has one other end", "leave it out");
    if (kind !== "vxlan" && id !== undefined) fault([...place, "id"], `is for vxlan, and this is ${kind}`, "leave it out");
  }
}
