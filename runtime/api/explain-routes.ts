/** What the settings are, and what they come to for one flow: to be read, nothing is set up by asking. */
import { createRoute } from "@hono/zod-openapi";
import { z } from "zod";
import { parseClass, parseProtocol, parseWeekMinute } from "../value/flow.ts";
import { answer, answerRows, answerTagged } from "./answer.ts";
import type { BoxFacade } from "./facade.ts";
import { addressField, pageFields, wholeText } from "./fields.ts";
import { type Api, listResponses, responses } from "./routes.ts";
import { listing } from "./rows.ts";
import { decisionRow, explainRow, policyRuleRow, siteRow } from "./rows-explain.ts";

const NAME_LIMIT = 253;
const PORT_LIMIT = 65_535;

/** Reads text with `parse`; what that does not know is refused with `message`. */
const read = (parse: (text: string) => number | undefined, message: string) =>
  z.string().transform((text, context) => {
    const value = parse(text.toLowerCase());
    if (value === undefined) context.addIssue({ code: "custom", message });
    return value ?? z.NEVER;
  });

/** A domain name, a host's name, or an address: no spaces, nothing that moves a cursor. */
const endField = z
  .string()
  .min(1)
  .max(NAME_LIMIT + 1)
  .regex(/^[\x21-\x7e]+$/, "must be a name or an IPv6 address");

const flowFields = {
  protocol: read(parseProtocol, "must be a protocol's name, such as tcp, or its number up to 255")
    .optional()
    .meta({ type: "string", description: "The protocol, by name or number.", example: "tcp" }),
  port: wholeText(PORT_LIMIT)
    .transform(Number)
    .optional()
    .meta({ type: "integer", minimum: 0, maximum: PORT_LIMIT, description: "The port of the server.", example: 443 }),
  class: read(parseClass, "must be a class of traffic, such as ef, or a DSCP up to 63")
    .optional()
    .meta({ type: "string", description: "The class of traffic, by name or DSCP.", example: "ef" }),
};

const SITE = createRoute({
  method: "get",
  path: "/site",
  summary: "The settings that the box runs by",
  tags: ["read"],
  request: { query: z.strictObject({}) },
  responses: listResponses("The settings.", siteRow),
});
const POLICY = createRoute({
  method: "get",
  path: "/policy",
  summary: "The rules of traffic engineering and how often each decided",
  tags: ["read"],
  request: { query: z.strictObject(pageFields) },
  responses: listResponses("One page.", listing(policyRuleRow)),
});
const DECISION = createRoute({
  method: "get",
  path: "/policy/decision",
  summary: "Which rule decides about a flow, and why earlier ones do not",
  tags: ["read"],
  request: {
    query: z.strictObject({
      ...flowFields,
      from: addressField.meta({ description: "The host's identifier.", example: "fc00:aaaa:1::10" }),
      to: addressField.meta({ description: "The peer's identifier.", example: "fc00:bbbb:1::10" }),
      name: endField.optional().meta({ description: "The name that the peer is asked for by.", example: "h2.beta.example" }),
      at: read(parseWeekMinute, 'must be a time of the week, such as "fri 17:30"')
        .optional()
        .meta({ type: "string", description: "A time of the week; without: now.", example: "fri 17:30" }),
    }),
  },
  responses: responses("The decision.", decisionRow),
});
const EXPLAIN = createRoute({
  method: "get",
  path: "/explain",
  summary: "What will happen to a packet, and why",
  description:
    "Looks and does nothing, but for a name that nobody knows yet: it is looked up as for a host, and the answer waits for that two seconds at most.",
  tags: ["read"],
  request: {
    query: z.strictObject({
      ...flowFields,
      from: endField.meta({ description: "A host of the site by name, an identifier, or an address.", example: "h1" }),
      to: endField.meta({ description: "A domain name, an identifier, or an address.", example: "h2.beta.example" }),
    }),
  },
  responses: responses("The explanation.", explainRow),
});

/** Adds these routes. */
export function addExplanations(app: Api, box: Pick<BoxFacade, "site" | "policy" | "decide" | "explain">): void {
  app.openapi(SITE, (c) => answerTagged(c, box.site()));
  app.openapi(POLICY, (c) => answerRows(c, box.policy(), c.req.valid("query"), (row) => row.name));
  app.openapi(DECISION, (c) => {
    const { at, name, ...flow } = c.req.valid("query");
    return answer(box.decide({ ...flow, minute: at, name: name?.toLowerCase().replace(/\.$/, "") }));
  });
  app.openapi(EXPLAIN, async (c) => answer(await box.explain(c.req.valid("query"))));
}
