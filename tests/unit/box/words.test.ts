/** An operator's word about a provider between two whole boxes: it is dead, or it comes before all others. */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { egressPlan } from "../../../runtime/box/egress.ts";
import { Lines } from "../../../runtime/box/lines.ts";
import { readSite } from "../../../runtime/config/read.ts";
import { showPrefix } from "../../../runtime/value/prefix.ts";
import { ALPHA, type BoxNet, connected, type SiteBox } from "../../lib/boxpair.ts";

const [, ISP2] = ALPHA.providers.map(showPrefix);
const current = ({ box }: SiteBox) => {
  const [context] = [...box.parts.shim6.contexts()];
  return box.parts.reap.currentOf(context.id);
};

function prefer({ box }: SiteBox, ...prefixes: string[]): void {
  const { identities, shim6 } = box.parts;
  if (identities.setPreferred(new Set(prefixes), shim6.untold > 0)) box.identityChanged(true);
}

/** Packets both ways every 10 ms. @returns how many each side was sent, and got */
function talk(net: BoxNet, a: SiteBox, b: SiteBox, duration: number): { readonly sent: number; readonly got: readonly number[] } {
  const before = [a.delivered.length, b.delivered.length];
  let sent = 0;
  for (const end = net.now + duration; net.now < end; sent++) {
    net.host(a, b.ulid);
    net.host(b, a.ulid);
    net.run(net.now + 10);
  }
  net.run(net.now + 50);
  return { sent, got: [a.delivered.length - before[0], b.delivered.length - before[1]] };
}

test("a preferred provider gets live contexts, both ways, without a packet lost, and keeps them when the word is taken back", async () => {
  const { net, a, b } = await connected();
  net.run(net.now + 3_000);
  prefer(a, ISP2);
  const { sent, got } = talk(net, a, b, 1_000);
  assert.equal(got, [sent, sent]);
  assert.equal(current(a), { local: a.locators[1], peer: b.locators[0] });
  assert.equal(current(b), { local: b.locators[0], peer: a.locators[1] });
  prefer(a);
  talk(net, a, b, 1_000);
  assert.is(current(a)?.local, a.locators[1]);
});

test("a new context begins on the preferred provider; where that does not answer, another serves", async () => {
  const { net, a, b } = await connected();
  prefer(a, ISP2);
  net.run(net.now + 2_000);
  a.box.discard([...a.box.parts.shim6.contexts()][0].id);
  b.box.discard([...b.box.parts.shim6.contexts()][0].id);
  net.host(a, b.ulid);
  net.run(net.now + 500);
  assert.is(current(a)?.local, a.locators[1]);
});

test("a provider that is both drained and preferred is drained", async () => {
  const { net, a, b } = await connected();
  a.box.parts.identities.setDrained(new Set([ISP2]));
  prefer(a, ISP2);
  const { sent, got } = talk(net, a, b, 1_000);
  assert.equal(got, [sent, sent]);
  assert.is(current(a)?.local, a.locators[0]);
});

test("the operator's word that a provider is dead: contexts leave it at once, peers hear BROKEN, and it counts until it is taken back", async () => {
  const { net, a, b } = await connected();
  net.run(net.now + 3_000);
  let broken: ReadonlySet<string> = new Set();
  const read = readSite(readFileSync(new URL("../../../examples/lab-alpha.yaml", import.meta.url), "utf8"), "lab-alpha.yaml");
  if (!("site" in read)) throw new Error("examples/lab-alpha.yaml has mistakes");
  const { site } = read;
  const heard: (readonly string[])[] = [];
  const lines = new Lines({
    site: () => site,
    plan: () => egressPlan(site),
    box: a.box,
    clock: { now: () => net.now },
    command: { run: () => ({ code: 0, stdout: "", stderr: "" }) },
    log: a.box.parts.log,
    broken: () => broken,
    mapped: (dead) => heard.push([...dead]),
  });
  assert.is(lines.isUsable("isp1"), true);
  broken = new Set(["isp1"]);
  lines.refresh();
  assert.equal([lines.isUsable("isp1"), lines.isUsable("isp2")], [false, true]);
  assert.ok(heard.length > 0);
  const { sent, got } = talk(net, a, b, 1_000);
  assert.ok(got[1] >= sent - 1 && got[0] >= sent - 10, got.join());
  assert.is(current(a)?.local, a.locators[1]);
  // It still works, and the peer's search may have come back to it.
  talk(net, a, b, 5_000);
  assert.is(current(b)?.peer, a.locators[1]);
  broken = new Set();
  lines.refresh();
  assert.is(a.box.parts.identities.of(a.ulid)?.preferences[0].flags, 0);
});

test.run();
