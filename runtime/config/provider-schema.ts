/** What a provider costs and carries, and when contexts go back to one: settings of site.yaml for traffic engineering. */
import { z } from "zod";
import type { Failback } from "../policy/rule.ts";
import { durationField, quote } from "./fields.ts";

const WORDS: Readonly<Record<string, Failback>> = {
  never: { kind: "never" },
  idle: { kind: "idle" },
  "at-once": { kind: "after", hold: 0 },
};

/** `never`, `idle`, `at-once`, or a duration. */
export const failbackField = z.string().transform((text, context): Failback => {
  if (Object.hasOwn(WORDS, text)) return WORDS[text];
  const { data: hold } = durationField.safeParse(text);
  if (hold !== undefined) return { kind: "after", hold };
  context.addIssue({
    code: "custom",
    message: `says nothing about going back: ${quote(text)}`,
    params: { hint: 'write never, idle, at-once, or for how long the provider must have worked before, like "60s" or "5m"' },
  });
  return z.NEVER;
});

const UNITS: Readonly<Record<string, number>> = { k: 1e3, M: 1e6, G: 1e9 };
const RATE_LEAST = 1e3;
const RATE_MOST = 1e12;

/** `"512k"`, `"100M"`, `"2.5G"` → bits per second. */
export const rateField = z.string().transform((text, context): number => {
  const match = /^(\d{1,6}(?:\.\d{1,3})?)([kMG])(?:bit(?:\/s)?)?$/.exec(text);
  const rate = match === null ? 0 : Number(match[1]) * UNITS[match[2]];
  if (rate >= RATE_LEAST && rate <= RATE_MOST) return rate;
  context.addIssue({
    code: "custom",
    message: `is no rate: ${quote(text)}`,
    params: { hint: 'write bits per second like "512k", "100M" or "2.5G", up to "1000G"' },
  });
  return z.NEVER;
});

/** Settings of a provider that say when it is worth using. */
export const economySettings = {
  cost: z.int().min(0).max(1_000_000).default(0).meta({
    description: "What the provider costs, in any unit: of several with one priority those with the lowest number are used first.",
  }),
  metered: z.boolean().default(false).meta({
    description:
      "Whether each octet is paid for: the provider is used when no other works, whatever its priority, and left as soon as another works. A rule that names it uses it all the same.",
  }),
  capacity: rateField.optional().meta({
    description:
      "What the line is meant to carry, in bits per second, each way: while more than that is measured, new contexts use the next provider. Live ones stay.",
    defaultText: "no bound",
    example: "100M",
  }),
};
