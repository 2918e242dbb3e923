/** Shares by weight: they come out over many contexts, each context's choice is its own, and another weight moves no more than it must. */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type LocalChoice, rankLocals, rankPairs, stableOctets } from "../../runtime/locator/rank.ts";
import { addressAt, type Locator } from "../../runtime/value/address.ts";
import { contains, prefix, withPrefix } from "../../runtime/value/prefix.ts";
import { seed } from "../lib/seed.ts";

const PROVIDERS = ["2001:db8:a1::/48", "2001:db8:a2::/48", "2001:db8:a3::/48"].map((text) => prefix(text));
const CONTEXTS = 10_000;
/** Of all contexts. */
const POINTS = 0.02;

interface Context {
  readonly name: string;
  readonly locators: readonly Locator[];
}

/** Pairs of ULIDs as a site has them: a hundred hosts, each with a hundred peers. */
function contextsOf(start: number): Context[] {
  return Array.from({ length: CONTEXTS }, (_, i) => {
    const ulid = hostAt(0xaaaa, start + Math.floor(i / 100));
    return { name: `${ulid} ${hostAt(0xbbbb, start + (i % 100))} 0`, locators: PROVIDERS.map((each) => withPrefix(each, ulid)) };
  });
}

/** Interface identifiers look random, as those of CGAs do. */
function hostAt(site: number, n: number): Locator {
  const octets = new Uint8Array(16);
  const view = new DataView(octets.buffer);
  view.setUint16(0, 0xfc00);
  view.setUint16(2, site);
  view.setUint16(4, 1);
  view.setUint32(8, Math.imul(n + 1, 0x9e3779b1) >>> 0);
  view.setUint32(12, Math.imul(n + 7, 0x85ebca6b) >>> 0);
  return addressAt(octets);
}

/** Where each context begins: the place of its provider. */
function placesOf(contexts: readonly Context[], weights: readonly number[]): number[] {
  return contexts.map(({ name, locators }) => {
    const choices = locators.map((address, i): LocalChoice => ({ address, priority: 0, weight: weights[i], usable: true }));
    const [first] = rankLocals(choices, stableOctets(name));
    return PROVIDERS.findIndex((each) => contains(each, first));
  });
}

const weights = fc.tuple(...PROVIDERS.map(() => fc.integer({ min: 0, max: 255 }))).filter((each) => each.some((weight) => weight > 0));
const runs = { seed, numRuns: 5 };

test("60 and 40, and whatever weights there are, come out within two points", () => {
  const near = (given: readonly number[], start: number): void => {
    const places = placesOf(contextsOf(start), given);
    const total = given.reduce((sum, weight) => sum + weight, 0);
    given.forEach((weight, i) => {
      const share = places.filter((place) => place === i).length / CONTEXTS;
      assert.ok(Math.abs(share - weight / total) <= POINTS, `${given}: ${share} of them by provider ${i}, seed ${seed}`);
    });
  };
  near([60, 40, 0], 0);
  fc.assert(fc.property(weights, fc.nat(60_000), near), runs);
});

test("another weight moves contexts to the provider that gained, or from the one that lost, and no others", () => {
  fc.assert(
    fc.property(weights, fc.nat(2), fc.integer({ min: 1, max: 255 }), fc.nat(60_000), (given, which, weight, start) => {
      const contexts = contextsOf(start);
      const before = placesOf(contexts, given);
      const after = placesOf(
        contexts,
        given.map((each, i) => (i === which ? weight : each)),
      );
      const moved = before.flatMap((place, i) => (place === after[i] ? [] : [[place, after[i]]]));
      for (const [from, to] of moved) assert.is(weight > given[which] ? to : from, which);
    }),
    runs,
  );
});

test("the same context chooses the same, whatever else there is to choose from, for a first contact and later", () => {
  const [{ name, locators }] = contextsOf(5);
  const choices = locators.map((address): LocalChoice => ({ address, priority: 0, weight: 10, usable: true }));
  const order = rankLocals(choices, stableOctets(name));
  assert.equal(rankLocals(choices.toReversed(), stableOctets(name)), order);
  assert.equal(
    rankLocals(
      choices.filter(({ address }) => address !== order[0]),
      stableOctets(name),
    ),
    order.slice(1),
  );
  const peers = [{ address: withPrefix(prefix("2001:db8:b1::/48"), locators[0]), preference: { flags: 0 } }];
  assert.equal(
    rankPairs(choices, peers, stableOctets(name)).map(({ local }) => local),
    order,
  );
});

test.run();
