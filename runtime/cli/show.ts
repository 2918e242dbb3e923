/** `pshim6 show`: asks the running box over its Unix socket and prints what it says. */
import { type Command, Option } from "commander";
import type { z } from "zod";
import { drillRow } from "../api/drill-rows.ts";
import {
  bindingRow,
  contextRow,
  counterRows,
  firewallRow,
  healthRow,
  keyRow,
  type Listing,
  leaseRow,
  listing,
  pathRow,
  providerRow,
  type StatusRow,
  statusRow,
} from "../api/rows.ts";
import { policyRuleRow, siteRow } from "../api/rows-explain.ts";
import type { Address } from "../value/address.ts";
import { addBoxFlags, ask, type BoxFlags, socketOf } from "./ask.ts";
import {
  BINDINGS,
  CHECKS,
  CONTEXTS,
  COUNTERS,
  DRILLS,
  FIREWALL,
  KEYS,
  LEASES,
  PATHS,
  POLICY,
  PROVIDERS,
  SETTINGS,
  STATUS,
  settingsOf,
} from "./columns.ts";
import { addEvents } from "./events.ts";
import { addressArgument, examples, seconds, whole } from "./flags.ts";
import { addOutput, type Output, type OutputFlags, outputOf } from "./output.ts";
import { EXIT_FINE, EXIT_WRONG, type Session } from "./session.ts";
import { type Column, showMillis, showTable, showTsv } from "./table.ts";
import { watch } from "./watching.ts";

/** The box answers so when it cannot do its work (RFC 9110 §15.6.4). */
const UNREADY = 503;

interface ShowFlags extends BoxFlags, OutputFlags {
  readonly watch?: number | true;
  readonly limit?: number;
  readonly ulid?: Address;
  readonly peer?: Address;
  readonly state?: string;
  readonly provider?: string;
  readonly source?: string;
  readonly all?: true;
}

/** Flags that the box knows as fields of the query. */
const QUERY = ["limit", "ulid", "peer", "state", "provider", "source"] as const;

/** Where something is printed. */
interface Page {
  readonly width: number;
  readonly coloured: boolean;
}

/** How one kind of thing is asked for, checked and printed. */
interface View {
  readonly path: string;
  /** Status of an answer that is none of refusal, but says that something is wrong: the exit code says so, too. */
  readonly wrong?: { readonly status: number; readonly is: (body: unknown) => boolean };
  readonly print: (body: unknown, format: Output, page: Page, flags: ShowFlags) => string;
}

/** A view of what `schema` says; `table` and `tsv` print it. */
function view<Body>(
  path: string,
  schema: z.ZodType<Body>,
  { table, tsv }: { table: (body: Body, page: Page, flags: ShowFlags) => string; tsv: (body: Body, flags: ShowFlags) => string },
): View {
  return {
    path,
    print(body, format, page, flags) {
      const checked = schema.parse(body);
      if (format === "json") return `${JSON.stringify(checked)}\n`;
      return format === "tsv" ? tsv(checked, flags) : table(checked, page, flags);
    },
  };
}

/** A view of a list. */
function listView<Row>(path: string, row: z.ZodType<Row>, columns: readonly Column<Row>[], noun: string): View {
  return view<Listing<Row>>(path, listing(row), {
    table: ({ items, total }, { width, coloured }) => {
      if (total === 0) return `no ${noun}s\n`;
      const cut = items.length < total ? `${total - items.length} more; --limit shows up to 100000\n` : "";
      return showTable(columns, items, width, coloured) + cut;
    },
    tsv: ({ items }) => showTsv(columns, items),
  });
}

const STATUS_VIEW = view("/status", statusRow, { table: showStatus, tsv: (status) => showTsv(STATUS, [status]) });
const COUNTERS_VIEW = view("/counters", counterRows, {
  table: (counters, { width, coloured }, flags) => {
    const rows = countersOf(counters, flags);
    return rows.length === 0 ? "all counters are zero\n" : showTable(COUNTERS, rows, width, coloured);
  },
  tsv: (counters, flags) => showTsv(COUNTERS, countersOf(counters, flags)),
});
const HEALTH_VIEW: View = {
  ...view("/readyz", healthRow, {
    table: ({ ready, checks }, { width, coloured }) =>
      `${ready ? "the box can do its work" : "the box cannot do its work"}\n${showTable(CHECKS, checks, width, coloured)}`,
    tsv: ({ checks }) => showTsv(CHECKS, checks),
  }),
  wrong: { status: UNREADY, is: (body) => !healthRow.parse(body).ready },
};
const SITE_VIEW = view("/site", siteRow, {
  table: (body, { width, coloured }) => `${body.file}\n${showTable(SETTINGS, settingsOf(body), width, coloured)}`,
  tsv: (body) => showTsv(SETTINGS, settingsOf(body)),
});

type Extend = (command: Command) => Command;

const limited: Extend = (command) => command.option("--limit <n>", "rows at most", whole(0, 100_000));
const ofHost: Extend = (command) => limited(command).option("--ulid <address>", "only those of this host", addressArgument);
const ofContexts: Extend = (command) =>
  ofHost(command)
    .option("--peer <address>", "only those whose far end is this host", addressArgument)
    .option("--state <state>", "only those in this state of Shim6 or REAP, such as Exploring")
    .option("--provider <provider>", "only those that this provider carries now");
const ofBindings: Extend = (command) =>
  ofHost(command).addOption(new Option("--source <source>", "only those learnt there").choices(["static", "handshake", "dns", "reverse"]));
const ofLeases: Extend = (command) =>
  ofHost(command).addOption(
    new Option("--state <state>", "only those in this state").choices(["bound", "expired", "released", "declined"]),
  );
const withZeros: Extend = (command) => command.option("--all", "zeros too");
const plain: Extend = (command) => command;

/** Adds the verb `show` to the program. */
export function addShow(program: Command, session: Session): void {
  const show = program.command("show").summary("what the running box does").description("Asks the running box and prints what it says.");
  show.addHelpText(
    "after",
    examples("pshim6 show contexts -c site.yaml", "pshim6 show paths --watch", "pshim6 show counters --json | jq ."),
  );
  const add = (name: string, summary: string, what: View, extend: Extend = plain): void => {
    const command = addOutput(addBoxFlags(show.command(name).summary(summary).description(`Prints ${summary}.`)));
    extend(command.option("-w, --watch [seconds]", "again and again, every second unless said", seconds))
      .addHelpText("after", examples(`pshim6 show ${name} -c site.yaml`, `pshim6 show ${name} -o tsv`, `pshim6 show ${name} --watch 0.5`))
      .action((flags: ShowFlags) => run(session, what, flags));
  };
  add("status", "the box: site, version, contexts in use", STATUS_VIEW);
  add("health", "whether the box can do its work", HEALTH_VIEW);
  const contexts = listView("/contexts", contextRow, CONTEXTS, "context");
  add("contexts", "the Shim6 contexts: hosts, locators, states, traffic", contexts, ofContexts);
  add("paths", "the paths to other boxes and whether they live", listView("/paths", pathRow, PATHS, "path"), limited);
  add("counters", "the counters that are not zero", COUNTERS_VIEW, withZeros);
  add("providers", "the providers and what they carry", listView("/providers", providerRow, PROVIDERS, "provider"), limited);
  add("firewall", "what the filter's rules counted", listView("/firewall", firewallRow, FIREWALL, "counter"), limited);
  add("bindings", "where hosts of other sites are found", listView("/bindings", bindingRow, BINDINGS, "binding"), ofBindings);
  add("leases", "the identifiers that hosts were given", listView("/leases", leaseRow, LEASES, "lease"), ofLeases);
  add("policy", "the rules of traffic engineering, in their order", listView("/policy", policyRuleRow, POLICY, "rule"), limited);
  add("site", "the settings as they hold", SITE_VIEW);
  add("drills", "the latest failover drills", listView("/drills", drillRow, DRILLS, "drill"), limited);
  add("keys", "the keys that prove the site's identifiers", listView("/keys", keyRow, KEYS, "key"), limited);
  addEvents(show, session);
}

function run(session: Session, what: View, flags: ShowFlags): Promise<void> {
  const socket = socketOf(session, flags);
  const url = `http://box${what.path}${queryOf(flags)}`;
  const every = flags.watch === true ? 1 : flags.watch;
  return watch(session, every, (stop) => {
    const page = { width: session.width(), coloured: session.colours() };
    const print = (body: unknown): string => {
      const text = what.print(body, outputOf(flags), page, flags);
      session.exit = what.wrong?.is(body) ? EXIT_WRONG : EXIT_FINE;
      return text;
    };
    return ask(session, socket, new Request(url, { signal: stop }), print, what.wrong?.status);
  });
}

function queryOf(flags: ShowFlags): string {
  const query = new URLSearchParams();
  for (const name of QUERY) if (flags[name] !== undefined) query.set(name, String(flags[name]));
  return query.size === 0 ? "" : `?${query}`;
}

function showStatus(status: StatusRow): string {
  return [
    `site      ${status.site}`,
    `version   ${status.version} on ${status.runtime}`,
    `up for    ${showMillis(status.uptimeMs)}`,
    `contexts  ${status.contexts} of ${status.contextLimit}`,
    `device    ${status.tun}, MTU ${status.mtu}\n`,
  ].join("\n");
}

function countersOf(counters: Readonly<Record<string, number>>, flags: ShowFlags): (readonly [string, number])[] {
  const rows = Object.entries(counters).filter(([, total]) => flags.all || total > 0);
  return rows.sort(([a], [b]) => (a < b ? -1 : 1));
}
