/** What a drill comes to: flows before and after the break, contexts at its end, and what was lost. Pure. */
import { DRILL_CLASSES, type DrillClassRow, type DrillRow } from "../api/drill-rows.ts";
import type { Address } from "../value/address.ts";
import type { Millis } from "../value/time.ts";
import type { NotedFlow } from "./drill-table.ts";

/** A context that sent by the provider when it broke. */
export interface DrillContext {
  readonly id: number;
  readonly local: Address;
  readonly peer: Address;
}

/** How such a context is at the end of the break. */
export type DrillEnd = "moved" | "stays" | "explores" | "gone";

/** Everything that was seen. */
export interface DrillFindings {
  readonly affected: readonly DrillContext[];
  /** Before the break: packets that came to hosts, and packets of hosts. */
  readonly heardBefore: readonly NotedFlow[];
  readonly saidBefore: readonly NotedFlow[];
  /** During the break; `ago` counts from `readAt`. */
  readonly heard: readonly NotedFlow[];
  readonly said: readonly NotedFlow[];
  readonly readAt: Millis;
  readonly brokenAt: Millis;
  readonly losses: ReadonlyMap<string, { readonly packets: number; readonly octets: number }>;
  readonly endOf: (context: DrillContext) => DrillEnd;
}

/** The part of the row that findings make. */
export type DrillVerdict = Pick<DrillRow, "contexts" | "classes" | "failed" | "failures" | "survived">;

const FAILED_SHOWN = 100;
const NOTHING = { packets: 0, octets: 0 };
const WHY: Readonly<Record<Exclude<DrillEnd, "moved">, string>> = {
  stays: "it still sends by the dead provider",
  explores: "it found no other way",
  gone: "it is gone",
};

/** Judges. */
export function drillVerdict(found: DrillFindings): DrillVerdict {
  const pairs = new Set(found.affected.map(({ local, peer }) => pairOf(local, peer)));
  const flows = flowsOf(found, pairs);
  const byPair = Map.groupBy(flows, ({ pair }) => pair);
  const active = found.affected.filter(({ local, peer }) => byPair.has(pairOf(local, peer)));
  const ends = active.map((context) => ({ context, end: found.endOf(context) }));
  const failed = ends.flatMap(({ context, end }) => {
    const why = whyFailed(end, byPair.get(pairOf(context.local, context.peer)) ?? []);
    return why === undefined ? [] : [{ id: context.id, localUlid: context.local, peerUlid: context.peer, why }];
  });
  return {
    contexts: { affected: found.affected.length, active: active.length, moved: ends.filter(({ end }) => end === "moved").length },
    classes: [...DRILL_CLASSES, "shim6" as const].flatMap((kind) => classRow(kind, flows, found.losses)),
    failed: failed.slice(0, FAILED_SHOWN),
    failures: failed.length,
    survived: failed.length === 0,
  };
}

/** A pair of hosts with one kind of traffic. */
interface Flow {
  readonly pair: string;
  readonly kind: NotedFlow["kind"];
  readonly heardBefore: boolean;
  /** Since the break; `undefined` = not again. */
  readonly heardAfter: Millis | undefined;
  readonly saidAfter: boolean;
}

function flowsOf(found: DrillFindings, pairs: ReadonlySet<string>): Flow[] {
  const keyOf = (pair: string, kind: string): string => `${pair} ${kind}`;
  const keysIn = (flows: readonly NotedFlow[]) =>
    new Map(flows.map((flow) => [keyOf(pairOf(flow.destination, flow.source), flow.kind), flow]));
  const keysOut = (flows: readonly NotedFlow[]) =>
    new Map(flows.map((flow) => [keyOf(pairOf(flow.source, flow.destination), flow.kind), flow]));
  const [heardBefore, saidBefore] = [keysIn(found.heardBefore), keysOut(found.saidBefore)];
  const [heard, said] = [keysIn(found.heard), keysOut(found.said)];
  return [...new Set([...heardBefore.keys(), ...saidBefore.keys()])].flatMap((key) => {
    const [local, peer, kind] = key.split(" ");
    const pair = `${local} ${peer}`;
    if (!pairs.has(pair)) return [];
    const again = heard.get(key);
    return [
      {
        pair,
        kind: kind as NotedFlow["kind"],
        heardBefore: heardBefore.has(key),
        heardAfter: again === undefined ? undefined : Math.max(0, Math.round(found.readAt - again.ago - found.brokenAt)),
        saidAfter: said.has(key),
      },
    ];
  });
}

/** A pair whose traffic has ended by itself proves nothing; one that asks on and is not answered does. */
function whyFailed(end: DrillEnd, flows: readonly Flow[]): string | undefined {
  if (flows.some(({ heardAfter }) => heardAfter !== undefined)) return undefined;
  if (!flows.some(({ saidAfter }) => saidAfter)) return undefined;
  if (end !== "moved") return WHY[end];
  return flows.some(({ heardBefore, saidAfter }) => heardBefore && saidAfter) ? "it moved, and no answer came" : undefined;
}

function classRow(kind: DrillClassRow["class"], flows: readonly Flow[], losses: DrillFindings["losses"]): DrillClassRow[] {
  const mine = flows.filter((flow) => flow.kind === kind && flow.heardBefore);
  const times = mine.flatMap(({ heardAfter }) => heardAfter ?? []).sort((a, b) => a - b);
  const lostOut = losses.get(`out-${kind}`) ?? NOTHING;
  const lostIn = losses.get(`in-${kind}`) ?? NOTHING;
  if (mine.length + lostOut.packets + lostIn.packets === 0) return [];
  const silent = mine.filter(({ heardAfter, saidAfter }) => heardAfter === undefined && saidAfter).length;
  const quantile = (share: number): number | null => (times.length === 0 ? null : times[Math.ceil(share * times.length) - 1]);
  return [
    {
      class: kind,
      flows: mine.length,
      back: times.length,
      silent,
      medianMs: quantile(0.5),
      p95Ms: quantile(0.95),
      maxMs: quantile(1),
      lostOut,
      lostIn,
    },
  ];
}

function pairOf(local: Address, peer: Address): string {
  return `${local} ${peer}`;
}
