/** When REAP's findings about paths speak against a whole provider. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Evidence, LOOK_INTERVAL, SILENT_FOR, silentSince } from "../../../runtime/box/evidence.ts";
import { SpottedNames } from "../../../runtime/box/spotted.ts";
import type { PathView } from "../../../runtime/reap/contract.ts";
import { type Address, address } from "../../../runtime/value/address.ts";

const LOCALS: Readonly<Record<string, Address>> = { p: address("2001:db8:a1::1"), q: address("2001:db8:a2::1") };
const providerOf = (locator: Address) => Object.entries(LOCALS).find(([, local]) => local === locator)?.[0];
const PEERS = [address("2001:db8:b3::1"), address("2001:db8:b4::1")];

/** A path of provider `name` to a box, alive or lost since an instant. */
function path(name: string, peerBox: string, state: PathView["state"], since: number | undefined, end = 0): PathView {
  const pair = { local: LOCALS[name], peer: PEERS[end] };
  return { peerBox, local: name, peer: String(end), pair, state, since, roundTrip: undefined, loss: undefined, brown: false, contexts: 1 };
}

const NOW = 100_000;
const cases: readonly (readonly [string, readonly PathView[], readonly string[]])[] = [
  ["nothing known", [], []],
  ["all well", [path("p", "x", "alive", NOW - 5), path("q", "x", "alive", NOW - 5)], []],
  ["lost, and found by the other provider", [path("p", "x", "lost", NOW - 500), path("q", "x", "alive", NOW - 300)], ["p"]],
  ["lost, and found at another end by the same", [path("p", "x", "lost", NOW - 500), path("p", "x", "alive", NOW - 300, 1)], []],
  ["lost, and nobody found: it is the peer", [path("p", "x", "lost", NOW - 500), path("q", "x", "lost", NOW - 400)], []],
  ["the other provider was proved before only", [path("p", "x", "lost", NOW - 500), path("q", "x", "alive", NOW - 900)], []],
  [
    "another box was found by it since",
    [path("p", "x", "lost", NOW - 500), path("q", "x", "alive", NOW - 300), path("p", "y", "alive", NOW - 100)],
    [],
  ],
  [
    "another box was found by it before",
    [path("p", "x", "lost", NOW - 500), path("q", "x", "alive", NOW - 300), path("p", "y", "alive", NOW - 900)],
    ["p"],
  ],
  ["long ago", [path("p", "x", "lost", NOW - SILENT_FOR), path("q", "x", "alive", NOW - 300)], []],
  ["a path that nothing is known of", [path("p", "x", "unknown", undefined), path("q", "x", "alive", NOW)], []],
];
for (const [name, paths, silent] of cases)
  test(name, () => {
    assert.equal([...silentSince(paths, providerOf, NOW).keys()], silent);
  });

test("told once, after what is told together, and again when it is over", () => {
  let now = NOW;
  let paths: readonly PathView[] = [path("p", "x", "lost", NOW), path("q", "x", "alive", NOW)];
  let hears = false;
  const told: string[][] = [];
  const alarms: { readonly at: number; readonly run: () => void }[] = [];
  const evidence = new Evidence({
    paths: () => paths,
    providerOf,
    hearsBy: () => hears,
    now: () => now,
    later: (at, run) => alarms.push({ at, run }),
    changed: (silent) => told.push([...silent]),
  });
  evidence.heard();
  evidence.heard();
  assert.is(alarms.length, 1, "one look for all that happens in one turn");
  alarms[0].run();
  assert.equal(told, [["p"]]);
  assert.is(alarms[1].at, NOW + SILENT_FOR);
  evidence.heard();
  assert.is(alarms[2].at, NOW + LOOK_INTERVAL);
  now += LOOK_INTERVAL;
  alarms[2].run();
  assert.equal(told, [["p"]], "nothing new");
  hears = true;
  evidence.heard();
  alarms.at(-1)?.run();
  assert.equal(told, [["p"], []], "a context hears something by it");
  hears = false;
  evidence.heard();
  alarms.at(-1)?.run();
  now = NOW + SILENT_FOR;
  paths = [path("p", "x", "lost", NOW), path("q", "x", "alive", NOW)];
  alarms[1].run();
  alarms.at(-1)?.run();
  assert.equal(told, [["p"], [], ["p"], []], "a suspicion ends");
});

test("names that hosts were told: below a domain, for as long as they hold and a while; the oldest goes first", () => {
  const names = new SpottedNames();
  const [one, other] = [address("2a00:1::1"), address("2a00:1::2")];
  assert.ok(names.learn([one, other], ["www.example.net", "Edge.example.org"], 10_000, 0));
  assert.not.ok(names.learn([one], ["www.example.net"], 20_000, 0), "nothing new");
  assert.equal(names.within(["example.net"], 5_000), [one, other]);
  assert.equal(names.within(["ample.net"], 5_000), []);
  assert.equal(names.within(["edge.example.org"], 5_000), [one, other]);
  assert.equal(names.within(["example.net"], 615_000), [one], "the other ended");
  assert.equal([names.namesOf(one, 615_000).length > 0, names.namesOf(other, 615_000)], [true, []]);
  assert.ok(names.namesOf(other, 5_000).every((name) => /example/.test(name)) && names.namesOf(other, 5_000).length > 0);
  for (let i = 0; i < 1_024; i++) names.learn([address(`2a00:2::${i.toString(16)}`)], ["x.test"], 10_000, 0);
  assert.equal(names.within(["example.net"], 5_000), []);
  assert.is(names.within(["test"], 5_000).length, 1_024);
});

test.run();
