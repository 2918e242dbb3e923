/** The site as nodes and lines, and where they stand. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type FlowsRow, OTHER_BOXES } from "../../../runtime/api/flow-rows.ts";
import type { PathRow, ProviderRow } from "../../../runtime/api/rows.ts";
import { alarmsOf } from "../../../runtime/dashboard/alarms.ts";
import { layOut, WIDE } from "../../../runtime/dashboard/figure-layout.ts";
import { describe, type FigureParts, figureOf, isCarrying, widthOf } from "../../../runtime/dashboard/figure-model.ts";

const provider = (name: string, change: Partial<ProviderRow> = {}): ProviderRow => ({
  name,
  prefix: "2001:db8:a1::/48",
  state: "up",
  drained: false,
  broken: false,
  preferred: false,
  wordEndsMs: null,
  expiresMs: null,
  interface: "up1",
  gateway: null,
  priority: 10,
  weight: 1,
  contexts: 0,
  packets: 0,
  ...change,
});
const path = (localProvider: string, state: PathRow["state"], peerBox = "b1", change: Partial<PathRow> = {}): PathRow => ({
  id: `${peerBox} ${localProvider}`,
  peerBox,
  localLocator: "2001:db8:a1::1",
  peerLocator: "2001:db8:b3::1",
  localProvider,
  state,
  sinceMs: 100,
  rttMs: 10,
  loss: 0,
  brownOut: false,
  mtu: 1_500,
  contexts: 1,
  ...change,
});
const flows = (by: string, more: Partial<FlowsRow> = {}): FlowsRow => ({
  spanMs: 1_000,
  links: [{ provider: by, peerBox: "b1", peerUlid: "fc00:bbbb:1::10", contexts: 1, sent: 2_500_000, received: 20_000 }],
  boxes: 1,
  hosts: [{ ulid: "fc00:aaaa:1::1", contexts: 1, sent: 2_500_000, received: 20_000 }],
  otherHosts: { hosts: 0, contexts: 0, sent: 0, received: 0 },
  ...more,
});
const parts = (change: Partial<FigureParts> = {}): FigureParts => ({
  status: undefined,
  providers: [provider("isp1"), provider("isp2")],
  paths: [path("isp1", "alive"), path("isp2", "unknown")],
  flows: flows("isp1"),
  names: new Map([["fc00:aaaa:1::1", "h1"]]),
  ...change,
});
const lineOf = (given: FigureParts, from: string, to: string) => figureOf(given).lines.find((line) => line.from === from && line.to === to);
const nodeOf = (given: FigureParts, id: string) => figureOf(given).nodes.find((node) => node.id === id);

test("the provider that carries has thick lines, the other rests", () => {
  const near = lineOf(parts(), "box", "provider isp1");
  assert.ok(near !== undefined && isCarrying(near) && widthOf(near.rate) > 5);
  const idle = lineOf(parts(), "box", "provider isp2");
  assert.ok(idle !== undefined && !isCarrying(idle) && idle.health === "good");
  assert.equal(
    [lineOf(parts(), "provider isp1", "peer b1")?.health, lineOf(parts(), "provider isp2", "peer b1")?.health],
    ["good", "idle"],
  );
  assert.is(nodeOf(parts(), "host fc00:aaaa:1::1")?.title, "h1");
  assert.is(nodeOf(parts(), "peer b1")?.title, "fc00:bbbb:1::");
});

test("a provider all of whose paths are lost is dead, and so are its lines", () => {
  const broken = parts({ paths: [path("isp1", "lost"), path("isp2", "alive")], flows: flows("isp2") });
  assert.equal([nodeOf(broken, "provider isp1")?.health, nodeOf(broken, "provider isp2")?.health], ["dead", "good"]);
  for (const [from, to] of [
    ["box", "provider isp1"],
    ["provider isp1", "peer b1"],
  ])
    assert.is(lineOf(broken, from, to)?.health, "dead");
  const now = lineOf(broken, "box", "provider isp2");
  assert.ok(now !== undefined && isCarrying(now));
  assert.match(describe(figureOf(broken)), /^isp1: no path lives; isp2: in use, 1 context$/);
});

test("one path that lives keeps a provider alive, and the path to the dead box is dead", () => {
  const some = parts({ paths: [path("isp1", "lost"), path("isp1", "alive", "b2")] });
  assert.is(nodeOf(some, "provider isp1")?.health, "good");
  assert.equal([lineOf(some, "provider isp1", "peer b1")?.health, lineOf(some, "provider isp1", "peer b2")?.health], ["dead", "good"]);
});

test("what the box says of providers shows, whatever their paths say", () => {
  const healths = (change: Partial<ProviderRow>) => {
    const given = parts({ providers: [provider("isp1", change)] });
    return [nodeOf(given, "provider isp1")?.health, nodeOf(given, "provider isp1")?.says];
  };
  assert.equal(healths({ state: "down" }), ["dead", "line is down"]);
  assert.equal(healths({ state: "waiting", prefix: null }), ["waiting", "no prefix yet"]);
  assert.equal(healths({ drained: true }), ["drained", "drained"]);
  assert.equal(healths({ broken: true }), ["dead", "taken for dead"]);
  assert.equal(healths({ preferred: true }), ["good", "preferred"]);
});

test("a provider that works badly everywhere is poor, and so are its lines; one good path is enough", () => {
  const bad = { brownOut: true, loss: 0.3 };
  const given = parts({ paths: [path("isp1", "alive", "b1", bad)] });
  assert.equal([nodeOf(given, "provider isp1")?.health, nodeOf(given, "provider isp1")?.says], ["poor", "works badly"]);
  assert.is(lineOf(given, "provider isp1", "peer b1")?.health, "poor");
  const some = parts({ paths: [path("isp1", "alive", "b1", bad), path("isp1", "alive", "b2")] });
  assert.equal([nodeOf(some, "provider isp1")?.health, lineOf(some, "provider isp1", "peer b1")?.health], ["good", "poor"]);
  const whole = { providers: some.providers, paths: [path("isp1", "alive")] };
  assert.equal(alarmsOf(whole, { ...whole, paths: given.paths }), ["isp1: 1 path works badly"]);
});

test("a loss of long ago is told as one", () => {
  const given = parts({ paths: [path("isp1", "lost", "b1", { sinceMs: 90_000 })] });
  assert.is(nodeOf(given, "provider isp1")?.says, "lost 1 min ago");
});

test("many hosts and boxes: the others are one node each", () => {
  const hosts = Array.from({ length: 8 }, (_, i) => ({ ulid: `fc00:aaaa:1::${i}`, contexts: 1, sent: 1, received: 1 }));
  const links = Array.from({ length: 8 }, (_, i) => ({
    provider: "isp1",
    peerBox: `b${i}`,
    peerUlid: null,
    contexts: 1,
    sent: 1,
    received: 0,
  }));
  const others = { provider: "isp1", peerBox: OTHER_BOXES, peerUlid: null, contexts: 92, sent: 5, received: 0 };
  const given = parts({
    flows: flows("isp1", { hosts, otherHosts: { hosts: 41, contexts: 92, sent: 5, received: 5 }, links: [...links, others], boxes: 100 }),
    paths: Array.from({ length: 200 }, (_, i) => path("isp1", "alive", `b${i}`)),
  });
  const { nodes, lines } = figureOf(given);
  assert.is(nodes.filter(({ column }) => column === 0).at(-1)?.title, "41 others");
  assert.is(nodes.filter(({ column }) => column === 3).length, 9);
  assert.is(nodeOf(given, `peer ${OTHER_BOXES}`)?.title, "92 other sites");
  for (const { from, to } of lines)
    for (const end of [from, to])
      assert.ok(
        nodes.some(({ id }) => id === end),
        end,
      );
});

test("on a phone there are fewer, and nothing is lost", () => {
  const hosts = Array.from({ length: 8 }, (_, i) => ({ ulid: `fc00:aaaa:1::${i}`, contexts: 1, sent: 8 - i, received: 0 }));
  const links = Array.from({ length: 8 }, (_, i) => ({
    provider: "isp1",
    peerBox: `b${i}`,
    peerUlid: null,
    contexts: 1,
    sent: 3,
    received: 0,
  }));
  const given = parts({
    flows: flows("isp1", { hosts, otherHosts: { hosts: 2, contexts: 2, sent: 1, received: 0 }, links, boxes: 9 }),
    paths: [path("isp1", "alive", "b1"), path("isp2", "lost", "b7"), path("isp2", "unknown", "b9")],
  });
  const { nodes, lines } = figureOf(given, 3);
  const titles = (column: number) => nodes.filter((node) => node.column === column).map(({ title }) => title);
  assert.equal(titles(0).slice(-1), ["7 others"]);
  assert.equal(titles(3), ["b0", "b1", "b2", "6 other sites"]);
  const total = (column: number) => nodes.filter((node) => node.column === column).reduce((sum, { sent }) => sum + sent, 0);
  assert.equal([total(0), total(3)], [37, 24]);
  assert.is(
    lines.filter(({ to }) => to === `peer ${OTHER_BOXES}`).reduce((sum, { rate }) => sum + rate, 0),
    15,
  );
});

test("nodes stand inside the figure and apart from one another, at every width", () => {
  for (const width of [320, 344, 500, WIDE - 1, WIDE, 900, 1_400]) {
    const { placed, height } = layOut(figureOf(parts()), width);
    const all = [...placed.values()];
    for (const one of all) {
      assert.ok(one.x >= 0 && one.x + one.width <= width && one.y >= 0 && one.y + one.height <= height, `${width}: ${one.node.id}`);
      for (const other of all) {
        if (one === other) continue;
        const apart =
          one.x + one.width <= other.x ||
          other.x + other.width <= one.x ||
          one.y + one.height <= other.y ||
          other.y + other.height <= one.y;
        assert.ok(apart, `${width}: ${one.node.id} over ${other.node.id}`);
      }
    }
  }
});

test("alarms tell what is different", () => {
  const was = { providers: [provider("isp1"), provider("isp2")], paths: [path("isp1", "alive")] };
  assert.equal(alarmsOf(was, was), []);
  assert.equal(alarmsOf(was, { ...was, paths: [path("isp1", "lost")] }), ["isp1: 1 path is lost"]);
  assert.equal(alarmsOf({ ...was, paths: [path("isp1", "lost")] }, was), ["isp1: no path is lost any more"]);
  const next = [provider("isp1", { state: "down" }), provider("isp2", { drained: true }), provider("isp3")];
  assert.equal(alarmsOf(was, { ...was, providers: next }), ["isp1 is down", "isp2 is drained"]);
  assert.equal(alarmsOf({ ...was, providers: next }, was), ["isp1 is up", "isp2 is in use again"]);
});

test.run();
