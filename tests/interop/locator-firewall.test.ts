/**
 * A stateful firewall at the providers, which sees locators and protocol 140 and nothing else (RFC 6629 §7.6). Both of site alpha's lines go through
 * one, each with a memory of its own, in the namespaces of isp1 and isp2:
 *
 *  h1 ── boxA ══ [isp1] ══╗                 ╔══ isp3 ══ boxB ── h2
 *             ══ [isp2] ══╩══ internet ═════╩══ isp4 ══
 *
 * It lets out everything, and in what answers that: address dependent filtering, for a protocol without ports the only kind.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { counter, FOUR_PROVIDERS, inNeighbourhood, type Neighbourhood, rows } from "../lib/neighbours.ts";
import { havePeers } from "../lib/peers.ts";

const WALL = `table ip6 wall {
  counter refused {}
  counter opened {}
  chain through {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    icmpv6 type { packet-too-big, time-exceeded, destination-unreachable, parameter-problem } accept
    iifname customer meta l4proto 140 ct state new counter name opened accept
    counter name refused
  }
}`;
/** What an operator must allow for peers to begin, and to move by themselves. */
const ALLOW = "insert rule ip6 wall through meta l4proto 140 accept";

const settings = (text: string) => text.replace("idle: 3s", "idle: 10m");

async function walled(use: (world: Neighbourhood) => Promise<void>): Promise<void> {
  await inNeighbourhood({ sites: FOUR_PROVIDERS, settings }, async (world) => {
    for (const node of ["isp1", "isp2"]) await world.nft(node, WALL);
    await use(world);
  });
}

/** Packets of one of the wall's counters. */
async function wall({ at }: Neighbourhood, node: string, name: string): Promise<number> {
  return Number(/packets (\d+)/.exec(await at(node, "nft", "list", "counter", "ip6", "wall", name))?.[1] ?? "0");
}

async function provider({ boxes: [a] }: Neighbourhood): Promise<string | null | undefined> {
  return (await rows(a))[0]?.localProvider;
}

if (havePeers("root", "ip", "nft", "python3")) {
  test("what the protected site begins passes, and the wall's whole memory of it is one pair of locators", () =>
    walled(async (world) => {
      const traffic = await world.stream("h1", "h2", world.boxes[1].ulid);
      await world.flows(traffic);
      assert.is(await provider(world), "isp1");
      const opened = await wall(world, "isp1", "opened");
      await world.flows(traffic);
      assert.is(await wall(world, "isp1", "opened"), opened, "control and payload of all flows are one entry");
      // The context leaves for another provider, whose wall has never heard of it: the probes that go out open it.
      const before = await wall(world, "isp2", "opened");
      traffic.mark();
      await world.ground.ip("isp1", "rule add pref 1 blackhole\n");
      await world.flows(traffic);
      console.log(`isp1 died behind walls: the stream stood still for ${traffic.longestGap} ms`);
      assert.is(await provider(world), "isp2");
      assert.ok((await wall(world, "isp2", "opened")) >= before);
      assert.ok((await wall(world, "isp2", "opened")) > 0);
      const { contentOk, why } = await traffic.stop();
      assert.ok(contentOk, why);
    }));

  test("what the other site begins is refused in silence, until protocol 140 is allowed", () =>
    walled(async (world) => {
      const [a, b] = world.boxes;
      const ping = () => world.corner("h2", "ping", a.ulid, "56");
      assert.is((await ping()).code, 1);
      assert.ok((await counter(b, "out-I1")) >= 4);
      assert.is(await counter(a, "in-I1"), 0);
      assert.ok((await wall(world, "isp1", "refused")) + (await wall(world, "isp2", "refused")) >= 4);
      for (const node of ["isp1", "isp2"]) await world.nft(node, ALLOW);
      await world.until("the peer gets through", async () => (await ping()).code === 0);
    }));

  test("a peer that moves to another of its own locators is a stranger to the wall; our probes open it", () =>
    walled(async (world) => {
      const [a] = world.boxes;
      const traffic = await world.stream("h1", "h2", world.boxes[1].ulid);
      await world.flows(traffic);
      const locator = (await rows(a))[0].peerLocator;
      const carries = locator.startsWith("2001:db8:b3") ? "isp3" : "isp4";
      traffic.mark();
      await world.ground.ip(carries, "rule add pref 1 blackhole\n");
      await world.flows(traffic);
      console.log(`${carries} died: the stream stood still for ${traffic.longestGap} ms`);
      assert.is.not((await rows(a))[0].peerLocator, locator);
      const { contentOk, why } = await traffic.stop();
      assert.ok(contentOk, why);
    }));
}

test.run();
