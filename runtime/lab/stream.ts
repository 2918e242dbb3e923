/**
 * The connection the lab watches: TCP from h1 to h2, every octet checked on arrival, answered by counters of what was
 * checked, which h1 checks in turn. Each end is a process of its own inside its host's namespace and tells its story in
 * JSON lines on standard output ({@link SinkLine}, {@link SourceLine}).
 */
import { concat, putU16, putU48, u16, u48 } from "../value/bytes.ts";
import type { Millis } from "../value/time.ts";
import type { StreamHost } from "./host.ts";
import { fillPattern, firstWrong } from "./pattern.ts";

/** What h2 says. */
export type SinkLine =
  | { readonly listening: number }
  /** Every {@link SINK_REPORT}: octets checked so far, octets that were wrong, and the longest time without data (ms) since the last line. */
  | { readonly octets: number; readonly wrong: number; readonly gap: Millis }
  | { readonly done: true; readonly octets: number; readonly wrong: number };

/** What h1 says. */
export type SourceLine =
  /** The time connect took: with it, what the first packet of a new context waits. */
  | { readonly connected: Millis }
  /** `ok`: h2 confirmed every octet, in order, and nothing else came. */
  | { readonly done: true; readonly ok: boolean; readonly sent: number; readonly confirmed: number; readonly why?: string };

export const SINK_REPORT: Millis = 50;
/** Small writes, often: a gap at h2 is then the network's, not ours, down to this. */
export const SOURCE_TICK: Millis = 4;
/** Octets a second: 20 Mbit/s. */
export const DEFAULT_RATE = 2_500_000;
/** After a gap the source does not send more than so much of what it missed. */
const CATCH_UP: Millis = 50;
const LARGEST_WRITE = 65_536;

/** One confirmation: mark, then octets checked so far; big-endian. */
const CONFIRM_MARK = 0x5053;
const CONFIRM_OCTETS = 8;

/** Serves one connection after the other until told to stop. @returns exit code: 1 if any octet was wrong */
export async function serveStream(host: StreamHost, listen: { address: string; port: number }): Promise<number> {
  let wrong = 0;
  const stopped = new Promise<void>((resolve) => host.onStop(resolve));
  const listener = await host.tcp.listen(listen.address, listen.port, (connection) => {
    let octets = 0;
    let wrongHere = 0;
    let longest = 0;
    let lastAt: Millis | undefined;
    const confirm = () => {
      const record = new Uint8Array(CONFIRM_OCTETS);
      putU16(record, 0, CONFIRM_MARK);
      putU48(record, 2, octets - wrongHere);
      connection.write(record);
    };
    const report = () => {
      if (lastAt === undefined) return;
      const gap = Math.max(longest, host.clock.now() - lastAt);
      longest = 0;
      say(host, { octets, wrong: wrongHere, gap: round(gap) } satisfies SinkLine);
      confirm();
    };
    const rest = host.every(SINK_REPORT, report);
    return {
      data: (bytes) => {
        const now = host.clock.now();
        if (lastAt !== undefined) longest = Math.max(longest, now - lastAt);
        lastAt = now;
        if (firstWrong(bytes, octets) >= 0) {
          wrongHere += bytes.length;
          wrong += bytes.length;
        }
        octets += bytes.length;
      },
      drain: () => undefined,
      end: () => {
        rest();
        confirm();
        connection.end();
        say(host, { done: true, octets, wrong: wrongHere } satisfies SinkLine);
      },
      closed: rest,
    };
  });
  say(host, { listening: listener.port } satisfies SinkLine);
  await stopped;
  listener.close();
  return wrong === 0 ? 0 : 1;
}

/** For {@link sendStream}. */
export interface SourceOptions {
  readonly address: string;
  readonly port: number;
  /** Octets a second; `undefined` = as fast as it goes. */
  readonly rate: number | undefined;
  /** Ends by itself after so long; `undefined` = when told to. */
  readonly duration: Millis | undefined;
  /** How long to wait for the connection and, at the end, for the last confirmation. */
  readonly patience: Millis;
}

/** Sends until told to stop, then waits for the last confirmation. @returns exit code: 0 if everything was confirmed */
export async function sendStream(host: StreamHost, options: SourceOptions): Promise<number> {
  const { clock } = host;
  const source = new Source(host, options);
  const stopped = new Promise<void>((resolve) => host.onStop(resolve));
  const began = clock.now();
  try {
    await host.tcp.connect(options.address, options.port, options.patience, (connection) => source.open(connection));
  } catch (error) {
    source.finish(error instanceof Error ? error.message : String(error));
    return 1;
  }
  say(host, { connected: round(clock.now() - began) } satisfies SourceLine);
  source.run();
  await Promise.race([stopped, source.closed, ...(options.duration === undefined ? [] : [after(host, options.duration)])]);
  source.stop();
  await Promise.race([source.closed, after(host, options.patience)]);
  return source.finish("the last confirmation did not come") ? 0 : 1;
}

class Source {
  readonly closed: Promise<void>;
  #host: StreamHost;
  #options: SourceOptions;
  #connection: { write(bytes: Uint8Array): boolean; end(): void; close(): void } | undefined;
  #sent = 0;
  #confirmed = 0;
  #why: string | undefined;
  #partial: Uint8Array = new Uint8Array(0);
  #full = false;
  #stopped = false;
  #rest: () => void = () => undefined;
  #close: () => void = () => undefined;

  constructor(host: StreamHost, options: SourceOptions) {
    this.#host = host;
    this.#options = options;
    this.closed = new Promise((resolve) => {
      this.#close = resolve;
    });
  }

  open(connection: { write(bytes: Uint8Array): boolean; end(): void; close(): void }) {
    this.#connection = connection;
    return {
      data: (bytes: Uint8Array) => this.#read(bytes),
      drain: () => {
        this.#full = false;
        if (this.#options.rate === undefined) this.#flood();
      },
      end: () => connection.end(),
      closed: (why: string | undefined) => {
        this.#why ??= why;
        this.#rest();
        this.#close();
      },
    };
  }

  run(): void {
    const { rate } = this.#options;
    if (rate === undefined) {
      this.#flood();
      return;
    }
    let paidUntil = this.#host.clock.now();
    this.#rest = this.#host.every(SOURCE_TICK, () => {
      const now = this.#host.clock.now();
      paidUntil = Math.max(paidUntil, now - CATCH_UP);
      if (this.#full) return;
      const octets = Math.floor(((now - paidUntil) * rate) / 1000);
      paidUntil += (octets * 1000) / rate;
      if (octets > 0) this.#write(octets);
    });
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#rest();
    this.#connection?.end();
  }

  /** Tells how it went; `late` is the reason if the connection is still open. */
  finish(late: string): boolean {
    const complete = this.#confirmed === this.#sent && this.#connection !== undefined;
    const why = this.#why ?? (complete ? undefined : late);
    say(this.#host, {
      done: true,
      ok: why === undefined,
      sent: this.#sent,
      confirmed: this.#confirmed,
      ...(why === undefined ? {} : { why }),
    } satisfies SourceLine);
    this.#connection?.close();
    return why === undefined;
  }

  #flood(): void {
    while (!this.#full && !this.#stopped) this.#write(LARGEST_WRITE);
  }

  #write(octets: number): void {
    for (let left = octets; left > 0; left -= LARGEST_WRITE) {
      const bytes = new Uint8Array(Math.min(left, LARGEST_WRITE));
      fillPattern(bytes, this.#sent);
      this.#sent += bytes.length;
      if (this.#connection?.write(bytes) === false) this.#full = true;
    }
  }

  #read(bytes: Uint8Array): void {
    const all = this.#partial.length === 0 ? bytes : concat(this.#partial, bytes);
    let at = 0;
    for (; all.length - at >= CONFIRM_OCTETS; at += CONFIRM_OCTETS) {
      const confirmed = u48(all, at + 2);
      if (u16(all, at) !== CONFIRM_MARK || confirmed < this.#confirmed || confirmed > this.#sent) {
        this.#why ??= "a confirmation is not what h2 sent";
        this.#connection?.close();
        return;
      }
      this.#confirmed = confirmed;
    }
    this.#partial = all.slice(at);
  }
}

function after(host: StreamHost, ms: Millis): Promise<void> {
  return new Promise((resolve) => {
    const rest = host.every(ms, () => {
      rest();
      resolve();
    });
  });
}

function say(host: StreamHost, line: SinkLine | SourceLine): void {
  host.out(JSON.stringify(line));
}

function round(ms: Millis): Millis {
  return Math.round(ms * 10) / 10;
}
