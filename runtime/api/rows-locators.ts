/** The locators of a context and what is wished of them, and for what Shim6 is switched off; see {@link ./rows.ts}. After RFC 6316 §6 and §8.1. */
import { z } from "zod";

const rank = z.int().min(0).max(65_535);

const common = {
  address: z.string(),
  method: z.string().meta({ description: "How it is proved: CGA, HBA, or none yet." }),
  priority: z.int().nullable().meta({ description: "What peers are told, or tell us, of it: lower first; null = nothing." }),
  weight: z.int().nullable(),
  isBroken: z.boolean().meta({ description: "Whether its owner says that it does not work (RFC 5533 §5.15.3)." }),
  isCurrent: z.boolean().meta({ description: "Whether packets go from, or to, it now." }),
  wished: z
    .object({ priority: rank, weight: rank })
    .nullable()
    .meta({ description: "What somebody wishes for this context; null = nothing." }),
};

export const locatorsRow = z
  .object({
    id: z.int(),
    local: z.array(
      z.object({
        ...common,
        provider: z.string().nullable(),
        isKnown: z.boolean().meta({ description: "Whether the peer knows it, so that it may be a source." }),
      }),
    ),
    peer: z.array(
      z.object({
        ...common,
        isVerified: z.boolean().meta({ description: "Whether it belongs to the peer for sure: others are never sent to." }),
        path: z.enum(["alive", "lost", "unknown"]).meta({ description: "The path to it from the locator in use." }),
      }),
    ),
  })
  .meta({ id: "Locators", description: "The locators of both ends of a context." });
export type LocatorsRow = z.infer<typeof locatorsRow>;

export const exceptionsRow = z
  .object({
    peers: z.array(z.string()).meta({ description: "Prefixes of peers that get no context.", example: ["fc00:bbbb:1::/48"] }),
    ports: z
      .array(z.string())
      .meta({ description: "Ports, or ranges of them, whose packets bring no context about.", example: ["123", "5000-6000"] }),
  })
  .meta({ id: "Exceptions", description: "For what Shim6 is switched off (RFC 6316 §6.2)." });
export type ExceptionsRow = z.infer<typeof exceptionsRow>;
