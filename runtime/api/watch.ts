/** What those who watch a box ask for: events, metrics, health. */
import { createRoute, type RouteConfig } from "@hono/zod-openapi";
import { z } from "zod";
import { chosen } from "./accept.ts";
import { answer } from "./answer.ts";
import type { BoxFacade } from "./facade.ts";
import { ROWS_DEFAULT } from "./fields.ts";
import { METRICS_TYPE, metricsOf } from "./metrics.ts";
import { PLAIN_HEADERS } from "./problem.ts";
import { type Api, responses } from "./routes.ts";
import { eventRow, healthRow, listing } from "./rows.ts";
import { EVENT_STREAM, STREAM_HEADERS, streamEvents } from "./stream.ts";

const none = z.strictObject({});
const EVENTS_KEPT_AT_MOST = ROWS_DEFAULT;

function withUnready(good: RouteConfig["responses"]): RouteConfig["responses"] {
  return { ...good, 503: { description: "It cannot.", content: { "application/json": { schema: healthRow } } } };
}

const EVENTS = createRoute({
  method: "get",
  path: "/events",
  summary: "What happens, as it happens",
  description:
    "Server-sent events: `id`, `event` (the kind), `data` (an Event). Last-Event-ID goes on where the client was; an event `missed` says how many are gone for good. Asked for as application/json: the latest events, oldest first.",
  tags: ["watch"],
  request: {
    query: none,
    headers: z.object({
      "last-event-id": z.string().max(64).optional().meta({ description: "The last event that the client has.", example: "1795000000-42" }),
    }),
  },
  responses: {
    ...responses("Events.", z.string(), [503], [EVENT_STREAM]),
    200: {
      description: "Events.",
      content: { [EVENT_STREAM]: { schema: z.string() }, "application/json": { schema: listing(eventRow) } },
    },
  },
});
const METRICS = createRoute({
  method: "get",
  path: "/metrics",
  summary: "Metrics for Prometheus",
  tags: ["watch"],
  request: { query: none },
  responses: responses("Prometheus' text format.", z.string(), [], ["text/plain"]),
});
const HEALTH = createRoute({
  method: "get",
  path: "/healthz",
  summary: "Whether the box lives",
  description: "Whoever answers lives.",
  tags: ["watch"],
  request: { query: none },
  responses: responses("It lives.", healthRow),
});
const READY = createRoute({
  method: "get",
  path: "/readyz",
  summary: "Whether the box can do its work",
  tags: ["watch"],
  request: { query: none },
  responses: withUnready(responses("It can.", healthRow)),
});

/** Adds the routes of those who watch. */
export function addWatch(app: Api, box: BoxFacade): void {
  app.openapi(EVENTS, (c) => {
    const { events } = box;
    if (chosen(c.req.header("accept"), [EVENT_STREAM, "application/json"]) === "application/json") {
      const items = events.after(Math.max(events.oldest - 1, events.latest - EVENTS_KEPT_AT_MOST), EVENTS_KEPT_AT_MOST);
      return answer({ items, total: events.latest - events.oldest + 1, next: null });
    }
    // The stream of a HEAD would have no reader.
    if (c.req.method === "HEAD") return new Response(null, { headers: STREAM_HEADERS });
    return streamEvents(events, c.req.valid("header")["last-event-id"]);
  });
  app.openapi(METRICS, () => new Response(metricsOf(box), { headers: { ...PLAIN_HEADERS, "content-type": METRICS_TYPE } }));
  app.openapi(HEALTH, () => answer({ ready: true, checks: [] }));
  app.openapi(READY, () => {
    const health = box.health();
    return new Response(JSON.stringify(health), {
      status: health.ready ? 200 : 503,
      headers: { ...PLAIN_HEADERS, "content-type": "application/json" },
    });
  });
}
