/** The list of what is due, which TypeScript reads after {@link advance}. */
import { DUE_GENERATION, DUE_ID, DUE_KIND, DUE_MAX, DUE_OCTETS } from "../layout/due.ts";
import { DUE_COUNT, DUE_LIST } from "../layout/map.ts";
import { COLD_GENERATION } from "../layout/record.ts";
import { coldAt } from "../table/record.ts";

/** Entries that one context may add in one look. */
export const DUE_PER_LOOK: u32 = 3;

/** Adds `id` to the due list for `kind`. The caller has seen to room. */
export function report(id: u32, kind: u32): void {
  const count = load<u32>(DUE_COUNT);
  if (count >= <u32>DUE_MAX) return;
  const entry = DUE_LIST + count * DUE_OCTETS;
  store<u32>(entry, id, DUE_ID);
  store<u32>(entry, kind, DUE_KIND);
  store<u32>(entry, load<u32>(coldAt(id), COLD_GENERATION), DUE_GENERATION);
  store<u32>(DUE_COUNT, count + 1);
}
