/** `pshim6 show`: asks the running box over its Unix socket and prints what it says. */
import type { Command } from "commander";
import type { z } from "zod";
import {
  type BindingRow,
  bindingRow,
  type ContextRow,
  contextRow,
  counterRows,
  type FirewallRow,
  firewallRow,
  type KeyRow,
  keyRow,
  type LeaseRow,
  type Listing,
  leaseRow,
  listing,
  type PathRow,
  type ProviderRow,
  pathRow,
  problem,
  providerRow,
  statusRow,
} from "../api/rows.ts";
import { PortError } from "../port/error.ts";
import type { Address } from "../value/address.ts";
import { addressArgument, CONFIG_FLAG, CONFIG_HELP, examples, JSON_FLAG, JSON_HELP, seconds, whole } from "./flags.ts";
import { Failure, type Session } from "./session.ts";
import { type Column, showCount, showMillis, showTable } from "./table.ts";

const CONTROL_DIRECTORY = "/run/pshim6";
const CLEAR_SCREEN = "\x1b[H\x1b[2J";

interface ShowFlags {
  readonly config?: string;
  readonly socket?: string;
  readonly json?: true;
  readonly watch?: number | true;
  readonly limit?: number;
  readonly ulid?: Address;
  readonly all?: true;
}

/** How one kind of thing is asked for, checked and printed. */
interface View {
  readonly path: string;
  readonly read: (body: unknown) => unknown;
  readonly print: (body: unknown, width: number, flags: ShowFlags) => string;
}

/** Checks an answer, then prints it: the two with the same type. */
function view<Body>(path: string, schema: z.ZodType<Body>, print: (body: Body, width: number, flags: ShowFlags) => string): View {
  return { path, read: (body) => schema.parse(body), print: (body, width, flags) => print(schema.parse(body), width, flags) };
}

/** Adds the verb `show` to the program. */
export function addShow(program: Command, session: Session): void {
  const show = program.command("show").summary("what the running box does").description("Asks the running box and prints what it says.");
  show.addHelpText(
    "after",
    examples("pshim6 show contexts -c site.yaml", "pshim6 show paths --watch", "pshim6 show counters --json | jq ."),
  );
  const add = (name: string, summary: string, what: View, extend: (command: Command) => Command = (command) => command): void => {
    const command = show
      .command(name)
      .summary(summary)
      .description(`Prints ${summary}.`)
      .option(CONFIG_FLAG, `${CONFIG_HELP}: they name the box's socket`)
      .option("--socket <path>", `the box's socket; without this and -c: the only one in ${CONTROL_DIRECTORY}`)
      .option("--watch [seconds]", "again and again, every second unless said", seconds)
      .option(JSON_FLAG, JSON_HELP);
    extend(command)
      .addHelpText("after", examples(`pshim6 show ${name} -c site.yaml`, `pshim6 show ${name} --json`, `pshim6 show ${name} --watch 0.5`))
      .action((flags: ShowFlags) => run(session, what, flags));
  };
  const limited = (command: Command): Command => command.option("--limit <n>", "rows at most", whole(0, 100_000));
  const filtered = (command: Command): Command => limited(command).option("--ulid <address>", "only those of this host", addressArgument);
  add("status", "the box: site, version, contexts in use", view("/status", statusRow, showStatus));
  add(
    "contexts",
    "the Shim6 contexts: hosts, locators, states, traffic",
    view("/contexts", listing(contextRow), tableOf(CONTEXTS, "context")),
    filtered,
  );
  add("paths", "the paths to other boxes and whether they live", view("/paths", listing(pathRow), tableOf(PATHS, "path")), limited);
  add("counters", "the counters that are not zero", view("/counters", counterRows, showCounters), (command) =>
    command.option("--all", "zeros too"),
  );
  add("providers", "the providers and what they carry", view("/providers", listing(providerRow), tableOf(PROVIDERS, "provider")), limited);
  add("firewall", "what the filter's rules counted", view("/firewall", listing(firewallRow), tableOf(FIREWALL, "counter")), limited);
  add("bindings", "where hosts of other sites are found", view("/bindings", listing(bindingRow), tableOf(BINDINGS, "binding")), filtered);
  add("leases", "the identifiers that hosts were given", view("/leases", listing(leaseRow), tableOf(LEASES, "lease")), filtered);
  add("keys", "the keys that prove the site's identifiers", view("/keys", listing(keyRow), tableOf(KEYS, "key")), limited);
}

async function run(session: Session, what: View, flags: ShowFlags): Promise<void> {
  const socket = socketOf(session, flags);
  const path = what.path + queryOf(flags);
  for (;;) {
    const body = await ask(session, socket, new Request(`http://box${path}`), what.read);
    if (flags.json) session.printJson(body);
    else
      session.print((flags.watch && session.host.host.isTerminal("stdout") ? CLEAR_SCREEN : "") + what.print(body, session.width(), flags));
    if (flags.watch === undefined) return;
    if (!(await session.host.pause((flags.watch === true ? 1 : flags.watch) * 1_000))) return;
  }
}

/** The socket of the box that `flags` mean. */
export function socketOf(session: Session, flags: Pick<ShowFlags, "config" | "socket">): string {
  if (flags.socket !== undefined) return flags.socket;
  if (flags.config !== undefined) return session.site(flags.config).control;
  const sockets = (session.host.files.list(CONTROL_DIRECTORY) ?? []).filter((name) => name.endsWith(".sock"));
  if (sockets.length === 1) return `${CONTROL_DIRECTORY}/${sockets[0]}`;
  if (sockets.length === 0) throw new Failure(`no box runs here: start one with "pshim6 run", or name its socket with -c or --socket`);
  throw new Failure(`several boxes run here (${sockets.join(", ")}): choose one with -c or --socket`);
}

function queryOf(flags: ShowFlags): string {
  const query = new URLSearchParams();
  if (flags.limit !== undefined) query.set("limit", String(flags.limit));
  if (flags.ulid !== undefined) query.set("ulid", flags.ulid);
  return query.size === 0 ? "" : `?${query}`;
}

/** Sends `request` to the box behind `socket`. @throws {Failure} when nobody answers, the box refuses, or `read` does not know the answer */
export async function ask<Body>(session: Session, socket: string, request: Request, read: (body: unknown) => Body): Promise<Body> {
  let answer: Response;
  try {
    answer = await session.host.http.request(socket, request);
  } catch (error) {
    if (error instanceof PortError && error.code === "missing") throw new Failure(`no box answers at ${socket}: is it running?`);
    throw error;
  }
  const text = await answer.text();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new Failure(`what answers at ${socket} is no box: it does not speak JSON`);
  }
  if (!answer.ok) {
    const said = problem.safeParse(body);
    throw new Failure(`the box refused: ${said.success ? said.data.detail : `HTTP status ${answer.status}`}`);
  }
  try {
    return read(body);
  } catch {
    throw new Failure(
      `the box at ${socket} answered in a form that this program does not know: it has another version, use that one's pshim6`,
    );
  }
}

const CONTEXTS: readonly Column<ContextRow>[] = [
  { title: "id", cell: (row) => String(row.id), right: true },
  { title: "host", cell: (row) => row.localUlid },
  { title: "peer", cell: (row) => row.peerUlid },
  { title: "state", cell: (row) => (row.state === "ESTABLISHED" && row.reap !== null ? row.reap : row.state) },
  { title: "by", cell: (row) => row.localProvider ?? "-" },
  { title: "local locator", cell: (row) => row.localLocator, spare: 4 },
  { title: "peer locator", cell: (row) => row.peerLocator, spare: 3 },
  { title: "tags", cell: (row) => `${row.localTag}/${row.peerTag ?? "-"}`, spare: 9 },
  { title: "out", cell: (row) => showCount(row.sent.packets), right: true },
  { title: "octets", cell: (row) => showCount(row.sent.octets), right: true, spare: 7 },
  { title: "in", cell: (row) => showCount(row.received.packets), right: true },
  { title: "octets", cell: (row) => showCount(row.received.octets), right: true, spare: 7 },
  { title: "sent", cell: (row) => showMillis(row.lastSentMs), right: true, spare: 6 },
  { title: "heard", cell: (row) => showMillis(row.lastReceivedMs), right: true, spare: 6 },
  { title: "age", cell: (row) => showMillis(row.ageMs), right: true, spare: 8 },
];

const PATHS: readonly Column<PathRow>[] = [
  { title: "box", cell: (row) => row.peerBox.slice(0, 12), spare: 3 },
  { title: "local", cell: (row) => row.localLocator },
  { title: "peer", cell: (row) => row.peerLocator },
  { title: "by", cell: (row) => row.localProvider ?? "-" },
  { title: "state", cell: (row) => row.state },
  { title: "since", cell: (row) => showMillis(row.sinceMs), right: true, spare: 2 },
  { title: "rtt", cell: (row) => showMillis(row.rttMs), right: true, spare: 1 },
  { title: "mtu", cell: (row) => String(row.mtu ?? "-"), right: true, spare: 4 },
  { title: "contexts", cell: (row) => String(row.contexts), right: true },
];

const PROVIDERS: readonly Column<ProviderRow>[] = [
  { title: "name", cell: (row) => row.name },
  { title: "prefix", cell: (row) => row.prefix ?? "-" },
  { title: "state", cell: (row) => (row.drained ? (row.state === "up" ? "drained" : `${row.state}, drained`) : row.state) },
  { title: "interface", cell: (row) => row.interface },
  { title: "gateway", cell: (row) => row.gateway ?? "-", spare: 2 },
  { title: "priority", cell: (row) => String(row.priority), right: true, spare: 1 },
  { title: "weight", cell: (row) => String(row.weight), right: true, spare: 1 },
  { title: "contexts", cell: (row) => String(row.contexts), right: true },
  { title: "packets", cell: (row) => showCount(row.packets), right: true },
];

const FIREWALL: readonly Column<FirewallRow>[] = [
  { title: "counter", cell: (row) => row.name },
  { title: "packets", cell: (row) => showCount(row.packets), right: true },
  { title: "octets", cell: (row) => showCount(row.octets), right: true },
];

const BINDINGS: readonly Column<BindingRow>[] = [
  { title: "identifier", cell: (row) => row.ulid },
  { title: "source", cell: (row) => row.source },
  { title: "expires", cell: (row) => showMillis(row.expiresMs), right: true, spare: 1 },
  { title: "locators", cell: (row) => row.locators.join(" ") },
];

const LEASES: readonly Column<LeaseRow>[] = [
  { title: "identifier", cell: (row) => row.ulid },
  { title: "name", cell: (row) => row.name ?? "-" },
  { title: "state", cell: (row) => row.state },
  { title: "ends in", cell: (row) => (row.expiresMs === null ? "never" : showMillis(row.expiresMs)), right: true },
  { title: "link address", cell: (row) => row.mac ?? "-", spare: 2 },
  { title: "DUID", cell: (row) => row.duid, spare: 4 },
  { title: "IAID", cell: (row) => row.iaid.toString(16).padStart(8, "0"), spare: 3 },
  { title: "by", cell: (row) => row.matched, spare: 1 },
  { title: "since", cell: (row) => row.since, spare: 5 },
];

const KEYS: readonly Column<KeyRow>[] = [
  { title: "file", cell: (row) => row.file ?? "elsewhere" },
  { title: "bits", cell: (row) => String(row.bits ?? "-"), right: true },
  { title: "identifiers", cell: (row) => String(row.ulids.length), right: true },
  { title: "SHA-256 of the public key", cell: (row) => row.fingerprint },
];

/** Prints a listing; says what is missing when it was cut. */
function tableOf<Row>(columns: readonly Column<Row>[], noun: string): (body: Listing<Row>, width: number) => string {
  return ({ items, total }, width) => {
    if (total === 0) return `no ${noun}s\n`;
    const cut = items.length < total ? `${total - items.length} more; --limit shows up to 100000\n` : "";
    return showTable(columns, items, width) + cut;
  };
}

function showStatus(status: z.infer<typeof statusRow>): string {
  return [
    `site      ${status.site}`,
    `version   ${status.version} on ${status.runtime}`,
    `up for    ${showMillis(status.uptimeMs)}`,
    `contexts  ${status.contexts} of ${status.contextLimit}`,
    `device    ${status.tun}, MTU ${status.mtu}\n`,
  ].join("\n");
}

function showCounters(counters: Readonly<Record<string, number>>, width: number, flags: ShowFlags): string {
  const rows = Object.entries(counters).filter(([, total]) => flags.all || total > 0);
  if (rows.length === 0) return "all counters are zero\n";
  rows.sort(([a], [b]) => (a < b ? -1 : 1));
  return showTable<[string, number]>(
    [
      { title: "counter", cell: ([name]) => name },
      { title: "total", cell: ([, total]) => String(total), right: true },
    ],
    rows,
    width,
  );
}
