/** What `legacy.mode` means (P-Shim6 draft §7). */
import type { LegacySettings } from "./site.ts";

/** Whether packets between hosts' ULIDs and peers without Shim6 are mapped. */
export function mapsHosts({ mode }: Pick<LegacySettings, "mode">): boolean {
  return mode === "map" || mode === "both";
}

/** Whether hosts are leased addresses of the providers beside their ULIDs. */
export function leasesBeside({ mode }: Pick<LegacySettings, "mode">): boolean {
  return mode === "pa" || mode === "both";
}
