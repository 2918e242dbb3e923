/** Failure detection and the quality of paths, as site.yaml has them. */
import { z } from "zod";
import { durationField, quote } from "./fields.ts";

/** `"20%"` → 0.2; more than nothing, at most everything. */
export const shareField = z.string().transform((text, context): number => {
  const match = /^(\d{1,3}(?:\.\d{1,3})?)%$/.exec(text);
  const share = match === null ? 0 : Number(match[1]) / 100;
  if (share > 0 && share <= 1) return share;
  context.addIssue({
    code: "custom",
    message: `is no share: ${quote(text)}`,
    params: { hint: 'write per cent like "20%" or "2.5%", up to "100%"' },
  });
  return z.NEVER;
});

const qualitySchema = z.strictObject({
  watch: z.boolean().default(true).meta({
    description: "Whether paths to boxes of this kind are measured, and left when they are too bad while another one is better.",
  }),
  loss: shareField.prefault("20%").meta({ description: "Share of questions without an answer from which on a path is too bad." }),
  delay: durationField.prefault("500ms").meta({ description: "Round trip from which on it is." }),
  interval: durationField
    .prefault("200ms")
    .meta({ description: "Between two questions on a path in use, of about 64 octets each, while contexts on it carry packets." }),
  standby: durationField.prefault("2s").meta({ description: "The same on paths that could be taken instead." }),
  hold: durationField.prefault("10s").meta({
    description:
      "For how long a path must have been good until it counts as good again; each relapse within ten minutes doubles it, up to ten minutes.",
  }),
});

export const reapSchema = z.strictObject({
  profile: z.enum(["fast", "rfc5534"]).default("fast").meta({
    description:
      "`fast` finds failures in fractions of a second between boxes of this kind; `rfc5534` keeps to the RFC's timers with everyone.",
  }),
  quality: qualitySchema.prefault({}).meta({ description: "Paths that work badly. Measured with the profile `fast` only." }),
});
