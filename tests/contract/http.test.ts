/** Http: in memory, and this runtime's. */
import { spawn } from "node:child_process";
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { systemHttp } from "../../adapters/common/http.ts";
import { memoryHttp } from "../../adapters/memory/http.ts";
import { BODY_LIMIT, type Handler, type Http, type Listener } from "../../runtime/port/http.ts";
import { selfArguments } from "../lib/netns.ts";
import { errorOf, withScratch } from "../lib/scratch.ts";

const failures: unknown[] = [];
const system = systemHttp((error) => failures.push(error));

type World = (use: (http: Http, path: string) => Promise<void>) => Promise<void>;
const kinds: [string, World][] = [
  ["memory", (use) => use(memoryHttp(), "/run/box.sock")],
  ["system", (use) => withScratch((directory) => use(system, join(directory, "box.sock")))],
];

async function serving(http: Http, path: string, handler: Handler, use: (listener: Listener) => Promise<void>): Promise<void> {
  const listener = await http.serveSocket(path, handler);
  try {
    await use(listener);
  } finally {
    await listener.close();
  }
}

const ask = (http: Http, path: string, target: string, init?: RequestInit) => http.request(path, new Request(`http://box${target}`, init));

for (const [name, world] of kinds) {
  test(`${name}: method, target, headers and body arrive; status, headers and body come back`, () =>
    world((http, path) =>
      serving(
        http,
        path,
        async (request) => {
          const { pathname, search } = new URL(request.url);
          const seen = { method: request.method, pathname, search, mark: request.headers.get("x-mark"), body: await request.text() };
          return Response.json(seen, { status: 201, headers: { "x-answer": "yes" } });
        },
        async () => {
          const response = await ask(http, path, "/a/b?c=d%20e", { method: "PUT", headers: { "x-mark": "m" }, body: "grüße" });
          assert.is(response.status, 201);
          assert.is(response.headers.get("x-answer"), "yes");
          assert.equal(await response.json(), { method: "PUT", pathname: "/a/b", search: "?c=d%20e", mark: "m", body: "grüße" });
        },
      ),
    ));

  test(`${name}: no body, and octets that are no text`, () =>
    world((http, path) =>
      serving(
        http,
        path,
        async (request) => (request.method === "DELETE" ? new Response(null, { status: 204 }) : new Response(await request.arrayBuffer())),
        async () => {
          const empty = await ask(http, path, "/", { method: "DELETE" });
          assert.is(empty.status, 204);
          assert.is(await empty.text(), "");
          const octets = Uint8Array.from({ length: 100_000 }, (_, i) => i);
          const back = await ask(http, path, "/", { method: "POST", body: octets });
          assert.equal(new Uint8Array(await back.arrayBuffer()), octets);
        },
      ),
    ));

  test(`${name}: a handler that throws is a 500 and the server goes on`, () =>
    world((http, path) =>
      serving(
        http,
        path,
        (request) => {
          if (request.url.endsWith("/bad")) throw new Error("secret reason");
          return new Response("fine");
        },
        async () => {
          const bad = await ask(http, path, "/bad");
          assert.is(bad.status, 500);
          assert.is(await bad.text(), "");
          assert.is(await (await ask(http, path, "/good")).text(), "fine");
        },
      ),
    ));

  test(`${name}: a body beyond the limit is refused, one at the limit is not`, () =>
    world((http, path) =>
      serving(
        http,
        path,
        async (request) => new Response(String((await request.arrayBuffer()).byteLength)),
        async () => {
          const at = await ask(http, path, "/", { method: "POST", body: new Uint8Array(BODY_LIMIT) });
          assert.is(await at.text(), String(BODY_LIMIT));
          const beyond = await ask(http, path, "/", { method: "POST", body: new Uint8Array(BODY_LIMIT + 1) });
          assert.is(beyond.status, 413);
        },
      ),
    ));

  test(`${name}: a socket belongs to one, and is free after close`, () =>
    world(async (http, path) => {
      await serving(
        http,
        path,
        () => new Response("first"),
        async () => {
          const error = await errorOf(() => http.serveSocket(path, () => new Response("second")));
          assert.is(error.code, "busy");
          assert.match(error.message, /another pshim6 runs here/);
          assert.is(await (await ask(http, path, "/")).text(), "first");
        },
      );
      assert.is((await errorOf(() => ask(http, path, "/"))).code, "missing");
      await serving(
        http,
        path,
        () => new Response("second"),
        async (listener) => {
          assert.is(await (await ask(http, path, "/")).text(), "second");
          await listener.close();
        },
      );
    }));
}

test("system: events come one by one, and the handler learns when the client goes", () =>
  withScratch(async (directory) => {
    const path = join(directory, "box.sock");
    let gone: () => void = () => undefined;
    const cancelled = new Promise<void>((resolve) => {
      gone = resolve;
    });
    let push: (text: string) => void = () => undefined;
    const handler: Handler = (request) => {
      request.signal.addEventListener("abort", () => gone());
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          push = (text) => controller.enqueue(new TextEncoder().encode(text));
          push("data: 1\n\n");
        },
      });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    };
    await serving(system, path, handler, async () => {
      const abort = new AbortController();
      const response = await ask(system, path, "/events", { signal: abort.signal });
      assert.is(response.headers.get("content-type"), "text/event-stream");
      const reader = response.body?.getReader();
      assert.ok(reader);
      const next = async () => new TextDecoder().decode((await reader.read()).value);
      assert.is(await next(), "data: 1\n\n");
      push("data: 2\n\n");
      assert.is(await next(), "data: 2\n\n");
      reader.cancel().catch(() => undefined);
      abort.abort();
      await cancelled;
    });
  }));

test("system: close ends a connection that hangs", () =>
  withScratch(async (directory) => {
    const path = join(directory, "box.sock");
    const listener = await system.serveSocket(path, () => new Promise(() => undefined));
    const hanging = errorOf(() => ask(system, path, "/"));
    const idle = createConnection(path);
    await new Promise((resolve) => idle.once("connect", resolve));
    await new Promise((resolve) => setTimeout(resolve, 20));
    await listener.close();
    assert.is((await hanging).code, "failed");
    idle.destroy();
    assert.equal(readdirSync(directory), []);
  }));

test("system: the socket is the owner's alone; nothing else is left beside it", () =>
  withScratch(async (directory) => {
    const path = join(directory, "box.sock");
    await serving(
      system,
      path,
      () => new Response(),
      async () => {
        assert.is((statSync(path).mode & 0o777).toString(8), "600");
        assert.equal(readdirSync(directory), ["box.sock"]);
      },
    );
    assert.equal(readdirSync(directory), []);
  }));

test("system: a killed server's socket is replaced, a living one's and a plain file are not", () =>
  withScratch(async (directory) => {
    const path = join(directory, "box.sock");
    const program = fileURLToPath(new URL("../lib/socket-server.ts", import.meta.url));
    const child = spawn(process.execPath, [...selfArguments(program), path], { stdio: ["ignore", "pipe", "inherit"] });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    assert.is((await errorOf(() => system.serveSocket(path, () => new Response()))).code, "busy");
    assert.is(await (await ask(system, path, "/")).text(), "alive");
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGKILL");
    await ended;
    assert.is((await errorOf(() => ask(system, path, "/"))).code, "missing");
    await serving(
      system,
      path,
      () => new Response("new"),
      async () => {
        assert.is(await (await ask(system, path, "/")).text(), "new");
      },
    );
    writeFileSync(path, "a plain file");
    assert.match((await errorOf(() => system.serveSocket(path, () => new Response()))).message, /is no socket/);
    assert.match((await errorOf(() => system.serveSocket(join(directory, "x".repeat(120)), () => new Response()))).message, /too long/);
    assert.is((await errorOf(() => system.serveSocket(join(directory, "no", "box.sock"), () => new Response()))).code, "missing");
  }));

test("system: TCP on loopback, with the real port in the address", async () => {
  const listener = await system.serveAddress("127.0.0.1", 0, (request) => new Response(new URL(request.url).pathname));
  const response = await fetch(`http://${listener.address}/over/tcp`);
  assert.is(await response.text(), "/over/tcp");
  const port = Number(listener.address.split(":").at(-1));
  assert.is((await errorOf(() => system.serveAddress("127.0.0.1", port, () => new Response()))).code, "busy");
  assert.is((await errorOf(() => system.serveAddress("192.0.2.1", 0, () => new Response()))).code, "missing");
  await listener.close();
});

test("system: what is no request is answered 400 or cut, and no handler sees it", async () => {
  let reached = 0;
  const listener = await system.serveAddress("127.0.0.1", 0, () => {
    reached++;
    return new Response("fine");
  });
  const port = Number(listener.address.split(":").at(-1));
  const statusOf = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = createConnection(port, "127.0.0.1");
      let answer = "";
      socket.setEncoding("latin1");
      socket.on("data", (piece: string) => {
        answer += piece;
      });
      socket.once("error", reject);
      socket.once("close", () => resolve(answer.split(" ")[1] ?? "cut"));
      // Not ended: some runtimes drop the request of a client that says no more.
      socket.write(text);
    });
  const end = "connection: close\r\n\r\n";
  try {
    assert.is(await statusOf(`GET / HTTP/1.1\r\nhost: a\r\n${end}`), "200");
    assert.is(reached, 1);
    for (const text of [
      `GET / HTTP/1.1\r\nhost: [\r\n${end}`,
      `GET / HTTP/1.1\r\nhost: a b\r\n${end}`,
      `GET http://evil.example/ HTTP/1.1\r\nhost: a\r\n${end}`,
      `TRACE / HTTP/1.1\r\nhost: a\r\n${end}`,
      "nonsense\r\n\r\n",
    ])
      assert.ok(["400", "cut"].includes(await statusOf(text)), text);
    assert.is(reached, 1);
    assert.is(await statusOf(`GET //evil.example/x HTTP/1.1\r\nhost: a\r\n${end}`), "200");
  } finally {
    await listener.close();
  }
});

test("system: the handler hears where a request over TCP comes from", async () => {
  const seen: (string | undefined)[] = [];
  const listener = await system.serveAddress("::1", 0, (_, client) => {
    seen.push(client);
    return new Response();
  });
  await (await fetch(`http://${listener.address}/`)).text();
  await listener.close();
  assert.equal(seen, ["::1"]);
});

test("system: a body that fails ends the connection, also of a client that reads nothing", () =>
  withScratch(async (directory) => {
    const path = join(directory, "box.sock");
    let fail: () => void = () => undefined;
    const handler: Handler = () => {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          for (let i = 0; i < 64; i++) controller.enqueue(new Uint8Array(65_536));
          fail = () => controller.error(new Error("enough"));
        },
      });
      return new Response(body);
    };
    await serving(system, path, handler, async () => {
      const idle = createConnection(path);
      await new Promise((resolve) => idle.once("connect", resolve));
      idle.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
      // Something has come, and nobody reads on.
      await new Promise((resolve) => idle.once("readable", resolve));
      fail();
      idle.resume();
      await new Promise((resolve) => idle.once("close", resolve));
    });
  }));

test("system: what handlers threw was told, once each", () => {
  assert.equal(
    failures.map((error) => (error instanceof Error ? error.message : error)),
    ["secret reason"],
  );
});

test.run();
