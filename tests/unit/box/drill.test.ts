/** Failover drills: what the kernel is told, what its answers come to, and the course of a drill on a made-up box. */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { memoryLogs } from "../../../adapters/memory/log.ts";
import { DRILL_LISTEN, DRILL_SETTLE, DRILL_STRAGGLERS, DrillGround, type DrillParts } from "../../../runtime/box/drill.ts";
import { type DrillEnd, type DrillFindings, drillVerdict } from "../../../runtime/box/drill-report.ts";
import { drillBreak, drillRules, type NotedFlow, readFlows } from "../../../runtime/box/drill-table.ts";
import { PortError } from "../../../runtime/port/error.ts";
import { address, type Locator } from "../../../runtime/value/address.ts";
import { prefix } from "../../../runtime/value/prefix.ts";
import type { ReapState } from "../../../runtime/wire/message.ts";
import { seed } from "../../lib/seed.ts";

const HOST = address("fc00:aaaa:1::1");
const PEER = address("fc00:bbbb:1::1");
const OTHER = address("fc00:bbbb:1::2");
const LISTED = `table inet pshim6_drill_x {
	set heard {
		type ipv6_addr . ipv6_addr . inet_proto
		size 65535
		flags dynamic,timeout
		timeout 1h
		elements = { fc00:bbbb:1::1 . fc00:aaaa:1::1 . 6 expires 59m58s984ms,
			     fc00:bbbb:1::2 . fc00:aaaa:1::1 . 132 timeout 1h expires 59m57s }
	}
}
`;

test("what nft lists is read to the millisecond", () => {
  assert.equal(readFlows(LISTED), [
    { source: PEER, destination: HOST, kind: "tcp", ago: 1_016 },
    { source: OTHER, destination: HOST, kind: "other", ago: 3_000 },
  ]);
  assert.equal(readFlows(""), []);
  fc.assert(
    fc.property(fc.string(), (text) => void readFlows(text)),
    { seed },
  );
});

test("the kernel ends the break by itself", () => {
  assert.is(
    drillBreak("pshim0", prefix("2001:db8:a1::/48"), 4_000.5),
    "add element inet pshim6_drill_pshim0 broken { 2001:db8:a1::/48 timeout 4001ms }\n",
  );
  const rules = drillRules({ tun: "pshim0", lan: "lan0" });
  assert.match(rules, /^add table inet pshim6_drill_pshim0\ndelete table inet pshim6_drill_pshim0\ntable inet pshim6_drill_pshim0 \{\n/);
  assert.match(rules, /iifname "pshim0" ip6 saddr @broken goto lost-out/);
  assert.match(rules, /iifname "lan0" oifname != \{ "pshim0", "lan0" \} ip6 saddr @broken goto lost-out/);
});

const flow = (source: typeof HOST, destination: typeof HOST, ago = 0, kind: NotedFlow["kind"] = "tcp"): NotedFlow => ({
  source,
  destination,
  kind,
  ago,
});
const FOUND: DrillFindings = {
  affected: [{ id: 4, local: HOST, peer: PEER }],
  heardBefore: [flow(PEER, HOST)],
  saidBefore: [flow(HOST, PEER)],
  heard: [],
  said: [flow(HOST, PEER)],
  readAt: 11_000,
  brokenAt: 1_000,
  losses: new Map([["out-tcp", { packets: 3, octets: 300 }]]),
  endOf: () => "moved",
};

test("verdicts: who was heard again lives; who asks and is not answered does not; who went silent by itself proves nothing", () => {
  const again = [flow(PEER, HOST, 9_700)];
  const cases: [string, Partial<DrillFindings>, DrillEnd, string | undefined][] = [
    ["heard again", { heard: again }, "moved", undefined],
    ["heard again on a new context", { heard: again }, "gone", undefined],
    ["moved, not answered", {}, "moved", "it moved, and no answer came"],
    ["still there", {}, "stays", "it still sends by the dead provider"],
    ["explores", {}, "explores", "it found no other way"],
    ["gone", {}, "gone", "it is gone"],
    ["silent by itself", { said: [] }, "stays", undefined],
    ["one way, moved", { heardBefore: [] }, "moved", undefined],
    ["one way, stays", { heardBefore: [] }, "stays", "it still sends by the dead provider"],
  ];
  for (const [name, change, end, why] of cases) {
    const verdict = drillVerdict({ ...FOUND, ...change, endOf: () => end });
    assert.equal([verdict.failed[0]?.why, verdict.survived, verdict.failures], [why, why === undefined, why === undefined ? 0 : 1], name);
  }
});

test("traffic of others is not judged, and idle contexts are not", () => {
  const strange = drillVerdict({ ...FOUND, affected: [{ id: 4, local: HOST, peer: OTHER }], endOf: () => "gone" });
  assert.equal([strange.contexts, strange.survived], [{ affected: 1, active: 0, moved: 0 }, true]);
});

test("times by kind of traffic", () => {
  const peers = Array.from({ length: 20 }, (_, i) => address(`fc00:bbbb:1::${i + 1}`));
  const verdict = drillVerdict({
    ...FOUND,
    affected: peers.map((peer, id) => ({ id, local: HOST, peer })),
    heardBefore: peers.map((peer) => flow(peer, HOST)),
    saidBefore: [],
    // 100, 200 … 2,000 ms behind the break.
    heard: peers.map((peer, i) => flow(peer, HOST, 10_000 - 100 * (i + 1))),
  });
  const [tcp, ...more] = verdict.classes;
  assert.equal([tcp.flows, tcp.back, tcp.medianMs, tcp.p95Ms, tcp.maxMs, tcp.lostOut.packets], [20, 20, 1_000, 1_900, 2_000, 3]);
  assert.equal(more, []);
});

/** A box with one context by isp1, whose clock is moved by hand. */
function ground(change: Partial<DrillParts> = {}) {
  let now = 0;
  const alarms: { at: number; run: () => void }[] = [];
  const said: string[] = [];
  const world: { local: Locator; state: ReapState } = { local: address("2001:db8:a1::1"), state: "Operational" };
  const view = () => ({
    id: 4,
    state: "ESTABLISHED" as const,
    pair: { local: HOST, peer: PEER, fork: 0 },
    current: { local: world.local, peer: address("2001:db8:b3::1") },
  });
  const parts: DrillParts = {
    site: () => ({
      providers: [
        { name: "isp1", prefix: prefix("2001:db8:a1::/48") },
        { name: "isp2", prefix: prefix("2001:db8:a2::/48") },
      ],
      awaited: [{ name: "isp3" }],
      tun: { name: "pshim0" },
      lan: { interface: "lan0" },
    }),
    shim6: { contexts: () => [view()], get: view, find: view },
    reap: { currentOf: () => view().current, stateOf: () => world.state },
    isUsable: () => true,
    clock: { now: () => now, wall: () => 1_800_000_000_000 + now },
    later: (at: number, run: () => void) => void alarms.push({ at, run }),
    command: {
      run(_: string, args: readonly string[], stdin = "") {
        const what = args[0] === "-f" ? stdin : args.join(" ");
        said.push(what);
        const stdout = what.includes("list set") ? LISTED : what.includes("counters") ? '{"nftables":[]}' : "";
        return { code: 0, stdout, stderr: "" };
      },
    },
    log: memoryLogs().area("box"),
    ...change,
  };
  const run = (until: number) => {
    for (;;) {
      const next = alarms.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      alarms.splice(alarms.indexOf(next), 1);
      now = Math.max(now, next.at);
      next.run();
    }
    now = Math.max(now, until);
  };
  return { drills: new DrillGround(parts), run, said, world };
}

test("the course of a drill", () => {
  const { drills, run, said, world } = ground();
  const begun = drills.start("isp1", 4_000);
  assert.ok(begun.ok && begun.drill.state === "listening");
  run(DRILL_LISTEN - 1);
  assert.is(said.length, 1);
  run(DRILL_LISTEN + DRILL_STRAGGLERS);
  assert.match(said[3], /^add element .* timeout 4000ms/);
  assert.match(said[4], /^flush set/);
  assert.equal([drills.get(1)?.state, drills.get(1)?.brokenMs, drills.get(1)?.contexts.affected], ["broken", DRILL_STRAGGLERS, 1]);
  world.local = address("2001:db8:a2::1");
  world.state = "Exploring";
  run(DRILL_LISTEN + 4_000);
  assert.equal([drills.get(1)?.state, drills.get(1)?.brokenMs, drills.get(1)?.survived], ["settling", 4_000, true]);
  assert.match(said.at(-1) ?? "", /^add table .*\ndelete table/);
  world.state = "Operational";
  run(DRILL_LISTEN + 4_100);
  assert.is(drills.get(1)?.state, "done");
  assert.equal(
    [...drills.rows()].map(({ id }) => id),
    [1],
  );
});

test("contexts that do not come to rest end it all the same", () => {
  const { drills, run, world } = ground();
  drills.start("isp1", 1_000);
  world.state = "Exploring";
  run(DRILL_LISTEN + 1_000 + DRILL_SETTLE + 200);
  assert.is(drills.get(1)?.state, "done");
});

test("ended before the break, in the middle, and behind it", () => {
  const { drills, run, said } = ground();
  drills.start("isp1", 4_000);
  assert.equal([drills.end(1)?.state, drills.get(1)?.survived], ["done", null]);
  run(20_000);
  assert.is(said.length, 2);
  drills.start("isp1", 4_000);
  run(20_000 + DRILL_LISTEN + 500);
  assert.equal([drills.end(2)?.cut, drills.get(2)?.brokenMs], [true, 500]);
  assert.is(drills.end(2)?.id, 2);
  assert.is(drills.end(9), undefined);
});

test("what a killed box left is taken away, a drill under way is not", () => {
  const { drills, said } = ground();
  drills.clean();
  assert.match(said[0], /^add table .*\ndelete table/);
  drills.start("isp1", 4_000);
  const before = said.length;
  drills.clean();
  assert.is(said.length, before);
  const missing = () => {
    throw new PortError("missing", "no nft");
  };
  ground({ command: { run: missing } }).drills.clean();
});

test("refusals", () => {
  const why = (name: string, change: Partial<DrillParts> = {}, duration?: number, force?: boolean) => {
    const result = ground(change).drills.start(name, duration, force);
    return result.ok ? "begun" : result.why;
  };
  const alone = { isUsable: (name: string) => name === "isp1" };
  assert.is(why("isp9"), "unknown");
  assert.is(why("isp3"), "refused");
  assert.is(why("isp1", {}, 300_001), "refused");
  assert.is(why("isp1", alone), "refused");
  assert.is(why("isp1", alone, undefined, true), "begun");
  assert.is(why("isp2", alone), "begun");
  const missing = () => {
    throw new PortError("missing", "`nft` is missing: install nftables");
  };
  assert.is(why("isp1", { command: { run: missing } }), "failed");
  const { drills } = ground();
  drills.start("isp1");
  const second = drills.start("isp2");
  assert.match(second.ok ? "" : second.detail, /drill 1 is under way/);
});

test("a kernel that refuses in the middle ends the drill, and the box's end takes it along", () => {
  let refuses = false;
  const command = { run: () => ({ code: refuses ? 1 : 0, stdout: "", stderr: refuses ? "no" : "" }) };
  const { drills, run } = ground({ command });
  drills.start("isp1", 4_000);
  refuses = true;
  run(DRILL_LISTEN);
  assert.equal([drills.get(1)?.state, drills.get(1)?.survived], ["done", null]);
  const other = ground();
  other.drills.start("isp1", 4_000);
  other.drills.close();
  assert.match(other.said.at(-1) ?? "", /delete table/);
  other.run(20_000);
});

test.run();
