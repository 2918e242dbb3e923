// What strangers can make us do before their I2 has proved where they are: nothing that lasts, nothing dear, and not more than a budget.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { BUDGETS, SECRET_LIFETIME, VALIDATOR_LIFETIME_SECONDS } from "../../../runtime/shim6/constants.ts";
import { type Address, addressAt } from "../../../runtime/value/address.ts";
import { hex } from "../../../runtime/value/bytes.ts";
import { CONTEXT_TAG_BITS, type ContextTag, contextTag } from "../../../runtime/value/tag.ts";
import { emitPacket, findOption, type I1, type Option } from "../../../runtime/wire/index.ts";
import { A1, A2, B1, Bench, i2For, LOST_TAG, PEER, PEER_TAG, US } from "../../lib/shim6bench.ts";
import { fakeIdentity } from "../../lib/shim6world.ts";

/** An address in the `site`th /48 of strangers. */
function from(site: number, host = 1): Address {
  return addressAt(Uint8Array.of(0x20, 1, 0xd, 0xb8, 0xe0 | (site >> 8), site, 0, 0, 0, 0, 0, 0, 0, 0, host >> 8, host));
}

/** A ULID that nobody has used yet. */
function ulid(n: number): Address {
  return addressAt(Uint8Array.of(0xfc, 0, 0xbb, 0xbb, 0, 1, 0, 0, 0, 0, 0, 0, 0, n >> 16, n >> 8, n));
}

function i1(n: number): I1 {
  return {
    kind: "I1",
    initiatorTag: contextTag(n + 1),
    initiatorNonce: n,
    options: [{ kind: "ulid-pair", sender: ulid(n), receiver: US }],
  };
}

test("a flood of I1 from anywhere leaves no state, costs no signature and no RSA operation", () => {
  const bench = new Bench();
  let signed = 0;
  for (const [name, identity] of bench.identities)
    bench.identities.set(name, {
      ...identity,
      get signature() {
        signed++;
        return identity.signature;
      },
    });
  for (let n = 0; n < 5000; n++) {
    bench.hear(i1(n), from(n & 0x7ff, n));
    assert.equal(
      bench.effects.map((effect) => (effect.kind === "send" ? effect.message.kind : effect.kind)),
      ["R1"],
    );
  }
  assert.is([...bench.shim.contexts()].length, 0);
  assert.is(bench.shim.wakeAt, Number.POSITIVE_INFINITY);
  assert.is(signed, 0);
  assert.equal({ cga: bench.world.asked.cga, rsa: bench.world.asked.rsa }, { cga: 0, rsa: 0 });
  // One HMAC for each answer, and what the step's randomness takes.
  assert.ok(bench.world.asked.hmac <= 5001, `${bench.world.asked.hmac} HMACs`);
});

test("a flood of I2 without a validator of ours costs one or two HMACs each, no hash of its parameters, no RSA", () => {
  const bench = new Bench();
  const real = bench.i2();
  const before = bench.world.asked.hmac;
  for (let n = 0; n < 1000; n++) {
    const validator = Uint8Array.from({ length: 20 }, (_, i) => n >> (i % 8));
    const options = real.options.map((option): Option => (option.kind === "responder-validator" ? { ...option, validator } : option));
    bench.hear({ ...real, options }, from(n & 7));
    assert.is(bench.summary(), "drop:validator-i2 → IDLE");
  }
  assert.equal({ cga: bench.world.asked.cga, rsa: bench.world.asked.rsa }, { cga: 0, rsa: 0 });
  assert.ok(bench.world.asked.hmac - before <= 2000);
});

test("checks go from cheap to dear: a wrong PDS is found before a signature is looked at", () => {
  const bench = new Bench();
  const options = bench
    .described()
    .map((option): Option => (option.kind === "cga-pds" ? { ...option, pds: fakeIdentity("evil", US, [A1]).pds } : option));
  bench.hear(bench.i2(PEER_TAG, options));
  assert.is(bench.world.asked.cga, 1);
  assert.is(bench.world.asked.rsa, 0);
  assert.is(bench.shim.find({ local: US, peer: PEER, fork: 0 }), undefined);
});

test("I1 for a ULID or a locator that is not ours gets no answer: who scans learns nothing", () => {
  const bench = new Bench();
  bench.hear({ ...i1(1), options: [{ kind: "ulid-pair", sender: PEER, receiver: PEER }] });
  assert.is(bench.summary(), "drop:foreign-ulid-i1 → IDLE");
  bench.hear(i1(1), B1, from(1));
  assert.is(bench.summary(), "drop:foreign-locator-i1 → IDLE");
});

test("answers to I1 have a budget for each /48 and one in total, and come back with time", () => {
  const bench = new Bench();
  const { site, total } = BUDGETS.r1;
  const answered = (count: number, source: (n: number) => Address): number => {
    let sent = 0;
    for (let n = 0; n < count; n++) {
      bench.hear(i1(n), source(n));
      if (bench.effects[0].kind === "send") sent++;
      else assert.equal(bench.effects[0], { kind: "drop", why: "limit-r1" });
    }
    return sent;
  };
  assert.is(
    answered(site.burst + 500, () => from(1)),
    site.burst,
  );
  // Another site is not touched by that.
  assert.is(
    answered(100, () => from(2)),
    100,
  );
  bench.now += 100;
  assert.is(
    answered(site.rate, () => from(1, 2)),
    site.rate / 10,
  );
  assert.is(
    answered(total.burst + 1000, (n) => from(16 + (n % 64))),
    total.burst - site.burst - 100 + total.rate / 10 - site.rate / 10,
  );
});

test("R1bis to packets with tags that nobody has: a budget for each /48", () => {
  const bench = new Bench();
  const { site } = BUDGETS.r1bis;
  let sent = 0;
  for (let n = 0; n < site.burst + 100; n++) {
    bench.event({ kind: "stray-payload", source: from(3, n), destination: A1, tag: contextTag(n + 1) });
    if (bench.effects[0].kind === "send") sent++;
  }
  assert.is(sent, site.burst);
  assert.equal(bench.effects, [{ kind: "drop", why: "limit-r1bis" }]);
  assert.is([...bench.shim.contexts()].length, 0);
});

test("Error messages: a budget for each /48; an Error is never answered with an Error", () => {
  const bench = new Bench();
  const i2 = bench.i2();
  const options = i2.options.map(
    (option): Option =>
      option.kind === "locator-list" ? { ...option, locators: option.locators.map((each) => ({ ...each, method: 9 })) } : option,
  );
  let sent = 0;
  for (let n = 0; n < BUDGETS.error.site.burst + 50; n++) {
    bench.hear({ ...i2, options });
    if (bench.effects.some((effect) => effect.kind === "send")) sent++;
  }
  assert.is(sent, BUDGETS.error.site.burst);
  const packet = emitPacket(A1, B1, i1(1)).slice(0, 80);
  bench.hear({ kind: "Error", code: 99, pointer: 4000, packet });
  assert.ok(bench.effects.every((effect) => effect.kind === "drop"));
});

test("RSA is charged by what it costs: four keys of 4,096 bits drain the budget sixteen times as fast as one of 2,048", () => {
  const spent = (keys: number, octets: number): number => {
    const bench = new Bench();
    const pds = new Uint8Array(keys * (octets + 40));
    pds.set(new TextEncoder().encode(`boxB ${PEER} `));
    const i2 = bench.i2(PEER_TAG, [
      { kind: "locator-list", generation: 1, locators: [{ address: B1, method: 2 }] },
      { kind: "cga-pds", pds },
    ]);
    for (let n = 0; ; n++) {
      const signature = new Uint8Array(octets).fill(n).fill(n >> 8, 1);
      signature[0] = n;
      bench.event({
        kind: "message",
        source: B1,
        destination: A1,
        message: { ...i2, options: [...i2.options, { kind: "cga-signature", signature }] },
        packet: new Uint8Array(48),
      });
      if (bench.summary().startsWith("drop:limit-verify")) return n;
      if (n > 20_000) throw new Error("no budget");
    }
  };
  assert.is(spent(1, 256), BUDGETS.verify.site.burst);
  assert.is(spent(4, 512), BUDGETS.verify.site.burst / 16);
});

test("answers are hardly larger than what asked for them: nothing for a reflector", () => {
  const bench = new Bench();
  const asked = i1(1);
  bench.hear(asked, from(1));
  const [r1] = bench.effects;
  const large = (source: Address, message: Parameters<typeof emitPacket>[2]) => emitPacket(source, A1, message).length;
  if (r1.kind !== "send") throw new Error("no R1");
  assert.ok(emitPacket(A1, B1, r1.message).length <= 1.2 * large(B1, asked), "R1");
  const keepalive = { kind: "Keepalive", receiverTag: LOST_TAG, options: [] } as const;
  bench.hear(keepalive, from(1));
  assert.ok(emitPacket(A1, B1, bench.sent("R1bis")).length <= 2 * large(B1, keepalive), "R1bis");
});

test("validators are different for everything they bind and for each secret, and their secret is replaced", () => {
  const seen = new Set<string>();
  const ask = (bench: Bench, message: I1, source: Address, destination: Address): string => {
    bench.hear(message, source, destination);
    const validator = findOption(bench.sent("R1").options, "responder-validator")?.validator ?? new Uint8Array();
    return hex(validator);
  };
  const bench = new Bench();
  const forks: Option = { kind: "forked-instance", identifier: 9 };
  const ways: [I1, Address, Address][] = [
    [i1(1), from(1), A1],
    [{ ...i1(1), initiatorTag: contextTag(77) }, from(1), A1],
    [{ ...i1(1), options: [{ kind: "ulid-pair", sender: ulid(5), receiver: US }] }, from(1), A1],
    [{ ...i1(1), options: [...i1(1).options, forks] }, from(1), A1],
    [i1(1), from(2), A1],
    [i1(1), from(1), A2],
  ];
  for (const [message, source, destination] of ways) seen.add(ask(bench, message, source, destination));
  assert.is(seen.size, ways.length);
  seen.add(ask(new Bench({ secret: new Uint8Array(32).fill(8) }), ...ways[0]));
  assert.is(seen.size, ways.length + 1);
  for (let i = 0; i < 3; i++) {
    bench.now += SECRET_LIFETIME;
    seen.add(ask(bench, ...ways[0]));
    assert.is(seen.size, ways.length + 2 + i, "a new one for each tick and secret");
  }
});

test("a validator outlives one change of the secret, not two, and never its sixty seconds", () => {
  for (const [wait, accepted] of [
    [29_000, true],
    [1000 * VALIDATOR_LIFETIME_SECONDS, true],
    [1000 * VALIDATOR_LIFETIME_SECONDS + 1000, false],
    [2 * SECRET_LIFETIME, false],
  ] as const) {
    const bench = new Bench();
    // Just before the secret is due to be replaced.
    bench.hear(i1(1), from(1));
    bench.now += SECRET_LIFETIME - 1000;
    bench.hear(bench.i1(PEER_TAG, PEER), B1);
    const i2 = i2For(bench.sent("R1"), PEER_TAG, PEER, bench.described());
    bench.now += wait;
    bench.hear(i2);
    assert.is(bench.summary().endsWith("ESTABLISHED"), accepted, `${wait} ms`);
  }
});

test("tags cannot be guessed: spread over all 47 bits, none twice, none that follows from the one before", () => {
  const bench = new Bench({ capacity: 4000 });
  const tags: ContextTag[] = [];
  for (let n = 0; n < 3000; n++) {
    bench.need({ local: US, peer: ulid(n), fork: 0 });
    tags.push(bench.sent("I1").initiatorTag);
  }
  assert.is(new Set(tags).size, tags.length);
  for (let bit = 0; bit < CONTEXT_TAG_BITS; bit++) {
    const ones = tags.filter((tag) => Math.floor(tag / 2 ** bit) % 2 === 1).length;
    // Six standard deviations of a fair coin thrown 3,000 times.
    assert.ok(Math.abs(ones - 1500) < 6 * Math.sqrt(750), `bit ${bit}: ${ones}`);
  }
  const gaps = new Set(tags.slice(1).map((tag, i) => tag - tags[i]));
  assert.is(gaps.size, tags.length - 1);
});

test("Initiator Nonces: none twice among those that wait, 32 random bits each", () => {
  const bench = new Bench({ capacity: 4000 });
  const nonces: number[] = [];
  for (let n = 0; n < 3000; n++) {
    bench.need({ local: US, peer: ulid(n), fork: 0 });
    nonces.push(bench.sent("I1").initiatorNonce);
  }
  assert.is(new Set(nonces).size, nonces.length);
  for (let bit = 0; bit < 32; bit++) {
    const ones = nonces.filter((nonce) => (nonce >>> bit) & 1).length;
    assert.ok(Math.abs(ones - 1500) < 6 * Math.sqrt(750), `bit ${bit}: ${ones}`);
  }
});

test("a peer that restarts again and again uses up no tags: each is free again, and not given out at once", () => {
  const bench = new Bench({ capacity: 8 });
  const seen: ContextTag[] = [];
  for (let n = 0; n < 2000; n++) {
    bench.hear(bench.i2(contextTag(n + 1)));
    seen.push(bench.view().localTag);
    bench.event({ kind: "discard", id: bench.view().id });
  }
  assert.is(new Set(seen).size, seen.length);
  assert.is([...bench.shim.contexts()].length, 0);
});

test("tags run out only where a test makes them few, and then nothing breaks", () => {
  const bench = new Bench({ capacity: 1000, tagBits: 5 });
  let refused = 0;
  for (let n = 0; n < 200; n++) {
    bench.need({ local: US, peer: ulid(n), fork: 0 });
    if (bench.effects.some((effect) => effect.kind === "drop" && effect.why === "full-context")) refused++;
  }
  const tags = [...bench.shim.contexts()].map(({ localTag }) => localTag);
  assert.is(new Set(tags).size, tags.length);
  assert.ok(tags.length <= 32);
  assert.ok(refused > 0);
});

/** A stranger with a right CGA, a signature and a place of its own: an honest exchange, from `site`. */
function intrude(bench: Bench, n: number, site: number): string {
  const peer = ulid(n);
  const at = from(site, n);
  const { list, pds, signature } = fakeIdentity(`evil${n}`, peer, [at]);
  const options: Option[] = [
    { kind: "locator-list", ...list },
    { kind: "cga-pds", pds },
  ];
  if (signature !== undefined) options.push({ kind: "cga-signature", signature });
  bench.hear(bench.i2(contextTag(0x10_0000 + n), options, at, peer), at);
  return bench.summary({ local: US, peer, fork: 0 });
}

test("filling the table: one site takes its share and no more, honest peers still get in, contexts in use stay", () => {
  const bench = new Bench({ capacity: 100 });
  bench.hear(bench.i2());
  let taken = 0;
  for (let n = 0; n < 300; n++) if (intrude(bench, n, 1).endsWith("ESTABLISHED")) taken++;
  assert.is(taken, 50);
  assert.ok(intrude(bench, 301, 1).startsWith("drop:full-site"));
  assert.ok(intrude(bench, 302, 2).endsWith("ESTABLISHED"), "another site");
  assert.is(bench.view().state, "ESTABLISHED", "the one that was there");
  assert.is([...bench.shim.contexts()].length, 52);
});

test("filling the table from many sites: what is unused longest makes room, never what is in set-up or in use", () => {
  const bench = new Bench({ capacity: 64 });
  for (let n = 0; n < 64; n++) intrude(bench, n, n);
  assert.is([...bench.shim.contexts()].length, 64);
  assert.ok(intrude(bench, 100, 100).startsWith("drop:full-context"), "all of them are new");
  bench.now += 60_000;
  bench.hear(bench.i2());
  assert.is(bench.view().state, "ESTABLISHED");
  assert.is([...bench.shim.contexts()].length, 64);
});

test.run();
