/** Flags that several verbs have, in the same words. */
import { InvalidArgumentError } from "commander";
import { type Address, parseAddress } from "../value/address.ts";
import { type Prefix, parsePrefix } from "../value/prefix.ts";

export const CONFIG_FLAG = "-c, --config <file>";
export const CONFIG_HELP = "the site's settings";
export const DEFAULT_CONFIG = "/etc/pshim6/site.yaml";
export const JSON_FLAG = "--json";
export const JSON_HELP = "print JSON";

/** The end of a help text. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join("\n")}\n`;
}

/** Reads a whole number from `least` to `most`, for an option's value. */
export function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d{1,15}$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    return value;
  };
}

/** Reads a number of seconds above zero, fractions allowed. */
export function seconds(text: string): number {
  const value = Number(text);
  if (!/^\d{1,9}(\.\d{1,6})?$/.test(text) || value <= 0) throw new InvalidArgumentError("It must be a number of seconds above 0.");
  return value;
}

/** Checks a span of time such as `10m`; the box reads it. */
export function spanArgument(text: string): string {
  if (!/^0*[1-9]\d{0,8}[smhd]$/.test(text)) throw new InvalidArgumentError("It must be a span of time, such as 90s, 10m, 2h or 1d.");
  return text;
}

/** Reads an address argument. */
export function addressArgument(text: string): Address {
  const value = parseAddress(text);
  if (value === undefined) throw new InvalidArgumentError("It must be an IPv6 address, such as fc00:aaaa:1::10.");
  return value;
}

/** Reads a prefix argument. */
export function prefixArgument(text: string): Prefix {
  const value = parsePrefix(text);
  if (value === undefined)
    throw new InvalidArgumentError("It must be an IPv6 prefix without bits behind its length, such as fc00:aaaa:1::/64.");
  return value;
}
