/** `pshim6 capture`: the packets on both sides of the box, each with its context. */
import type { Command } from "commander";
import { type ContextRow, contextRow, leaseRow, listing, statusRow } from "../api/rows.ts";
import type { Sink } from "../port/sink.ts";
import type { Tap } from "../port/tap.ts";
import { type Address, parseAddress } from "../value/address.ts";
import { enhancedPacket, interfaceDescription, nameResolution, sectionHeader } from "../wire/pcapng.ts";
import { type Annotation, Annotator, commentOf, type Side } from "./annotate.ts";
import { addBoxFlags, ask, type BoxFlags, socketOf } from "./ask.ts";
import { addressArgument, examples, seconds, whole } from "./flags.ts";
import { Failure, PipeClosed, type Session } from "./session.ts";
import { flat } from "./table.ts";

interface CaptureFlags extends BoxFlags {
  readonly write?: string;
  readonly context?: number;
  readonly ulid?: Address;
  readonly peer?: Address;
  readonly count?: number;
  readonly for?: number;
}

/** Contexts that are asked for at a time. */
const CONTEXTS = 20_000;
/** The box is asked for its contexts anew no sooner than this, ms, and than this share of time allows. */
const ASK_AGAIN = 500;
const ASK_SHARE = 0.05;
/** Between two looks for packets when there were none, ms; and packets taken at once. */
const QUIET = 20;
const AT_ONCE = 256;
const ID_MOST = 0xffff_ffff;
const COUNT_MOST = 1e12;
/** The box's sides, by the interface's number in the file. */
const SIDES: readonly Side[] = ["hosts", "wire"];

/** Adds the verb `capture` to the program. */
export function addCapture(program: Command, session: Session): void {
  const command = program
    .command("capture")
    .summary("packets on both sides of the box, each with its context")
    .description(
      "Captures the packets that go into the running box and come out of it: with hosts' identifiers on one side, with locators on the other. Prints a line for each, or writes pcapng with -w, the context as comment. Needs root, in the network namespace of the box.",
    )
    .option("-w, --write <file>", "write pcapng there; - is standard output")
    .option("--context <id>", "only packets of this context", whole(0, ID_MOST))
    .option("--ulid <address>", "only packets of this host, at either end", addressArgument)
    .option("--peer <address>", "only packets whose far end is this host", addressArgument)
    .option("--count <n>", "end after so many packets", whole(1, COUNT_MOST))
    .option("--for <seconds>", "end after so long", seconds);
  addBoxFlags(command)
    .addHelpText(
      "after",
      examples("pshim6 capture --count 20", "pshim6 capture -w /tmp/box.pcapng --for 10", "pshim6 capture -w - --context 17 | tshark -r -"),
    )
    .action((flags: CaptureFlags) => run(session, flags));
}

async function run(session: Session, flags: CaptureFlags): Promise<void> {
  const { host } = session;
  const toStdout = flags.write === "-";
  if (toStdout && host.host.isTerminal("stdout")) throw new Failure("a terminal shows no pcapng: name a file with -w, or pipe it on");
  const socket = socketOf(session, flags);
  const status = await ask(session, socket, new Request("http://box/status"), (body) => statusRow.parse(body));
  const tap = await host.openTap(status.tun);
  const stop = { wanted: false };
  const unhook = host.onStop(() => {
    stop.wanted = true;
  });
  let sink: Sink | undefined;
  try {
    sink = flags.write === undefined ? undefined : host.openSink(toStdout ? undefined : flags.write);
    const write = sink === undefined ? lineWriter(session) : await fileWriter(session, socket, sink, status.tun);
    const count = await new Capture(session, socket, flags).run(tap, write, stop);
    const missed = tap.missed();
    if (sink !== undefined) session.note(`${count} packets\n`);
    if (missed > 0) session.note(`pshim6: ${missed} packets came too fast and are missing\n`);
  } finally {
    unhook();
    tap.close();
    sink?.close();
  }
}

/** A packet with what is known of it. */
interface Noted {
  readonly at: bigint;
  /** Into the box. */
  readonly outgoing: boolean;
  readonly octets: Uint8Array;
}
type Write = (packet: Noted, annotation: Annotation) => void;

class Capture {
  readonly #session: Session;
  readonly #socket: string;
  readonly #flags: CaptureFlags;
  readonly #annotator = new Annotator();
  #askFrom = Number.NEGATIVE_INFINITY;

  constructor(session: Session, socket: string, flags: CaptureFlags) {
    this.#session = session;
    this.#socket = socket;
    this.#flags = flags;
  }

  /** @returns packets written */
  async run(tap: Tap, write: Write, stop: { readonly wanted: boolean }): Promise<number> {
    const { host } = this.#session;
    const { count = Number.POSITIVE_INFINITY, for: time } = this.#flags;
    const until = time === undefined ? Number.POSITIVE_INFINITY : host.wall() + time * 1_000;
    let written = 0;
    await this.#learn();
    while (!stop.wanted && written < count) {
      const isOver = host.wall() >= until;
      const packets: Noted[] = [];
      tap.read(AT_ONCE, (packet, at, outgoing) => packets.push({ at, outgoing, octets: packet.slice() }));
      if (packets.some(({ octets, outgoing }) => this.#annotator.look(octets, outgoing)?.unknown)) await this.#learn();
      for (const packet of packets) {
        const annotation = this.#annotator.look(packet.octets, packet.outgoing);
        if (annotation === undefined || !this.#wants(annotation)) continue;
        write(packet, annotation);
        if (++written >= count) break;
      }
      if (isOver) break;
      // Signals are heard in pauses only.
      if (!(await host.pause(packets.length < AT_ONCE ? QUIET : 0))) break;
    }
    return written;
  }

  /** The box's contexts, if they were not asked for just now. */
  async #learn(): Promise<void> {
    const { wall } = this.#session.host;
    const began = wall();
    if (began < this.#askFrom) return;
    const request = new Request(`http://box/contexts?limit=${CONTEXTS}`);
    const { items } = await ask(this.#session, this.#socket, request, (body) => listing(contextRow).parse(body));
    this.#annotator.learn(items);
    const ended = wall();
    this.#askFrom = ended + Math.max(ASK_AGAIN, (ended - began) / ASK_SHARE);
  }

  #wants({ context, source, destination }: Annotation): boolean {
    const { context: id, ulid, peer } = this.#flags;
    if (id !== undefined && context?.id !== id) return false;
    if (ulid !== undefined && ![source, destination, ...endsOf(context)].includes(ulid)) return false;
    return peer === undefined || [source, destination, context?.peerUlid].includes(peer);
  }
}

function endsOf(context: ContextRow | undefined): string[] {
  return context === undefined ? [] : [context.localUlid, context.peerUlid];
}

function fileWriter(session: Session, socket: string, sink: Sink, tun: string): Promise<Write> {
  const put = (octets: Uint8Array): void => {
    if (!sink.write(octets)) throw new PipeClosed();
  };
  put(sectionHeader(`pshim6 ${session.host.version}`));
  put(interfaceDescription(`${tun}-hosts`, "with hosts' identifiers"));
  put(interfaceDescription(`${tun}-wire`, "with locators"));
  return namesOf(session, socket).then((names) => {
    if (names.size > 0) put(nameResolution(names));
    return ({ at, outgoing, octets }, annotation) => {
      const comment = commentOf(annotation);
      // Seen from the box: what the machine hands it comes in from the one side, and goes out to the other.
      put(enhancedPacket({ interface: SIDES.indexOf(annotation.side), at, outgoing: !outgoing, comment, octets }));
    };
  });
}

/** Names of hosts that have leases. */
async function namesOf(session: Session, socket: string): Promise<ReadonlyMap<Address, string>> {
  const { items } = await ask(session, socket, new Request("http://box/leases"), (body) => listing(leaseRow).parse(body));
  const named = items.flatMap(({ ulid, name }): [Address, string][] => {
    const address = parseAddress(ulid);
    return name === null || address === undefined ? [] : [[address, name]];
  });
  return new Map(named);
}

const MILLIS = 1_000_000n;

function lineWriter(session: Session): Write {
  return ({ at, outgoing, octets }, annotation) => {
    const { side, source, destination, message } = annotation;
    const { context } = annotation;
    const about = context === undefined ? "" : `  context ${context.id} by ${context.localProvider ?? "-"}`;
    const time = new Date(Number(at / MILLIS)).toISOString();
    const what = message ?? `protocol ${octets[6]}`;
    session.print(
      `${time} ${side.padEnd(5)} ${outgoing ? "in " : "out"} ${source} > ${destination} ${flat(what)}, ${octets.length} octets${about}\n`,
    );
  };
}
