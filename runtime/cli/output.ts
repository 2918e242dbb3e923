/** How a verb's rows are printed: for people as a table, for programs as JSON or tab-separated values. */
import { type Command, Option } from "commander";
import { JSON_FLAG } from "./flags.ts";
import type { Session } from "./session.ts";
import { type Column, showTable, showTsv } from "./table.ts";

export const OUTPUTS = ["table", "json", "tsv"] as const;
export type Output = (typeof OUTPUTS)[number];

/** What the flags of {@link addOutput} say. */
export interface OutputFlags {
  readonly output?: Output;
  readonly json?: true;
}

/** Adds `-o` and `--json`. */
export function addOutput(command: Command): Command {
  return command.addOption(outputOption()).addOption(jsonOption());
}

/** `-o`. */
export function outputOption(): Option {
  return new Option("-o, --output <format>", "how to print: for people, or whole and exact for programs").choices(OUTPUTS);
}

/** `--json`. */
export function jsonOption(): Option {
  return new Option(JSON_FLAG, "the same as -o json").conflicts("output");
}

/** The format that `flags` ask for. */
export function outputOf({ output, json }: OutputFlags): Output {
  return json ? "json" : (output ?? "table");
}

/** Prints `body` as JSON, or its `rows` under `columns` as a table or as tab-separated values; `empty` in place of a table without rows. */
export function printRows<Row>(
  session: Session,
  flags: OutputFlags,
  body: unknown,
  { columns, rows, empty }: { readonly columns: readonly Column<Row>[]; readonly rows: readonly Row[]; readonly empty: string },
): void {
  const format = outputOf(flags);
  if (format === "json") session.printJson(body);
  else if (format === "tsv") session.print(showTsv(columns, rows));
  else session.print(rows.length === 0 ? `${empty}\n` : showTable(columns, rows, session.width(), session.colours()));
}
