/** `pshim6 completion`: scripts that complete the command line in bash, zsh and fish. */
import { Argument, type Command } from "commander";
import { listing, providerRow } from "../api/rows.ts";
import { addBoxFlags, ask, type BoxFlags, socketOf } from "./ask.ts";
import { bashScript } from "./completion-bash.ts";
import { fishScript } from "./completion-fish.ts";
import { zshScript } from "./completion-zsh.ts";
import { examples } from "./flags.ts";
import type { Session } from "./session.ts";
import { treeOf, type VerbNode } from "./tree.ts";

const SCRIPTS: Readonly<Record<string, (program: VerbNode) => string>> = { bash: bashScript, zsh: zshScript, fish: fishScript };
/** Whoever presses the tab key does not wait longer. */
const PATIENCE = 500;

/** Adds the verb `completion` to the program. */
export function addCompletion(program: Command, session: Session): void {
  const completion = program
    .command("completion")
    .summary("print a script that completes the command line")
    .description(
      "Prints a script by which a shell completes verbs, flags, their values, files, and the names of the running box's providers.",
    )
    .addArgument(new Argument("<shell>", "the shell").choices(Object.keys(SCRIPTS)))
    .addHelpText(
      "after",
      examples(
        "source <(pshim6 completion bash)",
        "pshim6 completion zsh > /usr/local/share/zsh/site-functions/_pshim6",
        "pshim6 completion fish > /etc/fish/completions/pshim6.fish",
      ),
    )
    .action((shell: string) => session.print(SCRIPTS[shell](treeOf(program))));
  // Not for people: what the scripts ask for.
  addBoxFlags(completion.command("providers", { hidden: true })).action((flags: BoxFlags) => providers(session, flags));
}

/** Names of the box's providers, a line each; none when no box answers at once. */
async function providers(session: Session, flags: BoxFlags): Promise<void> {
  try {
    const request = new Request("http://box/providers", { signal: AbortSignal.timeout(PATIENCE) });
    const { items } = await ask(session, socketOf(session, flags), request, (body) => listing(providerRow).parse(body));
    session.print(items.map(({ name }) => `${name}\n`).join(""));
  } catch {
    // There is nothing to complete with; a message would stand in the middle of the user's line.
  }
}
