/** What the kernel counted, out of the answer of `nft -j list counters table inet …`. */

/** One counter. */
export interface FirewallCount {
  /** `rule-<name>`, `default-inward`, `known`, `spoofed-in`, … */
  readonly name: string;
  readonly packets: number;
  readonly octets: number;
}

/** The counters in `text`, by name; none when the text is not what nft writes. */
export function readCounters(text: string): FirewallCount[] {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return [];
  }
  const entries = fieldOf(answer, "nftables");
  if (!Array.isArray(entries)) return [];
  return entries
    .flatMap((entry: unknown) => {
      const counter = fieldOf(entry, "counter");
      const [name, packets, octets] = ["name", "packets", "bytes"].map((key) => fieldOf(counter, key));
      return typeof name === "string" && typeof packets === "number" && typeof octets === "number" ? [{ name, packets, octets }] : [];
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}
