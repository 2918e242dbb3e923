/**
 * The lab's world without boxes, on the kernel alone:
 *
 *  h1 ── boxA ══ isp1 ══╗                 ╔══ isp3 ══ boxB ── h2
 *             ══ isp2 ══╩══ internet ═════╝
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { DIES, RETURNS } from "../../runtime/lab/events.ts";
import { breakGround, type Ground, LABS_DIRECTORY, sweep } from "../../runtime/lab/ground.ts";
import { settleLines } from "../../runtime/lab/raise.ts";
import { STREAM_PORT } from "../../runtime/lab/verb.ts";
import { twoSites } from "../../runtime/lab/world.ts";
import { commandOf, ownRuntime, testHost } from "../lib/labhost.ts";
import { havePeers } from "../lib/peers.ts";

const host = await testHost();
let serial = 0;

/** h1 and h2 get addresses out of provider prefixes; the boxes are plain routers. */
const FROM_ISP1 = "2001:db8:a1::10";
const FROM_ISP2 = "2001:db8:a2::10";
const FAR = "2001:db8:b3::10";

async function plainWorld(): Promise<Ground> {
  const ground = await breakGround(host, serial++);
  await ground.raise(twoSites());
  const routes = (subnets: string[], gateways: [string, string, string][]) =>
    [
      ...subnets.map((subnet) => `address add ${subnet.replace("/64", "1/64")} dev lan nodad`),
      ...gateways.map(([table, via, dev]) => `route add default via ${via} dev ${dev} table ${table}`),
    ].join("\n");
  await ground.ip(
    "boxA",
    `${routes(
      ["2001:db8:a1::/64", "2001:db8:a2::/64"],
      [
        ["101", "2001:db8:f1::1", "up1"],
        ["102", "2001:db8:f2::1", "up2"],
      ],
    )}\nrule add pref 10 from 2001:db8:a1::/48 iif lan lookup 101\nrule add pref 11 from 2001:db8:a2::/48 iif lan lookup 102\n`,
  );
  await ground.ip("boxB", `${routes(["2001:db8:b3::/64"], [["main", "2001:db8:f3::1", "up3"]])}\n`);
  await ground.ip("h1", settleLines(FROM_ISP1, "2001:db8:a1::1"));
  await ground.ip("h1", `address add ${FROM_ISP2}/64 dev lan nodad preferred_lft 0\n`);
  await ground.ip("h2", settleLines(FAR, "2001:db8:b3::1"));
  return ground;
}

async function reaches(ground: Ground, node: string, from: string, to: string): Promise<boolean> {
  const { code } = await ground.run(node, [...host.selfCommand(ownRuntime()).argv, "reach", from, to]);
  return code === 0;
}

if (havePeers("root", "ip")) {
  test("both providers carry, each its own prefix", async () => {
    const ground = await plainWorld();
    try {
      assert.is(await reaches(ground, "h1", FROM_ISP1, FAR), true);
      assert.is(await reaches(ground, "h1", FROM_ISP2, FAR), true);
      // The box is made to send isp2's prefix to isp1: the filter is the provider's, not the box's.
      await ground.ip("boxA", "rule add pref 5 from 2001:db8:a2::/48 iif lan lookup 101\n");
      assert.is(await reaches(ground, "h1", FROM_ISP2, FAR), false, "isp1 passed a foreign source on");
      assert.is(await reaches(ground, "h1", FROM_ISP1, FAR), true);
      // Nor does a ULID leave, whoever sends it.
      await ground.ip("boxA", "address add fc00:aaaa:1::99/128 dev lo nodad\nroute add default via 2001:db8:f1::1 dev up1\n");
      assert.is(await reaches(ground, "boxA", "fc00:aaaa:1::99", "2001:db8:e1::1"), false);
      await ground.ip("boxA", "address add 2001:db8:a1::99/128 dev lo nodad\n");
      assert.is(await reaches(ground, "boxA", "2001:db8:a1::99", "2001:db8:e1::1"), true, "the same way with a locator");
    } finally {
      await ground.raze();
    }
  });

  test("a dead provider keeps its links up and carries nothing, in both directions", async () => {
    const ground = await plainWorld();
    try {
      await ground.ip("isp1", DIES);
      assert.is(await reaches(ground, "h1", FROM_ISP1, FAR), false);
      assert.is(await reaches(ground, "h2", FAR, FROM_ISP1), false);
      assert.is(await reaches(ground, "h1", FROM_ISP2, FAR), true, "the other provider lives");
      assert.is(await reaches(ground, "boxA", "2001:db8:f1::2", "2001:db8:f1::1"), true, "the gateway itself still answers");
      await ground.ip("isp1", RETURNS);
      assert.is(await reaches(ground, "h1", FROM_ISP1, FAR), true);
    } finally {
      await ground.raze();
    }
  });

  test("the stream is checked octet by octet and its longest gap is the outage", async () => {
    const ground = await plainWorld();
    try {
      const self = host.selfCommand(ownRuntime()).argv;
      const sink: string[] = [];
      const server = await ground.spawn("h2", [...self, "lab-stream", "--serve", FAR], {
        line: (text) => sink.push(text),
        complaint: (text) => sink.push(text),
      });
      await until(() => sink.length > 0);
      assert.equal(JSON.parse(sink[0]), { listening: STREAM_PORT });
      const source: string[] = [];
      const client = await ground.spawn("h1", [...self, "lab-stream", "--connect", FAR], {
        line: (text) => source.push(text),
        complaint: (text) => source.push(text),
      });
      await until(() => sink.length > 10);
      await ground.ip("isp1", DIES);
      await host.sleep(500);
      await ground.ip("isp1", RETURNS);
      const seen = sink.length;
      const octets = JSON.parse(sink[seen - 1]).octets;
      await until(() => JSON.parse(sink[sink.length - 1]).octets > octets + 100_000);
      client.hush();
      assert.is(await client.ended, 0);
      server.hush();
      assert.is(await server.ended, 0);
      const end = JSON.parse(source[source.length - 1]);
      assert.is(end.ok, true);
      assert.is(end.sent, end.confirmed);
      const last = JSON.parse(sink[sink.length - 1]);
      assert.equal(last, { done: true, octets: end.sent, wrong: 0 });
      const longest = Math.max(...sink.slice(1, -1).map((line) => JSON.parse(line).gap));
      assert.ok(longest >= 450, `an outage of 500 ms, a gap of ${longest}`);
    } finally {
      await ground.raze();
    }
  });

  test("what a killed lab leaves is removed by the next one, and living labs are not touched", async () => {
    const living = await breakGround(host, serial++);
    await living.raise(twoSites());
    try {
      const [program, ...flags] = commandOf("node", "tests/lib/labvictim.ts").argv;
      const lines: string[] = [];
      const victim = host.processes.spawn([program, ...flags], { line: (text) => lines.push(text), complaint: (text) => lines.push(text) });
      await until(() => lines.length > 0);
      const { id, child } = JSON.parse(lines[0]);
      host.processes.kill(victim.pid, "SIGKILL");
      await victim.ended;
      assert.is(host.processes.kill(child, "SIGTERM"), true, "its process outlived it (and takes no notice of SIGTERM)");
      const swept = await sweep(host);
      assert.ok(swept.includes(id) && !swept.includes(living.id), `swept ${swept}`);
      assert.not(host.files.list("/run/netns")?.some((name) => name.includes(id)));
      assert.not(host.files.list(LABS_DIRECTORY)?.includes(id));
      await until(
        () => host.files.readText(`/proc/${child}/cmdline`) === undefined || host.files.readText(`/proc/${child}/cmdline`) === "",
      );
      assert.is((await living.run("h1", ["true"])).code, 0);
    } finally {
      await living.raze();
    }
    assert.not(host.files.list("/run/netns")?.some((name) => name.includes(`-${host.processes.pid}-`)));
  });
}

async function until(done: () => boolean): Promise<void> {
  for (let waited = 0; !done(); waited += 10) {
    if (waited > 15_000) throw new Error(`waited 15 s for ${done}`);
    await host.sleep(10);
  }
}

test.run();
