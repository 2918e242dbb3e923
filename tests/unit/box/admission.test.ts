/** Who may begin a context: refused before anything is kept, and not when our own host began (draft §4.5). */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { isAdmitted } from "../../../runtime/box/admission.ts";
import type { AdmissionRule } from "../../../runtime/config/site.ts";
import { address } from "../../../runtime/value/address.ts";
import { prefix } from "../../../runtime/value/prefix.ts";
import { ALPHA, BETA, BoxNet, type SiteBox } from "../../lib/boxpair.ts";

const rule = (change: Partial<AdmissionRule>): AdmissionRule => ({
  peers: undefined,
  hosts: undefined,
  locators: undefined,
  admitted: false,
  ...change,
});

test("the first that matches decides; without one everybody is admitted", () => {
  const pair = { local: address("fc00:aaaa:1::1"), peer: address("fc00:bbbb:1::1"), fork: 0 };
  const source = address("2001:db8:b3::1");
  const admits = (...rules: AdmissionRule[]) => isAdmitted(rules, pair, source);
  assert.ok(admits());
  assert.not(admits(rule({})));
  assert.ok(admits(rule({ peers: [prefix("fc00:bbbb::/32")], admitted: true }), rule({})));
  assert.not(admits(rule({ hosts: [prefix("fc00:aaaa:1::1/128")] })));
  assert.ok(admits(rule({ hosts: [prefix("fc00:aaaa:2::/64")] })));
  assert.not(admits(rule({ locators: [prefix("2001:db8:b3::/48")] })));
  assert.ok(admits(rule({ peers: [prefix("fc00:bbbb::/32")], locators: [prefix("2001:db8:b4::/48")] })));
});

async function world(): Promise<{ net: BoxNet; a: SiteBox; b: SiteBox }> {
  const net = new BoxNet();
  const a = await net.add(ALPHA);
  const change = { admission: [rule({ peers: [prefix("fc00:aaaa::/32")] })] };
  const b = await net.add({ ...BETA, change }, [{ ulid: a.ulid, locators: a.locators }]);
  a.box.parts.bindings.setStatic([{ ulid: b.ulid, locators: b.locators }]);
  return { net, a, b };
}

test("a peer that is not admitted gets no answer and leaves no trace", async () => {
  const { net, a, b } = await world();
  net.host(a, b.ulid);
  net.run(net.now + 2_000);
  assert.ok(b.count("drop-admission-i1") > 0);
  assert.is(b.sent.length, 0);
  assert.equal([...b.box.parts.shim6.contexts()], []);
});

test("what our own host begins goes on, whoever the peer is", async () => {
  const { net, a, b } = await world();
  net.host(b, a.ulid);
  net.run(net.now + 2_000);
  assert.is(a.delivered.length, 1);
  net.host(a, b.ulid);
  net.run(net.now + 2_000);
  assert.is(b.delivered.length, 1);
});

test.run();
