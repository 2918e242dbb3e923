/**
 * Setting up forks, state by event: what becomes of the packet, whether the fork is asked for, and whether the core goes on looking for it.
 * A fork is unknown, asked for, established, failed (and to be tried again later), or due again.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ForkPolicy } from "../../../runtime/box/fork-policy.ts";
import { FORK_AGAIN, FORK_AGAIN_MOST, FORKS_REMEMBERED, Forks } from "../../../runtime/box/forks.ts";
import { FORK_BLOCKS, forksOf } from "../../../runtime/fast/forks.ts";
import { withForks } from "../../../runtime/policy/forks.ts";
import { EVERY_FLOW, type PolicyRule, type PolicyUse } from "../../../runtime/policy/rule.ts";
import type { ContextState, ContextView, UlidPair } from "../../../runtime/shim6/contract.ts";
import { type Address, address } from "../../../runtime/value/address.ts";
import { contextTag } from "../../../runtime/value/tag.ts";
import type { Millis } from "../../../runtime/value/time.ts";
import { packetOf } from "../../lib/packet.ts";

const PAIR: UlidPair = { local: address("fc00:aaaa:1::1"), peer: address("fc00:bbbb:1::1"), fork: 0 };
const BASE = 1;
const FORK = 2;
const UDP = 17;
const packet = (pair: UlidPair = PAIR) => packetOf(pair.local, pair.peer, UDP, new Uint8Array(8));

function viewOf(id: number, pair: UlidPair, state: ContextState): ContextView {
  return {
    id,
    pair,
    state,
    localTag: contextTag(id),
    peerTag: state === "ESTABLISHED" ? contextTag(100 + id) : undefined,
    localLocators: [],
    peerLocators: [],
    current: { local: PAIR.local, peer: PAIR.peer },
    peerBox: undefined,
    peerKeepaliveSeconds: undefined,
    peerCapabilities: undefined,
    localCapabilities: undefined,
    roundTrip: undefined,
    establishedAt: undefined,
  };
}

/** Forks over a machine that is told what to answer. */
class Bench {
  readonly done: string[] = [];
  readonly contexts: ContextView[] = [viewOf(BASE, PAIR, "ESTABLISHED")];
  readonly idle: Iterator<unknown>[] = [];
  readonly forks: Forks;
  rules: readonly PolicyRule[];
  now: Millis = 0;
  block = 0;
  /** What the core knows of the forks of each default context. */
  readonly told = new Map<number, bigint>();

  constructor(use: PolicyUse, change: Partial<PolicyRule["match"]> = {}) {
    this.rules = withForks([{ name: "voice", match: { ...EVERY_FLOW, protocols: [UDP], ...change }, use }], "");
    const unknown = { protocol: undefined, sourcePort: undefined, destinationPort: undefined, class: undefined };
    const policy = {
      flowOf: ({ local, peer, fork }: UlidPair) => ({ from: local, to: peer, names: [], minute: 0, fork, ...unknown }),
    };
    this.forks = new Forks({
      core: {
        setForkTerms: () => {
          this.block = (this.block + 1) % FORK_BLOCKS;
          return this.block;
        },
        update: (id, { forks }) => void (forks !== undefined && this.told.set(id, forks)),
        findPair: (local, peer, fork) => this.find({ local, peer, fork })?.id ?? -1,
      },
      shim6: { find: (pair) => this.find(pair), get: (id) => this.contexts.find((each) => each.id === id), contexts: () => this.contexts },
      policy: new ForkPolicy({ rules: () => this.rules, policy, wall: () => this.now }),
      waiting: {
        forContext: {
          push: () => {
            this.done.push("waits");
            return 0;
          },
        },
      },
      count: () => undefined,
      refuse: () => this.done.push("refused"),
      release: () => this.done.push("released"),
      need: () => this.done.push("asked for"),
      whenIdle: (work) => this.idle.push(work),
    });
    this.forks.configure(0);
    this.walk();
  }

  get pair(): UlidPair {
    return { ...PAIR, fork: this.rules[0].fork ?? 0 };
  }

  find(pair: UlidPair): ContextView | undefined {
    return this.contexts.find((each) => each.pair.local === pair.local && each.pair.peer === pair.peer && each.pair.fork === pair.fork);
  }

  walk(): void {
    for (const work of this.idle.splice(0)) while (work.next().done !== true);
  }

  /** Whether the core looks for the fork. */
  get isOn(): boolean {
    return (this.told.get(BASE) ?? 0n) !== 0n;
  }

  set(state: ContextState | undefined): void {
    if (this.contexts.length > 1) this.contexts.pop();
    if (state !== undefined) this.contexts.push(viewOf(FORK, this.pair, state));
  }

  packet(): void {
    assert.ok(this.forks.punted(packet(), BASE, this.now));
  }

  /** As the machine does it. */
  ask(): void {
    this.packet();
    this.set("I1-SENT");
  }

  establish(): void {
    this.set("ESTABLISHED");
    this.forks.established(viewOf(FORK, this.pair, "ESTABLISHED"), this.now);
  }

  fail(): void {
    this.set("E-FAILED");
    this.forks.failed(this.pair, this.now);
  }

  remove(): void {
    this.set(undefined);
    this.forks.removed(FORK, this.pair, this.now);
  }

  late(): void {
    this.now = this.forks.wakeAt;
    this.forks.poll(this.now);
  }
}

type Event = "packet" | "establish" | "fail" | "remove";
type State = "unknown" | "asked" | "established" | "failed" | "due";

const ENTER: Readonly<Record<State, (bench: Bench) => void>> = {
  unknown: () => undefined,
  asked: (bench) => bench.ask(),
  established: (bench) => {
    bench.ask();
    bench.establish();
  },
  failed: (bench) => {
    bench.ask();
    bench.fail();
  },
  due: (bench) => {
    bench.ask();
    bench.fail();
    bench.set(undefined);
    bench.late();
  },
};

/** What is done, then whether the core looks for the fork afterwards. A packet comes in every state: rings are read late. */
const OTHERS: Readonly<Record<State, Readonly<Record<Event, string>>>> = {
  unknown: { packet: "released, asked for; off", establish: "on", fail: "on", remove: "on" },
  asked: { packet: "released; off", establish: "on", fail: "off", remove: "on" },
  established: { packet: "released; on", establish: "on", fail: "on", remove: "on" },
  failed: { packet: "released; off", establish: "on", fail: "off", remove: "off" },
  due: { packet: "released, asked for; off", establish: "on", fail: "off", remove: "on" },
};
/** What is pinned is always looked for, and waits or is refused; nothing is remembered of it. */
const PINNED: Readonly<Record<Exclude<State, "due">, Readonly<Record<Event, string>>>> = {
  unknown: { packet: "waits, asked for; on", establish: "on", fail: "on", remove: "on" },
  asked: { packet: "waits; on", establish: "on", fail: "on", remove: "on" },
  established: { packet: "released; on", establish: "on", fail: "on", remove: "on" },
  failed: { packet: "refused; on", establish: "on", fail: "on", remove: "on" },
};

for (const [use, table] of [
  [{ kind: "prefer", providers: ["isp2"] }, OTHERS],
  [{ kind: "pin", provider: "isp2" }, PINNED],
] as const) {
  for (const [state, row] of Object.entries(table) as [State, Readonly<Record<Event, string>>][]) {
    for (const [event, expected] of Object.entries(row) as [Event, string][]) {
      test(`${use.kind}, ${state}: ${event}`, () => {
        const bench = new Bench(use);
        ENTER[state](bench);
        bench.done.length = 0;
        bench[event]();
        const did = bench.done.join(", ");
        assert.is(`${did}${did === "" ? "" : "; "}${bench.isOn ? "on" : "off"}`, expected);
      });
    }
  }
}

test("what fails again and again is tried ever more seldom, and from the beginning once it was there", () => {
  const bench = new Bench({ kind: "prefer", providers: ["isp2"] });
  const waits: Millis[] = [];
  for (let round = 0; round < 9; round++) {
    bench.set(undefined);
    bench.ask();
    bench.fail();
    waits.push(bench.forks.wakeAt - bench.now);
    bench.late();
  }
  assert.equal(waits.slice(0, 3), [FORK_AGAIN, 2 * FORK_AGAIN, 4 * FORK_AGAIN]);
  assert.is(waits.at(-1), FORK_AGAIN_MOST);
  bench.ask();
  bench.establish();
  bench.remove();
  bench.ask();
  bench.fail();
  assert.is(bench.forks.wakeAt - bench.now, FORK_AGAIN);
});

test("only the first failure is news; of what is pinned, each", () => {
  const news = (use: PolicyUse) => {
    const bench = new Bench(use);
    return [1, 2].map(() => {
      bench.set(undefined);
      bench.ask();
      const is = bench.forks.failed(bench.pair, bench.now);
      bench.now += FORK_AGAIN;
      bench.forks.poll(bench.now);
      return is;
    });
  };
  assert.equal(news({ kind: "prefer", providers: ["isp2"] }), [true, false]);
  assert.equal(news({ kind: "pin", provider: "isp2" }), [true, true]);
});

test("failures are remembered up to a bound; what is forgotten is looked for again", () => {
  const bench = new Bench({ kind: "prefer", providers: ["isp2"] });
  bench.ask();
  bench.fail();
  assert.not(bench.isOn);
  for (let n = 0; n < FORKS_REMEMBERED; n++) {
    const pair = { ...PAIR, peer: address(`fc00:bbbb:2::${n.toString(16)}`) as Address };
    bench.contexts.push(viewOf(10 + n, pair, "ESTABLISHED"));
    bench.forks.punted(packet(pair), 10 + n, 0);
    bench.contexts.pop();
  }
  assert.ok(bench.isOn);
});

test("a packet whose default context has gone, or is another's by now, is one without a context", () => {
  const bench = new Bench({ kind: "prefer", providers: ["isp2"] });
  assert.not(bench.forks.punted(packet(), 7, 0));
  assert.not(bench.forks.punted(packet({ ...PAIR, peer: address("fc00:bbbb:1::2") }), BASE, 0));
  assert.equal(bench.done, []);
});

test("a packet that no rule takes any more goes on, and the core hears of it", () => {
  const bench = new Bench({ kind: "pin", provider: "isp2" });
  assert.ok(bench.isOn);
  bench.rules = [];
  bench.packet();
  assert.equal([bench.done, bench.isOn], [["released"], false]);
});

test("other rules: contexts are told in slices, and at once before a block that one of them names is written over", () => {
  const bench = new Bench({ kind: "prefer", providers: ["isp2"] });
  for (let n = 0; n < 1_000; n++)
    bench.contexts.push(viewOf(10 + n, { ...PAIR, peer: address(`fc00:bbbb:2::${n.toString(16)}`) }, "ESTABLISHED"));
  const change = () => {
    bench.rules = [...bench.rules];
    bench.told.clear();
    bench.forks.configure(0);
  };
  change();
  assert.is(bench.told.size, 0);
  bench.idle[0].next();
  assert.ok(bench.told.size > 0 && bench.told.size < 1_001);
  bench.walk();
  assert.is(bench.told.size, 1_001);
  assert.is(bench.told.get(BASE), forksOf(bench.block, [0]));
  for (let unfinished = 1; unfinished < FORK_BLOCKS - 1; unfinished++) change();
  assert.is(bench.told.size, 0);
  change();
  assert.is(bench.told.size, 1_001);
  const told = [...bench.told.values()];
  bench.walk();
  assert.equal([...bench.told.values()], told, "the walks that were overtaken do nothing");
});

test("without rules about flows nothing is told, nothing is written", () => {
  const bench = new Bench({ kind: "prefer", providers: ["isp2"] }, { protocols: undefined });
  assert.equal([bench.block, bench.told.size, bench.forks.choice(PAIR, 0), bench.forks.wakeAt], [0, 0, 0n, Number.POSITIVE_INFINITY]);
});

test.run();
