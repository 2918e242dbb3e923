/** The dashboard's files: who gets them, coded how, and kept for how long. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createApi } from "../../../runtime/api/app.ts";
import { guarded } from "../../../runtime/api/guard.ts";
import { isPagePath, type PageFile } from "../../../runtime/api/page.ts";
import { fakeFacade } from "../../lib/facade.ts";

const FILES: readonly PageFile[] = [
  { name: "", type: "text/html; charset=utf-8", tag: "t1", coded: { identity: btoa("page"), gzip: btoa("page gz"), br: btoa("page br") } },
  { name: "a.js", type: "text/javascript", tag: "t2", coded: { identity: btoa("js"), gzip: btoa("js gz"), br: btoa("js br") } },
];
const api = createApi(fakeFacade(1), FILES);
const get = (path: string, headers: Record<string, string> = {}, method = "GET") => api.request(path, { method, headers });

test("the page, in the best coding that the client takes", async () => {
  const rows: [accept: string | undefined, coding: string | null, body: string][] = [
    [undefined, null, "page"],
    ["gzip, deflate, br, zstd", "br", "page br"],
    ["gzip", "gzip", "page gz"],
    ["br;q=0, GZIP;q=0.5", "gzip", "page gz"],
    ["br; q=0.0", null, "page"],
    ["zstd", null, "page"],
  ];
  for (const [accept, coding, body] of rows) {
    const response = await get("/", accept === undefined ? {} : { "accept-encoding": accept });
    assert.equal([response.status, response.headers.get("content-encoding"), await response.text()], [200, coding, body], accept);
    assert.is(response.headers.get("content-length"), String(body.length));
    assert.is(response.headers.get("vary"), "Accept-Encoding");
  }
});

test("nothing is loaded from elsewhere, and nothing inline", async () => {
  for (const path of ["/", "/assets/a.js"]) {
    const { headers } = await get(path);
    const policy = headers.get("content-security-policy") ?? "";
    assert.match(policy, /default-src 'none'.*script-src 'self'.*frame-ancestors 'none'/);
    assert.not.match(policy, /unsafe|\*|http/);
    assert.is(headers.get("x-content-type-options"), "nosniff");
  }
});

test("the page is asked for again each time, its files never; who has one gets none", async () => {
  const page = await get("/");
  assert.is(page.headers.get("cache-control"), "no-cache");
  assert.match((await get("/assets/a.js")).headers.get("cache-control") ?? "", /immutable/);
  const tag = page.headers.get("etag") ?? "";
  for (const known of [tag, `"x", W/${tag}`]) {
    const again = await get("/", { "if-none-match": known });
    assert.equal([again.status, await again.text(), again.headers.get("etag")], [304, "", tag]);
  }
  assert.is((await get("/", { "if-none-match": tag, "accept-encoding": "gzip" })).status, 200);
});

test("what there is not", async () => {
  for (const path of ["/assets/b.js", "/assets/", "/assets/..%2fstatus", "/index.html"]) assert.is((await get(path)).status, 404, path);
  assert.is((await get("/", {}, "POST")).status, 404);
  assert.is((await get("/", {}, "HEAD")).status, 200);
  assert.is((await createApi(fakeFacade(1)).request("/")).status, 404);
});

test("the files need no token anywhere, all else on other addresses does", async () => {
  const guard = guarded({
    fetch: (request) => api.fetch(request),
    isToken: () => false,
    isLoopback: false,
    isOpen: isPagePath,
    now: () => 0,
    count: () => undefined,
  });
  const ask = async (method: string, path: string) =>
    (await guard(new Request(`http://192.0.2.1:8686${path}`, { method }), "192.0.2.9")).status;
  assert.equal([await ask("GET", "/"), await ask("GET", "/assets/a.js"), await ask("HEAD", "/")], [200, 200, 200]);
  for (const [method, path] of [
    ["POST", "/"],
    ["GET", "/status"],
    ["GET", "/assets"],
    ["GET", "/assets/../status"],
    ["GET", "//assets/a.js"],
    ["POST", "/assets/a.js"],
  ])
    assert.is(await ask(method, path), 401, `${method} ${path}`);
});

test.run();
