/** Router advertisements: when (RFC 4861 §6.2), what (§4.2), and which solicitations count (§6.1.1). */
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { advertiseOnLan, linkAddressOf } from "../../../runtime/box/lan.ts";
import {
  Advertiser,
  MAX_INITIAL_RTR_ADVERT_INTERVAL,
  MAX_RA_DELAY_TIME,
  MAX_RTR_ADV_INTERVAL,
  MIN_DELAY_BETWEEN_RAS,
  MIN_RTR_ADV_INTERVAL,
} from "../../../runtime/router/advertise.ts";
import { checkSolicitation, emitAdvertisement } from "../../../runtime/router/message.ts";
import { address, UNSPECIFIED } from "../../../runtime/value/address.ts";
import { hex, unhex } from "../../../runtime/value/bytes.ts";
import { Reject } from "../../../runtime/value/reject.ts";
import type { Millis } from "../../../runtime/value/time.ts";
import { seed } from "../../lib/seed.ts";

const HOST = address("fe80::10");
const octets = (text: string): Uint8Array => unhex(text) ?? new Uint8Array();

test("the message, octet by octet", () => {
  const linkAddress = octets("02 00 00 00 00 01");
  assert.is(
    hex(emitAdvertisement({ lifetime: 1800, mtu: 1492, linkAddress })),
    // type, code, checksum · hop limit, flags, lifetime · reachable · retransmit · link address · MTU
    "86000000" + "40000708" + "00000000" + "00000000" + "0101020000000001" + "05010000000005d4",
  );
  assert.is(
    hex(emitAdvertisement({ lifetime: 0, mtu: 1280, linkAddress: undefined })),
    "8600000040000000" + "0000000000000000" + "0501000000000500",
  );
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
    mtu: 1492,
    linkAddress: undefined,
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
  assert.equal(sent, ["0 0708"]);
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

test("the interface's address as the kernel shows it", () => {
  assert.is(hex(linkAddressOf("02:aa:bb:cc:dd:01\n") ?? new Uint8Array()), "02aabbccdd01");
  for (const text of [undefined, "", "00:00:00:00:00:00", "x", "02:aa:bb:cc:dd:01:02:03"]) assert.is(linkAddressOf(text), undefined);
});

test.run();
