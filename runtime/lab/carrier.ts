/** Which provider carries the traffic, by the counters of the box's interfaces: the wire's word, not the box's. */

/** What went through an interface since it was made: octets of frames, and frames. */
export interface Counted {
  readonly received: number;
  readonly sent: number;
  readonly packetsSent: number;
}

/** @param text /proc/net/dev of the box's namespace */
export function readCounters(text: string): Map<string, Counted> {
  const counters = new Map<string, Counted>();
  for (const line of text.split("\n")) {
    const [, name, rest] = /^\s*([^:\s]+):\s*(.*)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const fields = rest.trim().split(/\s+/).map(Number);
    counters.set(name, { received: fields[0], sent: fields[8], packetsSent: fields[9] });
  }
  return counters;
}

/** Octets between two looks that are more than neighbour discovery and keepalives. */
const TRAFFIC = 4096;

/**
 * @param before and `after`: two looks at {@link readCounters}
 * @returns of `interfaces` the one that sent (or received) most in between; `undefined` when hardly anything went
 */
export function busiest(
  before: ReadonlyMap<string, Counted>,
  after: ReadonlyMap<string, Counted>,
  interfaces: readonly string[],
  direction: "sent" | "received",
): string | undefined {
  let most = TRAFFIC;
  let found: string | undefined;
  for (const name of interfaces) {
    const octets = (after.get(name)?.[direction] ?? 0) - (before.get(name)?.[direction] ?? 0);
    if (octets < most) continue;
    most = octets;
    found = name;
  }
  return found;
}
