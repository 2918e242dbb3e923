/**
 * `pshim6`: what the command line knows without a system: settings are read and checked, routes planned, packets explained. A box itself is a
 * program, not a function: it owns a process, its threads and the kernel's routes, and is talked to over HTTP.
 */
import { egressPlan, egressScript } from "../box/egress.ts";
import { decodeLine } from "../cli/decode.ts";
import type { Fields } from "../cli/fields.ts";
import { readSite, type SiteReading } from "../config/read.ts";
import type { Site } from "../config/site.ts";

export type { Fields, Json } from "../cli/fields.ts";
export { type Fault, showFaults } from "../config/fault.ts";
export type { SiteReading } from "../config/read.ts";
export type { Site } from "../config/site.ts";

/**
 * Reads the text of a site.yaml as `pshim6 check` does: every mistake at once, with line and column ({@link showFaults} makes them text), or
 * the settings, complete, and warnings. `file` is its name, for messages about the file as a whole. Never throws.
 */
export function checkSite(text: string, file = "site.yaml"): SiteReading {
  return readSite(text, file);
}

/** The routes, rules and sysctls that a box of `site` wants, as a shell script: for machines where others set them (`egress.manage: false`). */
export function routesOf(site: Site): string {
  return egressScript(egressPlan(site));
}

/**
 * One IPv6 packet, or a bare Shim6 message, in hexadecimal, as `pshim6 decode` shows it. @returns its fields, with `verdict` and `error` where a
 * receiver would not take it; `undefined` for an empty line or one that begins with `#`
 */
export function decode(hexadecimal: string): Fields | undefined {
  return decodeLine(hexadecimal);
}
