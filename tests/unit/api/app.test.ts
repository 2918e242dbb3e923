import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createApi, ROWS_DEFAULT } from "../../../runtime/api/app.ts";
import {
  bindingRow,
  contextRow,
  counterRows,
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
  assert.equal((await get(fakeFacade(5), "/contexts?limit=0")).body, { items: [], total: 5 });
});

test("contexts and bindings of one host", async () => {
  const one = (await get(fakeFacade(50), "/contexts?ulid=FC00:aaaa:1:0::7")).body;
  assert.equal([one.items[0].id, one.items.length, one.total], [7, 1, 1]);
  const peer = (await get(fakeFacade(50), "/contexts?ulid=fc00:bbbb:1::10&limit=3")).body;
  assert.equal([peer.items.length, peer.total], [3, 50]);
  assert.equal((await get(fakeFacade(0), "/bindings?ulid=fc00::1")).body, { items: [], total: 0 });
  assert.is((await get(fakeFacade(0), "/leases?ulid=fc00:aaaa:1::2")).body.items[0].state, "declined");
});

test("errors are problem details", async () => {
  const cases: [path: string, method: string, status: number][] = [
    ["/nothing", "GET", 404],
    ["/", "GET", 404],
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
  assert.is((await get(fakeFacade(3), "/reload")).status, 404);
  for (const [why, expected] of [
    ["faults", 422],
    ["restart", 409],
    ["failed", 500],
  ] as const) {
    const refused = await get({ ...fakeFacade(0), reload: () => ({ ok: false, why, detail: "tun cannot change" }) }, "/reload", "POST");
    assert.equal([refused.status, refused.type, refused.body.detail], [expected, "application/problem+json", "tun cannot change"]);
  }
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
