/**
 * Four-way exchanges (Solicit, Advertise, Request, Reply) a second, by perfdhcp: our box, each lease with a CGA of its own and on
 * the disk before its Reply leaves, beside Kea with its memfile, which syncs nothing. Both on this machine, one after the
 * other, each with the load generator for a neighbour.
 *
 * The figure is the highest rate of which hardly anything is lost (1 %): the rate is doubled until too much is lost, then
 * what lies between is halved a few times.
 *
 * usage: dhcp.ts [--seconds N] [--from RATE] [--runtime node|deno|bun] [--only box|kea] [--json]
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { json, note, numberOf, runtimeWord, wordOf } from "../lib/bench/arguments.ts";
import { addLine, LONE_SITE, type TestBox, testBox } from "../lib/names/box.ts";
import { insideCage } from "../lib/names/cage.ts";
import { addNode, join, linkReady, type Node } from "../lib/names/nodes.ts";
import { type LoadReport, readLoad, startLoad } from "../lib/names/perfdhcp.ts";
import { stopAll } from "../lib/names/program.ts";
import { startKea } from "../lib/names/servers.ts";
import { readStored } from "../lib/names/stored.ts";
import { havePeers } from "../lib/peers.ts";

interface Measured {
  readonly best: LoadReport;
  readonly tries: readonly (LoadReport & { readonly rate: number })[];
}

/** Exchanges of which more are lost are too many. */
const LOSS = 0.01;
/** Of which more are lost is not tried again: it was no hiccup of the machine. */
const SECOND_CHANCE = 0.1;
const WARM_UPS = 2;
const HALVINGS = 3;
const MOST = 64_000;
const WANTED = 4_000;
/** Milliseconds beyond the load's own time. */
const PATIENCE = 30_000;
const LEASES = 1_000_000;

const seconds = numberOf("seconds", 5, 1, 600);
const from = numberOf("from", 2_000, 100, MOST);
const only = wordOf("only");
const runtime = runtimeWord();

/** Tells one load's clients from the next one's: each client is new. */
let family = 0;

async function tryRate(load: Node, rate: number): Promise<LoadReport> {
  const program = startLoad(load, { rate, seconds, clients: LEASES, family: family++ });
  await program.ended(seconds * 1000 + PATIENCE);
  return readLoad(program, seconds);
}

async function measure(load: Node): Promise<Measured> {
  const tries: (LoadReport & { rate: number })[] = [];
  let good: LoadReport | undefined;
  // Neither a cold runtime nor empty pools are what is measured.
  for (let i = 0; i < WARM_UPS; i++) tries.push({ rate: from, ...(await tryRate(load, from)) });
  let [low, high] = [0, Number.POSITIVE_INFINITY];
  for (let rate = from, halved = 0; rate <= MOST && halved <= HALVINGS; ) {
    let report = await tryRate(load, rate);
    tries.push({ rate, ...report });
    if (report.lost > LOSS && report.lost < SECOND_CHANCE) {
      report = await tryRate(load, rate);
      tries.push({ rate, ...report });
    }
    note(
      `  ${rate}/s: ${Math.round(report.perSecond)}/s done, ${(100 * report.lost).toFixed(2)} % lost, ${report.delays.join(" and ")} ms`,
    );
    if (report.lost <= LOSS) {
      low = rate;
      good = report;
    } else high = rate;
    if (high === Number.POSITIVE_INFINITY) rate *= 2;
    else {
      halved++;
      rate = Math.round((low + high) / 2);
    }
  }
  return { best: good ?? tries.reduce((a, b) => (b.perSecond > a.perSecond ? b : a)), tries };
}

async function neighbours(name: string): Promise<{ server: Node; load: Node }> {
  const [server, load] = [addNode(`${name}server`, true), addNode(`${name}load`)];
  join(server, "lan", load, "lan");
  await Promise.all([server, load].map((node) => linkReady(node, "lan")));
  server.ip("address add fc00:aaaa:1::1/64 dev lan");
  return { server, load };
}

async function measureKea(directory: string): Promise<Measured> {
  const { server, load } = await neighbours("kea");
  const pool = "fc00:aaaa:1:0:1::/80";
  const lifetimes = { preferred: 43_200, valid: 86_400, renew: 21_600, rebind: 34_560 };
  await startKea(server, directory, {
    interface: "lan",
    subnet: "fc00:aaaa:1::/64",
    pool,
    ...lifetimes,
    log: "WARN",
    threads: cpus().length,
  });
  return measure(load);
}

async function measureBox(directory: string): Promise<Measured & { readonly durable: boolean }> {
  const { server, load } = await neighbours("box");
  addLine(server);
  const yaml = `${LONE_SITE}dhcp: { max: ${LEASES}, rapidCommit: false, dns: ["fc00:aaaa:1::1"] }\n`;
  const box: TestBox = testBox({ node: server, runtime, directory, logLevel: "warn" }, yaml);
  await box.start();
  const measured = await measure(load);
  await box.kill();
  const told = measured.tries.reduce((total, { done }) => total + done, 0);
  const { leases, parameters } = await readStored(box.state);
  const durable = leases.length >= told && leases.every(({ ulid }) => parameters.has(ulid));
  if (!durable) note(`${told} Replies, ${leases.length} leases and ${parameters.size} CGA parameters in the store`);
  return { ...measured, durable };
}

if (havePeers("root", "perfdhcp", "kea-dhcp6", "ss") && insideCage(fileURLToPath(import.meta.url), process.argv.slice(2))) {
  // On a disk: in the cage's own directory a sync would cost nothing.
  const disk = mkdtempSync(joinPath(tmpdir(), "pshim6-dhcp-"));
  try {
    mkdirSync(`${disk}/kea`);
    if (only !== "box") note("Kea, memfile, without syncs:");
    const kea = only === "box" ? undefined : await measureKea(`${disk}/kea`);
    if (only !== "kea") note(`pshim6 on ${runtime}, every lease synced:`);
    const box = only === "kea" ? undefined : await measureBox(`${disk}/box`);
    report(kea, box);
    process.exitCode = box === undefined || (box.durable && box.best.perSecond >= WANTED) ? 0 : 1;
  } finally {
    stopAll();
    rmSync(disk, { recursive: true, force: true });
  }
}

function report(kea: Measured | undefined, box: (Measured & { readonly durable: boolean }) | undefined): void {
  const ratio = kea === undefined || box === undefined ? undefined : box.best.perSecond / kea.best.perSecond;
  if (json) {
    const machine = { cpus: cpus().length, model: cpus()[0]?.model.trim(), linux: release() };
    console.log(JSON.stringify({ bench: "dhcp", date: new Date().toISOString(), ...machine, runtime, seconds, box, kea, ratio }));
    return;
  }
  const line = (who: string, best: LoadReport) =>
    console.log(`${who.padEnd(16)} ${Math.round(best.perSecond)} exchanges a second, ${best.delays[0]} and ${best.delays[1]} ms`);
  if (kea !== undefined) line("Kea", kea.best);
  if (box !== undefined) line(`pshim6 (${runtime})`, box.best);
  if (ratio !== undefined) console.log(`ratio            ${ratio.toFixed(2)}`);
  if (box !== undefined) console.log(`every Reply's lease and CGA parameters in the store after kill -9: ${box.durable ? "yes" : "NO"}`);
}
