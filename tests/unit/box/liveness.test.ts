/** Lines that go and come: when they may be used, and what it does to contexts and to what peers are told. */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { memoryLogs } from "../../../adapters/memory/log.ts";
import { egressPlan } from "../../../runtime/box/egress.ts";
import { Lines } from "../../../runtime/box/lines.ts";
import { Liveness } from "../../../runtime/box/liveness.ts";
import { readSite } from "../../../runtime/config/read.ts";
import { address, addressAt } from "../../../runtime/value/address.ts";
import { showPrefix } from "../../../runtime/value/prefix.ts";
import { NEVER } from "../../../runtime/value/time.ts";
import { findOption } from "../../../runtime/wire/index.ts";
import { ALPHA, connected, messagesOf, type SiteBox } from "../../lib/boxpair.ts";

const EXAMPLE = readFileSync(new URL("../../../examples/lab-alpha.yaml", import.meta.url), "utf8");
const DAMPING = { halfLife: 15_000, longest: 60_000 };

type Step = readonly [now: number, what: "up" | "down" | "poll", change: "used" | "left" | "", wakeAt?: number];

/** One line; what each report changes, and when the machine wants to look again, `NEVER` unless said otherwise. */
const table: readonly (readonly [string, readonly Step[]])[] = [
  [
    "up from the start: nothing to say",
    [
      [0, "up", ""],
      [5, "up", ""],
    ],
  ],
  [
    "down from the start: left, and used as soon as it is up",
    [
      [0, "down", "left"],
      [5, "down", ""],
      [9, "up", "used"],
    ],
  ],
  [
    "lost once: left at once, used at once",
    [
      [0, "up", ""],
      [1000, "down", "left"],
      [1100, "up", "used"],
    ],
  ],
  ["never heard of: lost as if it had been up", [[1000, "down", "left"]]],
  [
    "the third loss in short time is too much: back when the penalty has come down",
    [
      [0, "up", ""],
      [1000, "down", "left"],
      [1000, "up", "used"],
      [1000, "down", "left"],
      [1000, "up", "used"],
      [1000, "down", "left"],
      [1000, "up", "", 31_000],
      [30_999, "poll", "", 31_000],
      [31_000, "poll", "used"],
      [31_000, "poll", ""],
    ],
  ],
  [
    "losses far enough apart are forgotten",
    [
      [0, "up", ""],
      ...[100_000, 200_000, 300_000, 400_000].flatMap((at): Step[] => [
        [at, "down", "left"],
        [at + 10, "up", "used"],
      ]),
    ],
  ],
  [
    "down while it was left alone: the time counts on, and it is used when it comes back later",
    [
      [0, "up", ""],
      ...[0, 0, 0]
        .flatMap((at): Step[] => [
          [at, "down", "left"],
          [at, "up", "used"],
        ])
        .slice(0, 5),
      [0, "up", "", 30_000],
      [10, "down", "", NEVER],
      [200_000, "up", "used"],
    ],
  ],
];

for (const [name, steps] of table) {
  test(name, () => {
    const liveness = new Liveness(() => DAMPING);
    for (const [now, what, change, wakeAt = NEVER] of steps) {
      const [got] = what === "poll" ? liveness.poll(now) : [liveness.heard({ name: "up1", up: what === "up" }, now)];
      assert.equal(got, change === "" ? undefined : { name: "up1", usable: change === "used" }, `${what} at ${now}`);
      assert.ok(Math.abs(liveness.wakeAt - wakeAt) < 1 || liveness.wakeAt === wakeAt, `${what} at ${now}: ${liveness.wakeAt}`);
      if (change !== "") assert.is(liveness.dead.has("up1"), change === "left");
    }
  });
}

test("however often it flaps, it is back after the longest time; lines are judged apart", () => {
  const liveness = new Liveness(() => DAMPING);
  liveness.heard({ name: "up2", up: true }, 0);
  for (let i = 0; i < 100; i++) {
    liveness.heard({ name: "up1", up: false }, i);
    liveness.heard({ name: "up1", up: true }, i);
  }
  assert.equal([...liveness.dead], ["up1"]);
  assert.ok(liveness.wakeAt > 50_000 && liveness.wakeAt <= 60_100, `${liveness.wakeAt}`);
  assert.equal(liveness.poll(60_100), [{ name: "up1", usable: true }]);
});

const source = (site: SiteBox) => addressAt(site.sent.findLast((each) => (each[42] & 0x80) !== 0) ?? new Uint8Array(40), 8);

test("the line in use is lost: the next packet goes by the other one, the peer is told, and again when it is back", async () => {
  const { net, a, b } = await connected({ reap: { profile: "rfc5534" } });
  const first = ALPHA.providers.findIndex((provider) => showPrefix(provider).startsWith(source(a).slice(0, 11)));
  const lost = new Set([showPrefix(ALPHA.providers[first])]);
  const tell = (broken: ReadonlySet<string>) => {
    const { identities, shim6 } = a.box.parts;
    if (identities.setBroken(broken, shim6.untold > 0)) a.box.identityChanged();
  };
  // Nothing gets through there any more, in either direction.
  net.passes = (packet) => ![8, 24].some((at) => addressAt(packet, at) === a.locators[first]);
  const [hadA, hadB] = [a.delivered.length, b.delivered.length];
  tell(lost);
  const [request] = messagesOf(a.sent).filter(({ message }) => message.kind === "UpdateRequest");
  assert.is(request.source, a.locators[1 - first], "told at once, and not by the dead line");
  net.host(a, b.ulid);
  net.run(net.now + 100);
  assert.is(source(a), a.locators[1 - first]);
  assert.is(b.delivered.length, hadB + 1, "not a packet is lost");
  net.host(b, a.ulid);
  net.run(net.now + 2000);
  assert.is(a.delivered.length, hadA + 1, "the peer has heard of it");
  const flags = () =>
    messagesOf(a.sent).flatMap(({ message }) => {
      const list = message.kind === "UpdateRequest" ? findOption(message.options, "locator-preferences") : undefined;
      return list === undefined ? [] : [list.elements.map((element) => element.flags)];
    });
  assert.equal(flags().at(-1), first === 0 ? [1, 0] : [0, 1]);
  net.passes = () => true;
  tell(new Set());
  net.host(a, b.ulid);
  net.run(net.now + 5000);
  assert.equal(flags().at(-1), [0, 0]);
  assert.is(b.delivered.length, hadB + 2);
  tell(new Set());
});

test("what the kernel says reaches providers by their interface; a line that is back gets its routes back, as the settings are now", async () => {
  const { a } = await connected();
  const site = (text: string) => {
    const reading = readSite(text, "site.yaml");
    if (!("site" in reading)) throw new Error(JSON.stringify(reading.faults));
    return reading.site;
  };
  let now = site(EXAMPLE);
  const told: string[] = [];
  const lines = new Lines({
    site: () => now,
    plan: () => egressPlan(now),
    box: a.box,
    clock: { now: () => 0 },
    command: {
      run: (_, __, input = "") => {
        told.push(...input.split("\n").filter((line) => line !== ""));
        return { code: 0, stdout: "", stderr: "" };
      },
    },
    log: memoryLogs().area("test"),
  });
  const broken = () => a.box.parts.identities.of(a.ulid)?.preferences.map(({ flags }) => flags);
  for (const name of ["lo", "lan", "up1", "up2"]) lines.heard({ name, up: name !== "lo" });
  assert.equal([broken(), told], [[0, 0], []]);
  lines.heard({ name: "up2", up: false });
  lines.heard({ name: "up2", up: false });
  assert.equal([broken(), told], [[0, 1], []]);
  assert.is(a.count("in-line-lost"), 1);
  now = site(EXAMPLE.replace("interface: up2", "interface: up9"));
  lines.refresh();
  assert.equal(broken(), [0, 0], "it has another line now");
  now = site(EXAMPLE);
  lines.refresh();
  assert.equal(broken(), [0, 1]);
  lines.heard({ name: "up2", up: true });
  assert.equal(broken(), [0, 0]);
  assert.equal(told.splice(0), ["route replace default via 2001:db8:f2::1 dev up2 onlink table 14002 proto 140"]);
  lines.heard({ name: "lan", up: false });
  lines.heard({ name: "lan", up: true });
  assert.equal(broken(), [0, 0]);
  assert.equal(told, ["route replace fc00:aaaa:1::/64 dev lan table 14000 proto 140", "route replace fc00:aaaa:1::/64 dev lan proto 140"]);
});

test("a gateway that is gone costs its provider its locators, with patience of its own; who shares the interface keeps them", async () => {
  const { a } = await connected();
  const text = EXAMPLE.replace("interface: up2", "interface: up1");
  const read = (more: string) => {
    const reading = readSite(`${text}\n${more}`, "site.yaml");
    if (!("site" in reading)) throw new Error(JSON.stringify(reading.faults));
    return reading.site;
  };
  let now = read("");
  const lines = new Lines({
    site: () => now,
    plan: () => egressPlan(now),
    box: a.box,
    clock: { now: () => 0 },
    command: { run: () => ({ code: 0, stdout: "", stderr: "" }) },
    log: memoryLogs().area("test"),
  });
  const [first, second] = ["2001:db8:f1::1", "2001:db8:f2::1"].map((each) => ({ link: "up1", address: address(each) }));
  const broken = () => a.box.parts.identities.of(a.ulid)?.preferences.map(({ flags }) => flags);
  assert.equal(lines.gateways, [first, second]);
  lines.heard({ name: "up1", up: true });
  for (const gateway of [first, second]) lines.asked({ ...gateway, standing: "answers" });
  lines.asked({ link: "up1", address: address("fe80::1"), standing: "silent" });
  assert.equal([broken(), [...lines.silent]], [[0, 0], []]);
  lines.asked({ ...second, standing: "silent" });
  lines.asked({ ...second, standing: "silent" });
  assert.equal([broken(), [...lines.silent], lines.isUsable("isp1"), lines.isUsable("isp2")], [[0, 1], ["isp2"], true, false]);
  assert.equal([a.count("in-gateway-lost"), a.count("in-line-lost")], [1, 0]);
  lines.heard({ name: "up1", up: false });
  assert.equal(broken(), [1, 1]);
  assert.equal(lines.gateways, [], "nobody is asked on a line that is down");
  lines.asked({ ...first, standing: "silent" });
  lines.heard({ name: "up1", up: true });
  assert.equal(broken(), [0, 1], "what was silent with the line down says nothing");
  lines.asked({ ...second, standing: "fixed" });
  assert.equal([broken(), a.count("in-gateway-back")], [[0, 0], 1]);
  lines.asked({ ...second, standing: "silent" });
  assert.equal(broken(), [0, 1]);
  now = read("links: { gateway: { watch: false } }\n");
  lines.refresh();
  assert.equal([broken(), lines.gateways], [[0, 0], []]);
  lines.asked({ ...second, standing: "silent" });
  assert.equal(broken(), [0, 0]);
  now = read("");
  lines.refresh();
  assert.equal(broken(), [0, 0], "it is asked anew");
});

test("all lines lost: all are as good as before", async () => {
  const { net, a, b } = await connected();
  const { identities } = a.box.parts;
  identities.setBroken(new Set(ALPHA.providers.map(showPrefix)));
  a.box.identityChanged();
  const had = b.delivered.length;
  net.host(a, b.ulid);
  net.run(net.now + 500);
  assert.is(b.delivered.length, had + 1);
});

test.run();
