/** The two boxes as processes: ULIDs made with their keys, settings written, started, watched, stopped. */
import type { ContextRow, Listing } from "../api/rows.ts";
import { PortError } from "../port/error.ts";
import type { Child } from "../port/process.ts";
import { type Address, parseAddress } from "../value/address.ts";
import { type Ground, LabError } from "./ground.ts";
import type { LabHost, RuntimeName } from "./host.ts";
import { settleLines } from "./raise.ts";
import { controlSocket, namedSiteYaml, type Settled, siteFile, siteYaml, stateDirectory } from "./site.ts";
import { within } from "./wait.ts";
import { ALPHA, BETA, type Site } from "./world.ts";

/** A running box whose host is known. */
export interface Box extends BareBox {
  /** Its host's address for ever. */
  readonly ulid: Address;
}

/** A running box. */
export interface BareBox {
  readonly site: Site;
  readonly runtime: RuntimeName;
  readonly pid: number;
  /** Resolves when it ended, asked or not. */
  readonly ended: Promise<number>;
  /** `undefined` when it does not answer. */
  contexts(): Promise<readonly ContextRow[] | undefined>;
  counters(): Promise<Readonly<Record<string, number>> | undefined>;
  /** Asks it to end; insists after {@link STOP_PATIENCE}. @returns its exit code */
  stop(): Promise<number>;
}

/** What {@link startBoxes} depends on. */
export interface BoxesOptions {
  readonly runtimes: readonly [RuntimeName, RuntimeName];
  readonly sites?: readonly [Site, Site];
  /** Each line a box prints, for the curious. */
  readonly log: (box: string, text: string) => void;
}

/** Milliseconds. A first key and a cold runtime on a busy machine. */
const READY_PATIENCE = 60_000;
const STOP_PATIENCE = 5000;
/** What a box said last, when it ends unasked. */
const LAST_WORDS = 8;

/** Makes the hosts' ULIDs, starts both boxes, waits until they are ready, gives the hosts their addresses. @throws {LabError} */
export async function startBoxes(host: LabHost, ground: Ground, options: BoxesOptions): Promise<[Box, Box]> {
  const sites = options.sites ?? [ALPHA, BETA];
  const [a, b] = await Promise.all([
    settle(host, ground, sites[0], options.runtimes[0]),
    settle(host, ground, sites[1], options.runtimes[1]),
  ]);
  host.files.writeText(siteFile(ground.directory, a.site), siteYaml(a.site, ground.directory, [a], [b]));
  host.files.writeText(siteFile(ground.directory, b.site), siteYaml(b.site, ground.directory, [b], [a]));
  const start = (settled: Settled, runtime: RuntimeName) => startBox(host, ground, settled, runtime, options.log);
  const boxes: [Box, Box] = await Promise.all([start(a, options.runtimes[0]), start(b, options.runtimes[1])]);
  await Promise.all(boxes.map(({ site, ulid }) => ground.ip(site.host, settleLines(ulid, site.lanAddress))));
  return boxes;
}

/**
 * Starts both boxes of sites that know nothing of each other but where names are asked for. Their hosts move in later: {@link ./tenants.ts}.
 * @throws {LabError}
 */
export async function startNamedBoxes(host: LabHost, ground: Ground, options: Omit<BoxesOptions, "sites">): Promise<[BareBox, BareBox]> {
  for (const [site, other] of [
    [ALPHA, BETA],
    [BETA, ALPHA],
  ]) {
    host.files.makeDirectory(`${stateDirectory(ground.directory, site)}/state`, 0o700);
    host.files.writeText(siteFile(ground.directory, site), namedSiteYaml(site, ground.directory, other));
  }
  return Promise.all([
    runBox(host, ground, ALPHA, options.runtimes[0], options.log),
    runBox(host, ground, BETA, options.runtimes[1], options.log),
  ]);
}

async function settle(host: LabHost, ground: Ground, site: Site, runtime: RuntimeName): Promise<Settled> {
  host.files.makeDirectory(`${stateDirectory(ground.directory, site)}/state`, 0o700);
  const file = siteFile(ground.directory, site);
  host.files.writeText(file, siteYaml(site, ground.directory, [], []));
  const argv = [...host.selfCommand(runtime).argv, "cga", "generate", "-c", file, "--name", site.host, "--json"];
  const { code, stdout, stderr } = await host.processes.run(argv, { timeout: READY_PATIENCE });
  const ulid = code === 0 ? parseAddress(textAt(parseJson(stdout), "address") ?? "") : undefined;
  if (ulid === undefined) throw new LabError(`no ULID for ${site.host}: ${(stderr || stdout).trim() || `exit code ${code}`}`);
  return { site, ulid };
}

/** Starts the box of `settled` as {@link runBox} does. @throws {LabError} */
export async function startBox(
  host: LabHost,
  ground: Ground,
  { site, ulid }: Settled,
  runtime: RuntimeName,
  log: BoxesOptions["log"],
): Promise<Box> {
  return { ...(await runBox(host, ground, site, runtime, log)), ulid };
}

/** Starts the box of `site` by the settings that lie in its {@link siteFile}, and waits until it is ready. @throws {LabError} */
export async function runBox(host: LabHost, ground: Ground, site: Site, runtime: RuntimeName, log: BoxesOptions["log"]): Promise<BareBox> {
  const said: string[] = [];
  let ready: () => void = () => undefined;
  const isReady = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const hear = (text: string) => {
    said.push(text);
    if (said.length > LAST_WORDS) said.shift();
    log(site.box, text);
  };
  const argv = [...host.selfCommand(runtime).argv, "run", "-c", siteFile(ground.directory, site)];
  const child = await ground.spawn(site.box, argv, {
    line: (text) => {
      hear(text);
      if (saysReady(text)) ready();
    },
    complaint: hear,
  });
  const outcome = await within(
    host,
    READY_PATIENCE,
    `not ready after ${READY_PATIENCE / 1000} s`,
    isReady.then(() => "ready"),
    child.ended.then((code) => `ended with ${code}`),
  );
  if (outcome !== "ready") throw new LabError(`${site.box} (${runtime}) ${outcome}: ${said.join(" | ")}`);
  const socket = controlSocket(ground.directory, site);
  return {
    site,
    runtime,
    pid: child.pid,
    ended: child.ended,
    contexts: async () => items(await get(host, socket, "/contexts")),
    counters: async () => counterRows(await get(host, socket, "/counters")),
    stop: () => stop(host, child),
  };
}

/** The line a box prints when packets flow through it: text that starts with `ready`, or JSON that says so. */
export function saysReady(line: string): boolean {
  if (/^ready\b/.test(line)) return true;
  const value = parseJson(line);
  return typeof value === "object" && value !== null && ("ready" in value || Object.values(value).includes("ready"));
}

async function stop(host: LabHost, child: Child): Promise<number> {
  host.processes.kill(child.pid, "SIGTERM");
  const code = await within(host, STOP_PATIENCE, undefined, child.ended);
  if (code !== undefined) return code;
  host.processes.kill(child.pid, "SIGKILL");
  return child.ended;
}

/** @returns the answer as JSON; `undefined` when nobody gives one */
async function get(host: LabHost, socket: string, path: string): Promise<unknown> {
  try {
    const response = await host.http.request(socket, new Request(`http://localhost${path}`));
    return response.ok ? await response.json() : undefined;
  } catch (error) {
    if (error instanceof PortError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Our own program on the other side: the form is checked as far as a wrong one could mislead. */
function items(value: unknown): readonly ContextRow[] | undefined {
  const listing = value as Partial<Listing<ContextRow>> | undefined;
  return Array.isArray(listing?.items) ? listing.items : undefined;
}

type CounterRows = Readonly<Record<string, number>>;

function counterRows(value: unknown): CounterRows | undefined {
  return typeof value === "object" && value !== null ? (value as CounterRows) : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function textAt(value: unknown, key: string): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const found: unknown = Object.entries(value).find(([name]) => name === key)?.[1];
  return typeof found === "string" ? found : undefined;
}
