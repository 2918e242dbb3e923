/** Captures of every cable, by tcpdump or dumpcap: classic pcap files, whole packets. */
import type { Child } from "../port/process.ts";
import { type Ground, LabError } from "./ground.ts";
import type { LabHost } from "./host.ts";
import { within } from "./wait.ts";
import type { World } from "./world.ts";

/** Running captures. */
export interface Captures {
  /** Ends them and waits until all is written. */
  stop(): Promise<void>;
}

/** Milliseconds in which the last packets reach the files. */
const SETTLE = 200;
const START_PATIENCE = 5000;

/** Starts one capture per cable, at its first end: `directory/<node>-<interface>.pcap`. @throws {LabError} */
export async function startCaptures(host: LabHost, ground: Ground, world: World, directory: string): Promise<Captures> {
  const program = (await host.processes.which("tcpdump")) === undefined ? "dumpcap" : "tcpdump";
  if ((await host.processes.which(program)) === undefined) throw new LabError("--capture needs tcpdump or dumpcap: install one of them");
  host.files.makeDirectory(directory);
  const children = await Promise.all(
    world.cables.map(async ({ ends: [end] }) => {
      const file = `${directory}/${end.node}-${end.as}.pcap`;
      const argv =
        program === "tcpdump"
          ? ["tcpdump", "-Z", "root", "-U", "-s", "0", "-i", end.as, "-w", file]
          : ["dumpcap", "-P", "-q", "-s", "0", "-i", end.as, "-w", file];
      return startOne(host, ground, end.node, argv);
    }),
  );
  return {
    async stop() {
      await host.sleep(SETTLE);
      for (const child of children) host.processes.kill(child.pid, "SIGINT");
      await Promise.all(children.map((child) => child.ended));
    },
  };
}

async function startOne(host: LabHost, ground: Ground, node: string, argv: readonly string[]): Promise<Child> {
  let last = "";
  let begin: () => void = () => undefined;
  const begun = new Promise<string>((resolve) => {
    begin = () => resolve("begun");
  });
  const child = await ground.spawn(node, argv, {
    line: () => undefined,
    complaint: (text) => {
      last = text;
      if (/listening on|Capturing on|^File:/.test(text)) begin();
    },
  });
  const over = child.ended.then((code) => `ended with ${code}`);
  const outcome = await within(host, START_PATIENCE, "does not begin", begun, over);
  if (outcome !== "begun") throw new LabError(`${argv[0]} in ${node} ${outcome}: ${last}`);
  return child;
}
