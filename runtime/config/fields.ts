/**
 * The kinds of value in site.yaml, as zod types from text (or number) to the checked value. A complaint is the end of
 * a sentence that begins with the setting's path; `params.hint` says what to write instead.
 */
import { z } from "zod";
import { type Address, isMulticast, parseAddress, UNSPECIFIED } from "../value/address.ts";
import { contains, type Prefix, parsePrefix, prefix, showPrefix, withPrefix } from "../value/prefix.ts";
import type { Millis } from "../value/time.ts";
import type { Endpoint } from "./site.ts";

type Context = z.core.$RefinementCtx<unknown>;

function complain(context: Context, message: string, hint: string): never {
  context.addIssue({ code: "custom", message, params: { hint } });
  return z.NEVER;
}

/** Quotes text from the file for a message; long text is cut. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}…` : text);
}

const LINK_LOCAL = prefix("fe80::/10");
const MULTICAST = prefix("ff00::/8");
const MAPPED = prefix("::ffff:0:0/96");
const LOOPBACK = "::1";

/** Why an address cannot be that of a host, or `undefined` if it can. */
export function notUnicast(value: Address): string | undefined {
  if (isMulticast(value)) return "is a multicast address";
  if (value === UNSPECIFIED) return "is the unspecified address";
  if (value === LOOPBACK) return "is the loopback address";
  if (contains(MAPPED, value)) return "is an IPv4 address in IPv6 clothes";
  return undefined;
}

export const addressField = z.string().transform((text, context): Address => {
  const value = parseAddress(text);
  if (value === undefined) return complain(context, `is no IPv6 address: ${quote(text)}`, addressHint(text));
  const why = notUnicast(value);
  return why === undefined ? value : complain(context, `${why}: ${value}`, "give the unicast address of one host or router");
});

/** An address that others may reach from afar: no link-local one. */
export const globalAddressField = addressField.transform((value, context): Address => {
  if (!contains(LINK_LOCAL, value)) return value;
  return complain(context, `is a link-local address: ${value}`, "give an address that is reachable from outside the link");
});

function addressHint(text: string): string {
  if (text.includes("/")) return "leave out the prefix length: one address is wanted here";
  if (text.includes("%")) return 'leave out the zone behind "%"';
  if (/^\d+\.\d+\.\d+\.\d+$/.test(text)) return "IPv4 is not supported; give an IPv6 address";
  return "write it like fc00:aaaa:1::10";
}

export const prefixField = z.string().transform(readPrefix);

/** A prefix, or `auto`: somebody tells it later. */
export const autoPrefixField = z
  .string()
  .transform((text, context): Prefix | "auto" => (text === "auto" ? text : readPrefix(text, context)));

function readPrefix(text: string, context: Context): Prefix {
  const value = parsePrefix(text);
  if (value === undefined) return complain(context, ...prefixComplaint(text));
  if (contains(MULTICAST, value.base)) return complain(context, `is a multicast prefix: ${text}`, "give a prefix of unicast addresses");
  if (contains(LINK_LOCAL, value.base)) return complain(context, `is a link-local prefix: ${text}`, "give a prefix that is routed");
  return value;
}

function prefixComplaint(text: string): [message: string, hint: string] {
  const slash = text.indexOf("/");
  if (slash < 0) return [`has no length: ${quote(text)}`, "write it like fc00:aaaa:1::/48"];
  const base = parseAddress(text.slice(0, slash));
  if (base === undefined) return [`is no IPv6 prefix: ${quote(text)}`, "write it like fc00:aaaa:1::/48"];
  const digits = text.slice(slash + 1);
  const length = Number(digits);
  if (!/^(0|[1-9]\d{0,2})$/.test(digits) || length > 128)
    return [`has a bad length: ${quote(text)}`, "the length is a number from 0 to 128"];
  const cut = { base: withPrefix({ base, length }, UNSPECIFIED), length };
  return [`has bits set behind its length: ${text}`, `did you mean ${showPrefix(cut)}?`];
}

/** Name of a network interface as the kernel takes it: at most 15 characters, safe in an `ip` command line. */
export const interfaceField = z.string().transform((text, context): string => {
  if (text.includes("@"))
    return complain(context, `is no interface name: ${quote(text)}`, `did you mean ${quote(text.slice(0, text.indexOf("@")))}?`);
  if (text.length > 15) return complain(context, `is longer than 15 characters: ${quote(text)}`, 'names are listed by "ip link"');
  if (/^[A-Za-z0-9_.:][A-Za-z0-9_.:-]*$/.test(text) && text !== "." && text !== "..") return text;
  return complain(context, `is no interface name: ${quote(text)}`, 'names are listed by "ip link"');
});

/** Name of a site, provider or host: what a DNS label may be, in lower case. */
export const nameField = z.string().transform((text, context): string => {
  if (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text)) return text;
  const better = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 63)
    .replace(/^-+|-+$/g, "");
  const hint =
    better === "" ? "use lower-case letters, digits and hyphens" : `use lower-case letters, digits and hyphens, such as ${quote(better)}`;
  return complain(context, `is no name: ${quote(text)}`, hint);
});

/** `auto`, `off`, or the octets of a TCP segment. */
export const segmentField = z.unknown().transform((value, context): "auto" | "off" | number => {
  if (value === "auto" || value === "off") return value;
  if (typeof value === "number" && Number.isInteger(value) && value >= SEGMENT_LEAST && value <= 65_535) return value;
  const shown = typeof value === "string" ? quote(value) : JSON.stringify(value);
  return complain(
    context,
    `is neither "auto", "off" nor a segment size: ${shown}`,
    `write "auto", "off" or a number from ${SEGMENT_LEAST} to 65535`,
  );
});

/** What every host must take (RFC 9293 §3.7.1, for IPv4; IPv6 has more). */
export const SEGMENT_LEAST = 536;

/** `"250ms"`, `"15s"`, `"10m"`, `"2h"` → milliseconds, 1 … 2^31 − 1. */
export const durationField = z.string().transform((text, context): Millis => {
  const match = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h)$/.exec(text);
  if (match === null) return complain(context, `is no duration: ${quote(text)}`, 'write it like "250ms", "15s" or "10m"');
  const millis = Number(match[1]) * UNIT_MILLIS[match[2]];
  if (millis < 1 || millis >= 2 ** 31) return complain(context, `is out of range: ${text}`, 'give a duration from "1ms" to "500h"');
  return millis;
});

const UNIT_MILLIS: Readonly<Record<string, Millis>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** An absolute path of at most `limit` octets of UTF-8. */
export function pathField(limit: number) {
  return z.string().transform((text, context): string => {
    if (!text.startsWith("/")) return complain(context, `is no absolute path: ${quote(text)}`, "begin it with a slash");
    if (new TextEncoder().encode(text).length > limit) return complain(context, `is longer than ${limit} octets`, "choose a shorter path");
    if (text.includes("\0")) return complain(context, "holds a NUL character", "leave it out");
    return text;
  });
}

/** `"[::1]:8686"` or `"127.0.0.1:8686"`. */
export const endpointField = z.string().transform((text, context): Endpoint => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|(\d+\.\d+\.\d+\.\d+)):(\d{1,5})$/.exec(text);
  const host = match === null ? undefined : match[1] === undefined ? readQuad(match[2]) : parseAddress(match[1]);
  const port = match === null ? 0 : Number(match[3]);
  if (host === undefined || port < 1 || port > 65_535) {
    return complain(context, `is no address with a port: ${quote(text)}`, 'write it like "[::1]:8686"');
  }
  return { host, port };
});

/** `"[2001:db8::53]:5353"`, or an IPv6 address alone, which means port 53. */
export const dnsEndpointField = z.string().transform((text, context): Endpoint => {
  const alone = parseAddress(text);
  if (alone !== undefined) return { host: alone, port: 53 };
  const match = /^\[([0-9a-fA-F:.]+)\]:(\d{1,5})$/.exec(text);
  const host = match === null ? undefined : parseAddress(match[1]);
  const port = match === null ? 0 : Number(match[2]);
  if (host === undefined || port < 1 || port > 65_535)
    return complain(
      context,
      `is no IPv6 address of a DNS server: ${quote(text)}`,
      'write it like "2001:db8::53", or "[2001:db8::53]:5353" with a port',
    );
  return { host, port };
});

/** An absolute domain name of letters, digits, hyphens and underscores; lower case, without the final dot. */
export const domainField = z.string().transform((text, context): string => {
  const name = text.toLowerCase().replace(/\.$/, "");
  const fits = name.length <= 253 && name.split(".").every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label));
  return fits ? name : complain(context, `is no domain name: ${quote(text)}`, 'write it like "alpha.example"');
});

/** A DUID in hex, with or without colons: 3 … 130 octets (RFC 8415 §11.1). */
export const duidField = z.string().transform((text, context): string => {
  const hex = text.toLowerCase().replace(/[:-]/g, "");
  return /^([0-9a-f]{2}){3,130}$/.test(hex)
    ? hex
    : complain(context, `is no DUID: ${quote(text)}`, 'write it in hex, like "00:03:00:01:02:00:00:00:00:01"');
});

/** A 48-bit link-layer address. */
export const macField = z.string().transform((text, context): string => {
  const mac = text.toLowerCase().replace(/-/g, ":");
  return /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac)
    ? mac
    : complain(context, `is no link-layer address: ${quote(text)}`, 'write it like "02:00:00:00:00:01"');
});

function readQuad(text: string): string | undefined {
  return text.split(".").every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256) ? text : undefined;
}
