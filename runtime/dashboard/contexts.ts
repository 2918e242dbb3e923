/** All contexts, of which only those are made that are seen: the box filters and counts, the page asks for the rows at hand. */
import { h, type JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { ContextRow, Listing } from "../api/rows.ts";
import { Refused } from "./client.ts";
import { ContextDialog } from "./context-dialog.ts";
import { showCount, showMillis } from "./format.ts";
import { useSize } from "./hooks.ts";
import { readSearch } from "./search.ts";
import type { State, Store } from "./store.ts";
import { scrollTo, seenRows } from "./window.ts";

/** Pixels, as the style sheet has it. */
const ROW = 28;
/** Milliseconds in which a scroll or a word may go on before the box is asked. */
const SETTLE = 60;
const PAGE = 12;
/** Rows that there is room for, whatever there is. */
const LEAST_ROWS = 4;

interface Column {
  readonly name: string;
  readonly class: string;
  readonly show: (row: ContextRow, names: ReadonlyMap<string, string>) => string;
}

const COLUMNS: readonly Column[] = [
  { name: "host", class: "address", show: ({ localUlid }, names) => names.get(localUlid) ?? localUlid },
  { name: "peer", class: "address", show: ({ peerUlid }) => peerUlid },
  { name: "state", class: "state", show: ({ state, reap }) => reap ?? state },
  { name: "via", class: "via", show: ({ localProvider }) => localProvider ?? "–" },
  { name: "local locator", class: "address far", show: ({ localLocator }) => localLocator },
  { name: "peer locator", class: "address far", show: ({ peerLocator }) => peerLocator },
  { name: "out", class: "number near", show: ({ sent }) => `${showCount(sent.octets)}B` },
  { name: "in", class: "number near", show: ({ received }) => `${showCount(received.octets)}B` },
  { name: "heard", class: "number near", show: ({ lastReceivedMs }) => showMillis(lastReceivedMs) },
  { name: "age", class: "number near", show: ({ ageMs }) => showMillis(ageMs) },
];

/** What the box said of a piece of the list. */
interface Piece {
  readonly query: string;
  readonly first: number;
  readonly rows: readonly ContextRow[];
  readonly total: number;
}

const EMPTY: Piece = { query: "", first: 0, rows: [], total: 0 };

/** The list with its search box. */
export function Contexts({ store, state }: { readonly store: Store; readonly state: State }): JSX.Element {
  const [text, setText] = useState("");
  const [scrolled, setScrolled] = useState(0);
  const [active, setActive] = useState(-1);
  const [opened, setOpened] = useState<ContextRow | undefined>();
  const [frame, , whole] = useSize<HTMLDivElement>();
  // The names of the columns stay at the top.
  const height = Math.max(0, whole - ROW);
  const hosts = new Map([...state.names].map(([ulid, name]) => [name, ulid]));
  const search = readSearch(text, { providers: state.providers.map(({ name }) => name), hosts });
  const query = new URLSearchParams(search.query).toString();
  const [piece, trouble] = usePiece(store, query, state.round, scrolled, height, search.unknown.length === 0);
  const { total } = piece;
  const seen = seenRows(total, ROW, scrolled, height);
  const search$ = useRef<HTMLInputElement>(null);
  useSlash(search$);

  const go = (index: number): void => {
    const next = Math.min(total - 1, Math.max(0, index));
    setActive(next);
    if (frame.current !== null) frame.current.scrollTop = scrollTo(next, total, ROW, frame.current.scrollTop, height);
  };
  const find = (words: string): void => {
    setText(words);
    setActive(-1);
    if (frame.current !== null) frame.current.scrollTop = 0;
  };
  const onKey = (event: KeyboardEvent): void => {
    const step = { ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + PAGE, PageUp: active - PAGE, Home: 0, End: total - 1 }[
      event.key
    ];
    const row = piece.rows[active - piece.first];
    if (step !== undefined) go(step);
    else if (event.key === "Enter" && row !== undefined) setOpened(row);
    else return;
    event.preventDefault();
  };

  return h(
    "section",
    { class: "panel contexts", id: "contexts", "aria-labelledby": "contexts-title" },
    h(
      "div",
      { class: "panel-head" },
      h("h2", { id: "contexts-title" }, "Contexts"),
      h("input", {
        ref: search$,
        type: "search",
        "aria-label": "Search contexts: an identifier, a host's name, a provider or a state",
        placeholder: "identifier, host, provider or state  ( / )",
        spellcheck: false,
        value: text,
        onInput: (event: Event) => find(event.currentTarget instanceof HTMLInputElement ? event.currentTarget.value : ""),
        onKeyDown: (event: KeyboardEvent) => {
          if (event.key === "Escape") find("");
          if (event.key === "ArrowDown") frame.current?.focus();
        },
      }),
      h(
        "span",
        { class: "note", role: "status", "data-total": piece.query === query ? total : "" },
        countOf(piece, search.unknown, query, trouble),
      ),
    ),
    h(
      "div",
      {
        ref: frame,
        class: "grid",
        role: "grid",
        tabIndex: 0,
        style: { height: `calc(${ROW * (1 + Math.max(LEAST_ROWS, total))}px + 2px)` },
        "aria-label": "Contexts; arrow keys choose one, Enter opens it",
        "aria-rowcount": total + 1,
        "aria-colcount": COLUMNS.length,
        "aria-activedescendant": active < seen.first || active >= seen.first + seen.count ? undefined : `context-row-${active}`,
        onScroll: (event: Event) => event.currentTarget instanceof HTMLElement && setScrolled(event.currentTarget.scrollTop),
        onKeyDown: onKey,
      },
      h(
        "div",
        { class: "grid-row head", role: "row", "aria-rowindex": 1 },
        COLUMNS.map((column) => h("span", { key: column.name, role: "columnheader", class: column.class }, column.name)),
      ),
      h(
        "div",
        { class: "grid-all", role: "rowgroup", style: { height: `${seen.height}px` } },
        h(
          "div",
          { class: "grid-seen", role: "presentation", style: { transform: `translateY(${seen.top}px)` } },
          Array.from({ length: seen.count }, (_, i) => {
            const index = seen.first + i;
            const row = piece.rows[index - piece.first];
            return h(Row, { key: index, index, row, isActive: index === active, names: state.names, open: setOpened, choose: setActive });
          }),
        ),
      ),
    ),
    opened === undefined ? null : h(ContextDialog, { store, row: opened, names: state.names, close: () => setOpened(undefined) }),
  );
}

function countOf({ total, query: told }: Piece, unknown: readonly string[], query: string, trouble: string | undefined): string {
  if (unknown.length > 0) return `“${unknown.join(" ")}” is no identifier, host, provider or state`;
  if (trouble !== undefined) return trouble;
  if (told !== query) return "…";
  const count = total.toLocaleString("en");
  return query === "" ? `${count} ${total === 1 ? "context" : "contexts"}` : `${count} ${total === 1 ? "matches" : "match"}`;
}

interface RowProps {
  readonly index: number;
  readonly row: ContextRow | undefined;
  readonly isActive: boolean;
  readonly names: ReadonlyMap<string, string>;
  readonly open: (row: ContextRow) => void;
  readonly choose: (index: number) => void;
}

function Row({ index, row, isActive, names, open, choose }: RowProps): JSX.Element {
  const state = row === undefined ? "" : row.reap === "Operational" ? "good" : row.reap === null ? "idle" : "drained";
  return h(
    "div",
    {
      class: `grid-row${isActive ? " active" : ""}`,
      role: "row",
      id: `context-row-${index}`,
      "aria-rowindex": index + 2,
      "aria-selected": isActive,
      "data-context": row?.id,
      onClick: () => {
        choose(index);
        if (row !== undefined) open(row);
      },
    },
    COLUMNS.map((column) => {
      const shown = row === undefined ? "…" : column.show(row, names);
      return h(
        "span",
        { key: column.name, role: "gridcell", class: column.name === "state" ? `${column.class} ${state}` : column.class, title: shown },
        shown,
      );
    }),
  );
}

/** The rows that are seen, asked for when they change and with every round. */
function usePiece(
  store: Store,
  query: string,
  round: number,
  scrolled: number,
  height: number,
  isFine: boolean,
): [piece: Piece, trouble: string | undefined] {
  const [piece, setPiece] = useState<Piece>(EMPTY);
  const [trouble, setTrouble] = useState<string | undefined>();
  const total = piece.query === query ? piece.total : 0;
  const { first, count } = seenRows(Math.max(total, 1), ROW, scrolled, height);
  const limit = Math.max(count, Math.ceil(height / ROW) + 1);
  useEffect(() => {
    if (round === 0 || height === 0 || !isFine) return;
    const ended = new AbortController();
    const ask = async (): Promise<void> => {
      const words = [query, `skip=${first}`, `limit=${limit}`].filter((word) => word !== "").join("&");
      try {
        const { items, total: all } = await store.client.get<Listing<ContextRow>>(`contexts?${words}`, ended.signal);
        if (ended.signal.aborted) return;
        setPiece({ query, first, rows: items, total: all });
        setTrouble(undefined);
      } catch (error) {
        if (ended.signal.aborted) return;
        if (!(error instanceof Refused)) throw error;
        setTrouble(error.message);
      }
    };
    const timer = setTimeout(() => void ask(), SETTLE);
    return () => {
      clearTimeout(timer);
      ended.abort();
    };
  }, [query, first, limit, round, isFine]);
  return [piece, trouble];
}

/** The key "/" leads to the search box from wherever nothing is written. */
function useSlash(target: { readonly current: HTMLInputElement | null }): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const isWriting = event.target instanceof HTMLInputElement || document.querySelector("dialog[open]") !== null;
      if (event.key !== "/" || isWriting || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      target.current?.focus();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
}
