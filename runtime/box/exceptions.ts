/**
 * Peers and ports for which Shim6 is switched off (RFC 6316 §6.2, for a whole site). A peer gets no context: hosts' packets to an identifier that
 * the internet does not route are refused, those between routable ends pass as they are, and the peer's own handshakes are not answered. Packets of
 * a port bring no context about; where another one has, they go along. Contexts that live stay. It lasts over restarts, in a file of the state directory.
 */
import { z } from "zod";
import type { PairRule, PairRules, PortRule } from "../fast/contract.ts";
import { PortError } from "../port/error.ts";
import type { Files } from "../port/files.ts";
import type { Log } from "../port/log.ts";
import type { Address } from "../value/address.ts";
import { contains, type Prefix, parsePrefix, showPrefix } from "../value/prefix.ts";

/** Name of the file in the state directory. */
export const EXCEPTIONS_FILE = "exceptions.json";
const OWNER_ONLY = 0o600;
const PORTS = 65_536;

/** Ports from `first` to `last`. */
export interface Ports {
  readonly first: number;
  readonly last: number;
}

/** For what Shim6 is switched off. */
export interface Excepted {
  readonly peers: readonly Prefix[];
  readonly ports: readonly Ports[];
}

/** What it works with. */
export interface ExceptionParts {
  readonly files: Pick<Files, "readText" | "writeText">;
  readonly log: Log;
  readonly directory: string;
  /** Ports are others now: the core is to be told of its rules again. */
  readonly changed: () => void;
}

const port = z
  .int()
  .min(0)
  .max(PORTS - 1);
const fileSchema = z.object({
  peers: z.array(z.string()).default([]),
  ports: z.array(z.object({ first: port, last: port })).default([]),
});

const NEVER_DUE: PairRule = { packets: 0, octets: 0, millis: 0 };

/** The exceptions of one box. A file that cannot be read is as good as none, and the log says so. */
export class Exceptions {
  readonly #parts: ExceptionParts;
  #excepted: Excepted;

  constructor(parts: ExceptionParts) {
    this.#parts = parts;
    this.#excepted = this.#recall();
  }

  /** What holds now. */
  get all(): Excepted {
    return this.#excepted;
  }

  /** Puts others in place of those that hold. @returns whether they are on the disk */
  set(excepted: Excepted): boolean {
    const { files, log, directory, changed } = this.#parts;
    this.#excepted = excepted;
    changed();
    const text = JSON.stringify({ peers: excepted.peers.map(showPrefix), ports: excepted.ports }, undefined, 2);
    try {
      files.writeText(`${directory}/${EXCEPTIONS_FILE}`, `${text}\n`, OWNER_ONLY);
      return true;
    } catch (error) {
      if (!(error instanceof PortError)) throw error;
      log.warn("the exceptions are lost at the next restart", { error: error.message });
      return false;
    }
  }

  /** Whether Shim6 is switched off for `peer`, or for `number`, a port of either end; `undefined` = for neither. */
  of(peer: Address, number: number | undefined): "peer" | "port" | undefined {
    const { peers, ports } = this.#excepted;
    if (peers.some((each) => contains(each, peer))) return "peer";
    return number !== undefined && ports.some(({ first, last }) => first <= number && number <= last) ? "port" : undefined;
  }

  /** `rules` for the core, in which packets of excepted ports never count. */
  over({ others, ports }: PairRules): PairRules {
    const excepted = this.#excepted.ports;
    if (excepted.length === 0) return { others, ports };
    const cut = ports.map((rule): PortRule => ({ ...rule, ports: without(rule.ports, excepted) }));
    // The core tells few kinds of ports apart: they join the one that never counts, which every site has.
    const place = cut.findLastIndex(isNever);
    const never = place < 0 ? { ...NEVER_DUE, ports: excepted } : { ...cut[place], ports: [...cut[place].ports, ...excepted] };
    const joined = place < 0 ? [...cut, never] : cut.with(place, never);
    return { others, ports: joined.filter((rule) => rule.ports.length > 0) };
  }

  #recall(): Excepted {
    const { files, log, directory } = this.#parts;
    const text = files.readText(`${directory}/${EXCEPTIONS_FILE}`);
    if (text === undefined) return { peers: [], ports: [] };
    const read = fileSchema.safeParse(parsed(text));
    const peers = read.data?.peers.map(parsePrefix).filter((each) => each !== undefined);
    if (read.success && peers?.length === read.data.peers.length) return { peers, ports: read.data.ports };
    log.warn("the exceptions cannot be read and are forgotten", { file: `${directory}/${EXCEPTIONS_FILE}` });
    return { peers: [], ports: [] };
  }
}

function isNever({ packets, octets, millis }: PairRule): boolean {
  return packets === 0 && octets === 0 && millis === 0;
}

/** What is left of `ranges` when `taken` are taken out. */
function without(ranges: readonly Ports[], taken: readonly Ports[]): Ports[] {
  return taken.reduce<Ports[]>(
    (left, { first, last }) =>
      left.flatMap((each) =>
        [
          { first: each.first, last: Math.min(each.last, first - 1) },
          { first: Math.max(each.first, last + 1), last: each.last },
        ].filter((piece) => piece.first <= piece.last),
      ),
    [...ranges],
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
