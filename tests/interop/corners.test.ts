/**
 * The corners of the data plane with real kernels: large pings and datagrams, fragments, odd protocols, extension headers, errors and
 * traceroute, and lines that carry less than the others, with and without routers that say so. Line `isp1` is the one that shrinks:
 *
 *  h1 ── boxA ══ isp1 ═1400═╗                 ╔══ isp3 ══ boxB ── h2
 *             ══ isp2 ══════╩══ internet ═════╝
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Box, startBoxes } from "../../runtime/lab/boxes.ts";
import { breakGround, type Ground } from "../../runtime/lab/ground.ts";
import { startTraffic } from "../../runtime/lab/traffic.ts";
import { ALPHA, BETA, LAN_MTU, twoSites } from "../../runtime/lab/world.ts";
import type { Child } from "../../runtime/port/process.ts";
import { ownRuntime, PROJECT, testHost } from "../lib/labhost.ts";
import { havePeers } from "../lib/peers.ts";

const host = await testHost("dist/pshim6.mjs");
const HELPER = `${PROJECT}/tests/lib/corners.py`;
const PORT = "7007";
const CLOSED = "7008";
const ROUTERS = ["isp1", "isp2", "isp3", "internet", "boxA", "boxB"];

interface Lab {
  readonly ground: Ground;
  readonly boxes: readonly [Box, Box];
  readonly said: string[];
  /** Runs the helper at a node. @returns what it printed; an exit code ≠ 0 fails the test */
  at(node: string, ...words: string[]): Promise<string>;
  sum(counter: string): Promise<number>;
}

async function until(what: string, done: () => Promise<boolean> | boolean): Promise<void> {
  for (let waited = 0; !(await done()); waited += 50) {
    if (waited > 30_000) throw new Error(`waited 30 s until ${what}`);
    await host.sleep(50);
  }
}

async function start(ground: Ground, node: string, ...words: string[]): Promise<Child> {
  let ready = false;
  const child = await ground.spawn(node, ["python3", HELPER, ...words], {
    line: () => {
      ready = true;
    },
    complaint: (text) => console.error(`${node}: ${text}`),
  });
  await until(`${words.join(" ")} at ${node} is ready`, () => ready);
  return child;
}

/** A lab with both boxes; `prepare` runs before they start. */
async function withLab(
  run: (lab: Lab) => Promise<void>,
  prepare: (ground: Ground) => Promise<void> = async () => undefined,
): Promise<void> {
  const ground = await breakGround(host, 0);
  const said: string[] = [];
  try {
    await ground.raise(twoSites());
    // One error a second for a whole host is too few for traceroute.
    for (const node of ROUTERS) await ground.run(node, ["sh", "-c", "echo 0 > /proc/sys/net/ipv6/icmp/ratelimit"]);
    await prepare(ground);
    const runtimes = [ownRuntime(), ownRuntime()] as const;
    const boxes = await startBoxes(host, ground, { runtimes, log: (box, text) => said.push(`${box}: ${text}`) });
    for (const node of ["h1", "h2"]) await start(ground, node, "echo", PORT);
    const lab: Lab = {
      ground,
      boxes,
      said,
      async at(node, ...words) {
        const { code, stdout, stderr } = await ground.run(node, ["python3", HELPER, ...words], 60_000);
        const counters = code === 0 ? [] : await Promise.all(boxes.map((box) => box.counters()));
        const shown = counters.map((each) => Object.entries(each ?? {}).filter(([name, n]) => n > 0 && !name.startsWith("held")));
        assert.is(code, 0, `${node}: ${words.join(" ")}: ${stdout}${stderr}\n${said.slice(-20).join("\n")}\n${JSON.stringify(shown)}`);
        return stdout.trim();
      },
      async sum(counter) {
        const counted = await Promise.all(boxes.map((box) => box.counters()));
        return counted.reduce((total, each) => total + (each?.[counter] ?? 0), 0);
      },
    };
    await run(lab);
    assert.equal(
      said.filter((line) => /error|at .*\.ts/i.test(line)),
      [],
    );
  } finally {
    await ground.raze();
  }
}

const shrink = (mtu: number) => async (ground: Ground) => {
  await ground.ip("isp1", `link set dev core mtu ${mtu}\n`);
  await ground.ip("internet", `link set dev isp1 mtu ${mtu}\n`);
};

/** Routers whose errors never reach a site: what they make themselves finds no way there. */
const silence = async (ground: Ground) => {
  for (const node of ["isp1", "isp3", "internet"])
    for (const { prefix } of [...ALPHA.providers, ...BETA.providers])
      await ground.ip(node, `rule add pref 50 iif lo to ${prefix.base}/${prefix.length} blackhole\n`);
};

async function throughTcp({ ground, boxes }: Lab, octets: number): Promise<void> {
  for (const [from, to, box] of [
    ["h1", "h2", boxes[1]],
    ["h2", "h1", boxes[0]],
  ] as const) {
    const traffic = await startTraffic(host, ground, { from, to, address: box.ulid, runtime: ownRuntime() });
    let broken = "";
    traffic.broken.then((why) => {
      broken = why;
    });
    await until(`${octets} octets from ${from} have arrived`, () => {
      assert.is(broken, "");
      return traffic.octets > octets;
    });
    await traffic.stop();
  }
}

if (havePeers("root", "ip", "python3")) {
  test("large pings, datagrams and odd protocols, both ways, in fragments where need be", () =>
    withLab(async (lab) => {
      const [a, b] = lab.boxes;
      for (const [node, peer] of [
        ["h1", b.ulid],
        ["h2", a.ulid],
      ]) {
        for (const octets of ["0", "56", "1444", "1445", "4000", "20000"]) await lab.at(node, "ping", peer, octets);
        for (const octets of ["1", "1444", "1445", "3000", "30000"]) await lab.at(node, "udp", peer, PORT, octets);
        assert.is(
          await lab.at(node, "options", peer, PORT),
          "hop-by-hop-100-ok hop-by-hop-3000-ok destination-100-ok destination-3000-ok both-100-ok both-3000-ok",
        );
      }
      // ESP, something under the number of AH, GRE, HIP, an experiment.
      for (const protocol of ["50", "51", "47", "139", "253"]) {
        const sink = await start(lab.ground, "h2", "sink", protocol);
        for (const octets of ["40", "1400", "3000"]) await lab.at("h1", "raw", b.ulid, protocol, octets);
        host.processes.kill(sink.pid, "SIGTERM");
      }
    }));

  test("errors of hosts pass as they are; traceroute shows box, provider, internet, and who answers", () =>
    withLab(async (lab) => {
      const [a, b] = lab.boxes;
      assert.is(await lab.at("h1", "refused", b.ulid, CLOSED), "refused");
      assert.is(await lab.at("h2", "refused", a.ulid, CLOSED), "refused");
      const isp1 = ALPHA.providers[0];
      const hops = (await lab.at("h1", "trace", b.ulid)).split(" ");
      assert.is(hops[0], ALPHA.lanAddress, hops.join(" "));
      assert.is(hops[1], isp1.address, hops.join(" "));
      assert.is(hops[2], isp1.gateway, hops.join(" "));
      assert.equal(hops.slice(-2), [b.ulid, "end"], hops.join(" "));
      assert.is(hops.length, 9, hops.join(" "));
      // What box B says behind the shim comes from an address without a context: it goes in the host's name.
      assert.is(hops[6], b.ulid, hops.join(" "));
      const back = (await lab.at("h2", "trace", a.ulid)).split(" ");
      assert.equal(back.slice(-2), [a.ulid, "end"], back.join(" "));
      assert.is(await lab.sum("in-doubt-icmp6"), 0, "a traceroute is no failure");
    }));

  test("a line of 1400: hosts are told 1392, TCP needs no telling, what moves to another line is larger again", () =>
    withLab(async (lab) => {
      const [, b] = lab.boxes;
      await throughTcp(lab, 3_000_000);
      const [first] = (await lab.boxes[0].contexts()) ?? [];
      assert.ok(first !== undefined);
      assert.is(await lab.at("h1", "df", b.ulid, PORT, "1300"), `mtu ${LAN_MTU} passed`);
      assert.match(await lab.at("h1", "df", b.ulid, PORT, "1400"), /^mtu 1392 too-big$/);
      assert.match(await lab.at("h1", "df", b.ulid, PORT, "1344"), /^mtu 1392 passed$/);
      await lab.at("h1", "udp", b.ulid, PORT, "5000");
      await lab.at("h2", "udp", lab.boxes[0].ulid, PORT, "5000");
      assert.ok((await lab.sum("in-path-mtu")) >= 1);
      assert.is(await lab.sum("in-doubt-icmp6"), 0);
    }, shrink(1400)));

  test("a line of 1280: what hosts will not make smaller is cut for them, fragments too", () =>
    withLab(async (lab) => {
      const [a, b] = lab.boxes;
      await throughTcp(lab, 1_000_000);
      for (const [node, peer] of [
        ["h1", b.ulid],
        ["h2", a.ulid],
      ]) {
        for (const octets of ["1224", "1225", "1232", "1233", "4000", "20000"]) await lab.at(node, "udp", peer, PORT, octets);
        for (const octets of ["1225", "1232", "6000"]) await lab.at(node, "ping", peer, octets);
      }
      assert.ok((await lab.sum("out-fragment")) >= 4);
      assert.is(await lab.sum("drop-fragment-limit"), 0);
    }, shrink(1280)));

  test("a line of 1400 whose routers are silent: found out, and worked around", () =>
    withLab(
      async (lab) => {
        const [a, b] = lab.boxes;
        await lab.at("h1", "udp", b.ulid, PORT, "100");
        const probed = async () => (await lab.sum("out-path-probe")) >= 4;
        await until("both boxes look for what passes", async () => {
          await lab.at("h1", "udp", b.ulid, PORT, "100");
          return probed();
        });
        await until("large datagrams pass", async () => {
          const { stdout } = await lab.ground.run("h1", ["python3", HELPER, "udp", b.ulid, PORT, "5000"], 20_000);
          return stdout.startsWith("tries ") && stdout.trim() !== "tries 0";
        });
        await throughTcp(lab, 1_000_000);
        await lab.at("h2", "udp", a.ulid, PORT, "5000");
        assert.is(await lab.sum("in-path-mtu"), 0, "nobody told");
      },
      async (ground) => {
        await shrink(1400)(ground);
        await silence(ground);
      },
    ));
}

test.run();
