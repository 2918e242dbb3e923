/** What operators have of a box: their words on providers, reloads, explanations, drills, and the façade that the API asks. */
import type { BoxFacade, ReloadResult } from "../api/facade.ts";
import { KEY_FILE } from "../port/store.ts";
import { DRILL_CLEAN, DrillGround } from "./drill.ts";
import { Explainer } from "./explain.ts";
import { createFacade } from "./facade.ts";
import { filterCounts } from "./filter.ts";
import { Loads } from "./loads.ts";
import { lookUp } from "./names-look.ts";
import { Past } from "./past.ts";
import { Providers, sayAwaited } from "./providers.ts";
import { flowOf, type Where, whereIn } from "./site-rows.ts";
import type { Routed } from "./start-kernel.ts";
import { keyRows, leaseRows } from "./state-rows.ts";

/** What this stage adds. */
export interface Operated extends Routed {
  /** Reads site.yaml again and takes it over as a whole, or not at all; all that depends on it follows. */
  readonly reload: () => ReloadResult;
  /** Whether a provider is meant to carry anything: its line is up, and nobody drains it. */
  readonly isUsable: (provider: string) => boolean;
  readonly facade: BoxFacade;
}

/** Makes them. What was said of providers before the restart holds from here on. */
export function receiveOperators(routed: Routed): Operated {
  const { platform, file, site, told, reloader, lines } = routed;
  const loads = followLoads(routed);
  const reload = (): ReloadResult => {
    const result = reloader.run();
    lines.refresh();
    providers.refresh();
    loads.refresh();
    return result;
  };
  const providers = makeProviders(routed);
  if (told.named("broken").size > 0) lines.refresh();
  sayAwaited(site, platform.logs.area("providers"));
  const where = whereIn(file, () => reloader.text);
  const explainer = makeExplainer(routed, where);
  const isUsable = (provider: string): boolean => lines.isUsable(provider) && providers.isUsable(provider);
  const drills = openDrills(routed, isUsable);
  const facade = makeFacade(routed, { reload, providers, where, explainer, drills });
  return { ...routed, reload, isUsable, facade };
}

function followLoads({ platform: { clock, files }, log, late, box, reloader }: Routed): Loads {
  const loads = new Loads({
    providers: () => reloader.site.providers,
    files,
    now: () => clock.now(),
    later: late.later,
    log,
    changed: (full) => box.setFull(full),
  });
  loads.refresh();
  return loads;
}

function makeProviders({ platform: { clock, logs }, file, told, late, box, reloader, lines }: Routed): Providers {
  const { identities, shim6 } = box.parts;
  const providers: Providers = new Providers({
    file,
    told,
    reloader,
    drain: box.moves,
    prefer: (prefixes) => {
      if (identities.setPreferred(prefixes, shim6.untold > 0)) box.identityChanged(true);
    },
    clock,
    log: logs.area("providers"),
    later: late.later,
    changed: () => {
      lines.refresh();
      providers.refresh();
      late.services?.changed();
    },
    untold: () => shim6.untold,
  });
  return providers;
}

function makeExplainer(
  { platform: { clock }, told, late, exceptions, hosts, box, reloader, lines, legacy }: Routed,
  where: Where,
): Explainer {
  return new Explainer({
    site: () => reloader.site,
    box,
    hosts,
    told,
    linesDown: () => lines.dead,
    gatewaysSilent: () => lines.silent,
    legacy: () => legacy,
    slots: () => reloader.plan.slots,
    excepted: (peer, port) => exceptions.of(peer, port),
    line: where,
    flowOf: (asked, names) => flowOf(asked, names, clock.wall()),
    look: (name) =>
      lookUp(
        name,
        (asked, then) => late.services?.look(asked, then) ?? false,
        (wait, run) => late.later(clock.now() + wait, run),
      ),
  });
}

function openDrills(
  { platform: { clock, command, logs }, undo, late, box, reloader }: Routed,
  isUsable: Operated["isUsable"],
): DrillGround {
  const drills = new DrillGround({
    ...box.parts,
    site: () => reloader.site,
    isUsable,
    clock,
    later: late.later,
    command,
    log: logs.area("drills"),
  });
  undo.push("drills", () => drills.close());
  late.later(clock.now() + DRILL_CLEAN, () => drills.clean());
  return drills;
}

/** What the façade shows beside the stages' parts. */
interface Desk {
  readonly reload: () => ReloadResult;
  readonly providers: Providers;
  readonly where: Where;
  readonly explainer: Explainer;
  readonly drills: DrillGround;
}

function makeFacade(routed: Routed, desk: Desk): BoxFacade {
  const { platform, file, site, told, startedAt, late, exceptions, plane, privateKey, hosts, box, events, reloader, lines, legacy } =
    routed;
  const { clock, command, crypto, runtime, version } = platform;
  return createFacade({
    ...desk,
    exceptions,
    file,
    get site() {
      return reloader.site;
    },
    box,
    told,
    filterCounts: () => filterCounts(reloader.site, command),
    version,
    runtime,
    startedAt,
    events,
    past: new Past({ paths: () => box.parts.reap.paths(), now: () => clock.now(), later: late.later }),
    linesDown: () => lines.dead,
    gatewaysSilent: () => lines.silent,
    planeTotals: () => new Map([...plane.totals(), ...(late.services?.totals() ?? [])]),
    keys: () => keyRows(crypto, `${site.state}/${KEY_FILE}`, crypto.rsaPublic(privateKey), hosts.parameters),
    leases: () => leaseRows(late.services?.leases() ?? [], clock.wall(), reloader.site, (provider) => legacy.lifeOf(provider)),
  });
}
