/** `pshim6 events` and the reader of server-sent events. */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createApi } from "../../../runtime/api/app.ts";
import { Feed } from "../../../runtime/box/feed.ts";
import { EventParser, readEvents } from "../../../runtime/cli/sse.ts";
import { CliMachine } from "../../lib/clihost.ts";
import { fakeFacade } from "../../lib/facade.ts";
import { seed } from "../../lib/seed.ts";

const SOCKET = "/run/pshim6/alpha.sock";
const STREAM = 'retry: 2000\n\n:\n\nid: 7-1\nevent: moved\ndata: {"a":1}\n\nevent: missed\ndata: one\ndata: two\n\n';
const EVENTS = [
  { kind: "moved", data: '{"a":1}', id: "7-1" },
  { kind: "missed", data: "one\ntwo", id: "7-1" },
];

test("a stream is read whatever its pieces and line ends", () => {
  const ends = fc.constantFrom("\n", "\r\n", "\r");
  fc.assert(
    fc.property(ends, fc.array(fc.nat(STREAM.length), { maxLength: 8 }), (end, cuts) => {
      const text = STREAM.replaceAll("\n", end);
      const parser = new EventParser();
      const places = [0, ...cuts.sort((a, b) => a - b), text.length];
      const heard = places.slice(1).flatMap((to, i) => parser.take(text.slice(places[i], to)));
      // A carriage return alone at the end may become a line end of two.
      assert.equal(end === "\r" ? [...heard, ...parser.take("\n")] : heard, EVENTS);
    }),
    { seed },
  );
});

test("any text makes no error, and an event without an end makes one", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 30 })), (pieces) => {
      const parser = new EventParser();
      for (const piece of pieces) parser.take(piece);
    }),
    { seed },
  );
  assert.throws(() => new EventParser().take("x".repeat(2_000_000)), RangeError);
});

test("a field without a value, without a blank, and one that nobody knows", () => {
  assert.equal(new EventParser().take("data\ndata:x\nnone: 1\n\n"), [{ kind: "message", data: "\nx", id: undefined }]);
});

function feed(events: number): Feed {
  const made = new Feed({ run: "7", now: () => 0, wall: () => 1_800_000_000_000, later: () => undefined });
  for (let i = 1; i <= events; i++) made.heard({ kind: i % 2 === 0 ? "moved" : "state", at: 0, text: `number ${i}` });
  return made;
}

async function machine(from: Feed): Promise<CliMachine> {
  const made = new CliMachine();
  const api = createApi(fakeFacade(1, from));
  await made.http.serveSocket(SOCKET, (request) => api.fetch(request));
  return made;
}

test("events as a table, as values, as JSON", async () => {
  const box = await machine(feed(3));
  const { out } = await box.run(["events", "--socket", SOCKET]);
  assert.match(out, /^at +kind +text\n2027-01-15T08:00:00.000Z +state +number 1\n/);
  assert.match(
    (await box.run(["show", "events", "--socket", SOCKET, "-o", "tsv", "--kind", "moved"])).out,
    /^at\tkind\ttext\n.*\tnumber 2\n$/,
  );
  const json = JSON.parse((await box.run(["events", "--socket", SOCKET, "--json", "--limit", "1"])).out);
  assert.equal([json.items.length, json.items[0].id], [1, "7-3"]);
  assert.is((await (await machine(feed(0))).run(["events", "--socket", SOCKET])).out, "no events\n");
});

test("who follows hears of what comes, goes on after a break, and hears of what is gone", async () => {
  const events = feed(2);
  const box = await machine(events);
  const streams = [
    // Broken off in the middle of an event.
    'id: 7-3\nevent: moved\ndata: {"id":"7-3","at":"2027","kind":"moved","text":"third"}\n\nid: 7-4\nevent: mo',
    'event: missed\ndata: {"count":5}\n\nid: 7-9\nevent: moved\ndata: {"id":"7-9","at":"2027","kind":"moved","text":"ninth"}\n\n',
  ];
  const asked: (string | null)[] = [];
  const memory = new CliMachine();
  await memory.http.serveSocket(SOCKET, (request) => {
    if (request.headers.get("accept") === "application/json") return Response.json({ items: events.after(0, 9), total: 2, next: null });
    asked.push(request.headers.get("last-event-id"));
    return new Response(streams.shift() ?? "", { headers: { "content-type": "text/event-stream" } });
  });
  const { code, out, err } = await memory.run(["events", "--follow", "--socket", SOCKET, "--json"], { pauses: 1 });
  assert.is(code, 0);
  assert.equal(
    out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).text),
    ["number 1", "number 2", "third", "ninth"],
  );
  assert.equal(asked, ["7-2", "7-3"]);
  assert.is(err, "pshim6: 5 events are gone for good\n");
  assert.is(box.paused.length, 0);
});

test("a reader that stops cancels the stream", async () => {
  let cancelled = false;
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode("data: x\n\n")),
    cancel: () => {
      cancelled = true;
    },
  });
  for await (const event of readEvents(stream)) {
    assert.is(event.data, "x");
    break;
  }
  assert.is(cancelled, true);
});

test.run();
