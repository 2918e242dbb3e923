/** The internet of a raised world, with delay and loss: packets that its rules choose go through {@link ./lossy-wire.ts} first. */
import type { Ground } from "../../../runtime/lab/ground.ts";
import { LabError } from "../../../runtime/lab/ground.ts";
import type { LabHost } from "../../../runtime/lab/host.ts";
import { commandOf } from "../labhost.ts";
import type { LostPacket, WireLine } from "./lossy-wire.ts";

const WIRE_TABLE = 100;
const FIRST_RULE = 10;
const START_PATIENCE = 10_000;

/** One way through the wire. */
export interface WireOptions {
  /** At most 15 octets. */
  readonly name: string;
  /** Milliseconds. */
  readonly delay: number;
  /** A share of 1. */
  readonly loss: number;
  readonly seed: number;
  /** Which packets: behind `ip -6 rule add`, e.g. `iif isp1`. */
  readonly rules: readonly string[];
}

/** A wire that carries. */
export interface Wire {
  /** What it has lost, growing. */
  readonly lost: readonly LostPacket[];
  /** The lines of `ip -6 -batch` that take the packets away from it again. */
  readonly away: string;
  /** And those that bring them back. */
  readonly back: string;
}

/** Starts a wire in `internet`; a world has several if their names and rules differ. @throws {LabError} when it does not come up */
export async function startWire(ground: Ground, host: LabHost, options: WireOptions): Promise<Wire> {
  const { name, delay, loss, seed, rules } = options;
  const lost: LostPacket[] = [];
  let begin: (outcome: string) => void = () => undefined;
  const begun = new Promise<string>((resolve) => {
    begin = resolve;
  });
  const { argv } = commandOf(host.runtime, "tests/lib/bench/lossy-wire.ts");
  let last = "";
  const words = ["--name", name, "--delay", `${delay}`, "--loss", `${loss}`, "--seed", `${seed}`];
  const child = await ground.spawn("internet", [...argv, ...words], {
    line: (text) => {
      const line = JSON.parse(text) as WireLine;
      if ("lost" in line) lost.push(line);
      else begin("ready");
    },
    complaint: (text) => {
      last = text;
    },
  });
  const patience = new AbortController();
  const late = host.sleep(START_PATIENCE, patience.signal).then(() => "is silent");
  const outcome = await Promise.race([begun, child.ended.then((code) => `ended with ${code}: ${last}`), late]);
  patience.abort();
  if (outcome !== "ready") throw new LabError(`the wire ${outcome}`);
  const table = WIRE_TABLE + [...name].reduce((sum, letter) => (31 * sum + (letter.codePointAt(0) ?? 0)) % 1_000, 0);
  const each = (verb: string): string => rules.map((rule, i) => `rule ${verb} pref ${FIRST_RULE + i} ${rule} lookup ${table}\n`).join("");
  const back = each("add");
  await ground.ip("internet", `link set dev ${name} up\nroute add default dev ${name} table ${table}\n${back}`);
  return { lost, away: each("del"), back };
}
