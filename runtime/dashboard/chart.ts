/** Round trips and loss over the last minutes, by uPlot: one line a path. */
import { h, type JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { useSize } from "./hooks.ts";
import type { Past, PathPast } from "./past.ts";

/** Lines drawn. More cannot be told apart. */
const LINES = 6;
const HEIGHTS = { rttMs: 150, loss: 110 } as const;
const NAMES = { rttMs: "Round trips", loss: "Loss" } as const;
/** Seconds shown. */
const SPAN = 300;
/** Share at the top of a chart of little loss. */
const LEAST_LOSS = 0.05;
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 5], [1, 5]];

/** What a chart shows. */
type Measure = keyof typeof HEIGHTS;

/** The chart of `measure`; nothing of loss as long as there is none. */
export function Chart(props: {
  readonly measure: Measure;
  readonly past: Past;
  readonly nameOf: (path: PathPast) => string;
}): JSX.Element | null {
  const { measure, past, nameOf } = props;
  const [frame, width] = useSize<HTMLDivElement>();
  const chart = useRef<uPlot | undefined>(undefined);
  const theme = useTheme();
  const drawn = [...past.paths.values()]
    .filter((path) => path[measure].some((value) => value !== null && (measure === "rttMs" || value > 0)))
    .slice(0, LINES);
  const names = drawn.map(nameOf).join("\n");
  useEffect(() => {
    if (frame.current === null || width === 0 || names === "") return;
    const made = new uPlot(optionsOf(measure, names.split("\n"), width), dataOf(measure, past, drawn), frame.current);
    chart.current = made;
    return () => {
      made.destroy();
      chart.current = undefined;
    };
  }, [names, width, theme]);
  useEffect(() => {
    chart.current?.setData(dataOf(measure, past, drawn));
  }, [past]);
  return h("div", {
    class: "chart",
    ref: frame,
    role: "img",
    "aria-label": `${NAMES[measure]} of ${drawn.map(nameOf).join(", ") || "no path yet"}`,
  });
}

/** Grows when the colours change. */
function useTheme(): number {
  const [count, setCount] = useState(0);
  useEffect(() => {
    const change = (): void => setCount((before) => before + 1);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    addEventListener("themechange", change);
    dark.addEventListener("change", change);
    return () => {
      removeEventListener("themechange", change);
      dark.removeEventListener("change", change);
    };
  }, []);
  return count;
}

function optionsOf(measure: Measure, names: readonly string[], width: number): uPlot.Options {
  const text = colourOf("--text-soft");
  const rule = { stroke: colourOf("--rule"), width: 1 };
  const axis = { stroke: text, grid: rule, ticks: rule, font: "11px system-ui, sans-serif" };
  return {
    width,
    height: HEIGHTS[measure],
    padding: [8, 8, 0, 0],
    cursor: { drag: { x: false, y: false } },
    scales: {
      x: { range: (_, __, last) => [last - SPAN, last] },
      y: { range: (_, __, most) => [0, Math.max(measure === "loss" ? LEAST_LOSS : 1, most * 1.1)] },
    },
    axes: [
      { ...axis, values: (_, ticks) => ticks.map(clockOf) },
      { ...axis, size: 52, values: (_, ticks) => ticks.map((value) => showMeasure(measure, value, 0)) },
    ],
    series: [
      { label: "at", value: (_: uPlot, value: number | null) => (value === null ? "–" : clockOf(value)) },
      ...names.map((label, i) => ({
        label,
        stroke: colourOf(`--series-${i % LINES}`),
        width: 1.5,
        dash: DASHES[i % DASHES.length],
        spanGaps: false,
        points: { show: false },
        value: (_: uPlot, value: number | null) => (value === null ? "–" : showMeasure(measure, value, 1)),
      })),
    ],
  };
}

function showMeasure(measure: Measure, value: number, digits: number): string {
  return measure === "loss" ? `${(100 * value).toFixed(digits)} %` : `${value.toFixed(digits)} ms`;
}

/** An instant, seconds since 1970, as the reader's clock shows it. */
function clockOf(instant: number): string {
  return new Date(1_000 * instant).toLocaleTimeString("en-GB");
}

/** All lines over the same instants, the last of which is now. */
function dataOf(measure: Measure, { stepMs }: Past, drawn: readonly PathPast[]): uPlot.AlignedData {
  const length = Math.max(0, ...drawn.map((path) => path[measure].length));
  const now = Date.now() / 1_000;
  const instants = Array.from({ length }, (_, i) => now - ((length - 1 - i) * stepMs) / 1_000);
  return [instants, ...drawn.map((path) => [...new Array<null>(length - path[measure].length).fill(null), ...path[measure]])];
}

/** A colour of the style sheet, as it is now: canvases know no variables. */
function colourOf(name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
