/** The box's management interface: JSON over HTTP, described by an OpenAPI 3.1 document that it serves itself. */
import { OpenAPIHono, type RouteConfig } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import { chosen, notAcceptable } from "./accept.ts";
import { addActions } from "./actions.ts";
import { addDrills } from "./drills.ts";
import { addExplanations } from "./explain-routes.ts";
import type { BoxFacade } from "./facade.ts";
import { addFlows } from "./flows.ts";
import { addLists } from "./lists.ts";
import { addLocators } from "./locator-routes.ts";
import { addPage, type PageFile } from "./page.ts";
import { faultsOf, type Refusal, refuse, TITLES } from "./problem.ts";
import { addProviderRoutes } from "./provider-routes.ts";
import { addReference } from "./reference.ts";
import type { Api } from "./routes.ts";
import { addWatch } from "./watch.ts";

/** Octets of a request's body. */
export const BODY_OCTETS = 65_536;

/**
 * The API over `box`: lists and objects to read, actions, events, metrics, health; `/openapi.json` says all of it, `/reference` for people.
 * Errors are problem details (RFC 9457). Nothing is thrown at the caller. `page` is the dashboard at `/`, if there is one.
 */
export function createApi(box: BoxFacade, page?: readonly PageFile[]): Api {
  const app: Api = new OpenAPIHono({
    defaultHook: (result) => {
      if (result.success) return undefined;
      const errors = faultsOf(result.target, result.error.issues);
      const where = errors.map(({ pointer, detail }) => `${pointer.split("/").at(-1)}: ${detail}`).join("; ");
      return refuse(400, where, { errors });
    },
  });
  app.use("*", bodies);
  app.use("*", async (c, next) => {
    // An empty one would be taken for an object in which everything has its default.
    if (!wantsBody(app, c) || (await c.req.arrayBuffer()).byteLength > 0) return next();
    return refuse(400, "a body is wanted", { errors: [{ pointer: "#/json", detail: "is not there" }] });
  });
  app.use("*", (c, next) => {
    const types = typesAt(app, c);
    const takes = types.length === 0 || chosen(c.req.header("accept"), types) !== undefined;
    return takes ? next() : Promise.resolve(notAcceptable(types));
  });
  addLists(app, box);
  addExplanations(app, box);
  addLocators(app, box);
  addActions(app, box);
  addProviderRoutes(app, box);
  addDrills(app, box);
  addWatch(app, box);
  addFlows(app, box);
  addReference(app, box);
  if (page !== undefined) addPage(app, page);
  app.notFound((c) => nothingAt(app, c));
  app.onError((error) => {
    if (error instanceof HTTPException && isRefusal(error.status)) return refuse(error.status, "the request cannot be read");
    return refuse(500, "the box could not answer; its log says why");
  });
  return app;
}

/** What a body may be, if there is one. */
const bodies: MiddlewareHandler = async (c, next) => {
  if (c.req.method !== "GET" && c.req.method !== "HEAD") {
    const body = await c.req.arrayBuffer();
    if (body.byteLength > BODY_OCTETS) return refuse(413, `a body has ${BODY_OCTETS} octets at most`);
    const type = c.req.header("content-type")?.split(";")[0].trim().toLowerCase();
    if (body.byteLength > 0 && type !== "application/json") return refuse(415, "a body must be application/json");
  }
  return next();
};

function isRefusal(status: number): status is Refusal {
  return status in TITLES;
}

/** The media types in which the route that was asked for can answer; none = there is no such route. */
function typesAt(app: Api, c: Context): string[] {
  const method = c.req.method === "HEAD" ? "get" : c.req.method.toLowerCase();
  const route = routesAt(app, c.req.path).find((one) => one.method === method);
  const good = route?.responses[200];
  return good === undefined || !("content" in good) ? [] : Object.keys(good.content ?? {});
}

/** Whether the route that was asked for cannot do without a body. */
function wantsBody(app: Api, c: Context): boolean {
  const method = c.req.method.toLowerCase();
  return routesAt(app, c.req.path).find((one) => one.method === method)?.request?.body?.required === true;
}

/** There is nothing for this path (404), or for this method (405). */
function nothingAt(app: Api, c: Context): Response {
  const allowed = new Set(routesAt(app, c.req.path).map(({ method }) => method.toUpperCase()));
  if (allowed.size === 0) return refuse(404, "there is nothing here; /openapi.json says what there is");
  if (allowed.has("GET")) allowed.add("HEAD");
  const allow = [...allowed].sort().join(", ");
  return refuse(405, `this can be asked for with ${allow}`, { headers: { allow } });
}

function routesAt(app: Api, path: string): RouteConfig[] {
  return app.openAPIRegistry.definitions.flatMap((one) => (one.type === "route" && fits(one.route.path, path) ? [one.route] : []));
}

/** Whether `path` is one of the route `/contexts/{id}`. */
function fits(route: string, path: string): boolean {
  const wanted = route.split("/");
  const steps = path.split("/");
  return wanted.length === steps.length && wanted.every((step, i) => (step.startsWith("{") ? steps[i] !== "" : step === steps[i]));
}
