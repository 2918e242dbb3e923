/**
 * Providers taken away and given while a TCP connection runs, in real namespaces:
 *
 *  h1 ── boxA ══ isp1 ══╗                 ╔══ isp3 ══ boxB ── h2
 *             ══ isp2 ══╩══ internet ═════╝
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ProviderRow } from "../../runtime/api/rows.ts";
import { type Box, startBoxes } from "../../runtime/lab/boxes.ts";
import { breakGround, type Ground } from "../../runtime/lab/ground.ts";
import { controlSocket, siteFile } from "../../runtime/lab/site.ts";
import { startTraffic, type Traffic } from "../../runtime/lab/traffic.ts";
import { ALPHA, twoSites } from "../../runtime/lab/world.ts";
import { parseAddress } from "../../runtime/value/address.ts";
import { contains } from "../../runtime/value/prefix.ts";
import { ownRuntime, testHost } from "../lib/labhost.ts";
import { havePeers } from "../lib/peers.ts";

const host = await testHost("dist/pshim6.mjs");
const PROGRAM = host.selfCommand(ownRuntime()).argv;
const [ISP1, ISP2] = ALPHA.providers;

async function until(what: string, done: () => Promise<boolean> | boolean): Promise<void> {
  for (let waited = 0; !(await done()); waited += 50) {
    if (waited > 30_000) throw new Error(`waited 30 s until ${what}`);
    await host.sleep(50);
  }
}

/** Name of the provider that the one context sends through: of box A's own, and of A's as box B sees them. */
async function carrier([a, b]: readonly Box[]): Promise<string> {
  const ours = (await a.contexts())?.[0]?.localLocator;
  const theirs = (await b.contexts())?.[0]?.peerLocator;
  return [ours, theirs]
    .map((locator) => parseAddress(locator ?? ""))
    .map((locator) => ALPHA.providers.find(({ prefix }) => locator !== undefined && contains(prefix, locator))?.name ?? "nobody")
    .join(" ");
}

async function flows(traffic: Traffic): Promise<void> {
  const before = traffic.octets;
  await until("the stream flows", () => traffic.octets > before + 2_000_000);
}

/** Packets that box A has sent on `device`; a router talks to its neighbours now and then, too. */
async function sentOn(ground: Ground, device: string): Promise<number> {
  return Number((await ground.run("boxA", ["cat", `/sys/class/net/${device}/statistics/tx_packets`])).stdout);
}

async function rulesOf(ground: Ground): Promise<string> {
  return (await ground.run("boxA", ["ip", "-6", "rule", "show"])).stdout;
}

async function providers(ground: Ground): Promise<ProviderRow[]> {
  const answer = await host.http.request(controlSocket(ground.directory, ALPHA), new Request("http://box/providers"));
  return (await answer.json()).items;
}

if (havePeers("root", "ip")) {
  test("a TCP connection goes on when the provider that carries it is taken away, and comes back when it is given again", async () => {
    const ground = await breakGround(host, 0);
    try {
      await ground.raise(twoSites());
      const said: string[] = [];
      const boxes = await startBoxes(host, ground, {
        runtimes: [ownRuntime(), ownRuntime()],
        log: (box, text) => said.push(`${box}: ${text}`),
      });
      const traffic = await startTraffic(host, ground, { from: "h1", to: "h2", address: boxes[1].ulid, runtime: ownRuntime() });
      let broken = "";
      traffic.broken.then((why) => {
        broken = `${why}\n${said.slice(-20).join("\n")}`;
      });
      const file = siteFile(ground.directory, ALPHA);
      const both = host.files.readText(file) ?? assert.unreachable();
      const without = (name: string) => (both ?? "").replace(new RegExp(`^ *- \\{ name: ${name},.*\\n`, "m"), "");
      const reload = (text: string) => {
        host.files.writeText(file, text);
        return host.processes.run([...PROGRAM, "reload", "-c", file], { timeout: 30_000 });
      };
      await flows(traffic);
      assert.is(await carrier(boxes), "isp1 isp1");
      const rules = await rulesOf(ground);

      // Taken away: nothing leaves from its locators any more, the connection moves.
      traffic.mark();
      const taken = await reload(without("isp1"));
      assert.is(taken.code, 0, taken.stderr);
      assert.match(taken.stdout, /provider isp1 removed: 2001:db8:a1::\/48/);
      const sent = await sentOn(ground, ISP1.interface);
      await flows(traffic);
      assert.is(await carrier(boxes), "isp2 isp2");
      assert.ok((await sentOn(ground, ISP1.interface)) - sent < 20, "box A still sends to isp1");
      assert.not.match(await rulesOf(ground), /from 2001:db8:a1::\/48/);
      assert.match(await rulesOf(ground), /^1411:\s+from 2001:db8:a2::\/48/m);
      assert.is(broken, "");
      console.log(`taken away: the stream stood still for ${traffic.longestGap} ms`);

      // Given again: the other dies, and the connection is on it.
      traffic.mark();
      const given = await reload(both ?? "");
      assert.is(given.code, 0, given.stderr);
      assert.match(given.stdout, /provider isp1 added/);
      await flows(traffic);
      assert.is(await carrier(boxes), "isp2 isp2", "a new provider is no reason to move");
      console.log(`given again: the stream stood still for ${traffic.longestGap} ms`);
      await until("box B has acknowledged", async () => ((await boxes[0].counters())?.["in-UpdateAck"] ?? 0) >= 2);
      await ground.ip("isp2", "route add blackhole default metric 1\nroute add blackhole 2001:db8:a2::/48 metric 1\n");
      await until("isp1 carries", async () => (await carrier(boxes)) === "isp1 isp1");
      await flows(traffic);
      assert.is(broken, "");

      // SIGHUP does the same; what it says is in the log.
      host.files.writeText(file, (both ?? "").replace("priority: 20", "priority: 7"));
      await ground.run("boxA", ["kill", "-HUP", String(boxes[0].pid)]);
      await until("isp2 has priority 7", async () =>
        (await providers(ground)).some(({ name, priority }) => name === ISP2.name && priority === 7),
      );

      // What cannot be is refused as a whole.
      const refusals: [string, RegExp][] = [
        [(both ?? "").replace("site: alpha", "site: gamma"), /site cannot change while the box runs/],
        [(both ?? "").replace("interface: up1", "interface: up9"), /there is no interface up9/],
        [(both ?? "").replace("priority: 10", "priority: ten"), /priority/],
      ];
      const stands = await rulesOf(ground);
      for (const [text, why] of refusals) {
        const refused = await reload(text);
        assert.is(refused.code, 1);
        assert.match(refused.stderr, why);
        assert.is(await rulesOf(ground), stands);
      }
      assert.equal(rules.split("\n").length, stands.split("\n").length);
      const end = await traffic.stop();
      assert.ok(end.contentOk, end.why);
      for (const box of boxes) assert.is(await box.stop(), 0);
      assert.is((await rulesOf(ground)).includes("pshim0"), false);
    } finally {
      await ground.raze();
    }
  });
}

test.run();
