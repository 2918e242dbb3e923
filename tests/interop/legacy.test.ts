/**
 * A host with nothing but a ULID, and peers in the internet that know no Shim6, in real namespaces: both begin, by both providers, over TCP, UDP and
 * ICMPv6; errors of routers reach who they are for; a line that dies is left by what is new. tshark finds no wrong checksum.
 *
 *  h1 ── boxA ══ isp1 ══╗
 *             ══ isp2 ══╩══ internet
 */
import { spawnSync } from "node:child_process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Box, startBox } from "../../runtime/lab/boxes.ts";
import { startCaptures } from "../../runtime/lab/capture.ts";
import { breakGround, type Ground } from "../../runtime/lab/ground.ts";
import { settleLines } from "../../runtime/lab/raise.ts";
import { locatorsOf, type Settled, siteFile, siteYaml, stateDirectory } from "../../runtime/lab/site.ts";
import { ALPHA, twoSites } from "../../runtime/lab/world.ts";
import { type Address, parseAddress } from "../../runtime/value/address.ts";
import { ownRuntime, testHost } from "../lib/labhost.ts";
import { havePeers } from "../lib/peers.ts";

const host = await testHost("dist/pshim6.mjs");
const OUTSIDE = "2001:db8:e::1";
const PORT = 7007;
const CLOSED = 7008;
const SCRIPT = "tests/lib/mapped.py";

interface World {
  readonly ground: Ground;
  readonly box: Box;
  /** The host's ULID, and its locators, isp1's first. */
  readonly ulid: Address;
  readonly locators: readonly Address[];
  /** Whom the servers saw. */
  readonly seen: string[];
}

async function settle(ground: Ground): Promise<Settled> {
  const file = siteFile(ground.directory, ALPHA);
  host.files.makeDirectory(`${stateDirectory(ground.directory, ALPHA)}/state`, 0o700);
  const write = (own: readonly Settled[]) =>
    host.files.writeText(file, `${siteYaml(ALPHA, ground.directory, own, [])}legacy: { mode: map }\n`);
  write([]);
  const words = ["cga", "generate", "-c", file, "--name", ALPHA.host, "--json"];
  const { code, stdout, stderr } = await host.processes.run([...host.selfCommand(ownRuntime()).argv, ...words], { timeout: 60_000 });
  assert.is(code, 0, stderr);
  const ulid = parseAddress(JSON.parse(stdout).address);
  assert.ok(ulid !== undefined);
  const settled = { site: ALPHA, ulid };
  write([settled]);
  return settled;
}

async function inWorld(use: (world: World) => Promise<void>): Promise<void> {
  const ground = await breakGround(host, 0);
  const said: string[] = [];
  try {
    const world = twoSites();
    await ground.raise(world);
    await ground.ip("internet", `address add ${OUTSIDE}/128 dev lo nodad\n`);
    const settled = await settle(ground);
    const box = await startBox(host, ground, settled, ownRuntime(), (name, text) => said.push(`${name}: ${text}`));
    await ground.ip(ALPHA.host, settleLines(settled.ulid, ALPHA.lanAddress));
    for (const node of ["h1", "boxA", "internet"]) {
      const { code, stderr } = await ground.run(node, ["python3", SCRIPT, "finish"], 30_000);
      assert.is(code, 0, stderr);
    }
    const captured = `${ground.directory}/captures`;
    const captures = await startCaptures(host, ground, world, captured);
    const seen: string[] = [];
    await Promise.all(["h1", "internet"].map((node) => serve(ground, node, seen)));
    await use({ ground, box, ulid: settled.ulid, locators: locatorsOf(settled), seen });
    await captures.stop();
    judge(captured, "isp1-core");
    judge(captured, "isp2-core");
    assert.is(await box.stop(), 0, said.join("\n"));
    assert.not.match((await ground.run("boxA", ["ip", "-6", "rule", "show"])).stdout, /14\d\d:/, "nothing is left behind");
    assert.equal(
      said.filter((line) => /error|at .*\.ts/i.test(line)),
      [],
    );
  } catch (error) {
    console.error(said.slice(-10).join("\n"));
    throw error;
  } finally {
    await ground.raze();
  }
}

async function serve(ground: Ground, node: string, seen: string[]): Promise<void> {
  await new Promise<void>((ready, failed) => {
    const line = (text: string) => (text === "ready" ? ready() : seen.push(`${node} ${text}`));
    ground
      .spawn(node, ["python3", SCRIPT, "serve", String(PORT)], { line, complaint: (text) => seen.push(`${node} ${text}`) })
      .then(({ ended }) => ended.then(() => failed(new Error(`the server in ${node} ended: ${seen.join(", ")}`))), failed);
  });
}

/** No checksum in the capture is wrong. */
function judge(directory: string, cable: string): void {
  const checks = ["tcp", "udp"].flatMap((name) => ["-o", `${name}.check_checksum:TRUE`]);
  const wrong = "tcp.checksum.status==0 || udp.checksum.status==0 || icmpv6.checksum.status==0";
  const { stdout, status } = spawnSync("tshark", ["-r", `${directory}/${cable}.pcap`, ...checks, "-Y", wrong], { encoding: "utf8" });
  assert.is(status, 0, cable);
  assert.is(stdout, "", cable);
}

async function ask(ground: Ground, node: string, how: string, to: string, number = 0, port = PORT): Promise<string> {
  return (
    await ground.run(
      node,
      ["env", ...(node === "internet" ? [`SOURCE=${OUTSIDE}`] : []), "python3", SCRIPT, how, to, String(port), String(number)],
      30_000,
    )
  ).stdout.trim();
}

const counter = async (box: Box, name: string) => (await box.counters())?.[name] ?? 0;

if (havePeers("root", "ip", "python3", "tshark", "tcpdump")) {
  test("a host reaches the internet, and is reached by both providers", () =>
    inWorld(async ({ ground, box, locators, seen }) => {
      assert.is(await ask(ground, "h1", "tcp", OUTSIDE, 600_000), "same");
      assert.is(await ask(ground, "h1", "udp", OUTSIDE, 1_200), "same");
      assert.is(await ask(ground, "h1", "udp", OUTSIDE, 5_000), "same", "in fragments");
      assert.is(await ask(ground, "h1", "echo", OUTSIDE, 900), "same");
      for (const locator of locators) {
        assert.is(await ask(ground, "internet", "tcp", locator, 600_000), "same", locator);
        assert.is(await ask(ground, "internet", "udp", locator, 5_000), "same", locator);
        assert.is(await ask(ground, "internet", "echo", locator, 900), "same", locator);
      }
      assert.ok(seen.includes(`internet tcp ${locators[0]}`) && seen.includes(`internet udp ${locators[0]}`), seen.join());
      assert.ok(seen.filter((line) => line.startsWith("h1 tcp")).length === 2, "one address asks both locators");
      assert.ok((await counter(box, "out-mapped")) > 100 && (await counter(box, "in-mapped")) > 100);
    }));

  test("errors of routers and hosts, both ways", () =>
    inWorld(async ({ ground, locators }) => {
      assert.match(await ask(ground, "h1", "hops", OUTSIDE, 64, CLOSED), /^ECONNREFUSED 1\/4 2001:db8:e::1|ECONNREFUSED/);
      assert.match(await ask(ground, "h1", "hops", OUTSIDE, 2, CLOSED), /^EHOSTUNREACH/);
      assert.match(await ask(ground, "h1", "hops", "2001:db8:e:1::1", 64), /^(ENETUNREACH|EHOSTUNREACH)/);
      assert.match(await ask(ground, "internet", "hops", locators[1], 64, CLOSED), /^ECONNREFUSED/);
      await ground.ip("isp1", "link set dev core mtu 1400\n");
      assert.is(await ask(ground, "h1", "mtu", OUTSIDE, 1_430), "1400");
    }));

  test("a line that dies: what is new goes by the other one at once", () =>
    inWorld(async ({ ground, locators, seen }) => {
      assert.is(await ask(ground, "h1", "tcp", OUTSIDE, 10), "same");
      assert.equal(seen.splice(0), [`internet tcp ${locators[0]}`]);
      await ground.ip("boxA", "link set dev up1 down\n");
      let said = "";
      for (let tries = 0; tries < 20 && said !== "same"; tries++) said = await ask(ground, "h1", "tcp", OUTSIDE, 10);
      assert.is(said, "same");
      assert.is(seen.at(-1), `internet tcp ${locators[1]}`);
    }));
}

test.run();
