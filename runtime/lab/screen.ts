/** The lab as a picture for a terminal: the two sites with the live path, the rate, the contexts, what happened. Pure text. */
import type { ContextRow } from "../api/rows.ts";
import type { LabModel } from "./model.ts";

/** SGR parameters (ECMA-48 §8.3.117). */
const STYLES = { live: "1;32", idle: "0", dead: "1;31", dim: "2", title: "1", alarm: "1;33" } as const;
type Style = keyof typeof STYLES;

/** A stream that stands longer than this is shown as standing, milliseconds. */
const STANDING = 50;
const BARS = " ▁▂▃▄▅▆▇█";
const MEGA = 1e6;

/** Clears nothing: the cursor goes home, each line is cleared to its end, and what is below the last one. */
export function drawScreen(model: LabModel, size: { readonly columns: number; readonly rows: number }): string {
  const width = Math.max(20, size.columns);
  const lines = [
    paint("title", `pshim6 lab — ${model.phase}`),
    model.page === undefined ? "" : `dashboard ${model.page}`,
    "",
    ...figure(model),
    "",
    rateLine(model, width),
    stateLine("box A", model.runtimes[0], model.contexts[0]),
    stateLine("box B", model.runtimes[1], model.contexts[1]),
    "",
    ...eventLines(model),
  ];
  const room = Math.max(0, size.rows - lines.length - 2);
  const log = model.log.slice(-room).map(({ at, text }) => paint("dim", `${seconds(at)}  `) + text);
  const shown = [...lines, ...(room > 0 ? ["", ...log] : [])].slice(0, size.rows - 1);
  return `\x1b[H${shown.map((line) => `${clip(line, width)}\x1b[K`).join("\r\n")}\x1b[J`;
}

/** Everything the terminal must be told before and after. */
export const ENTER_SCREEN = "\x1b[?1049h\x1b[?25l";
export const LEAVE_SCREEN = "\x1b[?25h\x1b[?1049l";

function figure(model: LabModel): string[] {
  const flowing = model.stillFor <= STANDING;
  const on = (name: string) => model.outbound === name && flowing;
  const any = on("isp1") || on("isp2");
  const path = (name: string, text: string) => paint(stateOf(model, name) ?? (on(name) ? "live" : "idle"), text);
  const shared = (text: string) => paint(any ? "live" : "idle", text);
  const mark = (name: string) => ({ up: "══", dead: "═╳", unplugged: "  " })[model.providers.get(name) ?? "up"];
  return [
    `              ${path("isp1", `╔══ isp1 ${mark("isp1")}╗`)}`,
    `${shared("  h1 ── box A ╣")}          ${shared("╠═ internet ══ isp3 ══ box B ── h2")}`,
    `              ${path("isp2", `╚══ isp2 ${mark("isp2")}╝`)}${model.inbound !== model.outbound && model.inbound !== undefined ? paint("dim", `   back by ${model.inbound}`) : ""}`,
  ];
}

function stateOf(model: LabModel, name: string): Style | undefined {
  return (model.providers.get(name) ?? "up") === "up" ? undefined : "dead";
}

function rateLine(model: LabModel, width: number): string {
  const rate = model.rates.at(-1) ?? 0;
  const now = `${((rate * 8) / MEGA).toFixed(1).padStart(6)} Mbit/s `;
  const standing =
    model.stillFor > STANDING
      ? paint("alarm", ` stands still for ${Math.round(model.stillFor)} ms`)
      : ` ${(model.octets / MEGA).toFixed(0)} MB checked`;
  return `${now}${paint("live", sparkline(model.rates, Math.max(10, Math.min(80, width - 45))))}${standing}`;
}

/** The last `width` values, each as a bar between nothing and the largest of them. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width);
  const top = Math.max(1, ...shown);
  const bars = shown.map((value) => BARS[Math.min(BARS.length - 1, Math.ceil((Math.max(0, value) / top) * (BARS.length - 1)))]);
  return bars.join("").padStart(width);
}

function stateLine(box: string, runtime: string, contexts: readonly ContextRow[] | undefined): string {
  const head = `${box} ${paint("dim", `on ${runtime.padEnd(4)}`)}  `;
  if (contexts === undefined) return `${head}${paint("dim", "no answer")}`;
  if (contexts.length === 0) return `${head}no context`;
  const [first] = contexts;
  const reap = first.reap === null ? "" : ` · ${paint(first.reap === "Operational" ? "live" : "alarm", first.reap)}`;
  const more = contexts.length > 1 ? paint("dim", `  and ${contexts.length - 1} more`) : "";
  return `${head}${first.state}${reap} · ${first.localLocator} → ${first.peerLocator}${more}`;
}

function eventLines(model: LabModel): string[] {
  return model.events.slice(-4).map(({ name, stallMs, from, to }) => {
    const way = from === to ? `${to ?? "nobody"} carries` : `${from ?? "nobody"} → ${to ?? "nobody"}`;
    return `${name.padEnd(16)} ${String(Math.round(stallMs)).padStart(6)} ms still   ${way}`;
  });
}

function seconds(at: number): string {
  return `${(at / 1000).toFixed(1).padStart(7)} s`;
}

function paint(style: Style, text: string): string {
  return style === "idle" ? text : `\x1b[${STYLES[style]}m${text}\x1b[0m`;
}

/** Cuts to `width` characters; escape sequences take no room. */
function clip(line: string, width: number): string {
  let room = width;
  let shown = "";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
  for (const [piece] of line.matchAll(/\x1b\[[0-9;?]*[A-Za-z]|./gu)) {
    if (piece.length > 1 && piece.startsWith("\x1b")) shown += piece;
    else if (room-- > 0) shown += piece;
  }
  return shown;
}
