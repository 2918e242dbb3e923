/** The machine that asks resolvers: each state with each event, what is learnt of servers, bounds, and forgers who see nothing. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  ATTEMPTS_MOST,
  ATTEMPTS_PER_FETCH,
  TOTAL_TIME,
  Upstream,
  type UpstreamEffect,
  type UpstreamEvent,
  WRONG_MOST,
} from "../../../runtime/dns/upstream.ts";
import { guessBits, makeQuery, QUERY_RANDOM } from "../../../runtime/dns/upstream-query.ts";
import { FAILURES_TO_REST, REST_FIRST } from "../../../runtime/dns/upstream-servers.ts";
import { u16 } from "../../../runtime/value/bytes.ts";
import {
  type DnsMessage,
  RCODE_BADVERS,
  RCODE_FORMERR,
  RCODE_NOTIMP,
  RCODE_NXDOMAIN,
  RCODE_REFUSED,
  RCODE_SERVFAIL,
  TYPE_AAAA,
  TYPE_CNAME,
} from "../../../runtime/wire/dns.ts";
import { dnsName, nameOctets } from "../../../runtime/wire/dns-name.ts";
import { answerTo, NAME, read, SERVERS, sent, TIMEOUT, UpstreamRun } from "../../lib/upstream.ts";

/** `udp 1`, `tcp 2`, `done`, `failed no-answer`, `close`, `drop forged-dns`: an effect in few words. */
function show(effect: UpstreamEffect): string {
  switch (effect.kind) {
    case "send-udp":
    case "send-tcp":
      return `${effect.kind.slice(5)} ${effect.to.host.slice(-1)}`;
    case "done":
      return effect.message.rcode === 0 ? "done" : `done ${effect.message.rcode}`;
    case "failed":
      return `failed ${effect.why}`;
    case "close":
      return "close";
    case "drop":
      return `drop ${effect.why}`;
  }
}

type Make = (query: Uint8Array) => Uint8Array;
const changed =
  (changes: Partial<DnsMessage>): Make =>
  (query) =>
    answerTo(query, changes);
const flip =
  (at: number, bits: number): Make =>
  (query) => {
    const octets = answerTo(query);
    octets[at] ^= bits;
    return octets;
  };
const headerAlone =
  (rcode: number): Make =>
  (query) => {
    const octets = new Uint8Array(12);
    octets.set(query.subarray(0, 2));
    octets[2] = 0x80;
    octets[3] = rcode;
    return octets;
  };
const none = { answers: [] };
/** First octet of the name's first label. */
const FIRST_LETTER = 13;

/** What comes, and what the machine does when the first attempt is under way: over UDP, over TCP. Two servers are there. */
const TABLE: readonly (readonly [string, Make, string, string])[] = [
  ["an answer", changed({}), "close, done", "close, done"],
  ["no such name", changed({ ...none, rcode: RCODE_NXDOMAIN }), "close, done 3", "close, done 3"],
  ["no data", changed(none), "close, done", "close, done"],
  ["a cut answer", changed({ ...none, truncated: true }), "close, tcp 1", "drop bad-stream-dns, close, udp 2"],
  ["SERVFAIL", changed({ ...none, rcode: RCODE_SERVFAIL }), "close, udp 2", "close, udp 2"],
  ["REFUSED", changed({ ...none, rcode: RCODE_REFUSED }), "close, udp 2", "close, udp 2"],
  ["FORMERR by one who knows EDNS", changed({ ...none, rcode: RCODE_FORMERR }), "close, udp 2", "close, udp 2"],
  ["FORMERR without EDNS", changed({ ...none, rcode: RCODE_FORMERR, edns: undefined }), "close, udp 1", "close, tcp 1"],
  ["NOTIMP without EDNS", changed({ ...none, rcode: RCODE_NOTIMP, edns: undefined }), "close, udp 1", "close, tcp 1"],
  ["FORMERR, the header alone", headerAlone(RCODE_FORMERR), "close, udp 1", "close, tcp 1"],
  ["SERVFAIL, the header alone", headerAlone(RCODE_SERVFAIL), "drop forged-dns", "drop bad-stream-dns, close, udp 2"],
  ["BADVERS", changed({ ...none, rcode: RCODE_BADVERS }), "close, udp 1", "close, udp 1"],
  ["another id", flip(1, 1), "drop forged-dns", "drop bad-stream-dns, close, udp 2"],
  ["another name", flip(FIRST_LETTER, 2), "drop forged-dns", "drop bad-stream-dns, close, udp 2"],
  ["another case", flip(FIRST_LETTER, 0x20), "drop respelt-dns, close, tcp 1", "close, done"],
  ["another type", flip(FIRST_LETTER + 16, 1), "drop forged-dns", "drop bad-stream-dns, close, udp 2"],
  ["a question", flip(2, 0x80), "drop forged-dns", "drop bad-stream-dns, close, udp 2"],
  ["another opcode", flip(2, 0x28), "drop forged-dns", "drop bad-stream-dns, close, udp 2"],
  ["no octet", () => new Uint8Array(0), "drop forged-dns", "drop bad-stream-dns, close, udp 2"],
  ["an end too early", (query) => answerTo(query).slice(0, -3), "drop short-dns", "drop short-dns, close, udp 2"],
];

for (const [name, make, overUdp, overTcp] of TABLE)
  test(`${name}: over UDP, over TCP, to nobody`, () => {
    for (const [by, wanted] of [
      ["datagram", overUdp],
      ["tcp-answer", overTcp],
    ] as const) {
      const run = new UpstreamRun();
      let [query] = sent(run.ask());
      if (by === "tcp-answer")
        [query] = sent(
          run.step({ kind: "datagram", attempt: query.attempt, octets: answerTo(query.octets, { ...none, truncated: true }) }),
        );
      const octets = make(query.octets);
      assert.is(run.step({ kind: by, attempt: query.attempt, octets }).map(show).join(", "), wanted, by);
      // An attempt that ended, or never was.
      assert.equal(run.step({ kind: by, attempt: 99, octets }).map(show), ["drop late-dns"]);
      assert.equal(run.step({ kind: by === "datagram" ? "tcp-answer" : "datagram", attempt: query.attempt, octets }).map(show), [
        "drop late-dns",
      ]);
    }
  });

test("refusals and time-outs lead to the next server, those of nobody to nothing", () => {
  for (const end of ["refused", "tcp-failed"] as const) {
    const run = new UpstreamRun();
    const [query] = sent(run.ask());
    assert.is(run.step({ kind: end, attempt: query.attempt }).map(show).join(", "), "close, udp 2");
    assert.equal(run.step({ kind: end, attempt: query.attempt }), []);
    assert.is(run.wake().map(show).join(", "), "close, udp 1");
  }
});

test("a question ends after about five seconds, whatever happens", () => {
  const run = new UpstreamRun();
  const begun = run.now;
  const seen = run.ask().map(show);
  while (run.machine.wakeAt < Number.POSITIVE_INFINITY) seen.push(...run.wake().map(show));
  assert.is(seen.join(", "), "udp 1, close, udp 2, close, udp 1, close, udp 2, close, udp 1, close, failed no-answer");
  assert.ok(run.now - begun <= TOTAL_TIME + TIMEOUT);
  assert.equal(run.machine.totals(), { attempts: 0, waiting: 0 });
});

test("a question takes so many attempts and no more", () => {
  const run = new UpstreamRun();
  let effects = run.ask();
  let attempts = 0;
  for (let [query] = sent(effects); query !== undefined; [query] = sent(effects)) {
    attempts++;
    effects = run.step({ kind: "refused", attempt: query.attempt });
  }
  assert.is(attempts, ATTEMPTS_PER_FETCH);
  assert.equal(effects.map(show), ["close", "failed no-answer"]);
});

test("when nobody can help the last answer is passed on", () => {
  const run = new UpstreamRun();
  const [first] = sent(run.ask());
  const servfail = { ...none, rcode: RCODE_SERVFAIL };
  const [second] = sent(run.step({ kind: "datagram", attempt: first.attempt, octets: answerTo(first.octets, servfail) }));
  const octets = answerTo(second.octets, { ...none, rcode: RCODE_REFUSED });
  assert.equal(run.step({ kind: "datagram", attempt: second.attempt, octets }).map(show), ["close", "done 5"]);
});

test("names below a domain are asked at its server and nowhere else, the longest wins", () => {
  const run = new UpstreamRun({
    upstreams: [
      ...SERVERS,
      { host: "2001:db8::3", port: 53, domains: ["example.com"] },
      { host: "2001:db8::4", port: 53, domains: ["a.example.com", "b.test"] },
    ],
  });
  const askedAt = (name: string) => sent(run.ask(1, name)).map(({ to }) => to.host.slice(-1));
  assert.equal(askedAt("example.com"), ["3"]);
  assert.equal(askedAt("x.example.com"), ["3"]);
  assert.equal(askedAt("notexample.com"), ["1"]);
  assert.equal(askedAt("x.a.example.com"), ["4"]);
  assert.equal(askedAt("B.test"), ["4"]);
  const nowhere = new UpstreamRun({ upstreams: [{ host: "2001:db8::3", port: 53, domains: ["example.com"] }] });
  assert.equal(nowhere.ask(1, "example.net").map(show), ["failed no-upstream"]);
});

test("a server that fails is asked last until it answered a question on the side", () => {
  const run = new UpstreamRun();
  for (let i = 0; i < FAILURES_TO_REST; i++) {
    const [first] = sent(run.ask());
    const [second] = sent(run.step({ kind: "refused", attempt: first.attempt }));
    run.step({ kind: "datagram", attempt: second.attempt, octets: answerTo(second.octets) });
  }
  assert.is(run.ask().map(show).join(", "), "udp 2", "rests");
  run.now += REST_FIRST;
  const both = sent(run.ask());
  assert.is(both.map(show).join(", "), "udp 2, udp 1", "asked on the side");
  assert.is(run.ask().map(show).join(", "), "udp 2", "once at a time");
  assert.equal(run.step({ kind: "datagram", attempt: both[1].attempt, octets: answerTo(both[1].octets) }).map(show), ["close"]);
  assert.is(run.ask().map(show).join(", "), "udp 1", "well again");
});

test("a server that stays silent rests longer each time, and all ill ones are still asked", () => {
  const run = new UpstreamRun({ upstreams: [SERVERS[0]] });
  for (let i = 0; i < 4; i++) {
    const [query] = sent(run.ask());
    assert.ok(query !== undefined);
    run.step({ kind: "refused", attempt: query.attempt });
  }
  assert.is(run.ask().map(show).join(", "), "udp 1");
});

test("without EDNS: remembered once an answer proves it, and tried again later", () => {
  const run = new UpstreamRun();
  const [first] = sent(run.ask());
  assert.ok(read(first.octets).edns !== undefined);
  const refusal = { ...none, rcode: RCODE_FORMERR, edns: undefined };
  const [second] = sent(run.step({ kind: "datagram", attempt: first.attempt, octets: answerTo(first.octets, refusal) }));
  assert.is(read(second.octets).edns, undefined);
  run.step({ kind: "datagram", attempt: second.attempt, octets: answerTo(second.octets) });
  assert.is(read(sent(run.ask(2))[0].octets).edns, undefined);
  run.now += 3_600_000;
  assert.ok(read(sent(run.ask(3))[0].octets).edns !== undefined);
});

test("a server that folds case: believed over TCP only, then asked in small letters", () => {
  const run = new UpstreamRun();
  const small: Make = (query) => {
    const octets = answerTo(query);
    octets.set(nameOctets(NAME), 12);
    return octets;
  };
  const [first] = sent(run.ask());
  const [second] = sent(run.step({ kind: "datagram", attempt: first.attempt, octets: small(first.octets) }));
  assert.is(second.kind, "send-tcp");
  assert.equal(run.step({ kind: "tcp-answer", attempt: second.attempt, octets: small(second.octets) }).map(show), ["close", "done"]);
  const [third] = sent(run.ask(2));
  assert.is(read(third.octets).questions[0].name, NAME);
  assert.equal(run.step({ kind: "datagram", attempt: third.attempt, octets: small(third.octets) }).map(show), ["close", "done"]);
});

test("a respelt forgery does not make us forget the case", () => {
  const run = new UpstreamRun();
  const [first] = sent(run.ask());
  const [second] = sent(run.step({ kind: "datagram", attempt: first.attempt, octets: flip(FIRST_LETTER, 0x20)(first.octets) }));
  run.step({ kind: "tcp-answer", attempt: second.attempt, octets: answerTo(second.octets) });
  assert.is.not(read(sent(run.ask(2))[0].octets).questions[0].name, NAME);
});

test("answers come back in the spelling that was asked for, names that point into the question too", () => {
  const run = new UpstreamRun();
  const [query] = sent(run.ask());
  const [{ name: spelt }] = read(query.octets).questions;
  assert.is.not(spelt, NAME);
  const target = dnsName(`host.${spelt}`);
  const answers = [
    { name: spelt, type: TYPE_CNAME, class: 1, ttl: 60, data: nameOctets(target) },
    { name: target, type: TYPE_AAAA, class: 1, ttl: 60, data: new Uint8Array(16) },
  ];
  const effects = run.step({ kind: "datagram", attempt: query.attempt, octets: answerTo(query.octets, { answers }) });
  const done = effects.find((effect) => effect.kind === "done");
  assert.ok(done?.kind === "done");
  assert.is(done.message.questions[0].name, NAME);
  assert.is(done.message.answers[0].name, NAME);
  assert.equal(done.message.answers[0].data, nameOctets(dnsName(`host.${NAME}`)));
  assert.is(done.message.answers[1].name, `host.${NAME}`);
});

test("many wrong datagrams at one socket: it is given up for TCP", () => {
  const run = new UpstreamRun();
  const [query] = sent(run.ask());
  const seen: string[] = [];
  for (let i = 1; i <= WRONG_MOST; i++)
    seen.push(...run.step({ kind: "datagram", attempt: query.attempt, octets: flip(0, i)(query.octets) }).map(show));
  assert.is(seen.join(", "), `${"drop forged-dns, ".repeat(WRONG_MOST)}close, tcp 1`);
});

test("whoever guesses blindly hits one of 2^(16 + letters), with as many tries as a socket allows", () => {
  const bits = (name: string) =>
    guessBits(
      makeQuery(
        { name: dnsName(name), type: TYPE_AAAA, dnssecOk: false, checkingDisabled: false },
        { edns: true, mixed: true },
        new Uint8Array(QUERY_RANDOM),
      ),
    );
  assert.is(bits("www.example.com"), 16 + 13);
  assert.is(bits("1.2.3"), 16);
  assert.is(bits(""), 16);
  const run = new UpstreamRun({}, 7);
  const ids = new Set<number>();
  const spellings = new Set<string>();
  let taken = 0;
  for (let i = 0; i < 2_000; i++) {
    const [query] = sent(run.ask(i));
    ids.add(u16(query.octets, 0));
    spellings.add(read(query.octets).questions[0].name);
    // The best that a forger can do who knows name, type and server: guess the rest.
    for (let guess = 0; guess < WRONG_MOST; guess++) {
      const forged = answerTo(query.octets);
      const guessed = run.random(4);
      forged.set(guessed.subarray(0, 2));
      for (let at = FIRST_LETTER; at < FIRST_LETTER + 15; at++)
        if (((guessed[2 + (at & 1)] >> (at & 7)) & 1) === 1 && forged[at] > 0x40) forged[at] ^= 0x20;
      if (run.step({ kind: "datagram", attempt: query.attempt, octets: forged }).some((effect) => effect.kind === "done")) taken++;
    }
    run.step({ kind: "poll" });
    run.now += 10 * TIMEOUT;
    run.step({ kind: "poll" });
  }
  assert.is(taken, 0);
  assert.ok(ids.size > 1_900, `${ids.size} ids`);
  assert.ok(spellings.size > 1_600, `${spellings.size} spellings`);
});

test("attempts are bounded; questions beyond wait, are served in turn and time out", () => {
  const run = new UpstreamRun();
  const first = Array.from({ length: ATTEMPTS_MOST }, (_, i) => sent(run.ask(i))[0]);
  assert.equal(run.ask(1_000), []);
  assert.equal(run.machine.totals(), { attempts: ATTEMPTS_MOST, waiting: 1 });
  const effects = run.step({ kind: "datagram", attempt: first[0].attempt, octets: answerTo(first[0].octets) });
  assert.equal(effects.map(show), ["close", "done", "udp 1"]);
  assert.equal(run.machine.totals(), { attempts: ATTEMPTS_MOST, waiting: 0 });
  for (let i = 0; i < 20_000; i++) run.ask(2_000 + i);
  assert.is(run.machine.totals().waiting, 8_192);
  while (run.machine.wakeAt < Number.POSITIVE_INFINITY) run.wake();
  assert.equal(run.machine.totals(), { attempts: 0, waiting: 0 });
});

test("new settings: what is known of a server that stays is kept, questions under way go on", () => {
  const run = new UpstreamRun();
  const [query] = sent(run.ask());
  run.machine.configure({ upstreams: [SERVERS[1]], timeout: TIMEOUT });
  assert.is(run.ask(2).map(show).join(", "), "udp 2");
  assert.equal(run.step({ kind: "datagram", attempt: query.attempt, octets: answerTo(query.octets) }).map(show), ["close", "done"]);
});

test("events in any order never throw, and each attempt that was sent is closed once", () => {
  const run = new UpstreamRun();
  const machine = new Upstream({ upstreams: [], timeout: 1 });
  for (const kind of ["refused", "tcp-failed"] as const) assert.equal(machine.step({ kind, attempt: 1 }, 0), []);
  const events: ((attempt: number, octets: Uint8Array) => UpstreamEvent)[] = [
    (attempt) => ({ kind: "refused", attempt }),
    (attempt, octets) => ({ kind: "datagram", attempt, octets: answerTo(octets, { ...none, truncated: true }) }),
    (attempt, octets) => ({ kind: "tcp-answer", attempt, octets: answerTo(octets) }),
  ];
  for (const event of events) {
    const [query] = sent(run.ask());
    run.step(event(query.attempt, query.octets));
  }
  while (run.machine.wakeAt < Number.POSITIVE_INFINITY) run.wake();
  assert.equal(run.machine.totals(), { attempts: 0, waiting: 0 });
});

test.run();
