/** Our box in a node of a test's world, as an operator runs it: `pshim6 run` with a site.yaml. */
import { mkdirSync, writeFileSync } from "node:fs";
import { systemHttp } from "../../../adapters/common/http.ts";
import type { BindingRow, ContextRow, Listing } from "../../../runtime/api/rows.ts";
import type { RuntimeName } from "../../../runtime/lab/host.ts";
import { commandOf } from "../labhost.ts";
import type { Node } from "./nodes.ts";
import { must, type Program } from "./program.ts";

const PROGRAM = "dist/pshim6.mjs";
/** What a box says of a part that does not close. */
const LEFT_BEHIND = "did not end when it was told to";
/** A first key and a cold runtime on a busy machine, milliseconds. */
const READY_PATIENCE = 60_000;

/** A box, running or not. */
export interface TestBox {
  readonly node: Node;
  /** Its own: site.yaml, state, control socket. */
  readonly directory: string;
  readonly file: string;
  /** Where what must last lies. */
  readonly state: string;
  /** Its last life. */
  readonly program: Program | undefined;
  /** Starts it and waits until it is ready. @throws with its last words */
  start(): Promise<void>;
  /** SIGTERM. @returns the exit code */
  stop(): Promise<number | null>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Another verb of the program about this box, to its end. @returns what it printed @throws when it fails */
  verb(...words: readonly string[]): string;
  contexts(): Promise<readonly ContextRow[]>;
  bindings(): Promise<readonly BindingRow[]>;
  counters(): Promise<Readonly<Record<string, number>>>;
  /** For failures. */
  lastWords(): string;
}

/** Where a box and what belongs to it stand. */
export interface BoxPlace {
  readonly node: Node;
  readonly runtime: RuntimeName;
  /** Made if it is not there. */
  readonly directory: string;
  /** Below {@link directory} unless it says otherwise. */
  readonly state?: string;
  readonly logLevel?: "debug" | "info" | "warn";
}

/** A box that is not started. @param yaml its site.yaml but for `state` and `control` */
export function testBox({ node, runtime, directory, state = `${directory}/state`, logLevel = "info" }: BoxPlace, yaml: string): TestBox {
  const file = `${directory}/site.yaml`;
  const socket = `${directory}/control.sock`;
  const http = systemHttp((error) => console.error(error));
  mkdirSync(state, { recursive: true, mode: 0o700 });
  mkdirSync(directory, { recursive: true });
  writeFileSync(file, `${yaml}state: ${state}\ncontrol: ${socket}\n`);
  const { argv } = commandOf(runtime, PROGRAM);
  let program: Program | undefined;
  const lastWords = () => program?.lastWords ?? `the box in ${node.name} was not started`;
  const get = async (path: string): Promise<unknown> => {
    const response = await http.request(socket, new Request(`http://localhost${path}`));
    if (!response.ok) throw new Error(`${path}: ${response.status}\n${lastWords()}`);
    return response.json();
  };
  return {
    node,
    directory,
    file,
    state,
    get program() {
      return program;
    },
    start: async () => {
      program = node.start([...argv, "run", "-c", file, "--log-level", logLevel]);
      await program.said(/^ready\b/m, 0, READY_PATIENCE);
    },
    stop: async () => {
      if (program === undefined) return null;
      program.signal("SIGTERM");
      const code = await program.ended();
      if (program.log.includes(LEFT_BEHIND)) throw new Error(`the box left something behind\n${program.log.slice(-2_000)}`);
      return code;
    },
    kill: async () => {
      program?.signal("SIGKILL");
      await program?.ended();
    },
    verb: (...words) => must(node.enter([...argv, ...words, "-c", file])),
    contexts: async () => ((await get("/contexts")) as Listing<ContextRow>).items,
    bindings: async () => ((await get("/bindings")) as Listing<BindingRow>).items,
    counters: async () => (await get("/counters")) as Record<string, number>,
    lastWords,
  };
}

/** A provider's line of a small world where nobody lives behind the provider: the box must have one. */
export function addLine(node: Node): void {
  node.ip("link add name up1 type veth peer name up1-far", "link set dev up1 up", "link set dev up1-far up");
  node.ip("address add 2001:db8:f1::2/64 dev up1");
}

/** Settings of a box with {@link addLine}, without those of names and addresses. */
export const LONE_SITE = `site: alpha
ulid: { prefix: "fc00:aaaa:1::/48", generic: "fc00::/7" }
lan: { interface: lan, subnets: ["fc00:aaaa:1::/64"], advertise: true }
providers:
  - { name: isp1, prefix: "2001:db8:a1::/48", interface: up1, gateway: "2001:db8:f1::1", priority: 10, weight: 60 }
links: { gateway: { watch: false } } # there is none
key: { bits: 1024 }
`;
