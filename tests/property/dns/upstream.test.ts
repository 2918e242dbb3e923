/** The machine that asks resolvers on a bad network: loss, delay, doubles, forgeries. Every question ends, in time, and with nothing forged. */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TOTAL_TIME, type UpstreamEffect } from "../../../runtime/dns/upstream.ts";
import { makeQuery, QUERY_RANDOM, readAnswer } from "../../../runtime/dns/upstream-query.ts";
import { dnsName } from "../../../runtime/wire/dns-name.ts";
import { seed } from "../../lib/seed.ts";
import { answerTo, sent, TIMEOUT, UpstreamRun } from "../../lib/upstream.ts";

/** What becomes of one attempt. */
const fate = fc.record({
  way: fc.constantFrom("answer", "answer", "lost", "refused", "servfail", "cut", "forged", "noise", "twice"),
  delay: fc.integer({ min: 0, max: 2 * TIMEOUT }),
});

test("each question gets one end, in time, and none by a forgery", () => {
  fc.assert(
    fc.property(fc.array(fate, { minLength: 40, maxLength: 40 }), fc.integer({ min: 1, max: 12 }), fc.nat(), (fates, questions, start) => {
      const run = new UpstreamRun({}, start);
      const ends = new Map<number, UpstreamEffect>();
      const open = new Set<number>();
      const arrivals: { at: number; go: () => UpstreamEffect[] }[] = [];
      let next = 0;
      const carry = (effects: readonly UpstreamEffect[]): void => {
        for (const effect of effects) {
          if (effect.kind === "close") assert.ok(open.delete(effect.attempt), "closed what is not open");
          if (effect.kind !== "done" && effect.kind !== "failed") continue;
          assert.not(ends.has(effect.fetch), "ended twice");
          ends.set(effect.fetch, effect);
          if (effect.kind === "done")
            assert.not(
              effect.message.answers.some(({ ttl }) => ttl === 666),
              "a forgery was believed",
            );
        }
        for (const { attempt, octets, kind } of sent(effects)) {
          open.add(attempt);
          const { way, delay } = fates[next++ % fates.length];
          const arrive = (answer: Uint8Array) => {
            const event = kind === "send-udp" ? ("datagram" as const) : ("tcp-answer" as const);
            arrivals.push({ at: run.now + delay, go: () => run.step({ kind: event, attempt, octets: answer }) });
          };
          if (way === "answer" || way === "twice") arrive(answerTo(octets));
          if (way === "twice") arrive(answerTo(octets));
          if (way === "servfail") arrive(answerTo(octets, { answers: [], rcode: 2 }));
          if (way === "cut") arrive(answerTo(octets, { answers: [], truncated: true }));
          if (way === "refused") arrivals.push({ at: run.now + delay, go: () => run.step({ kind: "refused", attempt }) });
          if (way === "noise") arrive(run.random(30));
          if (way === "forged" && kind === "send-udp")
            for (let i = 0; i < 6; i++) {
              const forged = answerTo(octets, {
                answers: [{ name: dnsName("www.example.com"), type: 28, class: 1, ttl: 666, data: new Uint8Array(16) }],
              });
              forged[0] ^= 1 + i;
              arrive(forged);
            }
        }
      };
      const begun = run.now;
      for (let i = 0; i < questions; i++) carry(run.ask(i));
      for (;;) {
        arrivals.sort((a, b) => a.at - b.at);
        const first = arrivals.at(0);
        const wake = run.machine.wakeAt;
        if (first !== undefined && first.at <= wake) {
          arrivals.shift();
          run.now = Math.max(run.now, first.at);
          carry(first.go());
        } else if (wake < Number.POSITIVE_INFINITY) carry(run.wake());
        else break;
      }
      assert.is(ends.size, questions);
      assert.is(open.size, 0);
      assert.equal(run.machine.totals(), { attempts: 0, waiting: 0 });
      assert.ok(run.now <= begun + TOTAL_TIME + 2 * TIMEOUT + 2 * TIMEOUT);
    }),
    { seed, numRuns: 300 },
  );
});

test("any octets are read without an error", () => {
  const query = makeQuery(
    { name: dnsName("a.example"), type: 28, dnssecOk: true, checkingDisabled: false },
    { edns: true, mixed: true },
    new Uint8Array(QUERY_RANDOM),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), fc.boolean(), (octets, stream, begins) => {
      const all = begins ? Uint8Array.from([...answerTo(query.octets).subarray(0, 27), ...octets]) : octets;
      readAnswer(all, query, stream);
    }),
    { seed, numRuns: 2_000 },
  );
});

test.run();
