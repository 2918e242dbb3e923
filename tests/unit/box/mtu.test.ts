/** Path MTUs over virtual time, against a network that loses what is too large, tells or is silent. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { CONFIRM_INTERVAL, MAX_PROBES, type MtuEffect, PathMtus, PMTU_RAISE_TIMER, PROBE_TIMER } from "../../../runtime/box/mtu.ts";
import { Draw } from "../../../runtime/reap/draw.ts";
import { address } from "../../../runtime/value/address.ts";
import type { LocatorPair } from "../../../runtime/value/pair.ts";
import { contextTag } from "../../../runtime/value/tag.ts";
import { type Millis, NEVER } from "../../../runtime/value/time.ts";

const TAG = contextTag(77);
const pair = (host: number, local = "a1", peer = "b3"): LocatorPair => ({
  local: address(`2001:db8:${local}::${host}`),
  peer: address(`2001:db8:${peer}::${host}`),
});

/** A machine, its clock, and a path that carries `carries` octets (0 = it is dead). */
class Bench {
  now: Millis = 1000;
  carries = 1500;
  /** Milliseconds that an acknowledgement takes. */
  roundTrip = 20;
  /** Whether routers say what the path carries. */
  tells = false;
  sends = true;
  readonly mtus = new PathMtus(1500, () => this.sends);
  readonly probes: { readonly at: Millis; readonly id: number; readonly octets: number }[] = [];
  readonly limits = new Map<number, number>();
  readonly #coming: { readonly at: Millis; readonly run: () => void }[] = [];
  #seed = 1;

  enter(id: number, of = pair(id), answers = true): void {
    this.limits.set(id, this.mtus.enter(id, of, answers ? TAG : undefined, this.now));
  }

  /** Lets time pass. */
  run(duration: Millis): void {
    const end = this.now + duration;
    for (;;) {
      const coming = Math.min(...this.#coming.map(({ at }) => at), NEVER);
      const next = Math.max(this.now, Math.min(coming, this.mtus.wakeAt));
      if (next > end) break;
      this.now = next;
      const due = this.#coming.filter((each) => each.at <= this.now);
      for (const each of due) this.#coming.splice(this.#coming.indexOf(each), 1);
      for (const { run } of due) run();
      const random = Uint8Array.from({ length: 44 }, (_, i) => (this.#seed * 31 + i * 7) & 0xff);
      this.#seed++;
      for (const effect of this.mtus.poll(this.now, new Draw(random))) this.#apply(effect);
    }
    this.now = end;
  }

  #apply(effect: MtuEffect): void {
    if (effect.kind === "mtu") {
      this.limits.set(effect.id, effect.mtu);
      return;
    }
    const { id, octets, nonce } = effect;
    this.probes.push({ at: this.now, id, octets });
    const at = this.now + this.roundTrip;
    if (octets <= this.carries) this.#coming.push({ at, run: () => this.mtus.acknowledged(id, nonce, this.now) });
    else if (this.tells && this.carries > 0) this.#coming.push({ at, run: () => this.mtus.told(effect.pair, this.carries, this.now) });
  }
}

test("a new path is probed once, for all contexts on it, and again while it carries traffic", () => {
  const bench = new Bench();
  for (let id = 1; id <= 5; id++) bench.enter(id);
  bench.run(1000);
  assert.equal(bench.probes, [{ at: 1000, id: 5, octets: 1500 }]);
  bench.run(CONFIRM_INTERVAL * 4);
  assert.ok(bench.probes.length >= 4 && bench.probes.length <= 6, `${bench.probes.length}`);
  assert.ok(bench.probes.every(({ octets }) => octets === 1500));
  bench.sends = false;
  const before = bench.probes.length;
  bench.run(CONFIRM_INTERVAL * 10);
  assert.is(bench.probes.length, before, "idle: nothing on the wire");
});

test("told: holds at once for all on the path, is proved, and lasts ten minutes", () => {
  const bench = new Bench();
  bench.tells = true;
  bench.enter(1);
  bench.enter(2);
  bench.enter(3, pair(3, "a2"));
  bench.run(1000);
  bench.carries = 1400;
  assert.ok(bench.mtus.told(pair(1), 1400, bench.now));
  assert.is(bench.mtus.mtuOf(1), 1400);
  assert.is(bench.mtus.mtuOn(pair(99)), 1400, "what `show paths` shows of any pair on the path");
  assert.is(bench.mtus.mtuOn(pair(1, "a9")), undefined);
  bench.run(1000);
  assert.equal(
    [...bench.limits],
    [
      [1, 1400],
      [2, 1400],
      [3, 1500],
    ],
  );
  assert.is(bench.probes.at(-1)?.octets, 1400);
  bench.enter(4);
  assert.is(bench.limits.get(4), 1400, "whoever comes later knows");
  bench.carries = 1500;
  bench.run(PMTU_RAISE_TIMER - 10_000);
  assert.is(bench.mtus.mtuOf(1), 1400);
  bench.run(20_000 + CONFIRM_INTERVAL * 2);
  assert.equal([...bench.limits.values()], [1500, 1500, 1500, 1500]);
});

test("a peer that answers no probe: as RFC 8201 has it, the old value comes back by time alone", () => {
  const bench = new Bench();
  bench.enter(1, pair(1), false);
  bench.mtus.told(pair(1), 1300, bench.now);
  bench.run(PMTU_RAISE_TIMER - 1);
  assert.is(bench.limits.get(1), 1300);
  bench.run(2);
  assert.is(bench.limits.get(1), 1500);
  assert.equal(bench.probes, []);
});

test("what nobody may say: more than is known, less than 1280, about a path that nobody uses", () => {
  const bench = new Bench();
  bench.enter(1);
  assert.not(bench.mtus.told(pair(1), 1500, bench.now));
  assert.not(bench.mtus.told(pair(1), 9000, bench.now));
  assert.not(bench.mtus.told(pair(1), 1279, bench.now));
  assert.not(bench.mtus.told(pair(1, "a7"), 1400, bench.now));
  assert.ok(bench.mtus.told(pair(1), 1400, bench.now));
  assert.not(bench.mtus.told(pair(1), 1450, bench.now));
  assert.is(bench.mtus.mtuOf(1), 1400);
});

for (const carries of [1280, 1281, 1360, 1400, 1492, 1499]) {
  test(`a silent path of ${carries} is found out, to within eight octets, in seconds`, () => {
    const bench = new Bench();
    bench.carries = carries;
    bench.enter(1);
    bench.run(MAX_PROBES * PROBE_TIMER);
    assert.is(bench.limits.get(1), 1280, "from the third loss on 1280 holds, while the search goes on");
    bench.run(30_000);
    const found = bench.limits.get(1) ?? 0;
    assert.ok(found <= carries && found > carries - 9, `${found}`);
    const searched = bench.probes.length;
    bench.run(60_000);
    assert.ok(bench.probes.length - searched <= 8, "then it is quiet again");
    assert.is(bench.limits.get(1), found);
  });
}

test("a path that becomes a black hole while it is used is found out at the next proof", () => {
  const bench = new Bench();
  bench.enter(1);
  bench.run(5000);
  bench.carries = 1300;
  bench.run(CONFIRM_INTERVAL * (1 + 0.2) + MAX_PROBES * PROBE_TIMER);
  const found = bench.limits.get(1) ?? 0;
  assert.ok(found >= 1280 && found <= 1300, `${found}`);
  bench.carries = 1500;
  bench.run(PMTU_RAISE_TIMER * 1.1);
  assert.is(bench.limits.get(1), 1500, "and raised again");
});

test("a dead path says nothing about its MTU, and one lost probe neither", () => {
  const bench = new Bench();
  bench.carries = 0;
  bench.enter(1);
  bench.run(60_000);
  assert.is(bench.limits.get(1), 1500);
  bench.carries = 1500;
  bench.run(60_000);
  assert.is(bench.limits.get(1), 1500);
});

test("an acknowledgement that comes late, or is made up", () => {
  const bench = new Bench();
  bench.roundTrip = PROBE_TIMER + 500;
  bench.enter(1);
  bench.run(60_000);
  assert.is(bench.limits.get(1), 1500, "the answer to an earlier one of the same size counts");
  assert.not(bench.mtus.acknowledged(1, 12_345, bench.now));
  assert.not(bench.mtus.acknowledged(99, 0, bench.now));
});

test("moving: the new path's own value, at once; the old one is remembered for ten minutes", () => {
  const bench = new Bench();
  bench.enter(1);
  bench.run(1000);
  bench.mtus.told(pair(1), 1400, bench.now);
  bench.carries = 1400;
  bench.run(2000);
  assert.is(bench.mtus.move(1, pair(1, "a2"), bench.now), 1500);
  bench.carries = 1500;
  bench.run(1000);
  assert.is(bench.probes.at(-1)?.octets, 1500, "and proved");
  assert.is(bench.mtus.move(1, pair(1), bench.now), 1400);
  bench.mtus.leave(1, bench.now);
  bench.run(PMTU_RAISE_TIMER + 1);
  bench.enter(1);
  assert.is(bench.limits.get(1), 1500, "forgotten");
});

test("a router that answers the search shortens it", () => {
  const bench = new Bench();
  bench.enter(1);
  bench.run(1000);
  bench.mtus.told(pair(1), 1300, bench.now);
  bench.tells = true;
  bench.carries = 1444;
  bench.run(PMTU_RAISE_TIMER + CONFIRM_INTERVAL * 2);
  assert.is(bench.limits.get(1), 1444);
});

test("many contexts are told in slices; the table of paths has an end", () => {
  const bench = new Bench();
  const of = pair(1);
  for (let id = 0; id < 10_000; id++) bench.mtus.enter(id, of, undefined, bench.now);
  bench.mtus.told(of, 1400, bench.now);
  const draw = new Draw(new Uint8Array(44));
  const slices = [1, 2, 3, 4].map(() => bench.mtus.poll(bench.now, draw).length);
  assert.equal(slices, [4096, 4096, 1808, 0]);
  const full = new PathMtus(1500, () => false);
  for (let i = 0; i < 20_000; i++) full.enter(i, pair(1, "a1", i.toString(16)), undefined, 0);
  full.told(pair(1, "a1", (19_999).toString(16)), 1300, 0);
  assert.is(full.mtuOf(19_999), 1500, "no room: taken for what all paths are taken for");
  full.told(pair(1, "a1", "1"), 1300, 0);
  assert.is(full.mtuOf(1), 1300);
  for (let i = 0; i < 20_000; i++) full.leave(i, 0);
  full.enter(1, pair(1, "a1", "ffff"), undefined, 1);
  full.told(pair(1, "a1", "ffff"), 1300, 1);
  assert.is(full.mtuOf(1), 1300, "paths that nobody uses make room");
});

test.run();
