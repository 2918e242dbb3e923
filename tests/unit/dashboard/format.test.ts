/** Numbers as people read them. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { networkOf, shorten, showBox, showCount, showMillis, showRate } from "../../../runtime/dashboard/format.ts";

test("counts have three digits", () => {
  const rows: [number, string][] = [
    [0, "0"],
    [999, "999"],
    [1_000, "1.00k"],
    [12_345, "12.3k"],
    [999_499, "999k"],
    [999_600, "1.00M"],
    [2.5e9, "2.50G"],
    [7e15, "7000T"],
  ];
  for (const [value, text] of rows) assert.is(showCount(value), text, String(value));
});

test("rates are bits", () => {
  for (const [octets, text] of [
    [0, "0"],
    [0.1, "0"],
    [100, "800 bit/s"],
    [2_500_000, "20.0 Mbit/s"],
    [1.25e9, "10.0 Gbit/s"],
  ] as const)
    assert.is(showRate(octets), text);
});

test("durations", () => {
  for (const [millis, text] of [
    [null, "–"],
    [1.25, "1.3 ms"],
    [130, "130 ms"],
    [1_500, "1.5 s"],
    [59_000, "59 s"],
    [61_000, "1 min"],
    [3_660_000, "1 h 1 min"],
    [90_000_000, "1 d 1 h"],
  ] as const)
    assert.is(showMillis(millis), text);
});

test("addresses: their network, and their ends", () => {
  assert.is(networkOf("fc00:bbbb:1:0:18a0:5b92:9540:beba"), "fc00:bbbb:1::");
  assert.is(networkOf("fc00:bbbb:1::10"), "fc00:bbbb:1::");
  assert.is(networkOf("fc00::10"), "fc00::");
  assert.is(shorten("fc00:bbbb:1:0:18a0:5b92:9540:beba", 11), "fc00:…:beba");
  assert.is(shorten("h1", 11), "h1");
  assert.is(showBox("abcdef0123456789", null), "abcdef01");
  assert.is(showBox(null, null), "unnamed peers");
});

test.run();
