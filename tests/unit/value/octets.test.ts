/** Addresses from and to octets: the quick ways against the platform's own, and against the slow reader of any text. */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Address, addressAt, addressOctets, parseAddress } from "../../../runtime/value/address.ts";
import { seed } from "../../lib/seed.ts";

/** Mostly zeros, so that runs of them of every length and place come up. */
const octets = fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat(255) }), {
  minLength: 16,
  maxLength: 16,
});

test("octets to text is what a URL makes of it (RFC 5952), and back", () => {
  fc.assert(
    fc.property(octets, (given) => {
      const bytes = Uint8Array.from(given);
      const text = addressAt(bytes);
      assert.is(new URL(`http://[${text}]/`).hostname.slice(1, -1), text);
      assert.equal(addressOctets(text), bytes);
      assert.is(parseAddress(text), text);
    }),
    { seed, numRuns: 3_000 },
  );
});

test("text that is no address is refused, whatever it looks like", () => {
  const pieces = fc.array(fc.constantFrom("", "0", "1", "f", "abcd", "12345", ":", "::", "g", "A", "1.2.3.4"), { maxLength: 18 });
  fc.assert(
    fc.property(pieces, (parts) => {
      const text = parts.join(":");
      const canonical = parseAddress(text);
      if (canonical === undefined) assert.throws(() => addressOctets(text as Address), RangeError);
      else assert.equal(addressOctets(text as Address), addressOctets(canonical));
    }),
    { seed, numRuns: 3_000 },
  );
  for (const text of [
    "",
    ":",
    ":::",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1::2::3",
    "1:2:3:4:5:6:7:8:",
    ":1:2:3:4:5:6:7:8",
    "1:2:3:4::5:6:7:8",
  ])
    assert.throws(() => addressOctets(text as Address), RangeError, text);
});

test.run();
