/** The site's filter in the kernel: loaded as a whole before anything is forwarded, replaced as a whole, taken away at the end. */
import { everyBeside } from "../config/legacy.ts";
import type { Site } from "../config/site.ts";
import { compileTable, removeTable, tableName } from "../firewall/compile.ts";
import { type FirewallCount, readCounters } from "../firewall/counters.ts";
import type { Firewall } from "../firewall/rule.ts";
import { withTwins } from "../firewall/twins.ts";
import { besidePrefixes } from "../locator/beside.ts";
import type { Command } from "../port/command.ts";
import { PortError } from "../port/error.ts";
import type { Prefix } from "../value/prefix.ts";

/** The filter as it holds for all addresses of hosts, and what those are; `beside` are the ones beside ULIDs. */
export function filterOf(
  site: Pick<Site, "lan" | "ulid" | "legacy" | "providers">,
  firewall: Firewall,
): { readonly firewall: Firewall; readonly own: readonly Prefix[]; readonly beside: readonly Prefix[] } {
  const pairs = everyBeside(site);
  return {
    firewall: withTwins(firewall, (prefix) => besidePrefixes(pairs, prefix)),
    own: [site.ulid.prefix, ...site.ulid.routable],
    beside: pairs.map(({ outside }) => outside),
  };
}

/** The text of the site's filter for `nft -f -`; `undefined` = there is none. */
export function filterText(site: Pick<Site, "firewall" | "tun" | "lan" | "ulid" | "legacy" | "providers">): string | undefined {
  const { firewall, tun, lan, providers } = site;
  if (firewall === undefined) return undefined;
  const whole = filterOf(site, firewall);
  const lines = [...new Set(providers.map((provider) => provider.interface))].filter((line) => line !== lan.interface);
  const beside = whole.beside.length === 0 ? undefined : { prefixes: whole.beside, lines };
  return compileTable(whole.firewall, { tun: tun.name, lan: lan.interface, own: whole.own, beside });
}

/** @throws {PortError} `missing` without the program nft, `failed` when the kernel refuses the table: nothing has changed then */
export function loadFilter(site: Site, command: Command): void {
  const text = filterText(site);
  if (text !== undefined) run(command, text);
}

/** Takes the table away; nothing happens when the site has none. */
export function removeFilter(site: Site, command: Command): void {
  if (site.firewall !== undefined) run(command, removeTable(site.tun.name));
}

/** What the rules counted since the table was loaded; none without a filter. */
export function filterCounts(site: Site, command: Command): FirewallCount[] {
  if (site.firewall === undefined) return [];
  const { code, stdout } = nft(command, ["-j", "list", "counters", "table", "inet", tableName(site.tun.name)]);
  return code === 0 ? readCounters(stdout) : [];
}

function run(command: Command, text: string): void {
  const { code, stderr } = nft(command, ["-f", "-"], text);
  if (code === 0) return;
  throw new PortError(
    "failed",
    `the kernel refuses the firewall: ${stderr.split("\n").find((line) => line.trim() !== "") ?? "nft gave no reason"}`,
  );
}

function nft(command: Command, args: readonly string[], stdin?: string): ReturnType<Command["run"]> {
  try {
    return command.run("nft", args, stdin);
  } catch (error) {
    if (error instanceof PortError && error.code === "missing")
      throw new PortError(
        "missing",
        "site.yaml asks for a firewall and there is no program nft: install nftables, or leave firewall out",
        error,
      );
    throw error;
  }
}
