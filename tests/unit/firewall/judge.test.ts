/** What the filter does with the first packet of a flow, rule by rule, as the table for the kernel does. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type FilterFlow, judge } from "../../../runtime/firewall/judge.ts";
import type { Firewall, FirewallRule } from "../../../runtime/firewall/rule.ts";
import { address } from "../../../runtime/value/address.ts";
import { prefix } from "../../../runtime/value/prefix.ts";

const OWN = [prefix("fc00:aaaa:1::/48")];
const [H1, H2, PEER, ADMIN] = ["fc00:aaaa:1::1", "fc00:aaaa:1::2", "fc00:bbbb:1::1", "fc00:bbbb:9::1"].map(address);
const [TCP, UDP, ICMP6, ESP, AH] = [6, 17, 58, 50, 51];

const rule = (change: Partial<FirewallRule>): FirewallRule => ({
  name: "rule 1",
  direction: "in",
  from: undefined,
  to: undefined,
  protocols: undefined,
  ports: undefined,
  action: "accept",
  log: false,
  ...change,
});
const FILTER: Firewall = {
  simple: true,
  sets: new Map([["admins", [prefix("fc00:bbbb:9::/48")]]]),
  rules: [
    rule({ name: "web", to: [prefix("fc00:aaaa:1::1/128")], protocols: [TCP], ports: [{ first: 80, last: 80 }] }),
    rule({ name: "shell all", from: [{ set: "admins" }], ports: [{ first: 22, last: 22 }] }),
    rule({ name: "mail", direction: "out", protocols: [TCP], ports: [{ first: 25, last: 25 }], action: "drop" }),
    rule({ name: "none", from: [{ set: "unheard" }] }),
  ],
  in: "reject",
  out: "accept",
};
const inward = (change: Partial<FilterFlow>): FilterFlow => ({
  direction: "in",
  from: PEER,
  to: H1,
  protocol: undefined,
  port: undefined,
  ...change,
});
const outward = (change: Partial<FilterFlow>): FilterFlow => inward({ direction: "out", from: H1, to: PEER, ...change });

const said = (flow: FilterFlow, firewall: Firewall = FILTER) => {
  const { action, counter, place, perhaps } = judge(firewall, flow, OWN);
  return `${action} ${counter} ${place ?? "-"}${perhaps.length > 0 ? ` perhaps ${perhaps}` : ""}`;
};

const CASES: [name: string, flow: FilterFlow, expected: string][] = [
  ["a rule by prefix, protocol and port", inward({ protocol: TCP, port: 80 }), "accept rule-web 0"],
  ["another host", inward({ to: H2, protocol: TCP, port: 80 }), "reject default-inward -"],
  ["another protocol", inward({ protocol: UDP, port: 80 }), "reject default-inward -"],
  ["a set; spaces in a name", inward({ from: ADMIN, protocol: TCP, port: 22 }), "accept rule-shell-all 1"],
  ["a port without a protocol: any that has ports", inward({ from: ADMIN, protocol: 33, port: 22 }), "accept rule-shell-all 1"],
  ["a protocol without ports matches no port", inward({ from: ADMIN, protocol: ICMP6, port: 22 }), "reject default-inward -"],
  ["what is not said may matter", inward({}), "reject default-inward - perhaps 0"],
  ["the port alone does not decide", inward({ port: 80 }), "reject default-inward - perhaps 0"],
  ["the protocol alone does not either", inward({ protocol: TCP }), "reject default-inward - perhaps 0"],
  ["another port rules it out", inward({ port: 81 }), "reject default-inward -"],
  ["rules of the other direction are not asked", inward({ protocol: TCP, port: 25 }), "reject default-inward -"],
  ["what hosts begin", outward({ protocol: TCP, port: 443 }), "accept default-outward -"],
  ["but for what a rule stops", outward({ protocol: TCP, port: 25 }), "drop rule-mail 2"],
  ["simple security lets ESP, AH and IKE in", inward({ protocol: ESP }), "accept simple-inward -"],
  ["AH", inward({ protocol: AH }), "accept simple-inward -"],
  ["IKE", inward({ protocol: UDP, port: 4500 }), "accept simple-inward -"],
  ["spoofed from outside", inward({ from: H2 }), "drop spoofed-in -"],
  ["spoofed from inside", outward({ from: PEER }), "drop spoofed-out -"],
  ["multicast is nobody's source", inward({ from: address("ff02::1") }), "drop insane -"],
  ["organization scope stays inside", outward({ to: address("ff08::1") }), "drop insane -"],
  ["global scope does not", outward({ to: address("ff0e::1"), protocol: UDP, port: 1 }), "accept default-outward -"],
  ["mapped addresses mean nothing", inward({ from: address("::ffff:1.2.3.4") }), "drop insane -"],
];
for (const [name, flow, expected] of CASES) test(name, () => assert.is(said(flow), expected));

test("without simple security: nothing is let in beside the rules, nothing is insane", () => {
  const plain = { ...FILTER, simple: false, in: "accept" } as const;
  assert.is(said(inward({ protocol: ESP }), plain), "accept default-inward -");
  assert.is(said(inward({ from: address("ff02::1"), protocol: UDP, port: 9 }), plain), "accept default-inward -");
});

test.run();
