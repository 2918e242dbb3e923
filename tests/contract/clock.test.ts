/** Clock: virtual time in memory, and this runtime's. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { virtualClock } from "../../adapters/memory/clock.ts";
import { loadMonotonic, loadPlatform } from "../../adapters/platform.ts";
import type { Clock } from "../../runtime/port/clock.ts";
import { NEVER } from "../../runtime/value/time.ts";

const { clock: real } = await loadPlatform();
const virtual = virtualClock(5_000);

/** Each clock, and how the instant `at` is made to come. */
const clocks: [string, Clock, (at: number) => Promise<void>][] = [
  ["virtual", virtual, async (at) => virtual.advanceTo(Math.max(at, virtual.now()))],
  ["system", real, (at) => new Promise((resolve) => setTimeout(resolve, at - real.now() + 25))],
];

for (const [name, clock, pass] of clocks) {
  test(`${name}: now never goes back`, () => {
    let last = clock.now();
    for (let i = 0; i < 10_000; i++) {
      const now = clock.now();
      assert.ok(now >= last);
      last = now;
    }
  });

  test(`${name}: wakes once, never early, never inside wakeAt`, async () => {
    for (const wait of [0, 0.4, 1, 2.7, 10, 30]) {
      const at = clock.now() + wait;
      const woken: number[] = [];
      clock.wakeAt(at, () => woken.push(clock.now()));
      assert.equal(woken, []);
      await pass(at);
      assert.is(woken.length, 1, `after ${wait} ms`);
      assert.ok(woken[0] >= at, `${woken[0]} is before ${at}`);
    }
  });

  test(`${name}: an instant in the past wakes at once, but not inside the call`, async () => {
    let woken = 0;
    clock.wakeAt(clock.now() - 1_000, () => woken++);
    assert.is(woken, 0);
    await pass(clock.now());
    assert.is(woken, 1);
  });

  test(`${name}: a second call replaces the first, NEVER cancels`, async () => {
    const woken: string[] = [];
    clock.wakeAt(clock.now() + 2, () => woken.push("first"));
    clock.wakeAt(clock.now() + 3, () => woken.push("second"));
    await pass(clock.now() + 4);
    clock.wakeAt(clock.now() + 2, () => woken.push("third"));
    clock.wakeAt(NEVER, () => woken.push("never"));
    await pass(clock.now() + 4);
    assert.equal(woken, ["second"]);
  });

  test(`${name}: may be set again while it wakes`, async () => {
    const woken: number[] = [];
    const start = clock.now();
    const again = () => {
      woken.push(clock.now());
      if (woken.length < 3) clock.wakeAt(start + 2 * (woken.length + 1), again);
    };
    clock.wakeAt(start + 2, again);
    await pass(start + 6);
    assert.is(woken.length, 3);
  });

  test(`${name}: a wait beyond 31 bits of milliseconds does not wake now`, async () => {
    let woken = 0;
    clock.wakeAt(clock.now() + 2 ** 40, () => woken++);
    await pass(clock.now() + 2);
    assert.is(woken, 0);
    clock.wakeAt(NEVER, () => undefined);
  });
}

test("system: wall is the calendar", () => {
  assert.ok(Math.abs(real.wall() - Date.now()) < 1_000);
});

test("system: two readers agree: one clock for all threads", async () => {
  const other = await loadMonotonic();
  for (let i = 0; i < 100; i++) {
    const before = real.now();
    const between = other();
    assert.ok(before <= between && between <= real.now());
  }
});

test("virtual: does not go back", () => {
  assert.throws(() => virtual.advanceTo(0), /does not go back/);
});

test.run();
