/** Kea's load generator for DHCPv6. */
import type { Node } from "./nodes.ts";
import type { Program } from "./program.ts";

/** What it does. */
export interface Load {
  /** Four-way exchanges that are begun in a second. */
  readonly rate: number;
  readonly seconds: number;
  /** Clients, of which each is another after the other. */
  readonly clients: number;
  /** Tells its clients from those of other loads, 0 … 65535; loads of one family have the same clients in the same order. */
  readonly family: number;
}

/** How it went. */
export interface LoadReport {
  /** Solicit messages sent. */
  readonly begun: number;
  /** Replies to Requests received. */
  readonly done: number;
  /** Exchanges that were done in a second. */
  readonly perSecond: number;
  /** Share of those begun that were not done, 0 … 1. */
  readonly lost: number;
  /** Mean of Solicit to Advertise and of Request to Reply, milliseconds. */
  readonly delays: readonly [number, number];
  /** Exchanges that gave nobody an address, and addresses given twice. */
  readonly rejected: number;
  readonly twice: number;
}

/** Microseconds in which late answers still count. */
const LAST_ANSWERS = 1_000_000;

/** Starts it on `lan` of `node`. */
export function startLoad(node: Node, { rate, seconds, clients, family }: Load): Program {
  const octets = ["02", ...[family >> 8, family & 0xff].map((octet) => octet.toString(16).padStart(2, "0")), "00", "00", "00"];
  // DUIDs of its own making hold the time: no client would ever come back.
  const base = ["-b", `mac=${octets.join(":")}`, "-b", `duid=00030001${octets.join("")}`];
  const words = ["-s", family + 1, "-r", rate, "-p", seconds, "-R", clients, "-W", LAST_ANSWERS, ...base, "-u"].map(String);
  return node.start(["perfdhcp", "-6", "-l", "lan", ...words, "all"]);
}

/** Reads what a load that ended printed. @throws when it is no report */
export function readLoad(program: Program, seconds: number): LoadReport {
  const numbers = (label: string) => [...program.log.matchAll(new RegExp(`^${label}: ([\\d.]+)`, "gm"))].map((match) => Number(match[1]));
  const [begun] = numbers("sent packets");
  const [, done] = numbers("received packets");
  if (begun === undefined || done === undefined) throw new Error(`perfdhcp gave no report\n${program.lastWords}`);
  const [first = 0, second = 0] = numbers("avg delay");
  const sum = (label: string) => numbers(label).reduce((total, value) => total + value, 0);
  return {
    begun,
    done,
    perSecond: done / seconds,
    lost: begun === 0 ? 1 : 1 - done / begun,
    delays: [first, second],
    rejected: sum("rejected leases"),
    twice: sum("non unique addresses"),
  };
}
