/**
 * The API against its own document: requests made of what it says of its routes, and of what it does not say. Whatever comes, there is an answer
 * that the document names, in the form that it names, and never a 500.
 */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createApi } from "../../../runtime/api/app.ts";
import { problem } from "../../../runtime/api/rows.ts";
import { fakeFacade } from "../../lib/facade.ts";
import { seed } from "../../lib/seed.ts";

interface Field {
  readonly name: string;
  readonly in: string;
  readonly schema: { readonly type?: string | readonly string[]; readonly enum?: readonly string[]; readonly example?: unknown };
}
interface Shape {
  readonly $ref?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Shape & { readonly example?: unknown }>>;
}
interface Operation {
  readonly parameters?: readonly Field[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Shape }>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
}
interface Call {
  readonly method: string;
  readonly route: string;
  readonly operation: Operation;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer> | undefined;
}

const api = createApi(fakeFacade(20));
const document = JSON.parse(await (await api.request("/openapi.json")).text()) as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Shape>> };
};
const operations = Object.entries(document.paths).flatMap(([route, item]) =>
  Object.entries(item).map(([method, operation]) => ({ method: method.toUpperCase(), route, operation })),
);

const anything = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ maxLength: 10 }),
  fc.constantFrom("", "0", "-1", "1e9", "%", "é"),
);

/** What a field may be: right, at its rim, or nonsense. */
function valuesOf({ schema }: Field): fc.Arbitrary<string> {
  const fine = [...(schema.enum ?? []), ...(schema.example === undefined ? [] : [String(schema.example)])];
  const numbers = fc.integer({ min: -1, max: 2 ** 33 }).map(String);
  const right = schema.type === "integer" ? fc.oneof(fc.integer({ min: 0, max: 30 }).map(String), numbers) : fc.constantFrom(...fine, "x");
  return fc.oneof({ weight: 3, arbitrary: right }, { weight: 1, arbitrary: anything });
}

const headerText = fc.string({ maxLength: 30 }).filter((text) => /^[\x20-\x7e]*$/.test(text));
const headers = fc.dictionary(
  fc.constantFrom("accept", "if-none-match", "last-event-id", "content-type", "authorization", "x-forwarded-for"),
  fc.oneof(
    headerText,
    fc.constantFrom("application/json", "*/*", "text/html;q=0.5, */*;q=0", '"x"', "W/", "1-1", "text/event-stream", "multipart/form-data"),
  ),
  { maxKeys: 3 },
);
/** The body that an operation wants, right or with a field that is not. */
function bodyOf({ requestBody }: Operation): fc.Arbitrary<Uint8Array<ArrayBuffer>> | undefined {
  const named = requestBody?.content["application/json"]?.schema;
  const shape = named?.$ref === undefined ? named : document.components.schemas[named.$ref.split("/").at(-1) ?? ""];
  if (shape?.properties === undefined) return undefined;
  const fields = Object.entries(shape.properties).map(([name, { type, example = "x" }]) => {
    const right = type === "number" || type === "integer" ? fc.nat() : fc.constant(example);
    return [name, fc.oneof({ weight: 4, arbitrary: right }, fc.jsonValue())] as const;
  });
  const object = fc.record(Object.fromEntries(fields), { requiredKeys: [] });
  return object.map((value) => new TextEncoder().encode(JSON.stringify(value)));
}

const anyBody = fc.option(
  fc.oneof(
    fc.json().map((text) => new TextEncoder().encode(text)),
    fc.uint8Array({ maxLength: 64 }).map((octets) => Uint8Array.from(octets)),
  ),
  { nil: undefined, freq: 2 },
);

const calls: fc.Arbitrary<Call> = fc.constantFrom(...operations).chain(({ method, route, operation }) => {
  const fields = operation.parameters ?? [];
  const values = fc.tuple(...fields.map((field) => fc.option(valuesOf(field), { nil: undefined, freq: 3 })));
  const strange = fc.option(fc.tuple(anything, anything), { nil: undefined, freq: 6 });
  const methods = fc.oneof(
    { weight: 5, arbitrary: fc.constant(method) },
    fc.constantFrom("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"),
  );
  const wanted = bodyOf(operation);
  const body = wanted === undefined ? anyBody : fc.oneof({ weight: 3, arbitrary: wanted }, anyBody);
  const said = fc.tuple(headers, fc.boolean()).map(([some, isJson]) => (isJson ? { ...some, "content-type": "application/json" } : some));
  return fc.tuple(values, strange, methods, said, body).map(([given, extra, asked, header, sent]) => {
    const query = new URLSearchParams();
    let path = route;
    fields.forEach((field, i) => {
      const value = given[i];
      if (field.in === "path") path = path.replace(`{${field.name}}`, encodeURIComponent((value ?? "0").toWellFormed()));
      else if (field.in === "query" && value !== undefined) query.append(field.name, value.toWellFormed());
    });
    if (extra !== undefined) query.append(extra[0].toWellFormed(), extra[1].toWellFormed());
    const target = query.size === 0 ? path : `${path}?${query}`;
    return { method: asked, route, operation, target, headers: header, body: asked === "GET" || asked === "HEAD" ? undefined : sent };
  });
});

/** The type of an answer without its parameters. */
const typeOf = (response: Response): string => (response.headers.get("content-type") ?? "").split(";")[0];

test("requests made of the document are answered as it says, and never with a 500", async () => {
  await fc.assert(
    fc.asyncProperty(calls, async ({ method, route, operation, target, headers: said, body: sent }) => {
      const response = await api.request(target, { method, headers: said, ...(sent === undefined ? {} : { body: sent }) });
      const { status } = response;
      assert.ok(status < 500 || (status === 503 && (route === "/readyz" || route === "/events")), `${status} for ${method} ${target}`);
      if (status === 304 || method === "HEAD") return;
      if (status >= 400 && status !== 503) {
        const text = await response.text();
        assert.is(typeOf(response), "application/problem+json");
        assert.is(problem.parse(JSON.parse(text)).status, status);
        assert.not.match(text, /\.ts|node_modules|at Object|ZodError/);
      }
      // Another method's answers, and a path that became another one's, are not this operation's.
      if ([404, 405].includes(status) || method !== operationMethod(route, operation)) return;
      const named = operation.responses[String(status)];
      assert.ok(named !== undefined, `${method} ${route} gives ${status}, which the document does not name`);
      assert.ok(Object.keys(named.content ?? {}).includes(typeOf(response)), `${method} ${route} gives ${typeOf(response)}`);
      await response.body?.cancel().catch(() => undefined);
    }),
    { seed, numRuns: 3_000 },
  );
});

function operationMethod(route: string, operation: Operation): string | undefined {
  return operations.find((one) => one.route === route && one.operation === operation)?.method;
}

test("paths that the document does not name are 404, whatever the method", async () => {
  const known = new RegExp(`^(${operations.map(({ route }) => route.replace(/\{[^}]*\}/g, "[^/]+")).join("|")})$`);
  await fc.assert(
    fc.asyncProperty(fc.webPath(), fc.constantFrom("GET", "POST", "PUT", "DELETE", "PATCH"), async (path, method) => {
      const target = `/${path.replace(/^\/+/, "")}`;
      if (known.test(target)) return;
      assert.is((await api.request(target, { method })).status, 404, target);
    }),
    { seed, numRuns: 500 },
  );
});

test("the document says of every field what it is", () => {
  for (const { method, route, operation } of operations)
    for (const field of operation.parameters ?? [])
      assert.ok("description" in field && field.schema.type !== undefined, `${method} ${route} ${field.name}`);
});

test.run();
