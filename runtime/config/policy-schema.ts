/** Rules of traffic engineering: `policy` of site.yaml. */
import { z } from "zod";
import type { PolicyRule, PolicyUse } from "../policy/rule.ts";
import { domainField, nameField, prefixField } from "./fields.ts";
import { classField, hoursField, portsField, protocolField } from "./policy-fields.ts";
import { failbackField } from "./provider-schema.ts";

/** Rules at most. */
export const RULE_LIMIT = 65_536;
const ENTRIES = 1_024;

const providers = z.array(nameField).min(1).max(16);

export const ruleSchema = z.strictObject({
  name: nameField
    .optional()
    .meta({ description: "What the rule is called in answers and logs; unique.", defaultText: "`rule 1`, `rule 2`, …", example: "voice" }),
  from: z.array(prefixField).min(1).max(ENTRIES).optional().meta({ description: "Identifiers of own hosts.", defaultText: "all" }),
  to: z.array(prefixField).min(1).max(ENTRIES).optional().meta({ description: "Identifiers of peers.", defaultText: "all" }),
  names: z
    .array(domainField)
    .min(1)
    .max(ENTRIES)
    .optional()
    .meta({ description: "Domains at or below which a host found the peer.", defaultText: "all" }),
  protocols: z
    .array(protocolField)
    .min(1)
    .max(256)
    .optional()
    .meta({ description: "Protocols, by number or name.", defaultText: "all", example: ["udp"] }),
  ports: z
    .array(portsField)
    .min(1)
    .max(ENTRIES)
    .optional()
    .meta({ description: "Ports of either end, or ranges of them.", defaultText: "all", example: [5060, "10000-20000"] }),
  classes: z
    .array(classField)
    .min(1)
    .max(64)
    .optional()
    .meta({ description: "Classes of traffic (DSCP), by number or name.", defaultText: "all" }),
  hours: z
    .array(hoursField)
    .min(1)
    .max(64)
    .optional()
    .meta({
      description: "Times of the week at which the rule holds, in local time.",
      defaultText: "always",
      example: ["mon-fri 08:00-18:00"],
    }),
  pin: nameField.optional().meta({ description: "That provider and no other, even when it is dead.", example: "isp1" }),
  prefer: providers.optional().meta({ description: "These providers in this order, then the others.", example: ["isp1", "isp2"] }),
  avoid: providers.optional().meta({ description: "These providers only when no other is left.", example: ["lte"] }),
  spread: z
    .record(nameField, z.int().min(0).max(1_000_000))
    .optional()
    .meta({ description: "Shares of the contexts by provider; the others when none of these is left.", example: { isp1: 60, isp2: 40 } }),
  legacy: z.enum(["map", "pa", "refuse"]).optional().meta({
    description:
      "How hosts reach peers without Shim6 that match. `map`: from their identifiers, also where they have addresses of the providers (`legacy.mode: both`; hosts hear of it for the prefixes in `to`); `pa`: from those addresses alone; `refuse`: not from their identifiers.",
    defaultText: "as `legacy.mode` says",
  }),
  failback: failbackField.optional().meta({
    description: "When what the rule is about goes back to a provider that works again.",
    defaultText: "as `failback` says",
    example: "5m",
  }),
});

export type ParsedRule = z.output<typeof ruleSchema>;

/** A rule as the decision takes it. `index` counts from 0. */
export function completeRule(rule: ParsedRule, index: number): PolicyRule {
  const { from, to, names, protocols, ports, classes, hours, legacy } = rule;
  return {
    name: rule.name ?? `rule ${index + 1}`,
    match: { from, to, names, protocols, ports, classes, when: hours },
    use: useOf(rule),
    failback: rule.failback,
    ...(rule.failback && { failback: rule.failback }),
    ...(legacy && { legacy }),
  };
}

function useOf({ pin, prefer, avoid, spread }: ParsedRule): PolicyUse {
  if (pin !== undefined) return { kind: "pin", provider: pin };
  if (prefer !== undefined) return { kind: "prefer", providers: prefer };
  if (avoid !== undefined) return { kind: "avoid", providers: avoid };
  return spread === undefined ? { kind: "default" } : { kind: "spread", weights: new Map(Object.entries(spread)) };
}
