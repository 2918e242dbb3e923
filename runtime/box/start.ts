/**
 * What the stages of a start have in common: what is asked for, where it ends if it fails, and the parts that are made after those that call them.
 * Each stage (`start-*.ts`) adds its parts to those of the stage before; {@link ./run.ts} has their order.
 */
import { showFaults } from "../config/fault.ts";
import { readSite } from "../config/read.ts";
import type { Site } from "../config/site.ts";
import type { Files } from "../port/files.ts";
import type { Log } from "../port/log.ts";
import type { Millis } from "../value/time.ts";
import type { Box } from "./box.ts";
import type { Keepsakes } from "./keepsakes.ts";
import type { Legacy } from "./legacy.ts";
import type { BoxPlatform } from "./platform.ts";
import type { Reloader } from "./reload.ts";
import type { Services } from "./services.ts";
import type { Teardown } from "./teardown.ts";
import { Told } from "./told.ts";

/** Parts that earlier ones call. Until they are there, calls come to nothing. */
export class Late {
  box: Box | undefined;
  keepsakes: Keepsakes | undefined;
  reloader: Reloader | undefined;
  legacy: Legacy | undefined;
  services: Services | undefined;

  /** Calls `run` once, not before `at`. */
  readonly later = (at: Millis, run: () => void): void => this.box?.at(at, run);
}

/** The first fault of our own. It ends the box in good order: routes and rules go, the operator is told. */
export class Failure {
  /** Resolves with it. */
  readonly happened: Promise<Error>;
  #tell: (error: Error) => void = () => undefined;

  constructor() {
    this.happened = new Promise((resolve) => {
      this.#tell = resolve;
    });
  }

  /** Those after the first change nothing. */
  readonly tell = (error: Error): void => this.#tell(error);

  /** Does `work`; what it throws is such a fault. */
  guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.tell(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

/** What every stage knows. */
export interface Start {
  readonly platform: BoxPlatform;
  /** site.yaml, as it was given. */
  readonly file: string;
  /** Its text; `undefined` = not known. */
  readonly text: string | undefined;
  /** The settings at the start: what the box cannot change while it runs is read here, the rest from the reloader. */
  readonly site: Site;
  readonly told: Told;
  /** Takes down what is up. Each stage pushes what it brings up. */
  readonly undo: Teardown;
  readonly log: Log;
  readonly startedAt: Millis;
  readonly failure: Failure;
  readonly late: Late;
}

/** A start with the settings `read`, and what was told of providers before the restart. Nothing is up yet. */
export function prepareStart(read: Site, file: string, platform: BoxPlatform, undo: Teardown): Start {
  const { clock, files, logs } = platform;
  const log = logs.area("box");
  const told = new Told({ files, clock, log, directory: read.state });
  const { site, text } = withKnown(read, file, told, files, log);
  return { platform, file, text, site, told, undo, log, startedAt: clock.now(), failure: new Failure(), late: new Late() };
}

/** The settings with the prefixes that were told before the restart, and their text; what does not fit any more is left out, with a line in the log. */
function withKnown(
  site: Site,
  file: string,
  told: Told,
  files: Pick<Files, "readText">,
  log: Log,
): { readonly site: Site; readonly text: string | undefined } {
  const text = files.readText(file);
  if (text === undefined || told.prefixes.size === 0 || site.awaited.length === 0) return { site, text };
  const reading = readSite(text, file, told.prefixes);
  if ("site" in reading) return { site: { ...reading.site, log: site.log }, text };
  log.error("prefixes that were told before do not fit the settings", { why: showFaults(reading.faults, text, file).trimEnd() });
  return { site, text };
}
