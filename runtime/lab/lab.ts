/** `pshim6 lab`: two sites in network namespaces, a connection between them, providers that fail. */
import { PortError } from "../port/error.ts";
import type { Listener } from "../port/http.ts";
import type { EventName } from "./events.ts";
import { LabError, sweep } from "./ground.ts";
import type { LabHost } from "./host.ts";
import { addLog, newModel, type PassReport } from "./model.ts";
import type { LabOptions } from "./options.ts";
import { relay, servePage } from "./page.ts";
import { runPass, runtimesOf } from "./pass.ts";
import { drawScreen, ENTER_SCREEN, LEAVE_SCREEN } from "./screen.ts";
import { type Spread, spread } from "./spread.ts";
import { ENTERED, findStanding, PAGE } from "./standing.ts";

/** The JSON line of several passes. */
export interface PassesReport {
  readonly ok: boolean;
  readonly passes: readonly PassReport[];
  readonly handshakeMs: Spread | undefined;
  /** By event, over all passes. */
  readonly stallMs: Partial<Record<EventName, Spread>>;
}

/** Runs the lab. @returns exit code: 0 if everything went as it should, 1 otherwise */
export async function runLab(options: LabOptions, host: LabHost): Promise<number> {
  const entered = host.processes.env(ENTERED) !== undefined;
  if (!entered) {
    const standing = await findStanding(host, options);
    if (standing.kind === "missing") return refuse(host, options, standing.what);
    if (standing.kind === "enter") return enter(host, options, standing.argv);
  }
  const interrupt = new AbortController();
  // The process we entered from holds our standard input; when it is gone, so are we.
  const deaf = host.onInterrupt(() => interrupt.abort(), entered);
  try {
    const swept = await sweep(host);
    if (swept.length > 0) host.screen.note(`removed what ${swept.length} killed lab(s) had left\n`);
    return await runPasses(options, host, interrupt.signal);
  } catch (error) {
    if (error instanceof LabError || error instanceof PortError) return refuse(host, options, error.message);
    throw error;
  } finally {
    deaf();
  }
}

/** Both sides of the border see it. */
const RELAYS_DIRECTORY = "/tmp";

async function enter(host: LabHost, options: LabOptions, argv: readonly string[]): Promise<number> {
  // A Ctrl-C reaches the one inside by itself, a signal sent to us alone does not; it tidies up, we wait for it.
  const interrupt = new AbortController();
  const deaf = host.onInterrupt(() => interrupt.abort());
  const page = options.json ? undefined : await openRelay(host);
  const env = { [ENTERED]: "1", ...(page === undefined ? {} : { [PAGE]: `${page.path} ${page.listener.address}` }) };
  try {
    const { code } = await host.processes.run(argv, { terminal: true, hangUp: interrupt.signal, env });
    return code;
  } finally {
    deaf();
    await page?.close();
  }
}

/** The loopback of who entered is another one: browsers are served out here, and handed on. `undefined` = it cannot be, and the lab goes on without. */
async function openRelay(host: LabHost): Promise<{ path: string; listener: Listener; close: () => Promise<void> } | undefined> {
  const directory = `${RELAYS_DIRECTORY}/pshim6-lab-${host.newToken().text}`;
  try {
    host.files.makeDirectory(directory, 0o700);
    const path = `${directory}/page`;
    const listener = await servePage(host.http, relay(host, path));
    const close = async (): Promise<void> => {
      await listener.close();
      host.files.remove(directory);
    };
    return { path, listener, close };
  } catch (error) {
    if (!(error instanceof PortError)) throw error;
    host.screen.note(`no dashboard: ${error.message}\n`);
    host.files.remove(directory);
    return undefined;
  }
}

function refuse(host: LabHost, options: LabOptions, why: string): number {
  host.screen.note(`pshim6 lab: ${why}\n`);
  if (options.json) host.screen.out(`${JSON.stringify({ ok: false, why: [why] })}\n`);
  return 1;
}

async function runPasses(options: LabOptions, host: LabHost, interrupted: AbortSignal): Promise<number> {
  const count = options.passes ?? 1;
  const each = { ...options, once: options.once || count > 1 };
  const reports: PassReport[] = [];
  for (let serial = 0; serial < count && !interrupted.aborted; serial++) {
    if (count > 1) host.screen.note(`pass ${serial + 1} of ${count}\n`);
    const capture = each.capture === undefined || count === 1 ? each.capture : `${each.capture}/${serial + 1}`;
    reports.push(await showPass({ ...each, capture }, host, interrupted, serial));
  }
  const summary = count === 1 ? reports[0] : summarize(reports);
  if (options.json) host.screen.out(`${JSON.stringify(summary)}\n`);
  else host.screen.out(count === 1 ? passText(reports[0]) : spreadText(summarize(reports)));
  // Ctrl-C is the way out of a lab that goes on and on, no failure.
  const fine = (report: PassReport) =>
    report.ok || (!each.once && report.contentOk && report.why?.every((why) => why === "interrupted") === true);
  return reports.every(fine) ? 0 : 1;
}

async function showPass(options: LabOptions, host: LabHost, interrupted: AbortSignal, serial: number): Promise<PassReport> {
  const model = newModel(runtimesOf(host, options));
  const live = host.screen.isTerminal && !options.json;
  const begun = host.clock.now();
  const note = (text: string) => {
    const at = host.clock.now() - begun;
    addLog(model, at, text);
    if (!live) (options.json ? host.screen.note : host.screen.out)(`${(at / 1000).toFixed(1).padStart(6)} s  ${text}\n`);
  };
  const changed = () => {
    if (live) host.screen.out(drawScreen(model, host.screen.size()));
  };
  if (live) host.screen.out(ENTER_SCREEN);
  try {
    return await runPass({ host, options, model, note, changed, interrupted, serial });
  } finally {
    if (live) host.screen.out(LEAVE_SCREEN);
  }
}

/** Exported for tests. */
export function summarize(reports: readonly PassReport[]): PassesReport {
  const stalls = new Map<EventName, number[]>();
  for (const { name, stallMs } of reports.flatMap((report) => report.events)) stalls.set(name, [...(stalls.get(name) ?? []), stallMs]);
  const stallMs: Partial<Record<EventName, Spread>> = {};
  for (const [name, values] of stalls) {
    const found = spread(values);
    if (found !== undefined) stallMs[name] = found;
  }
  return {
    ok: reports.every((report) => report.ok),
    passes: reports,
    handshakeMs: spread(reports.map((report) => report.handshakeMs)),
    stallMs,
  };
}

function passText(report: PassReport): string {
  const { hosts, leaseMs, resolveMs, handshakeMs, events, octets, contentOk, contextsLeft, why } = report;
  return [
    `h1 ${hosts.h1} and h2 ${hosts.h2} by DHCPv6 in ${leaseMs} ms; h1 found h2 by name in ${resolveMs} ms`,
    `box A on ${report.runtimeA}, box B on ${report.runtimeB}; h1 connected in ${handshakeMs} ms`,
    ...events.map(
      ({ name, stallMs, from, to }) =>
        `  ${name.padEnd(16)} stood still for ${String(stallMs).padStart(7)} ms, ${from === to ? `${to ?? "nobody"} carried it still` : `${from ?? "nobody"} → ${to ?? "nobody"}`}`,
    ),
    `${octets} octets, ${contentOk ? "every one right" : "NOT WHOLE"}; contexts left: ${contextsLeft ?? "unknown"}`,
    ...(why ?? []).map((what) => `- ${what}`),
    "",
  ].join("\n");
}

function spreadText({ passes, handshakeMs, stallMs, ok }: PassesReport): string {
  const row = (name: string, value: Spread | undefined) =>
    value === undefined
      ? []
      : [`  ${name.padEnd(16)} ${[value.min, value.median, value.max].map((ms) => `${ms} ms`.padStart(11)).join("")}`];
  return [
    `${passes.length} passes${ok ? "" : ", not all of them right"}   ${"min".padStart(10)}${"median".padStart(11)}${"max".padStart(11)}`,
    ...row("connect", handshakeMs),
    ...Object.entries(stallMs).flatMap(([name, value]) => row(name, value)),
    ...passes.flatMap((pass, i) => (pass.why ?? []).map((what) => `- pass ${i + 1}: ${what}`)),
    "",
  ].join("\n");
}
