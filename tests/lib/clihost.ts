/** A command line in memory: everything outside is made up, what is printed is kept. */

import { createCrypto } from "../../adapters/common/crypto.ts";
import { seededEntropy } from "../../adapters/memory/entropy.ts";
import { memoryFiles } from "../../adapters/memory/files.ts";
import { memoryHttp } from "../../adapters/memory/http.ts";
import { memoryOutside } from "../../adapters/memory/outside.ts";
import { type MemoryDisk, memoryDisk, memoryStore } from "../../adapters/memory/store.ts";
import { searchModifier } from "../../runtime/cga/index.ts";
import type { CliHost } from "../../runtime/cli/host.ts";
import { main } from "../../runtime/cli/main.ts";
import type { Files } from "../../runtime/port/files.ts";
import type { Http } from "../../runtime/port/http.ts";
import { concat } from "../../runtime/value/bytes.ts";
import { coreModule } from "./core.ts";

/** What may be different from a plain host. */
export interface CliWorld {
  readonly environment?: Readonly<Record<string, string>>;
  /** Lines on standard input. */
  readonly input?: readonly string[];
  /** Width of the terminal that standard output is; absent = it is a pipe. */
  readonly columns?: number | undefined;
  /** Its lines. */
  readonly rows?: number;
  /** Called in each pause. */
  readonly paused?: (machine: CliMachine) => void;
  /** Calendar milliseconds. */
  readonly wall?: number;
  /** The reader of standard output goes away after so many writes. */
  readonly reads?: number;
  /** `pause` answers `true` so often, then `false`. */
  readonly pauses?: number;
  readonly host?: Partial<CliHost>;
}

/** What one command line left behind. */
export interface CliResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A machine on which command lines are run one after the other. */
export class CliMachine {
  readonly files: Files = memoryFiles();
  readonly http: Http = memoryHttp();
  readonly disk: MemoryDisk = memoryDisk();
  /** What was handed over, as `verb` and its options. */
  readonly handed: unknown[] = [];
  readonly directories: string[] = [];
  /** Files of octets. */
  readonly written = new Map<string, Uint8Array>();
  readonly entropy = seededEntropy(1);
  /** Presses keys, while somebody hears them. */
  press: ((text: string) => void) | undefined;
  /** Milliseconds of each pause. */
  readonly paused: number[] = [];

  async run(argv: readonly string[], world: CliWorld = {}): Promise<CliResult> {
    const printed = { stdout: "", stderr: "" };
    let reads = world.reads ?? Number.POSITIVE_INFINITY;
    let pauses = world.pauses ?? 0;
    const hand = async (verb: string, ...rest: unknown[]): Promise<number> => {
      this.handed.push([verb, ...rest]);
      return 0;
    };
    const host: CliHost = {
      version: "1.2.3",
      host: {
        runtime: "node 26.10.0",
        environment: (name) => world.environment?.[name],
        isTerminal: () => world.columns !== undefined,
        print(text, stream = "stdout") {
          if (stream === "stdout" && reads-- <= 0) return false;
          printed[stream] += text;
          return true;
        },
        async *inputLines() {
          yield* world.input ?? [];
        },
      },
      files: this.files,
      http: this.http,
      entropy: this.entropy,
      crypto: createCrypto(),
      wall: () => world.wall ?? 1_800_000_000_000,
      searchModifier: async (search, tried) => {
        const work = searchModifier(search);
        for (let step = work.next(); ; step = work.next()) {
          if (step.done) return step.value;
          tried(step.value);
        }
      },
      terminal: {
        size: () => ({ columns: world.columns ?? 80, rows: world.rows ?? 24 }),
        keys: (heard) => {
          this.press = heard;
          return () => {
            this.press = undefined;
          };
        },
        onResize: () => () => undefined,
      },
      pause: async (time) => {
        this.paused.push(time);
        world.paused?.(this);
        return pauses-- > 0;
      },
      onStop: () => () => undefined,
      openStore: async (directory) => {
        this.directories.push(directory);
        return memoryStore(this.disk);
      },
      routes: (site) => `# routes of ${site.site}\n`,
      runBox: (site, options) => hand("run", site.site, site.log.level, options),
      runLab: (options) => hand("lab", options),
      runLabStream: (rest) => hand("lab-stream", rest),
      runLabHost: (rest) => hand("lab-host", rest),
      openSimulation: async () => memoryOutside(coreModule(), createCrypto()),
      openTap: async () => ({ read: () => 0, missed: () => 0, close: () => undefined }),
      openSink: (path) => {
        const parts: Uint8Array[] = [];
        const name = path ?? "-";
        return {
          write: (octets) => {
            parts.push(octets.slice());
            this.written.set(name, concat(...parts));
            return true;
          },
          close: () => undefined,
        };
      },
      writeOctets: (path, octets) => this.written.set(path, octets),
      benchCore: (options) => hand("bench", options),
      ...world.host,
    };
    const code = await main(argv, host);
    return { code, out: printed.stdout, err: printed.stderr };
  }
}
