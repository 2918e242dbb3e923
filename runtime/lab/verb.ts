/** `pshim6 lab-stream`: the hidden verb that the lab starts inside its hosts. */
import type { StreamHost } from "./host.ts";
import { DEFAULT_RATE, sendStream, serveStream } from "./stream.ts";

/** Port of the lab's stream. */
export const STREAM_PORT = 5001;
const PATIENCE = 20_000;

export const STREAM_USAGE = `usage: pshim6 lab-stream --serve ADDRESS [--port N]
       pshim6 lab-stream --connect ADDRESS [--port N] [--rate OCTETS_PER_SECOND | --unlimited] [--seconds N]
Ends at the end of standard input.`;

/** @param argv what stands behind `lab-stream` @returns exit code: 2 for wrong usage */
export async function runLabStream(argv: readonly string[], host: StreamHost): Promise<number> {
  const flags = readFlags(argv);
  const port = flags === undefined ? Number.NaN : Number(flags.get("port") ?? STREAM_PORT);
  const serve = flags?.get("serve");
  const connect = flags?.get("connect");
  if (flags === undefined || !Number.isInteger(port) || (serve === undefined) === (connect === undefined)) {
    host.out(STREAM_USAGE);
    return 2;
  }
  if (serve !== undefined) return serveStream(host, { address: serve, port });
  const seconds = flags.get("seconds");
  return sendStream(host, {
    address: connect ?? "",
    port,
    rate: flags.has("unlimited") ? undefined : Number(flags.get("rate") ?? DEFAULT_RATE),
    duration: seconds === undefined ? undefined : Number(seconds) * 1000,
    patience: PATIENCE,
  });
}

const FLAGS = new Set(["serve", "connect", "port", "rate", "seconds"]);

/** @returns `undefined` when something is there that should not be */
function readFlags(argv: readonly string[]): Map<string, string> | undefined {
  const flags = new Map<string, string>();
  for (let i = 0; i < argv.length; i++) {
    const name = argv[i].replace(/^--/, "");
    if (name === argv[i]) return undefined;
    if (name === "unlimited") flags.set(name, "");
    else if (FLAGS.has(name) && i + 1 < argv.length) flags.set(name, argv[++i]);
    else return undefined;
  }
  return flags;
}
