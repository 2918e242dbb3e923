/** The parts of the simulator that have something to get wrong: chance, the agenda, clocks' bounds, streams, captures, fragments. */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { virtualClock } from "../../../adapters/memory/clock.ts";
import { rfc5534Timing } from "../../../runtime/reap/profile.ts";
import { Agenda } from "../../../runtime/sim/agenda.ts";
import { Alarm } from "../../../runtime/sim/alarm.ts";
import { recoveryBound, walkTime } from "../../../runtime/sim/bound.ts";
import { Dice } from "../../../runtime/sim/dice.ts";
import { Reassembly } from "../../../runtime/sim/fragments.ts";
import { emitDatagram, flowOf, numberOf, PROTOCOL_IPV6, PROTOCOL_UDP, unwrap, wrap } from "../../../runtime/sim/packet.ts";
import { Capture } from "../../../runtime/sim/pcap.ts";
import { drawPlan } from "../../../runtime/sim/plan.ts";
import { SCENARIOS } from "../../../runtime/sim/scenario.ts";
import { contentOf, StreamReceiver, StreamSender, type StreamWorld } from "../../../runtime/sim/stream.ts";
import { Trace } from "../../../runtime/sim/trace.ts";
import { address, addressOctets } from "../../../runtime/value/address.ts";
import { Reject } from "../../../runtime/value/reject.ts";
import { NEVER } from "../../../runtime/value/time.ts";
import { fragmentPacket } from "../../../runtime/wire/fragment.ts";
import { seed } from "../../lib/seed.ts";

const person = (text: string) => {
  const ulid = address(text);
  return { site: 0, ulid, octets: addressOctets(ulid), pds: new Uint8Array(0) };
};

test("dice: the same for seed and label, in range, not all the same", () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), fc.integer({ min: -1000, max: 1000 }), fc.nat(1000), (from, label, low, span) => {
      const [a, b] = [new Dice(from, label), new Dice(from, label)];
      for (let i = 0; i < 20; i++) {
        const value = a.whole([low, low + span]);
        assert.is(value, b.whole([low, low + span]));
        assert.ok(Number.isInteger(value) && value >= low && value <= low + span);
        const real = a.between([low, low + span]);
        assert.is(real, b.between([low, low + span]));
        assert.ok(real >= low && real <= low + span);
      }
    }),
    { seed },
  );
  const spread = new Set(Array.from({ length: 100 }, (_, label) => new Dice(seed, label).u32()));
  assert.is(spread.size, 100, "labels give streams of their own");
  assert.not.equal(new Dice(1, 1).u32(), new Dice(1 + 2 ** 33, 1).u32(), "all bits of a seed count");
});

test("agenda: by time, then by order of planning", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 200 }), (times) => {
      const agenda = new Agenda();
      const done: [number, number][] = [];
      times.forEach((at, place) => {
        agenda.at(at, () => {
          done.push([at, place]);
        });
      });
      while (agenda.next !== NEVER) agenda.take()();
      const sorted = times.map((at, place): [number, number] => [at, place]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      assert.equal(done, sorted);
    }),
    { seed },
  );
});

test("alarm: goes off at its latest setting, once", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ at: fc.nat(50), to: fc.option(fc.integer({ min: 1, max: 60 })) }), { maxLength: 30 }), (settings) => {
      const agenda = new Agenda();
      let now = 0;
      const fired: number[] = [];
      const alarm = new Alarm(agenda, () => fired.push(now));
      const model: number[] = [];
      let due = NEVER;
      const sorted = [...settings].sort((a, b) => a.at - b.at);
      for (const { at, to } of sorted) agenda.at(at, () => alarm.to(to === null ? NEVER : at + to));
      for (let t = 0; t <= 120; t++) {
        for (const each of sorted) if (each.at === t) due = each.to === null ? NEVER : t + each.to;
        if (due === t) {
          model.push(t);
          due = NEVER;
        }
      }
      for (; agenda.next !== NEVER; ) {
        now = agenda.next;
        agenda.take()();
      }
      // A setting in the very millisecond of another one's end may come before or after it: such cases say nothing.
      if (sorted.every(({ at }) => !model.includes(at))) assert.equal(fired, model);
    }),
    { seed },
  );
});

test("clock: leaping fires late, at the end", () => {
  const clock = virtualClock(100);
  const fired: number[] = [];
  clock.wakeAt(150, () => {
    fired.push(clock.now());
    if (fired.length < 3) clock.wakeAt(160, () => fired.push(clock.now()));
  });
  clock.leapTo(200);
  assert.equal(fired, [200, 200]);
  assert.throws(() => clock.leapTo(199), /back/);
});

/** A pipe that loses, repeats and reorders. */
function pipe(dice: Dice, lossy: boolean): { sender: StreamSender; run: () => void; wrong: () => boolean; receiver: StreamReceiver } {
  const agenda = new Agenda();
  let now = 0;
  let wrong = false;
  const left = new Map<number, number>();
  const first = dice.u32();
  let number = 0;
  const carry = (deliver: () => void): void => {
    if (lossy && now < 60_000 && dice.chance(0.2)) return;
    const copies = lossy && dice.chance(0.1) ? 2 : 1;
    for (let i = 0; i < copies; i++) agenda.at(now + 20 + (lossy ? dice.between([0, 30]) : 0), deliver);
  };
  const world: StreamWorld = {
    agenda,
    now: () => now,
    sendData(sequence, data) {
      const own = ++number;
      left.set(own, now);
      carry(() => {
        wrong ||= !receiver.receive({ flow: 3, sequence, acknowledged: 0, number: own, echo: 0 }, data);
      });
    },
    sendAck(sequence, acknowledged, echo) {
      carry(() => sender.receive({ flow: 3, sequence, acknowledged, number: 0, echo }));
    },
    sentAt: (own) => left.get(own),
  };
  const sender = new StreamSender(world, 3, first);
  const receiver = new StreamReceiver(world, 3, first, lossy ? dice.pick([0, 40, 200]) : 0);
  const run = (): void => {
    for (let steps = 0; agenda.next !== NEVER && steps < 100_000; steps++) {
      now = agenda.next;
      agenda.take()();
    }
  };
  return { sender, run, wrong: () => wrong, receiver };
}

test("streams: everything arrives, in order, over bad lines, across the wrap of sequence numbers", () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 40_000 }), fc.boolean(), (from, octets, lossy) => {
      const { sender, run, wrong, receiver } = pipe(new Dice(from, 1), lossy);
      sender.write(octets);
      run();
      assert.ok(sender.done);
      assert.is(receiver.received, octets);
      assert.not(wrong());
      if (!lossy) assert.is(sender.timeouts, 0);
    }),
    { seed, numRuns: 40 },
  );
});

test("streams: wrong content is noticed", () => {
  const { receiver } = pipe(new Dice(1, 1), false);
  const data = contentOf(3, 0, 100).slice();
  data[50] ^= 1;
  assert.not(receiver.receive({ flow: 3, sequence: 0, acknowledged: 0, number: 1, echo: 0 }, data));
});

test("bound: grows with the pairs and with the time spent looking, and has a cap", () => {
  const timing = rfc5534Timing();
  assert.ok(walkTime(timing, 0, 4, 4) < walkTime(timing, 10_000, 4, 4));
  assert.ok(walkTime(timing, 0, 4, 4) < walkTime(timing, 0, 5, 4));
  assert.is(walkTime(timing, 1e6, 4, 4), walkTime(timing, 1e9, 4, 4));
  const side = { timing, exploring: 0 };
  assert.ok(recoveryBound(side, side, 1, 100) > timing.sendTimeout);
});

test("plans: every scenario within its ranges, the same for the same seed", () => {
  for (const name of Object.keys(SCENARIOS)) {
    const { roads, ...plan } = drawPlan(name, seed);
    const { roads: others, ...again } = drawPlan(name, seed);
    assert.equal(again, plan);
    assert.equal(others(), roads());
    const { scenario, sites, faults, flows } = plan;
    assert.is(sites.length, scenario.sites);
    for (const { providers } of sites) assert.ok(providers >= scenario.providers[0] && providers <= scenario.providers[1]);
    for (const fault of faults) assert.ok(scenario.kinds.includes(fault.kind) && fault.until > fault.at && fault.until <= plan.healed);
    for (const flow of flows) assert.ok(flow.ends <= plan.healed && flow.from !== flow.to);
  }
  assert.throws(() => drawPlan("no such", 1), /one of .*standard/);
});

test("fragments of a packet come together again in any order", () => {
  fc.assert(
    fc.property(fc.integer({ min: 200, max: 1400 }), fc.integer({ min: 120, max: 600 }), fc.nat(), (octets, limit, from) => {
      const packet = emitDatagram(person("fc00::1"), person("fc00::2"), 1, 7, octets);
      const pieces = fragmentPacket(packet, limit, 99);
      if (pieces instanceof Reject || pieces.length < 2) return;
      const dice = new Dice(from, 2);
      const shuffled = pieces.map((piece) => ({ piece, key: dice.u32() })).sort((a, b) => a.key - b.key);
      const reassembly = new Reassembly();
      const done = shuffled.map(({ piece }) => reassembly.take(piece));
      assert.ok(done.slice(0, -1).every((whole) => whole === undefined));
      assert.equal(done.at(-1), packet);
      assert.is(numberOf(packet, PROTOCOL_UDP, 0), 7);
    }),
    { seed },
  );
});

test("a tunnel's packet: number and flow are those inside, behind a payload header too", () => {
  const [a, b] = [person("fc00::1"), person("fc00::2")];
  const inner = emitDatagram(person("2001:db8:beef::1"), person("2001:db8:beef::2"), 3, 77, 100);
  const outer = wrap(a, b, inner);
  assert.is(outer.length, inner.length + 40);
  assert.equal(unwrap(outer), inner);
  assert.equal(unwrap(inner), inner);
  assert.equal([flowOf(outer), flowOf(inner)], [3, 3]);
  assert.is(numberOf(outer, PROTOCOL_IPV6, 0), 77);
  const onWire = Uint8Array.of(...outer.subarray(0, 40), PROTOCOL_IPV6, 0, 0x80, 0, 0, 0, 0, 0, ...outer.subarray(40));
  assert.is(numberOf(onWire, PROTOCOL_IPV6, 8), 77);
  // An error's quote may end anywhere.
  for (let length = 40; length < 80; length++) assert.is(numberOf(outer.subarray(0, length), PROTOCOL_IPV6, 0), 0);
});

test("capture: header and records as classic pcap has them", () => {
  const capture = new Capture();
  capture.add(1234.5678, Uint8Array.of(0x60, 1, 2));
  const file = capture.octets();
  const view = new DataView(file.buffer);
  assert.equal([view.getUint32(0), view.getUint16(4), view.getUint16(6), view.getUint32(20)], [0xa1b2c3d4, 2, 4, 229]);
  assert.equal([view.getUint32(24), view.getUint32(28), view.getUint32(32), view.getUint32(36)], [1, 234_568, 3, 3]);
  assert.equal([...file.subarray(40)], [0x60, 1, 2]);
});

test("trace: instants, kinds and octets all count", () => {
  const packet = new Uint8Array(64);
  const hashOf = (at: number, kind: number, change: number): string => {
    const trace = new Trace({});
    const other = packet.slice();
    other[change] ^= 1;
    trace.packet(at, kind, other);
    return trace.hash;
  };
  const hashes = [hashOf(1, 1, 0), hashOf(1.0001, 1, 0), hashOf(1, 2, 0), hashOf(1, 1, 63), hashOf(1, 1, 20)];
  assert.is(new Set(hashes).size, hashes.length);
});

test.run();
