/** What a box says of its settings and of what they come to for one flow, as JSON; see {@link ./rows.ts}. */
import { z } from "zod";

const line = z
  .string()
  .nullable()
  .meta({ description: "File and line that say so, or the RFC; null = neither.", example: "/etc/pshim6/site.yaml:12" });

export const siteRow = z
  .object({
    file: z.string(),
    settings: z
      .record(z.string(), z.unknown())
      .meta({ description: "As they hold, defaults filled in; durations in milliseconds. Nothing secret is in them." }),
  })
  .meta({ id: "Site", description: "The settings that the box runs by." });
export type SiteRow = z.infer<typeof siteRow>;

const match = z
  .record(z.string(), z.unknown())
  .meta({ description: "Criteria that are there: from, to, names, protocols, ports, classes, when." });

export const policyRuleRow = z
  .object({
    name: z.string(),
    use: z.string().meta({ description: "What it wants, in words.", example: "prefers isp2, then isp1" }),
    match,
    source: line,
    decided: z
      .number()
      .nonnegative()
      .meta({ description: "How often it decided since the box started: for contexts that began or changed." }),
  })
  .meta({ id: "PolicyRule", description: "A rule of traffic engineering; the first that matches decides." });
export type PolicyRuleRow = z.infer<typeof policyRuleRow>;

export const decisionRow = z
  .object({
    rule: z.string().nullable().meta({ description: "The rule that decides; null = none: the providers' own priorities hold." }),
    use: z.string(),
    source: line,
    needsOwnContext: z.boolean().meta({ description: "Whether the rule looks at ports, protocols or classes." }),
    providers: z
      .array(z.object({ name: z.string(), rank: z.int(), weight: z.number(), allowed: z.boolean() }))
      .meta({ description: "In the order of site.yaml; the lowest rank comes first, equal ones share by weight." }),
    before: z
      .array(
        z.object({ rule: z.string(), why: z.string().meta({ description: "The first criterion that does not match." }), source: line }),
      )
      .meta({ description: "Earlier rules, which do not match." }),
  })
  .meta({ id: "PolicyDecision", description: "Which rule decides about a flow, and what comes of it." });
export type DecisionRow = z.infer<typeof decisionRow>;

const end = z
  .object({
    asked: z.string(),
    name: z.string().nullable(),
    address: z.string().nullable().meta({ description: "null = there is none." }),
    kind: z.string().meta({ description: "own, own-routable, own-beside, peer, bound, internet, locator, unusable, stranger or unknown." }),
  })
  .meta({ id: "FlowEnd" });

export const explainRow = z
  .object({
    from: end,
    to: end,
    outcome: z.enum(["context", "establish", "wait", "plain", "mapped", "local", "refused", "unknown"]).meta({
      description:
        "A context carries it, would be set up, or does not work now; it passes without one; it is mapped; it never comes to the box; it is refused.",
    }),
    verdict: z.string().meta({ description: "The same as a sentence." }),
    context: z.int().nullable().meta({ description: "Id of the context that there is for it." }),
    steps: z.array(
      z.object({
        step: z.string().meta({
          description: "name, from, to, exception, filter, admission, policy, context, beside, mapping, egress, mtu.",
          example: "filter",
        }),
        ok: z.boolean().nullable().meta({ description: "false = it goes no further here; null = it depends." }),
        what: z.string(),
        why: z.string().nullable(),
        source: line,
      }),
    ),
    pairs: z
      .array(
        z.object({
          local: z.string(),
          peer: z.string(),
          provider: z.string().nullable(),
          path: z.enum(["alive", "lost", "unknown"]),
          rttMs: z.number().nonnegative().nullable(),
          isCurrent: z.boolean(),
        }),
      )
      .meta({ description: "Pairs of locators, the one that is tried first in front; equal ones are drawn by weight." }),
    providers: z.array(
      z.object({
        name: z.string(),
        state: z.string().meta({ description: "What speaks for or against it, in words.", example: "up, drained" }),
        isCandidate: z.boolean(),
        source: line,
      }),
    ),
  })
  .meta({ id: "Explanation", description: "What will happen to a packet, and why. Nothing is done to find out but to look names up." });
export type ExplainRow = z.infer<typeof explainRow>;
