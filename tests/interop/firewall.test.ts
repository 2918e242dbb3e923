/**
 * The filter on ULIDs in a real kernel, between two running boxes:
 *
 *  h1 ── boxA ══ isp1 ══╗                 ╔══ isp3 ══ boxB ── h2
 *             ══ isp2 ══╩══ internet ═════╝
 *
 * Box B has simple security and one rule; a flow that it knows outlives the provider that it began on.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { FirewallRow } from "../../runtime/api/rows.ts";
import { startBoxes } from "../../runtime/lab/boxes.ts";
import { breakGround, type Ground } from "../../runtime/lab/ground.ts";
import { controlSocket, siteFile } from "../../runtime/lab/site.ts";
import { startTraffic } from "../../runtime/lab/traffic.ts";
import { ALPHA, BETA, twoSites } from "../../runtime/lab/world.ts";
import { ownRuntime, testHost } from "../lib/labhost.ts";
import { havePeers } from "../lib/peers.ts";

const host = await testHost("dist/pshim6.mjs");
const PROGRAM = host.selfCommand(ownRuntime()).argv;

const FILTER = `firewall:
  rules:
    - { name: stream, ports: [5001], action: accept }
`;

/** What a connection attempt in `node` came to, by the shell's own word. */
async function connect(ground: Ground, node: string, address: string, port: number): Promise<string> {
  const script = `import socket, sys
s = socket.socket(socket.AF_INET6); s.settimeout(4)
try:
    s.connect((${JSON.stringify(address)}, ${port})); print("connected")
except TimeoutError: print("silence")
except OSError as e: print(e.strerror)`;
  return (await ground.run(node, ["python3", "-c", script])).stdout.trim();
}

async function counters(ground: Ground): Promise<Map<string, number>> {
  const answer = await host.http.request(controlSocket(ground.directory, BETA), new Request("http://box/firewall"));
  const { items }: { items: FirewallRow[] } = await answer.json();
  return new Map(items.map(({ name, packets }) => [name, packets]));
}

async function flows(traffic: { readonly octets: number }): Promise<void> {
  const before = traffic.octets;
  for (let waited = 0; traffic.octets < before + 1_000_000; waited += 50) {
    if (waited > 30_000) throw new Error("waited 30 s for the stream");
    await host.sleep(50);
  }
}

if (havePeers("root", "ip", "nft", "python3")) {
  test("what peers begin passes by rule only, what hosts begin passes, and a known flow is re-homed", async () => {
    const ground = await breakGround(host, 0);
    try {
      await ground.raise(twoSites());
      const [a, b] = await startBoxes(host, ground, { runtimes: [ownRuntime(), ownRuntime()], log: () => undefined });
      const file = siteFile(ground.directory, BETA);
      const before = host.files.readText(file) ?? "";
      host.files.writeText(file, before + FILTER);
      const reload = () => ground.run("boxB", [...PROGRAM, "reload", "-c", file]);
      assert.match((await reload()).stdout, /firewall/);

      assert.is(await connect(ground, "h1", b.ulid, 22), "Permission denied", "told at once: administratively prohibited");
      assert.is(await connect(ground, "h2", a.ulid, 22), "Connection refused", "h1 itself answers what h2 begins");
      const counted = await counters(ground);
      assert.is(counted.get("default-inward"), 1);
      assert.is(counted.get("spoofed-in"), 0);

      const traffic = await startTraffic(host, ground, { from: "h1", to: "h2", address: b.ulid, runtime: ownRuntime() });
      await flows(traffic);
      // Silent death of the provider that carries: the flow's state is about ULIDs and stays.
      await ground.ip("isp1", "rule add pref 1 blackhole\n");
      await flows(traffic);
      // A reload with another rule replaces the table; the kernel knows the flow on.
      host.files.writeText(file, `${before}firewall: { rules: [{ name: other, ports: [9], action: accept }] }\n`);
      await reload();
      await flows(traffic);
      assert.is((await counters(ground)).get("rule-stream"), undefined);
      const end = await traffic.stop();
      assert.ok(end.contentOk, end.why);
      assert.is(await connect(ground, "h1", b.ulid, 5001), "Permission denied", "the rule is gone");
      await Promise.all([a.stop(), b.stop()]);
      assert.is((await ground.run("boxB", ["nft", "list", "tables"])).stdout, "");
    } finally {
      await ground.raze();
    }
  });

  test("without the program nft a box with a filter refuses to start, and says why", async () => {
    const ground = await breakGround(host, 1);
    try {
      await ground.raise(twoSites());
      const [a, b] = await startBoxes(host, ground, { runtimes: [ownRuntime(), ownRuntime()], log: () => undefined });
      await Promise.all([a.stop(), b.stop()]);
      const file = siteFile(ground.directory, ALPHA);
      host.files.writeText(file, `${host.files.readText(file)}firewall: { simple: true }\n`);
      const directory = `${ground.directory}/bin`;
      host.files.makeDirectory(directory);
      const which = async (name: string) => (await host.processes.which(name)) ?? name;
      const programs = ["ip", "sh"];
      for (const name of programs) await ground.run("boxA", ["ln", "-s", await which(name), `${directory}/${name}`]);
      const done = await ground.run("boxA", ["env", `PATH=${directory}`, ...PROGRAM, "run", "-c", file]);
      assert.is(done.code, 1);
      assert.match(done.stderr, /asks for a firewall and there is no program nft: install nftables/);
    } finally {
      await ground.raze();
    }
  });
}

test.run();
