/** The box as rows for the API: every call answers for the present moment. */
import type { BoxFacade, ContextPiece, Drills, EventFeed, Page, ReloadResult } from "../api/facade.ts";
import type { BindingRow, ContextRow, HealthRow, KeyRow, LeaseRow, PathRow, ProviderRow, StatusRow } from "../api/rows.ts";
import type { Site } from "../config/site.ts";
import { everyProvider } from "../config/told.ts";
import type { FirewallCount } from "../firewall/counters.ts";
import type { ContextView } from "../shim6/contract.ts";
import type { Address } from "../value/address.ts";
import { showPrefix } from "../value/prefix.ts";
import { showTag } from "../value/tag.ts";
import { type Millis, NEVER } from "../value/time.ts";
import type { Box } from "./box.ts";
import { Carriers } from "./carriers.ts";
import type { Found } from "./census.ts";
import type { Exceptions } from "./exceptions.ts";
import type { Explainer } from "./explain.ts";
import { type Flowing, Flows } from "./flows.ts";
import { Locators } from "./locators.ts";
import { NO_PAST, type Past, pathIdOf } from "./past.ts";
import type { Providers } from "./providers.ts";
import { decisionRow, exceptionsRow, flowOf, policyRows, siteRow, type Where } from "./site-rows.ts";
import { type Told, WORDS } from "./told.ts";

/** What the façade shows beside the box itself. */
export interface FacadeParts {
  /** Asked for anew each time: a reload may have changed it. */
  readonly site: Site;
  readonly reload: () => ReloadResult;
  readonly providers: Pick<Providers, "setPrefix" | "drain" | "restore" | "say" | "mend">;
  /** What was told of providers. */
  readonly told: Pick<Told, "of" | "drained" | "saidOf">;
  /** What the filter's rules counted. */
  readonly filterCounts: () => readonly FirewallCount[];
  readonly box: Box;
  readonly version: string;
  readonly runtime: string;
  readonly startedAt: Millis;
  /** Counters that neither the core nor the box keeps: refused writes of the packet plane. */
  readonly planeTotals: () => ReadonlyMap<string, number>;
  /** Absent = this box gives no leases. */
  readonly leases?: () => Iterable<LeaseRow>;
  readonly keys?: () => Iterable<KeyRow>;
  readonly events: EventFeed;
  /** How paths fared; absent = nobody looked. */
  readonly past?: Pick<Past, "row">;
  readonly drills: Drills;
  readonly exceptions: Pick<Exceptions, "all" | "set">;
  /** What explains flows, and where the settings stand. */
  readonly explainer: Pick<Explainer, "explain">;
  readonly file: string;
  readonly where: Where;
  /** Interfaces of providers whose lines are down. */
  readonly linesDown: () => ReadonlySet<string>;
  /** Providers whose gateways do not answer. */
  readonly gatewaysSilent?: () => ReadonlySet<string>;
}

/** The façade of a running box. */
export function createFacade(parts: FacadeParts): BoxFacade {
  const { box, version, runtime, startedAt, planeTotals } = parts;
  const { core, shim6, reap, bindings, clock } = box.parts;
  const now = (): Millis => clock.now();
  const carriers = new Carriers(() => parts.site.providers);
  const providerOf = (locator: Address): string | undefined => carriers.nameOf(locator);
  const silent = (): ReadonlySet<string> => parts.gatewaysSilent?.() ?? new Set();
  const flows = new Flows({
    now,
    contexts: carrying,
    whenIdle: (work) => box.whenIdle(work),
    counters: (id) => core.counters(id),
  });
  const locators = new Locators({ box, site: () => parts.site });
  const ago = (at: Millis | undefined): Millis | null => (at === undefined ? null : Math.max(0, now() - at));
  const inCore = (context: Pick<ContextView, "state">): boolean => context.state === "ESTABLISHED" || context.state === "I2BIS-SENT";

  function* carrying(): Iterable<Flowing> {
    for (const context of shim6.glances()) {
      if (!inCore(context)) continue;
      const provider = providerOf((reap.currentOf(context.id) ?? context.current).local) ?? null;
      yield { id: context.id, host: context.pair.local, peer: context.pair.peer, peerBox: context.peer?.box ?? null, provider };
    }
  }

  function contextRow(context: ContextView): ContextRow {
    const { id, pair } = context;
    const live = inCore(context);
    const traffic = live ? core.counters(id) : undefined;
    const current = reap.currentOf(id) ?? context.current;
    return {
      id,
      localUlid: pair.local,
      peerUlid: pair.peer,
      fork: pair.fork,
      rule: box.ruleOf(pair) ?? null,
      state: context.state,
      reap: reap.stateOf(id) ?? null,
      localTag: showTag(context.localTag),
      peerTag: context.peerTag === undefined ? null : showTag(context.peerTag),
      localLocator: current.local,
      peerLocator: current.peer,
      localProvider: providerOf(current.local) ?? null,
      peerBox: context.peerBox ?? null,
      sent: { packets: traffic?.packetsOut ?? 0, octets: traffic?.octetsOut ?? 0 },
      received: { packets: traffic?.packetsIn ?? 0, octets: traffic?.octetsIn ?? 0 },
      lastSentMs: ago(traffic?.lastSent),
      lastReceivedMs: ago(traffic?.lastReceived),
      ageMs: ago(context.establishedAt),
    };
  }

  /** Until the first word of the operator's about a provider ends. */
  function endOf(name: string): number | null {
    const ends = WORDS.map((word) => parts.told.saidOf(word, name)?.until ?? NEVER);
    const end = Math.min(...ends);
    return end === NEVER ? null : Math.max(0, end - clock.wall());
  }

  function rowOf(id: number): ContextRow | undefined {
    const context = shim6.get(id);
    return context && contextRow(context);
  }

  /** Ids are the smallest that were free: few steps lead from one to the next. */
  function everyId({ after, skip, limit }: ContextPiece): Found {
    const ids: number[] = [];
    const end = parts.site.contexts.max;
    let id = after + 1;
    let skipped = 0;
    for (; id < end && skipped < skip; id++) if (shim6.has(id)) skipped++;
    for (; id < end && ids.length < limit; id++) if (shim6.has(id)) ids.push(id);
    let rest = id;
    while (rest < end && !shim6.has(rest)) rest++;
    return { ids, total: shim6.size, more: rest < end };
  }

  return {
    reload: parts.reload,
    setPrefix: (name, prefix, valid) => parts.providers.setPrefix(name, prefix, valid),
    drain: (name, keep) => parts.providers.drain(name, keep),
    restore: (name) => parts.providers.restore(name),
    say: (word, name, duration, keep) => parts.providers.say(word, name, duration, keep),
    mend: (name) => parts.providers.mend(name),
    status: (): StatusRow => ({
      site: parts.site.site,
      version,
      runtime,
      uptimeMs: now() - startedAt,
      contexts: shim6.size,
      contextLimit: parts.site.contexts.max,
      tun: parts.site.tun.name,
      mtu: parts.site.tun.mtu,
    }),
    contexts: (wanted, piece): Page<ContextRow> => {
      const isAll = Object.values(wanted).every((value) => value === undefined);
      const { ids, total, more } = isAll ? everyId(piece) : box.census.find(wanted, piece);
      return { items: ids.flatMap((id) => rowOf(id) ?? []), total, more };
    },
    context: rowOf,
    discard: (id) => {
      if (shim6.get(id) === undefined) return false;
      box.discard(id);
      return true;
    },
    rehome: (id) => {
      if (shim6.get(id)?.state !== "ESTABLISHED") return false;
      box.leave(id);
      return true;
    },
    locators: (id) => locators.row(id),
    wish: (id, wish) => locators.wish(id, wish),
    prefer: (id, to) => locators.prefer(id, to),
    exceptions: () => exceptionsRow(parts.exceptions.all),
    except: (excepted) => {
      parts.exceptions.set(excepted);
      return exceptionsRow(parts.exceptions.all);
    },
    site: () => siteRow(parts.site, parts.file),
    policy: () => policyRows(parts.site, parts.where, box.decided),
    decide: ({ name, ...flow }) => {
      const names = [...new Set([...bindings.namesOf(flow.to, now()), ...(name === undefined ? [] : [name])])];
      return decisionRow(parts.site, flowOf(flow, names, clock.wall()), parts.where);
    },
    explain: (question) => parts.explainer.explain(question),
    events: parts.events,
    flows: () => flows.look(),
    history: (after) => parts.past?.row(after, (locator) => providerOf(locator) ?? null) ?? { ...NO_PAST },
    drills: parts.drills,
    health: (): HealthRow => healthOf(parts.site.providers, parts.linesDown(), silent()),
    *paths(): Iterable<PathRow> {
      for (const path of reap.paths())
        yield {
          id: pathIdOf(path),
          peerBox: path.peerBox,
          localLocator: path.pair.local,
          peerLocator: path.pair.peer,
          localProvider: providerOf(path.pair.local) ?? null,
          state: path.state,
          sinceMs: ago(path.since),
          rttMs: path.roundTrip ?? null,
          loss: path.loss ?? null,
          brownOut: path.brown,
          mtu: box.pathMtu(path.pair) ?? null,
          contexts: path.contexts,
        };
    },
    *providers(): Iterable<ProviderRow> {
      const totals = new Map(parts.site.providers.map(({ name }) => [name, { contexts: 0, packets: 0 }]));
      box.census.each((id, name) => {
        const total = totals.get(name);
        if (total === undefined) return;
        const { packetsIn, packetsOut } = core.counters(id);
        total.contexts++;
        total.packets += packetsIn + packetsOut;
      });
      const down = parts.linesDown();
      const gone = silent();
      for (const { name, prefix, interface: device, gateway, priority, weight } of everyProvider(parts.site)) {
        const { contexts = 0, packets = 0 } = totals.get(name) ?? {};
        const until = parts.told.of(name)?.until;
        yield {
          name,
          prefix: prefix === undefined ? null : showPrefix(prefix),
          state: prefix === undefined ? "waiting" : down.has(device) || gone.has(name) ? "down" : "up",
          drained: parts.told.drained.has(name),
          broken: parts.told.saidOf("broken", name) !== undefined,
          preferred: parts.told.saidOf("preferred", name) !== undefined,
          wordEndsMs: endOf(name),
          expiresMs: until === undefined || until === NEVER ? null : Math.max(0, until - clock.wall()),
          interface: device,
          gateway: gateway ?? null,
          priority,
          weight,
          contexts,
          packets,
        };
      }
    },
    *bindings(ulid): Iterable<BindingRow> {
      for (const binding of bindings.list(now())) {
        if (ulid !== undefined && binding.ulid !== ulid) continue;
        yield {
          ulid: binding.ulid,
          locators: binding.locators.map(({ address }) => address),
          source: binding.source,
          expiresMs: binding.until === NEVER ? null : Math.max(0, binding.until - now()),
        };
      }
    },
    firewall: () => parts.filterCounts(),
    *leases(ulid): Iterable<LeaseRow> {
      for (const row of parts.leases?.() ?? []) if (ulid === undefined || row.ulid === ulid) yield row;
    },
    keys: (): Iterable<KeyRow> => parts.keys?.() ?? [],
    *counters(): Iterable<readonly [string, number]> {
      const sums = new Map<string, number>(core.totals());
      for (const [name, value] of [...box.counters.entries(), ...planeTotals()]) sums.set(name, (sums.get(name) ?? 0) + value);
      sums.set("held-octets", box.held.octets);
      yield* sums;
    },
  };
}

/** A box forwards as long as one line is up; without any, nothing it does gets anywhere. */
function healthOf(providers: Site["providers"], down: ReadonlySet<string>, silent: ReadonlySet<string>): HealthRow {
  const checks = providers.map(({ name, interface: device, gateway }) => {
    if (down.has(device)) return { name: `line ${name}`, ok: false, detail: `${device} is down` };
    if (silent.has(name)) return { name: `line ${name}`, ok: false, detail: `${gateway} does not answer on ${device}` };
    return { name: `line ${name}`, ok: true, detail: `${device} is not known to be down` };
  });
  return { ready: checks.some(({ ok }) => ok), checks };
}
