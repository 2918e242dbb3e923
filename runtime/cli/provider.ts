/** `pshim6 provider`: what operators and hooks say of a provider to the running box. */
import type { Command } from "commander";
import { reloadRow } from "../api/rows.ts";
import { type Prefix, showPrefix } from "../value/prefix.ts";
import { CONFIG_FLAG, CONFIG_HELP, examples, JSON_FLAG, JSON_HELP, prefixArgument, whole } from "./flags.ts";
import { countOf, type Session } from "./session.ts";
import { ask, socketOf } from "./show.ts";

interface ProviderFlags {
  readonly config?: string;
  readonly socket?: string;
  readonly json?: true;
  readonly keep?: true;
  readonly valid?: number;
}

/** DHCPv6 counts in 32 bits, and all ones mean for ever (RFC 8415 §7.7). */
const SECONDS_MOST = 4_294_967_295;

/** Adds the verb `provider` to the program. */
export function addProvider(program: Command, session: Session): void {
  const provider = program
    .command("provider")
    .summary("drain a provider, or tell its prefix")
    .description("Says something of a provider to the running box. Connections stay, whatever it is.");
  const add = (name: string, summary: string, description: string): Command =>
    provider
      .command(name)
      .summary(summary)
      .description(description)
      .option(CONFIG_FLAG, `${CONFIG_HELP}: they name the box's socket`)
      .option("--socket <path>", "the box's socket; without this and -c: that of the only box that runs here")
      .option(JSON_FLAG, JSON_HELP);
  add(
    "drain <name>",
    "let everything leave a provider",
    "New contexts avoid the provider, those that are on it leave it, a few thousand a second, and peers hear that they should, too. What still comes there is taken in. It lasts until `restore`, or a restart.",
  )
    .option("--keep", "beyond a restart")
    .addHelpText("after", examples("pshim6 provider drain isp1", "pshim6 provider drain isp1 --keep", "pshim6 show providers --watch"))
    .action((name: string, flags: ProviderFlags) =>
      say(session, flags, name, `drain${flags.keep ? "?keep=true" : ""}`, { method: "POST" }),
    );
  add("restore <name>", "use a drained provider again", "New contexts use the provider again; those that left it stay where they are.")
    .addHelpText("after", examples("pshim6 provider restore isp1"))
    .action((name: string, flags: ProviderFlags) => say(session, flags, name, "restore", { method: "POST" }));
  add(
    "set-prefix",
    "tell the prefix that a provider routes to the site",
    "For a provider with `prefix: auto` in site.yaml, by a hook of whatever asks the provider for it (examples/hooks). Locators, routes, rules and the zone follow as one change, and peers are told.",
  )
    .argument("<name>")
    .argument("<prefix>", "such as 2001:db8:a1::/48", prefixArgument)
    .option("--valid <seconds>", "it ends by itself after so long, unless it is told again", whole(1, SECONDS_MOST))
    .addHelpText("after", examples("pshim6 provider set-prefix isp1 2001:db8:a1::/48 --valid 86400"))
    .action((name: string, prefix: Prefix, flags: ProviderFlags) => {
      const valid = flags.valid === undefined || flags.valid === SECONDS_MOST ? undefined : flags.valid;
      const body = JSON.stringify({ prefix: showPrefix(prefix), valid });
      return say(session, flags, name, "prefix", { method: "PUT", body, headers: { "content-type": "application/json" } });
    });
  add(
    "unset-prefix <name>",
    "tell that a provider routes nothing to the site any more",
    "The provider has no locators until it is told a prefix again.",
  )
    .addHelpText("after", examples("pshim6 provider unset-prefix isp1"))
    .action((name: string, flags: ProviderFlags) => say(session, flags, name, "prefix", { method: "DELETE" }));
}

async function say(session: Session, flags: ProviderFlags, name: string, what: string, init: RequestInit): Promise<void> {
  const request = new Request(`http://box/providers/${encodeURIComponent(name)}/${what}`, init);
  const row = await ask(session, socketOf(session, flags), request, (body) => reloadRow.parse(body));
  if (flags.json) {
    session.printJson(row);
    return;
  }
  const told = row.untold === 0 ? [] : [`${countOf(row.untold, "context")} to tell their peers`];
  const lines = row.changed.length === 0 ? ["nothing has changed"] : row.changed;
  session.print([...lines, ...told, ""].join("\n"));
  for (const warning of row.warnings) session.note(`warning: ${warning}\n`);
}
