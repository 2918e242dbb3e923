import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createCrypto } from "../../../adapters/common/crypto.ts";
import { seededEntropy } from "../../../adapters/memory/entropy.ts";
import { memoryFiles } from "../../../adapters/memory/files.ts";
import { memoryHttp } from "../../../adapters/memory/http.ts";
import { memoryLogs } from "../../../adapters/memory/log.ts";
import { createApi } from "../../../runtime/api/app.ts";
import { isLoopback, ownToken, serveApi } from "../../../runtime/box/serve.ts";
import { readSite } from "../../../runtime/config/read.ts";
import { fakeFacade } from "../../lib/facade.ts";
import { errorOf } from "../../lib/scratch.ts";

const ALPHA = readFileSync(new URL("../../../examples/lab-alpha.yaml", import.meta.url), "utf8").replace(/^api:.*\n/m, "");

async function served(listen: string | undefined) {
  const reading = readSite(listen === undefined ? ALPHA : `${ALPHA}\napi: { listen: "${listen}" }\n`, "site.yaml");
  if (!("site" in reading)) throw new Error(JSON.stringify(reading.faults));
  const { site } = reading;
  const files = memoryFiles();
  files.makeDirectory(site.state);
  const http = memoryHttp();
  const counted: string[] = [];
  const api = createApi(fakeFacade(3));
  const parts = {
    clock: { now: () => 0 },
    entropy: seededEntropy(1),
    crypto: createCrypto(),
    files,
    http,
    log: memoryLogs().area("box"),
    count: (name: string) => counted.push(name),
  };
  const listeners = await serveApi(site, (request) => api.fetch(request), parts);
  const ask = async (path: string, method: string, headers: Record<string, string> = {}) =>
    (await http.request(path, new Request("http://[::1]:8686/contexts/1/discard", { method, headers: { host: "[::1]:8686", ...headers } })))
      .status;
  return { site, files, counted, listeners, ask, token: () => files.readText(`${site.state}/api-token`)?.trim() };
}

test("without api.listen there is the socket, and no token", async () => {
  const { site, listeners, ask, token } = await served(undefined);
  assert.equal(
    listeners.map(({ address }) => address),
    [site.control],
  );
  assert.is(await ask(site.control, "POST"), 200, "who may open the socket may act");
  assert.is(token(), undefined);
});

test("on loopback actions need the token of the file, which only its owner reads", async () => {
  const { site, files, listeners, ask, token, counted } = await served("[::1]:8686");
  assert.is(listeners[1].address, "[::1]:8686");
  const said = token() ?? "";
  assert.match(said, /^[0-9a-f]{64}$/);
  assert.is(files.mode(`${site.state}/api-token`), 0o600);
  assert.is(await ask("[::1]:8686", "POST"), 401);
  assert.is(await ask("[::1]:8686", "POST", { authorization: `Bearer ${said}x` }), 401);
  assert.equal(counted, ["drop-token-api", "drop-token-api"]);
  assert.is(await ask("[::1]:8686", "POST", { authorization: `Bearer ${said}` }), 200);
  assert.is(await ask("[::1]:8686", "GET"), 405, "reading needs none");
});

test("elsewhere everything needs it", async () => {
  const { ask, token } = await served("[2001:db8::1]:8686");
  assert.is(await ask("[2001:db8::1]:8686", "GET"), 401);
  assert.is(await ask("[2001:db8::1]:8686", "GET", { authorization: `Bearer ${token()}` }), 405);
});

test("the token stays over restarts; one that others can read, or that is none, is refused", async () => {
  const files = memoryFiles();
  const parts = { files, entropy: seededEntropy(2) };
  const token = ownToken("/api-token", parts);
  assert.is(ownToken("/api-token", parts), token);
  files.writeText("/api-token", "correct-horse-battery-staple-anyhow\n", 0o600);
  assert.is(ownToken("/api-token", parts), "correct-horse-battery-staple-anyhow");
  files.writeText("/api-token", token, 0o640);
  assert.match((await errorOf(() => ownToken("/api-token", parts))).message, /can be read by others/);
  for (const text of ["", "short", `${token} ${token}`]) {
    files.writeText("/api-token", text, 0o600);
    assert.match((await errorOf(() => ownToken("/api-token", parts))).message, /holds no token/);
  }
});

test("what counts as loopback", () => {
  assert.equal(["::1", "127.0.0.1", "127.3.2.1", "::", "0.0.0.0", "fe80::1", "128.0.0.1", "12.7.0.1"].map(isLoopback), [
    true,
    true,
    true,
    false,
    false,
    false,
    false,
    false,
  ]);
});

test.run();
