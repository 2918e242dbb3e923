/**
 * Providers that are drained, that change their prefixes, and one that is replaced by another, while TCP streams run, in real namespaces:
 *
 *  h1 ── boxA ══ isp1 ══╗                 ╔══ isp3 ══ boxB ── h2
 *             ══ isp2 ══╬══ internet ═════╝
 *             ══ isp4 ══╝
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ProviderRow } from "../../runtime/api/rows.ts";
import { type Box, startBox, startBoxes } from "../../runtime/lab/boxes.ts";
import { breakGround, type Ground } from "../../runtime/lab/ground.ts";
import { controlSocket, siteFile } from "../../runtime/lab/site.ts";
import { ALPHA, twoSites, type World } from "../../runtime/lab/world.ts";
import { parseAddress } from "../../runtime/value/address.ts";
import { contains, prefix, withPrefix } from "../../runtime/value/prefix.ts";
import { ownRuntime, testHost } from "../lib/labhost.ts";
import { havePeers } from "../lib/peers.ts";
import { type Streams, startStreams } from "../lib/streams.ts";

const host = await testHost("dist/pshim6.mjs");
const PROGRAM = host.selfCommand(ownRuntime()).argv;
const STREAMS = 100;
const [A1, A2, A4, A7] = ["2001:db8:a1::/48", "2001:db8:a2::/48", "2001:db8:a4::/48", "2001:db8:a7::/48"].map(prefix);
const NAMES = new Map([
  ["isp1", A1],
  ["isp2", A2],
  ["isp4", A4],
  ["isp1 anew", A7],
]);
/** For isp2: nothing gets through, in neither direction. */
const DEAD = "route add blackhole default metric 1\nroute add blackhole 2001:db8:a2::/48 metric 1\n";

/** The draft's figure 1, and a third provider before site alpha. */
function withIsp4(): World {
  const { nodes, cables } = twoSites();
  const wire = { mtu: 1500, wire: true } as const;
  return {
    nodes: [
      ...nodes.map((node) =>
        node.name === "internet"
          ? {
              ...node,
              routes: [...node.routes, "2001:db8:a4::/48 via 2001:db8:e4::2 dev isp4", "2001:db8:f4::/64 via 2001:db8:e4::2 dev isp4"],
            }
          : node,
      ),
      {
        name: "isp4",
        forwards: true,
        routes: ["default via 2001:db8:e4::1 dev core", "2001:db8:a4::/48 via 2001:db8:f4::2 dev customer"],
        rules: ["pref 100 from 2001:db8:a4::/48 iif customer lookup main", "pref 101 iif customer blackhole"],
      },
    ],
    cables: [
      ...cables,
      {
        ends: [
          { node: "boxA", as: "up4", address: "2001:db8:f4::2/64" },
          { node: "isp4", as: "customer", address: "2001:db8:f4::1/64" },
        ],
        ...wire,
      },
      {
        ends: [
          { node: "isp4", as: "core", address: "2001:db8:e4::2/64" },
          { node: "internet", as: "isp4", address: "2001:db8:e4::1/64" },
        ],
        ...wire,
      },
    ],
  };
}

interface Scene {
  readonly ground: Ground;
  readonly boxes: [Box, Box];
  readonly streams: Streams;
  readonly file: string;
  readonly said: string[];
  /** Runs `pshim6 …` for box A, which must be content. @returns what it printed */
  verb(...words: readonly string[]): Promise<string>;
  until(what: string, done: () => Promise<boolean> | boolean): Promise<void>;
  /** Every stream gets some blocks through. */
  flows(): Promise<void>;
  /** Providers that the contexts of box A send through, and those that box B sends to. */
  carriers(): Promise<string>;
  providers(): Promise<readonly ProviderRow[]>;
  /** Locators of h1 in the site's zone. */
  zone(): Promise<string[]>;
}

function nameOf(locator: string | undefined): string {
  const value = parseAddress(locator ?? "");
  return [...NAMES].find(([, each]) => value !== undefined && contains(each, value))?.[0] ?? "nobody";
}

async function inScene(change: (yaml: string) => string, use: (scene: Scene) => Promise<void>): Promise<void> {
  const ground = await breakGround(host, 0);
  const said: string[] = [];
  try {
    await ground.raise(withIsp4());
    const boxes = await startBoxes(host, ground, {
      runtimes: [ownRuntime(), ownRuntime()],
      log: (box, text) => said.push(`${box}: ${text}`),
    });
    const file = siteFile(ground.directory, ALPHA);
    assert.is(await boxes[0].stop(), 0);
    const zone = `zone: { name: alpha.example, ttl: 5, listen: ["${ALPHA.lanAddress}"] }\n`;
    const idle = (yaml: string) => yaml.replace("idle: 3s", "idle: 600s");
    host.files.writeText(file, `${change(idle(host.files.readText(file) ?? ""))}${zone}`);
    boxes[0] = await startBox(host, ground, boxes[0], ownRuntime(), (box, text) => said.push(`${box}: ${text}`));
    const streams = await startStreams(host, ground, "h1", "h2", boxes[1].ulid, STREAMS);
    const until = async (what: string, done: () => Promise<boolean> | boolean): Promise<void> => {
      for (let waited = 0; !(await done()); waited += 50) {
        if (waited > 30_000) throw new Error(`waited 30 s until ${what}\n${JSON.stringify(streams.latest)}\n${said.slice(-20).join("\n")}`);
        await host.sleep(50);
      }
    };
    const scene: Scene = {
      ground,
      boxes,
      streams,
      file,
      said,
      until,
      async verb(...words) {
        const { code, stdout, stderr } = await host.processes.run([...PROGRAM, ...words, "-c", file], { timeout: 30_000 });
        assert.is(code, 0, stderr);
        return stdout;
      },
      async flows() {
        const before = streams.latest?.least ?? 0;
        await until("all streams flow", () => (streams.latest?.least ?? 0) >= before + 20);
        assert.equal(streams.latest?.broken, []);
      },
      async carriers() {
        const [ours, theirs] = [await boxes[0].contexts(), await boxes[1].contexts()];
        const names = [...(ours ?? []).map((row) => row.localLocator), ...(theirs ?? []).map((row) => row.peerLocator)].map(nameOf);
        return [...new Set(names)].sort().join(" ");
      },
      async providers() {
        const answer = await host.http.request(controlSocket(ground.directory, ALPHA), new Request("http://box/providers"));
        return (await answer.json()).items;
      },
      async zone() {
        const { stdout } = await ground.run("h1", ["dig", "+short", "+norec", `@${ALPHA.lanAddress}`, "h1.alpha.example", "AAAA"]);
        return stdout
          .split("\n")
          .filter((line) => line !== "" && !line.startsWith("fc"))
          .map(nameOf)
          .sort();
      },
    };
    await use(scene);
    const end = await streams.stop();
    assert.equal(end.broken, []);
    for (const box of boxes) assert.is(await box.stop(), 0);
    assert.equal(
      said.filter((line) => /at .*\.ts/i.test(line)),
      [],
    );
  } finally {
    await ground.raze();
  }
}

/** Addresses of h1 as the kernel shows them. */
const addresses = async (ground: Ground) => (await ground.run("h1", ["ip", "-6", "-br", "address", "show", "scope", "global"])).stdout;

if (havePeers("root", "ip", "python3", "dig")) {
  test("a provider is drained: both directions leave it, the zone too, nothing stands still; restored, nothing moves at once", () =>
    inScene(
      (yaml) => yaml,
      async ({ boxes, verb, until, flows, carriers, providers, zone, streams }) => {
        await flows();
        assert.is(await carriers(), "isp1");
        await until("the zone has both", async () => (await zone()).join(" ") === "isp1 isp2");
        assert.match(await verb("provider", "drain", "isp1"), /^provider isp1 is drained$/m);
        await until("all have left isp1", async () => (await carriers()) === "isp2");
        await flows();
        console.log(`drained: the longest silence of ${STREAMS} streams was ${streams.latest?.longest} ms`);
        assert.is((await boxes[0].counters())?.["out-Probe"] ?? 0, 0, "nobody explored");
        await until("the zone has isp2 alone", async () => (await zone()).join(" ") === "isp2");
        assert.equal(
          (await providers()).map(({ name, state, drained, contexts }) => [name, state, drained, contexts]),
          [
            ["isp1", "up", true, 0],
            ["isp2", "up", false, 1],
          ],
        );
        await verb("reload");
        assert.is((await providers())[0].drained, true, "a reload changes nothing of it");
        assert.match(await verb("provider", "restore", "isp1"), /is used again/);
        await flows();
        assert.is(await carriers(), "isp2");
        assert.is((await providers())[0].drained, false);
        await until("the zone has both again", async () => (await zone()).join(" ") === "isp1 isp2");
      },
    ));

  test("a provider's prefix comes, changes and lasts over a restart", () =>
    inScene(
      (yaml) => yaml.replace('"2001:db8:a1::/48"', "auto"),
      async ({ ground, boxes, file, said, verb, until, flows, carriers, providers, zone, streams }) => {
        await flows();
        assert.is(await carriers(), "isp2");
        assert.is((await providers())[0].state, "waiting");
        assert.ok(said.some((line) => /without a prefix yet/.test(line)));
        await verb("provider", "set-prefix", "isp1", "2001:db8:a1::/48", "--valid", "3600");
        await until("box B knows", async () => ((await boxes[0].counters())?.["in-acknowledged-update"] ?? 0) > 0);
        await ground.ip("isp2", DEAD);
        await until("isp1 carries", async () => (await carriers()) === "isp1");
        await flows();

        // The provider gives another prefix: the old one is gone at once.
        await ground.ip("isp2", DEAD.replaceAll("add", "delete"));
        await ground.ip(
          "isp1",
          "route add 2001:db8:a7::/48 via 2001:db8:f1::2 dev customer\nrule add pref 99 from 2001:db8:a7::/48 iif customer lookup main\n",
        );
        await ground.ip("internet", "route add 2001:db8:a7::/48 via 2001:db8:e1::2 dev isp1\n");
        const began = host.clock.now();
        const said7 = await verb("provider", "set-prefix", "isp1", "2001:db8:a7::/48", "--valid", "3600");
        assert.match(said7, /provider isp1: prefix 2001:db8:a1::\/48 → 2001:db8:a7::\/48/);
        await ground.ip("isp1", "route replace blackhole 2001:db8:a1::/48\n");
        await until("nobody is on the old prefix", async () => !(await carriers()).split(" ").includes("isp1"));
        await until("the zone has the new one", async () => (await zone()).join(" ") === "isp1 anew isp2");
        console.log(
          `another prefix: ${Math.round(host.clock.now() - began)} ms until contexts, routes and zone had followed, asked every 50 ms`,
        );
        await flows();
        console.log(`the longest silence of ${STREAMS} streams was ${streams.latest?.longest} ms`);
        await until("box B knows", async () => ((await boxes[0].counters())?.["in-acknowledged-update"] ?? 0) > 1);
        await ground.ip("isp2", DEAD);
        await until("isp1 carries with its new prefix", async () => (await carriers()) === "isp1 anew");
        await flows();
        await ground.ip("isp2", DEAD.replaceAll("add", "delete"));

        const refused = await host.processes.run([...PROGRAM, "provider", "set-prefix", "isp1", "2001:db8:a2:5::/64", "-c", file], {
          timeout: 30_000,
        });
        assert.is(refused.code, 1);
        assert.match(refused.stderr, /overlaps the prefix of isp/);
        assert.is((await providers())[0].prefix, "2001:db8:a7::/48");

        assert.is(await boxes[0].stop(), 0);
        boxes[0] = await startBox(host, ground, boxes[0], ownRuntime(), (box, text) => said.push(`${box}: ${text}`));
        const [isp1] = await providers();
        assert.equal([isp1.prefix, isp1.state], ["2001:db8:a7::/48", "up"]);
        assert.ok(isp1.expiresMs !== null && isp1.expiresMs > 0 && isp1.expiresMs < 3_600_000);
        await flows();
      },
    ));

  test("renumbering day: isp4 with another prefix takes the place of isp1; no host notices", () =>
    inScene(
      (yaml) => yaml,
      async ({ ground, boxes, file, verb, until, flows, carriers, zone, streams }) => {
        await flows();
        const before = await addresses(ground);
        assert.is(await carriers(), "isp1");
        await until("the zone has both", async () => (await zone()).join(" ") === "isp1 isp2");
        const yaml = host.files.readText(file) ?? "";
        const isp4 = '  - { name: isp4, prefix: "2001:db8:a4::/48", interface: up4, gateway: "2001:db8:f4::1", priority: 10 }\n';
        host.files.writeText(file, yaml.replace(/^ *- \{ name: isp1,.*\n/m, isp4));
        assert.match(await verb("reload"), /provider isp4 added: 2001:db8:a4::\/48/);
        await until("nobody is on isp1", async () => !(await carriers()).split(" ").includes("isp1"));
        await until("the zone follows", async () => (await zone()).join(" ") === "isp2 isp4");
        await until("box B knows isp4", async () => ((await boxes[0].counters())?.["in-acknowledged-update"] ?? 0) > 0);
        await flows();
        console.log(`renumbered: the longest silence of ${STREAMS} streams was ${streams.latest?.longest} ms`);
        // isp1 ends its service, and isp2 fails on the same day.
        await ground.ip("isp1", "link set dev core down\nlink set dev customer down\n");
        await flows();
        await ground.ip("isp2", DEAD);
        await until("isp4 carries", async () => (await carriers()) === "isp4");
        await flows();
        assert.is(await addresses(ground), before);
        const [own] = (await boxes[0].contexts()) ?? [];
        assert.is(own.localLocator, withPrefix(A4, boxes[0].ulid));
      },
    ));
}

test.run();
