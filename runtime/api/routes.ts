/** What every route says of itself in the reference: its answers, good and bad. */
import type { OpenAPIHono, RouteConfig } from "@hono/zod-openapi";
import type { z } from "zod";
import { PROBLEM_TYPE, type Refusal, TITLES } from "./problem.ts";
import { problem } from "./rows.ts";

export type Api = OpenAPIHono;

/** The responses of a route: `body` when it goes well, problem details for each of `refusals` and for what any request may meet. */
export function responses(
  description: string,
  body: z.ZodType,
  refusals: readonly Refusal[] = [],
  types: readonly string[] = ["application/json"],
): RouteConfig["responses"] {
  const wrong = [...new Set<Refusal>([400, 401, 406, 421, 429, 500, ...refusals])].sort();
  return {
    200: { description, content: Object.fromEntries(types.map((type) => [type, { schema: body }])) },
    ...Object.fromEntries(
      wrong.map((status) => [status, { description: TITLES[status], content: { [PROBLEM_TYPE]: { schema: problem } } }]),
    ),
  };
}

/** The same, of a list that may be asked for with If-None-Match. */
export function listResponses(description: string, body: z.ZodType): RouteConfig["responses"] {
  return { ...responses(description, body), 304: { description: "As the client knows it (If-None-Match)." } };
}
