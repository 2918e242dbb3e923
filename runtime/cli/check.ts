/** `pshim6 check`: is this site.yaml right, and what does it come to? */
import type { Command } from "commander";
import { showFaults } from "../config/fault.ts";
import { readSite } from "../config/read.ts";
import type { Site } from "../config/site.ts";
import type { Ulid } from "../value/address.ts";
import { showPrefix, withPrefix } from "../value/prefix.ts";
import { CONFIG_FLAG, CONFIG_HELP, DEFAULT_CONFIG, examples, JSON_FLAG, JSON_HELP } from "./flags.ts";
import { countOf, EXIT_WRONG, type Session, showWarnings } from "./session.ts";

interface CheckFlags {
  readonly config: string;
  readonly json?: true;
  readonly routes?: true;
}

/** Adds the verb `check` to the program. */
export function addCheck(program: Command, session: Session): void {
  program
    .command("check")
    .summary("check a site's settings")
    .description("Reads a site.yaml and reports every mistake at once, with line, column and what to do. Exit code 1 if there is one.")
    .option(CONFIG_FLAG, CONFIG_HELP, DEFAULT_CONFIG)
    .option("--routes", "print the kernel's routes and rules that the site needs, as a shell script")
    .option(JSON_FLAG, JSON_HELP)
    .addHelpText(
      "after",
      examples("pshim6 check -c site.yaml", "pshim6 check -c site.yaml --routes", "pshim6 check -c site.yaml --json | jq .faults"),
    )
    .action((flags: CheckFlags) => check(flags, session));
}

function check(flags: CheckFlags, session: Session): void {
  const { config: file } = flags;
  if (flags.routes) {
    session.print(session.host.routes(session.site(file)));
    return;
  }
  const text = session.text(file);
  const reading = readSite(text, file);
  if ("faults" in reading) {
    session.exit = EXIT_WRONG;
    if (flags.json) session.printJson({ ok: false, file, faults: reading.faults });
    else session.print(`${showFaults(reading.faults, text, file)}\n${file}: ${countOf(reading.faults.length, "mistake")}\n`);
    return;
  }
  const { site, warnings } = reading;
  if (flags.json) {
    session.printJson({ ok: true, file, warnings, summary: summary(site) });
    return;
  }
  if (warnings.length > 0) session.print(showWarnings(warnings, text, file));
  session.print(showSummary(site, file));
}

/** What the settings come to, for programs. */
function summary(site: Site) {
  return {
    site: site.site,
    ulid: showPrefix(site.ulid.prefix),
    generic: showPrefix(site.ulid.generic),
    routable: site.ulid.routable.map(showPrefix),
    lan: { interface: site.lan.interface, subnets: site.lan.subnets.map(showPrefix) },
    providers: site.providers.map((provider) => ({
      ...provider,
      prefix: showPrefix(provider.prefix),
      gateway: provider.gateway ?? null,
      table: provider.table ?? null,
    })),
    awaited: site.awaited.map(({ name }) => name),
    hosts: site.hosts.map((host) => ({ ...host, locators: locators(site, host.ulid) })),
    bindings: site.bindings.length,
    state: site.state,
    control: site.control,
  };
}

function locators(site: Site, ulid: Ulid) {
  return site.providers.map((provider) => ({ provider: provider.name, locator: withPrefix(provider.prefix, ulid) }));
}

function showSummary(site: Site, file: string): string {
  const rows: [string, string][] = [
    ["identifiers", `${showPrefix(site.ulid.prefix)} of ${showPrefix(site.ulid.generic)}`],
    ...(site.ulid.routable.length === 0 ? [] : [["routable", site.ulid.routable.map(showPrefix).join(", ")] as [string, string]]),
    ["LAN", `${site.lan.interface}: ${site.lan.subnets.map(showPrefix).join(", ")}`],
    ...site.providers.map(({ name, prefix, interface: line, gateway, priority, weight }): [string, string] => [
      name,
      `${showPrefix(prefix)} on ${line}${gateway === undefined ? "" : ` via ${gateway}`}, priority ${priority}, weight ${weight}`,
    ]),
    ...site.awaited.map(({ name, interface: line, priority, weight }): [string, string] => [
      name,
      `prefix to be told, on ${line}, priority ${priority}, weight ${weight}`,
    ]),
    ["bindings", site.bindings.length === 0 ? "none" : `${site.bindings.length}`],
    ["hosts", site.hosts.length === 0 ? "none" : `${site.hosts.length}`],
  ];
  const wide = Math.max(...rows.map(([label]) => label.length));
  const head = rows.map(([label, value]) => `  ${label.padEnd(wide)}  ${value}\n`).join("");
  const hosts = site.hosts.map((host) => {
    const lines = locators(site, host.ulid).map(({ provider, locator }) => `    ${locator} by ${provider}\n`);
    return `  ${host.name} ${host.ulid}\n${lines.join("")}`;
  });
  return `${file}: ok\nsite ${site.site}\n${head}${hosts.join("")}`;
}
