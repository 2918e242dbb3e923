/** `pshim6 man`: the manual page, out of the same commands as the help (man(7) macros, read by groff and mandoc). */
import type { Command } from "commander";
import { examples } from "./flags.ts";
import type { Session } from "./session.ts";
import { everyVerb, type OptionNode, treeOf, type VerbNode } from "./tree.ts";

/** Adds the verb `man` to the program. */
export function addManual(program: Command, session: Session): void {
  program
    .command("man")
    .summary("print the manual page")
    .description("Prints the manual page pshim6(1) as roff. It says what --help says, of all verbs.")
    .addHelpText("after", examples("pshim6 man | man -l -", "pshim6 man > /usr/local/share/man/man1/pshim6.1"))
    .action(() => {
      // A package that is built twice is to be the same twice (reproducible-builds.org).
      const epoch = session.host.host.environment("SOURCE_DATE_EPOCH");
      const wall = epoch === undefined || !/^\d{1,12}$/.test(epoch) ? session.host.wall() : Number(epoch) * 1_000;
      session.print(manualOf(treeOf(program), session.host.version, new Date(wall).toISOString().slice(0, 10)));
    });
}

/** The page. `date` as ISO 8601 has it. */
export function manualOf(program: VerbNode, version: string, date: string): string {
  const verbs = everyVerb(program).filter(({ path, verbs: under }) => path.length > 0 && under.length === 0);
  const lines = [
    `.TH PSHIM6 1 "${date}" "pshim6 ${version}" "pshim6"`,
    ".SH NAME",
    "pshim6 \\- IPv6 multihoming for a whole site",
    ".SH SYNOPSIS",
    ".B pshim6",
    ".I verb",
    "[options]",
    ".SH DESCRIPTION",
    roff(program.description),
    ".PP",
    roff("Options that hold for the program itself:"),
    ...program.options.flatMap(showOption),
    ".SH VERBS",
    ...verbs.flatMap(showVerb),
    ...REST,
    ".SH EXAMPLES",
    ".nf",
    ...[program, ...program.verbs].flatMap(({ examples: some }) => some.slice(0, 2)).map((line) => roff(line).replaceAll("\n", " ")),
    ".fi",
    ".SH SEE ALSO",
    ".BR ip (8),",
    ".BR nft (8),",
    ".BR tshark (1)",
  ];
  return `${lines.join("\n")}\n`;
}

function showVerb({ path, usage, description, arguments: words, options }: VerbNode): string[] {
  return [
    `.SS "pshim6 ${roff(path.join(" "))} ${quoted(usage)}"`,
    roff(description),
    ...words.filter((word) => word.description !== "").flatMap((word) => [".TP", `.I "${quoted(word.shown)}"`, roff(word.description)]),
    ...options.filter(({ names }) => !names.includes("--help")).flatMap(showOption),
  ];
}

function showOption({ flags, description }: OptionNode): string[] {
  return [".TP", `.B "${quoted(flags)}"`, roff(description)];
}

const REST = [
  ".SH EXIT STATUS",
  ".TP",
  ".B 0",
  "All went well.",
  ".TP",
  ".B 1",
  "The input or the world is wrong; standard error says what and what to do.",
  ".TP",
  ".B 2",
  "Wrong usage.",
  ".SH ENVIRONMENT",
  ".TP",
  ".B NO_COLOR",
  "Set to anything: no colours on a terminal.",
  ".TP",
  ".B PSHIM6_DEBUG",
  "Set to 1: errors of the program itself show where they happened.",
  ".SH FILES",
  ".TP",
  ".I /etc/pshim6/site.yaml",
  "The site\\(aqs settings.",
  ".TP",
  ".I /run/pshim6/*.sock",
  "Sockets of running boxes.",
  ".TP",
  ".I /var/lib/pshim6",
  "State: the site\\(aqs key, parameters of identifiers, leases.",
];

/** `text` as roff takes it: nothing in it is a request or an escape. */
export function roff(text: string): string {
  const safe = text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("'", "\\(aq")
    .replaceAll("`", "\\(ga")
    .replaceAll("^", "\\(ha")
    .replaceAll("~", "\\(ti")
    .replace(/[^\n\x20-\x7e]/gu, (sign) => `\\[u${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}]`);
  return folded(safe).replace(/^\./gm, "\\&.");
}

/** Lines of the page's source as mandoc wants them. */
const LINE = 78;

function folded(text: string): string {
  let line = "";
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > LINE) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join("\n");
}

/** The same between quotation marks of a request, which is one line. */
function quoted(text: string): string {
  return roff(text).replaceAll("\n", " ").replaceAll('"', "\\(dq");
}
