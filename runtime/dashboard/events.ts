/** What happened, the latest first. */
import { h, type JSX } from "preact";
import type { State } from "./store.ts";

/** Lines shown; the others are a page of their own. */
const SHOWN = 200;

/** The log of events. */
export function Events({ state }: { readonly state: State }): JSX.Element {
  const { events, missed } = state;
  const shown = events.slice(-SHOWN).reverse();
  return h(
    "section",
    { class: "panel events", "aria-labelledby": "events-title" },
    h("h2", { id: "events-title" }, "Events"),
    missed > 0 ? h("p", { class: "note" }, `${missed} earlier ones are forgotten.`) : null,
    shown.length === 0
      ? h("p", { class: "note" }, "Nothing has happened yet.")
      : h(
          "ol",
          { class: "log", tabIndex: 0, "aria-labelledby": "events-title" },
          shown.map(({ id, at, kind, text }) =>
            h(
              "li",
              { key: id, "data-kind": kind },
              h("time", { dateTime: at }, timeOf(at)),
              h("span", { class: `kind ${kind}` }, kind),
              h("span", null, text),
            ),
          ),
        ),
  );
}

function timeOf(at: string): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}
