/** What the API can make the box do. Over TCP all of it needs the token. */
import { createRoute } from "@hono/zod-openapi";
import { z } from "zod";
import { answer } from "./answer.ts";
import type { BoxFacade } from "./facade.ts";
import { idParams } from "./fields.ts";
import { refuse } from "./problem.ts";
import { type Api, responses } from "./routes.ts";
import { type DoneRow, doneRow, type ReloadRow, reloadRow } from "./rows.ts";

const RELOAD_STATUS = { faults: 422, restart: 409, failed: 500 } as const;
const RELOAD_TITLE = { faults: "Mistakes in the Settings", restart: "Needs a Restart", failed: "Refused by the Machine" } as const;

const none = z.strictObject({});
const security = [{ token: [] }];

const RELOAD = createRoute({
  method: "post",
  path: "/reload",
  summary: "Read site.yaml again and take it over as a whole, or not at all",
  tags: ["act"],
  security,
  request: { query: none },
  responses: responses("It holds now.", reloadRow, [409, 413, 415, 422]),
});
const DISCARD = createRoute({
  method: "post",
  path: "/contexts/{id}/discard",
  summary: "Drop a context, as if it had been idle",
  description: "A host that goes on sending gets a new one; the peer finds out by itself (RFC 5533 §7.18).",
  tags: ["act"],
  security,
  request: { params: idParams, query: none },
  responses: responses("It is gone.", doneRow, [404, 413, 415]),
});
const REHOME = createRoute({
  method: "post",
  path: "/contexts/{id}/rehome",
  summary: "Let a context move to a pair of locators that ranks better",
  description: "It goes on sending as before until the other pair has proved itself, and stays where it is when no pair ranks better.",
  tags: ["act"],
  security,
  request: { params: idParams, query: none },
  responses: responses("It looks for one.", doneRow, [404, 409, 413, 415]),
});

/** Adds the routes that act. */
export function addActions(app: Api, box: BoxFacade): void {
  app.openapi(RELOAD, () => {
    const result = box.reload();
    if (!result.ok) return refuse(RELOAD_STATUS[result.why], result.detail, { title: RELOAD_TITLE[result.why] });
    const { file, changed, warnings, untold } = result;
    return answer({ file, changed: [...changed], warnings: [...warnings], untold } satisfies ReloadRow);
  });
  app.openapi(DISCARD, (c) => {
    const { id } = c.req.valid("param");
    return box.discard(id) ? answer({ id, detail: "dropped" } satisfies DoneRow) : nothingWith(id);
  });
  app.openapi(REHOME, (c) => {
    const { id } = c.req.valid("param");
    if (box.rehome(id)) return answer({ id, detail: "looks for a better pair" } satisfies DoneRow);
    return box.context(id) === undefined ? nothingWith(id) : refuse(409, `context ${id} is not established`);
  });
}

function nothingWith(id: number): Response {
  return refuse(404, `there is no context ${id}`);
}
