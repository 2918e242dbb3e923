/**
 * How much the lines to the providers carry, beside what they are meant to: while one carries more, contexts that begin use the next provider.
 * Measured at the interface, in the kernel's own counters, because a line carries more than Shim6's packets. A line is full while the mean rate
 * over a few seconds, in the busier direction, is above its capacity, and until it has come down to {@link FREE_AT} of it.
 */
import type { Provider } from "../config/site.ts";
import type { Files } from "../port/files.ts";
import type { Log } from "../port/log.ts";
import { showPrefix } from "../value/prefix.ts";
import type { Millis } from "../value/time.ts";

// Chosen.

/** Between two looks at the counters; a rate is a mean over so many of them. */
export const LOAD_LOOK: Millis = 1_000;
export const LOAD_LOOKS = 5;
/** Of the capacity: between the two nothing changes. */
export const FREE_AT = 0.8;

/** Octets that an interface has carried, by direction. */
export interface LineOctets {
  readonly sent: number;
  readonly received: number;
}

interface Look extends LineOctets {
  readonly at: Millis;
}

/** One line's rate, and whether it is full. Pure. */
export class Load {
  readonly #looks: Look[] = [];
  #isFull = false;

  /** Bits per second, of the busier direction; `undefined` before the second look. */
  get rate(): number | undefined {
    const [first] = this.#looks;
    const last = this.#looks.at(-1);
    if (first === undefined || last === undefined || last.at <= first.at) return undefined;
    const octets = Math.max(last.sent - first.sent, last.received - first.received);
    return (8_000 * octets) / (last.at - first.at);
  }

  /** @returns whether the line, which may carry `capacity` bits per second, is full now. Counters that fell begin anew. */
  look(octets: LineOctets, capacity: number, now: Millis): boolean {
    const last = this.#looks.at(-1);
    if (last !== undefined && (octets.sent < last.sent || octets.received < last.received)) this.#looks.length = 0;
    this.#looks.push({ ...octets, at: now });
    if (this.#looks.length > LOAD_LOOKS + 1) this.#looks.shift();
    const { rate } = this;
    if (rate === undefined) return this.#isFull;
    this.#isFull = rate > (this.#isFull ? FREE_AT * capacity : capacity);
    return this.#isFull;
  }
}

/** What it works with; the providers as they are after reloads. */
export interface LoadParts {
  readonly providers: () => readonly Provider[];
  readonly files: Pick<Files, "readText">;
  readonly now: () => Millis;
  /** Calls `run` once, at `at`. */
  readonly later: (at: Millis, run: () => void) => void;
  readonly log: Log;
  /** Hears the prefixes of those that are full, as text, when they change. */
  readonly changed: (full: ReadonlySet<string>) => void;
}

/** The loads of a box's lines. Looks only as long as a provider has a capacity. For the control thread. */
export class Loads {
  readonly #parts: LoadParts;
  readonly #loads = new Map<string, Load>();
  #full: ReadonlySet<string> = new Set();
  /** Interfaces without counters, of which the log has heard. */
  readonly #unread = new Set<string>();
  #looks = false;

  constructor(parts: LoadParts) {
    this.#parts = parts;
  }

  /** The site is there, or has changed. */
  refresh(): void {
    if (this.#looks || !this.#parts.providers().some(({ capacity }) => capacity !== undefined)) return;
    this.#looks = true;
    this.#look();
  }

  #look(): void {
    const { providers, now, later, changed, log } = this.#parts;
    const measured = providers().filter(({ capacity }) => capacity !== undefined);
    const full = new Set(measured.filter((provider) => this.#isFull(provider, now())).map(({ prefix }) => showPrefix(prefix)));
    for (const { name, prefix, capacity } of measured) {
      const text = showPrefix(prefix);
      if (full.has(text) === this.#full.has(text)) continue;
      if (full.has(text))
        log.info("the provider carries more than it is meant to: new contexts use the next one", { provider: name, capacity });
      else log.info("the provider has room again", { provider: name, capacity });
    }
    const isNews = full.size !== this.#full.size || [...full].some((each) => !this.#full.has(each));
    this.#full = full;
    if (isNews) changed(full);
    this.#looks = measured.length > 0;
    if (this.#looks) later(now() + LOAD_LOOK, () => this.#look());
    else this.#loads.clear();
  }

  #isFull({ interface: device, capacity }: Provider, now: Millis): boolean {
    const octets = this.#read(device);
    if (octets === undefined || capacity === undefined) return false;
    const load = this.#loads.get(device) ?? new Load();
    this.#loads.set(device, load);
    return load.look(octets, capacity, now);
  }

  #read(device: string): LineOctets | undefined {
    const { files, log } = this.#parts;
    const [sent, received] = ["tx", "rx"].map((way) =>
      Number(files.readText(`/sys/class/net/${device}/statistics/${way}_bytes`) ?? Number.NaN),
    );
    if (Number.isFinite(sent) && Number.isFinite(received)) {
      this.#unread.delete(device);
      return { sent, received };
    }
    if (!this.#unread.has(device)) log.warn("the line has no counters: its capacity is not looked after", { interface: device });
    this.#unread.add(device);
    return undefined;
  }
}
