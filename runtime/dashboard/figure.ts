/** The site's figure, alive: lines as thick as their rate, red and broken where nothing comes through. */
import { h, type JSX } from "preact";
import { type Layout, layOut, middleOf, type Placed, WIDE, wayOf } from "./figure-layout.ts";
import { describe, type FigureLine, figureOf, isCarrying, widthOf } from "./figure-model.ts";
import { shorten, showRate } from "./format.ts";
import { useSize } from "./hooks.ts";
import type { State } from "./store.ts";

/** Pixels of a letter, about: what fits into a node. */
const LETTER = 7.4;
const CROSS = 6;
/** Hosts and peers that a phone has room for. */
const FEW = 3;

/** The figure. */
export function Figure({ state }: { readonly state: State }): JSX.Element {
  const [frame, width] = useSize<HTMLDivElement>();
  const model = figureOf(state, width < WIDE ? FEW : undefined);
  const layout = width === 0 ? undefined : layOut(model, width);
  return h(
    "section",
    { class: "panel figure", "aria-labelledby": "figure-title" },
    h("h2", { id: "figure-title" }, "The site"),
    h("p", { class: "unseen", id: "figure-words" }, describe(model)),
    h("div", { ref: frame, class: "canvas" }, layout === undefined ? null : drawing(layout, model.lines)),
    legend(),
  );
}

function drawing(layout: Layout, lines: readonly FigureLine[]): JSX.Element {
  const { width, height, placed, internet, isWide } = layout;
  return h(
    "svg",
    {
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      "aria-labelledby": "figure-title",
      "aria-describedby": "figure-words",
    },
    h("rect", { class: "internet", ...internet, rx: 12 }),
    h(
      "text",
      {
        class: "internet-name",
        x: internet.x + internet.width / 2,
        y: isWide ? internet.y + 18 : internet.y + internet.height / 2 + 4,
        "text-anchor": "middle",
      },
      "internet",
    ),
    lines.map((line) => lineOf(line, placed.get(line.from), placed.get(line.to), isWide)),
    [...placed.values()].map(nodeOf),
  );
}

function lineOf(line: FigureLine, from: Placed | undefined, to: Placed | undefined, isWide: boolean): JSX.Element | null {
  if (from === undefined || to === undefined) return null;
  const d = wayOf(from, to, isWide);
  const carries = isCarrying(line);
  const { x, y } = middleOf(from, to, isWide);
  return h(
    "g",
    {
      key: `${line.from}>${line.to}`,
      class: `line ${line.health}`,
      "data-line": `${line.from}>${line.to}`,
      "data-health": line.health,
      "data-carries": carries ? "yes" : "no",
    },
    h("path", { class: "wire", d, "stroke-width": line.health === "dead" ? 2 : widthOf(line.rate) }),
    carries ? h("path", { class: "pulse", d, "stroke-width": Math.max(1, widthOf(line.rate) / 2.5) }) : null,
    line.health === "dead" && from.node.health !== "dead"
      ? h("path", {
          class: "cross",
          d: `M${x - CROSS} ${y - CROSS}l${2 * CROSS} ${2 * CROSS}M${x + CROSS} ${y - CROSS}l${-2 * CROSS} ${2 * CROSS}`,
        })
      : null,
  );
}

function nodeOf({ node, x, y, width, height }: Placed): JSX.Element {
  const room = Math.max(4, Math.floor((width - 16) / LETTER));
  const rate = node.sent + node.received;
  const says = rate > 0 && node.health !== "dead" ? `${showRate(rate)}` : node.says;
  const isSplit = node.column === 2 || node.column === 1;
  return h(
    "g",
    { key: node.id, class: `node ${node.health}`, "data-node": node.id, "data-health": node.health },
    h("title", null, `${node.title}: ${node.says}; out ${showRate(node.sent)}, in ${showRate(node.received)}`),
    h("rect", { x, y, width, height, rx: isSplit ? 6 : 14 }),
    h("text", { class: "name", x: x + width / 2, y: y + 19, "text-anchor": "middle" }, shorten(node.title, room)),
    h("text", { class: "says", x: x + width / 2, y: y + 35, "text-anchor": "middle" }, shorten(says, Math.floor(room * 1.15))),
  );
}

const KINDS = [
  ["good", "carries", 4],
  ["good", "rests", 1.5],
  ["poor", "works badly", 2.5],
  ["drained", "drained", 2],
  ["dead", "dead", 2],
] as const;

function legend(): JSX.Element {
  return h(
    "p",
    { class: "legend", "aria-hidden": "true" },
    KINDS.map(([kind, says, width]) =>
      h(
        "span",
        { key: says, class: `line ${kind}`, "data-carries": says === "carries" ? "yes" : "no" },
        h("svg", { width: 28, height: 8 }, h("path", { class: "wire", d: "M1 4h26", "stroke-width": width })),
        says,
      ),
    ),
    h("span", null, "thicker = more traffic"),
  );
}
