/** Reservations by DUID, link-layer address and relay port, and how a link-layer address is learnt. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { eui64Mac } from "../../../runtime/dhcp6/client.ts";
import type { Dhcp6Reservation } from "../../../runtime/dhcp6/contract.ts";
import { type Address, address } from "../../../runtime/value/address.ts";
import { hex } from "../../../runtime/value/bytes.ts";
import type { Dhcp6Option } from "../../../runtime/wire/dhcp6.ts";
import { DECLINE, RELEASE, RENEW, REQUEST, SOLICIT } from "../../../runtime/wire/dhcp6-number.ts";
import { dnsName } from "../../../runtime/wire/dns-name.ts";
import { clientId, Dhcp6World, duid, HOUR, iaNa, mac, octets, serverId, told } from "../../lib/dhcp6.ts";

const FIXED = address("fc00:a:1:1::f1ed");
const BEHIND = address("fc00:a:1:105::1");

function reservation(name: string, keys: Partial<Dhcp6Reservation>): Dhcp6Reservation {
  return { name, duid: undefined, mac: undefined, relay: undefined, ulid: undefined, ...keys };
}

const uuid = (n: number): Dhcp6Option => ({ kind: "client-id", duid: octets(`0004 ${n.toString(16).padStart(32, "0")}`) });
const linkLayer = (n: number): Dhcp6Option => ({ kind: "client-link-layer", type: 1, octets: duid(n).subarray(4) });
const port = (text: string): Dhcp6Option => ({ kind: "interface-id", octets: new TextEncoder().encode(text) });

function world(...reservations: Dhcp6Reservation[]): Dhcp6World {
  return new Dhcp6World({ reservations });
}

/** The one lease's name, reason and link-layer address. */
function row(world: Dhcp6World, ulid?: Address): [string | undefined, string, string | undefined] {
  const rows = world.server.rows(world.now, world.wall).filter((row) => ulid === undefined || row.ulid === ulid);
  assert.is(rows.length, 1);
  return [rows[0].name, rows[0].matched, rows[0].mac];
}

test("by DUID, with its own address; others do not get it", () => {
  const w = world(reservation("printer", { duid: hex(duid(1)), ulid: FIXED }));
  assert.is.not(told(w.ask(REQUEST, [clientId(2), serverId, iaNa(1, FIXED)])).living[0], FIXED);
  assert.equal(told(w.ask(SOLICIT, [clientId(1), iaNa(1)])).living, [FIXED]);
  assert.equal(told(w.ask(REQUEST, [clientId(1), serverId, iaNa(1)])).living, [FIXED]);
  assert.equal(row(w, FIXED), ["printer", "reservation duid", mac(1)]);
});

test("by link-layer address as the relay saw it (RFC 6939), before the one in the DUID, before that of the link-local address", () => {
  const told79 = world(reservation("a", { mac: mac(9) }));
  told79.askRelayed(REQUEST, [clientId(1), serverId, iaNa(1)], { link: BEHIND, extra: [linkLayer(9)] });
  assert.equal(row(told79), ["a", "reservation mac (relay)", mac(9)]);

  const byDuid = world(reservation("a", { mac: mac(1) }));
  byDuid.ask(REQUEST, [clientId(1), serverId, iaNa(1)], { from: address("fe80::ff:fe00:9") });
  assert.equal(row(byDuid), ["a", "reservation mac (duid)", mac(1)]);

  const byAddress = world(reservation("a", { mac: mac(9) }));
  byAddress.ask(REQUEST, [uuid(1), serverId, iaNa(1)], { from: address("fe80::ff:fe00:9") });
  assert.equal(row(byAddress), ["a", "reservation mac (address)", mac(9)]);

  const peer = world(reservation("a", { mac: mac(9) }));
  peer.askRelayed(REQUEST, [uuid(1), serverId, iaNa(1)], { link: BEHIND, peer: address("fe80::ff:fe00:9") });
  assert.equal(row(peer), ["a", "reservation mac (address)", mac(9)]);
});

test("option 79 counts only from the relay next to the client, for Ethernet, and with six octets", () => {
  const inMessage = world(reservation("a", { mac: mac(9) }));
  inMessage.ask(REQUEST, [uuid(1), serverId, iaNa(1), { kind: "raw", code: 79, octets: octets("0001020000000009") }]);
  assert.is(row(inMessage)[1], "pool");
  for (const odd of [
    { ...linkLayer(9), type: 32 },
    { kind: "client-link-layer", type: 1, octets: octets("0200000009") },
  ] as Dhcp6Option[]) {
    const w = world(reservation("a", { mac: mac(9) }));
    w.askRelayed(REQUEST, [uuid(1), serverId, iaNa(1)], { link: BEHIND, extra: [odd] });
    assert.is(row(w)[1], "pool");
  }
});

test("EUI-64 link-local addresses tell a link-layer address, others do not", () => {
  assert.is(eui64Mac(address("fe80::11:22ff:fe33:4455")), "02:11:22:33:44:55");
  assert.is(eui64Mac(address("fe80::1234:5678:9abc:def0")), undefined);
  assert.is(eui64Mac(address("fc00::ff:fe00:9")), undefined);
});

test("by relay port: text or hex, on any relay on the way", () => {
  for (const relay of ["ge-0/0/7", "0x67652d302f302f37"]) {
    const w = world(reservation("camera", { relay }));
    w.askRelayed(REQUEST, [clientId(1), serverId, iaNa(1)], { link: BEHIND, extra: [port("ge-0/0/7")] });
    assert.equal(row(w), ["camera", "reservation relay", mac(1)]);
  }
  const other = world(reservation("camera", { relay: "ge-0/0/7" }));
  other.askRelayed(REQUEST, [clientId(1), serverId, iaNa(1)], { link: BEHIND, extra: [port("ge-0/0/8")] });
  assert.equal(row(other), [undefined, "pool", mac(1)]);
});

test("all keys that are there must match; of several that do, the one with most", () => {
  const list = [
    reservation("any", { relay: "p1" }),
    reservation("both", { relay: "p1", mac: mac(1) }),
    reservation("neither", { relay: "p1", mac: mac(2), duid: hex(duid(1)) }),
  ];
  const w = world(...list);
  w.askRelayed(REQUEST, [clientId(1), serverId, iaNa(1)], { link: BEHIND, extra: [port("p1")] });
  assert.equal(row(w), ["both", "reservation mac (duid), relay", mac(1)]);
});

test("without an address of its own: one is made with the first lease and kept, also for another DUID of the same host", () => {
  const w = world(reservation("laptop", { mac: mac(5) }));
  const from = address("fe80::ff:fe00:5");
  const [first] = told(w.ask(REQUEST, [uuid(1), serverId, iaNa(1)], { from })).living;
  assert.equal(told(w.ask(REQUEST, [clientId(5), serverId, iaNa(77)])).living, [first], "firmware, then its system");
  w.pass(30 * HOUR);
  w.restart();
  assert.equal(told(w.ask(REQUEST, [uuid(2), serverId, iaNa(3)], { from })).living, [first]);
  assert.is(w.disk.size, 1);
});

test("behind one reserved port, a second living client does not take the first one's address; it may when that has gone", () => {
  const w = world(reservation("desk", { relay: "p1" }));
  const via = { link: BEHIND, extra: [port("p1")] };
  const [first] = told(w.askRelayed(REQUEST, [clientId(1), serverId, iaNa(1)], via)).living;
  const [second] = told(w.askRelayed(REQUEST, [clientId(2), serverId, iaNa(1)], via)).living;
  assert.is.not(first, second);
  assert.equal(row(w, second), [undefined, "pool", mac(2)]);
  w.askRelayed(RELEASE, [clientId(1), serverId, iaNa(1, first)], via);
  assert.equal(told(w.askRelayed(REQUEST, [clientId(3), serverId, iaNa(1)], via)).living, [first]);
  assert.equal(row(w, first), ["desk", "reservation relay", mac(3)]);
});

test("two interfaces of a host with a reservation: the first IA has its address, the second one another", () => {
  const w = world(reservation("server", { duid: hex(duid(1)), ulid: FIXED }));
  const [a, b] = told(w.ask(REQUEST, [clientId(1), serverId, iaNa(1), iaNa(2)])).living;
  assert.is(a, FIXED);
  assert.is.not(b, FIXED);
  assert.equal(told(w.ask(RENEW, [clientId(1), serverId, iaNa(1, a), iaNa(2, b)])).living, [a, b]);
  const [c] = told(w.ask(REQUEST, [clientId(1), serverId, iaNa(3)])).living;
  assert.not([a, b].includes(c));
});

test("a reservation that comes later: with the next Renew the old address ends and the reserved one lives", () => {
  const w = new Dhcp6World();
  const [old] = told(w.ask(REQUEST, [clientId(1), serverId, iaNa(1)])).living;
  w.configure({ reservations: [reservation("printer", { duid: hex(duid(1)), ulid: FIXED })] });
  assert.equal(told(w.ask(RENEW, [clientId(1), serverId, iaNa(1, old)])), { living: [FIXED], ended: [old], status: [], top: undefined });
  assert.is(w.disk.get(old)?.state, "released");
  w.configure({ reservations: [reservation("printer", { duid: hex(duid(1)) })] });
  assert.equal(told(w.ask(RENEW, [clientId(1), serverId, iaNa(1, FIXED)])).living, [FIXED], "kept when its address is no longer named");
});

test("who follows the leases hears whether a name is the operator's or the host's own word, also when only that changes", () => {
  const w = new Dhcp6World();
  const fqdn: Dhcp6Option = { kind: "client-fqdn", s: true, o: false, n: false, name: dnsName("tv"), whole: false };
  w.ask(REQUEST, [clientId(1), serverId, iaNa(1), fqdn]);
  w.configure({ reservations: [reservation("tv", { duid: hex(duid(2)) })] });
  w.configure({ reservations: [reservation("tv-2", { duid: hex(duid(1)) })] });
  w.ask(REQUEST, [clientId(1), serverId, iaNa(1), fqdn]);
  const heard = w.seen.flatMap((effect) => (effect.kind === "lease" ? [[effect.name, effect.reserved]] : []));
  assert.equal(heard, [
    ["tv", false],
    ["tv-2", false],
    ["tv-2-2", false],
    ["tv-2", true],
  ]);
});

test("a reserved address that was declined is tried again after a valid lifetime", () => {
  const w = world(reservation("printer", { duid: hex(duid(1)), ulid: FIXED }));
  w.ask(REQUEST, [clientId(1), serverId, iaNa(1)]);
  w.ask(DECLINE, [clientId(1), serverId, iaNa(1, FIXED)]);
  const [meanwhile] = told(w.ask(REQUEST, [clientId(1), serverId, iaNa(1)])).living;
  assert.is.not(meanwhile, FIXED);
  w.pass(25 * HOUR);
  assert.equal(told(w.ask(REQUEST, [clientId(1), serverId, iaNa(1)])).living, [FIXED]);
});

test("a reserved address that is not on the client's link is not given there", () => {
  const w = world(reservation("printer", { duid: hex(duid(1)), ulid: FIXED }));
  const [given] = told(w.askRelayed(REQUEST, [clientId(1), serverId, iaNa(1)], { link: BEHIND })).living;
  assert.ok(given.startsWith("fc00:a:1:105:"));
  assert.is(row(w)[1], "pool");
});

test.run();
