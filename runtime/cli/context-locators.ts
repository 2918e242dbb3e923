/** `pshim6 context locators` and `prefer`: the locators of one context, and what is wished of them (RFC 6316 §6). */
import { type Command, Option } from "commander";
import { type DoneRow, doneRow } from "../api/rows.ts";
import { type LocatorsRow, locatorsRow } from "../api/rows-locators.ts";
import type { Address } from "../value/address.ts";
import { addBoxFlags, ask, type BoxFlags, socketOf } from "./ask.ts";
import { addressArgument, examples, whole } from "./flags.ts";
import { addOutput, type OutputFlags, outputOf, printRows } from "./output.ts";
import { EXIT_USAGE, Failure, type Session } from "./session.ts";
import { type Column, flat, type Tone } from "./table.ts";

/** The largest id that the API takes. */
export const ID_MOST = 0xffff_ffff;

interface PreferFlags extends BoxFlags, OutputFlags {
  readonly local?: Address;
  readonly peer?: Address;
  readonly none?: true;
}

/** A locator of either end. */
interface LocatorLine extends Pick<LocatorsRow["local"][number], "address" | "method" | "priority" | "weight" | "wished" | "isCurrent"> {
  readonly end: "local" | "peer";
  readonly provider: string | null;
  /** What is to be known of it, in words. */
  readonly state: string;
  readonly tone: Tone | undefined;
}

/** Adds the verbs to `context`. */
export function addContextLocators(context: Command, session: Session): void {
  const add = (name: string, summary: string, description: string): Command =>
    context.command(name).summary(summary).description(description).argument("<id>", "the context's id", whole(0, ID_MOST));
  addOutput(
    addBoxFlags(add("locators", "the locators of both ends", "Prints the locators of both ends of a context, and what is wished of them.")),
  )
    .addHelpText("after", examples("pshim6 context locators 17", "pshim6 context locators 17 --json"))
    .action((id: number, flags: BoxFlags & OutputFlags) => locators(session, id, flags));
  const prefer = add(
    "prefer",
    "let a context go by a provider, or a pair of locators",
    "The context goes there as soon as that pair has proved itself, and elsewhere when it fails. It is a wish for outbound packets: rules that pin traffic still hold. It replaces what was wished before and lasts as long as the context.",
  )
    .argument("[provider]", "the provider that is to carry it")
    .option("--local <address>", "the locator to send from, in place of a provider", addressArgument)
    .option("--peer <address>", "the locator to send to", addressArgument)
    .addOption(new Option("--none", "wish nothing any more").conflicts(["local", "peer"]));
  addOutput(addBoxFlags(prefer))
    .addHelpText(
      "after",
      examples("pshim6 context prefer 17 isp2", "pshim6 context prefer 17 --peer 2001:db8:b4::10", "pshim6 context prefer 17 --none"),
    )
    .action((id: number, provider: string | undefined, flags: PreferFlags) => wish(session, id, provider, flags));
}

/** Prints what an action on a context has done. */
export function printDone(session: Session, flags: OutputFlags, row: DoneRow): void {
  if (outputOf(flags) === "table") session.print(`context ${row.id}: ${flat(row.detail)}\n`);
  else printRows(session, flags, row, { columns: DONE, rows: [row], empty: "" });
}

const DONE: readonly Column<DoneRow>[] = [
  { title: "id", cell: ({ id }) => String(id), right: true },
  { title: "detail", cell: ({ detail }) => detail },
];

async function locators(session: Session, id: number, flags: BoxFlags & OutputFlags): Promise<void> {
  const request = new Request(`http://box/contexts/${id}/locators`);
  const row = await ask(session, socketOf(session, flags), request, (body) => locatorsRow.parse(body));
  printRows(session, flags, row, { columns: LOCATORS, rows: linesOf(row), empty: `context ${id} has no locators` });
}

async function wish(session: Session, id: number, provider: string | undefined, flags: PreferFlags): Promise<void> {
  const { local, peer, none } = flags;
  const isNamed = (provider ?? local ?? peer) !== undefined;
  if (none ? isNamed : !isNamed) throw new Failure("say a provider, --local or --peer, or --none alone", EXIT_USAGE);
  if (provider !== undefined && local !== undefined) throw new Failure("say a provider or --local, not both", EXIT_USAGE);
  const [method, path, body] = none ? ["PUT", "preferences", {}] : ["POST", "prefer", { provider, local, peer }];
  const headers = { "content-type": "application/json" };
  const request = new Request(`http://box/contexts/${id}/${path}`, { method: `${method}`, headers, body: JSON.stringify(body) });
  printDone(session, flags, await ask(session, socketOf(session, flags), request, (answer) => doneRow.parse(answer)));
}

function linesOf({ local, peer }: LocatorsRow): LocatorLine[] {
  return [
    ...local.map((each): LocatorLine => {
      const words = [each.isBroken ? "broken" : "", each.isKnown ? "" : "the peer does not know it"];
      return { ...each, end: "local", ...stateOf(each.isCurrent, words) };
    }),
    ...peer.map((each): LocatorLine => {
      const words = [
        each.isBroken ? "broken" : "",
        each.isVerified ? "" : "not verified",
        each.path === "unknown" ? "" : `path ${each.path}`,
      ];
      return { ...each, end: "peer", provider: null, ...stateOf(each.isCurrent, words) };
    }),
  ];
}

function stateOf(isCurrent: boolean, words: readonly string[]): Pick<LocatorLine, "state" | "tone"> {
  const said = words.filter((word) => word !== "");
  const isBad = said.some((word) => word !== "path alive");
  return { state: [...(isCurrent ? ["in use"] : []), ...said].join(", "), tone: isBad ? "warn" : isCurrent ? "good" : undefined };
}

function rankOf(rank: { readonly priority: number | null; readonly weight: number | null } | null): string {
  return rank === null || rank.priority === null ? "" : `${rank.priority}/${rank.weight ?? ""}`;
}

const LOCATORS: readonly Column<LocatorLine>[] = [
  { title: "end", cell: ({ end }) => end },
  { title: "address", cell: ({ address }) => address, middle: true, least: 17 },
  { title: "provider", cell: ({ provider }) => provider ?? "-", plain: ({ provider }) => provider ?? "" },
  { title: "state", cell: ({ state }) => state, tone: ({ tone }) => tone },
  { title: "wished", cell: ({ wished }) => rankOf(wished) || "-", plain: ({ wished }) => rankOf(wished) },
  { title: "rank", cell: (row) => rankOf(row) || "-", plain: rankOf, spare: 1 },
  { title: "proved by", name: "method", cell: ({ method }) => method, spare: 2 },
];
