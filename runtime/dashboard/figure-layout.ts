/** Where the figure's nodes stand, in pixels: columns from left to right where there is room, rows from top to bottom on a phone. */
import type { FigureModel, FigureNode } from "./figure-model.ts";

/** A node with its place. */
export interface Placed {
  readonly node: FigureNode;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A figure with its places. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly isWide: boolean;
  readonly placed: ReadonlyMap<string, Placed>;
  /** The internet, between providers and peers. */
  readonly internet: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
}

/** Pixels. */
export const WIDE = 640;
const NODE_WIDTH = 156;
/** Of the figure, where it is narrow. */
const NODE_SHARE = 0.19;
const NODE_HEIGHT = 46;
const GAP = 14;
const EDGE = 8;
const ROW_GAP = 64;
const LEAST_HEIGHT = 250;
const INTERNET = 64;
const COLUMNS = [0, 1, 2, 3] as const;

/** `model` in a figure of `width` pixels. */
export function layOut({ nodes }: FigureModel, width: number): Layout {
  const columns = COLUMNS.map((column) => nodes.filter((node) => node.column === column));
  return width >= WIDE ? across(columns, width) : down(columns, width);
}

function across(columns: readonly (readonly FigureNode[])[], width: number): Layout {
  const tallest = Math.max(...columns.map((column) => column.length));
  const height = Math.max(LEAST_HEIGHT, tallest * (NODE_HEIGHT + GAP) + 2 * EDGE);
  const nodeWidth = Math.min(NODE_WIDTH, NODE_SHARE * width);
  const room = width - nodeWidth - 2 * EDGE;
  // The internet takes the widest of the three gaps.
  const places = [0, 0.28, 0.57, 1].map((share) => EDGE + share * room);
  const placed = new Map<string, Placed>();
  columns.forEach((column, i) => {
    const step = height / column.length;
    column.forEach((node, k) => {
      const y = step * (k + 0.5) - NODE_HEIGHT / 2;
      placed.set(node.id, { node, x: places[i], y, width: nodeWidth, height: NODE_HEIGHT });
    });
  });
  const [from, to] = [places[2] + nodeWidth, places[3]];
  return {
    width,
    height,
    isWide: true,
    placed,
    internet: { x: (from + to) / 2 - INTERNET / 2, y: EDGE, width: INTERNET, height: height - 2 * EDGE },
  };
}

function down(columns: readonly (readonly FigureNode[])[], width: number): Layout {
  const placed = new Map<string, Placed>();
  let y = EDGE;
  const bottoms: number[] = [];
  columns.forEach((row, i) => {
    const perLine = Math.max(1, Math.floor((width - EDGE) / (104 + GAP / 2)));
    const lines = Math.max(1, Math.ceil(row.length / perLine));
    row.forEach((node, k) => {
      const line = Math.floor(k / perLine);
      const inLine = Math.min(perLine, row.length - line * perLine);
      const slot = (width - 2 * EDGE) / inLine;
      const nodeWidth = Math.min(NODE_WIDTH, slot - GAP / 2);
      const x = EDGE + slot * ((k % perLine) + 0.5) - nodeWidth / 2;
      placed.set(node.id, { node, x, y: y + line * (NODE_HEIGHT + GAP), width: nodeWidth, height: NODE_HEIGHT });
    });
    y += lines * (NODE_HEIGHT + GAP) - GAP;
    bottoms.push(y);
    if (i < columns.length - 1) y += i === 2 ? ROW_GAP * 1.5 : ROW_GAP * 0.7;
  });
  const band = 26;
  return {
    width,
    height: y + EDGE,
    isWide: false,
    placed,
    internet: { x: EDGE, y: bottoms[2] + ROW_GAP * 0.75 - band / 2, width: width - 2 * EDGE, height: band },
  };
}

/** The way of a line from `from` to `to`, as SVG path data. */
export function wayOf(from: Placed, to: Placed, isWide: boolean): string {
  if (isWide) {
    const [x1, y1] = [from.x + from.width, from.y + from.height / 2];
    const [x2, y2] = [to.x, to.y + to.height / 2];
    const bend = (x2 - x1) / 2;
    return `M${r(x1)} ${r(y1)}C${r(x1 + bend)} ${r(y1)} ${r(x2 - bend)} ${r(y2)} ${r(x2)} ${r(y2)}`;
  }
  const [x1, y1] = [from.x + from.width / 2, from.y + from.height];
  const [x2, y2] = [to.x + to.width / 2, to.y];
  const bend = (y2 - y1) / 2;
  return `M${r(x1)} ${r(y1)}C${r(x1)} ${r(y1 + bend)} ${r(x2)} ${r(y2 - bend)} ${r(x2)} ${r(y2)}`;
}

/** The middle of that way. */
export function middleOf(from: Placed, to: Placed, isWide: boolean): { readonly x: number; readonly y: number } {
  if (isWide) return { x: (from.x + from.width + to.x) / 2, y: (from.y + from.height / 2 + to.y + to.height / 2) / 2 };
  return { x: (from.x + from.width / 2 + to.x + to.width / 2) / 2, y: (from.y + from.height + to.y) / 2 };
}

function r(value: number): string {
  return value.toFixed(1);
}
