/**
 * Metrics in Prometheus' text format (0.0.4), by its rules of naming: base units, `_total` on what only grows. Labels name providers, peer boxes,
 * reasons and rules; never a host. Peers beyond {@link PEERS_SHOWN} are summed under `other`, so that a flood of them makes no flood of series.
 */
import type { BoxFacade } from "./facade.ts";
import type { PathRow } from "./rows.ts";

export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";
/** Peer boxes with series of their own: those with the most contexts. */
export const PEERS_SHOWN = 100;
/** Hexadecimal digits of a box's fingerprint in a label. */
const PEER_DIGITS = 16;
const OTHER = "other";

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

/** Everything that `box` measures, as one text. */
export function metricsOf(box: BoxFacade): string {
  const status = box.status();
  const text: string[] = [];
  const add = (name: string, type: "counter" | "gauge", help: string, samples: readonly Sample[]): void => {
    if (samples.length === 0) return;
    text.push(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`);
    for (const [labels, value] of samples) text.push(`${name}${showLabels(labels)} ${value}\n`);
  };
  add("pshim6_build_info", "gauge", "What runs here; always 1.", [[{ version: status.version, runtime: status.runtime }, 1]]);
  add("pshim6_uptime_seconds", "gauge", "Since the box started.", [[{}, status.uptimeMs / 1_000]]);
  add("pshim6_ready", "gauge", "Whether the box can do its work.", [[{}, box.health().ready ? 1 : 0]]);
  add("pshim6_contexts", "gauge", "Shim6 contexts in any state.", [[{}, status.contexts]]);
  add("pshim6_contexts_limit", "gauge", "Shim6 contexts that fit.", [[{}, status.contextLimit]]);
  addCounters(box, add);
  addPaths(box, add);
  const rules = [...box.firewall()];
  add(
    "pshim6_firewall_packets_total",
    "counter",
    "Packets that a rule of the filter counted.",
    rules.map((row) => [{ rule: row.name }, row.packets]),
  );
  add(
    "pshim6_firewall_bytes_total",
    "counter",
    "Octets that a rule of the filter counted.",
    rules.map((row) => [{ rule: row.name }, row.octets]),
  );
  return text.join("");
}

type Add = (name: string, type: "counter" | "gauge", help: string, samples: readonly Sample[]) => void;

/** First word of a counter's name → its family. */
const FAMILIES: readonly (readonly [word: string, family: string, label: string, help: string])[] = [
  ["drop", "pshim6_dropped_total", "reason", "Packets, messages and requests that were dropped or refused, by reason."],
  ["in", "pshim6_received_total", "kind", "Packets, messages and news that came in, by kind."],
  ["out", "pshim6_sent_total", "kind", "Packets and messages that went out, by kind."],
  ["punt", "pshim6_punted_total", "reason", "Packets that the packet path left to the control thread, by reason."],
  ["move", "pshim6_moves_total", "cause", "Contexts that went to another pair of locators, by cause."],
  ["pass", "pshim6_passed_total", "kind", "Packets let through although they are none of ours, by kind."],
];

function addCounters(box: BoxFacade, add: Add): void {
  const families = new Map(FAMILIES.map(([word]) => [word, [] as [string, number][]]));
  for (const [name, total] of box.counters()) {
    if (name === "held-octets") {
      add("pshim6_held_bytes", "gauge", "Octets of packets that wait for a context.", [[{}, total]]);
      continue;
    }
    const dash = name.indexOf("-");
    families.get(name.slice(0, dash))?.push([name.slice(dash + 1), total]);
  }
  for (const [word, family, label, help] of FAMILIES)
    add(family, "counter", help, families.get(word)?.map(([what, total]) => [{ [label]: what }, total]) ?? []);
}

/** Sums over the paths between one of our providers and one peer box. */
interface PathSums {
  readonly labels: Labels;
  readonly states: Record<PathRow["state"], number>;
  contexts: number;
  /** Milliseconds; of the best path that lives. */
  roundTrip: number | undefined;
  /** The worst of the paths in use: share of questions without an answer, milliseconds. */
  loss: number | undefined;
  delay: number | undefined;
  brownOuts: number;
}

function addPaths(box: BoxFacade, add: Add): void {
  const sums = [...sumPaths([...box.paths()]).values()];
  const states = ["alive", "lost", "unknown"] as const;
  add(
    "pshim6_paths",
    "gauge",
    "Paths to a peer box by one of our providers, by state.",
    sums.flatMap((sum) => states.map((state): Sample => [{ ...sum.labels, state }, sum.states[state]])),
  );
  add(
    "pshim6_path_contexts",
    "gauge",
    "Contexts that send on those paths now.",
    sums.map((sum) => [sum.labels, sum.contexts]),
  );
  add(
    "pshim6_path_round_trip_seconds",
    "gauge",
    "Smoothed round trip of the best of those paths that lives.",
    sums.flatMap(({ labels, roundTrip }): Sample[] => (roundTrip === undefined ? [] : [[labels, roundTrip / 1_000]])),
  );
  add(
    "pshim6_path_loss_ratio",
    "gauge",
    "Share of the box's questions that were not answered lately, on the worst of those paths that carries contexts.",
    sums.flatMap(({ labels, loss }): Sample[] => (loss === undefined ? [] : [[labels, loss]])),
  );
  add(
    "pshim6_path_delay_seconds",
    "gauge",
    "Smoothed round trip of the slowest of those paths that carries contexts.",
    sums.flatMap(({ labels, delay }): Sample[] => (delay === undefined ? [] : [[labels, delay / 1_000]])),
  );
  add(
    "pshim6_path_brown_outs",
    "gauge",
    "Those paths that work too badly to be used while another one is better.",
    sums.map((sum) => [sum.labels, sum.brownOuts]),
  );
}

function sumPaths(rows: readonly PathRow[]): Map<string, PathSums> {
  const weights = new Map<string, number>();
  for (const { peerBox, contexts } of rows) weights.set(peerBox, (weights.get(peerBox) ?? 0) + contexts);
  const shown = new Set(
    [...weights]
      .sort(([, a], [, b]) => b - a)
      .slice(0, PEERS_SHOWN)
      .map(([peer]) => peer),
  );
  const sums = new Map<string, PathSums>();
  for (const row of rows) {
    const peer = shown.has(row.peerBox) ? row.peerBox.slice(0, PEER_DIGITS) : OTHER;
    const provider = row.localProvider ?? "";
    const key = `${provider} ${peer}`;
    const sum: PathSums = sums.get(key) ?? {
      labels: { provider, peer },
      states: { alive: 0, lost: 0, unknown: 0 },
      contexts: 0,
      roundTrip: undefined,
      loss: undefined,
      delay: undefined,
      brownOuts: 0,
    };
    sums.set(key, sum);
    sum.states[row.state]++;
    sum.contexts += row.contexts;
    if (row.brownOut) sum.brownOuts++;
    if (row.contexts > 0) {
      sum.loss = worse(sum.loss, row.loss);
      sum.delay = worse(sum.delay, row.rttMs);
    }
    if (row.state === "alive" && row.rttMs !== null) sum.roundTrip = Math.min(row.rttMs, sum.roundTrip ?? row.rttMs);
  }
  return sums;
}

function worse(known: number | undefined, value: number | null): number | undefined {
  return value === null ? known : Math.max(value, known ?? value);
}

function showLabels(labels: Labels): string {
  const shown = Object.entries(labels).map(([name, value]) => `${name}="${value.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n")}"`);
  return shown.length === 0 ? "" : `{${shown.join(",")}}`;
}
