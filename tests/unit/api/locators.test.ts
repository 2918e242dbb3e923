/** Locators, wishes and exceptions over HTTP: what is asked reaches the box, what is wrong is named (RFC 6316). */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createApi } from "../../../runtime/api/app.ts";
import { doneRow, problem } from "../../../runtime/api/rows.ts";
import { exceptionsRow, locatorsRow } from "../../../runtime/api/rows-locators.ts";
import { fakeFacade } from "../../lib/facade.ts";

const api = createApi(fakeFacade(5));
const send = async (method: string, path: string, body?: unknown) => {
  const init = body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  const response = await api.request(path, { method, ...init });
  return { status: response.status, body: await response.json() };
};

test("locators of a context", async () => {
  const { status, body } = await send("GET", "/contexts/1/locators");
  assert.equal([status, locatorsRow.parse(body).id], [200, 1]);
  assert.is((await send("GET", "/contexts/9/locators")).status, 404);
});

test("a wish: what is named, in which order; errors of RFC 6316 by their status", async () => {
  const one = { address: "2001:DB8:a1::10", priority: 1, weight: 10 };
  const { status, body } = await send("PUT", "/contexts/1/preferences", { local: [one], peer: [{ address: "2001:db8:b3::10" }] });
  assert.equal([status, doneRow.parse(body).detail], [200, "1 1"]);
  assert.is((await send("PUT", "/contexts/1/preferences", {})).body.detail, "0 0");
  assert.equal((await send("POST", "/contexts/1/prefer", { provider: "isp2" })).body, { id: 1, detail: "isp2 undefined" });
  assert.is(
    (await send("POST", "/contexts/1/prefer", { local: one.address, peer: "2001:db8::1" })).body.detail,
    "2001:db8:a1::10 2001:db8::1",
  );
  const invalid = await send("PUT", "/contexts/0/preferences", { local: [one] });
  assert.equal([invalid.status, problem.parse(invalid.body).errors?.[0].pointer], [422, "#/json/local/0/address"]);
  assert.is((await send("PUT", "/contexts/4/preferences", { local: [one] })).status, 409);
  assert.is((await send("POST", "/contexts/7/prefer", { provider: "isp1" })).status, 404);
});

test("what is no wish is refused with its place", async () => {
  const many = Array.from({ length: 33 }, () => ({ address: "2001:db8::1" }));
  const cases: [path: string, body: unknown, pointer: string][] = [
    ["preferences", { local: [{ address: "isp1" }] }, "#/json/local/0/address"],
    ["preferences", { peer: [{ address: "::1", priority: 70_000 }] }, "#/json/peer/0/priority"],
    ["preferences", { peer: [{ address: "::1", rank: 1 }] }, "#/json/peer/0/rank"],
    ["preferences", { local: many }, "#/json/local"],
    ["preferences", { locals: [] }, "#/json/locals"],
    ["prefer", { provider: "" }, "#/json/provider"],
    ["prefer", {}, "#/json"],
    ["prefer", { provider: "isp1", local: "2001:db8::1" }, "#/json"],
  ];
  for (const [path, body, pointer] of cases) {
    const refused = await send(path === "prefer" ? "POST" : "PUT", `/contexts/1/${path}`, body);
    assert.equal([refused.status, problem.parse(refused.body).errors?.[0].pointer], [400, pointer], JSON.stringify(body));
  }
  assert.is((await send("PUT", "/contexts/1/preferences")).status, 400);
});

test("exceptions are put as a whole", async () => {
  const { status, body } = await send("PUT", "/exceptions", { peers: ["fc00:BBBB::/32", "fc00:cccc::1"], ports: ["123", "5000-6000"] });
  assert.equal([status, exceptionsRow.parse(body)], [200, { peers: ["fc00:bbbb::/32", "fc00:cccc::1/128"], ports: ["123", "5000-6000"] }]);
  assert.equal((await send("GET", "/exceptions")).body, body);
  for (const wrong of [{ peers: ["fc00:bbbb::1/32"] }, { ports: ["70000"] }, { ports: ["9-1"] }, { ports: [123] }, { hosts: [] }, []])
    assert.is((await send("PUT", "/exceptions", wrong)).status, 400, JSON.stringify(wrong));
});

test.run();
