/** Wishes for one context's locators, and Shim6 switched off for peers and ports (RFC 6316), on whole boxes. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { memoryFiles } from "../../../adapters/memory/files.ts";
import { memoryLogs } from "../../../adapters/memory/log.ts";
import { locatorsRow } from "../../../runtime/api/rows-locators.ts";
import { EXCEPTIONS_FILE, Exceptions } from "../../../runtime/box/exceptions.ts";
import { Locators } from "../../../runtime/box/locators.ts";
import { WISHES, Wishes } from "../../../runtime/box/wishes.ts";
import { address } from "../../../runtime/value/address.ts";
import { prefix } from "../../../runtime/value/prefix.ts";
import { WORST_PRIORITY } from "../../../runtime/wire/message.ts";
import { ALPHA, connected, type SiteBox } from "../../lib/boxpair.ts";

const providers = ALPHA.providers.map((each, i) => ({ name: `isp${i + 1}`, prefix: each }));
const locatorsOf = ({ box }: SiteBox) => new Locators({ box, site: () => ({ providers }) });
const only = ({ box }: SiteBox) => [...box.parts.shim6.contexts()][0];
const current = (site: SiteBox) => site.box.parts.reap.currentOf(only(site).id);

test("a context goes by the provider that is wished, and by the peer's locator, and back when nothing is wished", async () => {
  const { net, a, b } = await connected();
  net.run(net.now + 3_000);
  const wishes = locatorsOf(a);
  const { id } = only(a);
  const from = current(a);
  const other = a.locators.find((each) => each !== from?.local);
  const name = other === a.locators[0] ? "isp1" : "isp2";
  assert.ok(wishes.prefer(id, { provider: name }).ok);
  net.run(net.now + 3_000);
  assert.is(current(a)?.local, other);
  const far = b.locators.find((each) => each !== current(a)?.peer);
  assert.ok(wishes.prefer(id, { provider: name, peer: far }).ok);
  net.run(net.now + 5_000);
  assert.equal(current(a), { local: other, peer: far });
  const row = locatorsRow.parse(wishes.row(id));
  assert.equal(
    row.local.map(({ address: locator, provider, isCurrent, isKnown, wished }) => [
      locator === other,
      provider,
      isCurrent,
      isKnown,
      wished !== null,
    ]),
    a.locators.map((locator, i) => [locator === other, `isp${i + 1}`, locator === other, true, locator === other]),
  );
  assert.equal(
    row.peer.map(({ isVerified, isCurrent, wished, method }) => [isVerified, isCurrent, wished !== null, method]),
    b.locators.map((locator) => [true, locator === far, locator === far, "CGA"]),
  );
  // It stays where it is: nothing else ranks better.
  net.run(net.now + 30_000);
  assert.equal(current(a), { local: other, peer: far });
  assert.ok(wishes.wish(id, { local: [], peer: [] }).ok);
  assert.equal(a.box.wishOf(only(a).pair), { local: [], peer: [] });
});

test("a wish ends with its context, and names nothing that is not the context's (RFC 6316 §14.1)", async () => {
  const { a, b } = await connected();
  const wishes = locatorsOf(a);
  const { id, pair } = only(a);
  const rank = { priority: 0, weight: 1 };
  const wrong = [
    wishes.wish(id, { local: [{ address: b.locators[0], ...rank }], peer: [] }),
    wishes.wish(id, {
      local: [],
      peer: [
        { address: b.locators[0], ...rank },
        { address: address("2001:db8:dead::1"), ...rank },
      ],
    }),
    wishes.prefer(id, { provider: "isp9" }),
    wishes.prefer(id, { peer: address("2001:db8:dead::1") }),
  ];
  assert.equal(
    wrong.map((result) => (result.ok ? "fine" : `${result.why} ${result.field}`)),
    ["invalid local/0/address", "invalid peer/1/address", "invalid provider", "invalid peer"],
  );
  const nothing = wishes.wish(99, { local: [], peer: [] });
  assert.ok(!nothing.ok && nothing.why === "unknown");
  assert.is(wishes.row(99), undefined);
  wishes.prefer(id, { provider: "isp1" });
  assert.is(a.box.wishOf(pair).local.length, 1);
  a.box.discard(id);
  assert.is(a.box.wishOf(pair).local.length, 0);
});

test("wishes are bounded; what is not named of a peer ranks worst, what is BROKEN stays so", () => {
  const wishes = new Wishes();
  const pairOf = (n: number) => ({ local: address("fc00::1"), peer: address("fc00:1::1"), fork: n });
  const wish = { local: [], peer: [{ address: address("2001:db8::1"), priority: 300, weight: 999 }] };
  for (let n = 0; n < WISHES; n++) assert.is(wishes.set(pairOf(n), wish), true);
  assert.is(wishes.set(pairOf(WISHES), wish), false);
  assert.is(wishes.set(pairOf(1), wish), true, "one that is there may change");
  wishes.set(pairOf(1), { local: [], peer: [] });
  assert.is(wishes.set(pairOf(WISHES), wish), true);
  const listed = ["2001:db8::1", "2001:db8::2"].map((each) => ({ address: address(each), preference: { flags: 1, priority: 3 } }));
  assert.equal(
    wishes.overPeer(pairOf(2), listed).map(({ preference }) => preference),
    [
      { flags: 1, priority: WORST_PRIORITY - 1, weight: WORST_PRIORITY },
      { flags: 1, priority: WORST_PRIORITY, weight: 0 },
    ],
  );
  assert.equal(wishes.overPeer(pairOf(1), listed), listed);
});

function exceptionsIn(files = memoryFiles()) {
  files.makeDirectory("/state");
  let changes = 0;
  const made = new Exceptions({ files, log: memoryLogs().area("test"), directory: "/state", changed: () => changes++ });
  return { made, files, changes: () => changes };
}

test("exceptions: by peer and by port, over a restart, and a file that nobody can read is none", () => {
  const { made, files, changes } = exceptionsIn();
  const [peer, other] = ["fc00:bbbb::1", "fc00:cccc::1"].map(address);
  assert.is(made.of(peer, 80), undefined);
  assert.is(made.set({ peers: [prefix("fc00:bbbb::/32")], ports: [{ first: 80, last: 81 }] }), true);
  assert.equal(
    [made.of(peer, undefined), made.of(other, 81), made.of(other, 82), made.of(other, undefined)],
    ["peer", "port", undefined, undefined],
  );
  assert.is(changes(), 1);
  assert.equal(exceptionsIn(files).made.all, made.all);
  assert.is(files.mode(`/state/${EXCEPTIONS_FILE}`), 0o600);
  for (const text of ["{", "[]", '{"peers": ["x"]}', '{"ports": [{"first": -1, "last": 3}]}']) {
    files.writeText(`/state/${EXCEPTIONS_FILE}`, text);
    assert.equal(exceptionsIn(files).made.all, { peers: [], ports: [] }, text);
  }
});

test("excepted ports join the rule that never counts, and leave the others", () => {
  const { made } = exceptionsIn();
  const due = { packets: 5, octets: 0, millis: 0 };
  const never = { packets: 0, octets: 0, millis: 0 };
  const rules = {
    others: due,
    ports: [
      { ...due, ports: [{ first: 70, last: 90 }] },
      { ...never, ports: [{ first: 53, last: 53 }] },
    ],
  };
  assert.equal(made.over(rules), rules);
  made.set({ peers: [], ports: [{ first: 80, last: 81 }] });
  assert.equal(made.over(rules).ports, [
    {
      ...due,
      ports: [
        { first: 70, last: 79 },
        { first: 82, last: 90 },
      ],
    },
    {
      ...never,
      ports: [
        { first: 53, last: 53 },
        { first: 80, last: 81 },
      ],
    },
  ]);
  assert.equal(made.over({ others: due, ports: [] }).ports, [{ ...never, ports: [{ first: 80, last: 81 }] }]);
  made.set({ peers: [], ports: [{ first: 0, last: 65_535 }] });
  assert.equal(made.over(rules).ports.length, 1);
});

test.run();
