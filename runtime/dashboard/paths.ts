/** Paths to other boxes: state, round trip, what they carry, and the last minutes of each. */
import { h, type JSX } from "preact";
import type { PathRow } from "../api/rows.ts";
import { Chart } from "./chart.ts";
import { networkOf, showBox, showMillis } from "./format.ts";
import type { PathPast } from "./past.ts";
import type { State } from "./store.ts";

/** Rows shown: those that carry most. */
const SHOWN = 40;
const WIDTH = 200;
const HEIGHT = 22;
/** Samples in all of it, as many as the box keeps. */
const SAMPLES = 150;
/** Pixels at the foot that show the state. */
const RIBBON = 4;
const ORDER = { lost: 0, alive: 1, unknown: 2 } as const;

/** The paths and how they fared. */
export function Paths({ state }: { readonly state: State }): JSX.Element {
  const { paths, pathsInAll, past, flows } = state;
  const hosts = new Map((flows?.links ?? []).map(({ peerBox, peerUlid }) => [peerBox, peerUlid]));
  const shown = [...paths].sort(byWeight).slice(0, SHOWN);
  const nameOf = ({ provider, peerLocator }: PathPast): string => `${provider ?? "?"} → ${networkOf(peerLocator)}`;
  return h(
    "section",
    { class: "panel paths", "aria-labelledby": "paths-title" },
    h("h2", { id: "paths-title" }, "Paths"),
    h(Chart, { measure: "rttMs", past, nameOf }),
    h(Chart, { measure: "loss", past, nameOf }),
    shown.length === 0
      ? h("p", { class: "note" }, "No peer box is known yet.")
      : h(
          "div",
          { class: "scrolled", tabIndex: 0, role: "region", "aria-labelledby": "paths-title" },
          h(
            "table",
            null,
            h(
              "thead",
              null,
              h(
                "tr",
                null,
                ["peer", "via", "to", "state", "RTT", "loss", "contexts", "last 5 min", "MTU"].map((name) =>
                  h("th", { key: name, scope: "col" }, name),
                ),
              ),
            ),
            h(
              "tbody",
              null,
              shown.map((row) => rowOf(row, hosts.get(row.peerBox) ?? null, past.paths.get(row.id))),
            ),
          ),
        ),
    pathsInAll > shown.length ? h("p", { class: "note" }, `${(pathsInAll - shown.length).toLocaleString("en")} more: /paths`) : null,
  );
}

function byWeight(a: PathRow, b: PathRow): number {
  return b.contexts - a.contexts || ORDER[a.state] - ORDER[b.state] || (a.id < b.id ? -1 : 1);
}

function rowOf(row: PathRow, host: string | null, past: PathPast | undefined): JSX.Element {
  const isPoor = row.brownOut && row.state === "alive";
  const health = isPoor ? "poor" : { alive: "good", lost: "dead", unknown: "idle" }[row.state];
  return h(
    "tr",
    { key: row.id, "data-path": row.id, "data-state": row.state, title: `${row.localLocator} → ${row.peerLocator}` },
    h("th", { scope: "row" }, showBox(row.peerBox, host)),
    h("td", null, row.localProvider ?? "–"),
    h("td", { class: "address" }, networkOf(row.peerLocator)),
    h(
      "td",
      null,
      h("span", { class: `chip ${health}` }, isPoor ? "poor" : row.state),
      row.sinceMs === null ? null : h("span", { class: "since" }, ` ${showMillis(row.sinceMs)}`),
    ),
    h("td", { class: "number" }, showMillis(row.rttMs)),
    h("td", { class: "number" }, row.loss === null ? "–" : `${(100 * row.loss).toFixed(row.loss < 0.1 ? 1 : 0)} %`),
    h("td", { class: "number" }, row.contexts.toLocaleString("en")),
    h("td", null, past === undefined ? null : spark(past)),
    h("td", { class: "number" }, row.mtu ?? "–"),
  );
}

/** Round trips as a line over a ribbon of states. */
function spark({ states, rttMs }: PathPast): JSX.Element {
  const top = Math.max(1, ...rttMs.map((value) => value ?? 0));
  const step = WIDTH / SAMPLES;
  const left = WIDTH - states.length * step;
  const yOf = (value: number): number => 1 + (HEIGHT - RIBBON - 3) * (1 - value / top);
  let d = "";
  let isDown = false;
  rttMs.forEach((value, i) => {
    if (value === null) isDown = false;
    else {
      d += `${isDown ? "L" : "M"}${(left + (i + 0.5) * step).toFixed(1)} ${yOf(value).toFixed(1)}`;
      isDown = true;
    }
  });
  const runs = [...states.matchAll(/(.)\1*/g)].filter(([, letter]) => letter !== "-");
  const lost = [...states].filter((letter) => letter === "l" || letter === "b").length;
  return h(
    "svg",
    {
      class: "spark",
      width: WIDTH,
      height: HEIGHT,
      role: "img",
      "aria-label": `up to ${showMillis(top)}; lost or poor in ${lost} of ${states.length} samples`,
    },
    h("path", { d }),
    runs.map(({ 0: run, 1: letter, index }) =>
      h("rect", {
        key: index,
        class: letter,
        x: (left + index * step).toFixed(1),
        y: HEIGHT - RIBBON,
        width: (run.length * step).toFixed(1),
        height: RIBBON,
      }),
    ),
  );
}
