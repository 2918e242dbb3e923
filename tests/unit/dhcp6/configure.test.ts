/** What clients are told beside addresses: RFC 8415 §21.7, RFC 3646, RFC 5908, RFC 4704, RFC 7078. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ulidPolicy } from "../../../runtime/dhcp6/configure.ts";
import { freeLabel, wishedLabel } from "../../../runtime/dhcp6/name.ts";
import { address } from "../../../runtime/value/address.ts";
import { prefix, showPrefix } from "../../../runtime/value/prefix.ts";
import type { ClientFqdn, Dhcp6Message, Dhcp6Option } from "../../../runtime/wire/dhcp6.ts";
import { CONFIRM, DECLINE, INFORMATION_REQUEST, REBIND, RELEASE, RENEW, REQUEST, SOLICIT } from "../../../runtime/wire/dhcp6-number.ts";
import { dhcp6Option, dhcp6OptionCode } from "../../../runtime/wire/dhcp6-option.ts";
import { dnsName } from "../../../runtime/wire/dns-name.ts";
import { clientId, Dhcp6World, iaNa, serverId, told } from "../../lib/dhcp6.ts";

const FIRST = address("fc00:a:1:1::1");
const ALL = Array.from({ length: 144 }, (_, code) => code);
const oro = (...codes: number[]): Dhcp6Option => ({ kind: "option-request", codes });
const ZONE = dnsName("alpha.example");
const POLICY = ulidPolicy(prefix("fc00::/7"));

/** Codes of what is in an answer beside identifiers, IAs and a status. */
function extras(message: Dhcp6Message | undefined): number[] {
  return (message?.options ?? []).map(dhcp6OptionCode).filter((code) => ![1, 2, 3, 4, 13, 14, 25].includes(code));
}

function fqdn(name: string, flags: Partial<ClientFqdn> = {}): Dhcp6Option {
  return { kind: "client-fqdn", s: true, o: false, n: false, name: dnsName(name), whole: false, ...flags };
}

test("§21.7 only what is asked for, in each message that configures; nothing in the others", () => {
  const world = new Dhcp6World({ search: [ZONE], policy: POLICY });
  const plain = [23, 24, 31, 56, 82, 83, 84];
  assert.equal(extras(world.ask(SOLICIT, [clientId(1), iaNa(1)])), []);
  assert.equal(extras(world.ask(SOLICIT, [clientId(1), iaNa(1), oro(24, 999, 23)])), [23, 24]);
  assert.equal(extras(world.ask(SOLICIT, [clientId(1), iaNa(1), oro(...ALL)])), plain);
  assert.equal(extras(world.ask(REQUEST, [clientId(1), serverId, iaNa(1), oro(...ALL)])), plain);
  assert.equal(extras(world.ask(RENEW, [clientId(1), serverId, iaNa(1, FIRST), oro(...ALL)])), plain);
  assert.equal(extras(world.ask(REBIND, [clientId(1), iaNa(1, FIRST), oro(...ALL)])), plain);
  assert.equal(extras(world.ask(INFORMATION_REQUEST, [oro(...ALL)])), [23, 24, 31, 32, 56, 82, 83, 84]);
  assert.equal(extras(world.ask(CONFIRM, [clientId(1), iaNa(1, FIRST), oro(...ALL)])), []);
  assert.equal(extras(world.ask(RELEASE, [clientId(1), serverId, iaNa(1, FIRST), oro(...ALL)])), []);
  assert.equal(extras(world.ask(DECLINE, [clientId(1), serverId, iaNa(1, FIRST), oro(...ALL)])), []);
});

test("lists that are empty are not sent", () => {
  const world = new Dhcp6World({ dns: [], ntp: [], search: [] });
  assert.equal(extras(world.ask(SOLICIT, [clientId(1), iaNa(1), oro(...ALL)])), [82, 83]);
});

test("DNS servers in the settings' order: this box first, the backup second", () => {
  const world = new Dhcp6World();
  const answer = world.ask(INFORMATION_REQUEST, [oro(23, 56)]);
  assert.equal(dhcp6Option(answer?.options ?? [], "dns-servers")?.addresses, ["fc00:a:1:1::1", "fc00:a:1:1::2"]);
  assert.equal(dhcp6Option(answer?.options ?? [], "ntp-servers"), {
    kind: "ntp-servers",
    addresses: [address("fc00:a:1:1::3")],
    others: [],
  });
});

test("§21.23 the refresh time is T1, at least IRT_MINIMUM; §21.24, §21.25 retransmission times are within 60 … 86,400", () => {
  const refresh = (preferred: number) => {
    const answer = new Dhcp6World({ preferred }).ask(INFORMATION_REQUEST, [oro(32, 82, 83)]);
    const options = answer?.options ?? [];
    for (const kind of ["sol-max-rt", "inf-max-rt"] as const) assert.is(dhcp6Option(options, kind)?.seconds, 3600);
    return dhcp6Option(options, "refresh-time")?.seconds;
  };
  assert.is(refresh(43_200_000), 21_600);
  assert.is(refresh(60_000), 600);
  assert.is(refresh(1e12), 86_400);
});

test("RFC 7078 the policy: the default table of RFC 6724 with identifiers above IPv4, asked for as 84 or 85", () => {
  const world = new Dhcp6World({ policy: POLICY });
  for (const code of [84, 85]) {
    const option = dhcp6Option(world.ask(INFORMATION_REQUEST, [oro(code)])?.options ?? [], "address-selection");
    assert.ok(option?.automatic && option.privacy);
    const rows = option.rows.map(({ prefix, precedence, label }) => `${showPrefix(prefix)} ${precedence} ${label}`);
    assert.equal(rows, [
      "::1/128 50 0",
      "::/0 40 1",
      "::ffff:0:0/96 35 4",
      "2002::/16 30 2",
      "2001::/32 5 5",
      "::/96 1 3",
      "fec0::/10 1 11",
      "3ffe::/16 1 12",
      "fc00::/7 45 13",
    ]);
  }
});

test("RFC 7078 identifiers out of another block: that one is raised, other unique local addresses stay where they were", () => {
  const rows = ulidPolicy(prefix("2001:db8:a::/48")).map(({ prefix, precedence, label }) => `${showPrefix(prefix)} ${precedence} ${label}`);
  assert.equal(rows.slice(-2), ["fc00::/7 3 13", "2001:db8:a::/48 45 14"]);
  assert.is(ulidPolicy(prefix("fc00::/8")).at(-1)?.label, 14);
});

test("RFC 4704 §6 the option is answered when it was sent and asked for; S where the zone has the name", () => {
  const world = new Dhcp6World({ zone: ZONE });
  const answer = (n: number, option: Dhcp6Option, asked = true) => {
    const message = world.ask(REQUEST, [clientId(n), serverId, iaNa(1), option, ...(asked ? [oro(39)] : [])]);
    const said = dhcp6Option(message?.options ?? [], "client-fqdn");
    return said && [said.name, said.whole, said.s, said.o, said.n];
  };
  assert.equal(answer(1, fqdn("Laptop")), ["laptop.alpha.example", true, true, false, false]);
  assert.equal(answer(2, fqdn("tv", { s: false })), ["tv.alpha.example", true, true, true, false]);
  assert.equal(answer(3, fqdn("radio.other.example", { whole: true })), ["radio.alpha.example", true, true, false, false]);
  assert.equal(answer(4, fqdn("quiet", { s: false, n: true })), ["quiet", false, false, false, true]);
  assert.equal(answer(5, fqdn("")), ["", false, false, true, true]);
  assert.is(answer(6, fqdn("silent"), false), undefined);
  assert.is(dhcp6Option(world.ask(REQUEST, [clientId(7), serverId, iaNa(1), oro(39)])?.options ?? [], "client-fqdn"), undefined);
  const names = world.server.rows(world.now, world.wall).map(({ name }) => name);
  assert.equal(names, ["laptop", "tv", "radio", undefined, undefined, "silent", undefined]);
});

test("RFC 4704 without a zone the server updates nothing and says so", () => {
  const message = new Dhcp6World().ask(SOLICIT, [clientId(1), iaNa(1), fqdn("laptop"), oro(39)]);
  assert.equal(dhcp6Option(message?.options ?? [], "client-fqdn"), fqdn("laptop", { s: false, o: true, n: true }));
});

test("names: one label of letters, digits and hyphens, or none", () => {
  const label = (name: string) => wishedLabel(fqdn(name) as ClientFqdn);
  assert.is(label("ABC-1.x"), "abc-1");
  for (const bad of ["-a", "a-", "a_b", "a\\.b", "\\228", "a b"]) assert.is(label(bad), undefined, bad);
  assert.is(label("a".repeat(63)), "a".repeat(63));
  assert.is(wishedLabel(undefined), undefined);
});

test("a name that is taken gets a number behind it, and keeps it; the operator's names are nobody's", () => {
  const mine = { name: "printer", duid: undefined, mac: "02:00:00:00:00:09", relay: undefined, ulid: undefined };
  const world = new Dhcp6World({ zone: ZONE, reservations: [mine], names: new Set(["ns", "server"]) });
  const name = (n: number, wish: string) => {
    const [ulid] = told(world.ask(REQUEST, [clientId(n), serverId, iaNa(1), fqdn(wish)])).living;
    return world.server.rows(world.now, world.wall).find((row) => row.ulid === ulid)?.name;
  };
  assert.is(name(1, "host"), "host");
  assert.is(name(2, "host"), "host-2");
  assert.is(name(3, "HOST"), "host-3");
  assert.is(name(1, "other"), "other");
  assert.is(name(3, "host"), "host-3", "a name that others know stays");
  assert.is(name(4, "printer"), "printer-2");
  assert.is(name(5, "ns"), "ns-2");
  assert.is(name(9, "whatever"), "printer");
  assert.is(name(6, "host"), "host");
  world.pass(25 * 3_600_000);
  assert.is(name(7, "host-2"), "host-2", "names of leases that ended are free");
  assert.is(
    freeLabel("x".repeat(63), (label) => label.endsWith("-2")),
    `${"x".repeat(61)}-2`,
  );
  assert.is(
    freeLabel("x", () => false),
    undefined,
  );
});

test("a name that becomes the operator's is taken from the host that has it, and heard of", () => {
  const world = new Dhcp6World({ zone: ZONE });
  world.ask(REQUEST, [clientId(1), serverId, iaNa(1), fqdn("nas")]);
  const heard = world.configure({ names: new Set(["nas"]) }).flatMap((effect) => (effect.kind === "lease" ? [effect.name] : []));
  assert.equal(heard, ["nas-2"]);
  assert.is(world.disk.get(FIRST)?.name, "nas-2");
});

test("a Renew without the option leaves the name, one with another changes it", () => {
  const world = new Dhcp6World({ zone: ZONE });
  world.ask(REQUEST, [clientId(1), serverId, iaNa(1), fqdn("nas")]);
  world.ask(RENEW, [clientId(1), serverId, iaNa(1, FIRST)]);
  assert.is(world.disk.get(FIRST)?.name, "nas");
  world.ask(RENEW, [clientId(1), serverId, iaNa(1, FIRST), fqdn("tape")]);
  assert.is(world.disk.get(FIRST)?.name, "tape");
  world.ask(RENEW, [clientId(1), serverId, iaNa(1, FIRST), fqdn("tape", { s: false, n: true })]);
  assert.is(world.disk.get(FIRST)?.name, undefined);
});

test.run();
