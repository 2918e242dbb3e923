/**
 * What a host's first packet waits: contexts between fresh ULID pairs, over an internet that takes 10 ms each way and loses
 * one packet in a hundred (tests/lib/bench/lossy-wire.ts between isp1, isp2 and isp3).
 *
 * Measured: from a UDP packet's departure at alpha's host to its arrival at beta's host. Without loss that is two round trips
 * for the handshake and half a one for the packet. The last leg is the packet's own: where the wire lost that, no
 * handshake could help, and the packet is counted apart.
 *
 * usage: handshake.ts [--count N] [--loss SHARE] [--seed N] [--runtime node|deno|bun] [--json]
 */
import { cpus, release } from "node:os";
import process from "node:process";
import type { Ground } from "../../runtime/lab/ground.ts";
import type { LabHost } from "../../runtime/lab/host.ts";
import { ALPHA, BETA, twoSites } from "../../runtime/lab/world.ts";
import { address, addressOctets } from "../../runtime/value/address.ts";
import { hex } from "../../runtime/value/bytes.ts";
import { json, numberOf, runtimeWord } from "../lib/bench/arguments.ts";
import { everyPair, onGround, startSites } from "../lib/bench/hosts.ts";
import { startWire } from "../lib/bench/wire.ts";
import { havePeers } from "../lib/peers.ts";

interface Outcome {
  readonly waits: readonly number[];
  /** Those above {@link IN_TIME}: which handshake it was, from 1, and its wait. The first ones meet boxes that have just started. */
  readonly late: readonly (readonly [number, number])[];
  readonly missing: number;
  readonly lostLastLeg: number;
  readonly lostControl: number;
}

/** One way. */
const DELAY = 10;
const ROUND_TRIP = 2 * DELAY;
/** First packets within this count as in time: what a lost packet costs stays below what people notice. */
const IN_TIME = 2 * ROUND_TRIP + 50;
const HANDSHAKES_PER_SECOND = 20;
/** I1 is given up after its retries; nothing arrives later. */
const LATE = 5_000;

const count = numberOf("count", 300, 1, 10_000);
const loss = numberOf("loss", 0.01, 0, 0.5);
const seed = numberOf("seed", 5533, 0, 0xffff_ffff);
const runtime = runtimeWord();

if (!havePeers("root", "ip")) process.exit(0);
const { waits, late, missing, lostLastLeg, lostControl } = await onGround(twoSites(), 0, measure);
const sorted = [...waits].sort((a, b) => a - b);
const at = (share: number): number =>
  Math.round((sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN) * 10) / 10;
const inTime = waits.filter((wait) => wait <= IN_TIME).length;
const answerable = count - lostLastLeg;
const result = {
  arrived: waits.length,
  missing,
  lostLastLeg,
  lostControl,
  p50: at(0.5),
  p90: at(0.9),
  p99: at(0.99),
  max: at(1),
  inTimeOfAll: share(inTime, count),
  inTimeOfAnswerable: share(inTime, answerable),
  late,
};
if (json) {
  const machine = { cpus: cpus().length, model: cpus()[0]?.model.trim(), linux: release() };
  const head = { bench: "handshake", date: new Date().toISOString(), ...machine, runtime, count, loss, seed };
  console.log(JSON.stringify({ ...head, roundTripMs: ROUND_TRIP, inTimeMs: IN_TIME, ...result }));
} else {
  console.log(`${count} first packets on ${runtime}, round trip ${ROUND_TRIP} ms, loss ${loss * 100} %, seed ${seed}:`);
  console.log(`  wait                 p50 ${result.p50}   p90 ${result.p90}   p99 ${result.p99}   max ${result.max} ms`);
  console.log(
    `  within ${IN_TIME} ms         ${result.inTimeOfAnswerable} % of those whose last leg was not lost, ${result.inTimeOfAll} % of all`,
  );
  console.log(`  late                 ${late.map(([which, wait]) => `no. ${which}: ${wait} ms`).join(", ") || "none"}`);
  console.log(
    `  lost by the wire     ${lostControl} control messages, ${lostLastLeg} first packets; ${missing} missing for another reason`,
  );
}
process.exit(missing === 0 ? 0 : 1);

async function measure(ground: Ground, host: LabHost): Promise<Outcome> {
  const side = Math.ceil(Math.sqrt(count));
  const sites = await startSites(host, ground, { runtime, sites: [ALPHA, BETA], hosts: [side, Math.ceil(count / side)], idle: "600s" });
  // Everything that an ISP hands to the internet.
  const rules = [...ALPHA.providers, ...BETA.providers].map(({ name }) => `iif ${name}`);
  const { lost } = await startWire(ground, host, { name: "wire0", delay: DELAY, loss, seed, rules });
  const { alpha, beta } = sites;
  await alpha.hosts.ask({ kind: "peers", addresses: beta.ulids });
  // Hosts in turn, so that neighbours in time share nothing.
  const pairs = everyPair(sites, count);
  await alpha.hosts.ask({ kind: "send", pairs, perSecond: HANDSHAKES_PER_SECOND });
  await host.sleep(LATE);
  const { arrivals = [] } = await beta.hosts.ask({ kind: "arrivals" });
  // Locators keep the lower 64 bits of their ULID: they tell whose packet was lost.
  const name = (source: string, destination: string): string =>
    [source, destination].map((text) => hex(addressOctets(address(text)).subarray(8))).join();
  const payload = new Set(lost.filter(({ lost: what }) => what === "payload").map(({ source, destination }) => name(source, destination)));
  const arrived = new Set(arrivals.map(({ pair }) => pair.join()));
  const absent = pairs.filter((pair) => !arrived.has(pair.join()));
  const lostLastLeg = absent.filter(([from, to]) => payload.has(name(alpha.ulids[from], beta.ulids[to]))).length;
  const order = new Map(pairs.map((pair, i) => [pair.join(), i + 1]));
  return {
    waits: arrivals.map(({ took }) => took),
    late: arrivals.filter(({ took }) => took > IN_TIME).map(({ pair, took }) => [order.get(pair.join()) ?? 0, Math.round(took)] as const),
    missing: absent.length - lostLastLeg,
    lostLastLeg,
    lostControl: lost.filter(({ lost: what }) => what === "control").length,
  };
}

/** Per cent, to two places. */
function share(part: number, whole: number): number {
  return Math.round((part / whole) * 10_000) / 100;
}
