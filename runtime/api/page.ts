/**
 * The dashboard's files: the page at `/`, and what it loads from `assets/`, whose names change with their content. They hold no secret, so nobody
 * has to say a token for them; everything that the page shows it asks for as any client does.
 */
import type { Context } from "hono";
import { refuse } from "./problem.ts";
import type { Api } from "./routes.ts";

/** A file as the build made it. */
export interface PageFile {
  /** "" for the page itself, else its name in `assets/`. */
  readonly name: string;
  readonly type: string;
  /** Changes with the content; opaque, without quotes. */
  readonly tag: string;
  /** By content coding (RFC 9110 §8.4.1), base64. */
  readonly coded: { readonly identity: string; readonly gzip: string; readonly br: string };
}

/** The smallest first. */
const CODINGS = ["br", "gzip", "identity"] as const;
const HOUR = 3_600;
const FOREVER = 365 * 24 * HOUR;

const PAGE_HEADERS = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join("; "),
  vary: "Accept-Encoding",
} as const;

/** Whether `path` is a file of the dashboard: what a client may have who knows no token. */
export function isPagePath(path: string): boolean {
  return path === "/" || path.startsWith("/assets/");
}

/** Adds the page and its files. */
export function addPage(app: Api, files: readonly PageFile[]): void {
  const kept = new Map(files.map((file) => [file.name, file]));
  app.get("/", (c) => give(c, kept.get("")));
  app.get("/assets/:name", (c) => give(c, kept.get(c.req.param("name"))));
}

function give(c: Context, file: PageFile | undefined): Response {
  if (file === undefined) return refuse(404, "this page has no such file; load it again");
  const coding = codingFor(c.req.header("accept-encoding") ?? "");
  const etag = `"${file.tag}-${coding}"`;
  const headers = {
    ...PAGE_HEADERS,
    etag,
    "cache-control": file.name === "" ? "no-cache" : `public, max-age=${FOREVER}, immutable`,
  };
  const known = c.req.header("if-none-match") ?? "";
  if (known.split(",").some((one) => one.trim().replace(/^W\//, "") === etag)) return new Response(null, { status: 304, headers });
  const body = octetsOf(file.coded[coding]);
  const coded = coding === "identity" ? {} : { "content-encoding": coding };
  return new Response(body, { headers: { ...headers, ...coded, "content-type": file.type, "content-length": String(body.length) } });
}

/** The best coding that `accept` names (RFC 9110 §12.5.3); one with weight 0 is not wanted. */
function codingFor(accept: string): (typeof CODINGS)[number] {
  const wanted = accept
    .toLowerCase()
    .split(",")
    .map((one) => one.trim().split(/\s*;\s*/))
    .filter(([, weight]) => weight === undefined || !/^q=0(\.0*)?$/.test(weight))
    .map(([coding]) => coding);
  return CODINGS.find((coding) => wanted.includes(coding)) ?? "identity";
}

function octetsOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}
