/**
 * Failover drills: a provider is as good as dead for a while, silently, and what comes of it is counted ({@link ./drill-table.ts}). One at a time.
 *
 *   listening ── which flows there are ── broken ── the kernel drops ── settling ── contexts come to rest ── done
 */
import type { DrillRow } from "../api/drill-rows.ts";
import type { DrillResult, Drills } from "../api/facade.ts";
import type { Provider, Site } from "../config/site.ts";
import type { Clock } from "../port/clock.ts";
import type { Command } from "../port/command.ts";
import { PortError } from "../port/error.ts";
import type { Log } from "../port/log.ts";
import type { Reap } from "../reap/contract.ts";
import type { ContextView, UlidPair } from "../shim6/contract.ts";
import { contains } from "../value/prefix.ts";
import type { Millis } from "../value/time.ts";
import { type DrillContext, type DrillEnd, drillVerdict } from "./drill-report.ts";
import { drillBreak, drillForget, drillRemoval, drillRules, drillTable, type NotedFlow, readFlows, readLosses } from "./drill-table.ts";

/** As much of the site as a drill looks at. */
export interface DrillSite {
  readonly providers: readonly DrillProvider[];
  readonly awaited: readonly Pick<Provider, "name">[];
  readonly tun: Pick<Site["tun"], "name">;
  readonly lan: Pick<Site["lan"], "interface">;
}
type DrillProvider = Pick<Provider, "name" | "prefix">;

/** As much of the contexts. */
export interface DrillContexts {
  contexts(): Iterable<DrillView>;
  get(id: number): DrillView | undefined;
  find(pair: UlidPair): DrillView | undefined;
}
type DrillView = Pick<ContextView, "id" | "state" | "pair" | "current">;

/** What drills work with. */
export interface DrillParts {
  readonly site: () => DrillSite;
  readonly shim6: DrillContexts;
  readonly reap: Pick<Reap, "stateOf" | "currentOf">;
  /** Whether a provider is meant to carry anything: its line is up, and nobody drains it. */
  readonly isUsable: (provider: string) => boolean;
  readonly clock: Pick<Clock, "now" | "wall">;
  /** Calls `run` once, at `at`. */
  readonly later: (at: Millis, run: () => void) => void;
  readonly command: Command;
  readonly log: Log;
}

// Chosen.

/** How long a provider is dead if nobody says, and at most. */
export const DRILL_TIME: Millis = 10_000;
export const DRILL_TIME_MOST: Millis = 300_000;
/** Traffic is listened to for so long before the break. */
export const DRILL_LISTEN: Millis = 2_000;
/** Packets that were in the box when the provider broke may still come to hosts; they prove nothing. */
export const DRILL_STRAGGLERS: Millis = 30;
/** Contexts have so long to come to rest behind it, looked at so often. */
export const DRILL_SETTLE: Millis = 5_000;
const SETTLE_LOOK: Millis = 100;
/** When what an earlier run of the box left is taken away: not at the start, where milliseconds count. */
export const DRILL_CLEAN: Millis = 2_000;
/** Drills that are remembered. */
const KEPT = 16;
/** Contexts that one drill follows; more are affected all the same. */
const FOLLOWED = 100_000;

/** A drill under way. */
interface Run {
  row: DrillRow;
  readonly provider: DrillProvider;
  affected: readonly DrillContext[];
  before: { readonly heard: readonly NotedFlow[]; readonly said: readonly NotedFlow[] };
  brokenAt: Millis | undefined;
}

/** The drills of a box. For the control thread. */
export class DrillGround implements Drills {
  readonly #parts: DrillParts;
  readonly #rows: DrillRow[] = [];
  #run: Run | undefined;
  #count = 0;

  constructor(parts: DrillParts) {
    this.#parts = parts;
  }

  start(name: string, duration = DRILL_TIME, force = false): DrillResult {
    const { site, clock, log, later } = this.#parts;
    const { providers, awaited } = site();
    const provider = providers.find((each) => each.name === name);
    if (provider === undefined) {
      if (awaited.some((each) => each.name === name)) return refused(`provider ${name} has no prefix yet: there is nothing to break`);
      const names = providers.map((each) => each.name).join(", ");
      return { ok: false, why: "unknown", detail: `there is no provider ${JSON.stringify(name)}; there is: ${names}` };
    }
    if (this.#run !== undefined) return refused(`drill ${this.#run.row.id} is under way: wait for its end, or end it`);
    if (duration > DRILL_TIME_MOST) return refused(`a drill lasts ${DRILL_TIME_MOST / 1_000} seconds at most`);
    if (!force && !providers.some((each) => each.name !== name && this.#parts.isUsable(each.name)))
      return refused(`no other provider than ${name} works: nothing could take over; force it if that is what you want to see`);
    try {
      this.#nft(drillRules(this.#place()));
    } catch (error) {
      if (error instanceof PortError) return { ok: false, why: "failed", detail: error.message };
      throw error;
    }
    const row: DrillRow = {
      id: ++this.#count,
      provider: name,
      state: "listening",
      cut: false,
      startedAt: new Date(clock.wall()).toISOString(),
      forMs: duration,
      brokenMs: null,
      contexts: { affected: 0, active: 0, moved: 0 },
      classes: [],
      failed: [],
      failures: 0,
      survived: null,
    };
    const run: Run = { row, provider, affected: [], before: { heard: [], said: [] }, brokenAt: undefined };
    this.#run = run;
    log.warn("a failover drill begins", { provider: name, drill: row.id, milliseconds: duration });
    later(clock.now() + DRILL_LISTEN, () => this.#step(run, () => this.#break(run)));
    return { ok: true, drill: row };
  }

  end(id: number): DrillRow | undefined {
    const run = this.#run;
    if (run?.row.id !== id || run.row.state === "settling") return this.get(id);
    run.row = { ...run.row, cut: true };
    this.#step(run, () => this.#restore(run));
    return this.get(id);
  }

  get(id: number): DrillRow | undefined {
    const run = this.#run;
    if (run?.row.id !== id) return this.#rows.find((row) => row.id === id);
    const { brokenAt, row } = run;
    return row.state === "broken" && brokenAt !== undefined ? { ...row, brokenMs: this.#parts.clock.now() - brokenAt } : row;
  }

  *rows(): Iterable<DrillRow> {
    const current = this.#run === undefined ? undefined : this.get(this.#run.row.id);
    if (current !== undefined) yield current;
    yield* this.#rows.toReversed();
  }

  /** A box that was killed in the middle of a drill leaves a table that drops nothing any more, and goes on taking notes. */
  clean(): void {
    if (this.#run !== undefined) return;
    try {
      this.#nft(drillRemoval(this.#place().tun));
    } catch (error) {
      // Without nft, or the right to use it, there was no drill.
      if (!(error instanceof PortError)) throw error;
    }
  }

  /** The box ends: whatever is broken works again. */
  close(): void {
    if (this.#run !== undefined) this.#remove();
    this.#run = undefined;
  }

  /** What fails here ends the drill, not the box. */
  #step(run: Run, work: () => void): void {
    if (this.#run !== run) return;
    try {
      work();
    } catch (error) {
      if (!(error instanceof PortError)) throw error;
      this.#parts.log.error("the drill ends here", { drill: run.row.id, error: error.message });
      this.#remove();
      this.#finish(run);
    }
  }

  #break(run: Run): void {
    const { clock, later } = this.#parts;
    if (run.row.state !== "listening") return;
    const { provider, row } = run;
    const { tun } = this.#place();
    run.before = this.#flows();
    run.affected = this.#contextsOf(provider);
    this.#nft(drillBreak(tun, provider.prefix, row.forMs));
    const brokenAt = clock.now();
    run.brokenAt = brokenAt;
    run.row = { ...row, state: "broken", contexts: { ...row.contexts, affected: run.affected.length } };
    later(brokenAt + DRILL_STRAGGLERS, () => this.#step(run, () => run.row.state === "broken" && this.#nft(drillForget(tun))));
    later(brokenAt + row.forMs, () => this.#step(run, () => this.#restore(run)));
  }

  /** Takes the findings, then lets everything pass. */
  #restore(run: Run): void {
    const { clock, later } = this.#parts;
    if (run.row.state !== "broken") {
      if (run.row.state !== "listening") return;
      this.#remove();
      this.#finish(run);
      return;
    }
    const readAt = clock.now();
    const brokenAt = run.brokenAt ?? readAt;
    const { tun } = this.#place();
    const { heard, said } = this.#flows();
    const losses = readLosses(this.#ask(["-j", "list", "counters", "table", "inet", drillTable(tun)]));
    const endOf = (context: DrillContext): DrillEnd => this.#endOf(context, run.provider);
    const { before, affected } = run;
    const found = { affected, heardBefore: before.heard, saidBefore: before.said, heard, said, readAt, brokenAt, losses, endOf };
    run.row = { ...run.row, state: "settling", brokenMs: readAt - brokenAt, ...drillVerdict(found) };
    this.#remove();
    this.#settle(run, clock.now() + DRILL_SETTLE, later);
  }

  #settle(run: Run, until: Millis, later: DrillParts["later"]): void {
    const { clock, reap } = this.#parts;
    if (this.#run !== run) return;
    const restless = run.affected.some(({ id }) => {
      const state = reap.stateOf(id);
      return state !== undefined && state !== "Operational";
    });
    if (!restless || clock.now() >= until) this.#finish(run);
    else later(clock.now() + SETTLE_LOOK, () => this.#settle(run, until, later));
  }

  #finish(run: Run): void {
    const { log } = this.#parts;
    run.row = { ...run.row, state: "done" };
    this.#rows.push(run.row);
    if (this.#rows.length > KEPT) this.#rows.shift();
    this.#run = undefined;
    const { id: drill, provider, survived, contexts, failures } = run.row;
    log.warn("a failover drill has ended", { provider, drill, survived: survived ?? "not known", active: contexts.active, failures });
  }

  #contextsOf({ prefix }: DrillProvider): DrillContext[] {
    const { shim6, reap } = this.#parts;
    const affected: DrillContext[] = [];
    for (const { id, state, pair, current } of shim6.contexts()) {
      if (affected.length === FOLLOWED) break;
      if (state === "ESTABLISHED" && contains(prefix, (reap.currentOf(id) ?? current).local))
        affected.push({ id, local: pair.local, peer: pair.peer });
    }
    return affected;
  }

  /** Of a context that was made anew meanwhile its successor counts. */
  #endOf({ id, local, peer }: DrillContext, { prefix }: DrillProvider): DrillEnd {
    const { shim6, reap } = this.#parts;
    const same = shim6.get(id);
    const context = same?.pair.local === local && same.pair.peer === peer ? same : shim6.find({ local, peer, fork: 0 });
    if (context === undefined) return "gone";
    if (context.state !== "ESTABLISHED" || reap.stateOf(context.id) !== "Operational") return "explores";
    return contains(prefix, (reap.currentOf(context.id) ?? context.current).local) ? "stays" : "moved";
  }

  #flows(): { readonly heard: readonly NotedFlow[]; readonly said: readonly NotedFlow[] } {
    const name = drillTable(this.#place().tun);
    const list = (set: string): readonly NotedFlow[] => readFlows(this.#ask(["-p", "list", "set", "inet", name, set]));
    return { heard: list("heard"), said: list("said") };
  }

  #place(): { readonly tun: string; readonly lan: string } {
    const { tun, lan } = this.#parts.site();
    return { tun: tun.name, lan: lan.interface };
  }

  #remove(): void {
    try {
      this.#nft(drillRemoval(this.#place().tun));
    } catch (error) {
      if (!(error instanceof PortError)) throw error;
      this.#parts.log.error("the table of a drill cannot be removed; what it drops passes again when its time is over", {
        error: error.message,
      });
    }
  }

  /** @throws {PortError} */
  #nft(text: string): void {
    this.#ask(["-f", "-"], text);
  }

  #ask(args: readonly string[], stdin?: string): string {
    const { code, stdout, stderr } = this.#parts.command.run("nft", args, stdin);
    if (code === 0) return stdout;
    throw new PortError(
      "failed",
      `the kernel refuses the drill: ${stderr.split("\n").find((line) => line.trim() !== "") ?? "no reason given"}`,
    );
  }
}

function refused(detail: string): DrillResult {
  return { ok: false, why: "refused", detail };
}
