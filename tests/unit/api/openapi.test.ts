/** The API's document against the rules of OpenAPI 3.1 and JSON Schema 2020-12 that clients made of it depend on. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createApi } from "../../../runtime/api/app.ts";
import { fakeFacade } from "../../lib/facade.ts";

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
type Node = { readonly [name: string]: Json };

const document = JSON.parse(await (await createApi(fakeFacade(1)).request("/openapi.json")).text()) as Node;
const node = (value: Json | undefined): Node =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Node) : {};
const list = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : []);
const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
const operations = Object.entries(node(document.paths)).flatMap(([path, item]) =>
  Object.entries(node(item)).map(([method, operation]) => ({ path, method, where: `${method} ${path}`, operation: node(operation) })),
);

/** Every object in `value`, with where it stands. */
function* walk(value: Json, at = "#"): Iterable<readonly [at: string, node: Node]> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield [at, value as Node];
  for (const [name, inner] of Object.entries(value)) yield* walk(inner, `${at}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`);
}

function find(pointer: string): Json | undefined {
  let value: Json | undefined = document;
  for (const step of pointer.split("/").slice(1)) value = node(value)[step.replaceAll("~1", "/").replaceAll("~0", "~")];
  return value;
}

test("version, title, license, servers, tags", () => {
  assert.match(String(document.openapi), /^3\.1\.\d+$/);
  const info = node(document.info);
  assert.ok(typeof info.title === "string" && typeof info.version === "string" && typeof node(info.license).name === "string");
  assert.ok(list(document.servers).length > 0);
  const names = list(document.tags).map((tag) => node(tag).name);
  assert.is(new Set(names).size, names.length);
  for (const { where, operation } of operations)
    for (const tag of list(operation.tags)) assert.ok(names.includes(tag), `${where}: tag ${tag}`);
});

test("every reference leads somewhere, and stands alone but for a description", () => {
  let references = 0;
  for (const [at, each] of walk(document)) {
    if (typeof each.$ref !== "string") continue;
    references++;
    assert.match(each.$ref, /^#\/components\//, at);
    assert.ok(find(each.$ref) !== undefined, `${at}: ${each.$ref}`);
  }
  assert.ok(references > 20);
});

test("every operation has a name of its own, a summary, answers, and problem details where it refuses", () => {
  const names = operations.map(({ operation }) => operation.operationId);
  assert.is(new Set(names).size, operations.length);
  for (const { path, method, where, operation } of operations) {
    assert.ok(METHODS.includes(method), where);
    assert.match(path, /^\//);
    assert.match(String(operation.operationId), /^[a-z]+[A-Z][A-Za-z0-9]*$/, where);
    assert.ok(typeof operation.summary === "string" && operation.summary.length > 0, where);
    const responses = Object.entries(node(operation.responses));
    assert.ok(
      responses.some(([status]) => status.startsWith("2")),
      where,
    );
    for (const [status, response] of responses) {
      assert.match(status, /^[1-5]\d\d$/, where);
      assert.ok(typeof node(response).description === "string", `${where} ${status}`);
      const types = Object.keys(node(node(response).content));
      if (Number(status) < 400 || types.includes("application/json")) continue;
      assert.equal(types, ["application/problem+json"], `${where} ${status}`);
      assert.equal(find(`#/paths/${path.replaceAll("/", "~1")}/${method}/responses/${status}/content/application~1problem+json/schema`), {
        $ref: "#/components/schemas/Problem",
      });
    }
  }
});

test("parameters: each once, those of the path all there and required, each with a schema", () => {
  for (const { path, where, operation } of operations) {
    const parameters = list(operation.parameters).map(node);
    const keys = parameters.map(({ name, in: place }) => `${place} ${name}`);
    assert.is(new Set(keys).size, keys.length, where);
    const inPath = [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1]);
    const declared = parameters.filter((parameter) => parameter.in === "path");
    assert.equal(declared.map(({ name }) => name).sort(), inPath.sort(), where);
    for (const { name, in: place, required, schema } of parameters) {
      assert.ok(["path", "query", "header", "cookie"].includes(String(place)), where);
      assert.ok(place !== "path" || required === true, `${where} ${name}`);
      assert.ok(Object.keys(node(schema)).length > 0, `${where} ${name}`);
    }
  }
});

test("what acts needs the token, what reads does not; bodies are JSON", () => {
  const schemes = Object.keys(node(node(document.components).securitySchemes));
  for (const { method, where, operation } of operations) {
    const wanted = list(operation.security).flatMap((each) => Object.keys(node(each)));
    assert.is(wanted.length > 0, method !== "get", where);
    for (const scheme of wanted) assert.ok(schemes.includes(scheme), where);
    if (operation.requestBody === undefined) continue;
    assert.ok(method !== "get" && method !== "delete", where);
    assert.equal(Object.keys(node(node(operation.requestBody).content)), ["application/json"], where);
  }
});

test("schemas are JSON Schema 2020-12: nothing of OpenAPI 3.0, required fields exist, enumerations are not empty", () => {
  for (const [at, each] of walk(node(node(document.components).schemas))) {
    if (at.endsWith("/properties")) continue;
    for (const old of ["nullable", "exclusiveMinimumBoolean"]) assert.ok(!(old in each), `${at}: ${old}`);
    assert.ok(typeof each.exclusiveMinimum !== "boolean" && typeof each.exclusiveMaximum !== "boolean", at);
    if (Array.isArray(each.required)) for (const name of each.required) assert.ok(String(name) in node(each.properties), `${at}: ${name}`);
    if (each.enum !== undefined) assert.ok(list(each.enum).length > 0, at);
    if (each.type === "array") assert.ok(each.items !== undefined || each.prefixItems !== undefined, at);
  }
});

test("every schema that is declared is used", () => {
  const text = JSON.stringify(document);
  for (const name of Object.keys(node(node(document.components).schemas))) assert.ok(text.includes(`"#/components/schemas/${name}"`), name);
});

test.run();
