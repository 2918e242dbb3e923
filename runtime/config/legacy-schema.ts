/** Peers without Shim6: `legacy` of site.yaml (P-Shim6 draft §7). */
import { z } from "zod";

export const legacySchema = z.strictObject({
  mode: z.enum(["off", "map", "pa", "both"]).default("off").meta({
    description:
      "`map`: in packets between a host and a peer without Shim6 the box exchanges the host's identifier for one of its locators, both ways, without keeping state for it; peers may begin, too, if the firewall lets them. `pa`: hosts are leased an address of each provider beside their identifier, and the box leads its packets to that provider. `both`: hosts that took such addresses use them, all others are mapped. `off`: there are no such packets.",
  }),
  subnet: z
    .int()
    .min(0)
    .max(2 ** 32)
    .optional()
    .meta({
      description:
        "With `pa` and `both`: number of the /64 in each provider's prefix out of which hosts of the first LAN subnet get addresses; those of the next subnets follow. It must be none that hosts' locators are in.",
      defaultText: "none: each provider says `hosts`",
      example: 255,
    }),
  names: z.enum(["auto", "pass", "hide"]).default("pass").meta({
    description:
      "Whether the DNS gateway tells hosts the IPv6 addresses of names that have no identifier. `pass`: always; `hide`: never, so that hosts take IPv4 at once; `auto`: if hosts can go there, because they are mapped, or have addresses of the providers or in `ulid.routable`.",
  }),
});
