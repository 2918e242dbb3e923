/** `pshim6 context`: one context of the running box, to be seen, moved or dropped; its locators are in {@link ./context-locators.ts}. */
import type { Command } from "commander";
import { type ContextRow, contextRow, doneRow } from "../api/rows.ts";
import { addBoxFlags, ask, type BoxFlags, socketOf } from "./ask.ts";
import { CONTEXTS } from "./columns.ts";
import { addContextLocators, ID_MOST, printDone } from "./context-locators.ts";
import { examples, whole } from "./flags.ts";
import { addOutput, type OutputFlags, outputOf, printRows } from "./output.ts";
import type { Session } from "./session.ts";
import { flat } from "./table.ts";

type ContextFlags = BoxFlags & OutputFlags;

/** Adds the verb `context` to the program. */
export function addContext(program: Command, session: Session): void {
  const context = program
    .command("context")
    .summary("show, move or drop one context")
    .description("Shows one context of the running box, or does something with it. `pshim6 show contexts` gives the ids.")
    .addHelpText("after", examples("pshim6 context show 17", "pshim6 context rehome 17"));
  const add = (name: string, summary: string, description: string, run: (id: number, flags: ContextFlags) => Promise<void>): void => {
    const command = context.command(name).summary(summary).description(description).argument("<id>", "the context's id", whole(0, ID_MOST));
    addOutput(addBoxFlags(command))
      .addHelpText("after", examples(`pshim6 context ${name} 17`, `pshim6 context ${name} 17 -c site.yaml --json`))
      .action(run);
  };
  add("show", "all that is known of a context", "Prints all that is known of a context, a line each.", (id, flags) =>
    show(session, id, flags),
  );
  add(
    "rehome",
    "let a context move to a better pair of locators",
    "The context goes on sending as before until a pair that ranks better has proved itself, and stays where it is when there is none.",
    (id, flags) => act(session, id, "rehome", flags),
  );
  add(
    "discard",
    "drop a context, as if it had been idle",
    "A host that goes on sending gets a new context; the peer finds out by itself (RFC 5533 §7.18).",
    (id, flags) => act(session, id, "discard", flags),
  );
  addContextLocators(context, session);
}

async function show(session: Session, id: number, flags: ContextFlags): Promise<void> {
  const row = await ask(session, socketOf(session, flags), new Request(`http://box/contexts/${id}`), (body) => contextRow.parse(body));
  if (outputOf(flags) === "table") session.print(linesOf(row));
  else printRows(session, flags, row, { columns: CONTEXTS, rows: [row], empty: "" });
}

function linesOf(row: ContextRow): string {
  const wide = Math.max(...CONTEXTS.map(({ name, title }) => (name ?? title).length));
  return CONTEXTS.map(({ name, title, cell }) => `${(name ?? title).padEnd(wide)}  ${flat(cell(row))}\n`).join("");
}

async function act(session: Session, id: number, what: "rehome" | "discard", flags: ContextFlags): Promise<void> {
  const request = new Request(`http://box/contexts/${id}/${what}`, { method: "POST" });
  const row = await ask(session, socketOf(session, flags), request, (body) => doneRow.parse(body));
  printDone(session, flags, row);
}
