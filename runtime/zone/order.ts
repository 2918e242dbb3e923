/** The names of one zone in the order of the tree, for the one question that a table of names cannot answer: is there anything below? */
import type { DnsName } from "../wire/dns.ts";
import { labelsOf } from "../wire/dns-name.ts";

/** Sorts before every octet of a label. */
const SEPARATOR = "\u0000";

/** Text whose order is that of the tree: labels from the root down (RFC 4034 §6.1). `name` is lower case. */
export function treeKey(name: DnsName): string {
  const labels = name.includes("\\") ? labelsOf(name) : name.split(".");
  return labels.reverse().join(SEPARATOR);
}

/** Names in order. A change costs a copy of the list; names that come or go are looked at once each. */
export class NameOrder {
  #keys: readonly string[] = [];

  /** Names come and go. */
  change(come: readonly DnsName[], gone: readonly DnsName[]): void {
    if (come.length === 0 && gone.length === 0) return;
    const left = new Set(gone.map(treeKey));
    const kept = left.size === 0 ? this.#keys : this.#keys.filter((key) => !left.has(key));
    this.#keys = merged(kept, come.map(treeKey).sort(byText));
  }

  /** Whether a name is under `name`, which is lower case, and not it. */
  hasBelow(name: DnsName): boolean {
    const start = treeKey(name) + SEPARATOR;
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#keys[middle] < start) low = middle + 1;
      else high = middle;
    }
    return this.#keys[low]?.startsWith(start) === true;
  }
}

function merged(a: readonly string[], b: readonly string[]): readonly string[] {
  if (a.length === 0) return b;
  const all: string[] = [];
  let at = 0;
  for (const key of a) {
    while (at < b.length && b[at] < key) all.push(b[at++]);
    all.push(key);
  }
  while (at < b.length) all.push(b[at++]);
  return all;
}

/** By code units, as `<` does, not by anybody's alphabet. */
function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
