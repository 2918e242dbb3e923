/** Router advertisements: when (RFC 4861 §6.2), what (§4.2), and which solicitations count (§6.1.1). */
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Announcement, advertiseOnLan, announcementOf, linkAddressOf } from "../../../runtime/box/lan.ts";
import { readSite } from "../../../runtime/config/read.ts";
import {
  Advertiser,
  MAX_INITIAL_RTR_ADVERT_INTERVAL,
  MAX_RA_DELAY_TIME,
  MAX_RTR_ADV_INTERVAL,
  MIN_DELAY_BETWEEN_RAS,
  MIN_RTR_ADV_INTERVAL,
} from "../../../runtime/router/advertise.ts";
import { type Advertisement, checkSolicitation, emitAdvertisement } from "../../../runtime/router/message.ts";
import { type AdvertisedPrefixes, ND_VALID_LIMIT, NOTHING_ADVERTISED } from "../../../runtime/router/stale.ts";
import { address, addressAt, UNSPECIFIED } from "../../../runtime/value/address.ts";
import { hex, unhex } from "../../../runtime/value/bytes.ts";
import { prefix } from "../../../runtime/value/prefix.ts";
import { Reject } from "../../../runtime/value/reject.ts";
import { type Millis, NEVER } from "../../../runtime/value/time.ts";
import { dnsName } from "../../../runtime/wire/index.ts";
import { seed } from "../../lib/seed.ts";

const HOST = address("fe80::10");
const octets = (text: string): Uint8Array => unhex(text) ?? new Uint8Array();

const SILENT = {
  managed: false,
  other: false,
  mtu: 1492,
  linkAddress: undefined,
  prefixes: [],
  servers: [],
  search: [],
} satisfies Announcement;
/** type, code, checksum · hop limit, flags, lifetime · reachable · retransmit */
const head = (flags: string, lifetime: string) => `86000000 40${flags}${lifetime} 00000000 00000000`;
const MTU = "05010000 000005d4";

test("the message, octet by octet", () => {
  const [a, b] = ["fc00:aaaa:1::53", "fc00:aaaa:1::54"].map(address);
  const full: Omit<Advertisement, "lifetime"> = {
    managed: true,
    other: true,
    mtu: 1492,
    linkAddress: octets("02 00 00 00 00 01"),
    prefixes: [{ prefix: prefix("fc00:aaaa:1::/64"), preferred: 604_800, valid: 2_592_000 }],
    servers: [a, b],
    search: [dnsName("alpha.example"), dnsName("b.test")],
  };
  const link = "01010200 00000001";
  const servers = (lifetime: string) => `19050000 ${lifetime} fc00aaaa000100000000000000000053 fc00aaaa000100000000000000000054`;
  // alpha.example and b.test, filled up with a zero.
  const search = (lifetime: string) => `1f040000 ${lifetime} 05616c706861 076578616d706c65 00 0162 0474657374 00 00`;
  // Length 64, L, 30 days, 7 days, reserved.
  const onLink = "03044080 00278d00 00093a80 00000000 fc00aaaa000100000000000000000000";
  const cases: [string, Advertisement, string[]][] = [
    ["all there is", { ...full, lifetime: 1800 }, [head("c0", "0708"), link, MTU, servers("00000708"), search("00000708"), onLink]],
    ["the last word", { ...full, lifetime: 0 }, [head("c0", "0000"), link, MTU, servers("00000000"), search("00000000")]],
    ["nothing but the router", { ...SILENT, mtu: 1280, lifetime: 9000 }, [head("00", "2328"), "05010000 00000500"]],
    ["M alone", { ...SILENT, managed: true, lifetime: 1 }, [head("80", "0001"), MTU]],
  ];
  for (const [name, advertisement, parts] of cases)
    assert.equal(emitAdvertisement(advertisement).map(hex), [parts.join("").replaceAll(" ", "")], name);
});

test("more prefixes than fit are said in several messages, each of them once and none larger than the smallest MTU", () => {
  const prefixes = Array.from({ length: 100 }, (_, n) => prefix(`fc00:aaaa:1:${(n + 1).toString(16)}::/64`));
  const servers = Array.from({ length: 40 }, (_, n) => address(`fc00:aaaa:1::${(n + 1).toString(16)}`));
  const search = Array.from({ length: 40 }, (_, n) => dnsName(`${"x".repeat(60)}.${n}.example`));
  const messages = emitAdvertisement({
    ...SILENT,
    prefixes: prefixes.map((each) => ({ prefix: each, preferred: 1, valid: 2 })),
    servers,
    search,
    lifetime: 1800,
  });
  const options = messages.flatMap((message) => {
    assert.ok(message.length <= 1240 && message.length % 8 === 0);
    assert.is(hex(message.subarray(0, 16)), head("00", "0708").replaceAll(" ", ""));
    const found: Uint8Array[] = [];
    for (let at = 16; at < message.length; at += 8 * message[at + 1]) found.push(message.subarray(at, at + 8 * message[at + 1]));
    return found;
  });
  assert.equal(
    options.filter(([type]) => type === 3).map((option) => addressAt(option, 16)),
    prefixes.map(({ base }) => base),
  );
  assert.equal(
    options.map(([type]) => type).filter((type) => type !== 3),
    [5, 25, 31],
  );
  assert.ok(messages.length < 5);
});

test("what the site's settings come to", () => {
  const text = (more: string) => `site: s
ulid: { prefix: "fc00:aaaa:1::/48" }
lan: { interface: lan, subnets: ["fc00:aaaa:1::/64", "fc00:aaaa:1:1::/64"] }
providers: [ { name: isp1, prefix: "2001:db8:a1::/48", interface: up1 } ]
${more}`;
  const says = (more: string) => {
    const reading = readSite(text(more), "site.yaml");
    if (!("site" in reading)) throw new Error(JSON.stringify(reading.faults));
    return announcementOf(reading.site, undefined);
  };
  const prefixes = ["fc00:aaaa:1::/64", "fc00:aaaa:1:1::/64"].map((text) => ({
    prefix: prefix(text),
    preferredUntil: NEVER,
    validUntil: NEVER,
  }));
  const dns =
    'dns: { listen: ["[fc00:aaaa:1::1]:53", "[::1]:53", "[fc00:aaaa:1::2]:5353"], upstreams: [ { server: "[2001:db8::53]:53" } ] }';
  assert.equal(says(""), { ...SILENT, prefixes });
  assert.equal(says(dns), { ...SILENT, prefixes, servers: [address("fc00:aaaa:1::1")] });
  assert.equal(says(`${dns}\ndhcp: { search: ["a.example"] }\ntun: { mtu: 1400 }`), {
    ...SILENT,
    mtu: 1392,
    managed: true,
    other: true,
    prefixes,
    servers: [address("fc00:aaaa:1::1")],
    search: [dnsName("a.example")],
  });
  assert.equal(says(`${dns}\ndhcp: { dns: ["fc00:aaaa:1::9"] }`).servers, [address("fc00:aaaa:1::9")]);
});

test("solicitations that count, and those that do not", () => {
  assert.is(checkSolicitation(octets("85000000 00000000"), HOST), undefined);
  assert.is(checkSolicitation(octets("85000000 00000000"), UNSPECIFIED), undefined);
  assert.is(checkSolicitation(octets("85000000 00000000 0101020000000001"), HOST), undefined);
  const refused: [string, typeof HOST][] = [
    ["", HOST],
    ["85000000 000000", HOST],
    ["85010000 00000000", HOST],
    ["86000000 00000000", HOST],
    ["85000000 00000000 0101020000000001", UNSPECIFIED],
    ["85000000 00000000 0100020000000001", HOST],
    ["85000000 00000000 0102020000000001", HOST],
    ["85000000 00000000 01", HOST],
  ];
  for (const [text, source] of refused) assert.instance(checkSolicitation(octets(text), source), Reject, text);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (message) => {
      checkSolicitation(message, HOST);
    }),
    { seed, numRuns: 1000 },
  );
});

test("three soon, then now and then; never two within three seconds; a solicitation waits half a second at most, or for the rate", () => {
  const property = fc.property(
    fc.array(fc.tuple(fc.nat(400_000), fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })), { maxLength: 40 }),
    (asked) => {
      const advertiser = new Advertiser(0);
      const sent: Millis[] = [];
      let now = 0;
      const runTo = (end: Millis, random: number) => {
        while (advertiser.wakeAt <= end) {
          now = advertiser.wakeAt;
          assert.ok(advertiser.poll(now, random));
          sent.push(now);
        }
        now = end;
      };
      runTo(0, 0.5);
      for (const [gap, random] of asked) {
        runTo(now + gap, random);
        const before = sent.length === 0 ? Number.NEGATIVE_INFINITY : sent[sent.length - 1];
        advertiser.solicited(now, random);
        assert.ok(advertiser.wakeAt <= Math.max(now + MAX_RA_DELAY_TIME, before + MIN_DELAY_BETWEEN_RAS));
      }
      runTo(now + 2 * MAX_RTR_ADV_INTERVAL, 0.5);
      assert.is(sent[0], 0);
      for (let i = 1; i < sent.length; i++) {
        const gap = sent[i] - sent[i - 1];
        assert.ok(gap >= MIN_DELAY_BETWEEN_RAS && gap <= MAX_RTR_ADV_INTERVAL, `${gap}`);
        if (i <= 2) assert.ok(gap <= MAX_INITIAL_RTR_ADVERT_INTERVAL);
        if (i > 2 && asked.length === 0) assert.ok(gap >= MIN_RTR_ADV_INTERVAL);
      }
    },
  );
  fc.assert(property, { seed, numRuns: 300 });
});

test("on the LAN: at once, when asked, and a last one with lifetime 0; bad solicitations are counted", () => {
  let now = 0;
  let next: (() => void) | undefined;
  let at = 0;
  const sent: string[] = [];
  const counted: string[] = [];
  let waiting: Uint8Array[] = [];
  let closed = false;
  const says: Announcement = SILENT;
  const kept: AdvertisedPrefixes[] = [];
  const stop = advertiseOnLan({
    clock: { now: () => now, wall: () => 0, wakeAt: () => undefined },
    entropy: { bytes: (count) => new Uint8Array(count) },
    link: {
      receive: (limit, take) => {
        for (const message of waiting.splice(0, limit)) take(message, HOST);
      },
      advertise: (message) => sent.push(`${now} ${hex(message.subarray(6, 8))}`) > 0,
      close: () => {
        closed = true;
      },
    },
    says: () => says,
    advertised: NOTHING_ADVERTISED,
    keep: (advertised) => kept.push(advertised),
    count: (name) => counted.push(name),
    later: (when, run) => {
      at = when;
      next = run;
    },
  });
  const runTo = (end: Millis) => {
    while (next !== undefined && at <= end) {
      const run = next;
      next = undefined;
      now = Math.max(at, now);
      run();
    }
  };
  runTo(5000);
  assert.equal(sent, ["0 0a8c"]);
  assert.equal(kept, []);
  waiting = [octets("85000000 00000000"), octets("85000000")];
  runTo(5600);
  assert.is(sent.length, 2);
  stop();
  stop();
  runTo(at + 1);
  assert.is(sent.length, 3);
  assert.match(sent[2], / 0000$/);
  assert.ok(closed);
  assert.equal(new Set(counted), new Set(["out-router-advertisement", "in-router-solicitation", "drop-short-solicitation"]));
});

test("what changes is said within a quarter of a second, three times soon, and first it is on the disk", () => {
  let now = 0;
  const wall = 1_000_000_000;
  let next: (() => void) | undefined;
  let at = 0;
  const log: string[] = [];
  const pio = (text: string, life = NEVER) => ({ prefix: prefix(text), preferredUntil: life, validUntil: life });
  let says: Announcement = { ...SILENT, prefixes: [pio("2001:db8:a1:1::/64", wall + 3_600_000)] };
  advertiseOnLan({
    clock: { now: () => now, wall: () => wall + now, wakeAt: () => undefined },
    entropy: { bytes: (count) => new Uint8Array(count) },
    link: {
      receive: () => undefined,
      advertise: (message) => {
        for (let place = 24; place < message.length; place += 8 * message[place + 1])
          if (message[place] === 3) log.push(`${now} ${addressAt(message, place + 16)} ${hex(message.subarray(place + 3, place + 12))}`);
        return true;
      },
      close: () => undefined,
    },
    says: () => says,
    advertised: { current: [prefix("2001:db8:99:1::/64")], stale: [] },
    keep: ({ current, stale }) => log.push(`${now} kept ${current.length} ${stale.length}`),
    count: () => undefined,
    later: (when, run) => {
      at = when;
      next = run;
    },
  });
  const runTo = (end: Millis) => {
    while (next !== undefined && at <= end) {
      const run = next;
      next = undefined;
      now = Math.max(at, now);
      run();
    }
  };
  // What was advertised before the restart and is gone: both lifetimes 0, L as it was, A clear. What holds for an hour: no longer than that.
  const old = "2001:db8:99:1:: 800000000000000000";
  assert.equal(log.splice(0), ["0 kept 1 1", "0 2001:db8:a1:1:: 8000000e1000000a8c", `0 ${old}`]);
  runTo(100_000);
  log.length = 0;
  says = { ...SILENT, prefixes: [pio("2001:db8:a7:1::/64")] };
  runTo(140_000);
  const [first] = log;
  assert.is(first, `${first.split(" ")[0]} kept 1 2`);
  assert.ok(Number(first.split(" ")[0]) <= 100_250);
  const times = [...new Set(log.slice(1).map((line) => Number(line.split(" ")[0])))];
  assert.equal(
    times.map((time) => time - times[0]),
    [0, 16_000, 32_000],
  );
  assert.is(times[0], Number(first.split(" ")[0]));
  const rest = log.filter((line) => line.startsWith(`${times[0]} 2001`)).map((line) => line.slice(String(times[0]).length + 1));
  assert.equal(rest, ["2001:db8:a7:1:: 800000151800000a8c", old, "2001:db8:a1:1:: 800000000000000000"]);
  runTo(100_000 + 1_000 * ND_VALID_LIMIT + 700_000);
  assert.ok(
    log.at(-1)?.includes("2001:db8:a7:1::") && !log.slice(-2).some((line) => line.includes("2001:db8:a1:1::")),
    "hosts have forgotten it",
  );
});

test("the interface's address as the kernel shows it", () => {
  assert.is(hex(linkAddressOf("02:aa:bb:cc:dd:01\n") ?? new Uint8Array()), "02aabbccdd01");
  for (const text of [undefined, "", "00:00:00:00:00:00", "x", "02:aa:bb:cc:dd:01:02:03"]) assert.is(linkAddressOf(text), undefined);
});

test.run();
