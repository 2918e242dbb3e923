/** `pshim6 provider`: what operators and hooks say of a provider to the running box. */
import type { Command } from "commander";
import { reloadRow } from "../api/rows.ts";
import { type Prefix, showPrefix } from "../value/prefix.ts";
import { ask, socketOf } from "./ask.ts";
import { CONFIG_FLAG, CONFIG_HELP, examples, JSON_FLAG, JSON_HELP, prefixArgument, spanArgument, whole } from "./flags.ts";
import { countOf, type Session } from "./session.ts";

interface ProviderFlags {
  readonly config?: string;
  readonly socket?: string;
  readonly json?: true;
  readonly keep?: true;
  readonly valid?: number;
  readonly for?: string;
}

/** DHCPv6 counts in 32 bits, and all ones mean for ever (RFC 8415 §7.7). */
const SECONDS_MOST = 4_294_967_295;

/** Adds the verb `provider` to the program. */
export function addProvider(program: Command, session: Session): void {
  const provider = program
    .command("provider")
    .summary("drain, break or prefer a provider, or tell its prefix")
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
  add(
    "restore <name>",
    "use a provider as site.yaml says: neither drained nor preferred",
    "New contexts use the provider as site.yaml says; those that left it go back as its failback says.",
  )
    .addHelpText("after", examples("pshim6 provider restore isp1"))
    .action((name: string, flags: ProviderFlags) => say(session, flags, name, "restore", { method: "POST" }));
  const addWord = (name: string, summary: string, description: string): void => {
    add(`${name} <name>`, summary, description)
      .option("--for <time>", "it ends by itself after so long: 90s, 10m, 2h, 1d", spanArgument)
      .option("--keep", "beyond a restart")
      .addHelpText("after", examples(`pshim6 provider ${name} isp1`, `pshim6 provider ${name} isp1 --for 10m`))
      .action((provider: string, flags: ProviderFlags) => {
        const body = JSON.stringify({ for: flags.for, keep: flags.keep });
        return say(session, flags, provider, name, { method: "POST", body, headers: { "content-type": "application/json" } });
      });
  };
  addWord(
    "break",
    "take a provider for dead, whatever its line says",
    "Contexts leave the provider at once, and peers hear that its locators are broken. It lasts until `mend`, or a restart.",
  );
  add("mend <name>", "take a provider for dead no longer", "What the provider's line says counts again.")
    .addHelpText("after", examples("pshim6 provider mend isp1"))
    .action((name: string, flags: ProviderFlags) => say(session, flags, name, "mend", { method: "POST" }));
  addWord(
    "prefer",
    "put a provider before all others",
    "New contexts use the provider, live ones move to it, and peers hear that they should, too. Rules that pin traffic elsewhere still hold. It lasts until `restore`, or a restart.",
  );
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
