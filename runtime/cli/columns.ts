/** What the tables of the box's rows look like; the columns' names for programs are those of the API. */
import type { DrillRow } from "../api/drill-rows.ts";
import type {
  BindingRow,
  ContextRow,
  EventRow,
  FirewallRow,
  HealthRow,
  KeyRow,
  LeaseRow,
  PathRow,
  ProviderRow,
  StatusRow,
} from "../api/rows.ts";
import type { PolicyRuleRow, SiteRow } from "../api/rows-explain.ts";
import { type Column, showCount, showMillis, type Tone } from "./table.ts";

/** An address that says enough. */
const ADDRESS = 17;

/** A column of addresses, which may be cut in the middle. */
function addressColumn<Row>(title: string, name: string, cell: (row: Row) => string, spare?: number): Column<Row> {
  return { title, name, cell, middle: true, least: ADDRESS, ...(spare === undefined ? {} : { spare }) };
}

/** A column of durations. */
function millisColumn<Row>(title: string, name: string, value: (row: Row) => number | null, spare?: number): Column<Row> {
  const cell = (row: Row): string => showMillis(value(row));
  return { title, name, cell, plain: (row) => exact(value(row)), right: true, ...(spare === undefined ? {} : { spare }) };
}

/** A column of totals. */
function countColumn<Row>(title: string, name: string, value: (row: Row) => number, spare?: number): Column<Row> {
  const cell = (row: Row): string => showCount(value(row));
  return { title, name, cell, plain: (row) => exact(value(row)), right: true, ...(spare === undefined ? {} : { spare }) };
}

/** What is not known is an empty field. */
function exact(value: string | number | null): string {
  return value === null ? "" : String(value);
}

/** How a context does. */
export function stateOf({ state, reap }: Pick<ContextRow, "state" | "reap">): string {
  return state === "ESTABLISHED" && reap !== null ? reap : state;
}

/** Whose flows a context carries: those of a rule, those of a rule of the peer's, known by its number, or all others. */
function forkOf({ fork, rule }: Pick<ContextRow, "fork" | "rule">): string {
  return fork === 0 ? "-" : (rule ?? fork.toString(16).padStart(8, "0"));
}

/** Its colour. */
export function stateTone(row: Pick<ContextRow, "state" | "reap">): Tone | undefined {
  const state = stateOf(row);
  if (state === "Operational") return "good";
  return state === "Exploring" ? "bad" : "warn";
}

export const PATH_TONES: Readonly<Record<PathRow["state"], Tone>> = { alive: "good", lost: "bad", unknown: "faint" };
export const PROVIDER_TONES: Readonly<Record<string, Tone>> = { up: "good", down: "bad" };

export const CONTEXTS: readonly Column<ContextRow>[] = [
  { title: "id", cell: (row) => String(row.id), right: true },
  addressColumn("host", "localUlid", (row) => row.localUlid),
  addressColumn("peer", "peerUlid", (row) => row.peerUlid),
  { title: "fork", cell: forkOf, plain: (row) => String(row.fork), spare: 5 },
  { title: "state", cell: stateOf, least: 11, tone: stateTone },
  { title: "by", name: "localProvider", cell: (row) => row.localProvider ?? "-", plain: (row) => exact(row.localProvider) },
  addressColumn("local locator", "localLocator", (row) => row.localLocator, 4),
  addressColumn("peer locator", "peerLocator", (row) => row.peerLocator, 3),
  {
    title: "tags",
    cell: (row) => `${row.localTag}/${row.peerTag ?? "-"}`,
    plain: (row) => `${row.localTag}/${exact(row.peerTag)}`,
    spare: 9,
    least: 25,
  },
  countColumn("out", "sentPackets", (row) => row.sent.packets),
  countColumn("octets", "sentOctets", (row) => row.sent.octets, 7),
  countColumn("in", "receivedPackets", (row) => row.received.packets),
  countColumn("octets", "receivedOctets", (row) => row.received.octets, 7),
  millisColumn("sent", "lastSentMs", (row) => row.lastSentMs, 6),
  millisColumn("heard", "lastReceivedMs", (row) => row.lastReceivedMs, 6),
  millisColumn("age", "ageMs", (row) => row.ageMs, 8),
];

export const PATHS: readonly Column<PathRow>[] = [
  { title: "box", name: "peerBox", cell: (row) => row.peerBox.slice(0, 12), plain: (row) => row.peerBox, spare: 3 },
  addressColumn("local", "localLocator", (row) => row.localLocator),
  addressColumn("peer", "peerLocator", (row) => row.peerLocator),
  { title: "by", name: "localProvider", cell: (row) => row.localProvider ?? "-", plain: (row) => exact(row.localProvider) },
  {
    title: "state",
    cell: (row) => (row.brownOut ? "brown-out" : row.state),
    tone: (row) => (row.brownOut ? "warn" : PATH_TONES[row.state]),
  },
  millisColumn("since", "sinceMs", (row) => row.sinceMs, 2),
  millisColumn("rtt", "rttMs", (row) => row.rttMs, 1),
  {
    title: "loss",
    cell: ({ loss }) => (loss === null ? "-" : `${Math.round(100 * loss)} %`),
    plain: (row) => exact(row.loss),
    right: true,
    spare: 3,
  },
  { title: "mtu", cell: (row) => String(row.mtu ?? "-"), plain: (row) => exact(row.mtu), right: true, spare: 4 },
  { title: "contexts", cell: (row) => String(row.contexts), right: true },
];

/** How a provider's line is, and what the operator says of it; that a line is up goes without saying. */
function standingOf({ state, drained, broken, preferred }: ProviderRow): string {
  const words = [drained ? ["drained"] : [], broken ? ["broken"] : [], preferred ? ["preferred"] : []].flat();
  return [...(state === "up" && words.length > 0 ? [] : [state]), ...words].join(", ");
}

export const PROVIDERS: readonly Column<ProviderRow>[] = [
  { title: "name", cell: (row) => row.name },
  { title: "prefix", cell: (row) => row.prefix ?? "-", plain: (row) => exact(row.prefix), middle: true, least: ADDRESS },
  {
    title: "state",
    cell: standingOf,
    tone: (row) => (row.broken ? "bad" : row.drained ? "warn" : (PROVIDER_TONES[row.state] ?? "warn")),
    least: 8,
  },
  { title: "interface", cell: (row) => row.interface },
  { title: "gateway", cell: (row) => row.gateway ?? "-", plain: (row) => exact(row.gateway), spare: 2, middle: true },
  { title: "priority", cell: (row) => String(row.priority), right: true, spare: 1 },
  { title: "weight", cell: (row) => String(row.weight), right: true, spare: 1 },
  { title: "contexts", cell: (row) => String(row.contexts), right: true },
  countColumn("packets", "packets", (row) => row.packets),
];

export const FIREWALL: readonly Column<FirewallRow>[] = [
  { title: "counter", name: "name", cell: (row) => row.name },
  countColumn("packets", "packets", (row) => row.packets),
  countColumn("octets", "octets", (row) => row.octets),
];

export const BINDINGS: readonly Column<BindingRow>[] = [
  addressColumn("identifier", "ulid", (row) => row.ulid),
  { title: "source", cell: (row) => row.source },
  millisColumn("expires", "expiresMs", (row) => row.expiresMs, 1),
  { title: "locators", cell: (row) => row.locators.join(" ") },
];

export const LEASES: readonly Column<LeaseRow>[] = [
  addressColumn("identifier", "ulid", (row) => row.ulid),
  { title: "name", cell: (row) => row.name ?? "-", plain: (row) => exact(row.name) },
  { title: "state", cell: (row) => row.state, tone: (row) => (row.state === "bound" ? "good" : "warn") },
  {
    title: "ends in",
    name: "expiresMs",
    cell: (row) => (row.expiresMs === null ? "never" : showMillis(row.expiresMs)),
    plain: (row) => exact(row.expiresMs),
    right: true,
  },
  {
    title: "addresses",
    cell: ({ addresses }) =>
      addresses.map(({ address, provider, deprecated }) => `${address} (${provider}${deprecated ? ", deprecated" : ""})`).join(" "),
    tone: ({ addresses }) => (addresses.some(({ deprecated }) => deprecated) ? "warn" : undefined),
    sparse: true,
    least: 2 * ADDRESS,
    spare: 3,
  },
  { title: "link address", name: "mac", cell: (row) => row.mac ?? "-", plain: (row) => exact(row.mac), spare: 2 },
  { title: "DUID", name: "duid", cell: (row) => row.duid, spare: 4 },
  {
    title: "IAID",
    name: "iaid",
    cell: (row) => row.iaid.toString(16).padStart(8, "0"),
    plain: (row) => String(row.iaid),
    spare: 3,
  },
  { title: "by", name: "matched", cell: (row) => row.matched, spare: 1 },
  { title: "since", cell: (row) => row.since, spare: 5 },
];

export const KEYS: readonly Column<KeyRow>[] = [
  { title: "file", cell: (row) => row.file ?? "elsewhere", plain: (row) => exact(row.file) },
  { title: "bits", cell: (row) => String(row.bits ?? "-"), plain: (row) => exact(row.bits), right: true },
  { title: "identifiers", cell: (row) => String(row.ulids.length), right: true },
  { title: "SHA-256 of the public key", name: "fingerprint", cell: (row) => row.fingerprint },
];

export const EVENTS: readonly Column<EventRow>[] = [
  { title: "at", cell: (row) => row.at },
  { title: "kind", cell: (row) => row.kind, least: 12, tone: (row) => (row.kind === "failed" ? "bad" : undefined) },
  { title: "text", cell: (row) => row.text },
];

export const CHECKS: readonly Column<HealthRow["checks"][number]>[] = [
  { title: "check", name: "name", cell: (row) => row.name },
  {
    title: "state",
    name: "ok",
    cell: (row) => (row.ok ? "ok" : "fails"),
    plain: (row) => String(row.ok),
    tone: (row) => (row.ok ? "good" : "bad"),
  },
  { title: "detail", cell: (row) => row.detail },
];

export const COUNTERS: readonly Column<readonly [name: string, total: number]>[] = [
  { title: "counter", name: "name", cell: ([name]) => name },
  { title: "total", cell: ([, total]) => String(total), right: true },
];

export const POLICY: readonly Column<PolicyRuleRow>[] = [
  { title: "rule", name: "name", cell: (row) => row.name },
  { title: "wants", name: "use", cell: (row) => row.use },
  { title: "decided", cell: (row) => String(row.decided), right: true },
  { title: "for", name: "match", cell: (row) => matchText(row), plain: (row) => JSON.stringify(row.match) },
  { title: "where", name: "source", cell: (row) => row.source ?? "-", plain: (row) => exact(row.source), spare: 1 },
];

function matchText({ match }: PolicyRuleRow): string {
  const words = Object.entries(match).map(([key, value]) => `${key} ${typeof value === "string" ? value : JSON.stringify(value)}`);
  return words.length === 0 ? "everything" : words.join(", ");
}

const DRILL_TONES: Readonly<Record<string, Tone>> = { true: "good", false: "bad" };

export const DRILLS: readonly Column<DrillRow>[] = [
  { title: "id", cell: (row) => String(row.id), right: true },
  { title: "at", name: "startedAt", cell: (row) => row.startedAt },
  { title: "provider", cell: (row) => row.provider },
  { title: "state", cell: (row) => row.state },
  millisColumn("dead for", "brokenMs", (row) => row.brokenMs),
  { title: "active", cell: (row) => String(row.contexts.active), right: true },
  { title: "moved", cell: (row) => String(row.contexts.moved), right: true },
  {
    title: "survived",
    cell: (row) => (row.survived === null ? "-" : row.survived ? "all" : `all but ${row.failures}`),
    plain: (row) => exact(row.survived === null ? null : String(row.survived)),
    tone: (row) => DRILL_TONES[String(row.survived)],
  },
];

export const SETTINGS: readonly Column<readonly [path: string, value: string]>[] = [
  { title: "setting", cell: ([path]) => path },
  { title: "value", cell: ([, value]) => value },
];

/** Settings one by one: by path, as JSON. */
export function settingsOf({ settings }: SiteRow): (readonly [path: string, value: string])[] {
  return Object.entries(settings).flatMap(([name, value]) => leaves(name, value));
}

function leaves(path: string, value: unknown): (readonly [string, string])[] {
  const isGroup = (each: unknown): boolean => typeof each === "object" && each !== null;
  if (Array.isArray(value) && value.some(isGroup)) return value.flatMap((each: unknown, i) => leaves(`${path}[${i}]`, each));
  const inner = typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
  return inner.length === 0 ? [[path, JSON.stringify(value) ?? ""]] : inner.flatMap(([name, each]) => leaves(`${path}.${name}`, each));
}

/** The box itself, for programs. */
export const STATUS: readonly Column<StatusRow>[] = (
  ["site", "version", "runtime", "uptimeMs", "contexts", "contextLimit", "tun", "mtu"] as const
).map((name) => ({ title: name, cell: (row: StatusRow) => String(row[name]) }));
