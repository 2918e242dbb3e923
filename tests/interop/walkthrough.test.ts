/**
 * The draft's walkthrough (§6, steps 1 to 7, and 4C) from end to end, on each runtime: hosts without any address or setting,
 * DHCPv6 clients and name servers that others wrote. tests/lib/names/sites.ts draws the world.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { DIES } from "../../runtime/lab/events.ts";
import type { RuntimeName } from "../../runtime/lab/host.ts";
import { ALPHA, BETA } from "../../runtime/lab/world.ts";
import { type Address, addressAt } from "../../runtime/value/address.ts";
import { contains } from "../../runtime/value/prefix.ts";
import { PROJECT } from "../lib/labhost.ts";
import { insideCage, scratch } from "../lib/names/cage.ts";
import { addressesOf } from "../lib/names/nodes.ts";
import { must, type Program, stopAll, until } from "../lib/names/program.ts";
import { BETA_ZONE, dig, hexOf, moveIn, type NamedSites, raiseSites } from "../lib/names/sites.ts";
import { capture, endCaptures, sendStream, serveStreams } from "../lib/names/traffic.ts";
import { readIpv6 } from "../lib/pcap.ts";
import { havePeers } from "../lib/peers.ts";

const PROGRAMS = ["ip", "tcpdump", "tshark", "python3", "dig", "getent", "unbound", "named", "dhclient", "dhcpcd", "dibbler-client"];
const RUNTIMES: readonly RuntimeName[] = ["node", "deno", "bun"];
/** Octets of a stream that show that it goes on: a second of it. */
const GOES_ON = 500_000;
const NAME = `h2.${BETA_ZONE}`;

type Addresses = Readonly<Record<"h1" | "h2" | "h3", string>>;

async function walk(runtime: RuntimeName, serial: number): Promise<void> {
  const directory = scratch(runtime);
  const clients = { h1: "dhclient", h2: "dhcpcd", h3: "dibbler" } as const;
  const sites = await raiseSites({ runtime, resolver: "unbound", serial, directory, clients });
  try {
    const wires = await captureAll(sites, directory);
    await Promise.all([sites.boxes.alpha.start(), sites.boxes.beta.start()]);
    const addresses = await getAddresses(sites);
    await byAddressAlone(sites, addresses);
    await byName(sites, addresses);
    for (const box of [sites.boxes.alpha, sites.boxes.beta]) assert.is(await box.stop(), 0, box.lastWords());
    await endCaptures(wires);
    judge(directory, addresses);
  } catch (error) {
    throw new Error(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n\n${sites.lastWords()}`);
  } finally {
    await sites.ground.raze();
  }
}

/** Before anything: the hosts have no address; DHCPv6 gives each a ULID of its site (§4.2.3). */
async function getAddresses(sites: NamedSites): Promise<Addresses> {
  for (const { node } of Object.values(sites.hosts)) assert.equal(addressesOf(node, "lan"), [], `${node.name} begins without an address`);
  const addresses = await moveIn(sites);
  const places = { h1: ALPHA.subnet, h2: BETA.subnet, h3: BETA.subnet };
  for (const [name, address] of Object.entries(addresses))
    assert.ok(contains(places[name as keyof typeof places], address as Address), `${name} has ${address}`);
  return addresses;
}

/** 4C: nobody asked for h3's name. Its packet waits while the reverse tree is asked. */
async function byAddressAlone(sites: NamedSites, { h3 }: Addresses): Promise<void> {
  const { alpha } = sites.boxes;
  assert.not(
    (await alpha.bindings()).some(({ ulid }) => ulid === h3),
    "nothing is known of h3",
  );
  const sink = await serveStreams(sites.node("h3"));
  const stream = await sendStream(sites.node("h1"), h3, sink);
  await stream.more(GOES_ON / 10);
  await stream.end();
  const pointer = [...hexOf(h3)].reverse().join(".");
  await sites.resolver.said(new RegExp(`${pointer}\\.ip6\\.arpa\\.? PTR`, "i"));
  const binding = (await alpha.bindings()).find(({ ulid }) => ulid === h3);
  assert.ok(binding !== undefined && binding.locators.length > 0, "now its locators are known");
  await sink.stop();
}

/** 1 to 7. */
async function byName(sites: NamedSites, { h1, h2 }: Addresses): Promise<void> {
  const { alpha, beta } = sites.boxes;
  const host = sites.node("h1");
  const contexts = async () => (await alpha.contexts()).filter((row) => row.localUlid === h1 && row.peerUlid === h2);
  // 1, 2, 3: one answer, the ULID.
  assert.is(dig(host, NAME, "AAAA"), h2);
  const heard = host.run(["getent", "ahostsv6", NAME]).trim().split("\n");
  assert.equal([...new Set(heard.map((line) => line.split(/\s+/)[0]))], [h2]);
  assert.equal(await contexts(), [], "a context comes with the first packet");
  // 4, 5: the first packet is held, the handshake runs, the packet goes on.
  const sink = await serveStreams(sites.node("h2"));
  const stream = await sendStream(host, NAME, sink);
  await stream.more(GOES_ON);
  const [context, ...others] = await contexts();
  assert.equal([context.state, context.localProvider, others], ["ESTABLISHED", "isp1", []]);
  assert.is((await beta.contexts()).filter((row) => row.localUlid === h2 && row.peerUlid === h1).length, 1);
  // 6: the provider dies.
  sites.node("isp1").ip(...DIES.trim().split("\n"));
  await until(
    "the context moves to isp2",
    async () => ((await contexts())[0]?.localProvider === "isp2" ? true : undefined),
    sites.lastWords,
  );
  await stream.more(GOES_ON);
  await stream.end();
  await sink.stop();
  // 7: what is idle goes.
  for (const box of [alpha, beta])
    await until(
      `no context is left in ${box.node.name}`,
      async () => ((await box.contexts()).length === 0 ? true : undefined),
      sites.lastWords,
    );
}

async function captureAll(sites: NamedSites, directory: string): Promise<Program[]> {
  const ends: readonly [string, string][] = [
    ["boxA", "up1"],
    ["boxA", "up2"],
    ["boxB", "up3"],
    ["h1", "lan"],
    ["boxB", "lan"],
  ];
  return Promise.all(ends.map(([node, device]) => capture(sites.node(node), device, join(directory, `${node}-${device}.pcap`))));
}

/** What was on the cables, judged by others: Shim6 by tests/lib/judge, the rest by tshark. */
function judge(directory: string, { h1, h2 }: Addresses): void {
  const wires = ["boxA-up1", "boxA-up2", "boxB-up3"].map((name) => join(directory, `${name}.pcap`));
  const judged = spawnSync("python3", [join(PROJECT, "tests/lib/judge/shim6judge.py"), ...wires], { encoding: "utf8" });
  assert.is(judged.status, 0, judged.stdout.slice(-2000) + judged.stderr);
  assert.match(judged.stdout, /, 0 faults\s*$/);
  for (const file of wires) {
    assert.is(must(["tshark", "-r", file, "-Y", "_ws.malformed && !(shim6.p == 0)"]), "", file);
    const bare = readIpv6(file).filter((packet) => [addressAt(packet, 8), addressAt(packet, 24)].some((end) => end === h1 || end === h2));
    assert.is(bare.length, 0, `${file}: packets with ULIDs outside`);
  }
  for (const lan of ["h1-lan", "boxB-lan"])
    assert.is(must(["tshark", "-r", join(directory, `${lan}.pcap`), "-Y", "_ws.malformed"]), "", lan);
  const syn = `ipv6.src == ${h1} && ipv6.dst == ${h2} && tcp.flags.syn == 1 && tcp.flags.ack == 0`;
  const syns = must(["tshark", "-r", join(directory, "h1-lan.pcap"), "-Y", syn])
    .trim()
    .split("\n");
  assert.is(syns.length, 1, `the first packet was held, not dropped: h1 sent it once\n${syns.join("\n")}`);
}

if (havePeers("root", ...PROGRAMS) && insideCage(fileURLToPath(import.meta.url))) {
  RUNTIMES.forEach((runtime, serial) => {
    test(`steps 1 to 7, boxes on ${runtime}`, () => walk(runtime, serial));
  });

  test.after(stopAll);
  test.run();
}
