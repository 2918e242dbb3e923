/**
 * DHCPv6 clients that others wrote, and our server: leases got, kept over Renew, Rebind, a killed box and a new box, and given
 * back; fuzzed messages. tests/lib/names/lease-life.ts draws the world.
 *
 * Clients whose timers are coarse live beside the others, at leisure. Debian's busybox is built without udhcpc6: systemd-networkd
 * stands in its place.
 */
import { cpSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { addLine, LONE_SITE, type TestBox, testBox } from "../lib/names/box.ts";
import { insideCage, scratch } from "../lib/names/cage.ts";
import { CLIENT_PROGRAMS, type ClientName, dhcpClient } from "../lib/names/dhcp-clients.ts";
import { watchDhcp } from "../lib/names/dhcp-wire.ts";
import { type LeaseServer, type LeaseWorld, leaseWorld, liveLeases, QUICK, SLOW } from "../lib/names/lease-life.ts";
import { addNode, join, linkReady, type Node } from "../lib/names/nodes.ts";
import { must, stopAll } from "../lib/names/program.ts";
import { havePeers } from "../lib/peers.ts";

const BOX = "fc00:aaaa:1::1";
/** DHCPv6 itself; the box's T1 and T2 are half and four fifths of the preferred lifetime. */
const FUZZERS = { solicit: 1, request: 2, confirm: 3, renew: 4, rebind: 5, release: 6, decline: 7, "information request": 8 };
const FUZZ_PATIENCE = 60_000;
const FUZZ_CRASHES = 20;

function settings(preferred: number, valid: number): string {
  return `${LONE_SITE}dhcp: { preferred: ${preferred}s, valid: ${valid}s, dns: ["${BOX}"], search: ["alpha.example"] }\n`;
}

/** Two boxes with one address: only one of them is there at any time. */
function boxes(world: LeaseWorld, directory: string, preferred: number, valid: number): LeaseServer & { readonly now: () => TestBox } {
  const [first, second] = [world.box, world.box2].map((node) => {
    addLine(node);
    return testBox({ node, runtime: "node", directory: `${directory}/${node.name}` }, settings(preferred, valid));
  });
  let now = first;
  world.box.ip(`address add ${BOX}/64 dev lan`);
  return {
    now: () => now,
    start: () => now.start(),
    kill: () => now.kill(),
    replace: async () => {
      world.box.ip("link set dev lan down");
      world.box2.ip(`address add ${BOX}/64 dev lan`);
      cpSync(first.state, second.state, { recursive: true });
      now = second;
      await second.start();
    },
    lastWords: () => now.lastWords(),
  };
}

async function lives(id: string, names: readonly ClientName[], preferred: number, valid: number): Promise<LeaseWorld> {
  const directory = scratch(id);
  const world = await leaseWorld(id, names, directory);
  const server = boxes(world, directory, preferred, valid);
  try {
    await liveLeases(world, server, { prefix: "fc00:aaaa:1:", preferred, valid, told: [BOX, "alpha.example"] });
  } catch (error) {
    throw new Error(`${String(error)}\n${server.lastWords()}`);
  }
  return world;
}

/**
 * All fuzzed messages of one type. The fuzzer has a bug of its own and sometimes ends with a buffer overflow of its own making (it
 * keeps little room for our server's DUID): then it goes on behind the test at which that happened.
 * @returns its exit code: 1 when the server does not answer any more
 */
async function fuzz(node: Node, type: number): Promise<number | null> {
  for (let first = 0, crashes = 0; ; crashes++) {
    const fuzzer = node.start(["atk6-fuzz_dhcps6", `-${type}`, "-t", String(first), "lan"]);
    const code = await fuzzer.ended(FUZZ_PATIENCE);
    if (!fuzzer.log.includes("buffer overflow detected")) return code;
    const last = [...fuzzer.log.matchAll(/\| (\d+) \(\d+=>/g)].at(-1)?.[1];
    if (last === undefined || Number(last) < first || crashes > FUZZ_CRASHES) throw new Error(fuzzer.lastWords);
    first = Number(last) + 1;
  }
}

/** What tshark finds wrong with a capture; empty = nothing. */
function malformed(capture: string): string {
  return must(["tshark", "-r", capture, "-Y", "_ws.malformed || _ws.expert.severity >= 0x600000"]);
}

if (havePeers("root", "ip", "tcpdump", "tshark", ...Object.values(CLIENT_PROGRAMS)) && insideCage(fileURLToPath(import.meta.url))) {
  const slow = lives("s", SLOW, 40, 120);
  // It is looked at by its own test, which may be much later.
  slow.catch(() => undefined);

  test(`${QUICK.join(", ")}: a lease from its first day to its last`, async () => {
    const world = await lives("q", QUICK, 10, 40);
    assert.is(malformed(world.capture), "");
  });

  if (havePeers("atk6-fuzz_dhcps6")) {
    test("fuzzed messages of every type: the box goes on serving", async () => {
      const directory = scratch("f");
      const world = await leaseWorld("f", ["dhcpcd", "wide"], directory);
      const server = boxes(world, directory, 3600, 7200);
      await server.start();
      const [client, { node: stranger }] = world.clients;
      client.start();
      const [{ address }] = await client.until("has an address", (held) => held.length > 0);
      await client.kill();
      for (const [type, number] of Object.entries(FUZZERS)) {
        assert.is(await fuzz(stranger, number), 0, `${type}: the server answers no more\n${server.lastWords()}`);
      }
      assert.is(server.now().program?.running, true, server.lastWords());
      client.start();
      await client.until("has its address again", (held) => held.some((one) => one.address === address));
      assert.is(await server.now().stop(), 0, server.lastWords());
    });
  }

  if (havePeers("dhcrelay"))
    test("a host behind ISC's relay has an address of its own subnet", async () => {
      const directory = scratch("r");
      const [host, relay, node] = [addNode("rhost"), addNode("rrelay", true), addNode("rbox", true)];
      join(relay, "down", host, "lan");
      join(node, "lan", relay, "up");
      await Promise.all([linkReady(host, "lan"), linkReady(relay, "down"), linkReady(relay, "up"), linkReady(node, "lan")]);
      node.ip(`address add ${BOX}/64 dev lan`);
      relay.ip("address add fc00:aaaa:1::2/64 dev up", "address add fc00:aaaa:1:2::1/64 dev down");
      addLine(node);
      const wire = await watchDhcp(node, "lan", `${directory}/lan.pcap`);
      const yaml = settings(3600, 7200).replace('["fc00:aaaa:1::/64"]', '["fc00:aaaa:1::/64", "fc00:aaaa:1:2::/64"]');
      const box = testBox({ node, runtime: "node", directory: `${directory}/box` }, yaml);
      await box.start();
      const relayd = relay.start(["dhcrelay", "-6", "-d", "-I", "-l", "fc00:aaaa:1:2::1%down", "-u", `${BOX}%up`]);
      await relayd.said(/Sending on/);
      const client = dhcpClient("dhcpcd", host, directory);
      client.start();
      const why = () => `${relayd.lastWords}\n${box.lastWords()}`;
      const [{ address }] = await client
        .until("has an address", (held) => held.length > 0)
        .catch((error) => {
          throw new Error(`${String(error)}\n${why()}`);
        });
      assert.ok(address.startsWith("fc00:aaaa:1:2:"), address);
      await wire.until("a relayed reply", ({ type }) => type === "relay-repl");
      await client.release();
      await client.until("has no address any more", (held) => held.length === 0);
      assert.is(malformed(`${directory}/lan.pcap`), "");
      assert.is(await box.stop(), 0, box.lastWords());
    });

  test(`${SLOW.join(", ")}: the same at leisure`, async () => {
    const world = await slow;
    assert.is(malformed(world.capture), "");
  });

  test.after(stopAll);
  test.run();
}
