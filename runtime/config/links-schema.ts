/** Lines to providers, as site.yaml has them. */
import { z } from "zod";
import { durationField } from "./fields.ts";

export const linksSchema = z.strictObject({
  watch: z.boolean().default(true).meta({
    description:
      "Whether contexts leave a provider, and peers are told, as soon as the kernel says that its interface is down or its gateway gone, before any timer has run out.",
  }),
  gateway: z
    .strictObject({
      watch: z.boolean().default(true).meta({
        description: "Whether a provider whose gateway does not answer neighbour discovery is left, although its interface is up.",
      }),
      interval: durationField.prefault("3s").meta({
        description:
          "How often the gateway is asked, one small packet each time. It is gone when it has not answered three questions, a second apart.",
      }),
    })
    .prefault({})
    .meta({
      description: "Whether the provider's router is there. Lines without `gateway`, and those without neighbour discovery, are left out.",
    }),
  halfLife: durationField.prefault("15s").meta({
    description:
      "Patience with a line that flaps: each loss counts, and counts half as much after this time. From the third in quick succession on, the line is left alone for a while when it is back.",
  }),
  longest: durationField.prefault("60s").meta({ description: "For how long it is left alone at most." }),
});
