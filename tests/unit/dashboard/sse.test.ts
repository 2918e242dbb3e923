/** Server-sent events out of pieces of any size. */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Message, MessageReader } from "../../../runtime/dashboard/sse.ts";
import { seed } from "../../lib/seed.ts";

const read = (...pieces: string[]): Message[] => {
  const reader = new MessageReader();
  return pieces.flatMap((piece) => reader.push(piece));
};

test("an event has an id, a kind and data", () => {
  assert.equal(read('retry: 2000\n\nid: 1-2\nevent: moved\ndata: {"a":1}\n\n'), [{ id: "1-2", kind: "moved", data: '{"a":1}' }]);
});

test("lines of data are joined, comments and what is unknown are passed over, ids last", () => {
  assert.equal(read("id: 7\ndata: a\ndata:  b\ndata\n\n:\n\nfoo: bar\ndata:c\n\n"), [
    { id: "7", kind: "message", data: "a\n b\n" },
    { id: "7", kind: "message", data: "c" },
  ]);
});

test("an event without data is none, and leaves no kind behind", () => {
  assert.equal(read("event: moved\n\ndata: x\n\n"), [{ id: "", kind: "message", data: "x" }]);
});

test("an unfinished event waits", () => {
  assert.equal(read("data: x\n"), []);
  assert.equal(read("da", "ta: x\n", "\n"), [{ id: "", kind: "message", data: "x" }]);
});

test("CR, LF and CRLF end lines, wherever the pieces are cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ id: fc.integer({ min: 1 }), data: fc.stringMatching(/^[a-z:]{1,9}$/) }), { maxLength: 5 }),
      fc.constantFrom("\n", "\r\n", "\r"),
      fc.array(fc.nat(40), { maxLength: 6 }),
      (events, end, cuts) => {
        const text = events.map(({ id, data }) => `id: ${id}${end}data: ${data}${end}${end}`).join("");
        const pieces: string[] = [];
        let rest = text;
        for (const cut of cuts) {
          pieces.push(rest.slice(0, cut));
          rest = rest.slice(cut);
        }
        // The end of a stream of CRs shows with the next character only.
        const got = read(...pieces, rest, end === "\r" ? ":" : "");
        assert.equal(
          got,
          events.map(({ id, data }) => ({ id: String(id), kind: "message", data })),
        );
      },
    ),
    { seed },
  );
});

test("a stream without an end of event is refused", () => {
  const reader = new MessageReader();
  assert.throws(() => {
    for (let i = 0; i < 30; i++) reader.push("x".repeat(50_000));
  }, RangeError);
});

test.run();
