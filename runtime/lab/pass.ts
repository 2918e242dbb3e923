/** One pass: a world is raised, the stream runs, the providers fail and return, everything is counted and removed. */
import { type Box, startBoxes } from "./boxes.ts";
import { startCaptures } from "./capture.ts";
import { type LabEvent, round } from "./events.ts";
import { breakGround, type Ground, LabError } from "./ground.ts";
import type { LabHost, RuntimeName } from "./host.ts";
import type { EventReport, LabModel, PassReport } from "./model.ts";
import { type LabOptions, type Schedule, scheduleOf } from "./options.ts";
import { startTraffic, type Traffic } from "./traffic.ts";
import { within } from "./wait.ts";
import { LOOK, watch } from "./watch.ts";
import { ALPHA, BETA, twoSites } from "./world.ts";

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
  /** Resolves when the user has had enough. */
  readonly interrupted: Promise<void>;
  readonly serial: number;
}

/** @throws {LabError} when the world cannot be raised or a part of it breaks down */
export async function runPass(setting: PassSetting): Promise<PassReport> {
  const { host, options, model } = setting;
  const begun = host.clock.now();
  const ground = await breakGround(host, setting.serial);
  try {
    phase(setting, "raising the two sites");
    const world = twoSites();
    await ground.raise(world);
    if (options.delay !== undefined && options.delay > 0) await slow(ground, options.delay);
    for (const { name } of [...ALPHA.providers, ...BETA.providers]) model.providers.set(name, "up");
    const captures = options.capture === undefined ? undefined : await startCaptures(host, ground, world, options.capture);
    phase(setting, `starting box A (${model.runtimes[0]}) and box B (${model.runtimes[1]})`);
    const boxes = await startBoxes(host, ground, {
      runtimes: model.runtimes,
      log: (box, text) => {
        if (options.verbose === true) setting.note(`${box}: ${text}`);
      },
    });
    setting.note(`two sites are up after ${Math.round(host.clock.now() - begun)} ms: h1 ${boxes[0].ulid}, h2 ${boxes[1].ulid}`);
    const broken = Promise.race(boxes.map(({ site, ended }) => ended.then((code) => `${site.box} ended with ${code}`)));
    const report = await runStream(setting, ground, boxes, broken);
    await captures?.stop();
    return report;
  } finally {
    await ground.raze();
  }
}

async function runStream(
  setting: PassSetting,
  ground: Ground,
  boxes: readonly [Box, Box],
  boxBroken: Promise<string>,
): Promise<PassReport> {
  const { host, options, model } = setting;
  const traffic = await startTraffic(host, ground, { from: ALPHA.host, to: BETA.host, address: boxes[1].ulid, runtime: host.runtime });
  model.handshakeMs = traffic.handshakeMs;
  setting.note(`h1 connected to h2 in ${traffic.handshakeMs} ms`);
  const broken = Promise.race([traffic.broken, boxBroken]);
  const unwatch = watch(host, boxes, traffic, model, setting.changed);
  const why: string[] = [];
  try {
    do await runRound(setting, ground, traffic, broken);
    while (!options.once && (await isPending(setting.interrupted)));
  } finally {
    await unwatch();
  }
  const enough = !(await isPending(setting.interrupted));
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

async function runRound(setting: PassSetting, ground: Ground, traffic: Traffic, broken: Promise<string>): Promise<void> {
  const schedule = scheduleOf(setting.options);
  phase(setting, "the stream runs");
  await pause(setting, schedule.lead, broken);
  for (const event of round()) {
    if (!(await isPending(setting.interrupted))) return;
    setting.model.events.push(await runEvent(setting, ground, traffic, event, schedule, broken));
    setting.changed();
  }
}

async function runEvent(
  setting: PassSetting,
  ground: Ground,
  traffic: Traffic,
  event: LabEvent,
  schedule: Schedule,
  broken: Promise<string>,
): Promise<EventReport> {
  const { host, model } = setting;
  const [from, returnFrom] = [model.outbound, model.inbound];
  phase(setting, event.says);
  setting.note(event.says);
  traffic.mark();
  const at = host.clock.now();
  await ground.ip(event.node, event.lines);
  model.providers.set(event.node, event.leaves);
  setting.changed();
  await pause(setting, schedule.dwell, broken);
  while (traffic.gapNow > FLOWING && host.clock.now() - at < schedule.dwell + RECOVERY_PATIENCE && (await isPending(setting.interrupted)))
    await pause(setting, LOOK, broken);
  const report: EventReport = {
    name: event.name,
    stallMs: traffic.longestGap,
    from: from ?? null,
    to: model.outbound ?? null,
    returnFrom: returnFrom ?? null,
    returnTo: model.inbound ?? null,
    recovered: traffic.gapNow <= FLOWING,
  };
  setting.note(`${event.name}: the stream stood still for ${report.stallMs} ms; ${moved(report.from, report.to)}`);
  return report;
}

/** The end of every tale: who carried before, who after. */
function moved(from: string | null, to: string | null): string {
  return from === to ? `${from ?? "nobody"} carries it still` : `from ${from ?? "nobody"} to ${to ?? "nobody"}`;
}

/** @throws {LabError} when something breaks meanwhile */
async function pause({ host, interrupted }: PassSetting, ms: number, broken: Promise<string>): Promise<void> {
  const what = await within<string | undefined>(
    host,
    ms,
    undefined,
    broken,
    interrupted.then(() => undefined),
  );
  // A Ctrl-C that reached a part of the lab before it reached us is no breakdown.
  if (
    what !== undefined &&
    (await within(
      host,
      200,
      true,
      interrupted.then(() => false),
    ))
  )
    throw new LabError(what);
}

async function drained(setting: PassSetting, boxes: readonly [Box, Box]): Promise<number | null> {
  const { host } = setting;
  phase(setting, "waiting until no context is left");
  const until = host.clock.now() + DRAIN_PATIENCE;
  for (;;) {
    const left = await countContexts(boxes);
    if (left === 0 || host.clock.now() >= until || !(await isPending(setting.interrupted))) return left;
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

async function isPending(promise: Promise<void>): Promise<boolean> {
  return Promise.race([promise.then(() => false), Promise.resolve(true)]);
}

function phase({ model, changed }: PassSetting, text: string): void {
  model.phase = text;
  changed();
}

/** What the lab runs on unless told otherwise. */
export function runtimesOf(host: LabHost, options: LabOptions): [RuntimeName, RuntimeName] {
  return [options.runtimeA ?? host.runtime, options.runtimeB ?? host.runtime];
}
