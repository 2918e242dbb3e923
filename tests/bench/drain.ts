/**
 * A provider is drained under thousands of contexts between two boxes, of which a part has traffic:
 *
 *  h1, all of alpha's hosts ── boxA ══ isp1 ══╗                 ╔══ isp3 ══ boxB ── h2, all of beta's
 *                                   ══ isp2 ══╩══ internet ═════╝
 *
 * Every context begins on isp1. Measured: time from the operator's word until no context of either box is on a path through isp1; hosts' packets
 * that one box sent and the other did not get; packets that boxes dropped; the longest silence of the hosts that talk.
 *
 * usage: drain.ts [--contexts N] [--talking N] [--interval MS] [--rounds N] [--runtime node|deno|bun] [--json]
 */
import { readFileSync } from "node:fs";
import { cpus, release } from "node:os";
import process from "node:process";
import type { Listing, PathRow } from "../../runtime/api/rows.ts";
import { type Ground, LabError } from "../../runtime/lab/ground.ts";
import type { LabHost } from "../../runtime/lab/host.ts";
import { controlSocket } from "../../runtime/lab/site.ts";
import { spread } from "../../runtime/lab/spread.ts";
import { ALPHA, BETA, twoSites } from "../../runtime/lab/world.ts";
import { address } from "../../runtime/value/address.ts";
import { contains } from "../../runtime/value/prefix.ts";
import { json, note, numberOf, runtimeWord } from "../lib/bench/arguments.ts";
import { type BenchSite, establish, everyPair, onGround, startSites } from "../lib/bench/hosts.ts";
import { havePeers } from "../lib/peers.ts";

interface Round {
  /** Milliseconds from the word until no context of the box is on the drained provider. */
  readonly alphaMs: number;
  readonly betaMs: number;
  /** Processor time that the boxes took meanwhile, ms. It tells more than the time where the machine is busy with other things. */
  readonly cpuMs: readonly [alpha: number, beta: number];
  /** Hosts' packets that left a box, and those of them that did not come to the other one. */
  readonly packets: number;
  readonly lost: number;
  /** Drops that the boxes counted meanwhile, by name. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Control messages and questions that both boxes sent, by kind. */
  readonly sent: Readonly<Record<string, number>>;
  /** Probes: contexts that had to explore. */
  readonly probes: number;
  /** Longest silence of a talking pair at alpha's host, ms. */
  readonly silence: number;
}

const LOOK = 25;
const PATIENCE = 60_000;
/** What TypeScript and the kernel need to calm down before something is measured. */
const CALM = 3_000;
const SET_UP_PER_SECOND = 800;
const DRAINED = ALPHA.providers[0];

const contexts = numberOf("contexts", 10_000, 1, 60_000);
const talking = Math.min(contexts, numberOf("talking", 500, 1, 60_000));
const interval = numberOf("interval", 100, 1, 60_000);
const rounds = numberOf("rounds", 1, 1, 20);
const runtime = runtimeWord();

if (!havePeers("root", "ip")) process.exit(0);
const results: Round[] = [];
for (let i = 0; i < rounds; i++) results.push(await onGround(twoSites(), i, once));
const middle = (pick: (round: Round) => number): number => spread(results.map(pick))?.median ?? Number.NaN;
const summary = {
  alphaMs: middle((round) => round.alphaMs),
  betaMs: middle((round) => round.betaMs),
  packets: middle((round) => round.packets),
  lost: middle((round) => round.lost),
  silenceMs: middle((round) => round.silence),
};
if (json) {
  const machine = { cpus: cpus().length, model: cpus()[0]?.model.trim(), linux: release() };
  const run = { runtime, contexts, talking, interval };
  console.log(JSON.stringify({ bench: "drain", date: new Date().toISOString(), ...machine, ...run, ...summary, rounds: results }));
} else {
  console.log(`${contexts} contexts on ${runtime}, ${talking} talk every ${interval} ms, median of ${rounds}:`);
  console.log(`  all off the drained provider   box A ${summary.alphaMs} ms, box B ${summary.betaMs} ms`);
  console.log(`  hosts' packets lost            ${summary.lost} of ${summary.packets}`);
  console.log(`  longest silence of a talker    ${summary.silenceMs} ms`);
}
process.exit(0);

async function once(ground: Ground, host: LabHost): Promise<Round> {
  const side = Math.ceil(Math.sqrt(contexts));
  const sites = await startSites(host, ground, { runtime, sites: [ALPHA, BETA], hosts: [side, Math.ceil(contexts / side)], idle: "600s" });
  const { alpha, beta } = sites;
  const pairs = everyPair(sites, contexts);
  note(`setting up ${pairs.length} contexts …`);
  await establish(host, sites, pairs, SET_UP_PER_SECOND);
  const talkers = Array.from({ length: talking }, (_, i) => pairs[Math.floor((i * pairs.length) / talking)]);
  await host.sleep(CALM);
  // Nothing is under way when packets are counted.
  const before = await Promise.all([alpha.counters(), beta.counters()]);
  await alpha.hosts.ask({ kind: "traffic", pairs: talkers, interval });
  await host.sleep(CALM);
  await alpha.hosts.ask({ kind: "arrivals" });
  const cpuBefore = [alpha, beta].map(({ pid }) => processorTime(pid));
  const began = host.clock.now();
  const word = new Request(`http://box/providers/${DRAINED.name}/drain`, { method: "POST" });
  const answer = await host.http.request(controlSocket(ground.directory, ALPHA), word);
  if (!answer.ok) throw new LabError(`box A refused: ${await answer.text()}`);
  const [alphaMs, betaMs] = await Promise.all([alpha, beta].map((site) => left(site)));
  const cpu = [alpha, beta].map(({ pid }, i) => processorTime(pid) - cpuBefore[i]);
  await host.sleep(CALM);
  const { arrivals = [] } = await alpha.hosts.ask({ kind: "arrivals" });
  await alpha.hosts.ask({ kind: "traffic", pairs: [], interval });
  await host.sleep(CALM);
  const after = await Promise.all([alpha.counters(), beta.counters()]);
  const grown = (name: string): number => [0, 1].reduce((sum, i) => sum + (after[i][name] ?? 0) - (before[i][name] ?? 0), 0);
  const names = new Set(after.flatMap((counters) => Object.keys(counters)));
  const drops = [...names].filter((name) => name.startsWith("drop-") && grown(name) > 0).map((name) => [name, grown(name)]);
  const result: Round = {
    alphaMs,
    betaMs,
    cpuMs: [cpu[0], cpu[1]],
    packets: grown("out-payload-shim6"),
    lost: grown("out-payload-shim6") - grown("in-payload-shim6"),
    dropped: Object.fromEntries(drops),
    sent: Object.fromEntries(
      ["UpdateRequest", "UpdateAck", "Keepalive", "Probe", "locator-question"].map((kind) => [kind, grown(`out-${kind}`)]),
    ),
    probes: grown("out-Probe"),
    silence: Math.round(spread(arrivals.filter(({ echo }) => echo).map(({ gap }) => gap))?.max ?? Number.NaN),
  };
  note(JSON.stringify(result));
  return result;

  async function left(site: BenchSite): Promise<number> {
    for (;;) {
      const { items } = await site.ask<Listing<PathRow>>("/paths");
      const still = items.filter(isDrained).reduce((sum, row) => sum + row.contexts, 0);
      const took = Math.round(host.clock.now() - began);
      if (still === 0) return took;
      if (took > PATIENCE) throw new LabError(`${still} contexts of ${site.site.box} are still on ${DRAINED.name} after ${took} ms`);
      await host.sleep(LOOK);
    }
  }
}

/** User and system time of process `pid` so far, ms (proc(5): fields 14 and 15, in hundredths of a second). */
function processorTime(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

function isDrained({ localLocator, peerLocator }: PathRow): boolean {
  return [localLocator, peerLocator].some((locator) => contains(DRAINED.prefix, address(locator)));
}
