/**
 * A box whose line to a provider is switched off: the kernel says so, and the stream goes on by the other one, although both boxes keep to
 * the timers of RFC 5534 and would not notice for 15 seconds. Then the line comes back and the other one goes. And a gateway that is gone
 * for neighbour discovery, while the line is up and packets pass.
 *
 *  h1 ── boxA ═ up1 ═ isp1 ══╗                 ╔══ isp3 ══ boxB ── h2
 *             ═ up2 ═ isp2 ══╩══ internet ═════╝
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Box, startBox, startBoxes } from "../../runtime/lab/boxes.ts";
import { breakGround, type Ground } from "../../runtime/lab/ground.ts";
import { siteFile } from "../../runtime/lab/site.ts";
import { startTraffic, type Traffic } from "../../runtime/lab/traffic.ts";
import { twoSites } from "../../runtime/lab/world.ts";
import { ownRuntime, testHost } from "../lib/labhost.ts";
import { havePeers } from "../lib/peers.ts";

const host = await testHost("dist/pshim6.mjs");
const FLOWING = 1_000_000;
/** REAP alone would need the Send Timeout, 15 s, and more. */
const NOT_REAP_MS = 10_000;

async function until(what: string, said: readonly string[], done: () => Promise<boolean> | boolean): Promise<void> {
  for (let waited = 0; !(await done()); waited += 50) {
    if (waited > 30_000) throw new Error(`waited 30 s until ${what}\n${said.slice(-20).join("\n")}`);
    await host.sleep(50);
  }
}

async function flows(traffic: Traffic, said: readonly string[]): Promise<void> {
  const before = traffic.octets;
  await until("the stream flows", said, () => traffic.octets > before + FLOWING);
}

/** Two boxes that keep to the RFC's timers; `more` stands in their settings. */
async function slowBoxes(ground: Ground, said: string[], more = ""): Promise<readonly [Box, Box]> {
  const log = (box: string, text: string) => said.push(`${box}: ${text}`);
  const first = await startBoxes(host, ground, { runtimes: [ownRuntime(), ownRuntime()], log });
  for (const box of first) assert.is(await box.stop(), 0);
  const boxes: Box[] = [];
  for (const { site, ulid, runtime } of first) {
    const file = siteFile(ground.directory, site);
    host.files.writeText(file, `${(host.files.readText(file) ?? "").replace("profile: fast", "profile: rfc5534")}${more}`);
    boxes.push(await startBox(host, ground, { site, ulid }, runtime, log));
  }
  const [a, b] = boxes;
  return [a, b];
}

const provider = async (box: Box) => (await box.contexts())?.find(({ state }) => state === "ESTABLISHED")?.localProvider;
const counter = async (box: Box, name: string) => (await box.counters())?.[name] ?? 0;

if (havePeers("root", "ip")) {
  test("a line is switched off and on again, then the other one", async () => {
    const ground = await breakGround(host, 0);
    const said: string[] = [];
    try {
      await ground.raise(twoSites());
      const boxes = await slowBoxes(ground, said);
      const [a, b] = boxes;
      const traffic = await startTraffic(host, ground, { from: "h1", to: "h2", address: b.ulid, runtime: ownRuntime() });
      await flows(traffic, said);
      assert.is(await provider(a), "isp1");

      traffic.mark();
      await ground.ip("boxA", "link set up1 down\n");
      await until("the stream is on isp2", said, async () => (await provider(a)) === "isp2");
      await flows(traffic, said);
      console.log(`up1 switched off: the stream stood still for ${traffic.longestGap} ms`);
      assert.ok(traffic.longestGap < NOT_REAP_MS, `${traffic.longestGap} ms`);
      assert.is(await counter(a, "in-line-lost"), 1);
      await until("the peer was told", said, async () => (await counter(b, "in-UpdateRequest")) > 0);

      await ground.ip("boxA", "link set up1 up\n");
      await until("the line is back", said, async () => (await counter(a, "in-line-back")) === 1);
      assert.match((await ground.run("boxA", ["ip", "-6", "route", "show", "table", "14001"])).stdout, /^default /, "and so is its route");
      traffic.mark();
      await ground.ip("boxA", "link set up2 down\n");
      await flows(traffic, said);
      await until("the stream is on isp1", said, async () => (await provider(a)) === "isp1");
      console.log(`up2 switched off: the stream stood still for ${traffic.longestGap} ms`);
      const end = await traffic.stop();
      assert.ok(end.contentOk, end.why);
      for (const box of boxes) assert.is(await box.stop(), 0);
    } finally {
      await ground.raze();
    }
  });
}

if (havePeers("root", "ip", "nft")) {
  test("a gateway does not answer, though the line is up: its provider is left, and taken again when it answers", async () => {
    const ground = await breakGround(host, 1);
    const said: string[] = [];
    try {
      await ground.raise(twoSites());
      const boxes = await slowBoxes(ground, said, "links: { gateway: { interval: 500ms } }\n");
      const [a, b] = boxes;
      const traffic = await startTraffic(host, ground, { from: "h1", to: "h2", address: b.ulid, runtime: ownRuntime() });
      await flows(traffic, said);
      assert.is(await provider(a), "isp1");

      const nft = async (line: string) => assert.is((await ground.run("isp1", ["nft", line])).code, 0, line);
      traffic.mark();
      await nft(
        "add table ip6 mute; add chain ip6 mute in { type filter hook input priority 0; }; add rule ip6 mute in icmpv6 type nd-neighbor-solicit drop",
      );
      await until("the stream is on isp2", said, async () => (await provider(a)) === "isp2");
      await flows(traffic, said);
      console.log(`isp1's gateway mute: the stream stood still for ${traffic.longestGap} ms`);
      assert.is(await counter(a, "in-gateway-lost"), 1);
      assert.is(await counter(a, "in-line-lost"), 0);
      await until("the peer was told", said, async () => (await counter(b, "in-UpdateRequest")) > 0);
      assert.match(said.join("\n"), /the gateway does not answer/);

      await nft("delete table ip6 mute");
      await until("the gateway is back", said, async () => (await counter(a, "in-gateway-back")) === 1);
      await ground.ip("boxA", "link set up2 down\n");
      await until("the stream is on isp1", said, async () => (await provider(a)) === "isp1");
      await flows(traffic, said);
      const end = await traffic.stop();
      assert.ok(end.contentOk, end.why);
      for (const box of boxes) assert.is(await box.stop(), 0);
    } finally {
      await ground.raze();
    }
  });
}

test.run();
