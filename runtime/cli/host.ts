import type { ModifierSearch } from "../cga/index.ts";
import type { Site } from "../config/site.ts";
import type { CryptoPort } from "../port/crypto.ts";
import type { Entropy } from "../port/entropy.ts";
import type { Files } from "../port/files.ts";
import type { Host } from "../port/host.ts";
import type { Http } from "../port/http.ts";
import type { LogLevel } from "../port/log.ts";
import type { OpenSink } from "../port/sink.ts";
import type { Store } from "../port/store.ts";
import type { Tap } from "../port/tap.ts";
import type { Terminal } from "../port/terminal.ts";
import type { SimOutside } from "../sim/outside.ts";
import type { Millis } from "../value/time.ts";

/** Everything outside the command line. Verbs that are programs of their own are handed over whole and answer with an exit code. */
export interface CliHost {
  /** The program's own version. */
  readonly version: string;
  readonly host: Pick<Host, "runtime" | "environment" | "isTerminal" | "print" | "inputLines">;
  readonly files: Pick<Files, "readText" | "writeText" | "list" | "mode">;
  readonly http: Pick<Http, "request">;
  readonly entropy: Entropy;
  readonly crypto: CryptoPort;
  /** A modifier for CGA parameters, searched in threads; `tried` hears the modifiers tried so far. @throws {PortError} */
  searchModifier(search: ModifierSearch, tried: (tries: number) => void): Promise<Uint8Array>;
  readonly terminal: Terminal;
  /** Calendar milliseconds. */
  wall(): number;
  /** Waits, less long when `wake` is aborted. @returns `false`, at once, when the user wants to stop (SIGINT, SIGTERM) */
  pause(time: Millis, wake?: AbortSignal): Promise<boolean>;
  /** Calls `run` when the user wants to stop (SIGINT, SIGTERM). @returns what ends it */
  onStop(run: () => void): () => void;
  /** The site's store in `directory`, made with it when there is none. @throws {PortError} */
  openStore(directory: string): Store | Promise<Store>;
  /** The kernel's routes and rules for `site` as a shell script (runtime/box/egress.ts). */
  routes(site: Site): string;
  runBox(site: Site, options: RunOptions): Promise<number>;
  runLab(options: LabOptions): Promise<number>;
  /** The lab's stream of data inside its hosts; `argv` = what stands behind the verb. */
  runLabStream(argv: readonly string[]): Promise<number>;
  /** What a host in the lab asks for; `argv` = what stands behind the verb. */
  runLabHost(argv: readonly string[]): Promise<number>;
  /** What simulations run on. */
  openSimulation(): Promise<SimOutside>;
  /** Looks at the packets of an interface. @throws {PortError} `missing`, `permission`, `failed` */
  openTap(name: string): Promise<Tap>;
  readonly openSink: OpenSink;
  /** Replaces or creates a file. @throws {PortError} */
  writeOctets(path: string, octets: Uint8Array): void;
  benchCore(options: BenchOptions): Promise<number>;
}

/** `pshim6 run`. */
export interface RunOptions {
  /** The file that the site was read from, for reading it again. */
  readonly file: string;
  /** Overrides `log.level` of the file; already put into the site too. */
  readonly logLevel: LogLevel;
  /** The level was said on the command line: reading the file again does not change what is logged. */
  readonly keepLogLevel?: true;
  /** Where control messages are captured, and octets at most; absent = nowhere. */
  readonly capture?: { readonly file: string; readonly limit: number };
}

/** The runtimes that the lab can run its boxes on. */
export const RUNTIMES = ["node", "deno", "bun"] as const;
export type RuntimeName = (typeof RUNTIMES)[number];

/** `pshim6 lab`. `undefined` = not said: the lab's own choice. */
export interface LabOptions {
  /** One round, then an exit code that tells whether the connection outlived everything. */
  readonly once: boolean;
  readonly json: boolean;
  readonly verbose: boolean;
  readonly runtimeA: RuntimeName | undefined;
  readonly runtimeB: RuntimeName | undefined;
  readonly seconds: number | undefined;
  /** Rounds. */
  readonly passes: number | undefined;
  /** Directory for captures. */
  readonly capture: string | undefined;
}

/** `pshim6 bench core`. */
export interface BenchOptions {
  readonly json: boolean;
  /** Contexts in the table, rounded up to a power of two; `undefined` = a series of sizes. */
  readonly contexts: number | undefined;
}
