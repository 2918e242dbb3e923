/** Addresses of the providers beside the ULID (P-Shim6 draft §7): leased, renewed, deprecated, ended, and never stored. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ulidPolicy } from "../../../runtime/dhcp6/configure.ts";
import type { BesidePrefix } from "../../../runtime/dhcp6/contract.ts";
import { type Address, address } from "../../../runtime/value/address.ts";
import { prefix, showPrefix } from "../../../runtime/value/prefix.ts";
import type { Dhcp6Message, Dhcp6Option } from "../../../runtime/wire/dhcp6.ts";
import { CONFIRM, DECLINE, REBIND, RECONFIGURE, RELEASE, RENEW, REQUEST, SOLICIT } from "../../../runtime/wire/dhcp6-number.ts";
import { dhcp6Options } from "../../../runtime/wire/dhcp6-option.ts";
import { clientId, Dhcp6World, HOUR, iaNa, SUBNET, serverId, WALL } from "../../lib/dhcp6.ts";

const besideAt = (outside: string, more: Partial<BesidePrefix> = {}): BesidePrefix => ({
  lan: prefix(SUBNET),
  outside: prefix(outside),
  deprecated: false,
  until: Number.POSITIVE_INFINITY,
  ...more,
});
const [ONE, TWO] = [besideAt("2001:db8:a1:ff::/64"), besideAt("2001:db8:a2:ff::/64")];
const [ULID, AT_ONE, AT_TWO] = ["fc00:a:1:1::1", "2001:db8:a1:ff::1", "2001:db8:a2:ff::1"].map(address);
const ACCEPT: Dhcp6Option = { kind: "reconfigure-accept" };

/** Address, preferred and valid lifetime in seconds of everything in the IAs; then T1. */
function leased(message: Dhcp6Message | undefined): readonly (readonly [Address, number, number])[] {
  const options = dhcp6Options(message?.options ?? [], "ia-na").flatMap((ia) => dhcp6Options(ia.options, "ia-address"));
  return options.map(({ address: each, preferred, valid }) => [each, preferred, valid]);
}
const t1 = (message: Dhcp6Message | undefined) => dhcp6Options(message?.options ?? [], "ia-na")[0]?.t1;
const [HALF_DAY, DAY] = [12 * 3600, 24 * 3600];
const all = [
  [ULID, HALF_DAY, DAY],
  [AT_ONE, HALF_DAY, DAY],
  [AT_TWO, HALF_DAY, DAY],
];

test("one of each provider, with the ULID's interface identifier: offered, leased, renewed; the store knows the ULID", () => {
  const world = new Dhcp6World({ beside: [ONE, TWO] });
  assert.equal(leased(world.ask(SOLICIT, [clientId(1), iaNa(1)])), all);
  assert.equal(leased(world.ask(REQUEST, [clientId(1), serverId, iaNa(1, ULID, AT_ONE, AT_TWO)])), all);
  for (const type of [RENEW, REBIND]) {
    const from = type === RENEW ? [clientId(1), serverId] : [clientId(1)];
    assert.equal(leased(world.ask(type, [...from, iaNa(1, ULID, AT_ONE, AT_TWO)])), all);
  }
  assert.equal(leased(world.ask(RENEW, [clientId(1), serverId, iaNa(1, ULID)])), all, "one that came later");
  assert.equal([...world.disk.keys()], [ULID]);
  assert.ok(world.ask(CONFIRM, [clientId(1), iaNa(1, ULID, AT_TWO)]));
});

test("only hosts of the subnet; behind a relay those of its own", () => {
  const far = { ...besideAt("2001:db8:a1:100::/56"), lan: prefix("fc00:a:1:100::/56") };
  const world = new Dhcp6World({ beside: [ONE, far] });
  const link = address("fc00:a:1:142::1");
  const reply = world.askRelayed(REQUEST, [clientId(1), serverId, iaNa(1)], { link });
  assert.equal(
    leased(reply).map(([each]) => each),
    ["fc00:a:1:142::1", "2001:db8:a1:142::1"],
  );
  const [, beside] = leased(reply);
  assert.equal(leased(world.askRelayed(RENEW, [clientId(1), serverId, iaNa(1, beside[0])], { link }))[1]?.slice(0, 2), [
    beside[0],
    HALF_DAY,
  ]);
});

test("no longer than the prefix holds: T1 follows the shortest; what is deprecated counts for nothing", () => {
  const short = { ...ONE, until: WALL + HOUR };
  const world = new Dhcp6World({ beside: [short, { ...TWO, deprecated: true }] });
  const reply = world.ask(REQUEST, [clientId(1), serverId, iaNa(1)]);
  assert.equal(leased(reply), [
    [ULID, HALF_DAY, DAY],
    [AT_ONE, 3600, 3600],
    [AT_TWO, 0, DAY],
  ]);
  assert.is(t1(reply), 1800);
  world.pass(HOUR / 2);
  assert.equal(leased(world.ask(RENEW, [clientId(1), serverId, iaNa(1, ULID, AT_ONE)]))[1], [AT_ONE, 1800, 1800]);
  world.pass(HOUR / 2);
  assert.equal(leased(world.ask(RENEW, [clientId(1), serverId, iaNa(1, ULID, AT_ONE)])).at(-1), [AT_ONE, 0, 0], "it has ended");
});

test("drained: hosts are called, and deprecate it; renumbered: the old one ends, the new one comes; how long it holds calls nobody", () => {
  const world = new Dhcp6World({ beside: [ONE, TWO], reconfigure: true });
  world.ask(REQUEST, [clientId(1), serverId, iaNa(1), ACCEPT]);
  const called = () => world.pass(0).filter((effect) => effect.kind === "reply" && effect.type === RECONFIGURE).length;
  world.configure({ beside: [{ ...ONE, until: WALL + 9 * HOUR }, TWO] });
  assert.is(called(), 0);
  world.configure({ beside: [{ ...ONE, deprecated: true }, TWO] });
  assert.is(called(), 1);
  assert.equal(leased(world.ask(RENEW, [clientId(1), serverId, iaNa(1, ULID, AT_ONE, AT_TWO), ACCEPT]))[1], [AT_ONE, 0, DAY]);
  world.configure({ beside: [besideAt("2001:db8:c1:ff::/64"), TWO] });
  assert.is(called(), 1);
  assert.equal(leased(world.ask(RENEW, [clientId(1), serverId, iaNa(1, ULID, AT_ONE, AT_TWO), ACCEPT])), [
    [ULID, HALF_DAY, DAY],
    [address("2001:db8:c1:ff::1"), HALF_DAY, DAY],
    [AT_TWO, HALF_DAY, DAY],
    [AT_ONE, 0, 0],
  ]);
});

test("somebody else has it: the ULID goes too; giving it back alone changes nothing", () => {
  const world = new Dhcp6World({ beside: [ONE] });
  world.ask(REQUEST, [clientId(1), serverId, iaNa(1)]);
  world.ask(RELEASE, [clientId(1), serverId, iaNa(1, AT_ONE)]);
  assert.equal(
    [...world.disk.values()].map(({ state }) => state),
    ["bound"],
  );
  world.ask(DECLINE, [clientId(1), serverId, iaNa(1, AT_ONE)]);
  assert.equal(
    [...world.disk.values()].map(({ state }) => state),
    ["declined"],
  );
  assert.equal(
    leased(world.ask(REQUEST, [clientId(1), serverId, iaNa(1)])).map(([each]) => each),
    ["fc00:a:1:1::2", "2001:db8:a1:ff::2"],
  );
});

test("RFC 6724 rule 6: prefixes that a rule leads to from ULIDs have the ULIDs' label, and are no dearer than others", () => {
  const rows = ulidPolicy(prefix("fc00::/7"), [prefix("2a00:1::/32")]).map(({ prefix: each, precedence, label }) => [
    showPrefix(each),
    precedence,
    label,
  ]);
  assert.equal(rows.slice(-2), [
    ["fc00::/7", 45, 13],
    ["2a00:1::/32", 40, 13],
  ]);
});

test.run();
