/** The watched stream: its pattern, and both ends over a wire in memory that can be made to lie. */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { StreamHost } from "../../../runtime/lab/host.ts";
import { fillPattern, firstWrong, PATTERN_PERIOD } from "../../../runtime/lab/pattern.ts";
import { SINK_REPORT, SOURCE_TICK, sendStream, serveStream } from "../../../runtime/lab/stream.ts";
import type { TcpConnection, TcpHandlers, TcpPort } from "../../../runtime/port/tcp.ts";
import { seed } from "../../lib/seed.ts";

test("an octet depends on its offset only: any cut of the stream gives the same octets", () => {
  const whole = new Uint8Array(3 * PATTERN_PERIOD);
  fillPattern(whole, 0);
  fc.assert(
    fc.property(fc.nat(whole.length), fc.nat(2000), (at, length) => {
      const piece = new Uint8Array(Math.min(length, whole.length - at));
      fillPattern(piece, at);
      assert.equal(piece, whole.slice(at, at + piece.length));
      assert.is(firstWrong(piece, at), -1);
    }),
    { seed, numRuns: 200 },
  );
});

test("one changed octet is found where it is", () => {
  fc.assert(
    fc.property(
      fc.nat(1_000_000),
      fc.integer({ min: 1, max: 3000 }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (offset, length, where, change) => {
        const bytes = new Uint8Array(length);
        fillPattern(bytes, offset);
        bytes[where % length] ^= change;
        assert.is(firstWrong(bytes, offset), where % length);
      },
    ),
    { seed, numRuns: 200 },
  );
});

test("octets of another offset are not taken for right, a whole round of the table away neither", () => {
  for (const shift of [1, 8, 1432, 1440, PATTERN_PERIOD, 2 * PATTERN_PERIOD]) {
    const bytes = new Uint8Array(1432);
    fillPattern(bytes, 10_000 + shift);
    assert.not.equal(firstWrong(bytes, 10_000), -1, `shifted by ${shift}`);
  }
});

test("what was sent is confirmed, gaps are told as long as they were", async () => {
  const world = new Wire();
  const [code, sink, source] = await world.play({ outage: [400, 700] });
  assert.equal(code, [0, 0]);
  const end = last(source);
  assert.is(end.ok, true);
  assert.is(end.sent, end.confirmed);
  assert.equal(last(sink), { done: true, octets: end.sent, wrong: 0 });
  const longest = Math.max(...sink.map((line) => line.gap ?? 0));
  assert.ok(longest >= 300 && longest <= 300 + 2 * SOURCE_TICK, `300 ms of outage were told as ${longest}`);
  const during = sink.filter((line) => line.gap > SINK_REPORT);
  assert.ok(during.length >= 4, "the gap is told while it lasts");
});

test("an octet that the network changed is counted and fails both ends", async () => {
  const [code, sink, source] = await new Wire().play({ flip: 5000 });
  assert.equal(code, [1, 1]);
  assert.ok(last(sink).wrong > 0);
  assert.is(last(source).ok, false);
});

test("octets that the network swallowed are noticed", async () => {
  const [code, sink] = await new Wire().play({ swallow: 5000 });
  assert.equal(code, [1, 1]);
  assert.ok(last(sink).wrong > 0);
});

test("a forged confirmation is noticed", async () => {
  const [code, , source] = await new Wire().play({ forge: true });
  assert.is(code[1], 1);
  assert.match(last(source).why, /confirmation/);
});

interface Trouble {
  /** From, until: milliseconds in which nothing passes. */
  readonly outage?: readonly [number, number];
  /** Offset of an octet that is changed. */
  readonly flip?: number;
  /** Offset of an octet that is left out. */
  readonly swallow?: number;
  readonly forge?: boolean;
}

/** Any line of either end: a test asks for the fields that its line has. */
interface Line {
  readonly octets: number;
  readonly wrong: number;
  readonly gap: number;
  readonly ok: boolean;
  readonly sent: number;
  readonly confirmed: number;
  readonly why: string;
}

function last(lines: readonly Line[]): Line {
  return lines[lines.length - 1];
}

/** Virtual time, one connection, one way of doing harm. */
class Wire {
  #now = 0;
  #ticks = new Set<{ at: number; every: number; run: () => void }>();
  #stops: (() => void)[] = [];

  async play(trouble: Trouble, until = 1000): Promise<[number[], Line[], Line[]]> {
    const sink: Line[] = [];
    const source: Line[] = [];
    const tcp = this.#tcp(trouble);
    const host = (lines: Line[]): StreamHost => ({
      clock: { now: () => this.#now },
      tcp,
      every: (ms, run) => {
        const tick = { at: this.#now + ms, every: ms, run };
        this.#ticks.add(tick);
        return () => this.#ticks.delete(tick);
      },
      out: (line) => lines.push(JSON.parse(line)),
      onStop: (stop) => this.#stops.push(stop),
    });
    const codes = Promise.all([
      serveStream(host(sink), { address: "::1", port: 1 }),
      sendStream(host(source), { address: "::1", port: 1, rate: 2_500_000, duration: until, patience: 500 }),
    ]);
    for (; this.#now < until + 2000; this.#now++) {
      for (const tick of [...this.#ticks]) {
        if (!this.#ticks.has(tick) || this.#now < tick.at) continue;
        tick.at += tick.every;
        tick.run();
      }
      for (let i = 0; i < 4; i++) await Promise.resolve();
    }
    for (const stop of this.#stops) stop();
    return [await codes, sink, source];
  }

  #tcp(trouble: Trouble): TcpPort {
    let accept: ((connection: TcpConnection) => TcpHandlers) | undefined;
    return {
      listen: async (_address, port, given) => {
        accept = given;
        return { port, close: () => undefined };
      },
      connect: async (_address, _port, _timeout, open) => {
        const ends: TcpHandlers[] = [];
        const queue: { to: number; bytes: Uint8Array | undefined }[] = [];
        let offset = 0;
        const end = (to: number): TcpConnection => ({
          remote: "::1",
          write: (bytes) => {
            queue.push({ to, bytes });
            return true;
          },
          end: () => queue.push({ to, bytes: undefined }),
          close: () => ends[1 - to]?.closed(undefined),
        });
        const near = end(1);
        ends.push(open(near), accept?.(end(0)) as TcpHandlers);
        const pump = () => {
          if (trouble.outage !== undefined && this.#now >= trouble.outage[0] && this.#now < trouble.outage[1]) return;
          for (const { to, bytes } of queue.splice(0)) {
            if (bytes === undefined) {
              ends[to].end();
              if (to === 0) ends[0].closed(undefined);
              continue;
            }
            ends[to].data(to === 1 ? harm(bytes, offset, trouble) : trouble.forge === true ? forged(bytes) : bytes);
            if (to === 1) offset += bytes.length;
          }
        };
        this.#ticks.add({ at: this.#now, every: 1, run: pump });
        return near;
      },
    };
  }
}

function harm(bytes: Uint8Array, offset: number, { flip, swallow }: Trouble): Uint8Array {
  const hit = (at: number | undefined): at is number => at !== undefined && at >= offset && at < offset + bytes.length;
  if (hit(flip)) {
    const changed = bytes.slice();
    changed[flip - offset] ^= 1;
    return changed;
  }
  if (hit(swallow)) return bytes.filter((_, i) => i !== swallow - offset);
  return bytes;
}

function forged(bytes: Uint8Array): Uint8Array {
  const changed = bytes.slice();
  changed[2] = 0xff;
  return changed;
}

test.run();
