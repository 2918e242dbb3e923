/** Failover drills as JSON. */
import { z } from "zod";
import { spanField } from "./fields.ts";

const count = z.number().nonnegative();
const millis = z.number().nonnegative();
const lost = z.object({ packets: count, octets: count });

/** Kinds of traffic that a drill tells apart. */
export const DRILL_CLASSES = ["tcp", "udp", "icmpv6", "other"] as const;
export type DrillClass = (typeof DRILL_CLASSES)[number];

const classRow = z.object({
  class: z.enum([...DRILL_CLASSES, "shim6"]).meta({ description: "shim6: the boxes' own messages." }),
  flows: count.meta({ description: "Pairs of hosts whose answers came by this provider's contexts before it broke." }),
  back: count.meta({ description: "Those whose answers came again while it was broken." }),
  silent: count.meta({ description: "Those that went on asking and got no answer." }),
  medianMs: millis.nullable().meta({ description: "From the break to the first packet that reached the host again." }),
  p95Ms: millis.nullable(),
  maxMs: millis.nullable(),
  lostOut: lost.meta({ description: "What the box sent by the dead provider." }),
  lostIn: lost.meta({ description: "What peers sent by it." }),
});
export type DrillClassRow = z.infer<typeof classRow>;

export const drillRow = z
  .object({
    id: z.int(),
    provider: z.string(),
    state: z
      .enum(["listening", "broken", "settling", "done"])
      .meta({ description: "listening: which traffic there is; settling: the provider works again, contexts come to rest." }),
    cut: z.boolean().meta({ description: "Whether it was ended before its time." }),
    startedAt: z.string().meta({ description: "ISO 8601." }),
    forMs: millis.meta({ description: "How long the provider is to be dead." }),
    brokenMs: millis.nullable().meta({ description: "For how long it has been, or was." }),
    contexts: z.object({
      affected: count.meta({ description: "Contexts that sent by the provider when it broke." }),
      active: count.meta({ description: "Those of them with traffic." }),
      moved: count.meta({ description: "Active ones that sent by another provider at the end of the break." }),
    }),
    classes: z.array(classRow),
    failed: z
      .array(z.object({ id: z.int(), localUlid: z.string(), peerUlid: z.string(), why: z.string() }))
      .meta({ description: "Contexts that did not survive: the first hundred." }),
    failures: count,
    survived: z.boolean().nullable().meta({ description: "Whether every active context did; null = not known yet." }),
  })
  .meta({ id: "Drill", description: "A provider that is dead for a while, on purpose, and what comes of it." });
export type DrillRow = z.infer<typeof drillRow>;

export const drillRequest = z
  .strictObject({
    provider: z.string().min(1).max(64).meta({ description: "Its name.", example: "isp1" }),
    for: spanField.optional().meta({ description: "How long it is dead; five minutes at most, ten seconds if not said." }),
    force: z.boolean().optional().meta({ description: "Also if no other provider works." }),
  })
  .meta({ id: "DrillRequest", description: "Which provider is to be dead, and for how long." });
