/** `pshim6/wire` and `pshim6`: what they export, and the examples of docs/embedding.md. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as site from "../../../runtime/embed/site.ts";
import * as wire from "../../../runtime/embed/wire.ts";

const NAMES = [
  "CAPABILITIES_VERSION CONTEXT_TAG_LIMIT METHOD_CGA METHOD_HBA PACKET_IN_ERROR_LIMIT PAYLOAD_HEADER_LENGTH PREFERENCE_BROKEN PREFERENCE_TRANSIENT",
  "PROTOCOL_SHIM6 Refusal Reject SHIM6_PACKET_LIMIT WORST_PRIORITY address addressAt addressOctets checksum contextTag emitMessage emitPacket errorFor",
  "findOption insertPayloadHeader messageLength parseAddress parseControl parseIcmpError parseIpv6 parsePayload parseQuoted removePayloadHeader",
  "showMessage showTag translateIcmpError",
];

test("what is public stays", () => {
  assert.equal(Object.keys(wire).sort(), NAMES.join(" ").split(" "));
  assert.equal(Object.keys(site).sort(), ["checkSite", "decode", "routesOf", "showFaults"]);
});

test("a message out and in", () => {
  const [from, to] = [wire.address("2001:db8:a1::10"), wire.address("2001:db8:b3::10")];
  const packet = wire.emitPacket(from, to, {
    kind: "I1",
    initiatorTag: wire.contextTag(0x1234),
    initiatorNonce: 0xcafe,
    options: [{ kind: "ulid-pair", sender: wire.address("fc00:aaaa:1::10"), receiver: wire.address("fc00:bbbb:1::10") }],
  });
  const parsed = wire.parseControl(packet);
  if (parsed instanceof wire.Reject || parsed instanceof wire.Refusal) throw new Error("refused");
  assert.equal([parsed.source, parsed.destination, parsed.message.kind], [from, to, "I1"]);
  if (parsed.message.kind !== "I1") return;
  assert.is(wire.findOption(parsed.message.options, "ulid-pair")?.receiver, "fc00:bbbb:1::10");
});

test("what is wrong is a value", () => {
  const parsed = wire.parseControl(new Uint8Array(40));
  assert.instance(parsed, wire.Reject);
  const [from, to] = [wire.address("::1"), wire.address("::2")];
  const packet = wire.emitPacket(from, to, { kind: "Keepalive", receiverTag: wire.contextTag(1), options: [] });
  packet[42] = 0x77;
  packet.set([0, 0], 44);
  const sum = wire.checksum(packet.subarray(40));
  packet.set([sum >> 8, sum & 0xff], 44);
  const refused = wire.parseControl(packet);
  if (!(refused instanceof wire.Refusal)) throw new Error("taken");
  assert.equal(wire.errorFor(packet, refused.code, refused.pointer), { kind: "Error", code: 0, pointer: 42, packet });
});

test("settings are read, and routes planned", () => {
  const text =
    'site: x\nulid: { prefix: "fc00:aaaa:1::/48" }\nlan: { interface: lan0, subnets: ["fc00:aaaa:1::/64"] }\nproviders: [{ name: p, prefix: "2001:db8:a1::/48", interface: up0 }]\n';
  const reading = site.checkSite(text);
  if ("faults" in reading) throw new Error(site.showFaults(reading.faults, text, "site.yaml"));
  assert.is(reading.site.state, "/var/lib/pshim6/x");
  assert.match(site.routesOf(reading.site), /ip -6 rule add/);
  const wrong = site.checkSite(text.replace("up0", "up 0"));
  assert.ok("faults" in wrong && /site\.yaml:4:/.test(site.showFaults(wrong.faults, text, "site.yaml")));
  assert.equal(site.decode("# nothing"), undefined);
  assert.match(String(site.decode("zz")?.error), /hexadecimal/);
});

test.run();
