/** What requests may say: fields of queries and paths, read and checked, with what the reference says of them. */
import { z } from "zod";
import { parseAddress } from "../value/address.ts";

/** Rows that one answer holds if the request does not say, and at most. */
export const ROWS_DEFAULT = 1_000;
export const ROWS_LIMIT = 100_000;

/** Digits that make a whole number up to `most`. */
export const wholeText = (most: number) =>
  z.string().refine((text) => /^\d{1,10}$/.test(text) && Number(text) <= most, `must be a whole number from 0 to ${most}`);

/** An IPv6 address in any of its forms. */
export const addressField = z
  .string()
  .transform((text, context) => {
    const value = parseAddress(text);
    if (value === undefined) context.addIssue({ code: "custom", message: "must be an IPv6 address" });
    return value ?? z.NEVER;
  })
  .meta({ type: "string", format: "ipv6", example: "fc00:aaaa:1::1" });

const nameField = z.string().min(1).max(64);

/** Which piece of a list: fields of every list's query. */
export const pageFields = {
  limit: wholeText(ROWS_LIMIT)
    .transform(Number)
    .optional()
    .meta({ type: "integer", minimum: 0, maximum: ROWS_LIMIT, default: ROWS_DEFAULT, description: "Rows at most." }),
  cursor: z
    .string()
    .regex(/^\d{1,9}(-[0-9a-f]{8})?$/, "must be what an answer gave as next")
    .optional()
    .meta({ description: "Where the page begins: what the answer before gave as next." }),
};

/** The host that a list is about. */
export const ulidField = addressField.optional().meta({ description: "Only those of the host with this identifier." });
export const peerField = addressField.optional().meta({ description: "Only those whose far end is this identifier." });
export const stateField = nameField
  .optional()
  .meta({ description: "Only those in this state: of Shim6 or of REAP.", example: "Exploring" });
export const providerField = nameField.optional().meta({ description: "Only those that this provider carries now.", example: "isp1" });
export const sourceField = z.enum(["static", "handshake", "dns", "reverse"]).optional().meta({ description: "Only those learnt there." });
export const leaseStateField = z
  .enum(["bound", "expired", "released", "declined"])
  .optional()
  .meta({ description: "Only those in this state." });

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
/** A year: what is meant for longer is meant for ever. */
const SPAN_MOST = 366 * UNITS.d;

/** A span of time such as `90s`, `10m`, `2h`, `1d`, or a number of seconds; milliseconds then. */
export const spanField = z
  .union([z.number(), z.string()])
  .transform((value, context) => {
    const match = /^(\d{1,9})([smhd])$/.exec(String(value));
    const span = typeof value === "number" ? 1_000 * value : match === null ? 0 : Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
    if (span > 0 && span <= SPAN_MOST) return span;
    context.addIssue({ code: "custom", message: "must be a span of time, a year at most: 90s, 10m, 2h, 1d, or a number of seconds" });
    return z.NEVER;
  })
  .meta({ type: ["string", "number"], example: "10m" });

/** How many rows of a list come before the page. */
export const skipField = wholeText(0xffff_ffff)
  .transform(Number)
  .optional()
  .meta({ type: "integer", minimum: 0, maximum: 0xffff_ffff, default: 0, description: "So many of those that match are left out first." });
export const sampleField = wholeText(0xffff_ffff)
  .transform(Number)
  .optional()
  .meta({ type: "integer", minimum: 0, maximum: 0xffff_ffff, default: 0, description: "Only samples behind this one." });

/** The id of a context, in a path. */
export const idParams = z.strictObject({
  id: wholeText(0xffff_ffff)
    .transform(Number)
    .meta({ type: "integer", minimum: 0, maximum: 0xffff_ffff, description: "The context's id.", example: "0" }),
});

/** The name of a provider, in a path. */
export const nameParams = z.strictObject({ name: nameField.meta({ description: "The provider's name.", example: "isp1" }) });
