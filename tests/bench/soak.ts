/**
 * What a box costs over time: processor and memory of both boxes of two sites (runtime/lab/world.ts, figure 1) on one machine.
 *
 * 1. idle: N contexts come up, then nobody says anything. Processor time of each box over `--idle` seconds, in per cent of one
 *    core, and its memory before, with, and after.
 * 2. mixed: contexts come and go (set up by one packet and its echo, discarded after five idle seconds), a checked TCP stream
 *    runs, the used provider dies for three seconds in every fifteen. Memory must not grow: its slope after a warm-up.
 *
 * usage: soak.ts [--contexts N] [--idle SECONDS] [--minutes M] [--seed N] [--runtime node|deno|bun] [--json]
 */
import { cpus, release } from "node:os";
import process from "node:process";
import type { ContextRow, Listing } from "../../runtime/api/rows.ts";
import { DIES, RETURNS } from "../../runtime/lab/events.ts";
import type { Ground } from "../../runtime/lab/ground.ts";
import type { LabHost } from "../../runtime/lab/host.ts";
import { spread } from "../../runtime/lab/spread.ts";
import { startTraffic } from "../../runtime/lab/traffic.ts";
import { ALPHA, BETA, twoSites } from "../../runtime/lab/world.ts";
import { json, note, numberOf, runtimeWord } from "../lib/bench/arguments.ts";
import { type BenchSite, type BenchSites, establish, everyPair, onGround, startSites } from "../lib/bench/hosts.ts";
import { cpuTime, residentOctets, slope } from "../lib/bench/process-meter.ts";
import { seededRandom } from "../lib/bench/random.ts";
import { havePeers } from "../lib/peers.ts";

interface IdleBox {
  /** Per cent of one core. */
  readonly cpu: number;
  /** MiB: ready without contexts, with all of them, after the idle time. */
  readonly empty: number;
  readonly full: number;
  readonly after: number;
}

interface MixedBox {
  /** MiB, medians of the first and the last tenth after the warm-up. */
  readonly first: number;
  readonly last: number;
  readonly most: number;
  /** MiB a minute, by least squares after the warm-up. */
  readonly slope: number;
  /** Per cent of one core, over all. */
  readonly cpu: number;
}

interface Mixed {
  readonly alpha: MixedBox;
  readonly beta: MixedBox;
  readonly contextsSetUp: number;
  readonly deaths: number;
  readonly streamOctets: number;
  readonly streamWhole: boolean;
  readonly contextsLeft: number;
}

const SET_UP_PER_SECOND = 800;
/** Holds of set-up, keepalives and garbage collection are over. */
const CALM = 6_000;
const MEBIBYTE = 1 << 20;
const SAMPLE = 1_000;
/** Contexts that come up in each second of the mixed part, out of so many hosts a side. */
const CHURN = 50;
const CHURN_HOSTS = 40;
const CHURN_IDLE = 5_000;
const DEATH_EVERY = 15_000;
const DEATH_LASTS = 3_000;
/** Share of the mixed part in which memory may still grow: JIT, heaps, tables that reach their working size. */
const WARM_UP = 1 / 3;
const STREAM_PACE = ["--rate", "250000"];

const contexts = numberOf("contexts", 10_000, 1, 60_000);
const idleSeconds = numberOf("idle", 20, 1, 3_600);
const minutes = numberOf("minutes", 1, 0, 1_440);
const seed = numberOf("seed", 5533, 0, 0xffff_ffff);
const runtime = runtimeWord();

if (!havePeers("root", "ip")) process.exit(0);
const idle = await onGround(twoSites(), 0, beIdle);
const mixed = minutes === 0 ? undefined : await onGround(twoSites(), 1, mix);
if (json) {
  const machine = { cpus: cpus().length, model: cpus()[0]?.model.trim(), linux: release() };
  const head = { bench: "soak", date: new Date().toISOString(), ...machine, runtime, contexts, idleSeconds, minutes, seed };
  console.log(JSON.stringify({ ...head, idle, mixed }));
} else {
  console.log(`${contexts} contexts on ${runtime}, idle for ${idleSeconds} s:`);
  for (const [name, box] of Object.entries(idle))
    console.log(`  ${name.padEnd(6)} ${box.cpu} % of a core   ${box.empty} MiB empty, ${box.full} full, ${box.after} after`);
  if (mixed !== undefined) {
    const { alpha, beta, contextsSetUp, deaths, streamOctets, streamWhole, contextsLeft } = mixed;
    console.log(
      `mixed traffic for ${minutes} min, seed ${seed}: ${contextsSetUp} contexts came and went, the provider died ${deaths} times,`,
    );
    console.log(
      `  ${Math.round(streamOctets / MEBIBYTE)} MiB of stream ${streamWhole ? "whole" : "NOT WHOLE"}, ${contextsLeft} contexts left`,
    );
    for (const [name, box] of Object.entries({ alpha, beta }))
      console.log(
        `  ${name.padEnd(6)} ${box.cpu} % of a core   ${box.first} MiB first, ${box.last} last, ${box.most} most, ${box.slope} MiB a minute`,
      );
  }
}
process.exit(mixed === undefined || mixed.streamWhole ? 0 : 1);

async function beIdle(ground: Ground, host: LabHost): Promise<{ alpha: IdleBox; beta: IdleBox }> {
  const side = Math.ceil(Math.sqrt(contexts));
  const sites = await startSites(host, ground, { runtime, sites: [ALPHA, BETA], hosts: [side, Math.ceil(contexts / side)], idle: "3600s" });
  const boxes = [sites.alpha, sites.beta];
  await host.sleep(CALM);
  const empty = boxes.map(memory);
  note(`setting up ${contexts} contexts …`);
  await establish(host, sites, everyPair(sites, contexts), SET_UP_PER_SECOND);
  await host.sleep(CALM);
  const full = boxes.map(memory);
  const before = boxes.map(({ pid }) => cpuTime(pid));
  const began = host.clock.now();
  await host.sleep(idleSeconds * 1000);
  const took = host.clock.now() - began;
  const [alpha, beta] = boxes.map((box, i) => ({
    cpu: round((100 * (cpuTime(box.pid) - before[i])) / took),
    empty: empty[i],
    full: full[i],
    after: memory(box),
  }));
  return { alpha, beta };
}

async function mix(ground: Ground, host: LabHost): Promise<Mixed> {
  const length = minutes * 60_000;
  note(`mixed traffic for ${minutes} min …`);
  const sites = await startSites(host, ground, {
    runtime,
    sites: [ALPHA, BETA],
    hosts: [CHURN_HOSTS, CHURN_HOSTS],
    idle: `${CHURN_IDLE / 1000}s`,
  });
  const boxes = [sites.alpha, sites.beta];
  await establish(host, sites, [[0, 0]], 1);
  const stream = await startTraffic(host, ground, {
    from: ALPHA.host,
    to: BETA.host,
    address: sites.beta.ulids[0],
    runtime: host.runtime,
    pace: STREAM_PACE,
  });
  const began = host.clock.now();
  const elapsed = (): number => host.clock.now() - began;
  const samples: [number, number][][] = [[], []];
  const before = boxes.map(({ pid }) => cpuTime(pid));
  const random = seededRandom(seed);
  let deaths = 0;
  let dead = false;
  while (elapsed() < length) {
    const phase = elapsed() % DEATH_EVERY;
    const shouldBeDead = phase >= DEATH_EVERY - DEATH_LASTS;
    if (shouldBeDead !== dead) {
      await ground.ip(ALPHA.providers[0].name, shouldBeDead ? DIES : RETURNS);
      dead = shouldBeDead;
      if (dead) deaths++;
    }
    const next = host.sleep(SAMPLE);
    churn(sites, random);
    for (const [i, { pid }] of boxes.entries()) samples[i].push([elapsed() / 60_000, residentOctets(pid) / MEBIBYTE]);
    await next;
  }
  const took = elapsed();
  const cpu = boxes.map(({ pid }, i) => (100 * (cpuTime(pid) - before[i])) / took);
  if (dead) await ground.ip(ALPHA.providers[0].name, RETURNS);
  const end = await stream.stop();
  if (!end.contentOk) note(`the stream was not whole: ${end.why}`);
  const counters = await sites.alpha.counters();
  await host.sleep(2 * CHURN_IDLE);
  const { items: left } = await sites.alpha.ask<Listing<ContextRow>>("/contexts");
  for (const row of left) note(`left: ${JSON.stringify(row)}`);
  const [alpha, beta] = samples.map((all, i) => ({ ...memoryOf(all), cpu: round(cpu[i]) }));
  return {
    alpha,
    beta,
    contextsSetUp: counters["in-R2"] ?? 0,
    deaths,
    streamOctets: end.octets,
    streamWhole: end.contentOk,
    contextsLeft: left.length,
  };
}

/** One second's worth of new contexts. A pair whose context is still there just sends another packet. */
function churn({ alpha, beta }: BenchSites, random: () => number): void {
  const pick = (from: readonly unknown[]): number => 1 + Math.floor(random() * (from.length - 1));
  const pairs = Array.from({ length: CHURN }, () => [pick(alpha.ulids), pick(beta.ulids)] as const);
  alpha.hosts.tell({ kind: "send", pairs, perSecond: CHURN });
}

function memoryOf(all: readonly (readonly [number, number])[]): Omit<MixedBox, "cpu"> {
  const counted = all.slice(Math.floor(all.length * WARM_UP));
  const tenth = Math.max(1, Math.ceil(counted.length / 10));
  const median = (points: typeof all): number => round(spread(points.map(([, octets]) => octets))?.median ?? Number.NaN);
  return {
    first: median(counted.slice(0, tenth)),
    last: median(counted.slice(-tenth)),
    most: round(Math.max(...all.map(([, octets]) => octets))),
    slope: round(slope(counted)),
  };
}

function memory({ pid }: BenchSite): number {
  return round(residentOctets(pid) / MEBIBYTE);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
