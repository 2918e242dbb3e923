/** `pshim6 top` as lines of a screen. Pure: state in, lines out. */
import type { EventRow, PathRow, ProviderRow } from "../api/rows.ts";
import { CONTEXTS, EVENTS, PATHS, PROVIDERS } from "./columns.ts";
import { type Column, fit, flat, showCount, showMillis, showTable, tinted } from "./table.ts";
import { lostShares, providerRates, type Rate, type RatedContext, type TopLook, type TopWish } from "./top-state.ts";

/** Everything that is shown. */
export interface TopPicture {
  /** Absent = the box has not answered yet. */
  readonly look: TopLook | undefined;
  readonly contexts: readonly RatedContext[];
  readonly events: readonly EventRow[];
  /** Why the box does not answer at the moment. */
  readonly trouble: string | undefined;
  readonly wish: TopWish;
}

/** The screen. */
export interface TopScreen {
  readonly columns: number;
  readonly rows: number;
  readonly coloured: boolean;
}

/** A titled list of the screen. */
interface List {
  /** Title line and rows. */
  readonly lines: readonly string[];
  readonly rows: number;
}

const NO_RATE: Rate = { sent: 0, received: 0 };
const BITS = 8;

/** Bits a second. */
function showRate(octets: number): string {
  return showCount(Math.round(octets * BITS));
}

function rateColumns<Row>(rateOf: (row: Row) => Rate): Column<Row>[] {
  return [
    { title: "out bit/s", cell: (row) => showRate(rateOf(row).sent), right: true },
    { title: "in bit/s", cell: (row) => showRate(rateOf(row).received), right: true },
  ];
}

const HIDDEN = new Set(["octets", "tags", "fork", "gateway", "packets", "out", "in"]);
const isShown = ({ title }: { readonly title: string }): boolean => !HIDDEN.has(title);

/** Rows of the list that arrows move in, as the filter leaves them. */
export function listLength(picture: TopPicture): number {
  const { view } = picture.wish;
  if (view === "events") return eventsShown(picture).length;
  if (view === "providers")
    return picture.look === undefined ? 0 : filtered(pathColumns(picture.look), picture.look.paths, picture.wish).length;
  return filtered(CONTEXT_COLUMNS, picture.contexts, picture.wish).length;
}

/** Exactly as many lines as the screen has, none wider than it. */
export function topLines(picture: TopPicture, screen: TopScreen): string[] {
  const { columns, rows } = screen;
  const { look, trouble } = picture;
  const head = [headOf(picture, screen), keysLine(picture, screen)];
  const foot = fit(trouble === undefined ? lastEvent(picture) : flat(trouble), columns);
  const room = Math.max(0, rows - head.length - 1);
  const body = look === undefined ? [] : bodyOf(picture, look, room, screen);
  const filled = [...body.slice(0, room), ...Array.from({ length: Math.max(0, room - body.length) }, () => "")];
  const tone = trouble === undefined ? "faint" : "bad";
  return [...head, ...filled, screen.coloured ? tinted(foot, tone) : foot].slice(0, rows);
}

function headOf({ look }: TopPicture, { columns, coloured }: TopScreen): string {
  if (look === undefined) return fit("pshim6", columns);
  const { status, flows, at } = look;
  const sum = [...providerRates(flows).values()].reduce(
    (all, { sent, received }) => ({ sent: all.sent + sent, received: all.received + received }),
    NO_RATE,
  );
  const words = [
    `pshim6 ${flat(status.site)}`,
    `${new Date(at).toISOString().slice(11, 19)} UTC`,
    `up ${showMillis(status.uptimeMs)}`,
    `contexts ${status.contexts} of ${status.contextLimit}`,
    `out ${showRate(sum.sent)}bit/s`,
    `in ${showRate(sum.received)}bit/s`,
    `${flat(status.version)} on ${flat(status.runtime)}`,
  ];
  const line = fit(words.join("  "), columns);
  return coloured ? tinted(line, "title") : line;
}

function keysLine({ wish }: TopPicture, { columns }: TopScreen): string {
  if (wish.typing) return fit(`filter: ${wish.filter}_`, columns);
  const mark = (key: string, name: string): string => (wish.view === name ? `[${key} ${name}]` : `${key} ${name}`);
  const filter = wish.filter === "" ? "/ filter" : `/ filter: ${wish.filter}`;
  const views = [mark("o", "overview"), mark("p", "providers"), mark("c", "contexts"), mark("e", "events")];
  return fit([...views, filter, "q quit"].join("  "), columns);
}

function bodyOf(picture: TopPicture, look: TopLook, room: number, screen: TopScreen): string[] {
  const { wish, contexts } = picture;
  const providers = () => listOf(providerColumns(look), look.providers, "no providers", { ...wish, filter: "" }, screen);
  const paths = () => listOf(pathColumns(look), look.paths, "no paths", wish, screen);
  const flowing = () => listOf(CONTEXT_COLUMNS, contexts, "no contexts", wish, screen);
  switch (wish.view) {
    case "events":
      return cut(listOf(EVENTS, eventsShown(picture), "no events", { ...wish, filter: "" }, screen), room, wish.scroll);
    case "providers": {
      const above = cut(providers(), room, 0);
      return [...above, "", ...cut(paths(), room - above.length - 1, wish.scroll)];
    }
    case "contexts":
      return withRest(look, cut(flowing(), room - 1, wish.scroll));
    case "overview": {
      const above = cut(providers(), Math.max(3, Math.floor(room / 4)), 0);
      const middle = cut(paths(), Math.max(3, Math.floor(room / 3)), 0);
      const rest = room - above.length - middle.length - 3;
      return [...above, "", ...middle, "", ...withRest(look, cut(flowing(), rest, wish.scroll))];
    }
  }
}

/** What a first page does not hold has no rates. */
function withRest({ contexts }: TopLook, lines: string[]): string[] {
  const more = contexts.total - contexts.items.length;
  return more > 0 ? [...lines, `${more} contexts more are not looked at`] : lines;
}

function listOf<Row>(columns: readonly Column<Row>[], rows: readonly Row[], empty: string, wish: TopWish, screen: TopScreen): List {
  const wanted = filtered(columns, rows, wish);
  if (wanted.length === 0)
    return { lines: [fit(wish.filter === "" || rows.length === 0 ? empty : `${empty} like that`, screen.columns)], rows: 0 };
  const lines = showTable(columns, wanted, screen.columns, screen.coloured).trimEnd().split("\n");
  return { lines, rows: wanted.length };
}

/** Rows in which the filter occurs. */
function filtered<Row>(columns: readonly Column<Row>[], rows: readonly Row[], { filter }: TopWish): Row[] {
  const wanted = filter.toLowerCase();
  return rows.filter((row) => wanted === "" || columns.some(({ cell }) => cell(row).toLowerCase().includes(wanted)));
}

/** The title, and the rows from `scroll` on, `room` lines together. */
function cut({ lines: [title, ...rows] }: List, room: number, scroll: number): string[] {
  if (room <= 0) return [];
  const from = Math.max(0, Math.min(scroll, rows.length - (room - 1)));
  return [title, ...rows.slice(from, from + room - 1)];
}

function providerColumns({ flows }: TopLook): Column<ProviderRow>[] {
  const rates = providerRates(flows);
  return [...PROVIDERS.filter(isShown), ...rateColumns((row: ProviderRow) => rates.get(row.name) ?? NO_RATE)];
}

function pathColumns({ history }: TopLook): Column<PathRow>[] {
  const lost = lostShares(history);
  const share: Column<PathRow> = {
    title: "down",
    cell: ({ id }) => {
      const value = lost.get(id);
      return value === undefined ? "-" : `${Math.round(100 * value)} %`;
    },
    right: true,
    tone: ({ id }) => ((lost.get(id) ?? 0) > 0 ? "warn" : undefined),
    spare: 1,
  };
  const at = PATHS.findIndex(({ title }) => title === "rtt") + 1;
  return [...PATHS.slice(0, at), share, ...PATHS.slice(at)];
}

const CONTEXT_COLUMNS: readonly Column<RatedContext>[] = [...CONTEXTS.filter(isShown), ...rateColumns(({ rate }: RatedContext) => rate)];

/** Newest first. */
function eventsShown({ events, wish }: TopPicture): EventRow[] {
  return filtered(EVENTS, events, wish).reverse();
}

function lastEvent({ events }: TopPicture): string {
  const event = events.at(-1);
  return event === undefined ? "" : `${event.at.slice(11, 19)} ${flat(event.kind)}: ${flat(event.text)}`;
}
