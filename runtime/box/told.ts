/**
 * What somebody told the box of its providers: prefixes that change by themselves, and which providers are drained, dead or preferred. It lasts
 * over a restart, in a file of the state directory: a prefix for as long as it is valid, a word about a provider if that was asked for.
 */
import { z } from "zod";
import type { ProviderWord } from "../api/facade.ts";
import type { ToldPrefixes } from "../config/told.ts";
import type { Clock } from "../port/clock.ts";
import { PortError } from "../port/error.ts";
import type { Files } from "../port/files.ts";
import type { Log } from "../port/log.ts";
import { type Prefix, parsePrefix, showPrefix } from "../value/prefix.ts";
import { type Millis, NEVER } from "../value/time.ts";

/** Name of the file in the state directory. */
export const TOLD_FILE = "providers.json";
const OWNER_ONLY = 0o600;

/** A prefix and until when it holds, calendar milliseconds; `NEVER` = until another word. */
export interface ToldPrefix {
  readonly prefix: Prefix;
  readonly until: Millis;
}

/** What an operator says of a provider until further notice, beside draining it: it is dead, or it comes before all others. */
export const WORDS = ["broken", "preferred"] as const satisfies readonly ProviderWord[];

/** Until when a word holds, calendar milliseconds (`NEVER` = until it is taken back), and whether a restart leaves it so. */
export interface Said {
  readonly until: Millis;
  readonly keep: boolean;
}

/** What it works with. */
export interface ToldParts {
  readonly files: Pick<Files, "readText" | "writeText">;
  readonly clock: Pick<Clock, "wall">;
  readonly log: Log;
  readonly directory: string;
}

const fileSchema = z.object({
  prefixes: z.record(z.string(), z.object({ prefix: z.string(), until: z.number().nullable() })).default({}),
  drained: z.array(z.string()).default([]),
  said: z.record(z.enum(WORDS), z.record(z.string(), z.number().nullable())).default({ broken: {}, preferred: {} }),
});

/** The box's memory of it. A file that cannot be read is as good as none, and the log says so. */
export class Told {
  readonly #parts: ToldParts;
  #prefixes = new Map<string, ToldPrefix>();
  /** Drained providers by name, and whether a restart leaves them so. */
  readonly #drained = new Map<string, boolean>();
  /** Words by provider's name. */
  readonly #said: Readonly<Record<ProviderWord, Map<string, Said>>> = { broken: new Map(), preferred: new Map() };

  constructor(parts: ToldParts) {
    this.#parts = parts;
    this.#recall();
  }

  /** What is known of the provider `name` now. */
  of(name: string): ToldPrefix | undefined {
    const told = this.#prefixes.get(name);
    return told !== undefined && told.until > this.#parts.clock.wall() ? told : undefined;
  }

  /** All prefixes that hold now. */
  get prefixes(): ToldPrefixes {
    const now = this.#parts.clock.wall();
    return new Map([...this.#prefixes].filter(([, { until }]) => until > now).map(([name, { prefix }]) => [name, prefix]));
  }

  /** {@link prefixes} with another one for `name`, or without one. */
  with(name: string, prefix: Prefix | undefined): ToldPrefixes {
    const next = new Map(this.prefixes);
    if (prefix === undefined) next.delete(name);
    else next.set(name, prefix);
    return next;
  }

  /** When the next prefix or word ends, calendar milliseconds. */
  get endsAt(): Millis {
    const words = WORDS.flatMap((word) => [...this.#said[word].values()]);
    return Math.min(NEVER, ...[...this.#prefixes.values(), ...words].map(({ until }) => until));
  }

  /** Names of the providers of which `word` holds now. */
  named(word: ProviderWord): ReadonlySet<string> {
    const now = this.#parts.clock.wall();
    return new Set([...this.#said[word]].flatMap(([name, { until }]) => (until > now ? [name] : [])));
  }

  /** What was said of `name`, if it holds now. */
  saidOf(word: ProviderWord, name: string): Said | undefined {
    const said = this.#said[word].get(name);
    return said !== undefined && said.until > this.#parts.clock.wall() ? said : undefined;
  }

  /** Notes that `word` holds of `name`. @returns whether what must last is on the disk */
  say(word: ProviderWord, name: string, said: Said): boolean {
    this.#said[word].set(name, said);
    return this.#keep();
  }

  /** Takes a word back. @returns whether it is on the disk */
  unsay(word: ProviderWord, name: string): boolean {
    return !this.#said[word].delete(name) || this.#keep();
  }

  /** Forgets words that have ended. @returns the names of their providers */
  expireWords(): string[] {
    const ended = WORDS.flatMap((word) => {
      const over = [...this.#said[word].keys()].filter((name) => this.saidOf(word, name) === undefined);
      for (const name of over) this.#said[word].delete(name);
      return over;
    });
    if (ended.length > 0) this.#keep();
    return ended;
  }

  /** Names of the drained providers. */
  get drained(): ReadonlySet<string> {
    return new Set(this.#drained.keys());
  }

  /** Notes a prefix; `undefined` = there is none any more. @returns whether it is on the disk */
  setPrefix(name: string, told: ToldPrefix | undefined): boolean {
    if (told === undefined) this.#prefixes.delete(name);
    else this.#prefixes.set(name, told);
    return this.#keep();
  }

  /** Forgets prefixes that have ended. @returns the names of their providers */
  expire(): string[] {
    const ended = [...this.#prefixes.keys()].filter((name) => this.of(name) === undefined);
    for (const name of ended) this.#prefixes.delete(name);
    if (ended.length > 0) this.#keep();
    return ended;
  }

  /** Notes that `name` is drained, beyond a restart with `keep`. @returns whether what must last is on the disk */
  drain(name: string, keep: boolean): boolean {
    this.#drained.set(name, keep);
    return this.#keep();
  }

  /** @returns whether it is on the disk */
  restore(name: string): boolean {
    return !this.#drained.delete(name) || this.#keep();
  }

  #recall(): void {
    const { files, log, directory } = this.#parts;
    const text = files.readText(`${directory}/${TOLD_FILE}`);
    if (text === undefined) return;
    const read = fileSchema.safeParse(parsed(text));
    if (!read.success) {
      log.warn("what was told of providers cannot be read and is forgotten", { file: `${directory}/${TOLD_FILE}` });
      return;
    }
    for (const [name, { prefix, until }] of Object.entries(read.data.prefixes)) {
      const value = parsePrefix(prefix);
      if (value !== undefined) this.#prefixes.set(name, { prefix: value, until: until ?? NEVER });
    }
    for (const name of read.data.drained) this.#drained.set(name, true);
    for (const word of WORDS)
      for (const [name, until] of Object.entries(read.data.said[word] ?? {}))
        this.#said[word].set(name, { until: until ?? NEVER, keep: true });
  }

  #keep(): boolean {
    const { files, log, directory } = this.#parts;
    const prefixes = [...this.#prefixes].map(([name, { prefix, until }]) => [
      name,
      { prefix: showPrefix(prefix), until: until === NEVER ? null : until },
    ]);
    const drained = [...this.#drained].filter(([, keep]) => keep).map(([name]) => name);
    const kept = (word: ProviderWord) =>
      Object.fromEntries(
        [...this.#said[word]].flatMap(([name, { until, keep }]) => (keep ? [[name, until === NEVER ? null : until]] : [])),
      );
    const said = Object.fromEntries(WORDS.map((word) => [word, kept(word)]));
    try {
      files.writeText(
        `${directory}/${TOLD_FILE}`,
        `${JSON.stringify({ prefixes: Object.fromEntries(prefixes), drained, said }, undefined, 2)}\n`,
        OWNER_ONLY,
      );
      return true;
    } catch (error) {
      if (!(error instanceof PortError)) throw error;
      log.warn("what was told of providers is lost at the next restart", { error: error.message });
      return false;
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
