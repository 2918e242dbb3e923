/**
 * Forged I1 at a box that works: a TUN in the internet (tests/lib/bench/flooder.ts) writes them, each from another address, at
 * beta's locator. Meanwhile an established stream from alpha goes on, and hosts that have never spoken before call one another.
 *
 * Wanted: the box's memory does not grow, the stream keeps 95 % of its rate, an honest first packet arrives within a second.
 *
 * usage: flood.ts [--rate PACKETS_PER_SECOND] [--seconds N] [--stream OCTETS_PER_SECOND] [--runtime node|deno|bun] [--json]
 */
import { cpus, release } from "node:os";
import process from "node:process";
import { type Ground, LabError } from "../../runtime/lab/ground.ts";
import type { LabHost } from "../../runtime/lab/host.ts";
import { startTraffic } from "../../runtime/lab/traffic.ts";
import { within } from "../../runtime/lab/wait.ts";
import { ALPHA, BETA, twoSites } from "../../runtime/lab/world.ts";
import { withPrefix } from "../../runtime/value/prefix.ts";
import { json, note, numberOf, runtimeWord } from "../lib/bench/arguments.ts";
import type { FloodLine } from "../lib/bench/flooder.ts";
import { everyPair, onGround, startSites } from "../lib/bench/hosts.ts";
import { cpuTime, residentOctets, slope } from "../lib/bench/process-meter.ts";
import { commandOf } from "../lib/labhost.ts";
import { havePeers } from "../lib/peers.ts";

const TUN = "flood0";
/** The flooder's, as a route: FLOOD_SOURCES there. */
const SOURCES = "2001:db8:e000::/36";
const START_PATIENCE = 20_000;
const WARM_UP = 3_000;
const LOOK = 500;
const CALLS_PER_SECOND = 10;
const IN_TIME = 1_000;
/** Of the collector's making, not ours: what a box of any runtime may gain while it works. */
const MEMORY_SLACK = 16 * 1024 * 1024;
const KEPT = 0.95;

const rate = numberOf("rate", 50_000, 1, 1_000_000);
const seconds = numberOf("seconds", 30, 3, 3_600);
const pace = numberOf("stream", 5_000_000, 100_000, 1_000_000_000);
const runtime = runtimeWord();

if (!havePeers("root", "ip")) process.exit(0);
const result = await onGround(twoSites(), 0, measure);
const { stream, honest, memory } = result;
const good = stream.kept >= KEPT && honest.inTime === honest.called && memory.grown <= MEMORY_SLACK;
if (json) {
  const machine = { cpus: cpus().length, model: cpus()[0]?.model.trim(), linux: release() };
  console.log(JSON.stringify({ bench: "flood", date: new Date().toISOString(), ...machine, runtime, rate, seconds, ...result, good }));
} else {
  console.log(
    `${result.flood.sent} forged I1 in ${seconds} s (${Math.round(result.flood.sent / seconds)} a second) at a box on ${runtime}:`,
  );
  console.log(`  answered             ${result.flood.answered} R1, ${result.flood.answeredOctets} octets for ${result.flood.octets}`);
  console.log(`  not looked at        ${JSON.stringify(result.dropped)}`);
  console.log(
    `  stream               ${mega(stream.before)} MB/s before, ${mega(stream.during)} MB/s during: ${Math.round(stream.kept * 1000) / 10} % kept, longest gap ${stream.longestGap} ms`,
  );
  console.log(
    `  honest first packets ${honest.inTime} of ${honest.called} within a second; p50 ${honest.p50} ms, worst ${honest.worst} ms`,
  );
  console.log(
    `  memory               ${mega(memory.before)} MB, grown by ${mega(memory.grown)} MB; contexts made by strangers: ${result.contexts}`,
  );
  console.log(`  processor            ${result.processor} % of one for the box`);
  console.log(good ? "  good" : "  NOT GOOD");
}
process.exit(good ? 0 : 1);

function mega(octets: number): number {
  return Math.round(octets / 10_000) / 100;
}

async function measure(ground: Ground, host: LabHost) {
  const calls = CALLS_PER_SECOND * seconds;
  const side = Math.ceil(Math.sqrt(calls)) + 1;
  const sites = await startSites(host, ground, { runtime, sites: [ALPHA, BETA], hosts: [side, side], idle: "600s" });
  const { alpha, beta } = sites;
  await alpha.hosts.ask({ kind: "peers", addresses: beta.ulids });
  // The last hosts are the stream's, the others call.
  const traffic = await startTraffic(host, ground, {
    from: "h1",
    to: "h2",
    address: beta.ulids[side - 1],
    runtime,
    pace: ["--rate", `${pace}`],
  });
  const rateOver = async (time: number): Promise<number> => {
    const [from, at] = [traffic.octets, host.clock.now()];
    await host.sleep(time);
    return ((traffic.octets - from) * 1000) / (host.clock.now() - at);
  };
  await host.sleep(WARM_UP);
  const before = await rateOver(WARM_UP);
  const contextsBefore = await contextsOf(beta);

  const flooder = await startFlooder(ground, host, withPrefix(BETA.providers[0].prefix, beta.ulids[0]), beta.ulids[0]);
  await host.sleep(WARM_UP);
  const start = flooder.total();
  traffic.mark();
  const countersBefore = await beta.counters();
  const memoryBefore = residentOctets(beta.pid);
  const cpuBefore = cpuTime(beta.pid);
  note(`flood runs, ${seconds} s …`);
  const pairs = everyPair(sites, side * side)
    .filter(([from, to]) => from !== side - 1 && to !== side - 1)
    .slice(0, calls);
  const octetsBefore = traffic.octets;
  const begun = host.clock.now();
  await alpha.hosts.ask({ kind: "send", pairs, perSecond: CALLS_PER_SECOND });
  const points: [number, number][] = [];
  for (let elapsed = 0; elapsed < seconds * 1000; elapsed = host.clock.now() - begun) {
    points.push([elapsed / 1000, residentOctets(beta.pid)]);
    await host.sleep(LOOK);
  }
  const time = (host.clock.now() - begun) / 1000;
  const during = (traffic.octets - octetsBefore) / time;
  const { longestGap } = traffic;
  const cpu = cpuTime(beta.pid) - cpuBefore;
  const end = flooder.total();
  await host.sleep(IN_TIME);
  const { arrivals = [] } = await beta.hosts.ask({ kind: "arrivals" });
  const countersAfter = await beta.counters();
  const contexts = await contextsOf(beta);
  flooder.stop();
  await traffic.stop();
  const waits = arrivals.map(({ took }) => took).sort((a, b) => a - b);
  const half = points.slice(Math.floor(points.length / 3));
  const sent = end.sent - start.sent;
  const packet = 152;
  return {
    flood: {
      sent,
      refused: end.refused - start.refused,
      octets: sent * packet,
      answered: end.answered - start.answered,
      answeredOctets: end.answeredOctets - start.answeredOctets,
    },
    dropped: difference(countersBefore, countersAfter),
    stream: { before, during, kept: Math.min(1, during / before), longestGap },
    honest: {
      called: pairs.length,
      arrived: waits.length,
      inTime: waits.filter((wait) => wait <= IN_TIME).length,
      p50: Math.round(waits[Math.floor(waits.length / 2)] ?? Number.NaN),
      worst: Math.round(waits[waits.length - 1] ?? Number.NaN),
    },
    memory: {
      before: memoryBefore,
      grown: Math.round(
        Math.max(...half.map(([, octets]) => octets)) -
          Math.max(...points.slice(0, Math.ceil(points.length / 3)).map(([, octets]) => octets)),
      ),
      perSecond: Math.round(slope(half)),
    },
    contexts: contexts - contextsBefore - waits.length,
    processor: Math.round((cpu / (time * 1000)) * 100),
  };
}

async function contextsOf(site: { ask<T>(path: string): Promise<T> }): Promise<number> {
  return (await site.ask<{ contexts: number }>("/status")).contexts;
}

/** Drops that grew, and what was punted and sent. */
function difference(before: Readonly<Record<string, number>>, after: Readonly<Record<string, number>>): Record<string, number> {
  const grown = Object.entries(after).map(([name, value]): [string, number] => [name, value - (before[name] ?? 0)]);
  return Object.fromEntries(grown.filter(([name, value]) => value > 0 && /^drop-|punt-control|^in-I1|^out-R1$/.test(name)));
}

async function startFlooder(ground: Ground, host: LabHost, to: string, ulid: string) {
  let total = { sent: 0, refused: 0, answered: 0, answeredOctets: 0 };
  let begin: (outcome: string) => void = () => undefined;
  const begun = new Promise<string>((resolve) => {
    begin = resolve;
  });
  let last = "";
  const { argv } = commandOf(host.runtime, "tests/lib/bench/flooder.ts");
  const words = ["--name", TUN, "--rate", `${rate}`, "--to", to, "--ulid", ulid];
  const child = await ground.spawn("internet", [...argv, ...words], {
    line: (text) => {
      const line = JSON.parse(text) as FloodLine;
      if ("ready" in line) begin("ready");
      else total = line;
    },
    complaint: (text) => {
      last = text;
    },
  });
  const outcome = await within(
    host,
    START_PATIENCE,
    "is silent",
    begun,
    child.ended.then((code) => `ended with ${code}: ${last}`),
  );
  if (outcome !== "ready") throw new LabError(`the flooder ${outcome}`);
  await ground.ip("internet", `link set dev ${TUN} up\nroute add ${SOURCES} dev ${TUN}\n`);
  return { total: () => total, stop: () => host.processes.kill(child.pid, "SIGTERM") };
}
