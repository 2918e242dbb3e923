/** Tunnels to exit routers: what is made, in which order, what is left alone, and what is said of kernels that have none. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { needRestart } from "../../../runtime/box/changes.ts";
import { egressPlan, egressScript } from "../../../runtime/box/egress.ts";
import { setUpTunnels, TUNNEL_MARK, takeDownTunnels, tunnelPlans } from "../../../runtime/box/tunnels.ts";
import { readSite } from "../../../runtime/config/read.ts";
import type { Site } from "../../../runtime/config/site.ts";
import type { Command } from "../../../runtime/port/command.ts";
import { PortError } from "../../../runtime/port/error.ts";

const TUNNEL = 'tunnel: { kind: ip6ip6, local: "2001:db8:51::2", remote: "2001:db8:52::2", mtu: 1400 }';

function read(first: string, second = 'prefix: "2001:db8:a2::/48", interface: up2', more = "") {
  return readSite(
    `site: s\nulid: { prefix: "fc00:aaaa:1::/48" }\nlan: { interface: lan, subnets: ["fc00:aaaa:1::/64"] }\nproviders:\n  - { name: a, ${first} }\n  - { name: b, ${second} }\n${more}`,
    "site.yaml",
  );
}
function siteOf(first: string, second?: string, more?: string): Site {
  const reading = read(first, second, more);
  assert.ok("site" in reading, JSON.stringify(reading));
  return reading.site;
}
const first = (tunnel: string, more = "") => `prefix: "2001:db8:a1::/48", interface: exit1, ${more}${tunnel}`;

/** A machine with interfaces, by name, and their marks. */
function machine(links: Readonly<Record<string, string | undefined>> = {}, refuses?: string) {
  const present = new Map(Object.entries(links));
  const ran: string[] = [];
  const command: Command = {
    run(_program, args, stdin = "") {
      if (args[0] === "-j") {
        const rows = [...present].map(([ifname, ifalias]) => ({ ifname, ...(ifalias && { ifalias }) }));
        return { code: 0, stdout: JSON.stringify(rows), stderr: "" };
      }
      ran.push(...(stdin === "" ? [args.join(" ")] : stdin.trimEnd().split("\n")));
      if (args[1] === "del") present.delete(args[3]);
      else if (refuses !== undefined) return { code: 1, stdout: "", stderr: refuses };
      else present.set("exit1", TUNNEL_MARK);
      return { code: 0, stdout: "", stderr: "" };
    },
  };
  return { command, ran };
}

const kinds: readonly (readonly [string, string])[] = [
  [
    'kind: ip6ip6, local: "2001:db8:51::2", remote: "2001:db8:52::2"',
    "type ip6tnl mode ip6ip6 local 2001:db8:51::2 remote 2001:db8:52::2 encaplimit none hoplimit 64",
  ],
  [
    'kind: ip6gre, local: "2001:db8:51::2", remote: "2001:db8:52::2"',
    "type ip6gre local 2001:db8:51::2 remote 2001:db8:52::2 encaplimit none hoplimit 64",
  ],
  ["kind: sit, local: 192.0.2.2, remote: 192.0.2.1", "type sit mode ip6ip local 192.0.2.2 remote 192.0.2.1 ttl 64"],
  ["kind: gre, local: 192.0.2.2, remote: 192.0.2.1", "type gre local 192.0.2.2 remote 192.0.2.1 ttl 64"],
];
for (const [settings, words] of kinds)
  test(`${settings.split(",")[0]}: one line for the kernel, a mark, and up`, () => {
    assert.equal(tunnelPlans(siteOf(first(`tunnel: { ${settings} }`)))[0].up, [
      `link add name exit1 ${words}`,
      "link set dev exit1 alias pshim6-tunnel",
      "link set dev exit1 up",
    ]);
  });

test("vxlan: a network identifier, and a gateway behind it; an MTU where one is given", () => {
  const settings =
    'tunnel: { kind: vxlan, local: "2001:db8:51::2", remote: "2001:db8:52::2", id: 7, mtu: 1430, address: "2001:db8:53::2/64" }';
  assert.equal(tunnelPlans(siteOf(first(settings, 'gateway: "2001:db8:53::1", ')))[0].up, [
    "link add name exit1 type vxlan id 7 local 2001:db8:51::2 remote 2001:db8:52::2 dstport 4789 ttl 64",
    "link set dev exit1 alias pshim6-tunnel",
    "link set dev exit1 mtu 1430 up",
    "address add 2001:db8:53::2/64 dev exit1 nodad",
  ]);
});

test("made at the start and taken away at the end; what a killed box left goes first; what is somebody's stays", () => {
  const site = siteOf(first(TUNNEL));
  const { up } = tunnelPlans(site)[0];
  const fresh = machine({ lan: undefined });
  setUpTunnels(site, fresh.command);
  takeDownTunnels(site, fresh.command);
  takeDownTunnels(site, fresh.command);
  assert.equal(fresh.ran, [...up, "link del dev exit1"]);
  const left = machine({ exit1: TUNNEL_MARK });
  setUpTunnels(site, left.command);
  assert.equal(left.ran, ["link del dev exit1", ...up]);
  const foreign = machine({ exit1: "uplink of the neighbours" });
  assert.throws(
    () => setUpTunnels(site, foreign.command),
    (error: unknown) => error instanceof PortError && error.code === "busy" && /provider a wants a tunnel exit1/.test(error.message),
  );
  takeDownTunnels(site, foreign.command);
  assert.equal(foreign.ran, []);
  const none = machine();
  setUpTunnels(siteOf('prefix: "2001:db8:a1::/48", interface: up1'), none.command);
  assert.equal(none.ran, []);
});

test("a kernel without the kind: which module, and what else there is", () => {
  const refusal = (text: string): PortError => {
    try {
      setUpTunnels(siteOf(first(TUNNEL)), machine({}, text).command);
    } catch (error) {
      if (error instanceof PortError) return error;
      throw error;
    }
    throw new Error("nothing was refused");
  };
  const unknown = refusal("Error: Unknown device type.\n");
  assert.is(unknown.code, "unsupported");
  assert.match(unknown.message, /provider a: this kernel has no ip6ip6 tunnels: `modprobe ip6_tunnel`/);
  const other = refusal("RTNETLINK answers: File exists\n");
  assert.equal([other.code, /File exists/.test(other.message)], ["failed", true]);
});

test("left to the operator: the script makes and removes them too; a provider that waits for its prefix has its tunnel", () => {
  const site = siteOf(first(TUNNEL), undefined, "egress: { manage: false }\n");
  const lines = egressScript(egressPlan(site), site).trimEnd().split("\n");
  assert.match(lines[1], /^ip link add name exit1 type ip6tnl/);
  assert.is(lines.at(-1), "ip link del dev exit1");
  assert.ok(lines.includes("ip -6 route replace default dev exit1 table 14001 proto 140"));
  const awaited = siteOf(`prefix: auto, interface: exit1, ${TUNNEL}`);
  assert.equal(
    tunnelPlans(awaited).map(({ provider }) => provider),
    ["a"],
  );
});

test("a tunnel that changes needs a restart, other providers do not", () => {
  const site = siteOf(first(TUNNEL));
  assert.equal(needRestart(site, siteOf(first(TUNNEL.replace("1400", "1300")))), ["providers.tunnel"]);
  assert.equal(needRestart(site, siteOf(first(TUNNEL), 'prefix: "2001:db8:a3::/48", interface: up3')), []);
});

test("what contradicts itself, or leads back to the box", () => {
  const faultsOf = (settings: string, more?: string, second?: string) => {
    const reading = read(first(settings, more), second);
    return "faults" in reading ? reading.faults.map(({ path, message }) => `${path} ${message}`) : [];
  };
  const ends = 'local: "2001:db8:51::2", remote: "2001:db8:52::2"';
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [faultsOf("tunnel: { kind: sit, local: 192.0.2.2, remote: 192.0.2.300 }"), /tunnel.remote is no IPv4 address/],
    [faultsOf(`tunnel: { kind: sit, ${ends} }`), /tunnel.local is no end of sit/],
    [faultsOf("tunnel: { kind: ip6gre, local: 192.0.2.2, remote: 192.0.2.1 }"), /tunnel.remote is no end of ip6gre/],
    [faultsOf('tunnel: { kind: ip6ip6, local: "2001:db8:51::2", remote: "2001:db8:a2::1" }'), /tunnel.remote lies in 2001:db8:a2::\/48/],
    [faultsOf('tunnel: { kind: ip6ip6, local: "fc00:aaaa:1::1", remote: "2001:db8:52::2" }'), /tunnel.local lies in fc00::\/7/],
    [faultsOf('tunnel: { kind: ip6ip6, local: "2001:db8:51::2", remote: "2001:db8:51::2" }'), /tunnel.remote is local too/],
    [faultsOf('tunnel: { kind: ip6ip6, local: "fe80::1", remote: "2001:db8:51::2" }'), /tunnel.local is a link-local address/],
    [faultsOf(`tunnel: { kind: vxlan, ${ends} }`), /providers\[0\].tunnel does not say who is at its other end/],
    [faultsOf('tunnel: { kind: vxlan, local: "2001:db8:51::2", remote: 192.0.2.1 }'), /tunnel.remote is of another kind than local/],
    [faultsOf(`tunnel: { kind: ip6ip6, ${ends}, address: "2001:db8:53::2" }`), /tunnel.address is no address with a length/],
    [faultsOf(`tunnel: { kind: ip6ip6, ${ends}, id: 5 }`), /tunnel.id is for vxlan/],
    [faultsOf(TUNNEL, 'gateway: "2001:db8:53::1", '), /gateway is not needed/],
    [faultsOf(TUNNEL, "", 'prefix: "2001:db8:a2::/48", interface: exit1'), /providers\[1\].interface is used twice/],
  ];
  for (const [faults, message] of cases)
    assert.ok(
      faults.some((fault) => message.test(fault)),
      `${message}: ${faults.join("; ")}`,
    );
});

test.run();
