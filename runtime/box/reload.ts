/**
 * site.yaml read again while the box runs. All of it is checked first; then everything changes in one go, without a packet of
 * the other providers lost: new ways come up, contexts leave what is gone, and only then the old ways go.
 */
import type { ReloadResult } from "../api/facade.ts";
import { type Fault, showFaults } from "../config/fault.ts";
import { readSite } from "../config/read.ts";
import type { Site } from "../config/site.ts";
import type { ToldPrefixes } from "../config/told.ts";
import type { Core } from "../fast/contract.ts";
import { PortError } from "../port/error.ts";
import type { Log } from "../port/log.ts";
import type { Store } from "../port/store.ts";
import type { Millis } from "../value/time.ts";
import { reconfigureBox } from "./assemble.ts";
import type { Box } from "./box.ts";
import { describeChanges, needRestart, receivedPrefixes } from "./changes.ts";
import { type EgressPlan, egressChange, egressPlan } from "./egress.ts";
import { filterText, loadFilter, removeFilter } from "./filter.ts";
import { addLines, checkInterfaces, type KernelTools, removeLines } from "./kernel.ts";
import { tellCore } from "./prefixes.ts";

/** What a reload works on. */
export interface ReloadParts {
  /** site.yaml, as it was given. */
  readonly file: string;
  /** Its text, as it holds now; `undefined` = not known. */
  readonly text?: string | undefined;
  /** Prefixes that were told and hold now; absent = none ever are. */
  readonly told?: (() => ToldPrefixes) | undefined;
  readonly box: Box;
  readonly core: Pick<Core, "setPrefixes" | "setPairRules">;
  readonly kernel: KernelTools;
  readonly store: Pick<Store, "cgaParameters">;
  readonly log: Log;
  /** Absent = what is logged is not the file's to say. */
  readonly setLog: ((log: Site["log"]) => void) | undefined;
  /** CGA parameters were read anew, and `site` is what holds from now on. */
  readonly learnt: (parameters: ReturnType<Store["cgaParameters"]>, site: Site) => void;
}

/** Packets to a locator that is gone are taken in for so long: the peer has to hear of it first. */
export const INBOUND_GRACE: Millis = 60_000;

/** The site as it is now, and how it becomes another. */
export class Reloader {
  readonly #parts: ReloadParts;
  #site: Site;
  #plan: EgressPlan;
  /** Lines that are due at the end of their grace. */
  #retiring: readonly string[] = [];
  #reloads = 0;
  #text: string | undefined;

  constructor(site: Site, plan: EgressPlan, parts: ReloadParts) {
    this.#site = site;
    this.#plan = plan;
    this.#parts = parts;
    this.#text = parts.text;
  }

  get site(): Site {
    return this.#site;
  }

  /** The text that the settings were read from; `undefined` = not known. */
  get text(): string | undefined {
    return this.#text;
  }

  /** Routes and rules as they are now. */
  get plan(): EgressPlan {
    return this.#plan;
  }

  /** Never throws: what is wrong is in the answer, and then nothing has changed. */
  run(): ReloadResult {
    const { file, told, kernel } = this.#parts;
    return this.#attempt("read the settings again", () => {
      const text = kernel.files.readText(file);
      if (text === undefined) return { ok: false, why: "failed", detail: `there is no file ${file} any more` };
      return this.#take(text, told?.() ?? new Map());
    });
  }

  /** The same with the settings that hold, and `told`: whoever edits site.yaml meanwhile is not disturbed. */
  tell(told: ToldPrefixes): ReloadResult {
    const { file, kernel } = this.#parts;
    return this.#attempt("took prefixes over", () => {
      const text = this.#text ?? kernel.files.readText(file);
      if (text === undefined) return { ok: false, why: "failed", detail: `there is no file ${file} any more` };
      return this.#take(text, told);
    });
  }

  #attempt(done: string, work: () => ReloadResult): ReloadResult {
    const { file, log } = this.#parts;
    let result: ReloadResult;
    try {
      result = work();
    } catch (error) {
      if (!(error instanceof PortError)) throw error;
      result = { ok: false, why: "failed", detail: error.message };
    }
    if (result.ok) log.info(done, { file, changed: result.changed });
    else log.error("the settings were not taken over", { file, why: result.detail });
    return result;
  }

  #take(text: string, told: ToldPrefixes): ReloadResult {
    const { file } = this.#parts;
    const reading = readSite(text, file, told);
    if ("faults" in reading) return { ok: false, why: "faults", detail: faultsText(reading.faults, text, file) };
    const { site, warnings } = reading;
    const fixed = needRestart(this.#site, site);
    if (fixed.length > 0)
      return {
        ok: false,
        why: "restart",
        detail: `${fixed.join(", ")} cannot change while the box runs: restart it, or change ${fixed.length === 1 ? "it" : "them"} back`,
      };
    const changed = describeChanges(this.#site, this.#parts.setLog === undefined ? { ...site, log: this.#site.log } : site);
    this.#apply(site);
    this.#text = text;
    return {
      ok: true,
      file,
      changed,
      warnings: warnings.map(({ path, message }) => `${path} ${message}`),
      untold: this.#parts.box.parts.shim6.untold,
    };
  }

  /** @throws {PortError} before anything has changed for good */
  #apply(site: Site): void {
    const { box, core, store, kernel, log, learnt, setLog } = this.#parts;
    const parameters = store.cgaParameters();
    for (const { name, ulid } of site.hosts)
      if (!parameters.has(ulid))
        throw new PortError(
          "missing",
          `host ${name}: nothing is known about ${ulid} in ${site.state}; make its ULID with \`pshim6 cga generate --name ${name}\``,
        );
    const before = this.#site;
    const plan = egressPlan(site, { slots: this.#plan.slots });
    const change = egressChange(this.#plan, plan);
    if (site.egress.manage) checkInterfaces(site, kernel.command);
    this.#refilter(before, site);
    if (site.egress.manage) this.#addOrRestore(site, plan, change.add);
    learnt(parameters, site);
    setLog?.(site.log);
    this.#site = site;
    this.#plan = plan;
    tellCore(core, site, receivedPrefixes(before.providers, site.providers));
    const refused = reconfigureBox(box, site);
    if (refused.length > 0) log.warn("bindings found no room", { count: refused.length });
    if (site.egress.manage) removeLines(change.withdraw, kernel.command);
    this.#retire(change.retire);
  }

  /** The new filter in place of the old one, in one transaction of the kernel's. @throws {PortError} and the old one stays */
  #refilter(before: Site, after: Site): void {
    const { command } = this.#parts.kernel;
    if (sameFilter(before, after)) return;
    if (after.firewall === undefined) removeFilter(before, command);
    else loadFilter(after, command);
  }

  #addOrRestore(site: Site, plan: EgressPlan, lines: readonly string[]): void {
    try {
      this.#add(site, plan, lines);
    } catch (error) {
      this.#refilter(site, this.#site);
      throw error;
    }
  }

  /** All or nothing. */
  #add(site: Site, plan: EgressPlan, lines: readonly string[]): void {
    const { command } = this.#parts.kernel;
    try {
      addLines(site, lines, command);
    } catch (error) {
      const back = egressChange(plan, this.#plan);
      removeLines([...back.withdraw, ...back.retire, ...back.add], command);
      throw error;
    }
  }

  /** Later, unless a reload meanwhile has brought it back. */
  #retire(lines: readonly string[]): void {
    const { box, core, kernel } = this.#parts;
    this.#reloads++;
    const current = this.#reloads;
    this.#retiring = [...this.#retiring, ...lines].filter((line) => !this.#plan.up.includes(line.replace(/^route del/, "route replace")));
    box.at(box.parts.clock.now() + INBOUND_GRACE, () => {
      if (current !== this.#reloads) return;
      tellCore(core, this.#site);
      if (this.#site.egress.manage) removeLines(this.#retiring, kernel.command);
      this.#retiring = [];
    });
  }
}

function sameFilter(a: Site, b: Site): boolean {
  return filterText(a) === filterText(b);
}

function faultsText(faults: readonly Fault[], text: string, file: string): string {
  return showFaults(faults, text, file).trimEnd();
}
