/** The box's management interface: JSON over HTTP, served on a Unix socket. */
import { type Context, Hono } from "hono";
import { type Address, parseAddress } from "../value/address.ts";
import type { BoxFacade } from "./facade.ts";
import type { Listing, Problem, ReloadRow } from "./rows.ts";

/** Rows that one answer holds if the request does not say, and at most. */
export const ROWS_DEFAULT = 1_000;
export const ROWS_LIMIT = 100_000;

/**
 * The API over `box`: `GET /status`, `/counters`, the lists `/contexts`, `/paths`, `/providers`, `/bindings`, `/firewall`, `/leases`, `/keys`, and `POST /reload`.
 * A list is a {@link Listing}; `?limit=N` bounds its items, `?ulid=ADDRESS` (contexts, bindings, leases) picks those of one host.
 * Errors are problem details (RFC 9457). Nothing is thrown at the caller.
 */
export function createApi(box: BoxFacade): Hono {
  const app = new Hono();
  app.get("/status", (c) => answer(c, box.status()));
  app.get("/counters", (c) => answer(c, Object.fromEntries(box.counters())));
  app.get("/contexts", (c) => {
    const ulid = readUlid(c);
    if (ulid === null) return badUlid(c);
    // Contexts may be a million: counting them by making a row of each would stall the box.
    return list(c, box.contexts(ulid), ulid === undefined ? box.status().contexts : undefined);
  });
  app.get("/bindings", (c) => {
    const ulid = readUlid(c);
    return ulid === null ? badUlid(c) : list(c, box.bindings(ulid), undefined);
  });
  app.get("/leases", (c) => {
    const ulid = readUlid(c);
    return ulid === null ? badUlid(c) : list(c, box.leases(ulid), undefined);
  });
  app.get("/keys", (c) => list(c, box.keys(), undefined));
  app.get("/paths", (c) => list(c, box.paths(), undefined));
  app.get("/firewall", (c) => list(c, box.firewall(), undefined));
  app.get("/providers", (c) => list(c, box.providers(), undefined));
  app.post("/reload", (c) => {
    const result = box.reload();
    if (!result.ok) return fail(c, RELOAD_STATUS[result.why], RELOAD_TITLE[result.why], result.detail);
    const { file, changed, warnings, untold } = result;
    return answer(c, { file, changed: [...changed], warnings: [...warnings], untold } satisfies ReloadRow);
  });
  app.notFound((c) =>
    c.req.method === "GET" || c.req.method === "HEAD"
      ? fail(c, 404, "Not Found", `there is nothing at ${c.req.path}; there is: ${ROUTES.join(", ")}`)
      : fail(c, 405, "Method Not Allowed", `${c.req.method} is not offered there; GET reads, POST /reload takes site.yaml over`),
  );
  app.onError((_, c) => fail(c, 500, "Internal Server Error", "the box could not answer; its log says why"));
  return app;
}

const RELOAD_STATUS = { faults: 422, restart: 409, failed: 500 } as const;
const RELOAD_TITLE = { faults: "Mistakes in the Settings", restart: "Needs a Restart", failed: "Refused by the Machine" } as const;

const ROUTES = ["/status", "/contexts", "/paths", "/counters", "/providers", "/bindings", "/firewall", "/leases", "/keys"];

/** The host that is asked about; `undefined` = all, `null` = what was given is no address. */
function readUlid(c: Context): Address | undefined | null {
  const asked = c.req.query("ulid");
  return asked === undefined ? undefined : (parseAddress(asked) ?? null);
}

function badUlid(c: Context): Response {
  return fail(c, 400, "Bad Request", "ulid must be an IPv6 address");
}

/** `known` is the number of rows, if it need not be counted. */
function list<Row>(c: Context, rows: Iterable<Row>, known: number | undefined): Response {
  const asked = c.req.query("limit");
  const limit = asked === undefined ? ROWS_DEFAULT : /^\d{1,6}$/.test(asked) ? Number(asked) : -1;
  if (limit < 0 || limit > ROWS_LIMIT) return fail(c, 400, "Bad Request", `limit must be a whole number from 0 to ${ROWS_LIMIT}`);
  const items: Row[] = [];
  let counted = 0;
  for (const row of rows) {
    if (items.length < limit) items.push(row);
    else if (known !== undefined) break;
    counted++;
  }
  return answer(c, { items, total: known ?? counted } satisfies Listing<Row>);
}

function answer(c: Context, body: unknown): Response {
  return send(c, 200, "application/json", body);
}

type Failure = 400 | 404 | 405 | 409 | 422 | 500;

function fail(c: Context, status: Failure, title: string, detail: string): Response {
  return send(c, status, "application/problem+json", { type: "about:blank", title, status, detail } satisfies Problem);
}

function send(c: Context, status: 200 | Failure, type: string, body: unknown): Response {
  return c.body(JSON.stringify(body), status, { "content-type": type, "cache-control": "no-store", "x-content-type-options": "nosniff" });
}
