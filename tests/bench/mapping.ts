/**
 * TCP from a host with nothing but a ULID to a peer without Shim6, everything on this machine, wire packets of at most 1500 octets:
 *
 *  h1 ──(1492)── boxA ══(1500)══ router ──(1492)── peer
 *
 * In one run: what the core alone exchanges, a second of processor time, at 65,536 hosts hit at random, without rules and with 64 of them; the kernel's own prefix translation in the box's place (ip6tables' SNPT and DNPT where the machine has them, which keep no state; else
 * nftables' prefix maps, which do), then the box under each runtime.
 *
 * usage: mapping.ts [--seconds N] [--rounds N] [--runtime node|deno|bun]… [--json]
 */
import process from "node:process";
import { BENCH_HOSTS, measureMapping } from "../../runtime/fast/bench.ts";
import { startBox } from "../../runtime/lab/boxes.ts";
import { breakGround, type Ground, LabError, sweep } from "../../runtime/lab/ground.ts";
import type { RuntimeName } from "../../runtime/lab/host.ts";
import { settleLines } from "../../runtime/lab/raise.ts";
import { siteFile, siteYaml, stateDirectory } from "../../runtime/lab/site.ts";
import { spread } from "../../runtime/lab/spread.ts";
import { directSites } from "../../runtime/lab/world.ts";
import { address } from "../../runtime/value/address.ts";
import { showPrefix } from "../../runtime/value/prefix.ts";
import { coreModule, hashKey } from "../lib/core.ts";
import { testHost } from "../lib/labhost.ts";
import { havePeers } from "../lib/peers.ts";

/** Rules about prefixes that nobody goes to: each first packet is compared with all of them. */
const RULES = 64;
const RUNTIMES: readonly RuntimeName[] = ["node", "deno", "bun"];
const HOST = address("fc00:aaaa:1::10");
const PEER = address("2001:db8:b3::10");
const GIGA = 1e9;

const args = process.argv.slice(2);
const values = (name: string): string[] => args.filter((_, i) => args[i - 1] === name);
const seconds = Number(values("--seconds").at(-1) ?? 5);
const rounds = Number(values("--rounds").at(-1) ?? 3);
const json = args.includes("--json");
const runtimes = values("--runtime").length > 0 ? RUNTIMES.filter((runtime) => values("--runtime").includes(runtime)) : RUNTIMES;

const core: { rules: number; direction: "out" | "in"; mpps: number }[] = [];
for (const rules of [0, RULES])
  for (const direction of ["out", "in"] as const) core.push({ rules, direction, mpps: await exchanged(rules, direction) });
for (const { rules, direction, mpps } of core)
  (json ? console.error : console.log)(`core, ${BENCH_HOSTS} hosts, ${rules} rules, ${direction}`.padEnd(40), `${mpps.toFixed(2)} Mpps`);
if (!havePeers("root", "ip", "iperf3")) process.exit(0);
const host = await testHost("dist/pshim6.mjs");
const { world, alpha, beta } = directSites();
const [line] = alpha.providers;
const [site, provider] = [showPrefix(alpha.ulid), showPrefix(line.prefix)];
let serial = 0;
await sweep(host);

const stateless = (await host.processes.which("ip6tables")) !== undefined;
const tool = stateless ? "ip6tables SNPT/DNPT" : "nftables prefix maps, with state";
const kernel = await repeat(tool, (ground) => translated(ground));
const boxes = [];
for (const runtime of runtimes) {
  const gbps = await repeat(`box on ${runtime}`, (ground) => mapped(ground, runtime));
  boxes.push({ runtime, gbps, ratio: round(gbps / kernel) });
}
if (json)
  console.log(
    JSON.stringify({ bench: "mapping", date: new Date().toISOString(), seconds, rounds, core, kernel: { tool, gbps: kernel }, boxes }),
  );
else for (const { runtime, gbps, ratio } of boxes) console.log(`${runtime.padEnd(5)} ${gbps.toFixed(2)} Gb/s, ${ratio} of the kernel's`);
process.exit(0);

/** What one thread's core exchanges: the median round. Processor time, so that others on the machine do not count. */
async function exchanged(rules: number, direction: "out" | "in"): Promise<number> {
  const results: number[] = [];
  const nanoseconds = (): number => {
    const { user, system } = process.cpuUsage();
    return 1000 * (user + system);
  };
  for (let i = 0; i < rounds; i++) {
    const rows = await measureMapping(BENCH_HOSTS, { module: coreModule(), hashKey: hashKey(), nanoseconds }, rules);
    results.push(rows.find((row) => row.direction === direction)?.mpps ?? 0);
  }
  return spread(results)?.median ?? 0;
}

/** The median round. */
async function repeat(name: string, measure: (ground: Ground) => Promise<number>): Promise<number> {
  const results: number[] = [];
  for (let i = 0; i < rounds; i++) results.push(await onGround(measure));
  const middle = round(spread(results)?.median ?? 0);
  (json ? console.error : console.log)(`${name.padEnd(32)} ${middle.toFixed(2)} Gb/s`);
  return middle;
}

async function onGround(measure: (ground: Ground) => Promise<number>): Promise<number> {
  const ground = await breakGround(host, serial++);
  try {
    await ground.raise(world);
    await ground.ip(
      beta.box,
      `route replace ${provider} via ${line.address} dev ${beta.providers[0].interface}\naddress add ${PEER.replace("10", "1")}/64 dev lan nodad\n`,
    );
    await ground.ip(beta.host, settleLines(PEER, PEER.replace("10", "1")));
    return await measure(ground);
  } finally {
    await ground.raze();
  }
}

async function translated(ground: Ground): Promise<number> {
  await ground.ip(alpha.box, `route replace default via ${line.gateway} dev ${line.interface}\n`);
  await ground.ip("h1", settleLines(HOST, alpha.lanAddress));
  if (stateless) {
    const rule = "ip6tables -t mangle -A";
    await must(ground, [
      "sh",
      "-c",
      `${rule} POSTROUTING -s ${site} -o ${line.interface} -j SNPT --src-pfx ${site} --dst-pfx ${provider} && ${rule} PREROUTING -d ${provider} -i ${line.interface} -j DNPT --src-pfx ${provider} --dst-pfx ${site}`,
    ]);
  } else {
    const rules = `table ip6 mapping {
  chain out {
    type nat hook postrouting priority 100
    oifname ${line.interface} snat ip6 prefix to ip6 saddr map { ${site} : ${provider} }
  }
  chain in {
    type nat hook prerouting priority -100
    iifname ${line.interface} dnat ip6 prefix to ip6 daddr map { ${provider} : ${site} }
  }
}`;
    await must(ground, ["sh", "-c", `printf '%s\\n' "$1" | nft -f -`, "sh", rules]);
  }
  return fill(ground);
}

async function mapped(ground: Ground, runtime: RuntimeName): Promise<number> {
  host.files.makeDirectory(`${stateDirectory(ground.directory, alpha)}/state`, 0o700);
  host.files.writeText(siteFile(ground.directory, alpha), `${siteYaml(alpha, ground.directory, [], [])}legacy: { mode: map }\n`);
  const said: string[] = [];
  const box = await startBox(host, ground, { site: alpha, ulid: HOST }, runtime, (name, text) => said.push(`${name}: ${text}`));
  await ground.ip("h1", settleLines(HOST, alpha.lanAddress));
  try {
    return await fill(ground);
  } catch (error) {
    console.error(said.slice(-20).join("\n"));
    throw error;
  } finally {
    await box.stop();
  }
}

async function must(ground: Ground, argv: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await ground.run(alpha.box, argv, 30_000);
  if (code !== 0) throw new LabError(`${argv.join(" ")}: ${stderr || stdout}`);
}

/** As much as goes through for `seconds`. */
async function fill(ground: Ground): Promise<number> {
  let listening: () => void = () => undefined;
  const listens = new Promise<void>((resolve) => {
    listening = resolve;
  });
  const hear = (text: string) => {
    if (text.includes("listening")) listening();
  };
  const server = await ground.spawn(beta.host, ["iperf3", "--server", "--one-off", "--forceflush"], { line: hear, complaint: hear });
  await Promise.race([listens, server.ended]);
  const client = ["iperf3", "--client", PEER, "--time", String(seconds), "--omit", "1", "--json", "--connect-timeout", "10000"];
  const { code, stdout, stderr } = await ground.run("h1", client, (seconds + 20) * 1000);
  if (code !== 0) throw new LabError(`iperf3 ended with ${code}: ${stderr || stdout.slice(-500)}`);
  const { end } = JSON.parse(stdout) as { end: { sum_received: { bits_per_second: number } } };
  return end.sum_received.bits_per_second / GIGA;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
