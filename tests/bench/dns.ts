/**
 * Cached answers a second, by dnsperf, and what a miss takes: our DNS service, then Unbound with one thread, each alone beside dnsperf, both in front of the same BIND, both
 * asked for the same names over and over. dnsperf runs in a namespace of its own at the other end of a cable, or with `--loopback` beside the server.
 *
 * usage: dns.ts [--seconds N] [--names N] [--runtime node|deno|bun] [--only box|unbound] [--loopback] [--json]
 */
import { writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { json, note, numberOf, runtimeWord, wordOf } from "../lib/bench/arguments.ts";
import { cpuTime } from "../lib/bench/process-meter.ts";
import { insideCage, scratch } from "../lib/names/cage.ts";
import { gatewayCommand } from "../lib/names/gateway.ts";
import { addNode, join, type Node } from "../lib/names/nodes.ts";
import { type Program, stopAll } from "../lib/names/program.ts";
import { startBind } from "../lib/names/servers.ts";
import { havePeers } from "../lib/peers.ts";

const SERVER = "fc00:aaaa:1::1";
const LOAD = "fc00:aaaa:1::10";
const BIND = "2001:db8:f1::53";
const PORT = 5353;
const WANTED = 60_000;
/** Questions that miss, and milliseconds that the gateway may add to one. */
const MISSES = 2_000;
const MISS_MOST = 1;
/** Seconds of a run that only fills the caches. */
const WARM_UP = 2;
/** Milliseconds beyond the load's own time. */
const PATIENCE = 30_000;
/** Questions on the way at a time, and sockets of dnsperf. */
const OUTSTANDING = 200;
const CLIENTS = 8;

interface Report {
  readonly perSecond: number;
  readonly lost: number;
  readonly averageMs: number;
}

/** With the server's processor time for each answer, µs: a busy machine changes it least. */
interface Measured extends Report {
  readonly cpuMicros: number;
}

/** Milliseconds on average. */
interface Miss {
  readonly directMs: number;
  readonly throughMs: number;
}

const seconds = numberOf("seconds", 10, 1, 600);
const count = numberOf("names", 1_000, 1, 60_000);
const only = wordOf("only");
const runtime = runtimeWord();
const loopback = process.argv.includes("--loopback");

if (havePeers("ip", "named", "dnsperf", "unbound") && insideCage(fileURLToPath(import.meta.url), process.argv.slice(2))) {
  const directory = scratch("dns");
  const { server, load } = await world(directory);
  writeFileSync(`${directory}/queries`, Array.from({ length: count }, (_, i) => `n${i}.example.test AAAA\n`).join(""));
  const box = only === "unbound" ? undefined : await measure("box", gateway(server), load, directory);
  const miss = only === "unbound" ? undefined : await measureMisses(server, directory);
  const unbound = only === "box" ? undefined : await measure("unbound", startUnbound(server, directory), load, directory);
  show(box, unbound, miss);
  stopAll();
}

/** BIND behind a cable, with ULIDs for every second name. */
async function world(directory: string): Promise<{ server: Node; load: Node }> {
  const [upstream, server] = [addNode("world"), addNode("server")];
  join(server, "up", upstream, "up");
  upstream.ip(`addr add ${BIND}/64 dev up`);
  server.ip("addr add 2001:db8:f1::1/64 dev up");
  const load = loopback ? server : addNode("load");
  if (loopback) server.ip(`addr add ${SERVER}/64 dev lo`, `addr add ${LOAD}/64 dev lo`);
  else {
    join(server, "lan", load, "lan");
    server.ip(`addr add ${SERVER}/64 dev lan`);
    load.ip(`addr add ${LOAD}/64 dev lan`);
  }
  const hosts = Array.from({ length: count }, (_, i) => {
    const ulid = `n${i} IN TYPE65280 \\# 16 fc00bbbb0001000000000000${i.toString(16).padStart(8, "0")}\n`;
    return `n${i} IN AAAA 2001:db8:b3::${i.toString(16)}\n${i % 2 === 0 ? ulid : ""}`;
  });
  const misses = Array.from({ length: MISSES }, (_, i) => `m${i} IN AAAA 2001:db8:b3::${i.toString(16)}\n`);
  const text = `$TTL 3600\n@ IN SOA ns hostmaster 1 3600 600 86400 60\n@ IN NS ns\nns IN AAAA ${BIND}\n${hosts.join("")}${misses.join("")}`;
  await startBind(upstream, `${directory}/bind`, { listen: BIND, zones: [{ name: "example.test", text }] });
  return { server, load };
}

async function gateway(server: Node): Promise<Program> {
  const program = server.start(
    gatewayCommand(runtime, { listen: [{ host: SERVER, port: PORT }], upstreams: [{ host: BIND, port: 53, domains: [] }] }),
  );
  await program.said(/^ready$/m);
  return program;
}

async function startUnbound(server: Node, directory: string): Promise<Program> {
  const lines = [
    "server:",
    `  directory: "${directory}"`,
    `  pidfile: "${directory}/unbound.pid"`,
    '  chroot: ""',
    '  username: ""',
    "  use-syslog: no",
    "  num-threads: 1",
    `  interface: ${SERVER}@${PORT}`,
    "  access-control: ::/0 allow",
    "  do-ip4: no",
    '  module-config: "iterator"',
    "  msg-cache-size: 64m",
    "  rrset-cache-size: 128m",
    "forward-zone:",
    '  name: "."',
    `  forward-addr: ${BIND}`,
    "remote-control:",
    "  control-enable: no",
    "",
  ];
  writeFileSync(`${directory}/unbound.conf`, lines.join("\n"));
  const program = server.start(["unbound", "-d", "-p", "-v", "-c", `${directory}/unbound.conf`]);
  await program.said(/start of service/);
  return program;
}

async function measure(name: string, starting: Promise<Program>, load: Node, directory: string): Promise<Measured> {
  const program = await starting;
  await ask(load, directory, WARM_UP);
  const before = cpuTime(program.pid);
  const report = await ask(load, directory, seconds);
  const cpuMicros = Math.round((1e5 * (cpuTime(program.pid) - before)) / (report.perSecond * seconds)) / 100;
  note(
    `  ${name}: ${Math.round(report.perSecond)} answers/s, ${report.lost} lost, ${report.averageMs} ms on average, ${cpuMicros} µs each`,
  );
  await program.stop();
  return { ...report, cpuMicros };
}

/** What one question takes that nobody asked before, one at a time: at BIND, and through the gateway, which asks BIND for two types. */
async function measureMisses(server: Node, directory: string): Promise<Miss> {
  const file = `${directory}/misses`;
  writeFileSync(file, Array.from({ length: MISSES }, (_, i) => `m${i}.example.test AAAA\n`).join(""));
  const program = await gateway(server);
  const once = async (address: string, port: number, from = file) => {
    const words = `-s ${address} -p ${port} -n 1 -c 1 -T 1 -q 1 -d ${from}`;
    const dnsperf = server.start(["dnsperf", ...words.split(" ")]);
    // With one question on the way at a time dnsperf rests up to 40 ms between two.
    await dnsperf.ended(PATIENCE + 100 * count);
    return Math.round(1e6 * Number(/Average Latency \(s\):\s+([\d.]+)/.exec(dnsperf.log)?.[1] ?? Number.NaN)) / 1000;
  };
  // A cold runtime is not what is measured, nor is BIND's first look at a name.
  await once(SERVER, PORT, `${directory}/queries`);
  await once(BIND, 53);
  const directMs = await once(BIND, 53);
  const throughMs = await once(SERVER, PORT);
  note(`  a miss: ${throughMs} ms through the gateway, ${directMs} ms at BIND`);
  await program.stop();
  return { directMs, throughMs };
}

async function ask(load: Node, directory: string, time: number): Promise<Report> {
  const words = `-s ${SERVER} -p ${PORT} -d ${directory}/queries -l ${time} -c ${CLIENTS} -T 1 -q ${OUTSTANDING}`;
  const dnsperf = load.start(["dnsperf", ...words.split(" ")]);
  await dnsperf.ended(time * 1000 + PATIENCE);
  const figure = (pattern: RegExp) => Number(pattern.exec(dnsperf.log)?.[1] ?? Number.NaN);
  const latency = figure(/Average Latency \(s\):\s+([\d.]+)/);
  return {
    perSecond: figure(/Queries per second:\s+([\d.]+)/),
    lost: figure(/Queries lost:\s+(\d+)/),
    averageMs: Math.round(1e6 * latency) / 1000,
  };
}

function show(box: Measured | undefined, unbound: Measured | undefined, miss: Miss | undefined): void {
  const good = box === undefined || (box.perSecond >= WANTED && (miss === undefined || miss.throughMs - miss.directMs <= MISS_MOST));
  const ratio = box === undefined || unbound === undefined ? undefined : Math.round((100 * box.perSecond) / unbound.perSecond) / 100;
  if (json) {
    const machine = { cpus: cpus().length, model: cpus()[0]?.model.trim(), linux: release() };
    const measured = { names: count, seconds, loopback, box, unbound, miss, ratio, wanted: WANTED, good };
    console.log(JSON.stringify({ bench: "dns", date: new Date().toISOString(), ...machine, runtime, ...measured }));
  } else {
    console.log(`cached answers a second, ${count} names, ${loopback ? "loopback" : "over a cable"}, dnsperf beside the server:`);
    if (box !== undefined)
      console.log(
        `  pshim6 on ${runtime.padEnd(8)} ${Math.round(box.perSecond)}  (${box.lost} lost, ${box.averageMs} ms, ${box.cpuMicros} µs of processor time each)`,
      );
    if (unbound !== undefined)
      console.log(
        `  unbound, 1 thread  ${Math.round(unbound.perSecond)}  (${unbound.lost} lost, ${unbound.averageMs} ms, ${unbound.cpuMicros} µs of processor time each)`,
      );
    if (miss !== undefined) console.log(`  a miss             ${miss.throughMs} ms, at BIND itself ${miss.directMs} ms`);
    if (ratio !== undefined) console.log(`  ratio              ${ratio}`);
  }
  if (!good) process.exitCode = 1;
}
