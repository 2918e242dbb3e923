/** `pshim6 exception`: peers and ports for which Shim6 is switched off (RFC 6316 §6.2). */
import { type Command, InvalidArgumentError } from "commander";
import { type ExceptionsRow, exceptionsRow } from "../api/rows-locators.ts";
import { parseAddress } from "../value/address.ts";
import { parsePrefix, showPrefix } from "../value/prefix.ts";
import { addBoxFlags, ask, type BoxFlags, socketOf } from "./ask.ts";
import { examples } from "./flags.ts";
import { addOutput, type OutputFlags, printRows } from "./output.ts";
import { Failure, type Session } from "./session.ts";
import type { Column } from "./table.ts";

type ExceptionFlags = BoxFlags & OutputFlags;

/** One exception, as the API shows it. */
interface Exception {
  readonly kind: "peer" | "port";
  readonly what: string;
}

const PORT_LIMIT = 65_535;
const COLUMNS: readonly Column<Exception>[] = [
  { title: "for", name: "kind", cell: ({ kind }) => kind },
  { title: "what", cell: ({ what }) => what },
];

/** Adds the verb `exception` to the program. */
export function addException(program: Command, session: Session): void {
  const exception = program
    .command("exception")
    .summary("switch Shim6 off for peers and ports, or on again")
    .description("Says for which peers and ports the running box does without Shim6. It lasts beyond restarts; contexts that live stay.");
  addOutput(
    addBoxFlags(exception.command("list").summary("for what Shim6 is switched off").description("Prints for what Shim6 is switched off.")),
  )
    .addHelpText("after", examples("pshim6 exception list", "pshim6 exception list --json"))
    .action(async (flags: ExceptionFlags) => print(session, flags, await read(session, socketOf(session, flags))));
  const add = (name: string, summary: string, description: string, change: Change): void => {
    const command = exception
      .command(name)
      .summary(summary)
      .description(description)
      .argument("<what...>", "a peer's identifier, a prefix, a port, or a range of ports", exceptionArgument);
    addOutput(addBoxFlags(command))
      .addHelpText("after", examples(`pshim6 exception ${name} fc00:bbbb:1::/48`, `pshim6 exception ${name} 123 5000-6000`))
      .action((what: readonly Exception[], flags: ExceptionFlags) => put(session, flags, what, change));
  };
  add(
    "add",
    "switch Shim6 off for peers or ports",
    "Peers get no context, and no answer when they begin one; packets of ports bring none about. Prints what holds then.",
    (known, what) => [...known, ...what.filter((each) => !known.some((other) => isSame(each, other)))],
  );
  add(
    "remove",
    "switch Shim6 on again for peers or ports",
    "Each is to be named as `pshim6 exception list` shows it. Prints what holds then.",
    (known, what) => {
      const strange = what.find((each) => !known.some((other) => isSame(each, other)));
      if (strange !== undefined)
        throw new Failure(`there is no exception ${strange.what}: "pshim6 exception list" shows those that there are`);
      return known.filter((each) => !what.some((other) => isSame(each, other)));
    },
  );
}

type Change = (known: readonly Exception[], what: readonly Exception[]) => readonly Exception[];

function isSame(a: Exception, b: Exception): boolean {
  return a.kind === b.kind && a.what === b.what;
}

/** Reads one exception, and those before it. @throws {InvalidArgumentError} */
function exceptionArgument(text: string, before: readonly Exception[] | undefined): readonly Exception[] {
  const found = portsOf(text) ?? peerOf(text);
  if (found === undefined)
    throw new InvalidArgumentError("It must be an IPv6 address, a prefix, a port, or a range of ports such as 5000-6000.");
  return (before ?? []).some((each) => isSame(each, found)) ? (before ?? []) : [...(before ?? []), found];
}

function portsOf(text: string): Exception | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (match === null || first > last || last > PORT_LIMIT) return undefined;
  return { kind: "port", what: first === last ? String(first) : `${first}-${last}` };
}

function peerOf(text: string): Exception | undefined {
  const alone = parseAddress(text);
  const prefix = parsePrefix(alone === undefined ? text : `${alone}/128`);
  return prefix && { kind: "peer", what: showPrefix(prefix) };
}

/** The API takes all of them as a whole. */
async function put(session: Session, flags: ExceptionFlags, what: readonly Exception[], change: Change): Promise<void> {
  const socket = socketOf(session, flags);
  const wanted = change(linesOf(await read(session, socket)), what);
  const of = (kind: Exception["kind"]): string[] => wanted.flatMap((each) => (each.kind === kind ? [each.what] : []));
  const body = JSON.stringify({ peers: of("peer"), ports: of("port") } satisfies ExceptionsRow);
  const request = new Request("http://box/exceptions", { method: "PUT", headers: { "content-type": "application/json" }, body });
  print(session, flags, await ask(session, socket, request, (answer) => exceptionsRow.parse(answer)));
}

function read(session: Session, socket: string): Promise<ExceptionsRow> {
  return ask(session, socket, new Request("http://box/exceptions"), (body) => exceptionsRow.parse(body));
}

function print(session: Session, flags: ExceptionFlags, row: ExceptionsRow): void {
  printRows(session, flags, row, { columns: COLUMNS, rows: linesOf(row), empty: "no exceptions" });
}

function linesOf({ peers, ports }: ExceptionsRow): Exception[] {
  return [...peers.map((what): Exception => ({ kind: "peer", what })), ...ports.map((what): Exception => ({ kind: "port", what }))];
}
