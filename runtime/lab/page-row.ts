/** What the lab says of itself to the dashboard, as JSON. */
import type { ProviderState } from "./events.ts";

/** A provider of the world, and what the lab made of it. */
export interface LabProvider {
  readonly name: string;
  readonly state: ProviderState;
}

/** The lab at this moment. */
export interface LabRow {
  /** What goes on, in a few words. */
  readonly phase: string;
  /** Whether the lab's own round rests, because somebody breaks and mends by hand. */
  readonly isByHand: boolean;
  readonly boxes: readonly { readonly name: string; readonly href: string }[];
  readonly providers: readonly LabProvider[];
  /** Octets checked at the stream's end, and of these a second. */
  readonly octets: number;
  readonly rate: number;
  /** Milliseconds that the stream stands still by now. */
  readonly stillMs: number;
}
