/**
 * A box that does not stand at the edge: tunnels to the exit routers (the draft's §6, at its end). The site's inner router knows no locator, so what the
 * box sends by isp1 must reach that provider's exit router inside something else, here IPv6 in IPv6:
 *
 *  h1 ── boxA ── inner ── exit ── isp1 ══╗                 ╔══ isp3 ══ boxB ── h2
 *          ╚═════ exit1 ═════╝           ║                 ║
 *             ══ isp2 ═══════════════════╩══ internet ═════╝
 *
 * By the kernel's ip6tnl where there is one; else a program of a few lines stands in its place, with the same packets on the wire.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Ground } from "../../runtime/lab/ground.ts";
import { ALPHA, BETA, type Site, WIRE_MTU, type World } from "../../runtime/lab/world.ts";
import { PROJECT } from "../lib/labhost.ts";
import { counter, inNeighbourhood, type Neighbourhood, rows } from "../lib/neighbours.ts";
import { havePeers } from "../lib/peers.ts";

const IPV6_HEADER = 40;
const TUNNEL_MTU = WIRE_MTU - IPV6_HEADER;
const PAYLOAD_HEADER = 8;
const PORT = "7013";
/** Ends of the tunnel: addresses of the site's own network, which no provider has to know. */
const NEAR = "2001:db8:51::2";
const FAR = "2001:db8:52::2";
const DEVICE = "exit1";

function withExit(world: World): World {
  const wire = { mtu: WIRE_MTU, wire: true };
  return {
    nodes: [
      ...world.nodes.map((node) =>
        node.name === "boxA" ? { ...node, routes: [...node.routes, "2001:db8:52::/64 via 2001:db8:51::1 dev up1"] } : node,
      ),
      // No default route: what is not for the site's own network has no way here.
      { name: "inner", forwards: true, routes: [], rules: [] },
      {
        name: "exit",
        forwards: true,
        routes: ["2001:db8:51::/64 via 2001:db8:52::1 dev site", "default via 2001:db8:f1::1 dev out"],
        rules: [],
      },
    ],
    cables: world.cables.flatMap((cable) => {
      const [near, far] = cable.ends;
      if (near.node !== "boxA" || near.as !== "up1") return [cable];
      return [
        {
          ...wire,
          ends: [
            { ...near, address: `${NEAR}/64` },
            { node: "inner", as: "box", address: "2001:db8:51::1/64" },
          ],
        },
        {
          ...wire,
          ends: [
            { node: "inner", as: "exit", address: "2001:db8:52::1/64" },
            { node: "exit", as: "site", address: `${FAR}/64` },
          ],
        },
        { ...cable, ends: [{ node: "exit", as: "out", address: "2001:db8:f1::2/64" }, far] },
      ];
    }),
  };
}

async function tunnel(ground: Ground): Promise<void> {
  const kernel = await Promise.all([byKernel(ground, "boxA", NEAR, FAR), byKernel(ground, "exit", FAR, NEAR)]);
  if (!kernel.every(Boolean)) {
    console.log("this kernel has no ip6tnl: a program in its place");
    await Promise.all([byProgram(ground, "boxA", NEAR, FAR), byProgram(ground, "exit", FAR, NEAR)]);
  }
  await ground.ip("exit", `route add 2001:db8:a1::/48 dev ${DEVICE}\n`);
}

async function byKernel(ground: Ground, node: string, local: string, remote: string): Promise<boolean> {
  const make = `ip link add ${DEVICE} type ip6tnl mode ip6ip6 local ${local} remote ${remote} encaplimit none`;
  const { code } = await ground.run(node, ["sh", "-c", `${make} && ip link set ${DEVICE} mtu ${TUNNEL_MTU} up`]);
  return code === 0;
}

async function byProgram(ground: Ground, node: string, local: string, remote: string): Promise<void> {
  const argv = ["python3", `${PROJECT}/tests/lib/ip6tunnel.py`, DEVICE, local, remote, String(TUNNEL_MTU)];
  let complained = "ended";
  await new Promise<void>((resolve, reject) => {
    const complaint = (text: string) => {
      complained = text;
    };
    ground
      .spawn(node, argv, { line: () => resolve(), complaint })
      .then(({ ended }) => ended.then(() => reject(new Error(complained))), reject);
  });
}

const settings =
  (more: string) =>
  (text: string, site: Site): string => {
    const patient = text.replace("idle: 3s", "idle: 10m");
    return site === ALPHA ? `${patient.replace('interface: up1, gateway: "2001:db8:f1::1"', `interface: ${DEVICE}`)}${more}` : patient;
  };

async function tunnelled(more: string, use: (world: Neighbourhood) => Promise<void>): Promise<void> {
  await inNeighbourhood({ sites: [ALPHA, BETA], world: withExit, prepare: tunnel, settings: settings(more) }, async (world) => {
    await world.serve("h2", "echo", PORT);
    await use(world);
  });
}

/** Datagrams in one piece, from the smallest IPv6 knows to what the LAN carries. */
async function largeOnes({ boxes, corner }: Neighbourhood): Promise<void> {
  for (const octets of ["1", "1232", "1400", "1444", "4000"]) {
    const { code, text } = await corner("h1", "udp", boxes[1].ulid, PORT, octets);
    assert.is(code, 0, `${octets} octets: ${text}`);
  }
}

async function df({ boxes, corner }: Neighbourhood, octets: number): Promise<string> {
  return (await corner("h1", "df", boxes[1].ulid, PORT, String(octets))).text;
}

if (havePeers("root", "ip", "python3")) {
  test("a provider behind a tunnel carries, with tun.mtu as large as the tunnel nobody is told of anything, and isp2 takes over when the exit dies", () =>
    tunnelled(`tun: { mtu: ${TUNNEL_MTU} }\n`, async (world) => {
      const [a, b] = world.boxes;
      const traffic = await world.stream("h1", "h2", b.ulid);
      await world.flows(traffic);
      assert.is((await rows(a))[0].localProvider, "isp1");
      await largeOnes(world);
      const largest = TUNNEL_MTU - PAYLOAD_HEADER;
      // The host learns it from the box with its first packet that is too large.
      await df(world, largest);
      assert.is(await df(world, largest - IPV6_HEADER - 8), `mtu ${largest} passed`);
      assert.is(await counter(a, "in-path-mtu"), 0);
      traffic.mark();
      await world.ground.ip("exit", "rule add pref 1 blackhole\n");
      await world.flows(traffic);
      console.log(`the exit router died: the stream stood still for ${traffic.longestGap} ms`);
      assert.is((await rows(a))[0].localProvider, "isp2");
      const { contentOk, why } = await traffic.stop();
      assert.ok(contentOk, why);
    }));

  test("with tun.mtu as it is the kernel in front of the tunnel says what fits, and everything passes all the same", () =>
    tunnelled("", async (world) => {
      const [a, b] = world.boxes;
      const traffic = await world.stream("h1", "h2", b.ulid);
      await world.flows(traffic);
      await largeOnes(world);
      assert.is((await rows(a))[0].localProvider, "isp1");
      assert.ok((await counter(a, "in-path-mtu")) >= 1);
      assert.is(await df(world, TUNNEL_MTU - PAYLOAD_HEADER - IPV6_HEADER - 8), `mtu ${TUNNEL_MTU - PAYLOAD_HEADER} passed`);
      const { contentOk, why } = await traffic.stop();
      assert.ok(contentOk, why);
    }));
}

test.run();
