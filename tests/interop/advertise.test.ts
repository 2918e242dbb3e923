/**
 * A whole box as its hosts' router: what a kernel with accept_ra makes of it, what rdisc6 reads in it, and that it is taken back. Then the
 * same from radvd, as the documentation has it.
 *
 *     h1 ── boxA
 */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { startBox } from "../../runtime/lab/boxes.ts";
import { breakGround, type Ground } from "../../runtime/lab/ground.ts";
import { type Settled, siteFile, siteYaml, stateDirectory } from "../../runtime/lab/site.ts";
import { ALPHA, twoSites } from "../../runtime/lab/world.ts";
import { address } from "../../runtime/value/address.ts";
import { ownRuntime, testHost } from "../lib/labhost.ts";
import { havePeers } from "../lib/peers.ts";

const host = await testHost("dist/pshim6.mjs");
const DOCUMENT = new URL("../../docs/router-advertisements.md", import.meta.url);

async function inWorld(use: (ground: Ground) => Promise<void>): Promise<void> {
  const ground = await breakGround(host, 0);
  try {
    await ground.raise(twoSites());
    // A LAN as there are most of them; the lab's own has the smaller MTU from the start.
    for (const node of ["h1", "boxA"]) await ground.ip(node, "link set dev lan mtu 1500\n");
    await ground.run("h1", ["sh", "-c", "echo 2 > /proc/sys/net/ipv6/conf/lan/accept_ra"]);
    await use(ground);
  } finally {
    await ground.raze();
  }
}

const routes = async (ground: Ground) => (await ground.run("h1", ["ip", "-6", "route", "show", "dev", "lan"])).stdout;

async function until(ground: Ground, what: string, done: (routes: string) => boolean): Promise<string> {
  for (let waited = 0; ; waited += 50) {
    const now = await routes(ground);
    if (done(now)) return now;
    if (waited > 20_000) throw new Error(`waited 20 s until ${what}:\n${now}`);
    await host.sleep(50);
  }
}

/** What rdisc6 says, a line each, blanks made one. */
async function discovered(ground: Ground): Promise<string> {
  const { code, stdout, stderr } = await ground.run("h1", ["rdisc6", "-1", "-w", "5000", "lan"], 15_000);
  assert.is(code, 0, stdout + stderr);
  return stdout.replace(/[ \t]+/g, " ");
}

/** M, O, lifetime, MTU, prefix, DNS: what hosts must hear from anybody. */
function assertSaid(text: string): void {
  assert.match(text, /Stateful address conf\. : Yes/);
  assert.match(text, /Stateful other conf\. : Yes/);
  assert.match(text, /Router lifetime : 2700 /);
  assert.match(text, /MTU : 1492 /);
  assert.match(text, /Prefix : fc00:aaaa:1::\/64\n\s*On-link : Yes\n\s*Autonomous address conf\.: No/);
  assert.match(text, /Recursive DNS server : fc00:aaaa:1::1\n/);
  assert.match(text, /DNS search list : alpha\.example/);
}

async function assertTaken(ground: Ground): Promise<void> {
  const taken = await until(ground, "there is a default route", (text) => /^default via fe80::\S+ proto ra/m.test(text));
  assert.match(taken, /^default .* mtu 1492/m);
  assert.match(taken, /^fc00:aaaa:1::\/64 proto (kernel|ra)/m);
  const { stdout } = await ground.run("h1", ["ip", "-6", "address", "show", "dev", "lan", "scope", "global"]);
  assert.is(stdout, "", "nobody makes an address for himself");
}

if (havePeers("root", "ip", "rdisc6")) {
  test("a box with DHCPv6 and names: the host knows its router, the MTU, what is on the link, and where to ask", () =>
    inWorld(async (ground) => {
      const settled: Settled = { site: ALPHA, ulid: address("fc00:aaaa:1::10") };
      host.files.makeDirectory(`${stateDirectory(ground.directory, ALPHA)}/state`, 0o700);
      const text = siteYaml(ALPHA, ground.directory, [], [])
        .replace("lan: {", "lan: { advertise: true,")
        .concat('dhcp: { dns: ["fc00:aaaa:1::1"], search: ["alpha.example"] }\n');
      host.files.writeText(siteFile(ground.directory, ALPHA), text);
      const said: string[] = [];
      const box = await startBox(host, ground, settled, ownRuntime(), (_, line) => said.push(line));
      await assertTaken(ground);
      assertSaid(await discovered(ground));
      const counters = await box.counters();
      assert.ok((counters?.["in-router-solicitation"] ?? 0) > 0 && (counters?.["out-router-advertisement"] ?? 0) > 1, said.join("\n"));
      assert.is(await box.stop(), 0);
      await until(ground, "the router is gone", (now) => !now.includes("default"));
    }));
}

if (havePeers("root", "ip", "rdisc6", "radvd")) {
  test("radvd with the documented settings says the same", () =>
    inWorld(async (ground) => {
      const [, settings] = /```\n(interface lan[\s\S]*?)```/.exec(readFileSync(DOCUMENT, "utf8")) ?? [];
      const file = `${ground.directory}/radvd.conf`;
      host.files.writeText(file, settings);
      const tested = await ground.run("boxA", ["radvd", "--configtest", `--config=${file}`]);
      assert.is(tested.code, 0, tested.stdout + tested.stderr);
      const words = ["radvd", "--nodaemon", `--config=${file}`, `--pidfile=${ground.directory}/radvd.pid`, "--logmethod=stderr"];
      const complaints: string[] = [];
      const radvd = await ground.spawn("boxA", words, { line: () => undefined, complaint: (line) => complaints.push(line) });
      await assertTaken(ground);
      assertSaid(await discovered(ground));
      host.processes.kill(radvd.pid, "SIGTERM");
      await until(ground, "the router is gone", (now) => !now.includes("default"));
    }));
}

test.run();
