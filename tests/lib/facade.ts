/** A box that says what it is told to say. */
import type { DrillRow } from "../../runtime/api/drill-rows.ts";
import type { BoxFacade, Drills, EventFeed, ProviderResult, WishResult } from "../../runtime/api/facade.ts";
import type { ContextRow, LeaseRow } from "../../runtime/api/rows.ts";
import type { ExplainRow } from "../../runtime/api/rows-explain.ts";
import type { ExceptionsRow, LocatorsRow } from "../../runtime/api/rows-locators.ts";
import { exceptionsRow } from "../../runtime/box/site-rows.ts";
import { showPrefix } from "../../runtime/value/prefix.ts";

/** Context `id` of host `fc00:aaaa:1::<id>`. */
export function contextRow(id: number, change: Partial<ContextRow> = {}): ContextRow {
  return {
    id,
    localUlid: `fc00:aaaa:1::${id}`,
    peerUlid: "fc00:bbbb:1::10",
    fork: 0,
    rule: null,
    state: "ESTABLISHED",
    reap: "Operational",
    localTag: "00000000002a",
    peerTag: "00000000002b",
    localLocator: `2001:db8:a1::${id}`,
    peerLocator: "2001:db8:b3::10",
    localProvider: "isp1",
    peerBox: "ab".repeat(32),
    sent: { packets: 1_234, octets: 5_678_901 },
    received: { packets: 7, octets: 700 },
    lastSentMs: 12,
    lastReceivedMs: 1_500,
    ageMs: 65_000,
    ...change,
  };
}

/** Nothing happens, and nobody is let in. */
export const QUIET: EventFeed = { run: "1", beatMs: 15_000, oldest: 1, latest: 0, after: () => [], listen: () => undefined };

/** Two ends that a context carries; `to: "nobody"` is nobody. */
export function explanation(from: string, to: string, transport: string): ExplainRow {
  const end = { name: null, kind: "own" };
  const isKnown = to !== "nobody";
  return {
    from: { ...end, asked: from, address: "fc00:aaaa:1::10" },
    to: { ...end, asked: to, address: isKnown ? "fc00:bbbb:1::10" : null, kind: isKnown ? "peer" : "unknown" },
    outcome: isKnown ? "context" : "unknown",
    verdict: isKnown ? `context 7 carries it by isp1 (${transport})` : "nothing is known of nobody",
    context: isKnown ? 7 : null,
    steps: [
      { step: "name", ok: isKnown, what: "hosts are told fc00:bbbb:1::10", why: "the DNS gateway knows it", source: null },
      {
        step: "filter",
        ok: null,
        what: "the filter lets it pass: no rule is about it",
        why: "counter default-outward; ".repeat(6),
        source: "/site.yaml:3",
      },
    ],
    pairs: isKnown
      ? [{ local: "2001:db8:a1::10", peer: "2001:db8:b3::10", provider: "isp1", path: "alive", rttMs: 12.3, isCurrent: true }]
      : [],
    providers: isKnown ? [{ name: "isp1", state: "up", isCandidate: true, source: "/site.yaml:5" }] : [],
  };
}

/** A wish about context `id`; the last of `contexts` is not established, and context 0 has no locator that may be named. */
function wished(id: number, contexts: number, detail: string): WishResult {
  if (id >= contexts) return { ok: false, why: "unknown", detail: `there is no context ${id}` };
  if (id === contexts - 1) return { ok: false, why: "refused", detail: `context ${id} is not established` };
  return id === 0 ? { ok: false, why: "invalid", detail: "none of its locators", field: "local/0/address" } : { ok: true, detail };
}

/** One locator of each kind of trouble; context 0 has none. */
function locatorsOf(id: number): LocatorsRow {
  if (id === 0) return { id, local: [], peer: [] };
  const plain = { method: "CGA", priority: 1, weight: 60, isBroken: false, isCurrent: false, wished: null };
  const [first, second] = [`2001:db8:a1::${id}`, `2001:db8:a2::${id}`];
  return {
    id,
    local: [
      { ...plain, address: first, provider: "isp1", isKnown: true, isCurrent: true },
      { ...plain, address: second, provider: "isp2", isKnown: false, wished: { priority: 0, weight: 1 } },
    ],
    peer: [
      { ...plain, address: "2001:db8:b3::10", isVerified: true, path: "alive", isCurrent: true },
      { ...plain, address: "2001:db8:b4::10", isVerified: false, path: "lost", isBroken: true, priority: null, weight: null },
    ],
  };
}

/** What became of what was said of the provider `name`; it knows isp1 and isp2. */
function said(change: string, name: string): ProviderResult {
  if (!/^isp[12]$/.test(name)) return { ok: false, why: "unknown", detail: `there is no provider "${name}"` };
  return { ok: true, file: "/site.yaml", changed: [change], warnings: [], untold: 0 };
}

/** A drill of isp1 that has been, and one more for each that is begun. */
export function drillRow(id: number, change: Partial<DrillRow> = {}): DrillRow {
  const lost = { packets: 12, octets: 14_400 };
  const times = { medianMs: 312, p95Ms: 480, maxMs: 512 };
  return {
    id,
    provider: "isp1",
    state: "done",
    cut: false,
    startedAt: "2027-01-15T08:00:00.000Z",
    forMs: 10_000,
    brokenMs: 10_000,
    contexts: { affected: 3, active: 2, moved: 2 },
    classes: [{ class: "tcp", flows: 2, back: 2, silent: 0, ...times, lostOut: lost, lostIn: { packets: 0, octets: 0 } }],
    failed: [],
    failures: 0,
    survived: true,
    ...change,
  };
}

function fakeDrills(): Drills {
  const rows = [drillRow(1)];
  return {
    rows: () => [...rows].reverse(),
    get: (id) => rows.find((row) => row.id === id),
    start(provider, duration = 10_000, force) {
      if (provider !== "isp1") return { ok: false, why: "unknown", detail: `there is no provider "${provider}"` };
      if (duration === 1_000 && !force) return { ok: false, why: "refused", detail: "no other provider works" };
      const drill = drillRow(rows.length + 1, { state: "listening", forMs: duration, survived: null, classes: [], brokenMs: null });
      rows.push(drill);
      return { ok: true, drill };
    },
    end(id) {
      const at = rows.findIndex((row) => row.id === id);
      if (at >= 0 && rows[at].state !== "done") rows[at] = drillRow(id, { cut: true });
      return rows[at];
    },
  };
}

/** The façade over `contexts`; `made` counts the rows that were asked for. `beside` are providers that host 1 has addresses of, all but the first deprecated. */
export function fakeFacade(contexts: number, events: EventFeed = QUIET, beside: readonly string[] = []): BoxFacade & { made: number } {
  let exceptions: ExceptionsRow = { peers: [], ports: [] };
  return {
    made: 0,
    events,
    drills: fakeDrills(),
    health: () => ({ ready: contexts > 0, checks: [{ name: "line isp1", ok: contexts > 0, detail: "up1 is up" }] }),
    context: (id) => (id < contexts ? contextRow(id) : undefined),
    discard: (id) => id < contexts,
    locators: (id) => (id < contexts ? locatorsOf(id) : undefined),
    wish: (id, { local, peer }) => wished(id, contexts, `${local.length} ${peer.length}`),
    prefer: (id, { provider, local, peer }) => wished(id, contexts, `${provider ?? local} ${peer}`),
    exceptions: () => exceptions,
    except: (excepted) => {
      exceptions = exceptionsRow(excepted);
      return exceptions;
    },
    // The last one is not established.
    rehome: (id) => id < contexts - 1,
    reload: () => ({ ok: true, file: "/site.yaml", changed: ["provider isp3 added: 2001:db8:a3::/48"], warnings: [], untold: contexts }),
    setPrefix: (name, prefix, valid) => said(`prefix ${name} ${prefix === undefined ? "none" : showPrefix(prefix)} ${valid}`, name),
    drain: (name, keep) => said(`drain ${name} ${keep}`, name),
    restore: (name) => said(`restore ${name}`, name),
    say: (word, name, duration, keep) => said(`${word} ${name} ${duration} ${keep}`, name),
    mend: (name) => said(`mend ${name}`, name),
    site: () => ({ file: "/site.yaml", settings: { site: "alpha", providers: [{ name: "isp1", prefix: "2001:db8:a1::/48" }] } }),
    *policy() {
      const rule = { match: { names: ["beta.example"] }, source: "/site.yaml:9" };
      yield { ...rule, name: "partner", use: "prefers isp2, then isp1", decided: 3 };
      yield { ...rule, name: "rule 2", use: "avoids lte", decided: 0 };
    },
    decide: ({ protocol }) => ({
      rule: protocol === undefined ? "partner" : null,
      use: "prefers isp2",
      source: "/site.yaml:9",
      needsOwnContext: false,
      providers: [{ name: "isp1", rank: 1, weight: 60, allowed: true }],
      before: [{ rule: "backup", why: "hours", source: null }],
    }),
    explain: async ({ from, to, protocol, port }) => explanation(from, to, `${protocol ?? "any"} ${port ?? "any"}`),
    status: () => ({
      site: "alpha",
      version: "1.2.3",
      runtime: "node 26.10.0",
      uptimeMs: 3_661_000,
      contexts,
      contextLimit: 65_536,
      tun: "pshim0",
      mtu: 1500,
    }),
    contexts({ ulid, peer, state, provider }, { after, skip, limit }) {
      const ids = Array.from({ length: contexts }, (_, id) => id).filter((id) => {
        const ends = [`fc00:aaaa:1::${id}`, "fc00:bbbb:1::10"];
        if (ulid !== undefined && !ends.includes(ulid)) return false;
        if (peer !== undefined && ends[1] !== peer) return false;
        return (state === undefined || state === "ESTABLISHED") && (provider === undefined || provider === "isp1");
      });
      const behind = ids.filter((id) => id > after).slice(skip);
      const items = behind.slice(0, limit).map((id) => contextRow(id));
      this.made += items.length;
      return { items, total: ids.length, more: behind.length > limit };
    },
    *paths() {
      const path = { id: "p1", peerBox: "cd".repeat(32), localLocator: "2001:db8:a1::10", peerLocator: "2001:db8:b3::10" };
      yield {
        ...path,
        localProvider: "isp1",
        state: "lost",
        sinceMs: 250,
        rttMs: null,
        loss: null,
        brownOut: false,
        mtu: 1400,
        contexts: 0,
      };
    },
    *providers() {
      const line = {
        state: "up",
        drained: false,
        broken: false,
        preferred: false,
        wordEndsMs: null,
        expiresMs: null,
        interface: "up1",
        gateway: null,
        priority: 10,
        weight: 60,
      } as const;
      yield { ...line, name: "isp1", prefix: "2001:db8:a1::/48", contexts: 3, packets: 1_000_000 };
    },
    *bindings(ulid) {
      const row = { ulid: "fc00:bbbb:1::10", locators: ["2001:db8:b3::10", "2001:db8:b4::10"], source: "static", expiresMs: null };
      if (ulid === undefined || ulid === row.ulid) yield row;
    },
    *firewall() {
      yield { name: "rule-web", packets: 3, octets: 240 };
    },
    *leases(ulid) {
      const addresses = beside.map((provider, i) => ({ address: `2001:db8:a${i + 1}:ff::1`, provider, deprecated: i > 0 }));
      const host = { duid: "00030001020000000001", iaid: 7, mac: "02:00:00:00:00:01", matched: "pool", since: "2026-09-21T13:46:40.000Z" };
      const rows: LeaseRow[] = [
        { ...host, ulid: "fc00:aaaa:1::1", name: "h1", state: "bound", until: "2026-09-21T14:46:40.000Z", expiresMs: 65_000, addresses },
        { ...host, ulid: "fc00:aaaa:1::2", name: null, mac: null, state: "declined", until: null, expiresMs: null, addresses: [] },
      ];
      for (const row of rows) if (ulid === undefined || ulid === row.ulid) yield row;
    },
    *keys() {
      const ulids = ["fc00:aaaa:1::1", "fc00:aaaa:1::2"];
      yield { file: "/var/lib/pshim6/site-key.pem", bits: 2048, fingerprint: "ef".repeat(32), ulids };
      yield { file: null, bits: null, fingerprint: "01".repeat(32), ulids: [] };
    },
    flows: () => ({
      spanMs: 1_000,
      links: [{ provider: "isp1", peerBox: "cd".repeat(32), peerUlid: "fc00:bbbb:1::10", contexts, sent: 2_500_000, received: 40_000 }],
      boxes: 1,
      hosts: [{ ulid: "fc00:aaaa:1::1", contexts, sent: 2_500_000, received: 40_000 }],
      otherHosts: { hosts: 0, contexts: 0, sent: 0, received: 0 },
    }),
    history(after) {
      const path = { path: "p1", peerBox: "cd".repeat(32), localProvider: "isp1", peerLocator: "2001:db8:b3::10" };
      const all = { ...path, states: "aal", rttMs: [10, 12, null], loss: [0, 0.02, null] };
      return {
        stepMs: 2_000,
        latest: 3,
        from: after + 1,
        paths: [{ ...all, states: all.states.slice(after), rttMs: all.rttMs.slice(after), loss: all.loss.slice(after) }],
      };
    },
    *counters() {
      yield ["out-shim6-packets", 42];
      yield ["drop-bad-sum-shim6", 0];
    },
  };
}
