/** Prefixes under the hosts that come and go: what a router says of them, and for how long (RFC 9096 §3.4, §3.5). */
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { memoryFiles } from "../../../adapters/memory/files.ts";
import { memoryLogs } from "../../../adapters/memory/log.ts";
import { ADVERTISED_FILE, keepAdvertised, recallAdvertised } from "../../../runtime/box/advertised.ts";
import {
  type AdvertisedPrefixes,
  advertisedNow,
  lifetimesOf,
  ND_PREFERRED_LIMIT,
  ND_VALID_LIMIT,
  NOTHING_ADVERTISED,
  type OfferedPrefix,
  STALE_MOST,
} from "../../../runtime/router/stale.ts";
import { prefix, showPrefix } from "../../../runtime/value/prefix.ts";
import { NEVER } from "../../../runtime/value/time.ts";
import { seed } from "../../lib/seed.ts";

const [ONE, TWO] = ["2001:db8:a1:1::/64", "2001:db8:a2:1::/64"].map((text) => prefix(text));
const offer = (of: typeof ONE, preferredUntil = NEVER, validUntil = preferredUntil): OfferedPrefix => ({
  prefix: of,
  preferredUntil,
  validUntil,
});
const LIMIT = 1_000 * ND_VALID_LIMIT;

test("§3.4: never longer than the prefix holds, nor than the limits", () => {
  const cases: [OfferedPrefix, number, number][] = [
    [offer(ONE), ND_PREFERRED_LIMIT, ND_VALID_LIMIT],
    [offer(ONE, 10_000_000, 20_000_000), ND_PREFERRED_LIMIT, ND_VALID_LIMIT],
    [offer(ONE, 100_000, 1_000_000), 100, 1_000],
    [offer(ONE, 0, NEVER), 0, ND_VALID_LIMIT],
    [offer(ONE, NEVER, 60_999), 60, 60],
  ];
  for (const [offered, preferred, valid] of cases) {
    const now = advertisedNow(NOTHING_ADVERTISED, [offered], 0);
    assert.equal(lifetimesOf(now, [offered], 0), [{ prefix: ONE, preferred, valid }]);
  }
  assert.equal(lifetimesOf(NOTHING_ADVERTISED, [offer(ONE, 999)], 0), [], "it has ended");
});

test("§3.5: what goes is taken back with zeros for as long as hosts may have it; what comes back is no longer stale", () => {
  const before = advertisedNow(NOTHING_ADVERTISED, [offer(ONE)], 0);
  const after = advertisedNow(before, [offer(TWO)], 1_000);
  assert.equal(after, { current: [TWO], stale: [{ prefix: ONE, until: 1_000 + LIMIT }] });
  const gone = { prefix: ONE, preferred: 0, valid: 0 };
  const live = { prefix: TWO, preferred: ND_PREFERRED_LIMIT, valid: ND_VALID_LIMIT };
  assert.equal(lifetimesOf(after, [offer(TWO)], 2_000), [live, gone]);
  assert.is(advertisedNow(after, [offer(TWO)], LIMIT), after, "nothing new");
  assert.equal(advertisedNow(after, [offer(TWO)], LIMIT + 1_000), { current: [TWO], stale: [] });
  assert.equal(advertisedNow(after, [offer(ONE), offer(TWO)], 3_000), { current: [ONE, TWO], stale: [] });
  assert.equal(advertisedNow(before, [], 5_000).stale, [{ prefix: ONE, until: 5_000 + LIMIT }]);
  assert.equal(advertisedNow(before, [offer(ONE, 4_000)], 5_000).stale, [{ prefix: ONE, until: 5_000 + LIMIT }], "it has ended by itself");
});

test("whatever comes and goes: everything that was advertised within the limit is on or taken back, once; the memory is bounded", () => {
  const some = Array.from({ length: 100 }, (_, i) => prefix(`2001:db8:${(i + 1).toString(16)}::/64`));
  const step = fc.tuple(fc.integer({ min: 0, max: 3_000_000 }), fc.uniqueArray(fc.nat(9), { maxLength: 5 }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
      let advertised: AdvertisedPrefixes = NOTHING_ADVERTISED;
      let wall = 0;
      const last = new Map<string, number>();
      for (const [gap, places] of steps) {
        for (const each of advertised.current) last.set(showPrefix(each), wall + gap);
        wall += gap;
        const offered = places.map((place) => offer(some[place]));
        advertised = advertisedNow(advertised, offered, wall);
        const said = lifetimesOf(advertised, offered, wall);
        const names = said.map((each) => showPrefix(each.prefix));
        assert.is(new Set(names).size, names.length);
        for (const [name, at] of last) if (wall - at < LIMIT) assert.ok(names.includes(name), `${name} at ${wall}`);
        for (const each of said)
          assert.is(
            each.valid > 0,
            places.some((place) => showPrefix(some[place]) === showPrefix(each.prefix)),
          );
      }
    }),
    { seed, numRuns: 300 },
  );
  let many = NOTHING_ADVERTISED;
  for (const [i, each] of some.entries()) many = advertisedNow(many, [offer(each)], i);
  assert.is(many.stale.length, STALE_MOST);
});

test("it outlasts a restart; a file that is broken is as good as none", () => {
  const files = memoryFiles();
  files.makeDirectory("/state");
  const parts = { files, log: memoryLogs().area("test"), directory: "/state" };
  assert.equal(recallAdvertised(parts), NOTHING_ADVERTISED);
  const advertised = { current: [TWO], stale: [{ prefix: ONE, until: 123 }] };
  keepAdvertised(parts, advertised);
  assert.equal(recallAdvertised(parts), advertised);
  for (const text of ["", "{", "[]", '{"current":[1],"stale":[]}', '{"current":[]}']) {
    files.writeText(`/state/${ADVERTISED_FILE}`, text, 0o600);
    assert.equal(recallAdvertised(parts), NOTHING_ADVERTISED, text);
  }
});

test.run();
