/** Where a lab stands: its id, its directory, its namespaces and processes, and how nothing of it is left behind. */
import type { Finished } from "../port/command.ts";
import type { Child, ChildHandlers, SpawnOptions } from "../port/process.ts";
import type { LabHost } from "./host.ts";
import { raisePlan, razeLines } from "./raise.ts";
import type { World } from "./world.ts";

/** All state of all labs: one directory each, named by the lab's id. */
export const LABS_DIRECTORY = "/run/pshim6-lab";
const NAMESPACE_PREFIX = "pshim6-";
const PROCESSES = "processes";
const NAMESPACES_DIRECTORY = "/run/netns";

/** Something that the lab needs did not work. The message is one sentence for people. */
export class LabError extends Error {
  override readonly name = "LabError";
}

/** One lab's place on the machine. */
export interface Ground {
  readonly id: string;
  /** Absolute; everything the lab writes. */
  readonly directory: string;
  namespace(node: string): string;
  /** Raises `world`; at most once. What was raised goes when it fails. @throws {LabError} */
  raise(world: World): Promise<void>;
  /** Runs `argv` inside a node to its end. */
  run(node: string, argv: readonly string[], timeout?: number): Promise<Finished>;
  /** Lines of `ip -6 -batch` inside a node. @throws {LabError} with what `ip` said */
  ip(node: string, lines: string): Promise<void>;
  /** Starts `argv` inside a node. It is recorded, so that whoever comes later can end it. */
  spawn(node: string, argv: readonly string[], handlers: ChildHandlers, options?: SpawnOptions): Promise<Child>;
  /** Ends every process, removes namespaces and directory. Twice is fine. */
  raze(): Promise<void>;
}

/** Claims an id and a directory for this process. `serial` tells its labs apart. */
export async function breakGround(host: LabHost, serial: number): Promise<Ground> {
  const { processes, files } = host;
  const started = startTime(host, processes.pid);
  const id = `${processes.pid}-${started ?? "0"}-${serial}`;
  const directory = `${LABS_DIRECTORY}/${id}`;
  files.makeDirectory(`${directory}/${PROCESSES}`, 0o700);
  const namespace = (node: string) => `${NAMESPACE_PREFIX}${id}-${node}`;
  const enter = (node: string, argv: readonly string[]) => ["ip", "netns", "exec", namespace(node), ...argv];
  let razed: Promise<void> | undefined;
  return {
    id,
    directory,
    namespace,
    raise: async (world) => {
      try {
        await raise(host, world, namespace);
      } catch (error) {
        await raze(host, id);
        throw error;
      }
    },
    run: (node, argv, timeout) => processes.run(enter(node, argv), timeout === undefined ? {} : { timeout }),
    ip: async (node, lines) => {
      await mustRun(host, ["ip", "-6", "-n", namespace(node), "-batch", "-"], lines);
    },
    async spawn(node, argv, handlers, options) {
      const child = processes.spawn(enter(node, argv), handlers, options);
      const began = child.pid === 0 ? undefined : startTime(host, child.pid);
      if (began !== undefined) files.writeText(`${directory}/${PROCESSES}/${child.pid}-${began}`, "");
      return child;
    },
    raze: () => {
      razed ??= raze(host, id);
      return razed;
    },
  };
}

/** Removes what labs left whose process is gone. @returns their ids */
export async function sweep(host: LabHost): Promise<string[]> {
  const names = [
    ...(host.files.list(LABS_DIRECTORY) ?? []).map((name) => /^(\d+)-(\d+)-\d+$/.exec(name)),
    ...(host.files.list(NAMESPACES_DIRECTORY) ?? []).map((name) => /(?<=^pshim6-)(\d+)-(\d+)-\d+(?=-[^-]+$)/.exec(name)),
  ];
  const left = new Map(names.filter((match) => match !== null).map((match) => [match[0], match]));
  const dead: string[] = [];
  for (const [id, [, pid, started]] of left) {
    if (startTime(host, Number(pid)) === started) continue;
    await raze(host, id);
    dead.push(id);
  }
  return dead;
}

/**
 * When `pid` began, in clock ticks since the machine started (proc(5), stat field 22): with the pid it names one process
 * for ever. `undefined` when there is none, or only its body, which its parent has not buried yet.
 */
function startTime(host: LabHost, pid: number): string | undefined {
  const stat = host.files.readText(`/proc/${pid}/stat`);
  // The second field is the program's name in brackets and may hold anything, brackets and spaces too.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields === undefined || fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
}

async function raise(host: LabHost, world: World, namespace: (node: string) => string): Promise<void> {
  const plan = raisePlan(world, namespace);
  await mustRun(host, ["ip", "-batch", "-"], plan.ip);
  await Promise.all(
    [...plan.settings].map(([node, script]) => mustRun(host, ["ip", "netns", "exec", namespace(node), "sh", "-e", "-s"], script)),
  );
  await mustRun(host, ["ip", "-batch", "-"], plan.cables);
  await Promise.all([...plan.inside].map(([node, text]) => mustRun(host, ["ip", "-6", "-n", namespace(node), "-batch", "-"], text)));
}

async function raze(host: LabHost, id: string): Promise<void> {
  const names = (host.files.list(NAMESPACES_DIRECTORY) ?? []).filter((name) => name.startsWith(`${NAMESPACE_PREFIX}${id}-`));
  const found = new Map([...recorded(host, id), ...(await inhabitants(host, names))]);
  for (const pid of found.keys()) host.processes.kill(pid, "SIGTERM");
  for (let waited = 0; waited < TERM_PATIENCE && living(host, found).length > 0; waited += POLL) await host.sleep(POLL);
  for (const pid of living(host, found)) host.processes.kill(pid, "SIGKILL");
  for (const pid of (await inhabitants(host, names)).keys()) host.processes.kill(pid, "SIGKILL");
  if (names.length > 0) await host.processes.run(["ip", "-force", "-batch", "-"], { input: razeLines(names) });
  host.files.remove(`${LABS_DIRECTORY}/${id}`);
}

/** Milliseconds between a polite and a rude end. */
const TERM_PATIENCE = 3000;
const POLL = 20;

/** Start times by pid. */
type Processes = Map<number, string>;

/** Processes that we wrote down and that are still the same. */
function recorded(host: LabHost, id: string): Processes {
  const names = host.files.list(`${LABS_DIRECTORY}/${id}/${PROCESSES}`) ?? [];
  const written = names.map((name) => name.split("-")).map(([pid, started]): [number, string] => [Number(pid), started ?? ""]);
  return new Map(written.filter(([pid, started]) => startTime(host, pid) === started));
}

/** Who lives in a namespace of ours: also a process whose owner was killed before it wrote it down. */
async function inhabitants(host: LabHost, namespaces: readonly string[]): Promise<Processes> {
  const found: Processes = new Map();
  const lists = await Promise.all(namespaces.map((name) => host.processes.run(["ip", "netns", "pids", name])));
  for (const pid of lists
    .flatMap((list) => list.stdout.split("\n"))
    .filter((text) => /^\d+$/.test(text))
    .map(Number)) {
    const started = pid === host.processes.pid ? undefined : startTime(host, pid);
    if (started !== undefined) found.set(pid, started);
  }
  return found;
}

function living(host: LabHost, among: Processes): number[] {
  return [...among].filter(([pid, started]) => startTime(host, pid) === started).map(([pid]) => pid);
}

async function mustRun(host: LabHost, argv: readonly string[], input: string): Promise<void> {
  const { code, stderr } = await host.processes.run(argv, { input });
  if (code !== 0) throw new LabError(`${argv.slice(0, 6).join(" ")} failed: ${stderr.trim().split("\n").slice(0, 3).join("; ")}`);
}
