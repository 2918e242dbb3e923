/** REAP timers on the packet path and the timer wheel, against a model that looks at everything all the time; on virtual time. */
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { DUE_IDLE, DUE_KEEPALIVE, DUE_KEEPALIVE_LAST, DUE_RECEIVED, DUE_SEND_TIMEOUT } from "../../core-as/layout/due.ts";
import type { RecordTiming } from "../../runtime/fast/contract.ts";
import { concat } from "../../runtime/value/bytes.ts";
import { type Millis, NEVER } from "../../runtime/value/time.ts";
import { coreModule, type Rig, rig, runOne, sampleRecord } from "../lib/core.ts";
import { packetOf, payloadHeader } from "../lib/packet.ts";
import { seed } from "../lib/seed.ts";

const module = coreModule();
const IDS = 4;
const body = Uint8Array.of(1, 2, 3, 4);
const outOf = (n: number): Uint8Array => packetOf(sampleRecord(n).localUlid, sampleRecord(n).peerUlid, 17, body);
const intoOf = (n: number): Uint8Array =>
  packetOf(sampleRecord(n).peerLocator, sampleRecord(n).localLocator, 140, concat(payloadHeader(17, sampleRecord(n).localTag), body));

/** One context by the book: reap.md §3 and §4, column Operational. */
class Model {
  send: Millis | undefined;
  keepalive: Millis | undefined;
  count = 0;
  held = false;
  watched = false;
  timing: RecordTiming;
  constructor(timing: RecordTiming) {
    this.timing = timing;
  }

  sent(now: Millis): void {
    this.stopKeepalive();
    this.send ??= now;
  }

  received(now: Millis): void {
    this.send = undefined;
    if (!this.held) this.startKeepalive(now);
  }

  startKeepalive(now: Millis): void {
    if (this.keepalive !== undefined) return;
    this.keepalive = now;
    this.count = 0;
  }

  stopKeepalive(): void {
    this.keepalive = undefined;
  }

  /** When something is due, as things stand. */
  next(): Millis {
    const { sendTimeout, keepaliveTimeout, keepaliveInterval } = this.timing;
    let next = NEVER;
    if (this.send !== undefined && sendTimeout > 0) next = Math.min(next, this.send + sendTimeout);
    if (this.keepalive !== undefined && keepaliveTimeout > 0) {
      const interval = keepaliveInterval > 0 ? this.keepalive + (this.count + 1) * keepaliveInterval : NEVER;
      next = Math.min(next, interval, this.keepalive + keepaliveTimeout);
    }
    return next;
  }

  due(now: Millis): number[] {
    const { sendTimeout, keepaliveTimeout, keepaliveInterval } = this.timing;
    const kinds: number[] = [];
    if (this.send !== undefined && sendTimeout > 0 && now - this.send >= sendTimeout) {
      this.send = undefined;
      kinds.push(DUE_SEND_TIMEOUT);
    }
    if (this.keepalive !== undefined && keepaliveTimeout > 0) {
      const elapsed = now - this.keepalive;
      if (elapsed >= keepaliveTimeout) {
        this.stopKeepalive();
        kinds.push(DUE_KEEPALIVE_LAST);
      } else if (keepaliveInterval > 0 && Math.floor(elapsed / keepaliveInterval) > this.count) {
        this.count = Math.floor(elapsed / keepaliveInterval);
        kinds.push(DUE_KEEPALIVE);
      }
    }
    return kinds;
  }
}

type Step =
  | {
      readonly kind:
        | "out"
        | "in"
        | "hold"
        | "watch"
        | "send-stop"
        | "send-start"
        | "send-restart"
        | "ka-stop"
        | "ka-start"
        | "touch-out"
        | "touch-in";
      readonly id: number;
    }
  | { readonly kind: "wait"; readonly span: Millis }
  | { readonly kind: "timing"; readonly id: number; readonly timing: RecordTiming };

const duration = fc.oneof(
  fc.integer({ min: 100, max: 400 }),
  fc.integer({ min: 400, max: 20_000 }),
  fc.integer({ min: 60_000, max: 200_000 }),
);
const timing = fc.record({
  sendTimeout: fc.oneof({ weight: 5, arbitrary: duration }, { weight: 1, arbitrary: fc.constant(0) }),
  keepaliveTimeout: fc.oneof({ weight: 5, arbitrary: duration }, { weight: 1, arbitrary: fc.constant(0) }),
  keepaliveInterval: fc.oneof({ weight: 5, arbitrary: duration }, { weight: 1, arbitrary: fc.constant(0) }),
  idleTimeout: fc.constant(0),
});
const id = fc.nat(IDS - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom("out" as const, "in" as const), id }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), span: fc.oneof(fc.nat(50), fc.nat(3000), fc.nat(30_000), fc.nat(200_000)) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom("hold", "watch", "send-stop", "send-start", "send-restart", "ka-stop", "ka-start", "touch-out", "touch-in"),
      id,
    }) as fc.Arbitrary<Step>,
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("timing" as const), id, timing }) },
);

function play(world: Rig, models: readonly Model[], change: Step, now: Millis): number | undefined {
  if (change.kind === "wait") return undefined;
  const { core } = world;
  const model = models[change.id];
  switch (change.kind) {
    case "out":
      runOne(world, outOf(change.id), now);
      if (!model.held) model.sent(now);
      break;
    case "in":
      runOne(world, intoOf(change.id), now);
      model.received(now);
      if (model.watched) {
        model.watched = false;
        return change.id;
      }
      break;
    case "timing":
      if (model.timing.sendTimeout === 0) model.send = undefined;
      if (model.timing.keepaliveTimeout === 0) model.stopKeepalive();
      model.timing = change.timing;
      core.update(change.id, { timing: change.timing }, now);
      break;
    case "hold":
      model.held = !model.held;
      core.hold(change.id, model.held);
      break;
    case "watch":
      model.watched = true;
      core.watch(change.id, true);
      break;
    case "touch-out":
      core.touch(change.id, "sent", now);
      model.sent(now);
      break;
    case "touch-in":
      core.touch(change.id, "received", now);
      model.received(now);
      break;
    case "send-stop":
      core.sendTimer(change.id, "stop", now);
      model.send = undefined;
      break;
    case "send-start":
      core.sendTimer(change.id, "start", now);
      model.send ??= now;
      break;
    case "send-restart":
      core.sendTimer(change.id, "restart", now);
      model.send = now;
      break;
    case "ka-stop":
      core.keepaliveTimer(change.id, "stop", now);
      model.stopKeepalive();
      break;
    case "ka-start":
      core.keepaliveTimer(change.id, "start", now);
      model.startKeepalive(now);
  }
  return undefined;
}

const show = (id: number, kind: number): string => `${id}:${kind}`;

async function against(start: Millis, timings: readonly RecordTiming[], steps: readonly Step[]): Promise<void> {
  const world = await rig({ contexts: IDS }, { now: start }, module);
  const models = timings.map((each) => new Model(each));
  timings.forEach((each, i) => {
    world.core.add(i, sampleRecord(i, { timing: each }), start);
  });
  let now = start;
  let received: string[] = [];
  const check = (): void => {
    const got: string[] = [];
    world.core.advance(now, 2, (id, kind) => got.push(show(id, kind)));
    while (world.core.wakeAt <= now) world.core.advance(now, 2, (id, kind) => got.push(show(id, kind)));
    const expected = [...received, ...models.flatMap((model, id) => model.due(now).map((kind) => show(id, kind)))];
    received = [];
    assert.equal(got.sort(), expected.sort(), `at ${now - start}`);
    const next = Math.min(...models.map((model) => model.next()));
    assert.ok(world.core.wakeAt <= next, `wakes at ${world.core.wakeAt - start}, due at ${next - start}`);
    assert.ok(world.core.wakeAt > now);
  };
  for (const each of steps) {
    if (each.kind === "wait") {
      const end = now + each.span;
      // As the box does: sleep until the core wants to be called, but no longer than the step says.
      for (let turns = 0; world.core.wakeAt <= end; turns++) {
        now = Math.max(now, world.core.wakeAt);
        check();
        assert.ok(turns < 20_000, "wakes all the time");
      }
      now = end;
    }
    const seen = play(world, models, each, now);
    if (seen !== undefined) received.push(show(seen, DUE_RECEIVED));
    if (each.kind !== "out" && each.kind !== "in") check();
  }
}

const run = fc.tuple(fc.array(timing, { minLength: IDS, maxLength: IDS }), fc.array(step, { maxLength: 60, size: "max" }));

for (const [name, start] of [
  ["from a plain instant", 12_345],
  ["across 2^32 ms", 2 ** 32 - 40_000],
  ["across 2^31 ms", 2 ** 31 - 40_000],
  ["from the start", 1],
] as const) {
  test(`due as the model says, ${name}`, () =>
    fc.assert(
      fc.asyncProperty(run, ([timings, steps]) => against(start, timings, steps)),
      { seed, numRuns: 60 },
    ));
}

test("10,000 idle contexts: a wake every second at most, and idleness is reported up to 1,024 ms late", async () => {
  const { core } = await rig({ contexts: 10_000 }, { now: 0 }, module);
  for (let id = 0; id < 10_000; id++) core.add(id, sampleRecord(id), (id * 37) % 60_000);
  const late: number[] = [];
  let wakes = 0;
  let now = core.wakeAt;
  while (now <= 700_000) {
    wakes++;
    now = core.advance(now, 1e9, (id, kind) => {
      assert.is(kind, DUE_IDLE);
      if (now < 400_000) late.push(now - 300_000 - ((id * 37) % 60_000));
      core.remove(id);
    });
  }
  assert.is(late.length, 10_000);
  assert.ok(Math.min(...late) >= 0 && Math.max(...late) <= 1024, `${Math.min(...late)} … ${Math.max(...late)}`);
  assert.ok(wakes < 150, `${wakes} wakes`);
  assert.is(core.wakeAt, NEVER);
});

test("packets put idleness off, and it comes again", async () => {
  const world = await rig({}, { now: 0 }, module);
  world.core.add(1, sampleRecord(1, { timing: { sendTimeout: 0, keepaliveTimeout: 0, keepaliveInterval: 0, idleTimeout: 10_000 } }), 0);
  const seen: number[] = [];
  for (let now = 0; now < 60_000; now += 100) {
    if (now < 20_000) runOne(world, outOf(1), now);
    world.core.advance(now, 10, (_, kind) => {
      assert.is(kind, DUE_IDLE);
      seen.push(now);
    });
  }
  assert.is(seen.length, 3);
  assert.ok(seen[0] >= 29_900 && seen[0] <= 31_100, `${seen}`);
});

test("an expiry found for a context that the callback removes is not reported for the next with its id", async () => {
  const world = await rig({}, { now: 0 }, module);
  for (const id of [0, 1]) world.core.add(id, sampleRecord(id), 0);
  for (const id of [0, 1]) world.core.sendTimer(id, "start", 0);
  const seen: number[] = [];
  world.core.advance(15_000, 10, (id) => {
    seen.push(id);
    world.core.remove(1 - id);
    world.core.add(1 - id, sampleRecord(5), 15_000);
  });
  assert.is(seen.length, 1);
});

test("a lane's activity ring that is full loses no timer", async () => {
  // 65,536 entries serve more contexts: the rest start their timers with their next packet.
  const contexts = 131_072;
  const world = await rig({ contexts, puntOctets: 4096 }, { now: 0 }, module);
  const { lane, core } = world;
  for (let id = 0; id < contexts; id++) core.add(id, sampleRecord(id), 0);
  for (let id = 0; id < contexts; id++) runOne(world, outOf(id), 10);
  assert.is(core.totals().get("punt-activity-full"), contexts - 65_536);
  let due = 0;
  core.advance(20, 1e9, () => due++);
  for (let id = 0; id < contexts; id++) runOne(world, outOf(id), 30);
  core.advance(40, 1e9, () => due++);
  assert.is(due, 0);
  core.advance(15_030, 1e9, () => due++);
  assert.is(due, contexts);
  assert.ok(lane.takeBell());
});

test.run();
