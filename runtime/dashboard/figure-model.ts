/** The site as a figure: hosts, the box, providers, peer boxes, and the lines between them. */
import type { FlowsRow, LinkFlow } from "../api/flow-rows.ts";
import type { PathRow, ProviderRow, StatusRow } from "../api/rows.ts";
import { shorten, showBox, showMillis } from "./format.ts";

/** What a node or a line is like. `dead` = nothing comes through; `poor` = too little of it; `idle` = it may live, nobody knows. */
export type Health = "good" | "poor" | "dead" | "drained" | "waiting" | "idle";

/** A thing in the figure. */
export interface FigureNode {
  readonly id: string;
  readonly column: 0 | 1 | 2 | 3;
  readonly title: string;
  readonly health: Health;
  /** In words. */
  readonly says: string;
  /** Octets a second, both ways. */
  readonly sent: number;
  readonly received: number;
}

/** A line between two nodes. */
export interface FigureLine {
  readonly from: string;
  readonly to: string;
  readonly health: Health;
  readonly contexts: number;
  /** Octets a second, both ways together. */
  readonly rate: number;
}

/** The whole figure. */
export interface FigureModel {
  readonly nodes: readonly FigureNode[];
  readonly lines: readonly FigureLine[];
}

/** What the figure is made of. */
export interface FigureParts {
  readonly status: StatusRow | undefined;
  readonly providers: readonly ProviderRow[];
  readonly paths: readonly PathRow[];
  readonly flows: FlowsRow | undefined;
  /** Names of hosts, by identifier. */
  readonly names: ReadonlyMap<string, string>;
}

export const BOX = "box";
const OTHERS = "others";
/** Peer boxes drawn at most beside the sum of the others; each has a row of its own in the box's answer, or a path. */
const BOXES = 8;

/** The figure of what the box said, with at most `most` hosts and peer boxes beside the sums of the others. */
export function figureOf(said: FigureParts, most = BOXES): FigureModel {
  const parts = folded(said, most);
  const { status, providers, paths, flows } = parts;
  const links = flows?.links ?? [];
  const hosts = hostNodes(parts);
  const boxes = boxNodes(links, paths, flows?.boxes ?? 0);
  const carriers = providers.map((row) => providerNode(row, paths, links));
  const all = sumOf(links);
  const box: FigureNode = {
    id: BOX,
    column: 1,
    title: status?.site ?? "box",
    health: "good",
    says: status === undefined ? "" : `${status.contexts} ${status.contexts === 1 ? "context" : "contexts"}`,
    sent: all.sent,
    received: all.received,
  };
  const lines: FigureLine[] = hosts.map((host) => ({
    from: host.id,
    to: BOX,
    health: "good",
    contexts: 0,
    rate: host.sent + host.received,
  }));
  for (const [i, node] of carriers.entries()) {
    const { contexts, sent, received } = sumOf(links.filter(({ provider }) => provider === providers[i].name));
    lines.push({ from: BOX, to: node.id, health: node.health, contexts, rate: sent + received });
    for (const peer of boxes) {
      const line = farLine(node, providers[i], peer.id, paths, links);
      if (line !== undefined) lines.push(line);
    }
  }
  return { nodes: [...hosts, box, ...carriers, ...boxes], lines };
}

/** What is beyond `most` hosts and boxes as part of the others. */
function folded(parts: FigureParts, most: number): FigureParts {
  const { flows, paths } = parts;
  if (flows === undefined) return parts;
  const kept = new Set([...flows.links.map(({ peerBox }) => peerBox), ...paths.map(({ peerBox }) => peerBox)].filter(isNamed));
  for (const box of [...kept].slice(most)) kept.delete(box);
  const rest = flows.hosts.slice(most);
  const more = sumOf([flows.otherHosts, ...rest]);
  return {
    ...parts,
    paths: paths.filter(({ peerBox }) => kept.has(peerBox)),
    flows: {
      ...flows,
      hosts: flows.hosts.slice(0, most),
      otherHosts: { ...more, hosts: flows.otherHosts.hosts + rest.length },
      links: flows.links.map((link) => (kept.has(link.peerBox) ? link : { ...link, peerBox: OTHERS, peerUlid: null })),
    },
  };
}

function isNamed(box: string | null): boolean {
  return box !== OTHERS;
}

function hostNodes({ flows, names }: FigureParts): FigureNode[] {
  const nodes = (flows?.hosts ?? []).map(
    ({ ulid, contexts, sent, received }): FigureNode => ({
      id: `host ${ulid}`,
      column: 0,
      title: names.get(ulid) ?? shorten(ulid, 20),
      health: "good",
      says: peersOf(contexts),
      sent,
      received,
    }),
  );
  const others = flows?.otherHosts;
  if (others !== undefined && others.hosts > 0)
    nodes.push({
      ...others,
      id: `host ${OTHERS}`,
      column: 0,
      title: `${others.hosts} others`,
      health: "good",
      says: peersOf(others.contexts),
    });
  return nodes;
}

function peersOf(contexts: number): string {
  return `${contexts} ${contexts === 1 ? "peer" : "peers"}`;
}

function providerNode(row: ProviderRow, paths: readonly PathRow[], links: readonly LinkFlow[]): FigureNode {
  const { sent, received, contexts } = sumOf(links.filter(({ provider }) => provider === row.name));
  const [health, says] = healthOf(row, paths);
  const carried = `${contexts} ${contexts === 1 ? "context" : "contexts"}`;
  return { id: `provider ${row.name}`, column: 2, title: row.name, health, says: says ?? carried, sent, received };
}

/** A provider whose line is up is as good as dead when no path by it lives. */
export function healthOf(row: ProviderRow, paths: readonly PathRow[]): [health: Health, says: string | undefined] {
  if (row.state === "waiting") return ["waiting", "no prefix yet"];
  if (row.state === "down") return ["dead", "line is down"];
  if (row.broken) return ["dead", "taken for dead"];
  const own = paths.filter(({ localProvider }) => localProvider === row.name);
  const lost = own.filter(({ state }) => state === "lost");
  if (lost.length > 0 && !own.some(({ state }) => state === "alive")) {
    // Nobody tries a dead path again as long as another one does: after a while this is news of yesterday.
    const since = Math.min(...lost.map(({ sinceMs }) => sinceMs ?? 0));
    return ["dead", since < FRESH ? "no path lives" : `lost ${showMillis(since)} ago`];
  }
  const alive = own.filter(({ state }) => state === "alive");
  if (!row.drained && alive.length > 0 && alive.every(({ brownOut }) => brownOut)) return ["poor", "works badly"];
  return row.drained ? ["drained", "drained"] : ["good", row.preferred ? "preferred" : undefined];
}

/** Milliseconds for which a loss is told as one of now. */
const FRESH = 10_000;

function boxNodes(links: readonly LinkFlow[], paths: readonly PathRow[], boxes: number): FigureNode[] {
  const ids = new Set([...links.map(({ peerBox }) => peerBox), ...paths.map(({ peerBox }) => peerBox)]);
  const shown = [...ids].filter(isNamed);
  const rest = Math.max(0, boxes - shown.length);
  return [...shown, ...(ids.has(OTHERS) ? [OTHERS] : [])].map((peerBox) => {
    const own = links.filter((link) => link.peerBox === peerBox);
    const { contexts, sent, received } = sumOf(own);
    const host = own.find(({ peerUlid }) => peerUlid !== null)?.peerUlid ?? null;
    return {
      id: `peer ${peerBox ?? ""}`,
      column: 3,
      title: peerBox === OTHERS ? `${rest} other sites` : showBox(peerBox, host),
      health: "good",
      says: `${contexts} ${contexts === 1 ? "context" : "contexts"}`,
      sent,
      received,
    };
  });
}

function farLine(
  node: FigureNode,
  { name, state, broken }: ProviderRow,
  to: string,
  paths: readonly PathRow[],
  links: readonly LinkFlow[],
): FigureLine | undefined {
  const isOurs = (row: { readonly peerBox: string | null }): boolean => `peer ${row.peerBox ?? ""}` === to;
  const own = paths.filter((path) => path.localProvider === name && isOurs(path));
  const carried = links.filter((link) => link.provider === name && isOurs(link));
  if (own.length + carried.length === 0) return undefined;
  const { contexts, sent, received } = sumOf(carried);
  const alive = own.filter((path) => path.state === "alive");
  const isAlive = alive.length > 0;
  const isPoor = isAlive && alive.every((path) => path.brownOut);
  const isLost = state === "down" || broken || (!isAlive && own.some((path) => path.state === "lost"));
  // Peers of another kind have no paths here: what flows tells that they live.
  const health = isLost ? "dead" : node.health === "drained" ? "drained" : isPoor ? "poor" : isAlive || contexts > 0 ? "good" : "idle";
  return { from: node.id, to, health, contexts, rate: sent + received };
}

function sumOf(rows: readonly { readonly contexts: number; readonly sent: number; readonly received: number }[]) {
  const sum = { contexts: 0, sent: 0, received: 0 };
  for (const row of rows) {
    sum.contexts += row.contexts;
    sum.sent += row.sent;
    sum.received += row.received;
  }
  return sum;
}

/** Octets a second below which a line is drawn as resting. */
const RESTING = 50;

/** Whether data goes there now. */
export function isCarrying({ health, rate }: Pick<FigureLine, "health" | "rate">): boolean {
  return health !== "dead" && rate >= RESTING;
}

/** Pixels of a line: a step for each tenth of the rate. */
export function widthOf(rate: number): number {
  return rate < RESTING ? 1.25 : Math.min(11, 1.5 + 1.5 * Math.log10(1 + rate / 1_000));
}

/** The figure in words. */
export function describe({ nodes }: FigureModel): string {
  return nodes
    .filter(({ column }) => column === 2)
    .map(({ title, health, says }) => `${title}: ${health === "good" ? `in use, ${says}` : says}`)
    .join("; ");
}
