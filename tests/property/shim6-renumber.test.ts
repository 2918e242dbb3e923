/**
 * Sites that change their providers again and again while the wire loses, repeats and reorders: nothing leaves from a locator
 * that is gone, nor from one that the peer has not heard of, and in the end everybody knows everything.
 */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Locator, Ulid } from "../../runtime/value/address.ts";
import { PREFERENCE_BROKEN, type Preference } from "../../runtime/wire/message.ts";
import { Net, type Node } from "../lib/shim6pair.ts";
import { at, fakeIdentity } from "../lib/shim6world.ts";

const SEED = Number(globalThis.process?.env.SEED ?? 20260602);
const POOL = {
  A: at("2001:db8:a1::1", "2001:db8:a2::1", "2001:db8:a3::1", "2001:db8:a4::1"),
  B: at("2001:db8:b1::1", "2001:db8:b2::1", "2001:db8:b3::1"),
};
const ULIDS = { A: at("fc00:a::1", "fc00:a::2"), B: at("fc00:b::1", "fc00:b::2") };
const PAIRS = ULIDS.A.flatMap((local) => ULIDS.B.map((peer) => ({ local, peer })));

/** A site whose locators change. */
class Moving {
  readonly node: Node;
  /** All that it may ever have. */
  readonly pool: readonly Locator[];
  present: readonly Locator[];
  preferences: readonly Preference[] = [];
  generation = 1;
  /** Sets since the peer last knew everything. */
  #sets: (readonly Locator[])[] = [];

  constructor(net: Net, name: "A" | "B") {
    this.pool = POOL[name];
    this.present = this.pool.slice(0, 2);
    this.node = net.add(name, ULIDS[name], this.pool);
    Object.assign(this.node.world, {
      local: (ulid: Ulid) =>
        ULIDS[name].includes(ulid)
          ? { ...fakeIdentity(name, ulid, this.present, this.generation), preferences: this.preferences }
          : undefined,
    });
  }

  /** Whether some locator of now is in every set that the peer may know. */
  get hasSure(): boolean {
    return this.present.some((locator) => this.#sets.every((set) => set.includes(locator)));
  }

  /** `bits` chooses from the pool; none chosen = only preferences change. One that was there stays: both sites may change at once. */
  change(net: Net, bits: number): void {
    const stays = this.present[bits % this.present.length];
    const chosen = (bits & 15) === 0 ? [] : this.pool.filter((locator, i) => locator === stays || (bits >> i) & 1);
    if (this.node.shim.untold === 0) this.#sets = [this.present];
    if (chosen.length > 0) this.present = chosen;
    this.#sets.push(this.present);
    if (chosen.length > 0 || this.node.shim.untold > 0) this.generation++;
    this.preferences = this.present.map((_, i) => ({ flags: (bits >> (4 + i)) & 1 ? PREFERENCE_BROKEN : 0, priority: bits & 7 }));
    net.event(this.node, { kind: "identity" });
  }
}

/** What each side of every pair knows of the other: locators, in order, with flags. */
function known(of: Node, by: Node): string[] {
  return PAIRS.map(({ local, peer }) => {
    const [mine, its] = by.name === "B" ? [peer, local] : [local, peer];
    const view = by.shim.find({ local: mine, peer: its, fork: 0 });
    const listed = view?.peerLocators.map(({ address, preference }) => `${address}/${preference.flags}/${preference.priority}`);
    return `${of.name} at ${by.name}: ${view?.state} ${listed}`;
  });
}

const change = fc.record({ site: fc.boolean(), bits: fc.nat(255), after: fc.nat(20_000) });
const world = fc.record({
  seed: fc.integer({ min: 1, max: 2 ** 31 }),
  delay: fc.integer({ min: 1, max: 100 }),
  jitter: fc.integer({ min: 0, max: 150 }),
  loss: fc.double({ min: 0, max: 0.4, noNaN: true }),
  repeat: fc.double({ min: 0, max: 0.3, noNaN: true }),
  ours: fc.boolean(),
  changes: fc.array(change, { minLength: 1, maxLength: 8 }),
});

test(`locator sets change under loss: the rules hold and everybody knows everything in the end (seed ${SEED})`, () => {
  fc.assert(
    fc.property(world, ({ seed, delay, jitter: most, loss, repeat, ours, changes }) => {
      // Others do not order generations: of two requests that overtake one another, the wrong one wins with them (RFC 5533 §10.3).
      const jitter = ours ? most : 0;
      const net = new Net(seed, { delay, jitter });
      const sites = { A: new Moving(net, "A"), B: new Moving(net, "B") };
      if (!ours) for (const { node } of Object.values(sites)) Object.assign(node.options, { capabilities: undefined });
      const [a, b] = [sites.A.node, sites.B.node];
      const need = (): void => {
        for (const pair of PAIRS) {
          if (a.shim.find({ ...pair, fork: 0 })?.state === "ESTABLISHED") continue;
          const candidates = sites.A.present.flatMap((local) => sites.B.present.map((peer) => ({ local, peer })));
          net.event(a, { kind: "need", pair: { ...pair, fork: 0 }, candidates });
        }
      };
      need();
      net.run(net.now + 60_000);
      net.wire = { delay, jitter, loss, repeat };
      /** Locators that contexts have ever known their peer by. */
      const heard = new Set<string>();
      net.passes = ({ source, message }) => {
        const from = sites.A.pool.includes(source) ? sites.A : sites.B;
        assert.ok(from.present.includes(source), `${message.kind} from ${source}, which is gone`);
        for (const { shim } of [a, b])
          for (const { localTag, peerLocators } of shim.contexts())
            for (const { address } of peerLocators) heard.add(`${localTag} ${address}`);
        if (message.kind === "UpdateRequest" && from.hasSure)
          assert.ok(heard.has(`${message.receiverTag} ${source}`), `UpdateRequest from ${source} before the peer heard of it`);
        return true;
      };
      for (const { site, bits, after } of changes) {
        net.run(net.now + after);
        (site ? sites.A : sites.B).change(net, bits);
      }
      net.run(net.now + 2_000);
      net.wire = { delay };
      for (let i = 0; i < 6; i++) {
        net.run(net.now + 200_000);
        need();
      }
      assert.is(a.shim.untold + b.shim.untold, 0);
      const told = (site: Moving) =>
        site.present.map((locator, i) => `${locator}/${site.preferences[i]?.flags ?? 0}/${site.preferences[i]?.priority}`).join();
      assert.equal(
        known(a, b),
        PAIRS.map(() => `A at B: ESTABLISHED ${told(sites.A)}`),
      );
      assert.equal(
        known(b, a),
        PAIRS.map(() => `B at A: ESTABLISHED ${told(sites.B)}`),
      );
      for (const { node, present } of Object.values(sites))
        for (const view of node.shim.contexts()) assert.equal(view.localLocators, present, node.name);
    }),
    { seed: SEED, numRuns: 80 },
  );
});

test.run();
