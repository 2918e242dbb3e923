/** What happens to the providers, in which order, and how: as lines of `ip -6 -batch` inside their namespaces. */
import { ALPHA, type Provider } from "./world.ts";

/** Behind the rule for the node's own addresses and before all others: whatever should be passed on vanishes, both ways. */
const deathRules = ["pref 10 iif customer blackhole", "pref 11 iif core blackhole"];

/** The provider dies silently: its links stay up, its router answers for itself, packets through it are gone. */
export const DIES = deathRules.map((rule) => `rule add ${rule}\n`).join("");
export const RETURNS = deathRules.map((rule) => `rule del ${rule}\n`).join("");

/** The cable at the provider's end of the customer's link is pulled: the customer's interface loses its carrier. */
export const UNPLUGGED = "link set dev customer down\n";

/** Addresses were kept (keep_addr_on_down), routes through the link were not. */
export function pluggedIn(provider: Provider): string {
  return `link set dev customer up\nroute replace ${provider.prefix.base}/${provider.prefix.length} via ${provider.address} dev customer\n`;
}

/** What makes `provider`, which is in the state `from`, be in `to`; one of both is `up`. */
export function linesTo(provider: Provider, from: ProviderState, to: ProviderState): string {
  if (from === to) return "";
  if (to !== "up") return to === "dead" ? DIES : UNPLUGGED;
  return from === "dead" ? RETURNS : pluggedIn(provider);
}

export type EventName = "isp1-dies" | "isp1-returns" | "isp2-unplugged" | "isp2-plugged-in";

/** Something that happens to a provider. */
export interface LabEvent {
  readonly name: EventName;
  readonly node: string;
  /** For people. */
  readonly says: string;
  /** What the provider is from now on. */
  readonly leaves: ProviderState;
}

export type ProviderState = "up" | "dead" | "unplugged";

/** One round. It ends as it began, so that it can be repeated. */
export function round(): readonly LabEvent[] {
  const [isp1, isp2] = ALPHA.providers;
  return [
    { name: "isp1-dies", node: isp1.name, says: "isp1 dies silently: links up, packets gone", leaves: "dead" },
    { name: "isp1-returns", node: isp1.name, says: "isp1 is back", leaves: "up" },
    { name: "isp2-unplugged", node: isp2.name, says: "isp2 loses its link", leaves: "unplugged" },
    { name: "isp2-plugged-in", node: isp2.name, says: "isp2's link is back", leaves: "up" },
  ];
}
