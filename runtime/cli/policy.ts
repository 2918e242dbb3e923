/** `pshim6 policy test`: which rule of site.yaml decides about a flow, and what it means for each provider. */
import type { Command } from "commander";
import { portsField, protocolField } from "../config/policy-fields.ts";
import { choose, type PolicyChoice, type PolicyFlow } from "../policy/decide.ts";
import { minuteOfWeek } from "../policy/hours.ts";
import { looksAtTransport, type PolicyRule } from "../policy/rule.ts";
import { reasonsFor, showUse } from "../policy/why.ts";
import type { Address } from "../value/address.ts";
import { parseWeekMinute } from "../value/flow.ts";
import { addressArgument, CONFIG_FLAG, CONFIG_HELP, DEFAULT_CONFIG, examples } from "./flags.ts";
import { jsonOption, type OutputFlags, outputOf, outputOption, printRows } from "./output.ts";
import { Failure, type Session } from "./session.ts";
import { type Column, showTable } from "./table.ts";

interface TestFlags extends OutputFlags {
  readonly config: string;
  readonly from: Address;
  readonly to: Address;
  readonly name?: string;
  readonly protocol?: string;
  readonly port?: string;
  readonly at?: string;
}

/** Adds the verb `policy` to the program. */
export function addPolicy(program: Command, session: Session): void {
  const policy = program
    .command("policy")
    .summary("which provider carries what")
    .description("Tries the rules of site.yaml; asks no running box.");
  policy
    .command("test")
    .summary("the rule that decides about a flow")
    .description("Prints which rule decides about a flow, why earlier ones do not, and the order of the providers that comes of it.")
    .option(CONFIG_FLAG, CONFIG_HELP, DEFAULT_CONFIG)
    .requiredOption("--from <address>", "the host's identifier", addressArgument)
    .requiredOption("--to <address>", "the peer's identifier", addressArgument)
    .option("--name <domain>", "the name that the peer is asked for by")
    .option("--protocol <name>", "a protocol's name or number")
    .option("--port <number>", "the port of the server")
    .option("--at <time>", 'a time of the week, such as "fri 17:30"; without: now')
    .addOption(outputOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      examples(
        "pshim6 policy test -c site.yaml --from fc00:aaaa:1::10 --to fc00:bbbb:1::10",
        "pshim6 policy test -c site.yaml --from fc00:aaaa:1::10 --to fc00:bbbb:1::10 --protocol udp --port 5060 --at 'sat 12:00'",
      ),
    )
    .action((flags: TestFlags) => test(flags, session));
}

function test(flags: TestFlags, session: Session): void {
  const site = session.site(flags.config);
  const flow = flowOf(flags, session.host.wall());
  const reasons = reasonsFor(site.policy, flow);
  const rule = reasons.place === undefined ? undefined : site.policy[reasons.place];
  const before = reasons.before.map(({ rule: each, why }) => ({ rule: each.name, why }));
  const choices = choose(rule?.use ?? { kind: "default" }, site.providers);
  const body = { rule: rule?.name ?? null, use: rule?.use.kind ?? "default", providers: choices, before };
  if (outputOf(flags) === "table") session.print(textOf(rule, before, choices, session));
  else printRows(session, flags, body, { columns: CHOICES, rows: inOrder(choices), empty: "" });
}

function flowOf({ from, to, name, protocol, port, at }: TestFlags, wall: number): PolicyFlow {
  const known = protocol === undefined ? undefined : protocolField.safeParse(/^\d+$/.test(protocol) ? Number(protocol) : protocol);
  if (known?.success === false) throw new Failure(`--protocol ${known.error.issues[0].message}`);
  const ports = port === undefined ? undefined : portsField.safeParse(port);
  if (ports?.success === false) throw new Failure(`--port ${ports.error.issues[0].message}`);
  return {
    from,
    to,
    names: name === undefined ? [] : [name.toLowerCase().replace(/\.$/, "")],
    protocol: known?.data,
    sourcePort: undefined,
    destinationPort: ports?.data?.first,
    class: undefined,
    minute: at === undefined ? minuteOfWeek(wall) : minuteOf(at),
  };
}

function minuteOf(text: string): number {
  const minute = parseWeekMinute(text);
  if (minute === undefined) throw new Failure(`--at is no time of the week: ${text}; write it like "fri 17:30"`);
  return minute;
}

function textOf(
  rule: PolicyRule | undefined,
  before: readonly { readonly rule: string; readonly why: string }[],
  choices: readonly PolicyChoice[],
  session: Session,
): string {
  const decided =
    rule === undefined
      ? "no rule decides: the providers' own priorities hold\n"
      : `${rule.name} decides: ${showUse(rule.use)}${looksAtTransport(rule.match) ? " (needs a context of its own)" : ""}\n`;
  const table = showTable(CHOICES, inOrder(choices), session.width(), session.colours());
  const passed = before.map((each) => `  ${each.rule} does not match: ${each.why}\n`).join("");
  return `${decided}${passed}${table}`;
}

const CHOICES: readonly Column<PolicyChoice>[] = [
  { title: "provider", cell: (row) => row.name },
  { title: "turn", cell: (row) => (row.allowed ? String(row.rank + 1) : "never"), right: true },
  { title: "weight", cell: (row) => String(row.weight), right: true },
];

/** Whoever may carry it first, then by rank. */
function inOrder(choices: readonly PolicyChoice[]): PolicyChoice[] {
  return [...choices].sort((a, b) => Number(b.allowed) - Number(a.allowed) || a.rank - b.rank);
}
