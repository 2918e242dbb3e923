/**
 * The lab for a browser: the dashboards of both boxes, which live in namespaces that nobody else reaches, and the lab's own switches.
 *
 *   /alpha/…, /beta/…   handed on to the Unix socket of that box
 *   /lab                what the lab says of itself; POST /lab/providers/<name>/break|unplug|mend, POST /lab/round
 *
 * Whoever changes something must know the token that stands in the address that the lab printed.
 */
import { guarded } from "../api/guard.ts";
import { PLAIN_HEADERS, refuse } from "../api/problem.ts";
import { PortError } from "../port/error.ts";
import type { Handler, Listener } from "../port/http.ts";
import type { Controls } from "./controls.ts";
import type { ProviderState } from "./events.ts";
import { LabError } from "./ground.ts";
import type { LabHost } from "./host.ts";
import type { LabModel } from "./model.ts";
import type { LabRow } from "./page-row.ts";

/** What the page is about. */
export interface LabPageParts {
  readonly host: Pick<LabHost, "http" | "clock" | "newToken">;
  readonly model: LabModel;
  readonly controls: Controls;
  /** The sockets of the boxes, by the names of their sites. */
  readonly boxes: ReadonlyMap<string, string>;
}

/** Where browsers are served, and the port that is tried first. */
export const PAGE_HOST = "127.0.0.1";
export const PAGE_PORT = 8686;
/** By this the dashboard knows that it is a lab's. */
const LAB_HEADER = "pshim6-lab";
const LAB_PATH = "/lab";
const VERBS: Readonly<Record<string, ProviderState>> = { break: "dead", unplug: "unplugged", mend: "up" };
/** Headers of one connection, not of the answer (RFC 9110 §7.6.1). */
const HOP = ["connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer"];

/** What answers browsers, and the token that they must know. */
export interface LabPage {
  readonly handler: Handler;
  readonly token: string;
}

/** The page of a lab that stands. */
export function createLabPage(parts: LabPageParts): LabPage {
  const token = parts.host.newToken();
  const handler = guarded({
    fetch: (request) => answer(parts, request),
    isToken: token.isIt,
    isLoopback: true,
    now: () => parts.host.clock.now(),
    count: () => undefined,
  });
  return { handler, token: token.text };
}

/** Serves `handler` on loopback. @returns the listener @throws {PortError} */
export async function servePage(http: LabHost["http"], handler: Handler): Promise<Listener> {
  try {
    return await http.serveAddress(PAGE_HOST, PAGE_PORT, handler);
  } catch (error) {
    // Another lab, or a box of this machine.
    if (error instanceof PortError && error.code === "busy") return http.serveAddress(PAGE_HOST, 0, handler);
    throw error;
  }
}

/** Hands requests on to the Unix socket `path`, behind which a page of a lab checks tokens. For those whose loopback is not the lab's. */
export function relay({ http, clock }: Pick<LabHost, "http" | "clock">, path: string): Handler {
  return guarded({
    fetch: (request) => handOn(http, path, request, new URL(request.url).pathname, ["authorization"]),
    isToken: () => true,
    isLoopback: true,
    now: () => clock.now(),
    count: () => undefined,
  });
}

function answer(parts: LabPageParts, request: Request): Response | Promise<Response> {
  const { pathname } = new URL(request.url);
  const [, first, ...rest] = pathname.split("/");
  const [front] = parts.boxes.keys();
  if (pathname === "/") return new Response(null, { status: 302, headers: { ...PLAIN_HEADERS, location: `/${front}/` } });
  if (first === "lab") return request.method === "POST" ? act(parts, rest) : Response.json(rowOf(parts), { headers: PLAIN_HEADERS });
  const socket = parts.boxes.get(first);
  if (socket === undefined) return refuse(404, "this lab has no such box");
  if (rest.length === 0) return new Response(null, { status: 302, headers: { ...PLAIN_HEADERS, location: `/${first}/` } });
  return handOn(parts.host.http, socket, request, `/${rest.join("/")}`, []);
}

function rowOf({ model, controls, boxes }: LabPageParts): LabRow {
  return {
    phase: model.phase,
    isByHand: controls.isByHand,
    boxes: [...boxes.keys()].map((name) => ({ name, href: `/${name}/` })),
    providers: [...model.providers].map(([name, state]) => ({ name, state })),
    octets: model.octets,
    rate: Math.round(Math.max(0, model.rates.at(-1) ?? 0)),
    stillMs: model.stillFor,
  };
}

async function act(parts: LabPageParts, [kind, name, verb, ...more]: readonly string[]): Promise<Response> {
  const { controls, model } = parts;
  const to = VERBS[verb ?? ""];
  try {
    if (kind === "round" && name === undefined) await controls.goOn();
    else if (kind !== "providers" || to === undefined || more.length > 0) return refuse(404, "the lab cannot do that");
    else if (!model.providers.has(name)) return refuse(404, `the lab has no provider ${name}`);
    else await controls.turnByHand(name, to);
  } catch (error) {
    if (error instanceof LabError) return refuse(500, error.message);
    throw error;
  }
  return Response.json(rowOf(parts), { headers: PLAIN_HEADERS });
}

/** @param keep of what only the guard must know */
async function handOn(http: LabHost["http"], socket: string, request: Request, path: string, keep: readonly string[]): Promise<Response> {
  const headers = new Headers(request.headers);
  for (const name of ["authorization", "host", "content-length", ...HOP]) if (!keep.includes(name)) headers.delete(name);
  const isReading = request.method === "GET" || request.method === "HEAD";
  const url = `http://localhost${path}${new URL(request.url).search}`;
  try {
    const body = isReading ? {} : { body: await request.arrayBuffer() };
    const response = await http.request(socket, new Request(url, { method: request.method, headers, signal: request.signal, ...body }));
    const told = new Headers(response.headers);
    for (const name of HOP) told.delete(name);
    told.set(LAB_HEADER, LAB_PATH);
    return new Response(response.body, { status: response.status, headers: told });
  } catch (error) {
    if (error instanceof PortError) return refuse(503, "the box does not answer");
    throw error;
  }
}
