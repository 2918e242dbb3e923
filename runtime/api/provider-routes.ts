/** What operators and hooks say of providers. Over TCP all of it needs the token. */
import { createRoute } from "@hono/zod-openapi";
import { z } from "zod";
import { parsePrefix } from "../value/prefix.ts";
import { answer } from "./answer.ts";
import type { BoxFacade, ProviderResult } from "./facade.ts";
import { nameParams, spanField } from "./fields.ts";
import { type Refusal, refuse } from "./problem.ts";
import { type Api, responses } from "./routes.ts";
import { type ReloadRow, reloadRow } from "./rows.ts";

const SECONDS_MOST = 4_294_967_295;

const prefixRequest = z
  .strictObject({
    prefix: z
      .string()
      .transform((text, context) => {
        const value = parsePrefix(text);
        if (value === undefined) context.addIssue({ code: "custom", message: "must be an IPv6 prefix without bits behind its length" });
        return value ?? z.NEVER;
      })
      .meta({ type: "string", description: "What the provider routes to the site.", example: "2001:db8:a1::/48" }),
    valid: z
      .number()
      .positive()
      .max(SECONDS_MOST)
      .optional()
      .meta({ description: "Seconds after which it ends by itself; without this when something else is said." }),
  })
  .meta({ id: "ProviderPrefix", description: "A prefix, as whatever asks the provider for it heard it." });

const wordRequest = z
  .strictObject({
    for: spanField.optional().meta({ description: "It ends by itself after so long; without this when it is taken back." }),
    keep: z.boolean().optional().meta({ description: "Whether it lasts beyond a restart.", example: false }),
  })
  .meta({ id: "ProviderWord", description: "For how long an operator's word about a provider holds." });

const none = z.strictObject({});
const security = [{ token: [] }];
const tags = ["act"];
const CHANGED = "It holds now.";

const DRAIN = createRoute({
  method: "post",
  path: "/providers/{name}/drain",
  summary: "Let everything leave a provider",
  description:
    "New contexts avoid it, those that are on it leave it, and peers hear that they should, too. What still comes there is taken in.",
  tags,
  security,
  request: {
    params: nameParams,
    query: z.strictObject({ keep: z.enum(["true", "false"]).optional().meta({ description: "Whether it lasts beyond a restart." }) }),
  },
  responses: responses(CHANGED, reloadRow, [404, 413, 415]),
});
const RESTORE = createRoute({
  method: "post",
  path: "/providers/{name}/restore",
  summary: "Use a provider as site.yaml says: neither drained nor preferred",
  description: "New contexts use it; those that left it go back as `failback` in site.yaml says.",
  tags,
  security,
  request: { params: nameParams, query: none },
  responses: responses(CHANGED, reloadRow, [404, 413, 415]),
});
const word = (path: "/providers/{name}/break" | "/providers/{name}/prefer", summary: string, description: string) =>
  createRoute({
    method: "post",
    path,
    summary,
    description,
    tags,
    security,
    request: { params: nameParams, query: none, body: { required: false, content: { "application/json": { schema: wordRequest } } } },
    responses: responses(CHANGED, reloadRow, [404, 413, 415]),
  });
const BREAK = word(
  "/providers/{name}/break",
  "Take a provider for dead, whatever its line says",
  "Contexts leave it at once, nothing new uses it, and peers hear that its locators are broken (RFC 5533 §5.15.3). It is the last resort when all are dead.",
);
const PREFER = word(
  "/providers/{name}/prefer",
  "Put a provider before all others",
  "New contexts use it, live ones move to it, and peers hear that they should use it, too; rules that pin traffic elsewhere still hold. `restore` ends it.",
);
const MEND = createRoute({
  method: "post",
  path: "/providers/{name}/mend",
  summary: "Take a provider for dead no longer",
  description: "What its line says counts again.",
  tags,
  security,
  request: { params: nameParams, query: none },
  responses: responses(CHANGED, reloadRow, [404, 413, 415]),
});
const SET_PREFIX = createRoute({
  method: "put",
  path: "/providers/{name}/prefix",
  summary: "Tell the prefix of a provider that has prefix: auto in site.yaml",
  tags,
  security,
  request: { params: nameParams, query: none, body: { required: true, content: { "application/json": { schema: prefixRequest } } } },
  responses: responses(CHANGED, reloadRow, [404, 409, 413, 415, 422]),
});
const UNSET_PREFIX = createRoute({
  method: "delete",
  path: "/providers/{name}/prefix",
  summary: "Tell that such a provider routes nothing to the site any more",
  tags,
  security,
  request: { params: nameParams, query: none },
  responses: responses(CHANGED, reloadRow, [404, 409, 413, 415, 422]),
});

/** Adds the routes about providers that act. */
export function addProviderRoutes(app: Api, box: Pick<BoxFacade, "drain" | "restore" | "say" | "mend" | "setPrefix">): void {
  app.openapi(DRAIN, (c) => changed(box.drain(c.req.valid("param").name, c.req.valid("query").keep === "true")));
  app.openapi(RESTORE, (c) => changed(box.restore(c.req.valid("param").name)));
  app.openapi(BREAK, (c) => {
    const { for: span, keep = false } = c.req.valid("json");
    return changed(box.say("broken", c.req.valid("param").name, span, keep));
  });
  app.openapi(PREFER, (c) => {
    const { for: span, keep = false } = c.req.valid("json");
    return changed(box.say("preferred", c.req.valid("param").name, span, keep));
  });
  app.openapi(MEND, (c) => changed(box.mend(c.req.valid("param").name)));
  app.openapi(SET_PREFIX, (c) => {
    const { prefix, valid } = c.req.valid("json");
    return changed(box.setPrefix(c.req.valid("param").name, prefix, valid === undefined ? undefined : 1_000 * valid));
  });
  app.openapi(UNSET_PREFIX, (c) => changed(box.setPrefix(c.req.valid("param").name, undefined)));
}

const REFUSALS: Readonly<Record<Exclude<ProviderResult, { ok: true }>["why"], readonly [status: Refusal, title: string]>> = {
  faults: [422, "Mistakes in the Settings"],
  restart: [409, "Needs a Restart"],
  failed: [500, "Refused by the Machine"],
  unknown: [404, "Not Found"],
  refused: [409, "Refused by the Settings"],
};

function changed(result: ProviderResult): Response {
  if (!result.ok) return refuse(REFUSALS[result.why][0], result.detail, { title: REFUSALS[result.why][1] });
  const { file, changed: what, warnings, untold } = result;
  return answer({ file, changed: [...what], warnings: [...warnings], untold } satisfies ReloadRow);
}
