/** Programs that run beside a test, inside a node of its world: what they said, and waits that end with a reason. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import process from "node:process";

/** Milliseconds that a wait takes at most, unless it says otherwise: machines that run tests are busy. */
export const PATIENCE = 30_000;
/** Characters of a program's words that are kept, the newest. */
const MEMORY = 4_000_000;
/** Characters of them that a failure shows. */
const LAST_WORDS = 3_000;
/** Milliseconds from a polite to a rude end. */
const TERM_PATIENCE = 5_000;

/** A running program. */
export interface Program {
  readonly name: string;
  readonly pid: number;
  /** What it said on both outputs so far. */
  readonly log: string;
  /** The end of {@link log}, for people who read a failure. */
  readonly lastWords: string;
  /** Whether it has not ended. */
  readonly running: boolean;
  /**
   * Waits until what it said, from character `from` on, fits `pattern`.
   * @throws when it ends or the time is up before
   */
  said(pattern: RegExp, from?: number, patience?: number): Promise<RegExpExecArray>;
  /** Resolves with the exit code, `null` after a signal. @throws after `patience` */
  ended(patience?: number): Promise<number | null>;
  signal(name: NodeJS.Signals): void;
  /** Ends it: SIGTERM, and SIGKILL if that does not do. */
  stop(): Promise<void>;
}

/** How a program is started. */
export interface ProgramOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input that stays open while it runs; otherwise there is none. */
  readonly openInput?: true;
  /** Hears of everything said, as it comes. */
  readonly heard?: () => void;
}

/** What runs, and is not to outlive the test file. */
const all = new Set<{ forget(): void }>();

/** Starts `argv`. */
export function start(name: string, argv: readonly string[], options: ProgramOptions = {}): Program {
  const program = new Running(name, argv, options);
  all.add(program);
  return program;
}

/** Has {@link stopAll} end something of another kind too. */
export function stopToo(forget: () => void): void {
  all.add({ forget });
}

/** Kills whatever {@link start} started and still runs, and waits for nothing more of it: for the end of a test file. */
export function stopAll(): void {
  for (const program of all) program.forget();
}

/** Runs `argv` to its end. @returns what it printed @throws when it fails, with what it said */
export function must(argv: readonly string[], input = ""): string {
  const [program, ...words] = argv;
  const done = spawnSync(program, words, { input, encoding: "utf8", maxBuffer: 1 << 28, timeout: PATIENCE });
  if (done.status !== 0) throw new Error(`${argv.join(" ")}: ${done.stderr || done.stdout || done.error?.message}`);
  return done.stdout;
}

/**
 * Waits for `look` to give something. It is asked again every few milliseconds: only for what tells nobody when it changes.
 * @throws after `patience`, with `what` and what `why` says then
 */
export async function until<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  why: () => string = () => "",
  patience = PATIENCE,
): Promise<T> {
  const end = performance.now() + patience;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`${what}: not within ${patience / 1000} s\n${why()}`);
    await sleep(10);
  }
}

/** Resolves after `ms` milliseconds. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits of many for one thing that changes. */
export class Bell {
  #waiting = new Set<() => void>();

  /** Something changed. */
  ring(): void {
    for (const look of this.#waiting) look();
  }

  /** Waits until `look`, asked now and at every ring, gives something. @throws after `patience`, with `what` and `why()` */
  until<T>(what: string, look: () => T | undefined, why: () => string = () => "", patience = PATIENCE): Promise<T> {
    return new Promise((resolve, reject) => {
      const rest = () => {
        clearTimeout(late);
        this.#waiting.delete(again);
      };
      const again = () => {
        try {
          const found = look();
          if (found === undefined) return;
          rest();
          resolve(found);
        } catch (error) {
          rest();
          reject(error);
        }
      };
      const late = setTimeout(() => {
        rest();
        reject(new Error(`${what}: not within ${patience / 1000} s\n${why()}`));
      }, patience);
      this.#waiting.add(again);
      again();
    });
  }
}

class Running implements Program {
  readonly name: string;
  readonly pid: number;
  log = "";
  #child: ChildProcess;
  #code: number | null | undefined;
  #bell = new Bell();

  constructor(name: string, argv: readonly string[], options: ProgramOptions) {
    this.name = name;
    const [program, ...words] = argv;
    const env = { ...process.env, ...options.env };
    this.#child = spawn(program, words, { stdio: [options.openInput === true ? "pipe" : "ignore", "pipe", "pipe"], env, cwd: options.cwd });
    this.pid = this.#child.pid ?? 0;
    for (const output of [this.#child.stdout, this.#child.stderr]) {
      output?.on("data", (chunk: Buffer) => {
        this.log = (this.log + chunk.toString()).slice(-MEMORY);
        options.heard?.();
        this.#bell.ring();
      });
    }
    this.#child.on("error", (error) => {
      this.log += String(error);
    });
    // Not "close": what a program leaves behind may hold its outputs open. Its own last words are read first.
    this.#child.on("exit", (code) =>
      setImmediate(() => {
        this.#code = code;
        this.#bell.ring();
      }),
    );
  }

  get lastWords(): string {
    return `${this.name} said: ${this.log.slice(-LAST_WORDS)}`;
  }

  get running(): boolean {
    return this.#code === undefined;
  }

  said(pattern: RegExp, from = 0, patience = PATIENCE): Promise<RegExpExecArray> {
    const look = () => {
      const found = pattern.exec(this.log.slice(from));
      if (found !== null) return found;
      if (!this.running) throw new Error(`${this.name} ended with ${this.#code} before it said ${pattern}\n${this.lastWords}`);
      return undefined;
    };
    return this.#bell.until(`${this.name} says ${pattern}`, look, () => this.lastWords, patience);
  }

  async ended(patience = PATIENCE): Promise<number | null> {
    const look = () => (this.#code === undefined ? undefined : { code: this.#code });
    return (await this.#bell.until(`${this.name} ends`, look, () => this.lastWords, patience)).code;
  }

  signal(name: NodeJS.Signals): void {
    if (this.running) this.#child.kill(name);
  }

  /** Kills it and does not wait. */
  forget(): void {
    this.signal("SIGKILL");
    for (const stream of [this.#child.stdin, this.#child.stdout, this.#child.stderr]) stream?.destroy();
    this.#child.unref();
    all.delete(this);
  }

  async stop(): Promise<void> {
    if (!this.running) return;
    this.signal("SIGTERM");
    try {
      await this.ended(TERM_PATIENCE);
    } catch {
      this.signal("SIGKILL");
      await this.ended();
    }
  }
}
