import { test } from "uvu";
import * as assert from "uvu/assert";
import { createApi } from "../../../runtime/api/app.ts";
import { eventRow, listing } from "../../../runtime/api/rows.ts";
import { FEED_EVENTS, FEED_LISTENERS, Feed } from "../../../runtime/box/feed.ts";
import { fakeFacade } from "../../lib/facade.ts";

function worldOf() {
  const alarms: { at: number; run: () => void }[] = [];
  const time = { now: 0 };
  const feed = new Feed({
    run: "7",
    now: () => time.now,
    wall: () => 1_790_000_000_000 + time.now,
    later: (at, run) => alarms.push({ at, run }),
  });
  const api = createApi(fakeFacade(1, feed));
  const tell = (count: number) => {
    for (let i = 0; i < count; i++) feed.heard({ at: time.now, kind: "moved", text: `event ${feed.latest + 1}` });
  };
  const pass = () => {
    const due = alarms.splice(0);
    for (const { at, run } of due) {
      time.now = Math.max(time.now, at);
      run();
    }
  };
  const open = (lastSeen?: string) => api.request("/events", { headers: lastSeen === undefined ? {} : { "last-event-id": lastSeen } });
  return { feed, api, tell, pass, open, alarms };
}

/** Reads pieces of a stream, as many as there are at once. */
class Reader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  constructor(response: Response) {
    assert.ok(response.body);
    this.#reader = response.body.getReader();
  }
  async next(): Promise<string> {
    return new TextDecoder().decode((await this.#reader.read()).value);
  }
  /** Numbers of the events up to `last`, and how many were missed. */
  async until(last: number): Promise<{ numbers: number[]; missed: number }> {
    let text = "";
    while (!text.includes(`id: 7-${last}\n`)) text += await this.next();
    const missed = [...text.matchAll(/event: missed\ndata: {"count":(\d+)}\n\n/g)].reduce((sum, [, count]) => sum + Number(count), 0);
    return { numbers: [...text.matchAll(/^id: 7-(\d+)$/gm)].map(([, number]) => Number(number)), missed };
  }
  cancel(): Promise<void> {
    return this.#reader.cancel();
  }
}

const upTo = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, i) => first + i);

test("events come as they happen, in their form", async () => {
  const { tell, open } = worldOf();
  tell(3);
  const response = await open();
  assert.is(response.headers.get("content-type"), "text/event-stream");
  const reader = new Reader(response);
  assert.is(await reader.next(), "retry: 2000\n\n");
  tell(1);
  const text = await reader.next();
  assert.match(text, /^id: 7-4\nevent: moved\ndata: {.*}\n\n$/);
  const row = JSON.parse(text.split("data: ")[1]);
  assert.equal(eventRow.parse(row), { id: "7-4", at: "2026-09-21T14:13:20.000Z", kind: "moved", text: "event 4" });
  await reader.cancel();
});

test("Last-Event-ID goes on where the client was", async () => {
  const { tell, open } = worldOf();
  tell(150);
  const cases: [lastSeen: string, first: number][] = [
    ["7-149", 150],
    ["7-0", 1],
    ["7-40", 41],
    ["6-149", 1],
    ["nonsense", 1],
    ["7-9999", 1],
    ["7-1-1", 1],
  ];
  for (const [lastSeen, first] of cases) {
    const reader = new Reader(await open(lastSeen));
    assert.equal(await reader.until(150), { numbers: upTo(first, 150), missed: 0 }, lastSeen);
    await reader.cancel();
  }
});

test("what is kept is bounded; who comes too late hears how much is gone", async () => {
  const { feed, tell, open } = worldOf();
  tell(FEED_EVENTS + 100);
  assert.equal([feed.oldest, feed.latest], [101, FEED_EVENTS + 100]);
  const reader = new Reader(await open("7-50"));
  assert.equal(await reader.until(FEED_EVENTS + 100), { numbers: upTo(101, FEED_EVENTS + 100), missed: 50 });
  await reader.cancel();
});

test("a burst reaches a client that reads slowly, once and in order", async () => {
  const { tell, open } = worldOf();
  const reader = new Reader(await open());
  tell(1_000);
  await Promise.resolve();
  tell(1_000);
  assert.equal(await reader.until(2_000), { numbers: upTo(1, 2_000), missed: 0 });
  tell(2 * FEED_EVENTS);
  const { numbers, missed } = await reader.until(2_000 + 2 * FEED_EVENTS);
  assert.is(numbers.length + missed, 2 * FEED_EVENTS);
  assert.ok(missed > 0);
  await reader.cancel();
});

test("a client that reads nothing is cut, one that reads hears a beat", async () => {
  const { tell, open, pass } = worldOf();
  const idle = new Reader(await open());
  const awake = new Reader(await open());
  await idle.next();
  await awake.next();
  pass();
  assert.is(await awake.next(), ":\n\n");
  for (let i = 0; i < 10; i++) {
    tell(1);
    assert.match(await awake.next(), /^id: 7-/);
  }
  pass();
  await awake.next();
  pass();
  await awake.next();
  let cut: unknown;
  for (let i = 0; i < 20 && cut === undefined; i++) await idle.next().catch((error: unknown) => (cut = error));
  assert.instance(cut, Error);
  tell(1);
  assert.match(await awake.next(), /^id: 7-11\n/);
  await awake.cancel();
});

test("listeners are bounded, and those who go make room; without any nothing wakes the box", async () => {
  const { open, pass, alarms } = worldOf();
  const readers: Reader[] = [];
  for (let i = 0; i < FEED_LISTENERS; i++) readers.push(new Reader(await open()));
  const refused = await open();
  assert.equal([refused.status, refused.headers.get("content-type")], [503, "application/problem+json"]);
  assert.is(alarms.length, 1);
  await readers.pop()?.cancel();
  readers.push(new Reader(await open()));
  for (const reader of readers) await reader.cancel();
  pass();
  assert.is(alarms.length, 0);
});

test("HEAD opens no stream; JSON gives the latest", async () => {
  const { api, tell } = worldOf();
  for (let i = 0; i < 2 * FEED_LISTENERS; i++) assert.is((await api.request("/events", { method: "HEAD" })).status, 200);
  tell(3);
  const body = JSON.parse(await (await api.request("/events", { headers: { accept: "application/json" } })).text());
  assert.equal(listing(eventRow).parse(body), body);
  assert.equal([body.items.map(({ id }: { id: string }) => id), body.total], [["7-1", "7-2", "7-3"], 3]);
});

test.run();
