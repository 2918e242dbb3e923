/** The API's description of itself: for programs as an OpenAPI 3.1 document, for people as a page without scripts. */
import { createRoute } from "@hono/zod-openapi";
import { z } from "zod";
import { answer } from "./answer.ts";
import type { BoxFacade } from "./facade.ts";
import { PLAIN_HEADERS } from "./problem.ts";
import { type Api, responses } from "./routes.ts";

const DOCUMENT = createRoute({
  method: "get",
  path: "/openapi.json",
  summary: "This interface as an OpenAPI 3.1 document",
  tags: ["about"],
  request: { query: z.strictObject({}) },
  responses: responses("The document.", z.object({ openapi: z.string() })),
});
const REFERENCE = createRoute({
  method: "get",
  path: "/reference",
  summary: "This interface as a page to read",
  tags: ["about"],
  request: { query: z.strictObject({}) },
  responses: responses("The page.", z.string(), [], ["text/html"]),
});

type Document = ReturnType<Api["getOpenAPI31Document"]>;

/** Adds the routes about the API itself. Both texts are made once, when they are first asked for. */
export function addReference(app: Api, box: BoxFacade): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "token", {
    type: "http",
    scheme: "bearer",
    description: "The text of the file api-token in the box's state directory. The Unix socket needs none; loopback only for actions.",
  });
  let made: Document | undefined;
  const document = (): Document => {
    made ??= app.getOpenAPI31Document({
      openapi: "3.1.0",
      info: {
        title: "pshim6",
        version: box.status().version,
        description: "Management of one Proxy Shim6 box. Durations are milliseconds, addresses RFC 5952 text, null is what is not known.",
        license: { name: "MIT" },
      },
      servers: [{ url: "/" }],
      tags: [
        { name: "read", description: "What the box is made of." },
        { name: "act", description: "What it can be made to do." },
        { name: "watch", description: "Events, metrics, health." },
        { name: "about", description: "This interface." },
      ],
    });
    nameOperations(made.paths ?? {});
    return made;
  };
  app.openapi(DOCUMENT, () => answer(document()));
  app.openapi(REFERENCE, () => {
    const headers = { ...PLAIN_HEADERS, "content-type": "text/html; charset=utf-8" };
    return new Response(pageOf(document()), { headers });
  });
}

/** Names every operation after its method and path, for those who make clients of the document: `postContextsIdDiscard`. */
function nameOperations(paths: object): void {
  for (const [path, item] of Object.entries(paths)) {
    const steps = path.split(/[^A-Za-z0-9]+/).filter((step) => step !== "");
    const tail = steps.map((step) => `${step[0].toUpperCase()}${step.slice(1)}`).join("");
    for (const [method, operation] of Object.entries(item as Record<string, { operationId?: string }>))
      operation.operationId ??= `${method}${tail === "" ? "Root" : tail}`;
  }
}

const STYLE =
  "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}code{font-size:.95em}table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ccc;padding:.25rem .5rem;text-align:left;vertical-align:top}h3{margin-top:2rem}";

function pageOf(document: Document): string {
  const { info, tags = [], paths = {}, components = {} } = document;
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item as Record<string, Operation>).map(([method, operation]) => ({ path, method, operation })),
  );
  const sections = tags.map(({ name, description = "" }) => {
    const mine = operations.filter(({ operation }) => operation.tags?.includes(name));
    return `<h2>${safe(name)}</h2><p>${safe(description)}</p>${mine.map(showOperation).join("")}`;
  });
  const schemas = Object.entries((components.schemas ?? {}) as Record<string, Shape>).map(
    ([name, shape]) => `<h3 id="${safe(name)}">${safe(name)}</h3><p>${safe(shape.description ?? "")}</p>${showFields(shape)}`,
  );
  const title = `${safe(info.title)} ${safe(info.version)}`;
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><style>${STYLE}</style><h1>${title}</h1><p>${safe(info.description ?? "")}</p>${sections.join("")}<h2>Objects</h2>${schemas.join("")}</html>`;
}

/** As much of an operation as the page shows. */
interface Operation {
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly description?: string }[];
  readonly responses?: Readonly<Record<string, { readonly description: string }>>;
}

/** As much of a schema as the page shows. */
interface Shape {
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly enum?: readonly unknown[];
}

function showOperation({ path, method, operation }: { path: string; method: string; operation: Operation }): string {
  const { summary = "", description = "", parameters = [], responses: answers = {} } = operation;
  const rows = parameters.map(
    (field) => `<tr><td><code>${safe(field.name)}</code><td>${safe(field.in)}<td>${safe(field.description ?? "")}`,
  );
  const fields = rows.length === 0 ? "" : `<table><tr><th>field<th>in<th>${rows.join("")}</table>`;
  const statuses = Object.entries(answers).map(([status, { description: what }]) => `${safe(status)} ${safe(what)}`);
  return `<h3><code>${safe(method.toUpperCase())} ${safe(path)}</code></h3><p>${safe(summary)}. ${safe(description)}</p>${fields}<p>${statuses.join("; ")}</p>`;
}

function showFields({ properties = {} }: Shape): string {
  const rows = Object.entries(properties).map(
    ([name, field]) =>
      `<tr><td><code>${safe(name)}</code><td>${safe(field.enum?.join(", ") ?? [field.type ?? ""].flat().join(" or "))}<td>${safe(field.description ?? "")}`,
  );
  return `<table><tr><th>field<th>kind<th>${rows.join("")}</table>`;
}

/** `text` without what means something in HTML. */
function safe(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
