/** DHCPv6 messages and options: golden octets, what is refused, any octets. */
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { address } from "../../../runtime/value/address.ts";
import { hex } from "../../../runtime/value/bytes.ts";
import { prefix } from "../../../runtime/value/prefix.ts";
import { Reject } from "../../../runtime/value/reject.ts";
import type { Dhcp6Option, Dhcp6Packet } from "../../../runtime/wire/dhcp6.ts";
import { rkapOption } from "../../../runtime/wire/dhcp6-auth.ts";
import { duidMac, showDuid } from "../../../runtime/wire/dhcp6-duid.ts";
import { dhcp6TypeName, emitDhcp6, parseDhcp6, showDhcp6 } from "../../../runtime/wire/dhcp6-message.ts";
import { dnsName } from "../../../runtime/wire/dns-name.ts";
import { octets } from "../../lib/dhcp6.ts";
import { seed } from "../../lib/seed.ts";

const LEASE = address("fc00:a:1:1::10");

/** A message of one option, whatever its type: type 1, transaction 0x010203. */
const ALONE = "01010203";
/** What each option is on the wire, header included. */
const OPTIONS: [string, Dhcp6Option, string][] = [
  ["client-id", { kind: "client-id", duid: octets("00030001020000000001") }, "0001 000a 0003 0001 020000000001"],
  ["server-id", { kind: "server-id", duid: octets("000400ff") }, "0002 0004 0004 00ff"],
  [
    "ia-na with an address with a status",
    {
      kind: "ia-na",
      iaid: 7,
      t1: 21_600,
      t2: 34_560,
      options: [
        { kind: "ia-address", address: LEASE, preferred: 43_200, valid: 86_400, options: [{ kind: "status", code: 0, text: "ok" }] },
      ],
    },
    // code, length · IAID, T1, T2 · address, preferred, valid · status
    `0003 0030 00000007 00005460 00008700 0005 0020 fc00000a000100010000000000000010 0000a8c0 00015180 000d 0004 0000 6f6b`,
  ],
  ["ia-ta", { kind: "ia-ta", iaid: 9, options: [{ kind: "status", code: 2, text: "" }] }, "0004 000a 00000009 000d 0002 0002"],
  [
    "ia-pd with a prefix",
    {
      kind: "ia-pd",
      iaid: 1,
      t1: 0,
      t2: 0,
      options: [{ kind: "ia-prefix", prefix: prefix("2001:db8::/56"), preferred: 1, valid: 2, options: [] }],
    },
    "0019 0029 00000001 00000000 00000000 001a 0019 00000001 00000002 38 20010db8000000000000000000000000",
  ],
  ["option-request", { kind: "option-request", codes: [23, 24, 0x1234] }, "0006 0006 0017 0018 1234"],
  ["preference", { kind: "preference", value: 255 }, "0007 0001 ff"],
  ["elapsed-time", { kind: "elapsed-time", hundredths: 65_535 }, "0008 0002 ffff"],
  [
    "authentication",
    rkapOption(1, octets("000102030405060708090a0b0c0d0e0f"), 2 ** 40),
    `000b 001c 03 01 00 0000010000000000 01 000102030405060708090a0b0c0d0e0f`,
  ],
  ["server-unicast", { kind: "server-unicast", address: LEASE }, "000c 0010 fc00000a000100010000000000000010"],
  ["status", { kind: "status", code: 5, text: "ä" }, "000d 0004 0005 c3a4"],
  ["rapid-commit", { kind: "rapid-commit" }, "000e 0000"],
  ["reconfigure-message", { kind: "reconfigure-message", value: 5 }, "0013 0001 05"],
  ["reconfigure-accept", { kind: "reconfigure-accept" }, "0014 0000"],
  ["dns-servers", { kind: "dns-servers", addresses: [LEASE] }, "0017 0010 fc00000a000100010000000000000010"],
  ["domain-list", { kind: "domain-list", names: [dnsName("a.b"), dnsName("c")] }, "0018 0008 01 61 01 62 00 01 63 00"],
  ["sntp-servers", { kind: "sntp-servers", addresses: [LEASE] }, "001f 0010 fc00000a000100010000000000000010"],
  ["refresh-time", { kind: "refresh-time", seconds: 600 }, "0020 0004 00000258"],
  [
    "client-fqdn, whole",
    { kind: "client-fqdn", s: true, o: false, n: false, name: dnsName("h.a"), whole: true },
    "0027 0006 01 01 68 01 61 00",
  ],
  ["client-fqdn, a beginning", { kind: "client-fqdn", s: false, o: true, n: true, name: dnsName("h"), whole: false }, "0027 0003 06 01 68"],
  ["client-fqdn, empty", { kind: "client-fqdn", s: true, o: false, n: false, name: dnsName(""), whole: false }, "0027 0001 01"],
  [
    "ntp-servers",
    { kind: "ntp-servers", addresses: [LEASE], others: [{ code: 3, octets: octets("00") }] },
    "0038 0019 0001 0010 fc00000a000100010000000000000010 0003 0001 00",
  ],
  ["sol-max-rt", { kind: "sol-max-rt", seconds: 3600 }, "0052 0004 00000e10"],
  ["inf-max-rt", { kind: "inf-max-rt", seconds: 3600 }, "0053 0004 00000e10"],
  [
    "address-selection",
    {
      kind: "address-selection",
      automatic: true,
      privacy: true,
      rows: [
        { prefix: prefix("fc00::/7"), precedence: 45, label: 13 },
        { prefix: prefix("::/0"), precedence: 40, label: 1 },
      ],
    },
    // A and P · label, precedence, length, one octet · label, precedence, length, none
    "0054 0010 03 0055 0004 0d 2d 07 fc 0055 0003 01 28 00",
  ],
  ["raw", { kind: "raw", code: 999, octets: octets("0102") }, "03e7 0002 0102"],
];
const RELAYED: [string, Dhcp6Option, string][] = [
  ["relay-message", { kind: "relay-message", octets: octets("0b000001") }, "0009 0004 0b000001"],
  ["interface-id", { kind: "interface-id", octets: octets("6574") }, "0012 0002 6574"],
  ["remote-id", { kind: "remote-id", enterprise: 9, octets: octets("aa") }, "0025 0005 00000009 aa"],
  ["echo-request", { kind: "echo-request", codes: [37] }, "002b 0002 0025"],
  ["client-link-layer", { kind: "client-link-layer", type: 1, octets: octets("020000000001") }, "004f 0008 0001 020000000001"],
  ["relay-port", { kind: "relay-port", port: 1547 }, "0087 0002 060b"],
];
const RELAY_HEAD = `0c 03 fc00000a000100010000000000000001 fe800000000000000000000000000010`;

const relayOf = (option: Dhcp6Option): Dhcp6Packet => ({
  kind: "relay",
  type: 12,
  hops: 3,
  link: address("fc00:a:1:1::1"),
  peer: address("fe80::10"),
  options: [option],
});

test("each option, octet by octet, both ways", () => {
  for (const [name, option, wire] of OPTIONS) {
    const packet: Dhcp6Packet = { kind: "message", type: 1, transaction: 0x010203, options: [option] };
    assert.is(hex(emitDhcp6(packet)), hex(octets(ALONE + wire)), name);
    assert.equal(parseDhcp6(octets(ALONE + wire)), packet, name);
  }
  for (const [name, option, wire] of RELAYED) {
    assert.is(hex(emitDhcp6(relayOf(option))), hex(octets(RELAY_HEAD + wire)), name);
    assert.equal(parseDhcp6(octets(RELAY_HEAD + wire)), relayOf(option), name);
  }
});

test("an option in a place where it is not known stays as it is", () => {
  const interfaceId = parseDhcp6(octets(`${ALONE}00120001aa`));
  assert.equal(interfaceId instanceof Reject ? [] : interfaceId.options, [{ kind: "raw", code: 18, octets: octets("aa") }]);
  const nested = parseDhcp6(octets(`${ALONE}0003 0012 000000010000000000000000 0003 0002 0000`));
  assert.equal(nested instanceof Reject ? [] : nested.options, [
    { kind: "ia-na", iaid: 1, t1: 0, t2: 0, options: [{ kind: "raw", code: 3, octets: octets("0000") }] },
  ]);
});

test("what is refused, and why", () => {
  const refused: [string, string][] = [
    ["", "short-dhcp6"],
    ["010203", "short-dhcp6"],
    ["00000000", "unknown-dhcp6"],
    ["0e000000", "unknown-dhcp6"],
    ["ff000000", "unknown-dhcp6"],
    ["0c00 fc00", "short-dhcp6"],
    [`${ALONE}00`, "short-option-dhcp6"],
    [`${ALONE}0001 0004 000102`, "short-option-dhcp6"],
    [`${ALONE}000e 0000 000e 0000`, "twice-option-dhcp6"],
    [`${ALONE}0001 0003 000301 0001 0003 000301`, "twice-option-dhcp6"],
    [`${ALONE}0001 0002 0003`, "bad-option-dhcp6"],
    [`${ALONE}0001 0083 ${"00".repeat(131)}`, "bad-option-dhcp6"],
    [`${ALONE}0003 000b ${"00".repeat(11)}`, "bad-option-dhcp6"],
    [`${ALONE}0003 0010 ${"00".repeat(12)}0005 0010`, "short-option-dhcp6"],
    [`${ALONE}0003 0020 ${"00".repeat(12)}0005 0010 ${"00".repeat(16)}`, "bad-option-dhcp6"],
    [`${ALONE}0004 0003 000000`, "bad-option-dhcp6"],
    [`${ALONE}0019 0029 ${"00".repeat(12)} 001a 0019 ${"00".repeat(8)} 81 ${"00".repeat(16)}`, "bad-option-dhcp6"],
    [`${ALONE}0006 0003 001718`, "bad-option-dhcp6"],
    [`${ALONE}0007 0000`, "bad-option-dhcp6"],
    [`${ALONE}0008 0001 00`, "bad-option-dhcp6"],
    [`${ALONE}000b 000a ${"00".repeat(10)}`, "bad-option-dhcp6"],
    [`${ALONE}000c 000f ${"00".repeat(15)}`, "bad-option-dhcp6"],
    [`${ALONE}000d 0001 00`, "bad-option-dhcp6"],
    [`${ALONE}000e 0001 00`, "bad-option-dhcp6"],
    [`${ALONE}0017 0011 ${"00".repeat(17)}`, "bad-option-dhcp6"],
    [`${ALONE}0018 0002 0161`, "bad-option-dhcp6"],
    [`${ALONE}0018 0002 c000`, "bad-option-dhcp6"],
    [`${ALONE}0020 0003 000000`, "bad-option-dhcp6"],
    [`${ALONE}0027 0000`, "bad-option-dhcp6"],
    [`${ALONE}0027 0004 01 0161 05`, "bad-option-dhcp6"],
    [`${ALONE}0027 0005 01 0161 00 61`, "bad-option-dhcp6"],
    [`${ALONE}0038 0005 0001 0010 00`, "bad-option-dhcp6"],
    [`${ALONE}0038 0005 0001 0001 00`, "bad-option-dhcp6"],
    [`${ALONE}0054 0008 03 0055 0003 01 01 81`, "bad-option-dhcp6"],
    [`${ALONE}0054 0008 03 0055 0003 01 01 08`, "bad-option-dhcp6"],
    [`${ALONE}0054 0004 03 0055 00`, "bad-option-dhcp6"],
    [`${RELAY_HEAD}004f 0001 00`, "bad-option-dhcp6"],
    [`${RELAY_HEAD}0025 0003 000000`, "bad-option-dhcp6"],
    [`${RELAY_HEAD}0087 0001 00`, "bad-option-dhcp6"],
    [`${RELAY_HEAD}0009 0000 0009 0000`, "twice-option-dhcp6"],
  ];
  for (const [wire, why] of refused) {
    const parsed = parseDhcp6(octets(wire));
    assert.is(parsed instanceof Reject ? parsed.why : parsed, why, wire);
  }
});

test("bits behind a prefix's length count for nothing", () => {
  const parsed = parseDhcp6(octets(`${ALONE}0019 0029 ${"00".repeat(12)} 001a 0019 ${"00".repeat(8)} 08 ${"20".repeat(16)}`));
  const [ia] = parsed instanceof Reject ? [] : parsed.options;
  assert.equal(ia?.kind === "ia-pd" ? ia.options[0] : ia, {
    kind: "ia-prefix",
    prefix: prefix("2000::/8"),
    preferred: 0,
    valid: 0,
    options: [],
  });
});

test("nothing read hangs on the octets that were read", () => {
  for (const [name, , wire] of OPTIONS) {
    const bytes = octets(ALONE + wire);
    const parsed = JSON.stringify(parseDhcp6(bytes));
    const again = parseDhcp6(bytes);
    bytes.fill(0xee);
    assert.is(JSON.stringify(again), parsed, name);
  }
});

test("what does not fit is refused when it is written", () => {
  const emit = (option: Dhcp6Option) => emitDhcp6({ kind: "message", type: 1, transaction: 0, options: [option] });
  assert.throws(() => emit({ kind: "preference", value: 256 }), /does not fit 8 bits/);
  assert.throws(() => emit({ kind: "raw", code: 1, octets: new Uint8Array(65_536) }), /does not fit 16 bits/);
  assert.throws(() => emit({ kind: "refresh-time", seconds: -1 }), /does not fit 32 bits/);
  assert.throws(() => rkapOption(1, new Uint8Array(15), 0), /15 octets/);
  // The next message is none the worse for it.
  assert.is(hex(emit({ kind: "rapid-commit" })), "01000000000e0000");
});

test("any octets: a value or a refusal; a value written and read again is the same", () => {
  const start = fc.constantFrom(
    ...OPTIONS.map(([, , wire]) => octets(ALONE + wire)),
    ...RELAYED.map(([, , wire]) => octets(RELAY_HEAD + wire)),
  );
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.tuple(start, fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 4 })).map(([whole, changes]) => {
      const copy = whole.slice();
      for (const [at, value] of changes) if (at < copy.length) copy[at] = value;
      return copy;
    }),
  );
  fc.assert(
    fc.property(bytes, (octets) => {
      const parsed = parseDhcp6(octets);
      if (parsed instanceof Reject) return;
      showDhcp6(parsed);
      // U+FFFD stands for octets that were no text: they come back as another text of the same letters.
      const again = parseDhcp6(emitDhcp6(parsed));
      assert.equal(again, parsed);
    }),
    { seed, numRuns: 20_000 },
  );
});

test("one line a message, without what is in its options", () => {
  assert.is(
    showDhcp6({
      kind: "message",
      type: 7,
      transaction: 0xabc,
      options: [rkapOption(1, octets("11".repeat(16)), 1), { kind: "raw", code: 999, octets: octets("22") }],
    }),
    "dhcp6 reply xid 000abc (authentication option-999)",
  );
  assert.is(showDhcp6(relayOf({ kind: "rapid-commit" })), "dhcp6 relay-forward hops 3 link fc00:a:1:1::1 peer fe80::10 (rapid-commit)");
  assert.is(dhcp6TypeName(11), "information-request");
  assert.is(dhcp6TypeName(99), "?");
});

test("kinds of DUIDs", () => {
  const kinds: [string, string, string | undefined][] = [
    ["0001 0001 11223344 020000000001", "llt 02:00:00:00:00:01", "02:00:00:00:00:01"],
    ["0003 0001 020000000001", "ll 02:00:00:00:00:01", "02:00:00:00:00:01"],
    ["0003 0006 020000000001", "type 3 0006020000000001", undefined],
    ["0003 0001 0200000000", "type 3 00010200000000", undefined],
    ["0002 00000009 0cc084d3", "en 9 0cc084d3", undefined],
    ["0004 00112233445566778899aabbccddeeff", "uuid 00112233-4455-6677-8899-aabbccddeeff", undefined],
    ["00ff 01", "type 255 01", undefined],
  ];
  for (const [wire, shown, mac] of kinds) {
    assert.is(showDuid(octets(wire)), shown);
    assert.is(duidMac(octets(wire)), mac, shown);
  }
});

test.run();
