/** The box in the kernel: filter, routes and rules, and who follows the lines and the settings from then on. */
import type { Site } from "../config/site.ts";
import { egressPlan } from "./egress.ts";
import { loadFilter, removeFilter } from "./filter.ts";
import { setUpEgress, takeDownEgress } from "./kernel.ts";
import { Legacy } from "./legacy.ts";
import { Lines } from "./lines.ts";
import { mtuOf } from "./mapping.ts";
import { Reloader } from "./reload.ts";
import type { Boxed } from "./start-box.ts";

/** What this stage adds. */
export interface Routed extends Boxed {
  /** Has the settings as they are now. */
  readonly reloader: Reloader;
  readonly lines: Lines;
  readonly legacy: Legacy;
}

/** The filter comes first, while nothing is routed to the box yet: what must not pass never does. @throws {PortError} with a sentence for the operator */
export function enterKernel(boxed: Boxed): Routed {
  const { late } = boxed;
  const filter = putFilter(boxed);
  const reloader = makeReloader(boxed, filter);
  late.reloader = reloader;
  const lines = makeLines(boxed, reloader);
  const legacy = makeLegacy(boxed, reloader, lines);
  late.legacy = legacy;
  legacy.tell();
  putRoutes(boxed, reloader);
  return { ...boxed, reloader, lines, legacy };
}

/** Whose filter is loaded. */
interface Filtered {
  site: Site;
}

function putFilter({ platform: { command }, site, undo }: Boxed): Filtered {
  const filtered = { site };
  undo.push("filter", () => removeFilter(filtered.site, command));
  loadFilter(site, command);
  return filtered;
}

function makeReloader({ platform, file, text, site, told, log, late, ruled, store, hosts, box }: Boxed, filtered: Filtered): Reloader {
  return new Reloader(site, egressPlan(site), {
    file,
    text,
    told: () => told.prefixes,
    box,
    core: ruled,
    kernel: platform,
    store,
    log,
    setLog: platform.setLog,
    learnt: (anew, next) => {
      hosts.renew(anew, next.hosts);
      filtered.site = next;
      void late.services?.configure(next);
    },
  });
}

function makeLines({ platform: { clock, command, logs }, told, late, box }: Boxed, reloader: Reloader): Lines {
  return new Lines({
    site: () => reloader.site,
    plan: () => reloader.plan,
    box,
    clock,
    command,
    log: logs.area("lines"),
    changed: () => late.services?.changed(),
    broken: () => told.named("broken"),
    mapped: () => late.legacy?.tell(),
  });
}

function makeLegacy({ platform: { clock, files }, site, told, log, late, core, box }: Boxed, reloader: Reloader, lines: Lines): Legacy {
  return new Legacy({
    core,
    box,
    clock,
    log,
    told,
    site: () => reloader.site,
    slots: () => reloader.plan.slots,
    isUsable: (provider) => lines.isUsable(provider),
    lanMtu: () => mtuOf(files.readText(`/sys/class/net/${site.lan.interface}/mtu`)),
    changed: () => late.services?.changed(),
  });
}

function putRoutes({ platform, file, site, undo, log }: Boxed, { plan }: Reloader): void {
  if (!site.egress.manage) return log.info("routes and rules are left to the operator", { print: `pshim6 check -c ${file} --routes` });
  undo.push("routes", () => takeDownEgress(site, plan, platform.command));
  setUpEgress(site, plan, platform);
}
