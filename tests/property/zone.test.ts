/** Zones under random changes: fast code against the plain form, any octets, and a name server that fails as it likes. */
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createCrypto } from "../../adapters/common/crypto.ts";
import { address } from "../../runtime/value/address.ts";
import type { DnsName } from "../../runtime/wire/dns.ts";
import { emitDns } from "../../runtime/wire/dns-emit.ts";
import { parseDns } from "../../runtime/wire/dns-parse.ts";
import { Authority } from "../../runtime/zone/authority.ts";
import { ContentsBuilder, contentsOf, type ZoneProvider } from "../../runtime/zone/contents.ts";
import { difference, recordKey } from "../../runtime/zone/difference.ts";
import type { ZoneHost } from "../../runtime/zone/owners.ts";
import { AnswerRate } from "../../runtime/zone/rate.ts";
import { zoneRecords } from "../../runtime/zone/text.ts";
import { emitTsig, parseTsig, TsigAnswer } from "../../runtime/zone/tsig.ts";
import { seed } from "../lib/seed.ts";
import { type Fate, Updating } from "../lib/updating.ts";
import { alphaTerms, hostOf, ISP1, ISP2, KEY, requestOf, ULID_TYPE } from "../lib/zone.ts";

const hosts = fc
  .uniqueArray(
    fc.record({
      n: fc.integer({ min: 1, max: 12 }),
      name: fc.option(fc.constantFrom("a", "b", "c", "www", "ns"), { nil: undefined }),
      claimed: fc.boolean(),
    }),
    { selector: ({ n }) => n, maxLength: 8 },
  )
  .map((list) => list.map(({ n, name, claimed }): ZoneHost => hostOf(n, name, claimed)));
const providers = fc
  .subarray([ISP1, ISP2], { minLength: 1 })
  .chain((list) => fc.tuple(...list.map((provider) => fc.boolean().map((usable): ZoneProvider => ({ ...provider, usable })))));
const unlimited = () => new AnswerRate({ perSecond: 1e9, burst: 1e9, networks: 1 });

test("contents built on top of the last ones are those built from nothing; the difference leads there", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(hosts, providers), { minLength: 1, maxLength: 6 }), (steps) => {
      const builder = new ContentsBuilder(alphaTerms());
      let before = builder.build([], [ISP1]);
      for (const [list, lines] of steps) {
        const after = builder.build(list, lines);
        const plain = contentsOf(alphaTerms(), list, lines);
        after.forEach((zone, i) => {
          const keys = (records: ReturnType<typeof zoneRecords>) => records.map(recordKey);
          assert.equal(keys(zoneRecords(zone, 1)), keys(zoneRecords(plain[i], 1)));
          const { gone, come } = difference(before[i].nodes, zone.nodes);
          const left = new Set(keys(zoneRecords(before[i], 1)));
          for (const key of keys([...gone])) assert.ok(left.delete(key));
          for (const key of keys([...come])) assert.ok(!left.has(key) && left.add(key));
          assert.equal([...left].sort(), keys(zoneRecords(zone, 1)).sort());
        });
        before = after;
      }
    }),
    { seed, numRuns: 200 },
  );
});

test("every ULID of the site is found through the reverse tree, and its name leads back to it", () => {
  fc.assert(
    fc.property(hosts, providers, (list, lines) => {
      const [forward, reverse] = contentsOf(alphaTerms(), list, lines);
      const owners = [...forward.nodes.values()].filter(({ ulid }) => ulid !== undefined);
      assert.equal(owners.map(({ ulid }) => ulid).sort(), list.map(({ ulid }) => ulid).sort());
      assert.is([...reverse.nodes.values()].filter(({ ulid }) => ulid !== undefined).length, list.length);
    }),
    { seed, numRuns: 200 },
  );
});

test("the tree says what a look at every record says", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(hosts, providers), { minLength: 1, maxLength: 5 }),
      fc.array(fc.nat(63), { maxLength: 20 }),
      (steps, picks) => {
        const authority = new Authority(unlimited());
        const builder = new ContentsBuilder(alphaTerms());
        for (const [list, lines] of steps) {
          const contents = builder.build(list, lines);
          authority.set(contents, (previous) => (previous ?? 0) + 1);
          const records = contents.flatMap((zone) => zoneRecords(zone, 1));
          for (const pick of picks) {
            const { name } = records[pick % records.length];
            const labels = name.split(".");
            for (const asked of [
              name,
              labels.slice(pick % labels.length).join("."),
              `x.${name}`,
              `0.${labels.slice(1).join(".")}`,
            ] as DnsName[]) {
              const inside = contents.some(({ origin }) => asked === origin || asked.endsWith(`.${origin}`));
              const below = records.some((record) => record.name === asked || record.name.endsWith(`.${asked}`));
              const plain = !inside
                ? undefined
                : below
                  ? records.filter((record) => record.name === asked && record.type === ULID_TYPE).map(recordKey)
                  : "NXDOMAIN";
              const found = authority.find(asked, ULID_TYPE);
              assert.equal(typeof found === "object" ? found.map(recordKey) : found, plain, asked);
            }
          }
        }
      },
    ),
    { seed, numRuns: 100 },
  );
});

test("any octets: an answer that can be read, no larger than allowed, or none", () => {
  const authority = new Authority(unlimited());
  authority.set(contentsOf(alphaTerms(), [hostOf(1, "a"), hostOf(2)], [ISP1, ISP2]), () => 1);
  const asker = { transport: "udp", address: address("2001:db8::1") } as const;
  const check = (octets: Uint8Array) => {
    const { messages } = authority.answer(octets, asker, 0);
    assert.ok(messages.length <= 1);
    for (const message of messages) {
      assert.ok(message.length <= 1_232);
      const parsed = parseDns(message);
      assert.ok(!("why" in parsed) && parsed.response);
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), check), { seed, numRuns: 2_000 });
  const plain = emitDns(
    requestOf("a.alpha.example", ULID_TYPE, {
      edns: { size: 4096, version: 0, dnssecOk: true, flags: 1, options: [{ code: 10, data: new Uint8Array(8) }] },
    }),
  );
  const harmed = fc.array(fc.tuple(fc.nat(plain.length - 1), fc.nat(255)), { maxLength: 4 }).map((changes) => {
    const octets = plain.slice();
    for (const [at, value] of changes) octets[at] = value;
    return octets;
  });
  fc.assert(fc.property(harmed, check), { seed, numRuns: 5_000 });
});

test("any octets as a signature: never taken, never thrown", () => {
  const crypto = createCrypto();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.uint8Array({ maxLength: 100 }), (data, octets) => {
      const read = parseTsig(data);
      if (!("why" in read)) assert.equal(parseTsig(emitTsig(read)), read);
      const record = { name: KEY.name, type: 250, class: 255, ttl: 0, data };
      assert.is.not(new TsigAnswer(KEY, new Uint8Array(32), crypto).take(octets, record, 0).kind, "good");
    }),
    { seed, numRuns: 2_000 },
  );
});

test("whatever exchanges suffer, and however often we die, the server has in the end what it should, and all that is not ours", () => {
  const fate = fc.constantFrom<Fate>("well", "unsent", "unanswered", "refused", "harmed");
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("want" as const), hosts, providers }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("fates" as const), fates: fc.array(fate, { maxLength: 5 }) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("time" as const), milliseconds: fc.integer({ min: 1, max: 60_000 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("die" as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("hide" as const), shows: fc.boolean() }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), fc.constantFrom(1, 2, 50), hosts, providers, (steps, signEach, last, lines) => {
      const world = new Updating();
      world.server.signEach = signEach;
      const www = { name: "www.alpha.example" as DnsName, type: 28, class: 1, ttl: 1, data: new Uint8Array(16) };
      world.server.zones.set("alpha.example", [www]);
      // Site and hosts: nobody is named `www` by the site itself here, so that record must outlive everything.
      const unnamed = (list: readonly ZoneHost[]) => list.map((host) => (host.name === "www" ? { ...host, claimed: true } : host));
      for (const event of steps) {
        if (event.kind === "want") world.want(unnamed(event.hosts), event.providers);
        else if (event.kind === "fates") world.fates.push(...event.fates);
        else if (event.kind === "time") world.run(world.now + event.milliseconds);
        else if (event.kind === "die") world.restart();
        else world.server.shows = event.shows;
      }
      world.fates.length = 0;
      world.server.shows = true;
      // Twice an hour and more: it has looked, and told whose names are taken.
      world.want(unnamed(last), lines);
      world.run(world.now + 4_000_000);
      world.want(unnamed(last), lines);
      world.run(world.now + 4_000_000);
      const kept = "www.alpha.example 28 00000000000000000000000000000000";
      assert.equal(world.there, [...world.wanted, kept].sort());
      assert.is(world.updater.pending, 0);
    }),
    { seed, numRuns: 200 },
  );
});

test.run();
