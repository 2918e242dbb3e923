/**
 * A provider that loses 40 % of what it carries, each way, though its line is up and its paths work: the boxes measure it and take the stream away,
 * and bring it back when the provider is good again. The kernel need not have netem: a TUN of the internet's loses the packets.
 *
 *  h1 ── boxA ══ isp1 ══╗ 40 % loss       ╔══ isp3 ══ boxB ── h2
 *             ══ isp2 ══╩══ internet ═════╝
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { PathRow } from "../../runtime/api/rows.ts";
import { type Box, startBox, startBoxes } from "../../runtime/lab/boxes.ts";
import { breakGround } from "../../runtime/lab/ground.ts";
import { controlSocket, siteFile } from "../../runtime/lab/site.ts";
import { startTraffic } from "../../runtime/lab/traffic.ts";
import { ALPHA, twoSites } from "../../runtime/lab/world.ts";
import { showPrefix } from "../../runtime/value/prefix.ts";
import { startWire } from "../lib/bench/wire.ts";
import { ownRuntime, testHost } from "../lib/labhost.ts";
import { havePeers } from "../lib/peers.ts";

const host = await testHost("dist/pshim6.mjs");
const FLOWING = 500_000;
const LOSS = 0.4;

async function until(what: string, said: readonly string[], done: () => Promise<boolean> | boolean): Promise<void> {
  for (let waited = 0; !(await done()); waited += 100) {
    if (waited > 60_000) throw new Error(`waited a minute until ${what}\n${said.slice(-20).join("\n")}`);
    await host.sleep(100);
  }
}

if (havePeers("root", "ip")) {
  test("the stream leaves a provider that loses 40 %, and comes back", async () => {
    const ground = await breakGround(host, 0);
    const said: string[] = [];
    try {
      await ground.raise(twoSites());
      const log = (box: string, text: string) => said.push(`${box}: ${text}`);
      const first = await startBoxes(host, ground, { runtimes: [ownRuntime(), ownRuntime()], log });
      for (const box of first) assert.is(await box.stop(), 0);
      const boxes: Box[] = [];
      for (const { site, ulid, runtime } of first) {
        const file = siteFile(ground.directory, site);
        const text = host.files.readText(file) ?? "";
        const quick = text.replace("reap: { profile: fast }", "failback: 2s\nreap: { profile: fast, quality: { hold: 2s } }");
        host.files.writeText(file, quick);
        boxes.push(await startBox(host, ground, { site, ulid }, runtime, log));
      }
      const [a, b] = boxes;
      const provider = async () => (await a.contexts())?.find(({ state }) => state === "ESTABLISHED")?.localProvider;
      const traffic = await startTraffic(host, ground, { from: "h1", to: "h2", address: b.ulid, runtime: ownRuntime() });
      const flows = async (): Promise<void> => {
        const before = traffic.octets;
        await until("the stream flows", said, () => traffic.octets > before + FLOWING);
      };
      await flows();
      assert.is(await provider(), "isp1");
      const [isp1] = ALPHA.providers;
      const rules = ["iif isp1", `iif isp3 to ${showPrefix(isp1.prefix)}`];
      const wire = await startWire(ground, host, { name: "lossy0", delay: 0, loss: LOSS, seed: 3, rules });
      const began = host.clock.now();
      await until("the path is browned out", said, async () => ((await a.counters())?.["in-path-brown-out"] ?? 0) > 0);
      await until("the stream is on isp2", said, async () => (await provider()) === "isp2");
      console.log(`40 % loss: off isp1 after ${Math.round(host.clock.now() - began)} ms`);
      await flows();
      assert.is(await provider(), "isp2");
      const request = new Request("http://box/paths", { headers: { accept: "application/json" } });
      const answer = await host.http.request(controlSocket(ground.directory, ALPHA), request);
      const { items } = (await answer.json()) as { readonly items: readonly PathRow[] };
      const bad = items.find(({ localProvider }) => localProvider === "isp1");
      assert.ok(bad?.brownOut === true && (bad.loss ?? 0) > 0.2, JSON.stringify(items));
      await ground.ip("internet", wire.away);
      await until("the stream is back on isp1", said, async () => (await provider()) === "isp1");
      console.log(`good again: back on isp1 ${Math.round(host.clock.now() - began)} ms after the loss began`);
      const end = await traffic.stop();
      assert.ok(end.contentOk, end.why);
      for (const box of boxes) assert.is(await box.stop(), 0);
    } finally {
      await ground.raze();
    }
  });
}

test.run();
