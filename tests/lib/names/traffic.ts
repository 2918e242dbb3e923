/** What hosts do once they have addresses and names: the lab's checked TCP stream, and captures of cables. */
import type { SinkLine, SourceLine } from "../../../runtime/lab/stream.ts";
import { commandOf } from "../labhost.ts";
import type { Node } from "./nodes.ts";
import type { Program } from "./program.ts";

const PORT = 5001;

/** A stream that runs. */
export interface Stream {
  /** Octets that arrived and were right. */
  readonly octets: number;
  /** What connect took, milliseconds. */
  readonly connected: number;
  /** Waits until so many more octets have arrived. @throws with the last words of both ends */
  more(octets: number): Promise<void>;
  /** Ends it. @throws unless every octet that was sent arrived, was right and was confirmed */
  end(): Promise<void>;
}

/** Serves streams on every address of `node` until it is stopped. */
export async function serveStreams(node: Node): Promise<Program> {
  const sink = node.start([...words(), "--serve", "::"], { openInput: true });
  await sink.said(/"listening"/);
  return sink;
}

/** Connects to `to`, a name or an address, and sends until {@link Stream.end}. */
export async function sendStream(node: Node, to: string, sink: Program): Promise<Stream> {
  const before = sink.log.length;
  const source = node.start([...words(), "--connect", to, "--rate", "500000"], { openInput: true });
  const octets = () => lines<SinkLine>(sink, before).reduce((most, line) => ("octets" in line ? Math.max(most, line.octets) : most), 0);
  let connected: number;
  try {
    connected = Number((await source.said(/"connected":([\d.]+)/))[1]);
  } catch (error) {
    throw new Error(`${node.name} does not reach ${to}: ${String(error)}\n${sink.lastWords}`);
  }
  return {
    get octets() {
      return octets();
    },
    connected,
    more: async (amount) => {
      const goal = octets() + amount;
      while (octets() < goal) await sink.said(/"octets"/, sink.log.length);
    },
    end: async () => {
      source.signal("SIGTERM");
      const code = await source.ended();
      await sink.said(/"done":true/, before);
      const done = lines<SourceLine>(source, 0).find((line) => "done" in line);
      const wrong = lines<SinkLine>(sink, before).some((line) => "wrong" in line && line.wrong > 0);
      if (code !== 0 || wrong || done === undefined || !done.ok || done.sent !== octets())
        throw new Error(`the stream to ${to} was not whole\n${source.lastWords}\n${sink.lastWords}`);
    },
  };
}

/** Captures `device` of `node` into `file` from now on. */
export async function capture(node: Node, device: string, file: string): Promise<Program> {
  const tcpdump = node.start(["tcpdump", "-Z", "root", "-U", "-s", "0", "-B", "16384", "-i", device, "-w", file]);
  await tcpdump.said(/listening on/);
  return tcpdump;
}

/** Ends captures when all of it is written. */
export async function endCaptures(captures: readonly Program[]): Promise<void> {
  for (const one of captures) one.signal("SIGINT");
  await Promise.all(captures.map((one) => one.ended()));
}

function words(): string[] {
  return [...commandOf("node", "dist/pshim6.mjs").argv, "lab-stream", "--port", String(PORT)];
}

function lines<Line>(program: Program, from: number): Line[] {
  const whole = program.log.slice(from).split("\n").slice(0, -1);
  return whole.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as Line);
}
