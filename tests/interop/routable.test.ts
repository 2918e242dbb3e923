/**
 * Hosts that the internet reaches at their ULID, an address out of isp1's prefix, or isp3's, in real namespaces: TCP flows as it is from
 * its first packet, a context comes up when there has been enough of it, and the stream outlives isp1. `internet` has a host of its own, which knows
 * no Shim6.
 *
 *  h1 ── boxA ══ isp1 ══╗                 ╔══ isp3 ══ boxB ── h2
 *             ══ isp2 ══╩══ internet ═════╝
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Box, startBox } from "../../runtime/lab/boxes.ts";
import { breakGround, type Ground } from "../../runtime/lab/ground.ts";
import { settleLines } from "../../runtime/lab/raise.ts";
import { type Settled, siteFile, siteYaml, stateDirectory } from "../../runtime/lab/site.ts";
import { startTraffic, type Traffic } from "../../runtime/lab/traffic.ts";
import { ALPHA, BETA, type Site, twoSites } from "../../runtime/lab/world.ts";
import { parseAddress } from "../../runtime/value/address.ts";
import { prefix, showPrefix } from "../../runtime/value/prefix.ts";
import { ownRuntime, testHost } from "../lib/labhost.ts";
import { havePeers } from "../lib/peers.ts";

const host = await testHost("dist/pshim6.mjs");
const OUTSIDE = "2001:db8:e::1";
const FLOWING = 500_000;
const ROUTABLE = { alpha: "2001:db8:a1:1::/64", beta: "2001:db8:b3:1::/64" };

interface World {
  readonly ground: Ground;
  readonly boxes: readonly [Box, Box];
  readonly said: string[];
}

/** The lab's settings, and addresses that the internet routes. */
function settings(site: Site, directory: string, own: readonly Settled[], establish: string): string {
  const subnet = site === ALPHA ? ROUTABLE.alpha : ROUTABLE.beta;
  const text = siteYaml(site, directory, own, [])
    .replace("ulid: {", `ulid: { routable: ["${subnet}"],`)
    .replace(`subnets: ["${showPrefix(site.subnet)}"]`, `subnets: ["${showPrefix(site.subnet)}", "${subnet}"]`);
  return `${text}establish: ${establish}\n`;
}

async function settle(ground: Ground, site: Site, establish: string): Promise<Settled> {
  const file = siteFile(ground.directory, site);
  host.files.makeDirectory(`${stateDirectory(ground.directory, site)}/state`, 0o700);
  host.files.writeText(file, settings(site, ground.directory, [], establish));
  const subnet = site === ALPHA ? ROUTABLE.alpha : ROUTABLE.beta;
  const words = ["cga", "generate", "-c", file, "--name", site.host, "--subnet", subnet, "--json"];
  const { code, stdout, stderr } = await host.processes.run([...host.selfCommand(ownRuntime()).argv, ...words], { timeout: 60_000 });
  assert.is(code, 0, stderr);
  const ulid = parseAddress(JSON.parse(stdout).address);
  assert.ok(ulid !== undefined);
  const settled = { site, ulid };
  host.files.writeText(file, settings(site, ground.directory, [settled], establish));
  return settled;
}

async function inWorld(establish: string, use: (world: World) => Promise<void>): Promise<void> {
  const ground = await breakGround(host, 0);
  const said: string[] = [];
  try {
    await ground.raise(twoSites());
    await ground.ip("internet", `address add ${OUTSIDE}/128 dev lo nodad\n`);
    const log = (box: string, text: string) => said.push(`${box}: ${text}`);
    const settled = await Promise.all([settle(ground, ALPHA, establish), settle(ground, BETA, establish)]);
    const start = async (each: Settled) => {
      const box = await startBox(host, ground, each, ownRuntime(), log);
      const { base } = prefix(each.site === ALPHA ? ROUTABLE.alpha : ROUTABLE.beta);
      // The router may have an address on the subnet: the kernel then knows a way around the box.
      await ground.ip(each.site.box, `address add ${base}1/64 dev lan nodad\n`);
      await ground.ip(each.site.host, settleLines(each.ulid, `${base}1`));
      return box;
    };
    await use({ ground, boxes: [await start(settled[0]), await start(settled[1])], said });
    assert.equal(
      said.filter((line) => /error|at .*\.ts/i.test(line)),
      [],
    );
  } finally {
    await ground.raze();
  }
}

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

const counter = async (box: Box, name: string) => (await box.counters())?.[name] ?? 0;
/** What becomes of a connection from h1 to a port that nobody serves. */
async function connect(ground: Ground, to: string): Promise<string> {
  const script =
    "import errno, socket, sys; s = socket.socket(socket.AF_INET6); s.settimeout(5); print(errno.errorcode.get(s.connect_ex((sys.argv[1], 9))))";
  return (await ground.run("h1", ["python3", "-c", script, to])).stdout;
}

const rows = async (box: Box) => (await box.contexts()) ?? [];

if (havePeers("root", "ip", "python3")) {
  test("plain from the first packet, a context after some of them, and on by isp2 when isp1 dies", () =>
    inWorld("{ packets: 1500, seconds: 0 }", async ({ ground, boxes, said }) => {
      const [a, b] = boxes;
      const traffic = await startTraffic(host, ground, { from: "h1", to: "h2", address: b.ulid, runtime: ownRuntime() });
      assert.equal(await rows(a), [], "connected without a context");
      await until("there is a context", said, async () => (await rows(a)).some(({ state }) => state === "ESTABLISHED"));
      await flows(traffic, said);
      assert.is(await counter(a, "out-deferred-context"), 1);
      assert.is(await counter(b, "out-deferred-context"), 0, "one locator: takes part, does not begin");
      for (const box of boxes) {
        const [row, ...more] = await rows(box);
        assert.is(more.length, 0);
        assert.equal([row.localLocator, row.peerLocator], [row.localUlid, row.peerUlid]);
        assert.is(await counter(box, "out-payload-shim6"), 0, "no header while the locators are the ULIDs");
        assert.ok((await counter(box, "out-plain")) > 20 && (await counter(box, "in-plain")) > 20);
        assert.ok(row.sent.packets > 0 && row.received.packets > 0, "and yet counted");
      }
      traffic.mark();
      await ground.ip("isp1", "link set dev core down\n");
      await flows(traffic, said);
      console.log(`isp1 died: the stream stood still for ${traffic.longestGap} ms`);
      const [row] = await rows(a);
      assert.is(row.localProvider, "isp2");
      assert.ok((await counter(a, "out-payload-shim6")) > 0 && (await counter(b, "out-payload-shim6")) > 0);
      const end = await traffic.stop();
      assert.ok(end.contentOk, end.why);
      for (const box of boxes) assert.is(await box.stop(), 0);
      assert.not.match((await ground.run("boxA", ["ip", "-6", "rule", "show"])).stdout, /14\d\d:/, "nothing is left behind");
    }));

  test("a peer that knows no Shim6 says so once, and the stream never notices", () =>
    inWorld("{ packets: 20, seconds: 0 }", async ({ ground, boxes, said }) => {
      const [a] = boxes;
      const traffic = await startTraffic(host, ground, { from: "h1", to: "internet", address: OUTSIDE, runtime: ownRuntime() });
      await until("the peer was asked", said, async () => (await rows(a)).some(({ state }) => state === "NO-SUPPORT"));
      // On a busy machine a repetition may go out before the answer is there.
      const asked = await counter(a, "out-I1");
      await flows(traffic, said);
      assert.is(await counter(a, "out-I1"), asked);
      assert.is(await counter(a, "drop-unreachable-peer"), 0);
      assert.is(await counter(a, "out-payload-shim6"), 0);
      const end = await traffic.stop();
      assert.ok(end.contentOk, end.why);
    }));

  test("what the outside begins reaches the host; errors about its packets do, too", () =>
    inWorld("{ packets: 0, seconds: 0 }", async ({ ground, boxes, said }) => {
      const [a] = boxes;
      const traffic = await startTraffic(host, ground, { from: "internet", to: "h1", address: a.ulid, runtime: ownRuntime() });
      await flows(traffic, said);
      assert.equal(await rows(a), []);
      const end = await traffic.stop();
      assert.ok(end.contentOk, end.why);
      const before = await counter(a, "in-plain-icmp6");
      assert.match(await connect(ground, "2001:db8:e:1::1"), /ENETUNREACH|EHOSTUNREACH/);
      assert.is(await counter(a, "in-plain-icmp6"), before + 1);
      // Neighbours do not go through the box's program.
      const passed = await counter(a, "out-plain");
      assert.match(await connect(ground, ALPHA.lanAddress), /ECONNREFUSED/);
      assert.is(await counter(a, "out-plain"), passed);
    }));
}

test.run();
