/**
 * A provider dies silently under thousands of contexts between two boxes, of which a part has traffic:
 *
 *  h1, all of alpha's hosts ── boxA ══ isp1 ══╗                 ╔══ isp3 ══ boxB ── h2, all of beta's
 *                                   ══ isp2 ══╩══ internet ═════╝
 *
 * Every context begins on isp1. Measured: time until no context of either box is on a path through isp1, packets that the
 * boxes sent for it, the longest silence of the hosts that talk. Then one packet goes there and back on every context.
 *
 * usage: rehome.ts [--contexts N] [--talking N] [--interval MS] [--rounds N] [--runtime node|deno|bun] [--json]
 */
import { cpus, release } from "node:os";
import process from "node:process";
import type { ContextRow, Listing, PathRow } from "../../runtime/api/rows.ts";
import { DIES } from "../../runtime/lab/events.ts";
import { type Ground, LabError } from "../../runtime/lab/ground.ts";
import type { LabHost } from "../../runtime/lab/host.ts";
import { spread } from "../../runtime/lab/spread.ts";
import { ALPHA, BETA, twoSites } from "../../runtime/lab/world.ts";
import { address } from "../../runtime/value/address.ts";
import { contains } from "../../runtime/value/prefix.ts";
import { json, note, numberOf, runtimeWord } from "../lib/bench/arguments.ts";
import { type BenchSite, establish, everyPair, exchange, onGround, startSites } from "../lib/bench/hosts.ts";
import { cpuTime } from "../lib/bench/process-meter.ts";
import { havePeers } from "../lib/peers.ts";

interface Round {
  /** Milliseconds from the death until no context of the box is on the dead provider. */
  readonly alphaMs: number;
  readonly betaMs: number;
  readonly probes: { readonly alpha: number; readonly beta: number };
  /** Longest silence of a talking pair at alpha's host, in the round. */
  readonly silence: { readonly median: number; readonly max: number };
  /** Contexts over which a packet came back afterwards. */
  readonly answered: number;
  /** Processor time that the boxes used from the death to the end of the move. */
  readonly cpuMs: { readonly alpha: number; readonly beta: number };
}

const LOOK = 25;
const MOVE_PATIENCE = 60_000;
/** What TypeScript and the kernel need to calm down before something is measured. */
const CALM = 3_000;
const CHECK_PATIENCE = 12_000;
const ANSWERS_PER_SECOND = 2_000;
const SET_UP_PER_SECOND = 800;
const DEAD = ALPHA.providers[0];

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
  probesAlpha: middle((round) => round.probes.alpha),
  probesBeta: middle((round) => round.probes.beta),
  silenceMs: middle((round) => round.silence.max),
};
if (json) {
  const machine = { cpus: cpus().length, model: cpus()[0]?.model.trim(), linux: release() };
  console.log(
    JSON.stringify({
      bench: "rehome",
      date: new Date().toISOString(),
      ...machine,
      runtime,
      contexts,
      talking,
      interval,
      ...summary,
      rounds: results,
    }),
  );
} else {
  console.log(`${contexts} contexts on ${runtime}, ${talking} talk every ${interval} ms, median of ${rounds}:`);
  console.log(`  all off the dead provider   box A ${summary.alphaMs} ms, box B ${summary.betaMs} ms`);
  console.log(`  probes sent                 box A ${summary.probesAlpha}, box B ${summary.probesBeta}`);
  console.log(`  longest silence of a talker ${summary.silenceMs} ms`);
}
process.exit(results.every((round) => round.answered === contexts) ? 0 : 1);

async function once(ground: Ground, host: LabHost): Promise<Round> {
  const side = Math.ceil(Math.sqrt(contexts));
  const sites = await startSites(host, ground, { runtime, sites: [ALPHA, BETA], hosts: [side, Math.ceil(contexts / side)], idle: "600s" });
  const { alpha, beta } = sites;
  const pairs = everyPair(sites, contexts);
  note(`setting up ${pairs.length} contexts …`);
  await establish(host, sites, pairs, SET_UP_PER_SECOND);
  // Talkers are spread over all hosts.
  const talkers = Array.from({ length: talking }, (_, i) => pairs[Math.floor((i * pairs.length) / talking)]);
  await alpha.hosts.ask({ kind: "traffic", pairs: talkers, interval });
  await host.sleep(CALM);
  await alpha.hosts.ask({ kind: "arrivals" });
  const before = await Promise.all([alpha.counters(), beta.counters()]);
  const cpuBefore = [cpuTime(alpha.pid), cpuTime(beta.pid)];
  const died = host.clock.now();
  await ground.ip(DEAD.name, DIES);
  const [alphaMs, betaMs] = await Promise.all([alpha, beta].map((site) => moved(site, died)));
  const cpu = [cpuTime(alpha.pid) - cpuBefore[0], cpuTime(beta.pid) - cpuBefore[1]];
  await host.sleep(CALM);
  const after = await Promise.all([alpha.counters(), beta.counters()]);
  const { arrivals = [] } = await alpha.hosts.ask({ kind: "arrivals" });
  const gaps = spread(arrivals.filter(({ echo }) => echo).map(({ gap }) => gap));
  await alpha.hosts.ask({ kind: "traffic", pairs: [], interval });
  await Promise.all([alpha, beta].map((site) => checked(host, site)));
  const result = {
    alphaMs,
    betaMs,
    probes: { alpha: probes(after[0]) - probes(before[0]), beta: probes(after[1]) - probes(before[1]) },
    silence: { median: Math.round(gaps?.median ?? Number.NaN), max: Math.round(gaps?.max ?? Number.NaN) },
    answered: await exchange(host, sites, pairs, ANSWERS_PER_SECOND),
    cpuMs: { alpha: cpu[0], beta: cpu[1] },
  };
  note(JSON.stringify(result));
  return result;

  async function moved(site: BenchSite, since: number): Promise<number> {
    for (;;) {
      const { items } = await site.ask<Listing<PathRow>>("/paths");
      const left = items.filter(isDead).reduce((sum, row) => sum + row.contexts, 0);
      const took = Math.round(host.clock.now() - since);
      if (left === 0) return took;
      if (took > MOVE_PATIENCE) throw new LabError(`${left} contexts of ${site.site.box} are still on ${DEAD.name} after ${took} ms`);
      await host.sleep(LOOK);
    }
  }
}

/** The rows of the contexts themselves say the same as the paths, and every exchange comes to its end. @throws {LabError} */
async function checked(host: LabHost, site: BenchSite): Promise<void> {
  for (let waited = 0; ; waited += CALM) {
    const { items } = await site.ask<Listing<ContextRow>>("/contexts?limit=100000");
    const wrong = items.filter((row) => isDead(row) || row.reap !== "Operational");
    if (wrong.length === 0) return;
    if (waited >= CHECK_PATIENCE)
      throw new LabError(`${wrong.length} contexts of ${site.site.box} are not well: ${JSON.stringify(wrong[0])}`);
    await host.sleep(CALM);
  }
}

function isDead({ localLocator, peerLocator }: { readonly localLocator: string; readonly peerLocator: string }): boolean {
  return [localLocator, peerLocator].some((locator) => contains(DEAD.prefix, address(locator)));
}

function probes(counters: Readonly<Record<string, number>>): number {
  return counters["out-Probe"] ?? 0;
}
