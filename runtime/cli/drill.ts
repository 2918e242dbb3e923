/** `pshim6 drill`: a provider is as good as dead for a while, and what comes of it is reported. */
import type { Command } from "commander";
import { type DrillClassRow, type DrillRow, drillRow } from "../api/drill-rows.ts";
import { addBoxFlags, ask, type BoxFlags, socketOf } from "./ask.ts";
import { examples, spanArgument } from "./flags.ts";
import { addOutput, type OutputFlags, outputOf, printRows } from "./output.ts";
import { countOf, EXIT_WRONG, type Session } from "./session.ts";
import { type Column, flat, showCount, showMillis, showTable, tinted } from "./table.ts";

interface DrillFlags extends BoxFlags, OutputFlags {
  readonly for?: string;
  readonly force?: true;
}

/** Between two looks at the drill. */
const LOOK = 200;

/** Adds the verb `drill` to the program. */
export function addDrill(program: Command, session: Session): void {
  const drill = program
    .command("drill")
    .summary("let a provider be dead for a while, and see what comes of it")
    .description("Failover drills on a running box. Connections are meant to live on.");
  const path = drill
    .command("path")
    .summary("a provider is dead for a while")
    .description(
      "The box drops every packet that leaves or comes by the provider, silently, as if it had died somewhere far away; nobody is told. After the time, or at SIGINT, it works again, even if this program or the box has died. Reports what was lost and how long hosts waited, by kind of traffic. Exit code 1 if a connection did not survive.",
    )
    .argument("<provider>", "its name in site.yaml")
    .option("--for <time>", "how long it is dead, five minutes at most; without: 10s", spanArgument)
    .option("--force", "also if no other provider works");
  addOutput(addBoxFlags(path))
    .addHelpText("after", examples("pshim6 drill path isp1", "pshim6 drill path isp1 --for 30s --json | jq .survived"))
    .action((name: string, flags: DrillFlags) => run(session, name, flags));
}

async function run(session: Session, provider: string, flags: DrillFlags): Promise<void> {
  const { host } = session;
  const socket = socketOf(session, flags);
  const read = (body: unknown): DrillRow => drillRow.parse(body);
  const begin = new Request("http://box/drills", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ provider, for: flags.for, force: flags.force }),
  });
  let stopped = false;
  const unhook = host.onStop(() => {
    stopped = true;
  });
  try {
    let row = await ask(session, socket, begin, read);
    const url = `http://box/drills/${row.id}`;
    const progress = new Progress(session);
    while (row.state !== "done") {
      progress.show(row);
      const isOver = stopped || !(await host.pause(LOOK));
      const wantsEnd = isOver && !row.cut && row.state !== "settling";
      row = await ask(session, socket, new Request(url, { method: wantsEnd ? "DELETE" : "GET" }), read);
      // The signal was heard: from here on the end is waited for.
      stopped = false;
    }
    progress.clear();
    print(session, row, flags);
    if (row.survived === false) session.exit = EXIT_WRONG;
  } finally {
    unhook();
  }
}

/** One line on the terminal that tells how far it is. */
class Progress {
  readonly #session: Session;
  readonly #shown: boolean;

  constructor(session: Session) {
    this.#session = session;
    this.#shown = session.host.host.isTerminal("stderr");
  }

  show({ state, provider, brokenMs, forMs }: DrillRow): void {
    if (!this.#shown) return;
    const said = {
      listening: "listening to what goes on",
      broken: `${flat(provider)} is dead: ${showMillis(brokenMs)} of ${showMillis(forMs)}, ^C ends it`,
      settling: `${flat(provider)} works again, contexts come to rest`,
      done: "",
    }[state];
    this.#session.note(`\r${said}\x1b[K`);
  }

  clear(): void {
    if (this.#shown) this.#session.note("\r\x1b[K");
  }
}

const CLASSES: readonly Column<DrillClassRow>[] = [
  { title: "traffic", name: "class", cell: (row) => row.class },
  { title: "flows", cell: (row) => String(row.flows), right: true },
  { title: "back", cell: (row) => String(row.back), right: true },
  { title: "silent", cell: (row) => String(row.silent), right: true, tone: (row) => (row.silent > 0 ? "bad" : undefined) },
  { title: "median", name: "medianMs", cell: (row) => showMillis(row.medianMs), plain: (row) => String(row.medianMs ?? ""), right: true },
  { title: "p95", name: "p95Ms", cell: (row) => showMillis(row.p95Ms), plain: (row) => String(row.p95Ms ?? ""), right: true },
  { title: "longest", name: "maxMs", cell: (row) => showMillis(row.maxMs), plain: (row) => String(row.maxMs ?? ""), right: true },
  lossColumn("lost out", "lostOutPackets", (row) => row.lostOut.packets),
  lossColumn("octets", "lostOutOctets", (row) => row.lostOut.octets, 1),
  lossColumn("lost in", "lostInPackets", (row) => row.lostIn.packets),
  lossColumn("octets", "lostInOctets", (row) => row.lostIn.octets, 1),
];

function lossColumn(title: string, name: string, value: (row: DrillClassRow) => number, spare?: number): Column<DrillClassRow> {
  const cell = (row: DrillClassRow): string => showCount(value(row));
  return { title, name, cell, plain: (row) => String(value(row)), right: true, ...(spare === undefined ? {} : { spare }) };
}

function print(session: Session, row: DrillRow, flags: DrillFlags): void {
  if (outputOf(flags) !== "table") {
    printRows(session, flags, row, { columns: CLASSES, rows: row.classes, empty: "" });
    return;
  }
  const { affected, active, moved } = row.contexts;
  const cut = row.cut ? ", ended before its time" : "";
  session.print(`${flat(row.provider)} was dead for ${showMillis(row.brokenMs)}${cut}\n`);
  session.print(`${countOf(affected, "context")} sent by it, ${active} with traffic, ${moved} of these moved\n`);
  if (row.classes.length > 0) session.print(showTable(CLASSES, row.classes, session.width(), session.colours()));
  const lines = row.failed.map(({ id, localUlid, peerUlid, why }) => `  context ${id} ${localUlid} ${peerUlid}: ${flat(why)}\n`);
  const more = row.failures > row.failed.length ? `  and ${row.failures - row.failed.length} more\n` : "";
  const verdict = verdictOf(row);
  session.print(`${session.colours() ? tinted(verdict.text, verdict.tone) : verdict.text}\n${lines.join("")}${more}`);
}

function verdictOf({ survived, contexts, failures }: DrillRow): { readonly text: string; readonly tone: "good" | "warn" | "bad" } {
  if (survived === null) return { text: "nothing is known: the drill ended before the break", tone: "warn" };
  if (!survived) return { text: `${countOf(failures, "context")} did not survive`, tone: "bad" };
  if (contexts.active === 0) return { text: "nothing is proved: no traffic went by this provider", tone: "warn" };
  return { text: "every connection survived", tone: "good" };
}
