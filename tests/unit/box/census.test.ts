/** Filters over contexts by columns, against the plain form that looks at each context. */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ContextFilter } from "../../../runtime/api/facade.ts";
import { Census } from "../../../runtime/box/census.ts";
import type { ContextGlance, ContextView } from "../../../runtime/shim6/contract.ts";
import { type Address, address } from "../../../runtime/value/address.ts";
import type { ReapState } from "../../../runtime/wire/message.ts";
import { seed } from "../../lib/seed.ts";

const HOSTS = [1, 2, 3].map((n) => address(`fc00:aaaa:1::${n}`));
const PEERS = [1, 2].map((n) => address(`fc00:bbbb:1::${n}`));
const LOCATORS = ["2001:db8:a1::1", "2001:db8:a2::1", "2001:db8:ff::1"].map(address);
const REAP: readonly ReapState[] = ["Operational", "Exploring", "InboundOk"];
const SHIM6 = ["I1-SENT", "ESTABLISHED", "I2BIS-SENT", "E-FAILED"] as const;

interface Plain {
  readonly id: number;
  readonly pair: ContextView["pair"];
  state: ContextView["state"];
  reap: ReapState | undefined;
  local: Address | undefined;
}

/** A census over made-up contexts, and the same found by looking at each. */
function world() {
  const all = new Map<number, Plain>();
  let owners: Readonly<Record<string, string>> = { [LOCATORS[0]]: "isp1", [LOCATORS[1]]: "isp2" };
  const glance = ({ id, pair, state, local }: Plain): ContextGlance => ({
    id,
    pair,
    state,
    peer: undefined,
    current: { local: local ?? LOCATORS[0], peer: PEERS[0] },
  });
  const census = new Census({
    shim6: {
      get: (id) => all.get(id) as ContextView | undefined,
      has: (id) => all.has(id),
      each: (look) => {
        for (const context of all.values()) look(glance(context));
      },
      get size() {
        return all.size;
      },
    },
    currentOf: (id) => {
      const local = all.get(id)?.local;
      return local === undefined ? undefined : { local };
    },
    providers: () => owners,
    providerOf: (locator) => owners[locator],
  });
  const plain = ({ ulid, peer, state, provider }: ContextFilter): number[] =>
    [...all.values()]
      .filter(({ pair, state: is, reap, local }) => {
        if (ulid !== undefined && pair.local !== ulid && pair.peer !== ulid) return false;
        if (peer !== undefined && pair.peer !== peer) return false;
        if (state !== undefined && is !== state && reap !== state) return false;
        return provider === undefined || (local !== undefined && owners[local] === provider);
      })
      .map(({ id }) => id)
      .sort((x, y) => x - y);
  return { all, census, plain, reown: (next: Readonly<Record<string, string>>) => (owners = next) };
}

const whole = { after: -1, skip: 0, limit: 10_000 };
const id = fc.oneof(fc.nat(12), fc.nat(3_000));
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("make" as const), id, host: fc.nat(2), peer: fc.nat(1), state: fc.constantFrom(...SHIM6) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("enter" as const), id, local: fc.nat(2), fresh: fc.boolean() }) },
  fc.record({ kind: fc.constant("move" as const), id, local: fc.nat(2) }),
  fc.record({ kind: fc.constant("reap" as const), id, state: fc.constantFrom(...REAP) }),
  fc.record({ kind: fc.constant("remove" as const), id }),
  fc.record({ kind: fc.constant("reown" as const), swap: fc.boolean() }),
);
const filter = fc.record(
  {
    ulid: fc.constantFrom(...HOSTS, ...PEERS, address("fc00::9")),
    peer: fc.constantFrom(...PEERS, HOSTS[0]),
    state: fc.constantFrom(...SHIM6, ...REAP, "x"),
    provider: fc.constantFrom("isp1", "isp2", "isp3"),
  },
  { requiredKeys: [] },
);

function take(made: ReturnType<typeof world>, event: typeof step extends fc.Arbitrary<infer Event> ? Event : never): void {
  const { all, census } = made;
  switch (event.kind) {
    case "make": {
      if (all.has(event.id)) return;
      const pair = { local: HOSTS[event.host], peer: PEERS[event.peer], fork: 0 };
      all.set(event.id, { id: event.id, pair, state: event.state, reap: undefined, local: undefined });
      return;
    }
    case "enter": {
      const context = all.get(event.id);
      if (context === undefined) return;
      context.state = "ESTABLISHED";
      context.local = LOCATORS[event.local];
      if (event.fresh || context.reap === undefined) context.reap = "Operational";
      return census.entered(event.id, context.pair, context.local, event.fresh);
    }
    case "move": {
      const context = all.get(event.id);
      if (context?.local === undefined) return;
      context.local = LOCATORS[event.local];
      return census.moved(event.id, context.local);
    }
    case "reap": {
      const context = all.get(event.id);
      if (context?.local === undefined) return;
      context.reap = event.state;
      return census.state(event.id, event.state);
    }
    case "remove":
      all.delete(event.id);
      return census.removed(event.id);
    case "reown":
      made.reown(event.swap ? { [LOCATORS[0]]: "isp2", [LOCATORS[2]]: "isp3" } : { [LOCATORS[0]]: "isp1", [LOCATORS[1]]: "isp2" });
  }
}

test("whatever comes, moves and goes, a filter finds what a look at each context finds", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.array(filter, { minLength: 1, maxLength: 6 }), (events, filters) => {
      const made = world();
      for (const event of events) take(made, event);
      for (const wanted of filters) {
        const { ids, total, more } = made.census.find(wanted, whole);
        assert.equal(ids, made.plain(wanted), JSON.stringify(wanted));
        assert.equal([total, more], [ids.length, false]);
      }
      const carried = [...made.all.values()].filter(({ local }) => local !== undefined).length;
      let seen = 0;
      made.census.each(() => seen++);
      assert.is(seen, carried);
    }),
    { seed, numRuns: 400 },
  );
});

test("pages: behind an id, without the first few, and whether there is more", () => {
  const { all, census } = world();
  for (let n = 0; n < 20; n++) {
    const pair = { local: HOSTS[0], peer: PEERS[0], fork: 0 };
    all.set(n, { id: n, pair, state: "ESTABLISHED", reap: "Operational", local: LOCATORS[n % 2] });
    census.entered(n, pair, LOCATORS[n % 2], true);
  }
  const isp1 = { provider: "isp1" };
  assert.equal(census.find(isp1, { after: -1, skip: 0, limit: 3 }), { ids: [0, 2, 4], total: 10, more: true });
  assert.equal(census.find(isp1, { after: 4, skip: 2, limit: 3 }), { ids: [10, 12, 14], total: 10, more: true });
  assert.equal(census.find(isp1, { after: 13, skip: 0, limit: 3 }), { ids: [14, 16, 18], total: 10, more: false });
  assert.equal(census.find(isp1, { after: 99, skip: 0, limit: 3 }), { ids: [], total: 10, more: false });
  assert.equal(census.find(isp1, { after: -1, skip: 0, limit: 0 }), { ids: [], total: 10, more: true });
});

test.run();
