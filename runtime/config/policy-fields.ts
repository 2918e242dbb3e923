/** The kinds of value in rules of `policy`, as zod types from what the file says to the checked value; see {@link ./fields.ts}. */
import { z } from "zod";
import { MINUTES_A_DAY } from "../policy/hours.ts";
import type { PolicyHours, PortRange } from "../policy/rule.ts";
import { CLASSES, DAYS, PROTOCOLS } from "../value/flow.ts";
import { quote } from "./fields.ts";

type Context = z.core.$RefinementCtx<unknown>;

function complain(context: Context, message: string, hint: string): never {
  context.addIssue({ code: "custom", message, params: { hint } });
  return z.NEVER;
}

function shown(value: unknown): string {
  return typeof value === "string" ? quote(value) : (JSON.stringify(value) ?? String(value));
}

/** A port, or `"5000-6000"`. */
export const portsField = z.unknown().transform((value, context): PortRange => {
  const match = typeof value === "number" ? [value, value] : (/^(\d{1,5})(?:-(\d{1,5}))?$/.exec(String(value))?.slice(1, 3) ?? []);
  const first = Number(match[0]);
  const last = Number(match[1] ?? match[0]);
  if (Number.isInteger(first) && Number.isInteger(last) && first >= 0 && last <= 65_535 && first <= last) return { first, last };
  return complain(context, `is neither a port nor a range of ports: ${shown(value)}`, 'write it like 443 or "5000-6000"');
});

/** A protocol's name or number. */
export const protocolField = z.unknown().transform((value, context): number => {
  const known = typeof value === "string" && Object.hasOwn(PROTOCOLS, value) ? PROTOCOLS[value] : value;
  if (typeof known === "number" && Number.isInteger(known) && known >= 0 && known <= 255) return known;
  return complain(context, `is no protocol: ${shown(value)}`, `write a number up to 255, or one of ${Object.keys(PROTOCOLS).join(", ")}`);
});

/** A DSCP by name or number. */
export const classField = z.unknown().transform((value, context): number => {
  const known = typeof value === "string" && Object.hasOwn(CLASSES, value) ? CLASSES[value] : value;
  if (typeof known === "number" && Number.isInteger(known) && known >= 0 && known <= 63) return known;
  return complain(context, `is no class of traffic: ${shown(value)}`, "write a DSCP up to 63, or a name like ef, af41, cs1, le");
});

/** `"mon-fri 08:00-18:00"`, `"sat,sun"`, `"22:00-06:00"`. */
export const hoursField = z.string().transform((text, context): PolicyHours => {
  const match = /^(?:([a-z,-]+)(?: +|$))?(?:(\d\d):(\d\d)-(\d\d):(\d\d))?$/.exec(text.trim().toLowerCase());
  const days = match === null ? undefined : readDays(match[1]);
  const span = match === null ? undefined : readSpan(match.slice(2, 6));
  if (text.trim() !== "" && days !== undefined && span !== undefined) return { days, ...span };
  return complain(context, `is no time of the week: ${quote(text)}`, 'write it like "mon-fri 08:00-18:00", "sat,sun" or "22:00-06:00"');
});

function readDays(text: string | undefined): number[] | undefined {
  if (text === undefined) return DAYS.map((_, i) => i);
  const days = new Set<number>();
  for (const part of text.split(",")) {
    const [first, last] = part.split("-").map((name) => DAYS.indexOf(name));
    const end = last ?? first;
    if (first < 0 || end < 0 || part.split("-").length > 2) return undefined;
    for (let day = first; ; day = (day + 1) % DAYS.length) {
      days.add(day);
      if (day === end) break;
    }
  }
  return [...days].sort((a, b) => a - b);
}

function readSpan(parts: readonly (string | undefined)[]): { from: number; to: number } | undefined {
  if (parts[0] === undefined) return { from: 0, to: MINUTES_A_DAY };
  const [fromHour, fromMinute, toHour, toMinute] = parts.map(Number);
  const from = 60 * fromHour + fromMinute;
  const to = 60 * toHour + toMinute;
  const isTime = fromMinute < 60 && toMinute < 60 && from < MINUTES_A_DAY && to > 0 && to <= MINUTES_A_DAY;
  return isTime && from !== to ? { from, to } : undefined;
}
