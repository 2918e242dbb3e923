import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { PortError } from "../../runtime/port/error.ts";
import { BODY_LIMIT, type Handler, type Http, type Listener } from "../../runtime/port/http.ts";
import { SUN_PATH_MAX } from "../linux/file.ts";
import { errnoOf, portError } from "./error.ts";
import { PATIENCE, type Patience, unlessTaken, watchPatience } from "./http-patience.ts";
import { claimSocket } from "./socket.ts";

/** Methods that no Request has (Fetch standard, "forbidden method"); not all runtimes refuse them. */
const FORBIDDEN = new Set(["CONNECT", "TRACE", "TRACK"]);

/** Statuses whose responses have no body (Fetch standard, "null body status"). */
const NO_BODY = new Set([101, 204, 205, 304]);

const CONNECTIONS = 512;
/** Octets that are handed over at a time: a client that takes none of so few for long is cut. */
const PIECE = 65_536;

/** Answers to what no handler sees, as problem details (RFC 9457). */
const TITLES = {
  400: "Bad Request",
  413: "Content Too Large",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
} as const;

/** HTTP through node:http, which all three runtimes have with Unix sockets. `failed` hears of handlers that threw. */
export function systemHttp(failed: (error: unknown) => void, patience: Patience = PATIENCE): Http {
  return {
    async serveSocket(path, handler) {
      if (new TextEncoder().encode(path).length > SUN_PATH_MAX - 16)
        throw new PortError("failed", `${path} is too long for a socket: choose a path of at most ${SUN_PATH_MAX - 16} octets`);
      const server = await newServer(handler, failed, patience);
      const release = await claimSocket(path, (place) => listen(server, path, { path: place }));
      return listener(server, path, release);
    },
    async serveAddress(host, port, handler) {
      const server = await newServer(handler, failed, patience);
      const shown = host.includes(":") ? `[${host}]` : host;
      await listen(server, `${shown}:${port}`, { host, port }).catch((error: unknown) => {
        // Deno's word for EADDRNOTAVAIL.
        if (error instanceof PortError && errnoOf(error.cause) === "EINVAL")
          throw new PortError("missing", `${shown}:${port}: the address is not one of this machine's`, error.cause);
        throw error;
      });
      const bound = server.address();
      const real = typeof bound === "object" && bound !== null ? bound.port : port;
      return listener(server, `${shown}:${real}`, () => undefined);
    },
    request: ask,
  };
}

function listen(server: Server, shown: string, where: { path: string } | { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(portError(shown, error));
    server.once("error", fail);
    server.listen(where, () => {
      server.off("error", fail);
      resolve();
    });
  });
}

function listener(server: Server, address: string, release: () => void): Listener {
  let closing: Promise<void> | undefined;
  return {
    address,
    close() {
      closing ??= new Promise((resolve) => {
        release();
        server.close(() => resolve());
        server.closeAllConnections();
      });
      return closing;
    },
  };
}

/** node:http is loaded here, not at start: it takes 20 to 50 ms, and most verbs of the command line need none. */
async function newServer(handler: Handler, failed: (error: unknown) => void, patience: Patience): Promise<Server> {
  const { createServer } = await import("node:http");
  const server = createServer((incoming, outgoing) => {
    answer(handler, incoming, outgoing, patience).catch((error: unknown) => {
      failed(error);
      if (outgoing.headersSent) outgoing.destroy();
      else outgoing.writeHead(500).end();
    });
  });
  server.on("clientError", (error: Error & { readonly code?: string }, socket) => {
    if (!socket.writable || error.code === "ECONNRESET") {
      socket.destroy();
      return;
    }
    const status = error.code === "HPE_HEADER_OVERFLOW" ? 431 : 400;
    const { body, headers } = problem(status);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(`HTTP/1.1 ${status} ${TITLES[status]}\r\n${lines.join("")}\r\n${body}`);
  });
  server.headersTimeout = patience.headers;
  server.requestTimeout = patience.request;
  watchPatience(server, patience);
  server.maxConnections = CONNECTIONS;
  return server;
}

async function answer(handler: Handler, incoming: IncomingMessage, outgoing: ServerResponse, patience: Patience): Promise<void> {
  const body = await readBody(incoming);
  if (body === "gone") return;
  if (body === "too-large") return refuse(outgoing, 413);
  const gone = new AbortController();
  outgoing.once("close", () => gone.abort());
  const method = incoming.method ?? "GET";
  const request = requestOf(incoming, body, gone.signal);
  if (request === undefined) return refuse(outgoing, 400);
  const response = await handler(request, incoming.socket.remoteAddress);
  outgoing.statusCode = response.status;
  for (const [name, value] of response.headers) if (name !== "set-cookie") outgoing.setHeader(name, value);
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) outgoing.setHeader("set-cookie", cookies);
  if (response.body === null || method === "HEAD") outgoing.end();
  else await pour(response.body, outgoing, gone.signal, patience);
}

function refuse(outgoing: ServerResponse, status: 400 | 413): void {
  const { body, headers } = problem(status);
  outgoing.writeHead(status, headers).end(body);
}

function problem(status: keyof typeof TITLES): { readonly body: string; readonly headers: Readonly<Record<string, string>> } {
  const body = JSON.stringify({ type: "about:blank", title: TITLES[status], status, detail: "this is no request that can be answered" });
  return {
    body,
    headers: {
      "content-type": "application/problem+json",
      "content-length": String(body.length),
      "cache-control": "no-store",
      connection: "close",
    },
  };
}

/** `undefined` for a target, a Host or a method that no Request can have. */
function requestOf(incoming: IncomingMessage, body: Uint8Array<ArrayBuffer>, signal: AbortSignal): Request | undefined {
  const { method = "GET", url = "/" } = incoming;
  if (!url.startsWith("/") || FORBIDDEN.has(method) || hostsIn(incoming) > 1) return undefined;
  try {
    return new Request(`http://${incoming.headers.host || "localhost"}${url}`, {
      method,
      headers: readHeaders(incoming),
      signal,
      ...(method === "GET" || method === "HEAD" ? {} : { body }),
    });
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** RFC 9112 §3.2: a request with more than one Host is refused; who is meant would be anybody's guess. */
function hostsIn({ rawHeaders }: IncomingMessage): number {
  return rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === "host").length;
}

/** `gone` = the client went away, or was cut, before it had said everything. */
async function readBody(incoming: IncomingMessage): Promise<Uint8Array<ArrayBuffer> | "too-large" | "gone"> {
  const parts: Uint8Array[] = [];
  let octets = 0;
  try {
    for await (const part of incoming as AsyncIterable<Uint8Array>) {
      octets += part.length;
      if (octets > BODY_LIMIT) return "too-large";
      parts.push(part);
    }
  } catch (error) {
    if (incoming.destroyed) return "gone";
    throw error;
  }
  const body = new Uint8Array(octets);
  let at = 0;
  for (const part of parts) {
    body.set(part, at);
    at += part.length;
  }
  return body;
}

/** Streams `body`, no faster than the client reads; cancels it when the client goes away. */
async function pour(body: ReadableStream<Uint8Array>, outgoing: ServerResponse, gone: AbortSignal, patience: Patience): Promise<void> {
  const reader = body.getReader();
  const stop = () => {
    reader.cancel().catch(() => undefined);
  };
  gone.addEventListener("abort", stop, { once: true });
  // A body that ends in an error need not wait until the client has read what came before.
  reader.closed.catch(() => outgoing.destroy());
  outgoing.flushHeaders();
  while (!gone.aborted) {
    const { done, value } = await reader.read();
    if (done || gone.aborted) break;
    for (let at = 0; at < value.length && !gone.aborted; at += PIECE)
      if (!outgoing.write(value.subarray(at, at + PIECE))) await drained(outgoing, gone, patience);
  }
  gone.removeEventListener("abort", stop);
  outgoing.once(
    "close",
    unlessTaken(patience, () => outgoing.destroy()),
  );
  outgoing.end();
}

function drained(outgoing: ServerResponse, gone: AbortSignal, patience: Patience): Promise<void> {
  return new Promise((resolve) => {
    const taken = unlessTaken(patience, () => outgoing.destroy());
    const go = () => {
      taken();
      outgoing.off("drain", go);
      gone.removeEventListener("abort", go);
      resolve();
    };
    outgoing.once("drain", go);
    gone.addEventListener("abort", go, { once: true });
    if (gone.aborted) go();
  });
}

function readHeaders(message: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(message.headers)) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) headers.append(name, one);
  }
  return headers;
}

async function ask(path: string, request: Request): Promise<Response> {
  const { request: clientRequest } = await import("node:http");
  const url = new URL(request.url);
  const body = request.body === null ? undefined : new Uint8Array(await request.arrayBuffer());
  return new Promise((resolve, reject) => {
    const outgoing = clientRequest(
      {
        socketPath: path,
        path: url.pathname + url.search,
        method: request.method,
        headers: {
          ...Object.fromEntries(request.headers),
          host: "localhost",
          ...(body === undefined ? {} : { "content-length": body.length }),
        },
        // One connection a request: a kept one may belong to a server that has gone since.
        agent: false,
        signal: request.signal,
      },
      (incoming) => resolve(readResponse(incoming)),
    );
    outgoing.once("error", (error) => reject(portError(path, error)));
    outgoing.end(body);
  });
}

function readResponse(incoming: IncomingMessage): Response {
  const status = incoming.statusCode ?? 502;
  const init = { status, headers: readHeaders(incoming) };
  if (NO_BODY.has(status)) {
    incoming.resume();
    return new Response(null, init);
  }
  return new Response(Readable.toWeb(incoming) as unknown as ReadableStream<Uint8Array<ArrayBuffer>>, init);
}
