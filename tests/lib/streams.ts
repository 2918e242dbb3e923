/** Many TCP streams between two nodes of a lab, each octet checked: {@link ./streams.py}. */
import { fileURLToPath } from "node:url";
import type { Ground } from "../../runtime/lab/ground.ts";
import type { LabHost } from "../../runtime/lab/host.ts";

/** What the streams say. */
export interface StreamsReport {
  /** Blocks that came back right, of the stream with the fewest, and of all. */
  readonly least: number;
  readonly total: number;
  /** Streams that failed, and why. */
  readonly broken: readonly string[];
  /** Longest silence of one of them, ms. */
  readonly longest: number;
  readonly done: boolean;
}

/** Streams that run. */
export interface Streams {
  readonly latest: StreamsReport | undefined;
  /** Ends them in order. */
  stop(): Promise<StreamsReport>;
}

const SCRIPT = fileURLToPath(new URL("./streams.py", import.meta.url));
const PORT = "7007";

/** Begins `count` streams to `address`, which is one of the node `to`. */
export async function startStreams(
  host: LabHost,
  ground: Ground,
  from: string,
  to: string,
  address: string,
  count: number,
): Promise<Streams> {
  const complaints: string[] = [];
  let listening: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => {
    listening = resolve;
  });
  const complaint = (text: string) => void complaints.push(text);
  const server = await ground.spawn(to, ["python3", SCRIPT, "serve", address, PORT], { line: () => listening(), complaint });
  await Promise.race([
    ready,
    server.ended.then((code) => Promise.reject(new Error(`streams.py ended with ${code}: ${complaints.join(" ")}`))),
  ]);
  let latest: StreamsReport | undefined;
  const line = (text: string) => {
    latest = JSON.parse(text);
  };
  const talk = await ground.spawn(from, ["python3", SCRIPT, "talk", address, PORT, String(count)], { line, complaint });
  return {
    get latest() {
      return latest;
    },
    async stop() {
      talk.hush();
      await talk.ended;
      host.processes.kill(server.pid, "SIGKILL");
      await server.ended;
      if (latest?.done !== true) throw new Error(`streams.py said no last word: ${complaints.join(" ")}`);
      return latest;
    },
  };
}
