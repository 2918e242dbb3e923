import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { BODY_OCTETS, createApi } from "../../../runtime/api/app.ts";
import { ROWS_DEFAULT, ROWS_LIMIT } from "../../../runtime/api/fields.ts";
import {
  bindingRow,
  contextRow,
  counterRows,
  healthRow,
  keyRow,
  leaseRow,
  listing,
  pathRow,
  problem,
  providerRow,
  reloadRow,
  statusRow,
} from "../../../runtime/api/rows.ts";
import { fakeFacade } from "../../lib/facade.ts";
import { seed } from "../../lib/seed.ts";

async function get(box: Parameters<typeof createApi>[0], path: string, method = "GET") {
  const response = await createApi(box).request(path, { method });
  return { status: response.status, type: response.headers.get("content-type"), body: JSON.parse(await response.text()) };
}

test("each route answers in its schema", async () => {
  const routes = {
    "/status": statusRow,
    "/counters": counterRows,
    "/contexts": listing(contextRow),
    "/paths": listing(pathRow),
    "/providers": listing(providerRow),
    "/bindings": listing(bindingRow),
    "/leases": listing(leaseRow),
    "/keys": listing(keyRow),
  };
  for (const [path, schema] of Object.entries(routes)) {
    const { status, type, body } = await get(fakeFacade(3), path);
    assert.equal([status, type], [200, "application/json"], path);
    assert.equal(schema.parse(body), body, path);
  }
});

test("counters keep their zeros", async () => {
  assert.equal((await get(fakeFacade(0), "/counters")).body, { "out-shim6-packets": 42, "drop-bad-sum-shim6": 0 });
});

test("a list is cut at its limit, without making the rest", async () => {
  const box = fakeFacade(100_000);
  const { body } = await get(box, "/contexts");
  assert.equal([body.items.length, body.total], [ROWS_DEFAULT, 100_000]);
  assert.ok(box.made <= ROWS_DEFAULT + 1, `${box.made} rows were made`);
  const few = (await get(fakeFacade(5), "/contexts?limit=2")).body;
  assert.equal([few.items.map(({ id }: { id: number }) => id), few.total], [[0, 1], 5]);
  assert.equal((await get(fakeFacade(5), "/contexts?limit=0")).body, { items: [], total: 5, next: null });
});

test("contexts and bindings of one host", async () => {
  const one = (await get(fakeFacade(50), "/contexts?ulid=FC00:aaaa:1:0::7")).body;
  assert.equal([one.items[0].id, one.items.length, one.total], [7, 1, 1]);
  const peer = (await get(fakeFacade(50), "/contexts?ulid=fc00:bbbb:1::10&limit=3")).body;
  assert.equal([peer.items.length, peer.total], [3, 50]);
  assert.equal((await get(fakeFacade(0), "/bindings?ulid=fc00::1")).body, { items: [], total: 0, next: null });
  assert.is((await get(fakeFacade(0), "/leases?ulid=fc00:aaaa:1::2")).body.items[0].state, "declined");
});

test("errors are problem details", async () => {
  const cases: [path: string, method: string, status: number][] = [
    ["/nothing", "GET", 404],
    ["/", "GET", 404],
    ["/nothing", "POST", 404],
    ["/contexts/", "GET", 404],
    ["/contexts/9", "GET", 404],
    ["/contexts/-1", "GET", 400],
    ["/contexts/0x1", "GET", 400],
    ["/contexts/0/discard", "GET", 405],
    ["/contexts/9/discard", "POST", 404],
    ["/contexts/0/rehome", "POST", 409],
    ["/contexts/9/rehome", "POST", 404],
    ["/contexts?state=", "GET", 400],
    ["/contexts?states=ESTABLISHED", "GET", 400],
    ["/contexts?limit=1&limit=2", "GET", 400],
    ["/contexts?cursor=x", "GET", 400],
    ["/contexts?cursor=1-00000000", "GET", 400],
    ["/paths?cursor=1", "GET", 400],
    ["/bindings?source=hearsay", "GET", 400],
    ["/leases?state=BOUND", "GET", 400],
    ["/status?limit=1", "GET", 400],
    ["/contexts", "POST", 405],
    ["/contexts", "DELETE", 405],
    ["/contexts?limit=-1", "GET", 400],
    ["/contexts?limit=1e3", "GET", 400],
    ["/contexts?limit=100001", "GET", 400],
    ["/contexts?limit=", "GET", 400],
    ["/contexts?ulid=h1", "GET", 400],
    ["/bindings?ulid=", "GET", 400],
    ["/leases?ulid=h1", "GET", 400],
  ];
  for (const [path, method, status] of cases) {
    const answer = await get(fakeFacade(1), path, method);
    assert.equal([answer.status, answer.type], [status, "application/problem+json"], `${method} ${path}`);
    assert.equal(problem.parse(answer.body), answer.body);
    assert.is(answer.body.status, status);
  }
});

test("a box that fails is not quoted", async () => {
  const box = fakeFacade(1);
  box.status = () => {
    throw new Error("secret");
  };
  const { status, body } = await get(box, "/status");
  assert.is(status, 500);
  assert.not.ok(JSON.stringify(body).includes("secret"));
});

test("reload: what changed, or why nothing did", async () => {
  const { status, body } = await get(fakeFacade(3), "/reload", "POST");
  assert.equal([status, reloadRow.parse(body)], [200, body]);
  assert.equal(body.untold, 3);
  assert.is((await get(fakeFacade(3), "/reload")).status, 405);
  for (const [why, expected] of [
    ["faults", 422],
    ["restart", 409],
    ["failed", 500],
  ] as const) {
    const refused = await get({ ...fakeFacade(0), reload: () => ({ ok: false, why, detail: "tun cannot change" }) }, "/reload", "POST");
    assert.equal([refused.status, refused.type, refused.body.detail], [expected, "application/problem+json", "tun cannot change"]);
  }
});

test("a refusal names the fields, and nothing else", async () => {
  const { body } = await get(fakeFacade(1), "/contexts?limit=many&ulid=h1&a%2Fb~=1");
  assert.equal(body.errors, [
    { pointer: "#/query/limit", detail: `must be a whole number from 0 to ${ROWS_LIMIT}` },
    { pointer: "#/query/ulid", detail: "must be an IPv6 address" },
    { pointer: "#/query/a~1b~0", detail: "is not known here" },
  ]);
  assert.is((await get(fakeFacade(1), "/contexts/x")).body.errors[0].pointer, "#/param/id");
});

test("405 says what is allowed", async () => {
  const allowOf = async (path: string, method: string) => (await createApi(fakeFacade(1)).request(path, { method })).headers.get("allow");
  assert.is(await allowOf("/contexts", "DELETE"), "GET, HEAD");
  assert.is(await allowOf("/contexts/0/discard", "PUT"), "POST");
  assert.is(await allowOf("/reload", "OPTIONS"), "POST");
});

test("bodies: what is no JSON, and what is too much", async () => {
  const post = (body: BodyInit, type?: string) =>
    createApi(fakeFacade(1)).request("/reload", { method: "POST", body, headers: type === undefined ? {} : { "content-type": type } });
  assert.is((await post("x", "text/plain")).status, 415);
  assert.is((await post("a=b", "application/x-www-form-urlencoded")).status, 415);
  assert.is((await post("{}", "application/json; charset=utf-8")).status, 200);
  assert.is((await post(new Uint8Array(BODY_OCTETS + 1), "application/json")).status, 413);
});

test("Accept: what the client does not take is not given, and not done", async () => {
  const box = fakeFacade(2);
  const statusOf = async (path: string, accept: string, method = "GET") =>
    (await createApi(box).request(path, { method, headers: { accept } })).status;
  for (const accept of ["*/*", "application/*", "application/json", "text/html, */*;q=0.1", ""])
    assert.is(await statusOf("/status", accept), 200, accept);
  for (const accept of ["text/html", "application/json;q=0", "*/*, application/json;q=0", "image/*"])
    assert.is(await statusOf("/status", accept), 406, accept);
  assert.is(await statusOf("/metrics", "text/plain"), 200);
  assert.is(await statusOf("/metrics", "application/json"), 406);
  let reloads = 0;
  box.reload = () => {
    reloads++;
    return { ok: true, file: "", changed: [], warnings: [], untold: 0 };
  };
  assert.is(await statusOf("/reload", "text/html", "POST"), 406);
  assert.is(reloads, 0);
});

test("contexts are paged by id, and filtered", async () => {
  const box = fakeFacade(25);
  const ids: number[] = [];
  let next: string | null = "";
  for (let pages = 0; next !== null; pages++) {
    const { body } = await get(box, `/contexts?limit=10${next === "" ? "" : `&cursor=${next}`}`);
    ids.push(...body.items.map(({ id }: { id: number }) => id));
    next = body.next;
    assert.is(body.total, 25);
    assert.ok(pages < 3);
  }
  assert.equal(
    ids,
    Array.from({ length: 25 }, (_, id) => id),
  );
  for (const [query, total] of [
    ["state=ESTABLISHED", 25],
    ["state=I1-SENT", 0],
    ["provider=isp1&peer=fc00:bbbb:1::10", 25],
    ["provider=isp2", 0],
    ["peer=fc00:aaaa:1::1", 0],
  ])
    assert.is((await get(box, `/contexts?${query}`)).body.total, total, String(query));
  assert.is((await get(box, "/contexts/7")).body.localUlid, "fc00:aaaa:1::7");
});

test("a page of rows begins behind the last row that the client has, wherever it is now", async () => {
  const box = fakeFacade(1);
  const row = (name: string) => ({ name, packets: 0, octets: 0 });
  let names = ["a", "b", "c", "d"];
  box.firewall = () => names.map(row);
  const page = async (cursor?: string) => (await get(box, `/firewall?limit=2${cursor === undefined ? "" : `&cursor=${cursor}`}`)).body;
  const namesOf = (body: { items: { name: string }[] }) => body.items.map(({ name }) => name);
  const { next } = await page();
  assert.equal(namesOf(await page(next)), ["c", "d"]);
  assert.is((await page(next)).next, null);
  names = ["b", "c", "d"];
  assert.equal(namesOf(await page(next)), ["c", "d"]);
  names = ["x", "y", "a", "b", "c"];
  assert.equal(namesOf(await page(next)), ["c"]);
  names = ["a", "q", "c", "d"];
  assert.equal(namesOf(await page(next)), ["c", "d"]);
  names = [];
  assert.equal(namesOf(await page(next)), []);
});

test("tags: what has not changed is not sent again; time that goes by is no change", async () => {
  const box = fakeFacade(1);
  const api = createApi(box);
  const ask = (path: string, tag?: string) => api.request(path, { headers: tag === undefined ? {} : { "if-none-match": tag } });
  for (const path of ["/bindings", "/contexts", "/status", "/counters"]) {
    const tag = (await ask(path)).headers.get("etag") ?? "";
    assert.match(tag, /^W\/"[0-9a-f]{32}"$/);
    for (const known of [tag, tag.slice(2), `"x", ${tag}`, "*"]) {
      const again = await ask(path, known);
      assert.equal([again.status, await again.text(), again.headers.get("etag")], [304, "", tag]);
    }
    assert.is((await ask(path, '"x"')).status, 200);
  }
  const tag = (await ask("/status")).headers.get("etag") ?? "";
  const status = box.status();
  box.status = () => ({ ...status, uptimeMs: status.uptimeMs + 5 });
  assert.is((await ask("/status", tag)).status, 304);
  box.status = () => ({ ...status, contexts: 2 });
  assert.is((await ask("/status", tag)).status, 200);
});

test("actions say what they did", async () => {
  assert.equal(await get(fakeFacade(3), "/contexts/1/discard", "POST"), {
    status: 200,
    type: "application/json",
    body: { id: 1, detail: "dropped" },
  });
  assert.equal((await get(fakeFacade(3), "/contexts/1/rehome", "POST")).body, { id: 1, detail: "looks for a better pair" });
});

test("health: who answers lives, who has no line is not ready", async () => {
  assert.is((await get(fakeFacade(0), "/healthz")).status, 200);
  const ready = await get(fakeFacade(1), "/readyz");
  assert.equal([ready.status, healthRow.parse(ready.body)], [200, ready.body]);
  assert.is((await get(fakeFacade(0), "/readyz")).status, 503);
});

test("the reference names every route", async () => {
  const api = createApi(fakeFacade(1));
  const { body } = await get(fakeFacade(1), "/openapi.json");
  assert.match(body.openapi, /^3\.1\./);
  assert.equal(JSON.stringify(body).includes('"#/components/schemas/Context"'), true);
  const page = await (await api.request("/reference")).text();
  for (const path of Object.keys(body.paths)) assert.ok(page.includes(`${path}</code>`), path);
  assert.not.match(page, /<script/);
});

test("any query gets an answer", async () => {
  const api = createApi(fakeFacade(2));
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("contexts", "paths", "bindings", "providers", "leases", "keys"),
      fc.string({ unit: "binary" }),
      async (route, text) => {
        const { status } = await api.request(`/${route}?limit=${encodeURIComponent(text)}&ulid=${encodeURIComponent(text)}`);
        assert.ok(status === 200 || status === 400);
      },
    ),
    { seed, numRuns: 100 },
  );
});

test.run();
