/** Packets between hosts and peers without Shim6: the core's exchange of addresses against packets put together anew, both ways. */
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as verdict from "../../core-as/layout/verdict.ts";
import { locatorFor } from "../../runtime/locator/map.ts";
import { type Address, address, addressAt, addressOctets } from "../../runtime/value/address.ts";
import { hex } from "../../runtime/value/bytes.ts";
import { type Prefix, prefix, withPrefix } from "../../runtime/value/prefix.ts";
import { coreModule, type Rig, rig, runOne } from "../lib/core.ts";
import { errorFor, outside, packetFor, type Sample, setMapped } from "../lib/mapped.ts";
import { seed } from "../lib/seed.ts";

const module = coreModule();
const GENERIC = prefix("fc00::/7");
const ROUTER = address("2001:db8:ff::1");

/** The site's prefix and the provider's: equal, longer, shorter, odd. */
const lengths: readonly (readonly [string, string])[] = [
  ["fc00:aaaa:1::/48", "2001:db8:a1::/48"],
  ["fc00:aaaa:1::/48", "2001:db8:a1:ff00::/56"],
  ["fc00:aaaa:1:1200::/56", "2001:db8:a1::/48"],
  ["fc00:aaaa:1:1200::/56", "2001:db8:a1:3400::/56"],
  ["fc00:aaaa:1:1::/64", "2001:db8:a1:b::/64"],
  ["fc00:aaaa:1::/48", "2001:db8:a10::/44"],
  ["fc00:aaaa:1:1::/64", "2600::/24"],
  ["fc00:aaaa:1:8000::/49", "2001:db8:a1:9000::/52"],
];

const word = fc.oneof(fc.constantFrom(0, 0xffff, 1), fc.nat(0xffff));
const anyAddress = (head: Prefix) =>
  fc.array(word, { minLength: 8, maxLength: 8 }).map((words): Address => {
    const octets = new Uint8Array(16);
    words.forEach((value, i) => {
      octets.set([value >> 8, value & 0xff], 2 * i);
    });
    return withPrefix(head, addressAt(octets));
  });
const peerOf = anyAddress(prefix("2a00::/12"));
/** Octets quoted: nobody cuts a checksum in two. */
const quotes = fc.integer({ min: 20, max: 180 }).map((words) => 2 * words);
const protocols = fc.constantFrom(6, 17, 33, 58, 136, 132, 47, 50, 4, 59, 27, 89, 135, 200, 255);
const sample: fc.Arbitrary<Sample> = fc
  .record({
    protocol: protocols,
    octets: fc.uint8Array({ minLength: 0, maxLength: 300 }),
    noSum: fc.boolean(),
    before: fc.array(fc.constantFrom(60, 43, 51), { maxLength: 3 }),
    hop: fc.boolean(),
    fragment: fc.option(fc.record({ at: fc.nat(10).map((units) => 8 * units), octets: fc.nat(200) }), { nil: undefined }),
  })
  .map(({ protocol, octets, noSum, before, hop, fragment }) => {
    const transport = octets.slice();
    // No ICMPv6 error by accident; those come below.
    if (protocol === 58 && transport.length > 0) transport[0] |= 0x80;
    if (protocol === 6 && transport.length > 13) transport[13] &= ~2;
    return { protocol, transport, noSum: noSum && protocol === 17, before: hop ? [0, ...before] : before, ...(fragment && { fragment }) };
  });

interface Mapped extends Rig {
  readonly site: Prefix;
  readonly provider: Prefix;
}

const worlds: Mapped[] = [];
for (const [site, provider] of lengths) {
  const made = await rig({ ways: 64 }, {}, module);
  setMapped(made.core, prefix(site), GENERIC, [{ prefix: prefix(provider) }]);
  worlds.push({ ...made, site: prefix(site), provider: prefix(provider) });
}

/** A world, and a host of its that has a locator. */
const somewhere = fc
  .nat(worlds.length - 1)
  .chain((place) => anyAddress(worlds[place].site).map((any) => ({ place, host: fitting(worlds[place], any) })));

/** With a provider's prefix longer than the site's, the bits between the two lengths are zero in every ULID. */
function fitting({ site, provider }: Mapped, any: Address): Address {
  return provider.length > site.length ? withPrefix({ base: site.base, length: provider.length }, any) : any;
}

test("out and in: every transport, every length, extension headers, fragments", () => {
  fc.assert(
    fc.property(somewhere, peerOf, sample, ({ place, host }, peer, what) => {
      const world = worlds[place];
      const away = outside(world.provider, world.site, host, what.protocol);
      const inside = packetFor(what, host, peer);
      const out = runOne(world, inside, 1);
      if (away === undefined) {
        assert.is(out.verdict, verdict.PUNT_UNMAPPED);
        world.core.drainPunts(9, (packet) => assert.is(hex(packet), hex(inside), "as the host had sent it"));
        return;
      }
      assert.is(out.verdict, verdict.FORWARD_MAPPED_OUT);
      assert.is(hex(out.out ?? new Uint8Array()), hex(packetFor(what, away, peer)));
      const back = runOne(world, packetFor(what, peer, away), 2);
      assert.is(back.verdict, verdict.FORWARD_MAPPED_IN);
      assert.is(hex(back.out ?? new Uint8Array()), hex(packetFor(what, peer, host)));
    }),
    { seed, numRuns: 4000 },
  );
});

test("ICMPv6 errors, both ways: the quote is as its sender had sent it, wherever it is cut", () => {
  fc.assert(
    fc.property(somewhere, peerOf, sample, quotes, fc.boolean(), ({ place, host }, peer, what, quoted, byRouter) => {
      const world = worlds[place];
      const away = outside(world.provider, world.site, host, what.protocol);
      const plain = locatorFor(world.provider, world.site, host);
      // What is cut before the transport is known tells nothing of it.
      const whole = packetFor(what, host, peer);
      const transportAt =
        whole.length -
        (what.fragment === undefined
          ? what.transport.length
          : Math.max(0, Math.min(what.fragment.octets, what.transport.length - what.fragment.at)));
      if (away === undefined || plain === undefined || quoted < transportAt) return;
      const reporter = byRouter ? ROUTER : peer;
      const arriving = errorFor(reporter, away, packetFor(what, away, peer), quoted);
      const arrived = runOne(world, arriving, 1);
      assert.is(arrived.verdict, verdict.FORWARD_MAPPED_IN);
      assert.is(hex(arrived.out ?? new Uint8Array()), hex(errorFor(reporter, host, packetFor(what, host, peer), quoted)));
      const leaving = errorFor(host, peer, packetFor(what, peer, host), quoted);
      const left = runOne(world, leaving, 2);
      assert.is(left.verdict, verdict.FORWARD_MAPPED_OUT);
      assert.is(hex(left.out ?? new Uint8Array()), hex(errorFor(plain, peer, packetFor(what, peer, away), quoted)));
    }),
    { seed, numRuns: 4000 },
  );
});

test("any octets behind right addresses: a verdict, and a slot's neighbours are untouched", () => {
  const [world] = worlds;
  const host = address("fc00:aaaa:1::10");
  const locator = locatorFor(world.provider, world.site, host) ?? host;
  const ends = fc.constantFrom<readonly [Address, Address]>([host, ROUTER], [ROUTER, locator], [host, locator]);
  fc.assert(
    fc.property(ends, fc.nat(255), fc.uint8Array({ maxLength: 200 }), ([source, destination], next, octets) => {
      const packet = new Uint8Array(40 + octets.length);
      packet.set([0x60, 0, 0, 0, octets.length >> 8, octets.length & 0xff, next, 64]);
      packet.set(addressOctets(source), 8);
      packet.set(addressOctets(destination), 24);
      packet.set(octets, 40);
      const end = world.lane.inputOffset(0) + 10 + packet.length;
      world.memory.fill(0xc5, end, end + 16);
      const { verdict: found, out } = runOne(world, packet, 1);
      assert.ok(found > 0 && found < 64);
      if (out !== undefined) assert.is(out.length, packet.length);
      assert.ok(world.memory.subarray(end, end + 16).every((octet) => octet === 0xc5));
      world.core.drainPunts(9, () => undefined);
    }),
    { seed, numRuns: 4000 },
  );
});

test.run();
