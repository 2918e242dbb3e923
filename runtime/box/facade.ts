/** The box as rows for the API: every call answers for the present moment and changes nothing. */
import type { BoxFacade, ReloadResult } from "../api/facade.ts";
import type { BindingRow, ContextRow, KeyRow, LeaseRow, PathRow, ProviderRow, StatusRow } from "../api/rows.ts";
import type { Provider, Site } from "../config/site.ts";
import type { FirewallCount } from "../firewall/counters.ts";
import type { ContextView } from "../shim6/contract.ts";
import type { Address } from "../value/address.ts";
import { contains, showPrefix } from "../value/prefix.ts";
import { showTag } from "../value/tag.ts";
import { type Millis, NEVER } from "../value/time.ts";
import type { Box } from "./box.ts";

/** What the façade shows beside the box itself. */
export interface FacadeParts {
  /** Asked for anew each time: a reload may have changed it. */
  readonly site: Site;
  readonly reload: () => ReloadResult;
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
}

/** The façade of a running box. */
export function createFacade(parts: FacadeParts): BoxFacade {
  const { box, version, runtime, startedAt, planeTotals } = parts;
  const { core, shim6, reap, bindings, clock } = box.parts;
  const now = (): Millis => clock.now();
  const providerOf = (locator: Address): Provider | undefined => parts.site.providers.find(({ prefix }) => contains(prefix, locator));
  const ago = (at: Millis | undefined): Millis | null => (at === undefined ? null : Math.max(0, now() - at));
  const inCore = (context: ContextView): boolean => context.state === "ESTABLISHED" || context.state === "I2BIS-SENT";

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
      state: context.state,
      reap: reap.stateOf(id) ?? null,
      localTag: showTag(context.localTag),
      peerTag: context.peerTag === undefined ? null : showTag(context.peerTag),
      localLocator: current.local,
      peerLocator: current.peer,
      localProvider: providerOf(current.local)?.name ?? null,
      peerBox: context.peerBox ?? null,
      sent: { packets: traffic?.packetsOut ?? 0, octets: traffic?.octetsOut ?? 0 },
      received: { packets: traffic?.packetsIn ?? 0, octets: traffic?.octetsIn ?? 0 },
      lastSentMs: ago(traffic?.lastSent),
      lastReceivedMs: ago(traffic?.lastReceived),
      ageMs: ago(context.establishedAt),
    };
  }

  return {
    reload: parts.reload,
    status: (): StatusRow => ({
      site: parts.site.site,
      version,
      runtime,
      uptimeMs: now() - startedAt,
      contexts: [...shim6.contexts()].length,
      contextLimit: parts.site.contexts.max,
      tun: parts.site.tun.name,
      mtu: parts.site.tun.mtu,
    }),
    *contexts(ulid): Iterable<ContextRow> {
      for (const context of shim6.contexts())
        if (ulid === undefined || context.pair.local === ulid || context.pair.peer === ulid) yield contextRow(context);
    },
    *paths(): Iterable<PathRow> {
      for (const path of reap.paths())
        yield {
          peerBox: path.peerBox,
          localLocator: path.pair.local,
          peerLocator: path.pair.peer,
          localProvider: providerOf(path.pair.local)?.name ?? null,
          state: path.state,
          sinceMs: ago(path.since),
          rttMs: path.roundTrip ?? null,
          mtu: box.pathMtu(path.pair) ?? null,
          contexts: path.contexts,
        };
    },
    *providers(): Iterable<ProviderRow> {
      const totals = new Map(parts.site.providers.map(({ name }) => [name, { contexts: 0, packets: 0 }]));
      for (const context of shim6.contexts()) {
        if (!inCore(context)) continue;
        const current = reap.currentOf(context.id) ?? context.current;
        const total = totals.get(providerOf(current.local)?.name ?? "");
        const { packetsIn, packetsOut } = core.counters(context.id);
        if (total === undefined) continue;
        total.contexts++;
        total.packets += packetsIn + packetsOut;
      }
      for (const { name, prefix, interface: device, gateway, priority, weight } of parts.site.providers) {
        const { contexts = 0, packets = 0 } = totals.get(name) ?? {};
        yield { name, prefix: showPrefix(prefix), interface: device, gateway: gateway ?? null, priority, weight, contexts, packets };
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
