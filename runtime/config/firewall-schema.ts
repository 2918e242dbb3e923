/** The filter on identifiers, and whom the box talks to at all: `firewall` and `admission` of site.yaml. */
import { z } from "zod";
import type { Firewall, FirewallEnd, FirewallRule } from "../firewall/rule.ts";
import { parsePrefix } from "../value/prefix.ts";
import { nameField, prefixField, quote } from "./fields.ts";
import { portsField, protocolField } from "./policy-fields.ts";

const ENTRIES = 1_024;
const RULES = 65_536;

/** A prefix, or `"@name"` of a set. */
export const endField = z.string().transform((text, context): FirewallEnd => {
  const set = /^@([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)$/.exec(text)?.[1];
  if (set !== undefined) return { set };
  const prefix = parsePrefix(text);
  if (prefix !== undefined) return prefix;
  context.addIssue({
    code: "custom",
    message: `is neither a prefix nor a set: ${quote(text)}`,
    params: { hint: 'write it like "fc00:bbbb::/32", or "@name" for a set of firewall.sets' },
  });
  return z.NEVER;
});

const action = z.enum(["accept", "drop", "reject"]);
const ends = z.array(endField).min(1).max(ENTRIES).optional();

export const firewallRuleSchema = z.strictObject({
  name: nameField
    .optional()
    .meta({ description: "What the rule is called in counters and logs; unique.", defaultText: "`rule 1`, `rule 2`, …", example: "web" }),
  direction: z.enum(["in", "out"]).default("in").meta({ description: "Who begins: `in` = a peer, `out` = a host of the site." }),
  from: ends.meta({ description: "Identifiers of who begins, or `@` and a set's name.", defaultText: "all", example: ["@admins"] }),
  to: ends.meta({ description: "Identifiers of the other end, or `@` and a set's name.", defaultText: "all" }),
  protocols: z.array(protocolField).min(1).max(256).optional().meta({ description: "Protocols, by number or name.", defaultText: "all" }),
  ports: z
    .array(portsField)
    .min(1)
    .max(ENTRIES)
    .optional()
    .meta({ description: "Destination ports, or ranges of them.", defaultText: "all", example: [80, 443] }),
  action: action.meta({ description: "`accept`, `drop`, or `reject`: drop and tell the sender.", example: "accept" }),
  log: z.boolean().default(false).meta({ description: "Whether the kernel's log hears of it, ten times a second at most." }),
});

export const firewallSchema = z.strictObject({
  simple: z.boolean().default(true).meta({
    description:
      "Simple security (RFC 6092): what hosts begin passes, what peers begin passes only if a rule says so. `false` = everything passes that no rule stops.",
  }),
  sets: z
    .record(nameField, z.array(prefixField).max(65_536))
    .default({})
    .meta({ description: "Named lists of prefixes.", defaultText: "none", example: { admins: ["fc00:bbbb:1::/64"] } }),
  rules: z
    .array(firewallRuleSchema)
    .max(RULES)
    .default([])
    .meta({ description: "What passes, one entry for each rule; the first that matches decides." }),
  in: action
    .optional()
    .meta({ description: "What happens to flows of peers that no rule is about.", defaultText: "`reject` with `simple`, else `accept`" }),
  out: action.default("accept").meta({ description: "The same for flows of hosts." }),
});

export const admissionSchema = z.strictObject({
  peers: z
    .array(prefixField)
    .min(1)
    .max(ENTRIES)
    .optional()
    .meta({ description: "Identifiers of peers.", defaultText: "all", example: ["fc00:bbbb::/32"] }),
  hosts: z.array(prefixField).min(1).max(ENTRIES).optional().meta({ description: "Identifiers of own hosts.", defaultText: "all" }),
  locators: z
    .array(prefixField)
    .min(1)
    .max(ENTRIES)
    .optional()
    .meta({ description: "Addresses that the peer's messages come from.", defaultText: "all" }),
  action: z.enum(["accept", "refuse"]).meta({ description: "Whether a peer that begins is answered.", example: "refuse" }),
});

/** Defaults that depend on other settings, and names for rules without one. */
export function completeFirewall(parsed: z.output<typeof firewallSchema>): Firewall {
  return {
    simple: parsed.simple,
    sets: new Map(Object.entries(parsed.sets)),
    rules: parsed.rules.map(
      ({ name, direction, from, to, protocols, ports, action: verdict, log }, i): FirewallRule => ({
        name: name ?? `rule ${i + 1}`,
        direction,
        from,
        to,
        protocols,
        ports,
        action: verdict,
        log,
      }),
    ),
    in: parsed.in ?? (parsed.simple ? "reject" : "accept"),
    out: parsed.out,
  };
}
