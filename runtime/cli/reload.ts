/** `pshim6 reload`: the running box reads its site.yaml again. */
import type { Command } from "commander";
import { reloadRow } from "../api/rows.ts";
import { ask, socketOf } from "./ask.ts";
import { CONFIG_FLAG, CONFIG_HELP, examples, JSON_FLAG, JSON_HELP } from "./flags.ts";
import { countOf, type Session } from "./session.ts";

interface ReloadFlags {
  readonly config?: string;
  readonly socket?: string;
  readonly json?: true;
}

/** Adds the verb `reload` to the program. */
export function addReload(program: Command, session: Session): void {
  program
    .command("reload")
    .summary("let the running box read its settings again")
    .description(
      "The running box reads the site.yaml that it was started with, and takes it over as a whole or not at all. Connections stay, also those that a removed provider carried. SIGHUP does the same.",
    )
    .option(CONFIG_FLAG, `${CONFIG_HELP}: checked first, and they name the box's socket`)
    .option("--socket <path>", "the box's socket; without this and -c: that of the only box that runs here")
    .option(JSON_FLAG, JSON_HELP)
    .addHelpText("after", examples("pshim6 reload -c site.yaml", "pshim6 reload", "pshim6 reload --json | jq .changed"))
    .action((flags: ReloadFlags) => reload(session, flags));
}

async function reload(session: Session, flags: ReloadFlags): Promise<void> {
  const socket = socketOf(session, flags);
  const request = new Request("http://box/reload", { method: "POST" });
  const row = await ask(session, socket, request, (body) => reloadRow.parse(body));
  if (flags.json) {
    session.printJson(row);
    return;
  }
  const lines = row.changed.length === 0 ? ["nothing has changed"] : row.changed;
  const told = row.untold === 0 ? [] : [`${countOf(row.untold, "context")} to tell their peers`];
  session.print([`${row.file} holds now`, ...lines.map((line) => `  ${line}`), ...told, ""].join("\n"));
}
