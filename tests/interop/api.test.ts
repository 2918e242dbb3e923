/**
 * The API of running boxes over TCP, in real namespaces: box A on loopback, box B on every address. A stream goes on while its context is dropped
 * and re-homed.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Box, startBox } from "../../runtime/lab/boxes.ts";
import { breakGround, type Ground } from "../../runtime/lab/ground.ts";
import { settleLines } from "../../runtime/lab/raise.ts";
import { type Settled, siteFile, siteYaml, stateDirectory } from "../../runtime/lab/site.ts";
import { startTraffic } from "../../runtime/lab/traffic.ts";
import { ALPHA, BETA, type Site, twoSites } from "../../runtime/lab/world.ts";
import { parseAddress } from "../../runtime/value/address.ts";
import { ownRuntime, testHost } from "../lib/labhost.ts";
import { havePeers } from "../lib/peers.ts";

const host = await testHost("dist/pshim6.mjs");
const LISTEN = { [ALPHA.name]: "[::1]:8686", [BETA.name]: "[::]:8687" };

const stateOf = (ground: Ground, site: Site): string => `${stateDirectory(ground.directory, site)}/state`;

async function settle(ground: Ground, site: Site): Promise<Settled> {
  const file = siteFile(ground.directory, site);
  host.files.makeDirectory(stateOf(ground, site), 0o700);
  host.files.writeText(file, siteYaml(site, ground.directory, [], []));
  const words = ["cga", "generate", "-c", file, "--name", site.host, "--json"];
  const { code, stdout, stderr } = await host.processes.run([...host.selfCommand(ownRuntime()).argv, ...words], { timeout: 60_000 });
  assert.is(code, 0, stderr);
  const ulid = parseAddress(JSON.parse(stdout).address);
  assert.ok(ulid !== undefined);
  return { site, ulid };
}

async function until(what: string, done: () => Promise<boolean> | boolean): Promise<void> {
  for (let waited = 0; !(await done()); waited += 50) {
    if (waited > 30_000) throw new Error(`waited 30 s until ${what}`);
    await host.sleep(50);
  }
}

/** curl inside a node. @returns the status, and the body */
async function ask(ground: Ground, node: string, path: string, ...more: string[]): Promise<{ status: number; body: string }> {
  const base = node === ALPHA.box ? "http://[::1]:8686" : "http://[::1]:8687";
  const { stdout } = await ground.run(node, ["curl", "-sg", "-w", "\n%{http_code}", "--max-time", "20", ...more, `${base}${path}`]);
  const end = stdout.lastIndexOf("\n");
  return { status: Number(stdout.slice(end + 1)), body: stdout.slice(0, end) };
}

if (havePeers("root", "ip", "curl")) {
  test("reading, acting, events and metrics of boxes that run, with and without the token", async () => {
    const ground = await breakGround(host, 0);
    const said: string[] = [];
    try {
      await ground.raise(twoSites());
      const boxes: Box[] = [];
      const settled = [await settle(ground, ALPHA), await settle(ground, BETA)];
      for (const each of settled) {
        const others = settled.filter((other) => other !== each);
        const text = siteYaml(each.site, ground.directory, [each], others);
        host.files.writeText(siteFile(ground.directory, each.site), `${text}api: { listen: "${LISTEN[each.site.name]}" }\n`);
        boxes.push(await startBox(host, ground, each, ownRuntime(), (box, text) => said.push(`${box}: ${text}`)));
        await ground.ip(each.site.host, settleLines(each.ulid, each.site.lanAddress));
      }
      const traffic = await startTraffic(host, ground, { from: "h1", to: "h2", address: boxes[1].ulid, runtime: ownRuntime() });
      const flows = async () => {
        const before = traffic.octets;
        await until("the stream flows", () => traffic.octets > before + 1_000_000);
      };
      await flows();

      const [a, b] = [ALPHA.box, BETA.box];
      const bearerOf = (site: Site) => ["-H", `Authorization: Bearer ${host.files.readText(`${stateOf(ground, site)}/api-token`)?.trim()}`];
      assert.is(host.files.mode(`${stateOf(ground, ALPHA)}/api-token`), 0o600);
      const list = await ask(ground, a, "/contexts?state=ESTABLISHED&limit=1");
      assert.is(list.status, 200);
      const [{ id }] = JSON.parse(list.body).items;
      assert.is((await ask(ground, a, "/status", "-H", "Host: evil.example")).status, 421);
      assert.is((await ask(ground, a, `/contexts/${id}/discard`, "-X", "POST")).status, 401);
      assert.is((await ask(ground, b, "/status")).status, 401);
      assert.is((await ask(ground, b, "/status", ...bearerOf(BETA))).status, 200);
      assert.is((await ask(ground, b, "/status", ...bearerOf(ALPHA))).status, 401);
      assert.is((await boxes[1].counters())?.["drop-token-api"], 2);

      // Whoever listens hears that the context goes and that the next packet brings another.
      const listening = ask(ground, a, "/events", "-N", "--max-time", "4");
      await host.sleep(500);
      assert.is((await ask(ground, a, `/contexts/${id}/discard`, "-X", "POST", ...bearerOf(ALPHA))).status, 200);
      await flows();
      const events = (await listening).body;
      assert.match(events, /^event: removed$/m);
      assert.match(events, /^event: established$/m);
      const [{ id: now }] = JSON.parse((await ask(ground, a, "/contexts?state=ESTABLISHED")).body).items;
      assert.is((await ask(ground, a, `/contexts/${now}/rehome`, "-X", "POST", ...bearerOf(ALPHA))).status, 200);
      await flows();

      // What it is told, it explains; the operator's word moves the stream, and it goes on.
      const explained = async () =>
        JSON.parse((await ask(ground, a, `/explain?from=${settled[0].ulid}&to=${settled[1].ulid}&protocol=tcp`)).body);
      const first = await explained();
      assert.is(first.outcome, "context");
      const [carrier] = first.pairs.map(({ provider }: { provider: string }) => provider);
      const post = (path: string, body?: object) => {
        const json = body === undefined ? [] : ["-H", "Content-Type: application/json", "-d", JSON.stringify(body)];
        return ask(ground, a, path, "-X", "POST", ...bearerOf(ALPHA), ...json);
      };
      assert.is((await post(`/providers/${carrier}/break`, { for: "10m" })).status, 200);
      await until("the context has left", async () => {
        const { pairs } = await explained();
        return pairs[0].isCurrent && pairs[0].provider !== carrier;
      });
      assert.match(JSON.stringify((await explained()).providers), /taken for dead/);
      await flows();
      assert.is((await post(`/providers/${carrier}/mend`)).status, 200);
      assert.is((await post(`/providers/${carrier}/prefer`, { for: "10m" })).status, 200);
      await until("the context is back", async () => (await explained()).pairs[0].provider === carrier);
      await flows();
      assert.is((await post(`/providers/${carrier}/restore`)).status, 200);
      const site = JSON.parse((await ask(ground, a, "/site")).body);
      assert.is(site.settings.site, ALPHA.name);

      const metrics = await ask(ground, a, "/metrics");
      assert.match(metrics.body, /^pshim6_contexts 1$/m);
      assert.match(metrics.body, /^pshim6_path_contexts\{provider="isp1",peer="[0-9a-f]{16}"\} 1$/m);
      assert.is((await ask(ground, a, "/readyz")).status, 200);
      for (const line of ALPHA.providers) await ground.ip(a, `link set ${line.interface} down\n`);
      await until("box A is not ready", async () => (await ask(ground, a, "/readyz")).status === 503);
      assert.is((await ask(ground, a, "/healthz")).status, 200);
    } catch (error) {
      console.log(said.slice(-30).join("\n"));
      throw error;
    } finally {
      await ground.raze();
    }
  });
}

test.run();
