/**
 * Rules about ports between the same two hosts, in real namespaces: UDP 5060 by isp2, a TCP stream by isp1, as tcpdump sees them on the
 * cables to the providers. Then isp2 dies.
 *
 *  h1 ── boxA ══ isp1 ══╗                 ╔══ isp3 ══ boxB ── h2
 *             ══ isp2 ══╩══ internet ═════╝
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { siteFile } from "../../runtime/lab/site.ts";
import { ALPHA, BETA, type Site } from "../../runtime/lab/world.ts";
import { PROTOCOL_SHIM6 } from "../../runtime/wire/index.ts";
import { ownRuntime } from "../lib/labhost.ts";
import { inNeighbourhood, type Neighbourhood, rows } from "../lib/neighbours.ts";
import { readIpv6 } from "../lib/pcap.ts";
import { havePeers } from "../lib/peers.ts";
import { startStreams } from "../lib/streams.ts";

const TCP = 6;
const UDP = 17;
const VOICE = "5060";
const settings = (text: string, site: Site): string =>
  site !== ALPHA
    ? text
    : `${text.replace("idle: 3s", "idle: 10m")}policy:\n  - { name: voice, protocols: [udp], ports: [${VOICE}, "10000-20000"], prefer: [isp2] }\n`;

/** Payload packets by transport that leave box A for each provider while `run` lasts. */
async function seen({ host, ground, until }: Neighbourhood, run: () => Promise<void>): Promise<Record<string, number>> {
  const captures = await Promise.all(
    ALPHA.providers.map(async ({ interface: device }) => {
      const file = `${ground.directory}/${device}.pcap`;
      let ready = false;
      const complaint = (text: string) => {
        ready ||= text.includes("listening on");
      };
      const child = await ground.spawn(
        "boxA",
        ["tcpdump", "-Z", "root", "-U", "--immediate-mode", "-Q", "out", "-B", "4096", "-i", device, "-w", file, "ip6"],
        {
          line: () => undefined,
          complaint,
        },
      );
      await until(`tcpdump listens on ${device}`, () => ready);
      return { device, file, child };
    }),
  );
  await run();
  const counted: Record<string, number> = {};
  for (const { device, file, child } of captures) {
    host.processes.kill(child.pid, "SIGINT");
    await child.ended;
    for (const packet of readIpv6(file)) {
      if (packet[6] !== PROTOCOL_SHIM6 || (packet[42] & 0x80) === 0) continue;
      const transport = packet[40] === TCP ? "tcp" : packet[40] === UDP ? "udp" : "other";
      counted[`${device} ${transport}`] = (counted[`${device} ${transport}`] ?? 0) + 1;
    }
  }
  return counted;
}

if (havePeers("root", "ip", "tcpdump", "python3")) {
  test("voice by isp2 and the rest by isp1 between the same two hosts; isp2 dies, voice moves and the stream does not notice", () =>
    inNeighbourhood({ sites: [ALPHA, BETA], settings }, async (world) => {
      const { host, ground, boxes, until, said } = world;
      const [boxA, boxB] = boxes;
      const carrierOf = async (rule: string | null) => (await rows(boxA)).find((row) => row.rule === rule)?.localProvider;
      const echo = await world.serve("h2", "echo", VOICE);
      const call = () => world.corner("h1", "udp", boxB.ulid, VOICE, "172", "20");
      const streams = await startStreams(host, ground, "h1", "h2", boxB.ulid, 2);
      await until("voice has a context of its own", async () => (await call()).code === 0 && (await carrierOf("voice")) === "isp2");
      const web = (await rows(boxA)).find((row) => row.fork === 0) ?? assert.unreachable();
      assert.is(web?.localProvider, "isp1");

      const before = streams.latest?.least ?? 0;
      const carried = await seen(world, async () => {
        assert.is((await call()).code, 0);
        await until("the streams go on", () => (streams.latest?.least ?? 0) > before + 20);
      });
      assert.equal(Object.keys(carried).sort(), ["up1 tcp", "up2 udp"], JSON.stringify(carried));
      assert.ok(carried["up2 udp"] >= 20 && carried["up1 tcp"] >= 20, JSON.stringify(carried));

      const shown = await host.processes.run(
        [...host.selfCommand(ownRuntime()).argv, "show", "contexts", "-o", "tsv", "-c", siteFile(ground.directory, ALPHA)],
        { timeout: 30_000 },
      );
      assert.is(shown.code, 0, shown.stderr);
      assert.is(shown.stdout.trim().split("\n").length, 3, shown.stdout);

      await ground.ip("isp2", "route add blackhole default metric 1\nroute add blackhole 2001:db8:a2::/48 metric 1\n");
      await until("voice goes by isp1", async () => (await call()).code === 0 && (await carrierOf("voice")) === "isp1");
      assert.is(await carrierOf(null), "isp1");
      assert.equal(
        said.filter((line) => line.startsWith("boxA") && line.includes(`context ${web?.id}: `)),
        [],
        "the context of the streams has not moved, and not explored",
      );
      const report = await streams.stop();
      assert.equal(report.broken, []);
      host.processes.kill(echo.pid, "SIGTERM");
    }));
}

test.run();
