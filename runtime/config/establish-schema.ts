/** When contexts between routable ULIDs are set up: `establish` of site.yaml (RFC 6629 §5.1.2). */
import { z } from "zod";
import { portsField } from "./policy-fields.ts";
import type { EstablishRule, EstablishSettings } from "./site.ts";

/** Entries of `establish.ports` at most: the core tells so many kinds of ports apart, with those that come last of themselves. */
export const PORT_RULE_LIMIT = 14;
const RANGES = 256;
const DAY_SECONDS = 86_400;
/** DNS and NTP: a question and an answer, and whoever asks knows several servers. */
const NEVER_PORTS = [53, 123];

const packets = z.int().min(0).max(4_294_967_295);
const seconds = z.int().min(0).max(DAY_SECONDS);

export const establishSchema = z.strictObject({
  packets: packets.default(50).meta({ description: "After so many packets, both ways together. 0 = their number does not matter." }),
  octets: packets.default(0).meta({ description: "After so many octets, both ways together. 0 = their number does not matter." }),
  seconds: seconds.default(10).meta({ description: "When packets have gone on for so many seconds. 0 = time does not matter." }),
  ports: z
    .array(
      z.strictObject({
        ports: z
          .array(portsField)
          .min(1)
          .max(RANGES)
          .meta({ description: "Ports of either end, or ranges of them.", example: [443, "5000-6000"] }),
        when: z
          .enum(["now", "never"])
          .optional()
          .meta({ description: "`now`: at the first packet; `never`: these packets do not count at all." }),
        packets: packets.optional().meta({ description: "After so many packets of these ports." }),
        octets: packets.optional().meta({ description: "After so many octets of these ports." }),
        seconds: seconds.optional().meta({ description: "When packets of these ports have gone on for so long." }),
      }),
    )
    .max(PORT_RULE_LIMIT)
    .default([])
    .meta({
      description:
        "Other numbers for some ports. The first entry that names a port decides about it; what its packets come to is counted apart. Of DNS and NTP, ports 53 and 123, and of SCTP packets do not count unless an entry says so.",
    }),
});

export type ParsedEstablish = z.output<typeof establishSchema>;
type ParsedPorts = ParsedEstablish["ports"][number];

/** The settings as the box takes them, with the ports that never count behind the file's own. */
export function completeEstablish({ ports, ...others }: ParsedEstablish): EstablishSettings {
  const never = { ports: NEVER_PORTS.map((port) => ({ first: port, last: port })), packets: 0, octets: 0, millis: 0 };
  return { others: ruleOf(others), ports: [...ports.map((entry) => ({ ports: entry.ports, ...ruleOf(entry) })), never] };
}

function ruleOf(entry: Pick<ParsedPorts, "packets" | "octets" | "seconds" | "when">): EstablishRule {
  if (entry.when === "now") return { packets: 1, octets: 0, millis: 0 };
  return { packets: entry.packets ?? 0, octets: entry.octets ?? 0, millis: (entry.seconds ?? 0) * 1000 };
}
