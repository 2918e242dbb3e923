/**
 * The cases of RFC 6629 §7.7 with a kernel that translates prefixes. Site alpha's locators of isp1 (IP_A1 of the RFC's figure 4) look otherwise from
 * outside (IP_T); those of isp2 (IP_A2) do not, nor do beta's (IP_B1, IP_B2):
 *
 *  h1 ── boxA ══ isp1 ── npt ──╗                 ╔══ isp3 ══ boxB ── h2
 *             ══ isp2 ═════════╩══ internet ═════╩══ isp4 ══
 *
 * The box stands where the RFC has a host, so its four cases are tried with hosts whose ULID is an address of a provider's. The last
 * test is what the RFC does not have: ULIDs that nobody routes, and nobody translates.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Ground } from "../../runtime/lab/ground.ts";
import { siteFile } from "../../runtime/lab/site.ts";
import type { Traffic } from "../../runtime/lab/traffic.ts";
import { ALPHA, type Site, type World } from "../../runtime/lab/world.ts";
import { ownRuntime } from "../lib/labhost.ts";
import { counter, FOUR_PROVIDERS, inNeighbourhood, type Neighbourhood, type Plan, rows } from "../lib/neighbours.ts";
import { havePeers } from "../lib/peers.ts";

const INSIDE = "2001:db8:a1::/48";
const OUTSIDE = "2001:db8:c1::/48";
const OF_A1 = "2001:db8:a1:1::/64";
const OF_A2 = "2001:db8:a2:1::/64";
const OF_B1 = "2001:db8:b3:1::/64";
/** The kernel's RFC 6296 targets are ip6tables' alone; nft maps prefix to prefix too, and mends checksums instead of addresses. */
const TRANSLATION = `table ip6 npt {
  chain out { type nat hook postrouting priority srcnat; oifname outside ip6 saddr ${INSIDE} snat ip6 prefix to ${OUTSIDE}; }
  chain in { type nat hook prerouting priority dstnat; iifname outside ip6 daddr ${OUTSIDE} dnat ip6 prefix to ${INSIDE}; }
}`;

/** Puts the translator onto the cable between isp1 and the internet, which routes OUTSIDE and knows nothing of INSIDE. */
function translated(world: World): World {
  const moved = (route: string): string =>
    route.startsWith(INSIDE)
      ? `${OUTSIDE} via 2001:db8:ee::2 dev isp1`
      : route.replace("via 2001:db8:e1::2 dev isp1", "via 2001:db8:ee::2 dev isp1");
  const routes = [
    "default via 2001:db8:ee::1 dev outside",
    ...[INSIDE, "2001:db8:f1::/64"].map((to) => `${to} via 2001:db8:e1::2 dev inside`),
  ];
  return {
    nodes: [
      ...world.nodes.map((node) => (node.name === "internet" ? { ...node, routes: node.routes.map(moved) } : node)),
      { name: "npt", forwards: true, routes, rules: [] },
    ],
    cables: world.cables.flatMap((cable) => {
      const [near, far] = cable.ends;
      if (far.node !== "internet" || far.as !== "isp1") return [cable];
      const inside = { node: "npt", as: "inside", address: "2001:db8:e1::1/64" };
      const outside = { node: "npt", as: "outside", address: "2001:db8:ee::2/64" };
      return [
        { ...cable, ends: [near, inside] },
        { ...cable, ends: [outside, { ...far, address: "2001:db8:ee::1/64" }] },
      ];
    }),
  };
}

async function translate(ground: Ground): Promise<void> {
  const { code, stderr } = await ground.run("npt", ["sh", "-c", `echo '${TRANSLATION}' | nft -f -`]);
  assert.is(code, 0, stderr);
}

/** @param begins the site whose box asks for a context after some packets, or both */
const settings =
  (begins: Site) =>
  (text: string, site: Site): string =>
    `${text.replace("idle: 3s", "idle: 10m")}establish: { packets: ${site === begins ? 20 : 0}, seconds: 0 }\n`;

const within = (plan: Partial<Plan>, use: (world: Neighbourhood) => Promise<void>): Promise<void> =>
  inNeighbourhood({ sites: FOUR_PROVIDERS, world: translated, prepare: translate, ...plan }, use);

async function established({ boxes, until }: Neighbourhood): Promise<void> {
  await until("both have a context", async () => {
    const all = await Promise.all(boxes.map(rows));
    return all.every(([row]) => row?.state === "ESTABLISHED");
  });
}

/** Silent death of a provider, and its end. */
const dies = ({ ground }: Neighbourhood, name: string) => ground.ip(name, "rule add pref 1 blackhole\n");
const revives = ({ ground }: Neighbourhood, name: string) => ground.ip(name, "rule del pref 1 blackhole\n");

async function ends(traffic: Traffic): Promise<void> {
  const { contentOk, why } = await traffic.stop();
  assert.ok(contentOk, why);
}

/** IP_A2 with IP_B1 and IP_B2 carry; IP_A1 does not, and costs no more than a while. */
async function assertLimitedAgility(world: Neighbourhood, traffic: Traffic): Promise<void> {
  const [a] = world.boxes;
  const used = async () => (await rows(a)).map(({ localProvider, peerLocator }) => `${localProvider} ${peerLocator.slice(0, 11)}`);
  const [before] = await used();
  assert.match(before, /^isp2 2001:db8:b[34]$/);
  const [first, other] = before.endsWith("b3") ? ["isp3", "b4"] : ["isp4", "b3"];
  traffic.mark();
  await dies(world, first);
  await world.flows(traffic);
  console.log(`${first} died: the stream stood still for ${traffic.longestGap} ms`);
  await world.until("the other locator is used", async () => (await used())[0] === `isp2 2001:db8:${other}`);
  await revives(world, first);
}

if (havePeers("root", "ip", "nft")) {
  test("§7.7, first case: A begins from the translated address: no context, and the communication does not notice", () =>
    within({ routable: [OF_A1, OF_B1], settings: settings(ALPHA) }, async (world) => {
      const [a, b] = world.boxes;
      const traffic = await world.stream("h1", "h2", b.ulid);
      await world.until("B refuses I2", async () => (await counter(b, "drop-unbound-i2")) >= 5);
      assert.equal(await rows(b), []);
      assert.equal(
        (await rows(a)).map(({ state }) => state),
        ["I2-SENT"],
      );
      await world.flows(traffic);
      for (const box of world.boxes) assert.is(await counter(box, "out-payload-shim6"), 0);
      assert.is(await counter(b, "in-I1"), 1, "no other pair is tried: h2 would see another address of h1 than it talks with");
      await ends(traffic);
    }));

  test("§7.7, second case: A begins from its public address and lists the translated one: a context of what works", () =>
    within({ routable: [OF_A2, OF_B1], settings: settings(ALPHA) }, async (world) => {
      const traffic = await world.stream("h1", "h2", world.boxes[1].ulid);
      await established(world);
      await assertLimitedAgility(world, traffic);
      await ends(traffic);
    }));

  test("§7.7, third case: B begins towards A's public address: the same", () =>
    within({ routable: [OF_A2, OF_B1], settings: settings(FOUR_PROVIDERS[1]) }, async (world) => {
      const traffic = await world.stream("h2", "h1", world.boxes[0].ulid);
      await established(world);
      await assertLimitedAgility(world, traffic);
      await ends(traffic);
    }));

  test("§7.7, fourth case: the translated address comes later, in an Update Request: the context goes on with the others", () => {
    const without = (text: string, site: Site) => {
      const whole = settings(FOUR_PROVIDERS[1])(text, site);
      return site === ALPHA ? whole.replace(/ {2}- { name: isp1.*\n/, "") : whole;
    };
    return within({ routable: [OF_A2, OF_B1], settings: without }, async (world) => {
      const { host, ground } = world;
      const [, b] = world.boxes;
      const traffic = await world.stream("h1", "h2", b.ulid);
      await established(world);
      const before = await counter(b, "in-UpdateRequest");
      const file = siteFile(ground.directory, ALPHA);
      const isp1 = `  - { name: isp1, prefix: "${INSIDE}", interface: up1, gateway: "2001:db8:f1::1", priority: 30 }\n`;
      host.files.writeText(file, (host.files.readText(file) ?? "").replace("providers:\n", `providers:\n${isp1}`));
      const { stdout, stderr } = await ground.run("boxA", [...host.selfCommand(ownRuntime()).argv, "reload", "-c", file]);
      assert.match(stdout, /isp1/, stderr);
      await world.until("B was told", async () => (await counter(b, "in-UpdateRequest")) > before);
      await assertLimitedAgility(world, traffic);
      await ends(traffic);
    });
  });

  test("ULIDs that nobody translates: the context avoids the provider that translates, and outlives those that do not", () =>
    within({ settings: (text) => text.replace("idle: 3s", "idle: 10m") }, async (world) => {
      const [a, b] = world.boxes;
      const traffic = await world.stream("h1", "h2", b.ulid);
      await established(world);
      assert.ok((await counter(b, "drop-unbound-i2")) > 0, "isp1 comes first, and was tried");
      assert.is((await rows(a))[0].localProvider, "isp2");
      await assertLimitedAgility(world, traffic);
      await dies(world, "isp2");
      const stood = traffic.octets;
      await world.until("the stream stands still", () => traffic.gapNow > 2000);
      await revives(world, "isp2");
      await world.flows(traffic);
      assert.ok(traffic.octets > stood);
      await ends(traffic);
    }));
}

test.run();
