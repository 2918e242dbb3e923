/**
 * A provider's line goes down under a stream of small UDP packets, and beside it the same provider dies silently, with all links up:
 *
 *  h1 ── boxA ══ isp1 ══╗                 ╔══ isp3 ══ boxB ── h2
 *             ══ isp2 ══╩══ internet ═════╝
 *
 * Each round takes the provider in use away, and brings it back when the stream is on the other one. Measured at the hosts: the silence at h2 in which box A
 * moves the context, and the longest one of echoes at h1. And its parts: until box A moves the context, from there to the first packet at h2; and when
 * box B moves it. Parts are taken from the boxes' events, whole milliseconds of the calendar.
 *
 * usage: linkloss.ts [--rounds N] [--interval MS] [--delay MS, one way] [--contexts N] [--runtime node|deno|bun] [--json]
 */
import { cpus, release } from "node:os";
import process from "node:process";
import { loadMonotonic } from "../../adapters/platform.ts";
import type { EventRow, Listing, ProviderRow } from "../../runtime/api/rows.ts";
import { DIES, RETURNS } from "../../runtime/lab/events.ts";
import { type Ground, LabError } from "../../runtime/lab/ground.ts";
import type { LabHost } from "../../runtime/lab/host.ts";
import { spread } from "../../runtime/lab/spread.ts";
import { ALPHA, BETA, twoSites } from "../../runtime/lab/world.ts";
import { json, note, numberOf, runtimeWord } from "../lib/bench/arguments.ts";
import { type BenchSite, establish, everyPair, onGround, startSites } from "../lib/bench/hosts.ts";
import { startWire } from "../lib/bench/wire.ts";
import { havePeers } from "../lib/peers.ts";

type Loss = "line" | "silent";

interface Round {
  readonly loss: Loss;
  /** Silence at h2, and the longest of echoes at h1, ms. */
  readonly there: number;
  readonly back: number;
  /** From h2's last packet before it until box A has moved the context, and from then until the next packet at h2. */
  readonly switched: number;
  readonly onTheWay: number;
  /** From the same packet until box B has moved it. */
  readonly peerSwitched: number;
}

const CALM = 2_500;
const SETTLE = 1_000;
const PATIENCE = 30_000;
const LOOK = 100;
/** Of events, and of the calendar beside the clock. */
const ROUNDING = 2;
const SET_UP_PER_SECOND = 500;
/** Lines that go every few seconds must not be left alone for it. */
const NO_DAMPING = "links: { halfLife: 100ms, longest: 100ms }\n";

const rounds = numberOf("rounds", 10, 1, 1_000);
const interval = numberOf("interval", 1, 1, 1_000);
const delay = numberOf("delay", 0, 0, 1_000);
const contexts = numberOf("contexts", 1, 1, 10_000);
const runtime = runtimeWord();

const now = await loadMonotonic();

if (!havePeers("root", "ip")) process.exit(0);
const results = await onGround(twoSites(), 0, measure);
const summary = Object.fromEntries((["line", "silent"] as const).map((loss) => [loss, summaryOf(loss)]));
if (json) {
  const machine = { cpus: cpus().length, model: cpus()[0]?.model.trim(), linux: release() };
  const run = { runtime, interval, delay, contexts };
  console.log(JSON.stringify({ bench: "linkloss", date: new Date().toISOString(), ...machine, ...run, ...summary, rounds: results }));
} else {
  console.log(`a packet every ${interval} ms, ${delay} ms one way, on ${runtime}, median (worst) of ${rounds}:`);
  for (const [loss, name] of [
    ["line", "the line goes down"],
    ["silent", "the provider dies silently"],
  ] as const) {
    const { there, back, switched, onTheWay, peerSwitched, worst } = summary[loss];
    console.log(`  ${name.padEnd(28)} silence there ${there} (${worst}) ms, back ${back} ms`);
    console.log(
      `  ${"".padEnd(28)} box A has moved after ${switched} ms, first packet ${onTheWay} ms later; box B has moved after ${peerSwitched} ms`,
    );
  }
}
process.exit(0);

function summaryOf(loss: Loss): Record<"there" | "back" | "switched" | "onTheWay" | "peerSwitched" | "worst", number> {
  const of = (pick: (round: Round) => number) =>
    spread(
      results
        .filter((round) => round.loss === loss)
        .map(pick)
        .filter(Number.isFinite),
    );
  const median = (pick: (round: Round) => number): number => Math.round((of(pick)?.median ?? Number.NaN) * 10) / 10;
  return {
    there: median((round) => round.there),
    back: median((round) => round.back),
    switched: median((round) => round.switched),
    onTheWay: median((round) => round.onTheWay),
    peerSwitched: median((round) => round.peerSwitched),
    worst: Math.round((of((round) => round.there)?.max ?? Number.NaN) * 10) / 10,
  };
}

async function measure(ground: Ground, host: LabHost): Promise<Round[]> {
  const side = Math.ceil(Math.sqrt(contexts));
  const hosts = [side, Math.ceil(contexts / side)] as const;
  const sites = await startSites(host, ground, { runtime, sites: [ALPHA, BETA], hosts, idle: "600s", more: NO_DAMPING });
  const { alpha, beta } = sites;
  if (delay > 0) {
    const rules = [...ALPHA.providers, ...BETA.providers].map(({ name }) => `iif ${name}`);
    await startWire(ground, host, { name: "wire0", delay, loss: 0, seed: 1, rules });
  }
  const pairs = everyPair(sites, contexts);
  await establish(host, sites, pairs, SET_UP_PER_SECOND);
  await alpha.hosts.ask({ kind: "traffic", pairs: pairs.slice(0, 1), interval });
  const results: Round[] = [];
  for (let round = 0; round < rounds; round++)
    for (const loss of ["line", "silent"] as const) {
      const result = await once(loss, alpha, beta, ground, host);
      note(JSON.stringify(result));
      results.push(result);
    }
  return results;
}

/** Takes the provider in use away and brings it back. */
async function once(loss: Loss, alpha: BenchSite, beta: BenchSite, ground: Ground, host: LabHost): Promise<Round> {
  await host.sleep(CALM);
  const used = await inUse(alpha);
  const line = ALPHA.providers.find(({ name }) => name === used);
  if (line === undefined) throw new LabError(`nobody uses ${used}`);
  const seen = await Promise.all([alpha, beta].map((site) => latest(site)));
  for (const site of [alpha, beta]) await site.hosts.ask({ kind: "arrivals" });
  if (loss === "line") await ground.ip(ALPHA.box, `link set dev ${line.interface} down\n`);
  else await ground.ip(line.name, DIES);
  for (let waited = 0; (await inUse(alpha)) === used; waited += LOOK) {
    if (waited > PATIENCE) throw new LabError(`${used} is still in use`);
    await host.sleep(LOOK);
  }
  await host.sleep(SETTLE);
  const [echoes, arrivals] = await Promise.all(
    [alpha, beta].map(async (site) => (await site.hosts.ask({ kind: "arrivals" })).arrivals ?? []),
  );
  if (loss === "line") await ground.ip(ALPHA.box, `link set dev ${line.interface} up\n`);
  else await ground.ip(line.name, RETURNS);
  const there = arrivals.find(({ echo }) => !echo);
  const back = echoes.find(({ echo }) => echo);
  if (there === undefined || back === undefined) throw new LabError("no packet came through");
  const moves = await Promise.all([alpha, beta].map((site, i) => movedAfter(site, seen[i])));
  // A busy machine brings silences of its own.
  const wall = Date.now() - now();
  const ended = there.silences.find(({ end, length }) => wall + end >= moves[0] && wall + end - length <= moves[0] + ROUNDING);
  const [began, heard] = ended === undefined ? [Number.NaN, Number.NaN] : [wall + ended.end - ended.length, wall + ended.end];
  return {
    loss,
    there: round1(ended?.length ?? there.gap),
    back: round1(back.gap),
    switched: round1(moves[0] - began),
    onTheWay: round1(heard - moves[0]),
    peerSwitched: round1(moves[1] - began),
  };
}

async function inUse(site: BenchSite): Promise<string | undefined> {
  const { items } = await site.ask<Listing<ProviderRow>>("/providers");
  return [...items].sort((a, b) => b.contexts - a.contexts)[0]?.name;
}

async function events(site: BenchSite): Promise<readonly EventRow[]> {
  return (await site.ask<Listing<EventRow>>("/events")).items;
}

async function latest(site: BenchSite): Promise<string | undefined> {
  return (await events(site)).at(-1)?.id;
}

/** When the site's box first moved a context after the event `seen`; calendar milliseconds. */
async function movedAfter(site: BenchSite, seen: string | undefined): Promise<number> {
  const all = await events(site);
  const move = all.slice(all.findIndex(({ id }) => id === seen) + 1).find(({ kind }) => kind === "moved");
  return move === undefined ? Number.NaN : Date.parse(move.at);
}

function round1(value: number): number {
  return Math.round(value * 10) / 10;
}
