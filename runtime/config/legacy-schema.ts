/** Peers without Shim6: `legacy` of site.yaml (P-Shim6 draft §7). */
import { z } from "zod";

export const legacySchema = z.strictObject({
  mode: z.enum(["off", "map"]).default("off").meta({
    description:
      "`map`: in packets between a host and a peer without Shim6 the box exchanges the host's identifier for one of its locators, both ways, without keeping state for it; peers may begin, too, if the firewall lets them. `off`: there are no such packets.",
  }),
  names: z.enum(["auto", "pass", "hide"]).default("pass").meta({
    description:
      "Whether the DNS gateway tells hosts the IPv6 addresses of names that have no identifier. `pass`: always; `hide`: never, so that hosts take IPv4 at once; `auto`: if hosts can go there, because they are mapped or have addresses in `ulid.routable`.",
  }),
});
