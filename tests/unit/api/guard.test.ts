import { test } from "uvu";
import * as assert from "uvu/assert";
import { Buckets, CLIENT_BURST, CLIENTS, guarded } from "../../../runtime/api/guard.ts";
import { problem } from "../../../runtime/api/rows.ts";

const TOKEN = "0123456789abcdef0123456789abcdef";

function guardOf(isLoopback: boolean) {
  const counted: string[] = [];
  const world = { now: 0, reached: 0 };
  const handle = guarded({
    fetch: () => {
      world.reached++;
      return new Response("fine");
    },
    isToken: (text) => text === TOKEN,
    isLoopback,
    now: () => world.now,
    count: (name) => counted.push(name),
  });
  const ask = (method: string, headers: Record<string, string> = {}, client = "::1") =>
    handle(new Request("http://[::1]:8686/status", { method, headers: { host: "[::1]:8686", ...headers } }), client);
  return { counted, world, ask };
}

test("who may do what", async () => {
  const right = `Bearer ${TOKEN}`;
  const rows: [loopback: boolean, method: string, authorization: string | undefined, status: number][] = [
    [true, "GET", undefined, 200],
    [true, "HEAD", undefined, 200],
    [true, "GET", right, 200],
    [true, "GET", "Bearer wrong", 401],
    [true, "GET", "Basic eDp5", 401],
    [true, "GET", TOKEN, 401],
    [true, "GET", "Bearer", 401],
    [true, "POST", undefined, 401],
    [true, "POST", `${right}0`, 401],
    [true, "POST", right, 200],
    [true, "POST", `bearer  ${TOKEN}`, 200],
    [true, "DELETE", undefined, 401],
    [true, "OPTIONS", undefined, 401],
    [false, "GET", undefined, 401],
    [false, "HEAD", undefined, 401],
    [false, "GET", "Bearer wrong", 401],
    [false, "GET", right, 200],
    [false, "POST", undefined, 401],
    [false, "POST", right, 200],
  ];
  for (const [loopback, method, authorization, status] of rows) {
    const { ask, counted, world } = guardOf(loopback);
    const answer = await ask(method, authorization === undefined ? {} : { authorization });
    const what = `${loopback ? "loopback" : "elsewhere"} ${method} ${authorization}`;
    assert.is(answer.status, status, what);
    assert.equal(counted, status === 401 ? ["drop-token-api"] : [], what);
    assert.is(world.reached, status === 200 ? 1 : 0, what);
    if (status !== 401) continue;
    assert.match(answer.headers.get("www-authenticate") ?? "", /^Bearer realm="pshim6"/);
    assert.is(problem.parse(await answer.json()).status, 401);
  }
});

test("Host: a name that was made to point here is refused on loopback", async () => {
  for (const [host, status] of [
    ["localhost", 200],
    ["LOCALHOST:8686", 200],
    ["127.0.0.1:8686", 200],
    ["127.9.9.9", 200],
    ["[::1]:8686", 200],
    ["[::1]", 200],
    ["evil.example", 421],
    ["evil.example:8686", 421],
    ["127.0.0.1.evil.example", 421],
    ["localhost.evil.example", 421],
    ["[::1].evil.example", 421],
    ["", 421],
  ] as const) {
    const { ask, counted } = guardOf(true);
    assert.is((await ask("GET", { host })).status, status, host);
    assert.equal(counted, status === 200 ? [] : ["drop-host-api"], host);
  }
  assert.is((await guardOf(false).ask("GET", { host: "box.example", authorization: `Bearer ${TOKEN}` })).status, 200);
});

test("rates: one client is held back, others are not, and it may again later", async () => {
  const { ask, world, counted } = guardOf(true);
  for (let i = 0; i < CLIENT_BURST; i++) assert.is((await ask("GET", {}, "2001:db8::1")).status, 200);
  const refused = await ask("GET", {}, "2001:db8::2");
  assert.equal([refused.status, refused.headers.get("retry-after")], [429, "1"], "another address of the same network");
  assert.equal(counted, ["drop-rate-api"]);
  assert.is((await ask("GET", {}, "2001:db8:0:1::1")).status, 200);
  assert.is((await ask("GET", {}, "127.0.0.1")).status, 200);
  world.now += 1_000;
  assert.is((await ask("GET", {}, "2001:db8::1")).status, 200);
});

test("guesses at the token are dear", async () => {
  const { ask, world } = guardOf(true);
  const statuses: number[] = [];
  for (let i = 0; i < 50; i++) statuses.push((await ask("POST", { authorization: `Bearer ${i}` })).status);
  assert.ok(statuses.filter((status) => status === 401).length <= 10, statuses.join());
  assert.is(statuses.at(-1), 429);
  assert.is((await ask("POST", { authorization: `Bearer ${TOKEN}` })).status, 429, "the right one has to wait, too");
  world.now += 60_000;
  assert.is((await ask("POST", { authorization: `Bearer ${TOKEN}` })).status, 200);
});

test("the table of clients is bounded", () => {
  const buckets = new Buckets(1, 2, CLIENTS);
  for (let i = 0; i < 5 * CLIENTS; i++) assert.ok(buckets.take(String(i), 1, 0));
  assert.is(buckets.size, CLIENTS);
  assert.equal(
    [1, 1, 1].map((cost) => buckets.take("new", cost, 0)),
    [true, true, false],
  );
  assert.is(buckets.take("new", 1, 1_000), true);
});

test.run();
