/** The lab for a browser: which box is asked, who may break what, and what is handed on. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Controls } from "../../../runtime/lab/controls.ts";
import { newModel } from "../../../runtime/lab/model.ts";
import { createLabPage, relay } from "../../../runtime/lab/page.ts";
import type { LabRow } from "../../../runtime/lab/page-row.ts";
import { ALPHA } from "../../../runtime/lab/world.ts";
import { PortError } from "../../../runtime/port/error.ts";
import type { Http } from "../../../runtime/port/http.ts";

const TOKEN = "0123456789abcdef";
const never = (): never => {
  throw new Error("nobody asks");
};

function world() {
  const model = newModel(["node", "node"]);
  for (const { name } of ALPHA.providers) model.providers.set(name, "up");
  const asked: { socket: string; method: string; path: string; authorization: string | null; body: string }[] = [];
  const http: Http = {
    serveAddress: never,
    serveSocket: never,
    request: async (socket, request) => {
      if (socket === "/gone") throw new PortError("missing", "nobody listens");
      const { pathname, search } = new URL(request.url);
      const body = await request.text();
      asked.push({ socket, method: request.method, path: pathname + search, authorization: request.headers.get("authorization"), body });
      return new Response("said", { status: 203, headers: { connection: "close", "x-said": "yes" } });
    },
  };
  const host = { http, clock: { now: () => 0 }, newToken: () => ({ text: TOKEN, isIt: (text: string) => text === TOKEN }) };
  const controls = new Controls({ model, providers: ALPHA.providers, note: () => undefined, ground: { ip: async () => undefined } });
  const boxes = new Map([
    ["alpha", "/alpha.sock"],
    ["beta", "/gone"],
  ]);
  const page = createLabPage({ host, model, controls, boxes });
  const ask = (path: string, method = "GET", headers: Record<string, string> = {}) =>
    page.handler(new Request(`http://127.0.0.1:8686${path}`, { method, headers: { host: "127.0.0.1:8686", ...headers } }), "127.0.0.1");
  return { model, asked, host, ask, page };
}
const RIGHT = { authorization: `Bearer ${TOKEN}` };

test("requests go to the box that they name, and answers come back as they are", async () => {
  const { ask, asked } = world();
  const response = await ask("/alpha/contexts?limit=1&skip=2");
  assert.equal([response.status, await response.text(), response.headers.get("x-said")], [203, "said", "yes"]);
  assert.equal([response.headers.get("connection"), response.headers.get("pshim6-lab")], [null, "/lab"]);
  assert.equal(asked, [{ socket: "/alpha.sock", method: "GET", path: "/contexts?limit=1&skip=2", authorization: null, body: "" }]);
  assert.is((await ask("/beta/")).status, 503);
  assert.is((await ask("/gamma/")).status, 404);
});

test("the way in leads to the first box", async () => {
  const { ask } = world();
  for (const [path, to] of [
    ["/", "/alpha/"],
    ["/beta", "/beta/"],
  ]) {
    const response = await ask(path);
    assert.equal([response.status, response.headers.get("location")], [302, to]);
  }
});

test("who changes something must know the token, which the box does not hear", async () => {
  const { ask, asked, model } = world();
  for (const path of ["/alpha/providers/isp1/drain", "/lab/providers/isp1/break", "/lab/round"]) {
    assert.is((await ask(path, "POST")).status, 401, path);
    assert.is((await ask(path, "POST", { authorization: "Bearer x" })).status, 401, path);
  }
  assert.equal([asked.length, model.providers.get("isp1")], [0, "up"]);
  assert.is((await ask("/alpha/providers/isp1/drain", "POST", RIGHT)).status, 203);
  assert.equal([asked[0].method, asked[0].authorization], ["POST", null]);
});

test("a page of somebody else's that has its name point here gets nothing", async () => {
  assert.is((await world().ask("/lab", "GET", { host: "evil.example" })).status, 421);
});

test("switches", async () => {
  const { ask, model } = world();
  const rowOf = async (response: Response): Promise<LabRow> => JSON.parse(await response.text());
  const broken = await rowOf(await ask("/lab/providers/isp1/break", "POST", RIGHT));
  assert.equal([broken.isByHand, broken.providers[0]], [true, { name: "isp1", state: "dead" }]);
  await ask("/lab/providers/isp2/unplug", "POST", RIGHT);
  assert.is(model.providers.get("isp2"), "unplugged");
  await ask("/lab/providers/isp1/mend", "POST", RIGHT);
  assert.is(model.providers.get("isp1"), "up");
  const whole = await rowOf(await ask("/lab/round", "POST", RIGHT));
  assert.equal([whole.isByHand, whole.providers.map(({ state }) => state)], [false, ["up", "up"]]);
  assert.equal((await rowOf(await ask("/lab"))).boxes, [
    { name: "alpha", href: "/alpha/" },
    { name: "beta", href: "/beta/" },
  ]);
  for (const path of ["/lab/providers/isp9/break", "/lab/providers/isp1/paint", "/lab/providers/isp1", "/lab/x", "/lab/round/x"])
    assert.is((await ask(path, "POST", RIGHT)).status, 404, path);
});

test("who stands outside of the lab's loopback hands on, token and all", async () => {
  const { host, asked } = world();
  const handler = relay(host, "/inside.sock");
  const ask = (headers: Record<string, string>) =>
    handler(new Request("http://127.0.0.1:8686/lab/round?x=1", { method: "POST", headers }), "127.0.0.1");
  assert.is((await ask({ host: "127.0.0.1:8686", ...RIGHT })).status, 203);
  assert.equal([asked[0].socket, asked[0].path, asked[0].authorization], ["/inside.sock", "/lab/round?x=1", RIGHT.authorization]);
  assert.is((await ask({ host: "evil.example", ...RIGHT })).status, 421);
});

test.run();
