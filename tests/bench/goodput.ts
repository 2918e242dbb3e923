/**
 * Goodput between two sites, TCP from h1 to h2, everything on this machine:
 *
 *  h1 ──(1492)── boxA ══(1500)══ boxB ──(1492)── h2
 *
 * In one run: plain kernel forwarding in the boxes' place, then the boxes under each runtime. Wire packets are at most 1500
 * octets in all of them: on the cable between the boxes gso_max_segs is 1, so that the kernel cuts large frames before
 * they leave, as it must before a real wire; the mean size is counted and printed. The LANs pass large frames in all of them.
 *
 * usage: goodput.ts [--seconds N] [--rounds N] [--runtime node|deno|bun]… [--json]
 */
import { cpus, release } from "node:os";
import process from "node:process";
import { startBoxes } from "../../runtime/lab/boxes.ts";
import { readCounters } from "../../runtime/lab/carrier.ts";
import { breakGround, type Ground, sweep } from "../../runtime/lab/ground.ts";
import type { RuntimeName } from "../../runtime/lab/host.ts";
import { settleLines } from "../../runtime/lab/raise.ts";
import { spread } from "../../runtime/lab/spread.ts";
import { startTraffic } from "../../runtime/lab/traffic.ts";
import { directSites } from "../../runtime/lab/world.ts";
import { testHost } from "../lib/labhost.ts";
import { havePeers } from "../lib/peers.ts";

const PROGRAM = "dist/pshim6.mjs";
const RUNTIMES: readonly RuntimeName[] = ["node", "deno", "bun"];
const PLAIN = { h1: "fc00:aaaa:1::10", h2: "fc00:bbbb:1::10" };
const GIGA = 1e9;

interface Measured {
  readonly gbps: number;
  /** Octets of IPv6 packet per packet on the wire, both directions' acknowledgements left out. */
  readonly wirePacket: number;
  readonly retransmits: number | null;
}

const args = process.argv.slice(2);
const values = (name: string): string[] => args.filter((_, i) => args[i - 1] === name);
const seconds = Number(values("--seconds").at(-1) ?? 5);
const rounds = Number(values("--rounds").at(-1) ?? 1);
const json = args.includes("--json");
const runtimes = values("--runtime").length > 0 ? RUNTIMES.filter((runtime) => values("--runtime").includes(runtime)) : RUNTIMES;

if (!havePeers("root", "ip")) process.exit(0);
const host = await testHost(PROGRAM);
const iperf = (await host.processes.which("iperf3")) !== undefined;
const { world, alpha, beta } = directSites();
let serial = 0;
await sweep(host);

const kernel = await repeat("kernel forwarding", () => onGround(plain));
const boxes = [];
for (const runtime of runtimes) {
  const result = await repeat(`boxes on ${runtime}`, () => onGround((ground) => shimmed(ground, runtime)));
  boxes.push({ runtime, ...result, ratio: round(result.gbps / kernel.gbps) });
}
if (json) {
  const machine = { cpus: cpus().length, model: cpus()[0]?.model.trim(), linux: release() };
  const report = {
    bench: "goodput",
    date: new Date().toISOString(),
    ...machine,
    tool: iperf ? "iperf3" : "own stream",
    seconds,
    rounds,
    kernel,
    boxes,
  };
  console.log(JSON.stringify(report));
} else {
  for (const { runtime, gbps, ratio } of boxes) console.log(`${runtime.padEnd(5)} ${gbps.toFixed(2)} Gb/s, ${ratio} of kernel forwarding`);
}
process.exit(0);

/** The median round. */
async function repeat(name: string, measure: () => Promise<Measured>): Promise<Measured> {
  const results: Measured[] = [];
  for (let i = 0; i < rounds; i++) results.push(await measure());
  const middle = spread(results.map((result) => result.gbps))?.median ?? 0;
  const result = { ...results[results.length - 1], gbps: round(middle) };
  const lost = result.retransmits === null ? "" : `, ${result.retransmits} segments sent again`;
  (json ? console.error : console.log)(
    `${name.padEnd(18)} ${result.gbps.toFixed(2)} Gb/s, wire packets of ${result.wirePacket} octets${lost}`,
  );
  return result;
}

async function onGround(measure: (ground: Ground) => Promise<Measured>): Promise<Measured> {
  const ground = await breakGround(host, serial++);
  try {
    await ground.raise(world);
    return await measure(ground);
  } finally {
    await ground.raze();
  }
}

async function plain(ground: Ground): Promise<Measured> {
  const [near, far] = [alpha.providers[0], beta.providers[0]];
  await ground.ip(alpha.box, `route add fc00:bbbb:1::/48 via ${near.gateway} dev ${near.interface}\n`);
  await ground.ip(beta.box, `route add fc00:aaaa:1::/48 via ${far.gateway} dev ${far.interface}\n`);
  await ground.ip("h1", settleLines(PLAIN.h1, alpha.lanAddress));
  await ground.ip("h2", settleLines(PLAIN.h2, beta.lanAddress));
  return fill(ground, PLAIN.h2);
}

async function shimmed(ground: Ground, runtime: RuntimeName): Promise<Measured> {
  const said: string[] = [];
  const started = await startBoxes(host, ground, {
    runtimes: [runtime, runtime],
    sites: [alpha, beta],
    log: (box, text) => said.push(`${box}: ${text}`),
  });
  try {
    return await fill(ground, started[1].ulid);
  } catch (error) {
    console.error(said.slice(-20).join("\n"));
    throw error;
  } finally {
    await Promise.all(started.map((box) => box.stop()));
  }
}

/** As much as goes through for `seconds`. */
async function fill(ground: Ground, to: string): Promise<Measured> {
  const before = await wireCounters(ground);
  const result = iperf ? await byIperf(ground, to) : await byStream(ground, to);
  const after = await wireCounters(ground);
  // The counters count frames: 14 octets of Ethernet header each.
  return { ...result, wirePacket: Math.round((after.octets - before.octets) / (after.packets - before.packets) - 14) };
}

async function byIperf(ground: Ground, to: string): Promise<Omit<Measured, "wirePacket">> {
  let listening: () => void = () => undefined;
  const listens = new Promise<void>((resolve) => {
    listening = resolve;
  });
  const hear = (text: string) => {
    if (text.includes("listening")) listening();
  };
  const server = await ground.spawn("h2", ["iperf3", "--server", "--one-off", "--forceflush", "--bind", to], {
    line: hear,
    complaint: hear,
  });
  await Promise.race([listens, server.ended]);
  const client = ["iperf3", "--client", to, "--time", String(seconds), "--omit", "1", "--json", "--connect-timeout", "10000"];
  const { code, stdout, stderr } = await ground.run("h1", client, (seconds + 20) * 1000);
  if (code !== 0) throw new Error(`iperf3 ended with ${code}: ${stderr || stdout.slice(-500)}`);
  const { end } = JSON.parse(stdout) as { end: { sum_received: { bits_per_second: number }; sum_sent: { retransmits?: number } } };
  return { gbps: round(end.sum_received.bits_per_second / GIGA), retransmits: end.sum_sent.retransmits ?? null };
}

async function byStream(ground: Ground, to: string): Promise<Omit<Measured, "wirePacket">> {
  const traffic = await startTraffic(host, ground, { from: "h1", to: "h2", address: to, runtime: host.runtime, pace: ["--unlimited"] });
  await host.sleep(1000);
  const [from, at] = [traffic.octets, host.clock.now()];
  await host.sleep(seconds * 1000);
  const gbps = ((traffic.octets - from) * 8) / ((host.clock.now() - at) / 1000) / GIGA;
  const end = await traffic.stop();
  if (!end.contentOk) throw new Error(`the stream was not whole: ${end.why}`);
  return { gbps: round(gbps), retransmits: null };
}

/** What box A sent to box B. */
async function wireCounters(ground: Ground): Promise<{ octets: number; packets: number }> {
  const { stdout } = await ground.run(alpha.box, ["cat", "/proc/net/dev"]);
  const counted = readCounters(stdout).get(alpha.providers[0].interface);
  return { octets: counted?.sent ?? 0, packets: counted?.packetsSent ?? 0 };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
