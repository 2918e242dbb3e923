/** `pshim6 top`: rates, keys, the screen line by line, and its course on a made-up box. */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createApi } from "../../../runtime/api/app.ts";
import { Feed } from "../../../runtime/box/feed.ts";
import { type TopPicture, topLines } from "../../../runtime/cli/top-screen.ts";
import { FIRST_WISH, keysIn, lostShares, pressed, Rates, type TopLook, type TopWish } from "../../../runtime/cli/top-state.ts";
import { CliMachine } from "../../lib/clihost.ts";
import { contextRow, fakeFacade } from "../../lib/facade.ts";
import { seed } from "../../lib/seed.ts";

const SOCKET = "/run/pshim6/alpha.sock";
const WALL = 1_800_000_000_000;

function lookAt(contexts: number): TopLook {
  const box = fakeFacade(contexts);
  return {
    at: WALL,
    status: box.status(),
    providers: [...box.providers()],
    paths: [...box.paths()],
    flows: box.flows(),
    history: box.history(0),
    contexts: { items: Array.from({ length: contexts }, (_, id) => contextRow(id)), total: contexts + 2, next: null },
  };
}

function picture(contexts: number, wish: Partial<TopWish> = {}): TopPicture {
  const look = lookAt(contexts);
  const events = [{ id: "1-1", at: "2027-01-15T07:59:00.000Z", kind: "moved", text: "context 1 moved" }];
  const rated = new Rates().update(look.contexts.items, WALL);
  return { look, contexts: rated, events, trouble: undefined, wish: { ...FIRST_WISH, ...wish } };
}

test("the screen, line by line", () => {
  const lines = topLines(picture(3), { columns: 110, rows: 18, coloured: false });
  assert.equal(lines, [
    "pshim6 alpha  08:00:00 UTC  up 1h01m  contexts 3 of 65536  out 20.0Mbit/s  in 320.0kbit/s  1.2.3 on node 26.1…",
    "[o overview]  p providers  c contexts  e events  / filter  q quit",
    "name  prefix            state  interface  priority  weight  contexts  out bit/s  in bit/s",
    "isp1  2001:db8:a1::/48  up     up1              10      60         3      20.0M    320.0k",
    "",
    "box           local            peer             by    state  since  rtt  down  loss   mtu  contexts",
    "cdcdcdcdcdcd  2001:db8:a1::10  2001:db8:b3::10  isp1  lost   250ms    -  33 %     -  1400         0",
    "",
    "id  host            peer             state        by    local locator   peer locator     out bit/s  in bit/s",
    " 0  fc00:aaaa:1::0  fc00:bbbb:1::10  Operational  isp1  2001:db8:a1::0  2001:db8:b3::10          0         0",
    " 1  fc00:aaaa:1::1  fc00:bbbb:1::10  Operational  isp1  2001:db8:a1::1  2001:db8:b3::10          0         0",
    " 2  fc00:aaaa:1::2  fc00:bbbb:1::10  Operational  isp1  2001:db8:a1::2  2001:db8:b3::10          0         0",
    "2 contexts more are not looked at",
    "",
    "",
    "",
    "",
    "07:59:00 moved: context 1 moved",
  ]);
});

test("any screen is filled exactly, whatever is wanted", () => {
  const wish = fc.record({
    view: fc.constantFrom("overview", "providers", "contexts", "events" as const),
    filter: fc.string({ maxLength: 5 }),
    typing: fc.boolean(),
    scroll: fc.nat(50),
  });
  fc.assert(
    fc.property(wish, fc.integer({ min: 20, max: 200 }), fc.integer({ min: 1, max: 60 }), fc.nat(30), (wanted, columns, rows, contexts) => {
      const lines = topLines(picture(contexts, wanted as Partial<TopWish>), { columns, rows, coloured: false });
      assert.is(lines.length, rows);
      // Numbers and names of contexts cannot be cut below 75 characters.
      for (const line of lines) assert.ok(line.length <= Math.max(columns, 75), `${line.length} > ${columns}: ${line}`);
    }),
    { seed },
  );
});

test("filter, scrolling, views; a box that does not answer", () => {
  const screen = { columns: 120, rows: 12, coloured: false };
  const one = topLines(picture(30, { view: "contexts", filter: "1::17" }), screen);
  assert.match(one[3], /^17 /);
  assert.match(one[1], /\/ filter: 1::17/);
  assert.is(one[4], "2 contexts more are not looked at");
  const far = topLines(picture(30, { view: "contexts", scroll: 99 }), screen);
  assert.match(far[9], /^29 /);
  assert.match(topLines(picture(3, { view: "events" }), screen)[3], /moved +context 1 moved$/);
  assert.is(topLines(picture(3, { view: "events", filter: "none" }), screen)[2], "no events");
  assert.is(topLines(picture(3, { typing: true, filter: "fc" }), screen)[1], "filter: fc_");
  const silent = topLines({ ...picture(3), trouble: "no box answers" }, screen);
  assert.is(silent.at(-1), "no box answers");
  assert.equal(topLines({ ...picture(0), look: undefined }, { ...screen, rows: 3 }).length, 3);
});

test("rates out of two looks; a new context under an old id has none yet", () => {
  const rates = new Rates();
  const octets = (id: number, sent: number, received: number, localTag = "1") =>
    contextRow(id, { localTag, sent: { packets: 1, octets: sent }, received: { packets: 1, octets: received } });
  const first = rates.update([octets(0, 1_000, 0), octets(1, 500, 0)], 1_000);
  assert.equal(
    first.map(({ rate }) => rate.sent),
    [0, 0],
  );
  const second = rates.update([octets(0, 1_100, 0), octets(1, 600, 900), octets(2, 7, 7)], 1_500);
  assert.equal(
    second.map(({ id, rate }) => [id, rate.sent, rate.received]),
    [
      [1, 200, 1_800],
      [0, 200, 0],
      [2, 0, 0],
    ],
  );
  const third = rates.update([octets(0, 9_000, 9_000, "2"), octets(1, 5, 5)], 2_000);
  assert.ok(third.every(({ rate }) => rate.sent === 0 && rate.received === 0));
});

test("loss of paths that were looked at", () => {
  const path = { path: "a", peerBox: "b", localProvider: null, peerLocator: "::1", rttMs: [], loss: [] };
  const history = {
    stepMs: 1,
    latest: 4,
    from: 1,
    paths: [
      { ...path, states: "lalu-" },
      { ...path, path: "b", states: "u-" },
    ],
  };
  assert.equal([...lostShares(history)], [["a", 2 / 3]]);
});

test("keys, also several at once", () => {
  assert.equal(keysIn("q\x1b[A\x1bOB\x1b[5~x\x1b"), ["q", "\x1b[A", "\x1b[B", "\x1b[5~", "x", "\x1b"]);
  const after = (text: string, from: Partial<TopWish> = {}) => pressed({ ...FIRST_WISH, ...from }, text, 30);
  assert.is(after("c").view, "contexts");
  assert.is(after("cp").view, "providers");
  assert.is(after("e\x1b").view, "overview");
  assert.is(after("\x1b[B\x1b[B\x1b[A").scroll, 1);
  assert.is(after("\x1b[F").scroll, 29);
  assert.is(after("\x1b[H", { scroll: 5 }).scroll, 0);
  assert.is(after(" \x1b[6~").scroll, 20);
  assert.equal([after("/fc:q").filter, after("/fc:q").typing, after("/fc:q").quit], ["fc:q", true, false]);
  assert.equal([after("/fcx\x7f\r").filter, after("/fcx\x7f\r").typing], ["fc", false]);
  assert.is(after("/fc\x1b").filter, "");
  assert.is(after("q").quit && after("\x03").quit && after("/\x03").quit, true);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.is(keysIn(text).join("").length <= text.length, true);
      assert.ok(after(text).scroll >= 0);
    }),
    { seed },
  );
});

async function machine(): Promise<CliMachine> {
  const made = new CliMachine();
  const feed = new Feed({ run: "7", now: () => 0, wall: () => WALL, later: () => undefined });
  const api = createApi(fakeFacade(3, feed));
  await made.http.serveSocket(SOCKET, (request) => api.fetch(request));
  return made;
}

test("the terminal is given back: after q, after a signal, after an error", async () => {
  const box = await machine();
  const quits = await box.run(["top", "--socket", SOCKET], { columns: 100, rows: 20, pauses: 9, paused: ({ press }) => press?.("q") });
  assert.equal([quits.code, quits.err], [0, ""]);
  assert.ok(quits.out.startsWith("\x1b[?1049h\x1b[?25l\x1b[Hpshim6 alpha"));
  assert.ok(quits.out.endsWith("\x1b[?25h\x1b[?1049l"));
  assert.is(box.press, undefined);
  const stopped = await box.run(["top", "--socket", SOCKET], { columns: 100 });
  assert.ok(stopped.code === 0 && stopped.out.endsWith("\x1b[?25h\x1b[?1049l"));
  const broken = {
    terminal: {
      size: () => {
        throw new Error("no size");
      },
      keys: () => () => undefined,
      onResize: () => () => undefined,
    },
  };
  const failed = await box.run(["top", "--socket", SOCKET], { columns: 100, host: broken });
  assert.ok(failed.code === 1 && failed.out.endsWith("\x1b[?25h\x1b[?1049l"));
});

test("no terminal, no box", async () => {
  const piped = await (await machine()).run(["top", "--socket", SOCKET]);
  assert.equal([piped.code, piped.out], [1, ""]);
  assert.match(piped.err, /top needs a terminal/);
  const none = await new CliMachine().run(["top", "--socket", SOCKET], { columns: 80 });
  assert.equal([none.code, none.out], [1, ""]);
});

test.run();
