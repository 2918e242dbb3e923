/** Failover drills: a provider is as good as dead for a while. Over TCP all that acts needs the token. */
import { createRoute } from "@hono/zod-openapi";
import { z } from "zod";
import { answer, answerRows } from "./answer.ts";
import { drillRequest, drillRow } from "./drill-rows.ts";
import type { BoxFacade, DrillResult } from "./facade.ts";
import { idParams, pageFields } from "./fields.ts";
import { type Refusal, refuse } from "./problem.ts";
import { type Api, listResponses, responses } from "./routes.ts";
import { listing } from "./rows.ts";

const none = z.strictObject({});
const security = [{ token: [] }];
const WHAT =
  "Packets by the provider are dropped both ways, in the kernel, which lets them through again after that time even if the box has died. What is lost, and how long hosts wait, is counted by kind of traffic.";

const LIST = createRoute({
  method: "get",
  path: "/drills",
  summary: "The latest failover drills",
  tags: ["read"],
  request: { query: z.strictObject(pageFields) },
  responses: listResponses("One page, latest first.", listing(drillRow)),
});
const ONE = createRoute({
  method: "get",
  path: "/drills/{id}",
  summary: "One drill",
  tags: ["read"],
  request: { params: idParams, query: none },
  responses: responses("The drill.", drillRow, [404]),
});
const START = createRoute({
  method: "post",
  path: "/drills",
  summary: "Let a provider be dead for a while",
  description: WHAT,
  tags: ["act"],
  security,
  request: { query: none, body: { required: true, content: { "application/json": { schema: drillRequest } } } },
  responses: responses("It has begun.", drillRow, [404, 409, 413, 415]),
});
const END = createRoute({
  method: "delete",
  path: "/drills/{id}",
  summary: "End a drill before its time",
  tags: ["act"],
  security,
  request: { params: idParams, query: none },
  responses: responses("The drill; the provider works again.", drillRow, [404, 413, 415]),
});

const STATUS: Readonly<Record<Exclude<DrillResult, { ok: true }>["why"], Refusal>> = { unknown: 404, refused: 409, failed: 500 };

/** Adds the routes of drills. */
export function addDrills(app: Api, { drills }: Pick<BoxFacade, "drills">): void {
  app.openapi(LIST, (c) => answerRows(c, drills.rows(), c.req.valid("query"), ({ id }) => String(id)));
  app.openapi(ONE, (c) => {
    const { id } = c.req.valid("param");
    const row = drills.get(id);
    return row === undefined ? refuse(404, `there is no drill ${id}`) : answer(row);
  });
  app.openapi(START, (c) => {
    const { provider, for: span, force = false } = c.req.valid("json");
    const result = drills.start(provider, span, force);
    return result.ok ? answer(result.drill) : refuse(STATUS[result.why], result.detail);
  });
  app.openapi(END, (c) => {
    const { id } = c.req.valid("param");
    const row = drills.end(id);
    return row === undefined ? refuse(404, `there is no drill ${id}`) : answer(row);
  });
}
