/** What `pshim6 top` knows: the box's answers, rates out of two of them, and what the person wants to see. Pure. */
import type { FlowsRow, HistoryRow } from "../api/flow-rows.ts";
import type { ContextRow, EventRow, Listing, PathRow, ProviderRow, StatusRow } from "../api/rows.ts";
import type { Millis } from "../value/time.ts";

/** One look at the box. */
export interface TopLook {
  /** Calendar milliseconds. */
  readonly at: Millis;
  readonly status: StatusRow;
  readonly providers: readonly ProviderRow[];
  readonly paths: readonly PathRow[];
  readonly flows: FlowsRow;
  readonly history: HistoryRow;
  /** The first page, by id. */
  readonly contexts: Listing<ContextRow>;
}

/** Octets a second. */
export interface Rate {
  readonly sent: number;
  readonly received: number;
}

/** A context and what it carries now. */
export type RatedContext = ContextRow & { readonly rate: Rate };

/** Rates of contexts, out of their totals at two looks. */
export class Rates {
  #before = new Map<number, { readonly sent: number; readonly received: number; readonly key: string }>();
  #at: Millis | undefined;

  /** The rows with their rates, those with most traffic first; 0 for a context that was not there before. */
  update(rows: readonly ContextRow[], at: Millis): RatedContext[] {
    const seconds = this.#at === undefined ? Number.POSITIVE_INFINITY : Math.max(0.001, (at - this.#at) / 1_000);
    const rated = rows.map((row): RatedContext => {
      const before = this.#before.get(row.id);
      // An id is given anew when its context has gone.
      const same = before?.key === row.localTag ? before : undefined;
      const grown = (now: number, then: number | undefined): number => (then === undefined || now < then ? 0 : (now - then) / seconds);
      return { ...row, rate: { sent: grown(row.sent.octets, same?.sent), received: grown(row.received.octets, same?.received) } };
    });
    this.#before = new Map(rows.map((row) => [row.id, { sent: row.sent.octets, received: row.received.octets, key: row.localTag }]));
    this.#at = at;
    return rated.sort((a, b) => sumOf(b.rate) - sumOf(a.rate) || b.sent.octets - a.sent.octets || a.id - b.id);
  }
}

function sumOf({ sent, received }: Rate): number {
  return sent + received;
}

/** What goes by each provider now. */
export function providerRates({ links }: FlowsRow): ReadonlyMap<string, Rate> {
  const rates = new Map<string, Rate>();
  for (const { provider, sent, received } of links) {
    const before = rates.get(provider ?? "");
    rates.set(provider ?? "", { sent: sent + (before?.sent ?? 0), received: received + (before?.received ?? 0) });
  }
  return rates;
}

/** Samples of a path's past that its loss is of. */
export const LOSS_SAMPLES = 60;

/** Share of the latest samples in which a path was lost, by its id; paths that were never looked at are absent. */
export function lostShares({ paths }: HistoryRow): ReadonlyMap<string, number> {
  return new Map(
    paths.flatMap(({ path, states }) => {
      const known = [...states.slice(-LOSS_SAMPLES)].filter((state) => "abl".includes(state));
      return known.length === 0 ? [] : [[path, known.filter((state) => state === "l").length / known.length] as const];
    }),
  );
}

export const TOP_VIEWS = ["overview", "providers", "contexts", "events"] as const;
export type TopView = (typeof TOP_VIEWS)[number];

/** What the person wants to see. */
export interface TopWish {
  readonly view: TopView;
  /** Only rows with this in them; empty = all. */
  readonly filter: string;
  /** Whether the filter is being typed. */
  readonly typing: boolean;
  /** Rows of the list that are above the screen. */
  readonly scroll: number;
  readonly quit: boolean;
}

export const FIRST_WISH: TopWish = { view: "overview", filter: "", typing: false, scroll: 0, quit: false };
const PAGE = 10;
const FILTER_LENGTH = 64;
const ESCAPE = "\x1b";
const VIEW_KEYS: Readonly<Record<string, TopView>> = { p: "providers", c: "contexts", e: "events", o: "overview", [ESCAPE]: "overview" };
const STEPS: Readonly<Record<string, number>> = {
  [`${ESCAPE}[A`]: -1,
  [`${ESCAPE}[B`]: 1,
  k: -1,
  j: 1,
  [`${ESCAPE}[5~`]: -PAGE,
  [`${ESCAPE}[6~`]: PAGE,
  " ": PAGE,
  [`${ESCAPE}[H`]: Number.NEGATIVE_INFINITY,
  [`${ESCAPE}[F`]: Number.POSITIVE_INFINITY,
};

/** The wish after what the terminal sent for keys; `rows` = rows of the list. */
export function pressed(wish: TopWish, text: string, rows: number): TopWish {
  return keysIn(text).reduce((now, key) => (now.typing ? typed(now, key) : commanded(now, key, rows)), wish);
}

function commanded(wish: TopWish, key: string, rows: number): TopWish {
  if (key === "q" || key === "\x03") return { ...wish, quit: true };
  if (key === "/") return { ...wish, typing: true, filter: "", scroll: 0 };
  const view = VIEW_KEYS[key];
  if (view !== undefined) return { ...wish, view, scroll: 0, filter: key === ESCAPE ? "" : wish.filter };
  const step = STEPS[key];
  return step === undefined ? wish : { ...wish, scroll: Math.max(0, Math.min(Math.max(0, rows - 1), wish.scroll + step)) };
}

function typed(wish: TopWish, key: string): TopWish {
  if (key === "\x03") return { ...wish, quit: true };
  if (key === "\r" || key === "\n") return { ...wish, typing: false };
  if (key === ESCAPE) return { ...wish, typing: false, filter: "" };
  if (key === "\x7f" || key === "\b") return { ...wish, filter: wish.filter.slice(0, -1) };
  const isPlain = key.length === 1 && key >= " ";
  return isPlain && wish.filter.length < FILTER_LENGTH ? { ...wish, filter: wish.filter + key } : wish;
}

/** The keys that stand in what a terminal sent: an escape sequence is one (ECMA-48 §5.4; some send ESC O for ESC [). */
export function keysIn(text: string): string[] {
  const keys: string[] = [];
  for (let at = 0; at < text.length; ) {
    let end = at + 1;
    if (text[at] === ESCAPE && (text[end] === "[" || text[end] === "O") && end + 1 < text.length) {
      end++;
      while (end < text.length && !(text[end] >= "@" && text[end] <= "~")) end++;
      end++;
    }
    keys.push(text.slice(at, end).replace(`${ESCAPE}O`, `${ESCAPE}[`));
    at = end;
  }
  return keys;
}

/** Events that are kept. */
const EVENTS_KEPT = 500;

/** `events` and one more, the oldest gone. */
export function withEvent(events: readonly EventRow[], event: EventRow): EventRow[] {
  return [...events, event].slice(-EVENTS_KEPT);
}
