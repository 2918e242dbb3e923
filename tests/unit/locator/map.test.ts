/** Locators by rule: one ULID, one locator for each provider, and back. */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { locatorFor, mappingOf, ulidFor } from "../../../runtime/locator/map.ts";
import { address, addressAt } from "../../../runtime/value/address.ts";
import { prefix, withPrefix } from "../../../runtime/value/prefix.ts";
import { seed } from "../../lib/seed.ts";

const ULIDS = prefix("fc00:aaaa:1::/48");

test("equal lengths: the provider's prefix, then the ULID's own bits", () => {
  assert.is(locatorFor(prefix("2001:db8:a1::/48"), ULIDS, address("fc00:aaaa:1:7::99")), "2001:db8:a1:7::99");
  assert.is(ulidFor(prefix("2001:db8:a1::/48"), ULIDS, address("2001:db8:a1:7::99")), "fc00:aaaa:1:7::99");
  assert.is(locatorFor(prefix("2001:db8:a1::/48"), ULIDS, address("fc00:bbbb:1::99")), undefined);
  assert.is(ulidFor(prefix("2001:db8:a1::/48"), ULIDS, address("2001:db8:a2::99")), undefined);
});

test("a longer provider prefix: bits between must be zero or the provider's", () => {
  const provider = prefix("2001:db8:a1:5600::/56");
  assert.is(locatorFor(provider, ULIDS, address("fc00:aaaa:1:7::99")), "2001:db8:a1:5607::99");
  assert.is(locatorFor(provider, ULIDS, address("fc00:aaaa:1:5607::99")), "2001:db8:a1:5607::99");
  assert.is(locatorFor(provider, ULIDS, address("fc00:aaaa:1:1207::99")), undefined);
  assert.is(ulidFor(provider, ULIDS, address("2001:db8:a1:5607::99")), "fc00:aaaa:1:7::99");
  assert.is(ulidFor(provider, ULIDS, address("2001:db8:a1:5607::99"), "equal"), "fc00:aaaa:1:5607::99");
});

test("a shorter provider prefix: zeros between", () => {
  const provider = prefix("2001:db8::/32");
  assert.is(locatorFor(provider, ULIDS, address("fc00:aaaa:1:7::99")), "2001:db8:0:7::99");
  assert.is(ulidFor(provider, ULIDS, address("2001:db8:0:7::99")), "fc00:aaaa:1:7::99");
  assert.is(ulidFor(provider, ULIDS, address("2001:db8:1:7::99")), undefined, "not the image of any ULID");
});

test("faults are named at configuration, all of them", () => {
  const provider = prefix("2001:db8:a1:5600::/56");
  assert.equal(mappingOf(provider, ULIDS, [prefix("fc00:aaaa:1:7::/64")]), { fill: "zero" });
  assert.equal(mappingOf(provider, ULIDS, [prefix("fc00:aaaa:1:5607::/64")]), { fill: "equal" });
  const both = mappingOf(provider, ULIDS, [prefix("fc00:aaaa:1:7::/64"), prefix("fc00:aaaa:1:5607::/64")]);
  assert.ok("faults" in both && both.faults.length === 1);
  assert.match("faults" in both ? both.faults[0] : "", "share a locator");
  const three = mappingOf(provider, ULIDS, [prefix("fc00:aaaa:1:1200::/64"), prefix("fc00:bbbb::/64"), prefix("fc00:aaaa:1::/52")]);
  assert.is("faults" in three ? three.faults.length : 0, 3);
});

test("any prefixes, any host: there and back, and no two hosts of a good subnet share a locator", () => {
  const octets = fc.uint8Array({ minLength: 16, maxLength: 16 });
  const anyPrefix = (head: string) =>
    fc.tuple(octets, fc.integer({ min: 8, max: 64 })).map(([bytes, length]) => masked(head, bytes, length));
  fc.assert(
    fc.property(anyPrefix("2000"), anyPrefix("fc00"), octets, (provider, ulids, host) => {
      const ulid = withPrefix(ulids, addressAt(host));
      const locator = locatorFor(provider, ulids, ulid);
      if (locator === undefined) return assert.ok(provider.length > ulids.length);
      const back = [ulidFor(provider, ulids, locator, "zero"), ulidFor(provider, ulids, locator, "equal")];
      assert.ok(back.includes(ulid), `${ulid} → ${locator} → ${back}`);
    }),
    { numRuns: 500, seed },
  );
});

function masked(head: string, bytes: Uint8Array, length: number): ReturnType<typeof prefix> {
  const octets = bytes.slice();
  for (let bit = length; bit < 128; bit++) octets[bit >> 3] &= ~(0x80 >> (bit & 7));
  octets[0] = Number.parseInt(head.slice(0, 2), 16);
  return prefix(`${addressAt(octets)}/${length}`);
}

test.run();
