/** Who sends how much now, and how paths fared: what a picture of the site is drawn from. */
import { createRoute } from "@hono/zod-openapi";
import { z } from "zod";
import { answer } from "./answer.ts";
import type { BoxFacade } from "./facade.ts";
import { sampleField } from "./fields.ts";
import { flowsRow, historyRow } from "./flow-rows.ts";
import { type Api, responses } from "./routes.ts";

const FLOWS = createRoute({
  method: "get",
  path: "/flows",
  summary: "Who sends how much at this moment, by provider, peer box and host",
  description:
    "Rates are of the time since the box was asked before. The box looks at its contexts a few times a second at most, however often it is asked.",
  tags: ["watch"],
  request: { query: z.strictObject({}) },
  responses: responses("The flows.", flowsRow),
});
const HISTORY = createRoute({
  method: "get",
  path: "/history",
  summary: "How the paths fared lately: states and round trips",
  tags: ["watch"],
  request: { query: z.strictObject({ after: sampleField }) },
  responses: responses("The samples.", historyRow),
});

/** Adds the routes about flows. */
export function addFlows(app: Api, box: Pick<BoxFacade, "flows" | "history">): void {
  app.openapi(FLOWS, () => answer(box.flows()));
  app.openapi(HISTORY, (c) => answer(box.history(c.req.valid("query").after ?? 0)));
}
