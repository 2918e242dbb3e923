/**
 * Two real boxes with many hosts each: every ULID of a site lives on the LAN interface of one namespace. The hosts are one
 * process for each site, {@link ./host-process.ts}, which sends, echoes and times small UDP packets.
 */
import process from "node:process";
import { startBox } from "../../../runtime/lab/boxes.ts";
import { breakGround, type Ground, LabError, sweep } from "../../../runtime/lab/ground.ts";
import type { LabHost, RuntimeName } from "../../../runtime/lab/host.ts";
import { CONTEXT_IDLE, controlSocket, type Settled, siteFile, siteYaml, stateDirectory } from "../../../runtime/lab/site.ts";
import type { Site, World } from "../../../runtime/lab/world.ts";
import type { Child } from "../../../runtime/port/process.ts";
import { type Address, address } from "../../../runtime/value/address.ts";
import { commandOf, testHost } from "../labhost.ts";
import type { HostCommand, HostPair, HostReport } from "./host-process.ts";

export const PROGRAM = "dist/pshim6.mjs";

/** A site as a bench sees it. */
export interface BenchSite {
  readonly site: Site;
  readonly pid: number;
  readonly ulids: readonly Address[];
  readonly hosts: Hosts;
  /** JSON of the box's control socket. @throws {LabError} when it gives none */
  ask<T>(path: string): Promise<T>;
  counters(): Promise<Readonly<Record<string, number>>>;
}

/** All hosts of a site. */
export interface Hosts {
  tell(command: HostCommand): void;
  /** Says `command` and waits for the report that has its kind. @throws {LabError} when the process ends or is silent */
  ask(command: HostCommand): Promise<HostReport>;
}

export interface SitesOptions {
  readonly runtime: RuntimeName;
  readonly sites: readonly [Site, Site];
  readonly hosts: readonly [number, number];
  /** As in site.yaml. */
  readonly idle: string;
  readonly maxContexts?: number;
  /** Further lines of both site.yaml. */
  readonly more?: string;
}

/** Two boxes that forward, with their hosts. */
export interface BenchSites {
  readonly alpha: BenchSite;
  readonly beta: BenchSite;
  /** What the boxes said last, when something went wrong. */
  readonly said: readonly string[];
}

const GENERATE_PATIENCE = 60_000;
const REPORT_PATIENCE = 60_000;
const SAID_KEPT = 40;

/** Makes ULIDs, starts boxes and hosts on a raised world. Everything ends with the ground. @throws {LabError} */
export async function startSites(host: LabHost, ground: Ground, options: SitesOptions): Promise<BenchSites> {
  const said: string[] = [];
  const log = (box: string, text: string): void => {
    said.push(`${box}: ${text}`);
    if (said.length > SAID_KEPT) said.shift();
  };
  const settled = await Promise.all(options.sites.map((site, i) => settle(host, ground, site, options.hosts[i], options.runtime)));
  settled.forEach((own, i) => {
    const text = siteYaml(options.sites[i], ground.directory, own, settled[1 - i]).replace(
      `contexts: { idle: ${CONTEXT_IDLE} }`,
      `contexts: { idle: ${options.idle}, max: ${options.maxContexts ?? 65_536} }`,
    );
    host.files.writeText(siteFile(ground.directory, options.sites[i]), text + (options.more ?? ""));
  });
  const start = async (site: Site, own: readonly Settled[]): Promise<BenchSite> => {
    const ulids = own.map(({ ulid }) => ulid);
    const box = await startBox(host, ground, { site, ulid: ulids[0] }, options.runtime, log);
    const addresses = ulids.map((ulid) => `address add ${ulid}/64 dev lan nodad\n`).join("");
    await ground.ip(site.host, `${addresses}route add default via ${site.lanAddress} dev lan\n`);
    const socket = controlSocket(ground.directory, site);
    const ask = async <T>(path: string): Promise<T> => {
      const response = await host.http.request(socket, new Request(`http://localhost${path}`, { headers: { accept: "application/json" } }));
      if (!response.ok) throw new LabError(`${site.box} answers ${path} with ${response.status}`);
      return (await response.json()) as T;
    };
    const hosts = await startHosts(host, ground, site, ulids);
    return { site, pid: box.pid, ulids, hosts, ask, counters: () => ask("/counters") };
  };
  const [alpha, beta] = await Promise.all(options.sites.map((site, i) => start(site, settled[i])));
  return { alpha, beta, said };
}

async function settle(host: LabHost, ground: Ground, site: Site, count: number, runtime: RuntimeName): Promise<Settled[]> {
  host.files.makeDirectory(`${stateDirectory(ground.directory, site)}/state`, 0o700);
  const file = siteFile(ground.directory, site);
  host.files.writeText(file, siteYaml(site, ground.directory, [], []));
  const argv = [...host.selfCommand(runtime).argv, "cga", "generate", "-c", file, "--name", "h", "--count", String(count), "--json"];
  const { code, stdout, stderr } = await host.processes.run(argv, { timeout: GENERATE_PATIENCE });
  if (code !== 0) throw new LabError(`no ULIDs for ${site.name}: ${stderr.trim()}`);
  const made = JSON.parse(stdout) as { name: string; address: string }[];
  return made.map((row) => ({ site: { ...site, host: row.name }, ulid: address(row.address) }));
}

async function startHosts(host: LabHost, ground: Ground, site: Site, ulids: readonly Address[]): Promise<Hosts> {
  const waiting = new Map<string, (report: HostReport) => void>();
  let last = "";
  const argv = commandOf(host.runtime, "tests/lib/bench/host-process.ts").argv;
  const child: Child = await ground.spawn(site.host, [...argv], {
    line: (text) => {
      const report = JSON.parse(text) as HostReport;
      waiting.get(report.kind)?.(report);
      waiting.delete(report.kind);
    },
    complaint: (text) => {
      last = text;
    },
  });
  const over = child.ended.then((code): HostReport => {
    throw new LabError(`the hosts of ${site.name} ended with ${code}: ${last}`);
  });
  // Whoever asks hears of it; nobody asks after the ground is razed.
  over.catch(() => undefined);
  const ask = async (command: HostCommand): Promise<HostReport> => {
    const answer = new Promise<HostReport>((resolve) => waiting.set(command.kind, resolve));
    child.tell(JSON.stringify(command));
    const patience = new AbortController();
    const late = host.sleep(REPORT_PATIENCE, patience.signal).then((): HostReport => {
      if (patience.signal.aborted) return { kind: "late" };
      throw new LabError(`the hosts of ${site.name} are silent after ${command.kind}`);
    });
    try {
      return await Promise.race([answer, over, late]);
    } finally {
      patience.abort();
    }
  };
  await ask({ kind: "bind", addresses: ulids });
  return { tell: (command) => child.tell(JSON.stringify(command)), ask };
}

/** Milliseconds between two looks. */
const LOOK = 100;
const ECHO_PATIENCE = 3_000;
const ATTEMPTS = 4;

/** The first `count` pairs of an alpha and a beta host. */
export function everyPair({ alpha, beta }: BenchSites, count: number): HostPair[] {
  return alpha.ulids.flatMap((_, from) => beta.ulids.map((_, to): HostPair => [from, to])).slice(0, count);
}

/** Makes a context of each pair by one small packet from alpha and its echo. @throws {LabError} when some do not come up */
export async function establish(host: LabHost, sites: BenchSites, pairs: readonly HostPair[], perSecond: number): Promise<void> {
  const { alpha, beta } = sites;
  await alpha.hosts.ask({ kind: "peers", addresses: beta.ulids });
  await beta.hosts.ask({ kind: "echo", on: true });
  const answered = await exchange(host, sites, pairs, perSecond);
  if (answered < pairs.length) throw new LabError(`${answered} of ${pairs.length} contexts came up: ${sites.said.slice(-5).join(" | ")}`);
}

/**
 * A packet there and its echo back on each pair. One that some socket had no room for is sent again, a few times.
 * @returns pairs that answered
 */
export async function exchange(host: LabHost, sites: BenchSites, pairs: readonly HostPair[], perSecond: number): Promise<number> {
  const { hosts } = sites.alpha;
  const left = new Map(pairs.map((pair) => [pair.join(), pair]));
  await hosts.ask({ kind: "arrivals" });
  for (let i = 0; i < ATTEMPTS && left.size > 0; i++) {
    await hosts.ask({ kind: "send", pairs: [...left.values()], perSecond });
    for (let waited = 0; waited < ECHO_PATIENCE && left.size > 0; waited += LOOK) {
      await host.sleep(LOOK);
      const { arrivals = [] } = await hosts.ask({ kind: "arrivals" });
      for (const { pair, echo } of arrivals) if (echo) left.delete(pair.join());
    }
  }
  return pairs.length - left.size;
}

/** Raises `world` for `measure` and removes it again, whatever happens. What earlier benches left behind goes first. */
export async function onGround<T>(world: World, serial: number, measure: (ground: Ground, host: LabHost) => Promise<T>): Promise<T> {
  const host = await testHost(PROGRAM);
  if (serial === 0) await sweep(host);
  const ground = await breakGround(host, serial);
  const stopListening = host.onInterrupt(() => void ground.raze().then(() => process.exit(1)));
  try {
    await ground.raise(world);
    return await measure(ground, host);
  } finally {
    await ground.raze();
    stopListening();
  }
}
