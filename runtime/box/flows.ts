/** Who sends how much: the core's counters of each context, looked at now and then, as rates by provider, peer box and host. */
import { type FlowsRow, type HostFlow, type LinkFlow, OTHER_BOXES } from "../api/flow-rows.ts";
import type { Address } from "../value/address.ts";
import type { Millis } from "../value/time.ts";

/** A context that carries traffic. */
export interface Flowing {
  readonly id: number;
  /** Ours. */
  readonly host: Address;
  readonly peer: Address;
  readonly peerBox: string | null;
  readonly provider: string | null;
}

/** What a look needs. */
export interface FlowsParts {
  readonly now: () => Millis;
  /** Every one that carries traffic; those that come and go while they are gone through may be left out. */
  readonly contexts: () => Iterable<Flowing>;
  /** Takes a slice of `work` whenever there is nothing else to do. */
  readonly whenIdle: (work: Iterator<unknown>) => void;
  readonly counters: (id: number) => { readonly octetsOut: number; readonly octetsIn: number };
}

/** Between two looks, however often somebody asks. */
export const LOOK_GAP: Millis = 200;
/** A look takes this share of a processor at most: with a million contexts looks are rarer. */
const LOOK_SHARE = 0.05;
/** Contexts looked at in one go: a few milliseconds, in which packets and timers wait. */
export const LOOK_SLICE = 1_000;
/** Rows of their own; the others are summed up. */
export const HOSTS_SHOWN = 8;
export const BOXES_SHOWN = 8;
/** A power of two; grows with the ids that there are. */
const FIRST_IDS = 1_024;

/** Before the first look is done. */
const NOTHING_YET: FlowsRow = {
  spanMs: null,
  links: [],
  boxes: 0,
  hosts: [],
  otherHosts: { hosts: 0, contexts: 0, sent: 0, received: 0 },
};

interface Sums {
  contexts: number;
  sent: number;
  received: number;
}

/** What goes to one peer box, by provider. */
interface BoxFlows {
  /** One of its hosts. */
  readonly host: Address;
  readonly lines: Map<string | null, Sums>;
}

/** Looks at the contexts when it is asked, and remembers their counters for the next time. */
export class Flows {
  readonly #parts: FlowsParts;
  /** Octets out and in by id, two places each, at the look before. */
  #before = new Float64Array(2 * FIRST_IDS);
  #row: FlowsRow | undefined;
  #at: Millis = 0;
  #took: Millis = 0;
  #looking = false;

  constructor(parts: FlowsParts) {
    this.#parts = parts;
  }

  /** The flows since the look before the last; the same row until another look is done. Of many contexts a look takes many slices. */
  look(): FlowsRow {
    const { now, whenIdle } = this.#parts;
    const at = now();
    const isDue = this.#row === undefined || at - this.#at >= Math.max(LOOK_GAP, this.#took / LOOK_SHARE);
    if (isDue && !this.#looking) {
      const sweep = this.#sweep(at);
      this.#looking = sweep.next().done !== true;
      if (this.#looking) whenIdle(sweep);
    }
    return this.#row ?? NOTHING_YET;
  }

  *#sweep(at: Millis): Generator<void> {
    const { now, contexts, counters } = this.#parts;
    // Nobody asked before: what was counted until now is of no known time.
    const span = this.#row === undefined ? null : at - this.#at;
    let begun = at;
    let took: Millis = 0;
    let slice = 0;
    const boxes = new Map<string | null, BoxFlows>();
    const hosts = new Map<Address, Sums>();
    const perSecond = span === null ? 0 : 1_000 / Math.max(1, span);
    for (const { id, host, peer, peerBox, provider } of contexts()) {
      const { octetsOut, octetsIn } = counters(id);
      const sent = this.#grown(2 * id, octetsOut) * perSecond;
      const received = this.#grown(2 * id + 1, octetsIn) * perSecond;
      const box = boxes.get(peerBox) ?? { host: peer, lines: new Map() };
      boxes.set(peerBox, box);
      add(box.lines, provider, sent, received);
      add(hosts, host, sent, received);
      if (++slice < LOOK_SLICE) continue;
      slice = 0;
      took += now() - begun;
      yield;
      begun = now();
    }
    const talkers = [...hosts].sort(byTraffic);
    this.#row = {
      spanMs: span,
      links: linkRows(boxes),
      boxes: boxes.size,
      hosts: talkers.slice(0, HOSTS_SHOWN).map(([ulid, sums]): HostFlow => ({ ulid, ...rounded(sums) })),
      otherHosts: { hosts: Math.max(0, talkers.length - HOSTS_SHOWN), ...rounded(total(talkers.slice(HOSTS_SHOWN))) },
    };
    this.#at = at;
    this.#took = took + now() - begun;
    this.#looking = false;
  }

  /** What came to the counter at `place` since it was looked at; all of it where the id is another context's now. */
  #grown(place: number, value: number): number {
    if (place >= this.#before.length) {
      const more = new Float64Array(2 ** Math.ceil(Math.log2(place + 1)));
      more.set(this.#before);
      this.#before = more;
    }
    const was = this.#before[place];
    this.#before[place] = value;
    return value < was ? value : value - was;
  }
}

function add<Key>(sums: Map<Key, Sums>, key: Key, sent: number, received: number): void {
  const sum = sums.get(key);
  if (sum === undefined) {
    sums.set(key, { contexts: 1, sent, received });
    return;
  }
  sum.contexts++;
  sum.sent += sent;
  sum.received += received;
}

/** The boxes with most contexts have rows of their own: they do not change places with every look. */
function linkRows(boxes: ReadonlyMap<string | null, BoxFlows>): LinkFlow[] {
  const ranked = [...boxes].map(([name, box]) => ({ name, box, contexts: total([...box.lines]).contexts }));
  ranked.sort((a, b) => b.contexts - a.contexts || (a.name ?? "").localeCompare(b.name ?? ""));
  const rows = ranked.slice(0, BOXES_SHOWN).flatMap(({ name, box }) => rowsOf(name, box.host, box.lines));
  const others = new Map<string | null, Sums>();
  for (const { box } of ranked.slice(BOXES_SHOWN)) {
    for (const [provider, { contexts, sent, received }] of box.lines) {
      const sum = others.get(provider) ?? { contexts: 0, sent: 0, received: 0 };
      others.set(provider, { contexts: sum.contexts + contexts, sent: sum.sent + sent, received: sum.received + received });
    }
  }
  return [...rows, ...rowsOf(OTHER_BOXES, null, others)];
}

function rowsOf(peerBox: string | null, peerUlid: Address | null, lines: ReadonlyMap<string | null, Sums>): LinkFlow[] {
  return [...lines].map(([provider, sums]) => ({ provider, peerBox, peerUlid, ...rounded(sums) }));
}

function total(rows: readonly (readonly [unknown, Sums])[]): Sums {
  const sum = { contexts: 0, sent: 0, received: 0 };
  for (const [, { contexts, sent, received }] of rows) {
    sum.contexts += contexts;
    sum.sent += sent;
    sum.received += received;
  }
  return sum;
}

function rounded({ contexts, sent, received }: Sums): Sums {
  return { contexts, sent: Math.round(sent), received: Math.round(received) };
}

function byTraffic([a, x]: readonly [string, Sums], [b, y]: readonly [string, Sums]): number {
  return y.sent + y.received - (x.sent + x.received) || y.contexts - x.contexts || (a < b ? -1 : 1);
}
