/** Clients that are slow, silent or confused, against the HTTP server of this runtime: each is answered or cut, and the others are served. */
import { createConnection, type Socket } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { systemHttp } from "../../adapters/common/http.ts";
import { problem } from "../../runtime/api/rows.ts";
import type { Handler, Listener } from "../../runtime/port/http.ts";

const failures: unknown[] = [];
const http = systemHttp((error) => failures.push(error), { headers: 2_000, request: 3_000, answer: 2_000 });
const LARGE = 32 * 1_048_576;
/** Much more than any patience here: what is not cut by then never is. */
const WATCHDOG = 20_000;

async function serving(handler: Handler, use: (port: number, listener: Listener) => Promise<void>): Promise<void> {
  const listener = await http.serveAddress("127.0.0.1", 0, handler);
  try {
    await use(Number(listener.address.split(":").at(-1)), listener);
  } finally {
    await listener.close();
  }
}

/** What came back until the server closed the connection, or reset it. */
function until(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const watchdog = setTimeout(() => {
      socket.destroy();
      reject(new Error(`nobody cut it: ${JSON.stringify(text.slice(0, 80))}`));
    }, WATCHDOG);
    socket.setEncoding("latin1");
    socket.on("data", (piece: string) => {
      text += piece;
    });
    socket.once("error", () => undefined);
    socket.once("close", () => {
      clearTimeout(watchdog);
      resolve(text);
    });
  });
}

/** A client that says `first` at once, then a letter now and then as long as somebody listens. */
async function trickle(port: number, first: string, letter: string): Promise<string> {
  const socket = createConnection(port, "127.0.0.1");
  const heard = until(socket);
  socket.write(first);
  const timer = setInterval(() => socket.writable && socket.write(letter), 50);
  const text = await heard;
  clearInterval(timer);
  return text;
}

const say = (port: number, text: string): Promise<string> => {
  const socket = createConnection(port, "127.0.0.1");
  socket.write(text);
  return until(socket);
};
const statusOf = (answer: string): number => Number(answer.split(" ")[1]);
const END = "connection: close\r\n\r\n";
const fine: Handler = async (request) => new Response(`${request.method} ${(await request.arrayBuffer()).byteLength}`);

test("headers, and bodies, that never end are cut; others are served meanwhile", () =>
  serving(fine, async (port) => {
    const slow = [
      trickle(port, "GET / HTTP/1.1\r\nhost: a\r\nx: ", "a"),
      trickle(port, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n", " "),
      trickle(port, "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\n", ""),
      trickle(port, "", ""),
    ];
    assert.is(statusOf(await say(port, `GET / HTTP/1.1\r\nhost: a\r\n${END}`)), 200);
    for (const answer of await Promise.all(slow)) assert.not.match(answer, / 200 /);
  }));

test("a client that takes nothing of a large answer is cut; one that reads it gets all", () => {
  let cut: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => {
    cut = resolve;
  });
  const large: Handler = (request) => {
    if (request.url.endsWith("/silent")) request.signal.addEventListener("abort", () => cut());
    return new Response(new Uint8Array(LARGE));
  };
  return serving(large, async (port) => {
    const silent = createConnection(port, "127.0.0.1");
    silent.once("error", () => undefined);
    silent.write(`GET /silent HTTP/1.1\r\nhost: a\r\n${END}`);
    const whole = await fetch(`http://127.0.0.1:${port}/`);
    assert.is((await whole.arrayBuffer()).byteLength, LARGE);
    await gone;
    // What lay in the kernel's buffers still comes; the end does not.
    let octets = 0;
    silent.on("data", (piece: string) => {
      octets += piece.length;
    });
    await until(silent);
    assert.ok(octets < LARGE, `${octets}`);
  });
});

test("what is no request is refused with problem details, and no handler sees it", () => {
  let reached = 0;
  const counting: Handler = () => {
    reached++;
    return new Response("fine");
  };
  return serving(counting, async (port) => {
    const cases: [status: number, text: string][] = [
      [400, `GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n${END}`],
      [400, `GET http://evil.example/ HTTP/1.1\r\nhost: a\r\n${END}`],
      [400, `OPTIONS * HTTP/1.1\r\nhost: a\r\n${END}`],
      [400, `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ncontent-length: 3\r\n${END}{}`],
      [400, `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n${END}0\r\n\r\n`],
      [431, `GET / HTTP/1.1\r\nhost: a\r\nx: ${"a".repeat(20_000)}\r\n${END}`],
      [431, `GET /?${"a".repeat(20_000)} HTTP/1.1\r\nhost: a\r\n${END}`],
    ];
    for (const [status, text] of cases) {
      const answer = await say(port, text);
      assert.is(statusOf(answer), status, text.slice(0, 60));
      assert.match(answer, /content-type: application\/problem\+json/i);
      assert.is(problem.parse(JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4))).status, status);
    }
    assert.is(reached, 0);
  });
});

test("requests in one go are answered one after the other, in order; HEAD has no body", () =>
  serving(fine, async (port) => {
    const post = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc";
    const answer = await say(port, `${post}GET / HTTP/1.1\r\nhost: a\r\n\r\nHEAD / HTTP/1.1\r\nhost: a\r\n${END}`);
    const [, ...answers] = answer.split("HTTP/1.1 200 OK\r\n");
    assert.equal(
      answers.map((each) => each.split("\r\n\r\n")[1].replace(/^\d+\r\n|\r\n[\s\S]*$/g, "")),
      ["POST 3", "GET 0", ""],
    );
  }));

test("a client that goes in the middle of its request is no fault of ours", () =>
  serving(fine, async (port) => {
    const socket = createConnection(port, "127.0.0.1");
    socket.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{");
    await new Promise((resolve) => setTimeout(resolve, 100));
    socket.destroy();
    assert.is(statusOf(await say(port, `GET / HTTP/1.1\r\nhost: a\r\n${END}`)), 200);
  }));

test("nobody threw", () => assert.equal(failures, []));

test.run();
