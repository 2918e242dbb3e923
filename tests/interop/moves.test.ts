/**
 * Live TCP streams follow the site's will, in real namespaces:
 *
 *  h1 ── boxA ══ isp1 ══╗                 ╔══ isp3 ══ boxB ── h2
 *             ══ isp2 ══╩══ internet ═════╝
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Box, startBoxes } from "../../runtime/lab/boxes.ts";
import { breakGround } from "../../runtime/lab/ground.ts";
import { controlSocket, siteFile } from "../../runtime/lab/site.ts";
import { startTraffic } from "../../runtime/lab/traffic.ts";
import { ALPHA, BETA, twoSites } from "../../runtime/lab/world.ts";
import { parseAddress } from "../../runtime/value/address.ts";
import { contains } from "../../runtime/value/prefix.ts";
import { ownRuntime, testHost } from "../lib/labhost.ts";
import { havePeers } from "../lib/peers.ts";

const host = await testHost("dist/pshim6.mjs");
const PROGRAM = host.selfCommand(ownRuntime()).argv;

async function until(what: string, done: () => Promise<boolean> | boolean, patience = 30_000): Promise<void> {
  for (let waited = 0; !(await done()); waited += 50) {
    if (waited > patience) throw new Error(`waited ${patience} ms until ${what}`);
    await host.sleep(50);
  }
}

/** Names of the provider that the one context of box A sends through, and of the one that box B sends to. */
async function carriers([a, b]: readonly Box[]): Promise<string> {
  const ours = (await a.contexts())?.[0]?.localLocator;
  const theirs = (await b.contexts())?.[0]?.peerLocator;
  return [ours, theirs]
    .map((locator) => parseAddress(locator ?? ""))
    .map((locator) => ALPHA.providers.find(({ prefix }) => locator !== undefined && contains(prefix, locator))?.name ?? "nobody")
    .join(" ");
}

if (havePeers("root", "ip")) {
  test("reloads, a drain, a restored provider, a full line: a TCP stream moves both ways and loses nothing", async () => {
    const ground = await breakGround(host, 0);
    try {
      await ground.raise(twoSites());
      const boxes = await startBoxes(host, ground, { runtimes: [ownRuntime(), ownRuntime()], log: () => undefined });
      const traffic = await startTraffic(host, ground, { from: "h1", to: "h2", address: boxes[1].ulid, runtime: ownRuntime() });
      let broken = "";
      traffic.broken.then((why) => {
        broken = why;
      });
      const file = siteFile(ground.directory, ALPHA);
      const plain = host.files.readText(file) ?? "";
      // Box B sends us packets by its own settings.
      const theirs = siteFile(ground.directory, BETA);
      host.files.writeText(theirs, `${host.files.readText(theirs)}\nfailback: at-once\n`);
      assert.is((await host.processes.run([...PROGRAM, "reload", "-c", theirs], { timeout: 30_000 })).code, 0);
      const pshim6 = (...words: string[]) => host.processes.run([...PROGRAM, ...words, "-c", file], { timeout: 30_000 });
      const reload = async (more: string, text = plain): Promise<void> => {
        host.files.writeText(file, `${text}\n${more}\n`);
        const { code, stderr } = await pshim6("reload");
        assert.is(code, 0, stderr);
      };
      const flows = async (): Promise<void> => {
        const before = traffic.octets;
        await until("the stream flows", () => traffic.octets > before + 1_000_000);
      };
      const probes = async (): Promise<number> => (await boxes[0].counters())?.["out-Probe"] ?? 0;
      const goes = async (what: string, where: string): Promise<void> => {
        const before = await probes();
        traffic.mark();
        await until(what, async () => (await carriers(boxes)) === where);
        await flows();
        assert.is(await probes(), before, `${what}: by an exploration`);
        console.log(`${what}: the stream stood still for ${traffic.longestGap} ms`);
      };
      await flows();
      assert.is(await carriers(boxes), "isp1 isp1");

      await reload("policy: [{ pin: isp2 }]");
      await goes("a rule pins it to isp2", "isp2 isp2");
      await reload("policy: [{ prefer: [isp1] }]\nfailback: at-once");
      await goes("a rule prefers isp1", "isp1 isp1");
      assert.is((await pshim6("provider", "drain", "isp1")).code, 0);
      await goes("isp1 is drained", "isp2 isp2");
      assert.is((await pshim6("provider", "restore", "isp1")).code, 0);
      await goes("isp1 is restored", "isp1 isp1");

      // The stream itself fills the line: it stays, and the box says that others would not come.
      const limited = plain.replace(/(\{ name: isp1,.*?) \}/, "$1, capacity: 1M }");
      await reload("failback: never", limited);
      await host.sleep(4_000);
      assert.is(await carriers(boxes), "isp1 isp1");

      const metrics = await host.http.request(controlSocket(ground.directory, ALPHA), new Request("http://box/metrics"));
      const text = await metrics.text();
      for (const [cause, count] of [
        ["policy", 2],
        ["drain", 1],
        ["restore", 1],
      ])
        assert.ok(text.includes(`pshim6_moves_total{cause="${cause}"} ${count}\n`), text.match(/pshim6_moves_total.*/g)?.join("\n"));
      assert.is(broken, "");
      const end = await traffic.stop();
      assert.ok(end.contentOk, end.why);
      for (const box of boxes) assert.is(await box.stop(), 0);
    } finally {
      await ground.raze();
    }
  });
}

test.run();
