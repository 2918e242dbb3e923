/** One pass: a world is raised, the stream runs, the providers fail and return, everything is counted and removed. */
import { PortError } from "../port/error.ts";
import type { Listener } from "../port/http.ts";
import { type BareBox, type Box, startNamedBoxes } from "./boxes.ts";
import { startCaptures } from "./capture.ts";
import { Controls } from "./controls.ts";
import { type LabEvent, round } from "./events.ts";
import { breakGround, type Ground, LabError } from "./ground.ts";
import type { LabHost, RuntimeName } from "./host.ts";
import { addEvent, type EventReport, type LabModel, type PassReport } from "./model.ts";
import { type LabOptions, type Schedule, scheduleOf } from "./options.ts";
import { createLabPage, servePage } from "./page.ts";
import { controlSocket, hostName } from "./site.ts";
import { PAGE } from "./standing.ts";
import { findName, moveIn } from "./tenants.ts";
import { startTraffic, type Traffic } from "./traffic.ts";
import { LOOK, watch } from "./watch.ts";
import { ALPHA, BETA, namedSites } from "./world.ts";

/** Milliseconds beyond the schedule that a standing stream may take to flow again. */
const RECOVERY_PATIENCE = 60_000;
/** A stream that has no gap longer than this is flowing. */
const FLOWING = 100;
/** Milliseconds after the stream's end by which no context may be left: idle time, and the negative entries' hold-down. */
const DRAIN_PATIENCE = 30_000;

/** The outside of a pass. */
export interface PassSetting {
  readonly host: LabHost;
  readonly options: LabOptions;
  readonly model: LabModel;
  /** For people, at once. */
  readonly note: (text: string) => void;
  /** The model changed. */
  readonly changed: () => void;
  /** Aborted when the user has had enough. */
  readonly interrupted: AbortSignal;
  readonly serial: number;
}

/** @throws {LabError} when the world cannot be raised or a part of it breaks down */
export async function runPass(setting: PassSetting): Promise<PassReport> {
  const { host, options, model } = setting;
  const begun = host.clock.now();
  const ground = await breakGround(host, setting.serial);
  try {
    phase(setting, "raising the two sites");
    const world = namedSites();
    await ground.raise(world);
    if (options.delay !== undefined && options.delay > 0) await slow(ground, options.delay);
    for (const { name } of [...ALPHA.providers, ...BETA.providers]) model.providers.set(name, "up");
    const captures = options.capture === undefined ? undefined : await startCaptures(host, ground, world, options.capture);
    phase(setting, `starting box A (${model.runtimes[0]}) and box B (${model.runtimes[1]})`);
    const bare = await startNamedBoxes(host, ground, {
      runtimes: model.runtimes,
      log: (box, text) => {
        if (options.verbose === true) setting.note(`${box}: ${text}`);
      },
    });
    setting.note(`both boxes are up after ${Math.round(host.clock.now() - begun)} ms; the hosts have no address`);
    const { boxes, names } = await settle(setting, ground, bare);
    const report = { ...(await runStream(setting, ground, boxes)), ...names };
    await captures?.stop();
    return report;
  } finally {
    await ground.raze();
  }
}

/** The hosts move in, and the first finds the second by name: all that they know comes from their box (draft §6, steps 1 to 3). */
async function settle(
  setting: PassSetting,
  ground: Ground,
  bare: readonly [BareBox, BareBox],
): Promise<{ boxes: [Box, Box]; names: Pick<PassReport, "hosts" | "leaseMs" | "resolveMs"> }> {
  const { host } = setting;
  phase(setting, "the hosts ask for an address");
  const [h1, h2] = await Promise.all(bare.map(({ site }) => moveIn(host, ground, site, host.runtime)));
  for (const [i, { address, ms, server }] of [h1, h2].entries())
    setting.note(`${bare[i].site.host} has ${address} by DHCPv6 after ${ms} ms, and asks ${server} for names`);
  const name = hostName(BETA);
  phase(setting, `h1 asks for ${name}`);
  const found = await findName(host, ground, ALPHA, host.runtime, h1, name);
  setting.note(`h1 asked for ${name} and was told ${found.address} after ${found.ms} ms`);
  if (found.address !== h2.address) throw new LabError(`${name} is ${found.address}, and h2 has ${h2.address}`);
  return {
    boxes: [
      { ...bare[0], ulid: h1.address },
      { ...bare[1], ulid: found.address },
    ],
    names: { hosts: { h1: h1.address, h2: h2.address }, leaseMs: Math.max(h1.ms, h2.ms), resolveMs: found.ms },
  };
}

type StreamReport = Omit<PassReport, "hosts" | "leaseMs" | "resolveMs">;

async function runStream(setting: PassSetting, ground: Ground, boxes: readonly [Box, Box]): Promise<StreamReport> {
  const { options, model } = setting;
  const controls = new Controls({ ground, model, note: setting.note, providers: [...ALPHA.providers, ...BETA.providers] });
  const page = options.json ? undefined : await openPage(setting, ground, controls);
  try {
    return await runTraffic(setting, ground, boxes, controls);
  } finally {
    await page?.close();
  }
}

/** The dashboard, if it can be: on this machine's loopback, or where the process that we entered from serves it. */
async function openPage({ host, model, note }: PassSetting, ground: Ground, controls: Controls): Promise<Listener | undefined> {
  const boxes = new Map([ALPHA, BETA].map((site) => [site.name, controlSocket(ground.directory, site)]));
  const page = createLabPage({ host, model, controls, boxes });
  const [socket, outside] = host.processes.env(PAGE)?.split(" ") ?? [];
  try {
    const listener = socket === undefined ? await servePage(host.http, page.handler) : await host.http.serveSocket(socket, page.handler);
    model.page = `http://${outside ?? listener.address}/#token=${page.token}`;
    note(`dashboard: ${model.page}`);
    return listener;
  } catch (error) {
    if (!(error instanceof PortError)) throw error;
    note(`no dashboard: ${error.message}`);
    return undefined;
  }
}

async function runTraffic(setting: PassSetting, ground: Ground, boxes: readonly [Box, Box], controls: Controls): Promise<StreamReport> {
  const { host, options, model } = setting;
  const traffic = await startTraffic(host, ground, { from: ALPHA.host, to: BETA.host, address: boxes[1].ulid, runtime: host.runtime });
  model.handshakeMs = traffic.handshakeMs;
  setting.note(`h1 connected to h2 in ${traffic.handshakeMs} ms`);
  const broken = new AbortController();
  traffic.broken.then((why) => broken.abort(why));
  for (const { site, ended } of boxes) ended.then((code) => broken.abort(`${site.box} ended with ${code}`));
  const unwatch = watch(host, boxes, traffic, model, setting.changed);
  const why: string[] = [];
  try {
    do {
      await runRound(setting, controls, traffic, broken.signal);
      while (controls.isByHand && !setting.interrupted.aborted) await pause(setting, LOOK, broken.signal);
    } while (!options.once && !setting.interrupted.aborted);
  } finally {
    await unwatch();
  }
  const enough = setting.interrupted.aborted;
  phase(setting, "ending the stream");
  const end = await traffic.stop();
  if (!end.contentOk) why.push(`the stream was not whole: ${end.why}`);
  if (enough) why.push("interrupted");
  for (const { name, recovered } of model.events) if (!recovered) why.push(`the stream did not recover from ${name}`);
  const contextsLeft = enough ? await countContexts(boxes) : await drained(setting, boxes);
  if (contextsLeft === null) why.push("a box does not answer on its control socket");
  else if (contextsLeft > 0 && !enough) why.push(`${contextsLeft} contexts were left after ${DRAIN_PATIENCE / 1000} s`);
  const codes = await Promise.all(boxes.map((box) => box.stop()));
  codes.forEach((code, i) => {
    if (code !== 0) why.push(`${boxes[i].site.box} ended with ${code} when asked to stop`);
  });
  return {
    ok: why.length === 0,
    runtimeA: model.runtimes[0],
    runtimeB: model.runtimes[1],
    handshakeMs: traffic.handshakeMs,
    events: [...model.events],
    octets: end.octets,
    contentOk: end.contentOk,
    contextsLeft,
    ...(why.length === 0 ? {} : { why }),
  };
}

async function runRound(setting: PassSetting, controls: Controls, traffic: Traffic, broken: AbortSignal): Promise<void> {
  const schedule = scheduleOf(setting.options);
  phase(setting, "the stream runs");
  await pause(setting, schedule.lead, broken, controls.taken);
  for (const event of round()) {
    if (setting.interrupted.aborted || controls.isByHand) return;
    addEvent(setting.model, await runEvent(setting, controls, traffic, event, schedule, broken));
    setting.changed();
  }
}

async function runEvent(
  setting: PassSetting,
  controls: Controls,
  traffic: Traffic,
  event: LabEvent,
  schedule: Schedule,
  broken: AbortSignal,
): Promise<EventReport> {
  const { host, model } = setting;
  const [from, returnFrom] = [model.outbound, model.inbound];
  phase(setting, event.says);
  setting.note(event.says);
  traffic.mark();
  const at = host.clock.now();
  await controls.turn(event.node, event.leaves);
  setting.changed();
  await pause(setting, schedule.dwell, broken, controls.taken);
  const until = at + schedule.dwell + RECOVERY_PATIENCE;
  const isLeft = () => setting.interrupted.aborted || controls.isByHand;
  while (traffic.gapNow > FLOWING && host.clock.now() < until && !isLeft()) await pause(setting, LOOK, broken);
  const report: EventReport = {
    name: event.name,
    stallMs: traffic.longestGap,
    from: from ?? null,
    to: model.outbound ?? null,
    returnFrom: returnFrom ?? null,
    returnTo: model.inbound ?? null,
    // Who is interrupted in an outage has not seen its end; nor has who lets others break more.
    recovered: traffic.gapNow <= FLOWING || isLeft(),
  };
  setting.note(`${event.name}: the stream stood still for ${report.stallMs} ms; ${moved(report.from, report.to)}`);
  return report;
}

/** The end of every tale: who carried before, who after. */
function moved(from: string | null, to: string | null): string {
  return from === to ? `${from ?? "nobody"} carries it still` : `from ${from ?? "nobody"} to ${to ?? "nobody"}`;
}

/** A Ctrl-C that reached a part of the lab before it reached us is no breakdown: so long it is waited for, milliseconds. */
const INTERRUPT_LAG = 200;

/** @throws {LabError} when something breaks meanwhile */
async function pause({ host, interrupted }: PassSetting, ms: number, broken: AbortSignal, ...ends: readonly AbortSignal[]): Promise<void> {
  await host.sleep(ms, AbortSignal.any([interrupted, broken, ...ends]));
  if (!broken.aborted) return;
  await host.sleep(INTERRUPT_LAG, interrupted);
  if (!interrupted.aborted) throw new LabError(String(broken.reason));
}

async function drained(setting: PassSetting, boxes: readonly [Box, Box]): Promise<number | null> {
  const { host } = setting;
  phase(setting, "waiting until no context is left");
  const until = host.clock.now() + DRAIN_PATIENCE;
  for (;;) {
    const left = await countContexts(boxes);
    if (left === 0 || host.clock.now() >= until || setting.interrupted.aborted) return left;
    await host.sleep(LOOK, setting.interrupted);
  }
}

async function countContexts(boxes: readonly Box[]): Promise<number | null> {
  const counts = await Promise.all(boxes.map(async (box) => (await box.contexts())?.length));
  let sum = 0;
  for (const count of counts) {
    if (count === undefined) return null;
    sum += count;
  }
  return sum;
}

/** Half of the way between the sites is one pass through `internet`: each of its interfaces delays what leaves by it. */
async function slow(ground: Ground, delay: number): Promise<void> {
  for (const { name } of [...ALPHA.providers, ...BETA.providers]) {
    const { code, stderr } = await ground.run("internet", ["tc", "qdisc", "add", "dev", name, "root", "netem", "delay", `${delay}ms`]);
    if (code !== 0) throw new LabError(`--delay does not work here, the kernel has no netem: ${stderr.trim()}`);
  }
}

function phase({ model, changed }: PassSetting, text: string): void {
  model.phase = text;
  changed();
}

/** What the lab runs on unless told otherwise. */
export function runtimesOf(host: LabHost, options: LabOptions): [RuntimeName, RuntimeName] {
  return [options.runtimeA ?? host.runtime, options.runtimeB ?? host.runtime];
}
