/** What RFC 6316 gives an application, for a site's automation: the locators of a context, wishes about them, and where Shim6 is switched off. */
import { createRoute } from "@hono/zod-openapi";
import { z } from "zod";
import { parseAddress } from "../value/address.ts";
import { parsePrefix } from "../value/prefix.ts";
import { answer } from "./answer.ts";
import type { BoxFacade, WishResult } from "./facade.ts";
import { idParams } from "./fields.ts";
import { refuse } from "./problem.ts";
import { type Api, responses } from "./routes.ts";
import { type DoneRow, doneRow } from "./rows.ts";
import { exceptionsRow, locatorsRow } from "./rows-locators.ts";

/** SHIM_MAX_LOCATORS (RFC 6316 §13). */
const LOCATORS_MOST = 32;
const RANK_MOST = 65_535;
/** Chosen: exceptions are for a few. */
const PEERS_MOST = 256;
const PORTS_MOST = 64;
const PORT_LIMIT = 65_535;

const locator = z
  .string()
  .transform((text, context) => {
    const value = parseAddress(text);
    if (value === undefined) context.addIssue({ code: "custom", message: "must be an IPv6 address" });
    return value ?? z.NEVER;
  })
  .meta({ type: "string", format: "ipv6", example: "2001:db8:a1::10" });
const wished = z
  .array(
    z.strictObject({
      address: locator,
      priority: z.int().min(0).max(RANK_MOST).default(0).meta({ description: "Lower first." }),
      weight: z.int().min(0).max(RANK_MOST).default(1).meta({ description: "Higher first among equals." }),
    }),
  )
  .max(LOCATORS_MOST)
  .default([]);
const preferencesRequest = z
  .strictObject({ local: wished, peer: wished })
  .meta({ id: "Preferences", description: "Locators in the order that is wished; those that are not named come behind." });
const preferRequest = z
  .strictObject({
    provider: z.string().min(1).max(64).optional().meta({ description: "The provider that is to carry the context.", example: "isp1" }),
    local: locator.optional().meta({ description: "Or the locator to send from." }),
    peer: locator.optional().meta({ description: "The locator to send to.", example: "2001:db8:b3::10" }),
  })
  .refine(({ provider, local, peer }) => (provider ?? local ?? peer) !== undefined, "must name a provider, or a locator")
  .refine(({ provider, local }) => provider === undefined || local === undefined, "must name a provider or a local locator, not both")
  .meta({ id: "Prefer", description: "Where a context is to go." });

const portsText = z
  .string()
  .transform((text, context) => {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
    const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
    if (match !== null && first <= last && last <= PORT_LIMIT) return { first, last };
    context.addIssue({ code: "custom", message: 'must be a port or a range of ports, such as "5000-6000"' });
    return z.NEVER;
  })
  .meta({ type: "string" });
const peerPrefix = z
  .string()
  .transform((text, context) => {
    const alone = parseAddress(text);
    const value = parsePrefix(alone === undefined ? text : `${alone}/128`);
    if (value === undefined)
      context.addIssue({ code: "custom", message: "must be an IPv6 prefix without bits behind its length, or an address" });
    return value ?? z.NEVER;
  })
  .meta({ type: "string" });
const exceptionsRequest = z
  .strictObject({
    peers: z
      .array(peerPrefix)
      .max(PEERS_MOST)
      .default([])
      .meta({ example: ["fc00:bbbb:1::/48"] }),
    ports: z
      .array(portsText)
      .max(PORTS_MOST)
      .default([])
      .meta({ example: ["123", "5000-6000"] }),
  })
  .meta({ id: "ExceptionsRequest", description: "All of it: what is not named is switched on again." });

const none = z.strictObject({});
const security = [{ token: [] }];
const jsonOf = <Schema extends z.ZodType>(schema: Schema) => ({ required: true as const, content: { "application/json": { schema } } });

const LOCATORS = createRoute({
  method: "get",
  path: "/contexts/{id}/locators",
  summary: "The locators of both ends of a context",
  description: "SHIM_LOCLIST_LOCAL and SHIM_LOCLIST_PEER of RFC 6316.",
  tags: ["read"],
  request: { params: idParams, query: none },
  responses: responses("The locators.", locatorsRow, [404]),
});
const PREFERENCES = createRoute({
  method: "put",
  path: "/contexts/{id}/preferences",
  summary: "Wish an order of a context's locators",
  description:
    "SHIM_LOC_LOCAL_PREF and SHIM_LOC_PEER_PREF of RFC 6316, for outbound packets. It replaces what was wished before and lasts as long as the context; empty lists end it. Rules that pin traffic still hold.",
  tags: ["act"],
  security,
  request: { params: idParams, query: none, body: jsonOf(preferencesRequest) },
  responses: responses("It is wished.", doneRow, [404, 409, 413, 415, 422]),
});
const PREFER = createRoute({
  method: "post",
  path: "/contexts/{id}/prefer",
  summary: "Let a context go by a provider, or a pair of locators",
  description:
    "SHIM_LOC_LOCAL_SEND and SHIM_LOC_PEER_SEND of RFC 6316, as a wish: the context goes there as soon as that pair has proved itself, and elsewhere when it fails.",
  tags: ["act"],
  security,
  request: { params: idParams, query: none, body: jsonOf(preferRequest) },
  responses: responses("It is wished.", doneRow, [404, 409, 413, 415, 422]),
});
const EXCEPTIONS = createRoute({
  method: "get",
  path: "/exceptions",
  summary: "For what Shim6 is switched off",
  tags: ["read"],
  request: { query: none },
  responses: responses("The exceptions.", exceptionsRow),
});
const SET_EXCEPTIONS = createRoute({
  method: "put",
  path: "/exceptions",
  summary: "Switch Shim6 off for peers and ports, and on for all others",
  description:
    "SHIM_DONTSHIM of RFC 6316, for the site, beyond restarts. Peers: hosts' packets to identifiers that the internet does not route are refused, others pass without a context, and the peer's handshakes are not answered. Ports: their packets bring no context about; where there is one, they go along. Contexts that live stay.",
  tags: ["act"],
  security,
  request: { query: none, body: jsonOf(exceptionsRequest) },
  responses: responses("It holds now.", exceptionsRow, [413, 415]),
});

/** Adds these routes. */
export function addLocators(app: Api, box: Pick<BoxFacade, "locators" | "wish" | "prefer" | "exceptions" | "except">): void {
  app.openapi(LOCATORS, (c) => {
    const { id } = c.req.valid("param");
    const row = box.locators(id);
    return row === undefined ? refuse(404, `there is no context ${id}`) : answer(row);
  });
  app.openapi(PREFERENCES, (c) => {
    const { id } = c.req.valid("param");
    return done(id, box.wish(id, c.req.valid("json")));
  });
  app.openapi(PREFER, (c) => {
    const { id } = c.req.valid("param");
    return done(id, box.prefer(id, c.req.valid("json")));
  });
  app.openapi(EXCEPTIONS, () => answer(box.exceptions()));
  app.openapi(SET_EXCEPTIONS, (c) => answer(box.except(c.req.valid("json"))));
}

const STATUS = { unknown: 404, refused: 409, invalid: 422 } as const;

function done(id: number, result: WishResult): Response {
  if (result.ok) return answer({ id, detail: result.detail } satisfies DoneRow);
  const errors = result.field === undefined ? undefined : [{ pointer: `#/json/${result.field}`, detail: result.detail }];
  return refuse(STATUS[result.why], result.detail, errors === undefined ? {} : { errors });
}
