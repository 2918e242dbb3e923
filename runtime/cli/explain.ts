/** `pshim6 explain`: what will happen to a packet, and why, on one screen. The running box says it; this prints it. */
import type { Command } from "commander";
import { type ExplainRow, explainRow } from "../api/rows-explain.ts";
import { addBoxFlags, ask, type BoxFlags, socketOf } from "./ask.ts";
import { examples, whole } from "./flags.ts";
import { addOutput, type OutputFlags, outputOf, printRows } from "./output.ts";
import { EXIT_USAGE, EXIT_WRONG, Failure, type Session } from "./session.ts";
import { type Column, flat, showMillis, showTable } from "./table.ts";

interface ExplainFlags extends BoxFlags, OutputFlags {
  readonly protocol?: string;
  readonly port?: number;
  readonly class?: string;
}

type Step = ExplainRow["steps"][number];
type Pair = ExplainRow["pairs"][number];
type Standing = ExplainRow["providers"][number];

/** It is to be read on any terminal. */
const WIDEST = 80;
const NARROWEST = 40;
const PORT_MOST = 65_535;
const ARROWS = new Set(["->", "→", "to"]);

/** Adds the verb `explain` to the program. */
export function addExplain(program: Command, session: Session): void {
  const command = program
    .command("explain")
    .summary("what will happen to a packet, and why")
    .description(
      "Asks the running box what it would do with a packet between two ends: a host of the site by name or address, and a domain name or an address. Nothing is set up by asking, but a name that nobody knows yet is looked up.",
    )
    .usage("[options] <from> to <to>")
    .argument("<from>", "a host of the site by name, or an address")
    .argument("[to...]", 'a domain name or an address; "to", or a quoted arrow, may stand between the two')
    // An arrow begins with a dash.
    .allowUnknownOption()
    .option("--protocol <name>", "a protocol's name or number")
    .option("--port <number>", "the port of the server", whole(0, PORT_MOST))
    .option("--class <name>", "a class of traffic, or its DSCP");
  addOutput(addBoxFlags(command))
    .addHelpText(
      "after",
      examples(
        "pshim6 explain h1 to h2.beta.example",
        "pshim6 explain 'h1 -> h2.beta.example' --protocol tcp --port 443",
        "pshim6 explain fc00:aaaa:1::10 fc00:bbbb:1::10 --json",
      ),
    )
    .action((from: string, to: readonly string[], flags: ExplainFlags) => explain(session, [from, ...to], flags));
}

async function explain(session: Session, words: readonly string[], flags: ExplainFlags): Promise<void> {
  const [from, to] = endsOf(words);
  const query = new URLSearchParams({ from, to });
  for (const name of ["protocol", "port", "class"] as const) if (flags[name] !== undefined) query.append(name, String(flags[name]));
  const row = await ask(session, socketOf(session, flags), new Request(`http://box/explain?${query}`), (body) => explainRow.parse(body));
  if (row.outcome === "unknown") session.exit = EXIT_WRONG;
  if (outputOf(flags) !== "table") return printRows(session, flags, row, { columns: STEPS, rows: row.steps, empty: "" });
  session.print(textOf(row, Math.max(NARROWEST, Math.min(WIDEST, session.width()))));
}

/** The two ends in what was written. @throws {Failure} where there are not two */
function endsOf(words: readonly string[]): [from: string, to: string] {
  const said = words.flatMap((word) => word.replace(/->|→/g, " -> ").trim().split(/\s+/));
  // "h1 -> h2" without quotes: the shell has put "> h2" to its own use.
  if (said.at(-1) === "-") throw new Failure("the shell took the > for itself: write 'h1 -> h2' in quotes, or h1 to h2", EXIT_USAGE);
  const option = said.find((word) => word.startsWith("-") && !ARROWS.has(word));
  if (option !== undefined) throw new Failure(`unknown option '${option}'`, EXIT_USAGE);
  const ends = said.filter((word, i) => !ARROWS.has(word) || (word === "to" && i !== 1));
  if (ends.length !== 2) throw new Failure("two ends are wanted: pshim6 explain h1 to h2.beta.example", EXIT_USAGE);
  return [ends[0], ends[1]];
}

const STEPS: readonly Column<Step>[] = [
  { title: "", name: "ok", cell: ({ ok }) => markOf(ok) },
  { title: "step", cell: ({ step }) => step },
  { title: "what", cell: ({ what }) => what },
  { title: "why", cell: ({ why }) => why ?? "" },
  { title: "source", cell: ({ source }) => source ?? "" },
];
const PAIRS: readonly Column<Pair>[] = [
  { title: "provider", cell: ({ provider }) => provider ?? "-" },
  { title: "from", cell: ({ local }) => local },
  { title: "to", cell: ({ peer }) => peer },
  { title: "path", cell: ({ path, isCurrent }) => (isCurrent ? `${path}, in use` : path) },
  { title: "rtt", cell: ({ rttMs }) => showMillis(rttMs), right: true, spare: 1 },
];
const STANDINGS: readonly Column<Standing>[] = [
  { title: "provider", cell: ({ name }) => name },
  { title: "may carry it", cell: ({ isCandidate }) => (isCandidate ? "yes" : "no") },
  { title: "because", cell: ({ state }) => state },
  { title: "said in", cell: ({ source }) => source ?? "", spare: 1 },
];

function markOf(ok: boolean | null): string {
  return ok === null ? "?" : ok ? "+" : "!";
}

function textOf({ from, to, verdict, steps, pairs, providers }: ExplainRow, width: number): string {
  const label = Math.max(...steps.map(({ step }) => step.length));
  const body = steps.map((step) => showStep(step, label, width)).join("");
  const tables = [
    ...(pairs.length === 0 ? [] : [`\n${showTable(PAIRS, pairs, width)}`]),
    ...(providers.length === 0 ? [] : [`\n${showTable(STANDINGS, providers, width)}`]),
  ];
  return `${wrapped(flat(`${from.asked} → ${to.asked}: ${verdict}`), 0, width)}\n\n${body}${tables.join("")}`;
}

function showStep({ step, ok, what, why, source }: Step, label: number, width: number): string {
  const head = `${markOf(ok)} ${step.padEnd(label)}  `;
  const reason = [why, source === null ? null : `(${source})`].filter((part) => part !== null).join(" ");
  const indent = " ".repeat(head.length);
  const lines = [`${head}${wrapped(flat(what), head.length, width)}`];
  if (reason !== "") lines.push(`${indent}${wrapped(flat(reason), head.length, width)}`);
  return `${lines.join("\n")}\n`;
}

/** `text` in lines of at most `width`, all but the first indented; a word that is longer stands alone. */
function wrapped(text: string, indent: number, width: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent + line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join(`\n${" ".repeat(indent)}`);
}
