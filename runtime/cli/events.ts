/** `pshim6 events`: what happened in the box, and what happens. */
import type { Command } from "commander";
import { z } from "zod";
import { type EventRow, eventRow, listing } from "../api/rows.ts";
import { addBoxFlags, ask, askStream, type BoxFlags, Silence, socketOf } from "./ask.ts";
import { EVENTS } from "./columns.ts";
import { examples, whole } from "./flags.ts";
import { addOutput, type OutputFlags, outputOf, printRows } from "./output.ts";
import type { Session } from "./session.ts";
import { readEvents, type ServerEvent } from "./sse.ts";
import { flat, showTsv, tinted } from "./table.ts";

interface EventFlags extends BoxFlags, OutputFlags {
  readonly follow?: true;
  readonly kind?: readonly string[];
  readonly limit?: number;
}

/** Until the box is asked again after its stream ended. */
const AGAIN = 2_000;
const KIND_WIDTH = 12;
const LISTED = 1_000;

const missedRow = z.object({ count: z.number() });

/** Adds the verb `events` to `parent`. */
export function addEvents(parent: Command, session: Session): void {
  const command = parent
    .command("events")
    .summary("what happened in the box, and what happens")
    .description("Prints the latest events, oldest first; with --follow also those to come, beyond restarts of the box.");
  addOutput(addBoxFlags(command))
    .option("-f, --follow", "go on with what happens, until SIGINT")
    .option("--kind <kind...>", "only of these kinds: established, moved, state, removed, failed, …")
    .option("--limit <n>", "of the latest ones at most so many", whole(0, LISTED))
    .addHelpText(
      "after",
      examples("pshim6 events", "pshim6 events --follow --kind moved", "pshim6 events --follow --limit 0 --json | jq .text"),
    )
    .action((flags: EventFlags) => (flags.follow ? follow(session, flags) : list(session, flags)));
}

/** The latest events, oldest first. @throws {Failure} */
export async function latest(session: Session, socket: string): Promise<readonly EventRow[]> {
  const request = new Request("http://box/events", { headers: { accept: "application/json" } });
  const { items } = await ask(session, socket, request, (body) => listing(eventRow).parse(body));
  return items;
}

function wanted(items: readonly EventRow[], { kind, limit = LISTED }: EventFlags): EventRow[] {
  const rows = items.filter((row) => kind === undefined || kind.includes(row.kind));
  return limit === 0 ? [] : rows.slice(-limit);
}

async function list(session: Session, flags: EventFlags): Promise<void> {
  const rows = wanted(await latest(session, socketOf(session, flags)), flags);
  printRows(session, flags, { items: rows, total: rows.length, next: null }, { columns: EVENTS, rows, empty: "no events" });
}

/** Goes on where the stream broke off, with Last-Event-ID; the box says what is gone for good. */
async function follow(session: Session, flags: EventFlags): Promise<void> {
  const { host } = session;
  const socket = socketOf(session, flags);
  const stop = new AbortController();
  const unhook = host.onStop(() => stop.abort());
  const format = outputOf(flags);
  const show = (row: EventRow): void => session.print(showEvent(row, format, session));
  try {
    const before = await latest(session, socket);
    if (format === "tsv") session.print(showTsv(EVENTS, []));
    for (const row of wanted(before, flags)) show(row);
    let seen = before.at(-1)?.id;
    while (!stop.signal.aborted) {
      const heard = (event: ServerEvent): void => {
        seen = event.id ?? seen;
        if (event.kind === "missed") session.note(`pshim6: ${missedRow.parse(JSON.parse(event.data)).count} events are gone for good\n`);
        else for (const row of wanted([eventRow.parse(JSON.parse(event.data))], { ...flags, limit: LISTED })) show(row);
      };
      await listen(session, socket, { seen, stop: stop.signal, heard });
      if (!stop.signal.aborted && !(await host.pause(AGAIN))) return;
    }
  } finally {
    unhook();
  }
}

/** What {@link listen} is told. */
export interface Listening {
  readonly seen: string | undefined;
  readonly stop: AbortSignal;
  readonly heard: (event: ServerEvent) => void;
}

/** One stream to its end. A box that is silent, or goes silent, is no failure. */
export async function listen(session: Session, socket: string, { seen, stop, heard }: Listening): Promise<void> {
  const headers = { accept: "text/event-stream", ...(seen === undefined ? {} : { "last-event-id": seen }) };
  let stream: ReadableStream<Uint8Array>;
  try {
    stream = await askStream(session, socket, new Request("http://box/events", { headers, signal: stop }));
  } catch (error) {
    if (stop.aborted || error instanceof Silence) return;
    throw error;
  }
  const events = readEvents(stream);
  for (;;) {
    // Only what the stream does is forgiven, not what its listener throws.
    const next = await events.next().catch(() => undefined);
    if (next === undefined || next.done) return;
    heard(next.value);
    if (stop.aborted) {
      await events.return(undefined);
      return;
    }
  }
}

function showEvent(row: EventRow, format: "table" | "json" | "tsv", session: Session): string {
  if (format === "json") return `${JSON.stringify(row)}\n`;
  if (format === "tsv") return showTsv(EVENTS, [row]).split("\n").slice(1).join("\n");
  const kind = flat(row.kind).padEnd(KIND_WIDTH);
  return `${flat(row.at)}  ${session.colours() && row.kind === "failed" ? tinted(kind, "bad") : kind}  ${flat(row.text)}\n`;
}
