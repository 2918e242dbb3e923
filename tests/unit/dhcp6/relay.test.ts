/** Relays: RFC 8415 §13.1, §19; RFC 6221, RFC 6939, RFC 4994, RFC 8357. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { unwrap, wrap } from "../../../runtime/dhcp6/relay.ts";
import { type Address, address, UNSPECIFIED } from "../../../runtime/value/address.ts";
import { hex } from "../../../runtime/value/bytes.ts";
import { Reject } from "../../../runtime/value/reject.ts";
import type { Dhcp6Option } from "../../../runtime/wire/dhcp6.ts";
import { emitDhcp6 } from "../../../runtime/wire/dhcp6-message.ts";
import { RELAY_FORW, RELAY_REPL, RENEW, REQUEST, SOLICIT } from "../../../runtime/wire/dhcp6-number.ts";
import { dhcp6Option } from "../../../runtime/wire/dhcp6-option.ts";
import { clientId, Dhcp6World, HOST, iaNa, octets, read, serverId, told } from "../../lib/dhcp6.ts";

const BEHIND = address("fc00:a:1:105::1");
const RELAY = address("fc00:a:1:1::99");
const port = (text: string): Dhcp6Option => ({ kind: "interface-id", octets: new TextEncoder().encode(text) });
const solicit = emitDhcp6({ kind: "message", type: SOLICIT, transaction: 9, options: [clientId(1), iaNa(1)] });

/** `inner` in one more Relay-forward. */
function forward(
  inner: Uint8Array,
  hops: number,
  link: Address = UNSPECIFIED,
  peer: Address = RELAY,
  extra: Dhcp6Option[] = [],
): Uint8Array {
  return emitDhcp6({ kind: "relay", type: RELAY_FORW, hops, link, peer, options: [...extra, { kind: "relay-message", octets: inner }] });
}

/** Layers of a Relay-reply, the outermost first, and the message in it. */
function peel(wire: Uint8Array): { layers: [number, Address, Address, string[]][]; inner: ReturnType<typeof read> } {
  const layers: [number, Address, Address, string[]][] = [];
  let packet = read(wire);
  while (packet.kind === "relay") {
    assert.is(packet.type, RELAY_REPL);
    const { hops, link, peer, options } = packet;
    layers.push([hops, link, peer, options.map((option) => (option.kind === "raw" ? `${option.code}` : option.kind))]);
    packet = read(dhcp6Option(options, "relay-message")?.octets ?? new Uint8Array());
  }
  return { layers, inner: packet };
}

test("§19.3 two relays: each layer comes back with its hop count, addresses and Interface-Id, in reverse order, to the outer relay's port 547", () => {
  const world = new Dhcp6World();
  const wire = forward(forward(solicit, 0, BEHIND, HOST, [port("eth1")]), 1, UNSPECIFIED, BEHIND, [port("eth2")]);
  const reply = world.raw(wire, { from: RELAY, port: 547, to: address("fc00:a:1:1::1") }).find(({ kind }) => kind === "reply");
  if (reply?.kind !== "reply") return assert.unreachable();
  assert.equal([reply.to, reply.port, reply.from], [RELAY, 547, address("fc00:a:1:1::1")]);
  const { layers, inner } = peel(reply.octets);
  assert.equal(layers, [
    [1, UNSPECIFIED, BEHIND, ["interface-id", "relay-message"]],
    [0, BEHIND, HOST, ["interface-id", "relay-message"]],
  ]);
  assert.is(inner.kind === "message" ? inner.transaction : 0, 9);
});

test("§13.1 the innermost link-address that says something is the link; §19.1.2 hop counts go up to 8", () => {
  const world = new Dhcp6World();
  let wire = forward(solicit, 0, BEHIND, HOST);
  for (let hops = 1; hops <= 8; hops++) wire = forward(wire, hops, hops === 4 ? address("fc00:a:1:1::1") : UNSPECIFIED);
  const reply = world.raw(wire, { from: RELAY }).find(({ kind }) => kind === "reply");
  if (reply?.kind !== "reply") return assert.unreachable();
  const { layers, inner } = peel(reply.octets);
  assert.is(layers.length, 9);
  assert.ok(told(inner.kind === "message" ? inner : undefined).living[0].startsWith("fc00:a:1:105:"));
});

test("§19.1.2 more relays than that, hop counts above, Relay-replies, nothing relayed: dropped and counted", () => {
  const world = new Dhcp6World();
  let wire: Uint8Array = solicit;
  for (let i = 0; i < 10; i++) wire = forward(wire, 0);
  world.raw(wire);
  world.raw(forward(solicit, 9));
  world.raw(emitDhcp6({ kind: "relay", type: RELAY_REPL, hops: 0, link: BEHIND, peer: HOST, options: [] }));
  world.raw(forward(emitDhcp6({ kind: "relay", type: RELAY_REPL, hops: 0, link: BEHIND, peer: HOST, options: [] }), 1));
  world.raw(emitDhcp6({ kind: "relay", type: RELAY_FORW, hops: 0, link: BEHIND, peer: HOST, options: [] }));
  world.raw(forward(octets("00"), 0));
  assert.equal(
    [...world.counts],
    [
      ["drop-hops-dhcp6", 2],
      ["drop-type-dhcp6", 2],
      ["drop-no-relay-message-dhcp6", 1],
      ["drop-short-dhcp6", 1],
    ],
  );
});

test("RFC 6221 relays without a link-address: the link is the outermost relay's", () => {
  const world = new Dhcp6World();
  const answered = (from: Address) => {
    const reply = world.raw(forward(solicit, 0, UNSPECIFIED, HOST), { from }).find(({ kind }) => kind === "reply");
    const { inner } = peel(reply?.kind === "reply" ? reply.octets : new Uint8Array());
    return told(inner.kind === "message" ? inner : undefined);
  };
  assert.ok(answered(address("fe80::77")).living[0].startsWith("fc00:a:1:1:"));
  assert.ok(answered(address("fc00:a:1:107::1")).living[0].startsWith("fc00:a:1:107:"));
  assert.equal(answered(address("2001:db8::1")).living, []);
});

test("§13.1 a link that the settings do not tell of: NoAddrsAvail, and no binding is made", () => {
  const world = new Dhcp6World();
  const link = address("2001:db8::1");
  assert.equal(told(world.askRelayed(SOLICIT, [clientId(1), iaNa(1)], { link })).status, [2]);
  assert.equal(told(world.askRelayed(REQUEST, [clientId(1), serverId, iaNa(1)], { link })).status, [2]);
  assert.equal(told(world.askRelayed(REQUEST, [clientId(1), serverId, iaNa(1)], { link: address("ff02::1") })).status, [2]);
  assert.is(world.disk.size, 0);
});

test("a lease on one link and one on another: each has its own, both stay", () => {
  const world = new Dhcp6World();
  const [here] = told(world.ask(REQUEST, [clientId(1), serverId, iaNa(1)])).living;
  const [there] = told(world.askRelayed(REQUEST, [clientId(1), serverId, iaNa(1)], { link: BEHIND })).living;
  assert.ok(there.startsWith("fc00:a:1:105:"));
  assert.equal(told(world.ask(REQUEST, [clientId(1), serverId, iaNa(1)])).living, [here]);
  assert.equal(told(world.askRelayed(RENEW, [clientId(1), serverId, iaNa(1, there)], { link: BEHIND })).living, [there]);
  assert.equal(told(world.askRelayed(REQUEST, [clientId(2), serverId, iaNa(1, here)], { link: BEHIND })).status, [4]);
});

test("RFC 4994 options that a relay wants back come back, known or not; others, and the relay's Remote-Id without that, do not", () => {
  const remote: Dhcp6Option = { kind: "remote-id", enterprise: 9, octets: octets("01") };
  const strange: Dhcp6Option = { kind: "raw", code: 4000, octets: octets("02") };
  const echo: Dhcp6Option = { kind: "echo-request", codes: [37, 4000, 9, 43, 5] };
  const returned = (options: Dhcp6Option[]) => {
    const unwrapped = unwrap(forward(solicit, 0, BEHIND, HOST, options));
    return unwrapped instanceof Reject ? [] : peel(wrap(solicit, unwrapped.layers)).layers[0][3];
  };
  assert.equal(returned([remote, strange, echo]), ["remote-id", "4000", "relay-message"]);
  assert.equal(returned([remote, strange]), ["relay-message"]);
});

test("RFC 8357 a relay with a port of its own is answered there and gets its option back", () => {
  const world = new Dhcp6World();
  const wire = forward(solicit, 0, BEHIND, HOST, [{ kind: "relay-port", port: 0 }]);
  const reply = world.raw(wire, { from: RELAY, port: 1547 }).find(({ kind }) => kind === "reply");
  if (reply?.kind !== "reply") return assert.unreachable();
  assert.is(reply.port, 1547);
  assert.equal(peel(reply.octets).layers[0][3], ["relay-port", "relay-message"]);
});

test("messages through relays need no multicast (§18.4 is about clients)", () => {
  const world = new Dhcp6World();
  const request = emitDhcp6({ kind: "message", type: REQUEST, transaction: 1, options: [clientId(1), serverId, iaNa(1)] });
  const effects = [...world.raw(forward(request, 0, BEHIND, HOST), { from: RELAY, to: address("fc00:a:1:1::1") }), ...world.settle()];
  assert.is(effects.filter(({ kind }) => kind === "reply").length, 1);
  assert.is(world.disk.size, 1);
});

test("wrapping and unwrapping are inverse", () => {
  const wire = forward(forward(solicit, 0, BEHIND, HOST, [port("a")]), 1, UNSPECIFIED, BEHIND);
  const unwrapped = unwrap(wire);
  if (unwrapped instanceof Reject) return assert.unreachable();
  assert.is(hex(wrap(solicit, unwrapped.layers)).replaceAll(/^0d01/g, "0c01").length, hex(wire).length);
  assert.is(hex(wrap(solicit, [])), hex(solicit));
});

test.run();
