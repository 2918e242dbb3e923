/** What the box is made of, to be read: one object or one list a route. */
import { createRoute } from "@hono/zod-openapi";
import { z } from "zod";
import { answer, answerListing, answerRows, answerTagged, badCursor } from "./answer.ts";
import type { BoxFacade } from "./facade.ts";
import {
  idParams,
  leaseStateField,
  pageFields,
  peerField,
  providerField,
  ROWS_DEFAULT,
  skipField,
  sourceField,
  stateField,
  ulidField,
} from "./fields.ts";
import { refuse } from "./problem.ts";
import { type Api, listResponses, responses } from "./routes.ts";
import { bindingRow, contextRow, counterRows, firewallRow, keyRow, leaseRow, listing, pathRow, providerRow, statusRow } from "./rows.ts";

const none = z.strictObject({});
const page = z.strictObject(pageFields);

/** A route that gives a list. */
const listRoute = <Path extends string, Query extends z.ZodObject>(path: Path, summary: string, row: z.ZodType, query: Query) =>
  createRoute({ method: "get", path, summary, tags: ["read"], request: { query }, responses: listResponses("One page.", listing(row)) });

const STATUS = createRoute({
  method: "get",
  path: "/status",
  summary: "The box: site, version, contexts in use",
  tags: ["read"],
  request: { query: none },
  responses: listResponses("The box.", statusRow),
});
const COUNTERS = createRoute({
  method: "get",
  path: "/counters",
  summary: "Totals since start, by name; zeros included",
  tags: ["read"],
  request: { query: none },
  responses: listResponses("Name → total.", counterRows),
});
const CONTEXT = createRoute({
  method: "get",
  path: "/contexts/{id}",
  summary: "One context",
  tags: ["read"],
  request: { params: idParams, query: none },
  responses: responses("The context.", contextRow, [404]),
});

/** Adds the routes that read. */
export function addLists(app: Api, box: BoxFacade): void {
  app.openapi(STATUS, (c) => answerTagged(c, box.status()));
  app.openapi(COUNTERS, (c) => answerTagged(c, Object.fromEntries(box.counters())));
  addContexts(app, box);
  const bindings = z.strictObject({ ...pageFields, ulid: ulidField, source: sourceField });
  app.openapi(listRoute("/bindings", "Where hosts of other sites are found", bindingRow, bindings), (c) => {
    const { ulid, source, ...wanted } = c.req.valid("query");
    return answerRows(c, where(box.bindings(ulid), "source", source), wanted, (row) => `${row.ulid} ${row.source}`);
  });
  const leases = z.strictObject({ ...pageFields, ulid: ulidField, state: leaseStateField });
  app.openapi(listRoute("/leases", "Identifiers given to hosts", leaseRow, leases), (c) => {
    const { ulid, state, ...wanted } = c.req.valid("query");
    return answerRows(c, where(box.leases(ulid), "state", state), wanted, (row) => `${row.ulid} ${row.duid} ${row.iaid}`);
  });
  app.openapi(listRoute("/paths", "Paths to other boxes and whether they live", pathRow, page), (c) =>
    answerRows(c, box.paths(), c.req.valid("query"), (row) => `${row.peerBox} ${row.localLocator} ${row.peerLocator}`),
  );
  app.openapi(listRoute("/providers", "The providers and what they carry", providerRow, page), (c) =>
    answerRows(c, box.providers(), c.req.valid("query"), (row) => row.name),
  );
  app.openapi(listRoute("/firewall", "What the filter's rules counted", firewallRow, page), (c) =>
    answerRows(c, box.firewall(), c.req.valid("query"), (row) => row.name),
  );
  app.openapi(listRoute("/keys", "Keys that prove the site's identifiers", keyRow, page), (c) =>
    answerRows(c, box.keys(), c.req.valid("query"), (row) => row.fingerprint),
  );
}

function addContexts(app: Api, box: BoxFacade): void {
  const query = z.strictObject({
    ...pageFields,
    ulid: ulidField,
    peer: peerField,
    state: stateField,
    provider: providerField,
    skip: skipField,
  });
  app.openapi(listRoute("/contexts", "The Shim6 contexts: hosts, locators, states, traffic", contextRow, query), (c) => {
    const { limit = ROWS_DEFAULT, cursor, skip = 0, ...wanted } = c.req.valid("query");
    // Ids do not move: the page begins behind the last one that the client has, whatever came and went.
    if (cursor?.includes("-")) return badCursor();
    const { items, total, more } = box.contexts(wanted, { after: cursor === undefined ? -1 : Number(cursor), skip, limit });
    const last = items.at(-1);
    return answerListing(c, { items, total, next: more && last !== undefined ? String(last.id) : null });
  });
  app.openapi(CONTEXT, (c) => {
    const { id } = c.req.valid("param");
    const row = box.context(id);
    return row === undefined ? refuse(404, `there is no context ${id}`) : answer(row);
  });
}

/** Rows whose `field` is `wanted`; all of them if nothing is. */
function* where<Row, Field extends keyof Row>(rows: Iterable<Row>, field: Field, wanted: Row[Field] | undefined): Iterable<Row> {
  for (const row of rows) if (wanted === undefined || row[field] === wanted) yield row;
}
