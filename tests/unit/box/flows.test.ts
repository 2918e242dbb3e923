/** Rates out of counters that are looked at now and then. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { OTHER_BOXES } from "../../../runtime/api/flow-rows.ts";
import { BOXES_SHOWN, type Flowing, Flows, HOSTS_SHOWN, LOOK_GAP, LOOK_SLICE } from "../../../runtime/box/flows.ts";
import { type Address, address } from "../../../runtime/value/address.ts";

const host = (number: number): Address => address(`fc00:aaaa:1::${(number % 65_536).toString(16)}`);

function world() {
  const state = {
    now: 1_000,
    looks: 0,
    took: 0,
    chores: [] as Iterator<unknown>[],
    contexts: [] as Flowing[],
    counters: new Map<number, { octetsOut: number; octetsIn: number }>(),
  };
  const flows = new Flows({
    now: () => state.now,
    *contexts() {
      state.looks++;
      state.now += state.took;
      yield* state.contexts;
    },
    whenIdle: (work) => state.chores.push(work),
    counters: (id) => state.counters.get(id) ?? { octetsOut: 0, octetsIn: 0 },
  });
  const add = (id: number, change: Partial<Flowing> = {}) => {
    state.contexts.push({ id, host: host(id), peer: address("fc00:bbbb:1::1"), peerBox: "b1", provider: "isp1", ...change });
  };
  const count = (id: number, octetsOut: number, octetsIn: number) => state.counters.set(id, { octetsOut, octetsIn });
  return { state, flows, add, count };
}

test("the first look knows no rates, the second one those since", () => {
  const { state, flows, add, count } = world();
  add(0);
  count(0, 5_000, 300);
  assert.equal([flows.look().spanMs, flows.look().links[0].sent], [null, 0]);
  state.now += 2_000;
  count(0, 25_000, 700);
  const { spanMs, links, hosts } = flows.look();
  assert.equal(spanMs, 2_000);
  assert.equal(links, [{ provider: "isp1", peerBox: "b1", peerUlid: "fc00:bbbb:1::1", contexts: 1, sent: 10_000, received: 200 }]);
  assert.equal(hosts, [{ ulid: host(0), contexts: 1, sent: 10_000, received: 200 }]);
});

test("traffic counts where the context is now", () => {
  const { state, flows, add, count } = world();
  add(0);
  flows.look();
  state.now += 1_000;
  state.contexts = [];
  add(0, { provider: "isp2" });
  count(0, 1_000, 0);
  assert.equal(
    flows.look().links.map(({ provider, sent }) => [provider, sent]),
    [["isp2", 1_000]],
  );
});

test("another context under the same id has sent what its counter says", () => {
  const { state, flows, add, count } = world();
  add(7);
  count(7, 1_000_000, 0);
  flows.look();
  state.now += 1_000;
  count(7, 600, 0);
  assert.is(flows.look().links[0].sent, 600);
});

test("ids may be of any size", () => {
  const { state, flows, add, count } = world();
  for (const id of [3, 5_000, 70_001]) add(id);
  flows.look();
  state.now += 1_000;
  for (const id of [3, 5_000, 70_001]) count(id, id, 0);
  assert.is(flows.look().links[0].sent, 75_004);
});

test("however often somebody asks, the contexts are looked at now and then, and never more than a twentieth of the time", () => {
  const { state, flows, add } = world();
  add(0);
  for (let i = 0; i < 100; i++) flows.look();
  assert.is(state.looks, 1);
  state.now += LOOK_GAP;
  state.took = 100;
  flows.look();
  assert.is(state.looks, 2);
  state.now += 1_800;
  flows.look();
  assert.is(state.looks, 2);
  state.now += 100;
  flows.look();
  assert.is(state.looks, 3);
});

test("many contexts are looked at in slices; until all are, the row before is what is known", () => {
  const { state, flows, add, count } = world();
  for (let id = 0; id < 2.5 * LOOK_SLICE; id++) add(id);
  const finish = (): number => {
    const [chore] = state.chores.splice(0);
    let slices = 1;
    while (chore.next().done !== true) slices++;
    return slices;
  };
  assert.equal([flows.look().links, flows.look().spanMs, state.looks], [[], null, 1]);
  assert.is(finish(), 2);
  const first = flows.look();
  assert.equal([first.spanMs, first.links[0].contexts], [null, 2.5 * LOOK_SLICE]);
  state.now += 1_000;
  count(0, 5_000, 0);
  assert.is(flows.look(), first, "another look has begun");
  state.now += LOOK_GAP;
  assert.is(flows.look(), first);
  assert.is(state.looks, 2, "and no third beside it");
  finish();
  const { spanMs, links } = flows.look();
  assert.equal([spanMs, links[0].sent], [1_000, 5_000]);
});

test("hosts with most traffic have rows, the others are summed up", () => {
  const { state, flows, add, count } = world();
  for (let id = 0; id < 20; id++) add(id);
  flows.look();
  state.now += 1_000;
  for (let id = 0; id < 20; id++) count(id, 100 * id, id);
  const { hosts, otherHosts } = flows.look();
  assert.equal([hosts.length, hosts[0].ulid, hosts[0].sent], [HOSTS_SHOWN, host(19), 1_900]);
  assert.equal(otherHosts, { hosts: 12, contexts: 12, sent: 6_600, received: 66 });
});

test("boxes beyond so many are one row for each provider", () => {
  const { flows, add } = world();
  for (let id = 0; id < 40; id++) add(id, { peerBox: id < 10 ? "big" : `b${id}`, provider: id % 2 === 0 ? "isp1" : null });
  const { links, boxes } = flows.look();
  assert.is(boxes, 31);
  assert.is(new Set(links.map(({ peerBox }) => peerBox)).size, BOXES_SHOWN + 1);
  const others = links.filter(({ peerBox }) => peerBox === OTHER_BOXES);
  assert.equal(others.map(({ provider }) => provider).sort(), ["isp1", null].sort());
  assert.is(
    links.reduce((sum, { contexts }) => sum + contexts, 0),
    40,
  );
});

test.run();
