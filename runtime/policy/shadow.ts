/** Rules that can never decide because an earlier one matches all that they match. */
import { type Prefix, showPrefix, widened } from "../value/prefix.ts";
import { holdsAt, MINUTES_A_WEEK } from "./hours.ts";
import type { PolicyMatch, PolicyRule, PortRange } from "./rule.ts";

/** For each rule the first earlier one that takes everything from it; `undefined` = it can decide. Rules with time limits take from others only what is always theirs. */
export function shadowed(rules: readonly PolicyRule[]): (number | undefined)[] {
  const index = new Candidates();
  return rules.map(({ match }, place) => {
    const by = index.of(match).find((earlier) => coversMatch(rules[earlier].match, match));
    index.add(place, match);
    return by;
  });
}

/** Whether every flow that matches `inner` matches `outer` too. A union of several entries that covers one is not seen. */
function coversMatch(outer: PolicyMatch, inner: PolicyMatch): boolean {
  return (
    coversList(outer.from, inner.from, coversPrefix) &&
    coversList(outer.to, inner.to, coversPrefix) &&
    coversList(outer.names, inner.names, (a, b) => a === b || b.endsWith(`.${a}`)) &&
    coversList(outer.protocols, inner.protocols, (a, b) => a === b) &&
    coversList(outer.ports, inner.ports, (a: PortRange, b) => a.first <= b.first && b.last <= a.last) &&
    coversList(outer.classes, inner.classes, (a, b) => a === b) &&
    coversHours(outer.when, inner.when)
  );
}

function coversPrefix(outer: Prefix, inner: Prefix): boolean {
  return inner.length >= outer.length && widened(inner, outer.length).base === outer.base;
}

function coversList<T>(outer: readonly T[] | undefined, inner: readonly T[] | undefined, covers: (a: T, b: T) => boolean): boolean {
  if (outer === undefined) return true;
  return inner?.every((b) => outer.some((a) => covers(a, b))) ?? false;
}

function coversHours(outer: PolicyMatch["when"], inner: PolicyMatch["when"]): boolean {
  if (outer === undefined) return true;
  for (let minute = 0; minute < MINUTES_A_WEEK; minute++)
    if ((inner === undefined || holdsAt(inner, minute)) && !holdsAt(outer, minute)) return false;
  return true;
}

/** Earlier rules that may cover one: ten thousand rules about as many peers must not be compared each with each. */
class Candidates {
  readonly #byKey = new Map<string, number[]>();
  readonly #lengths = new Set<number>();

  add(place: number, match: PolicyMatch): void {
    for (const key of new Set(this.#keysOf(match))) {
      const list = this.#byKey.get(key);
      if (list === undefined) this.#byKey.set(key, [place]);
      else list.push(place);
    }
    for (const { length } of [...(match.to ?? []), ...(match.from ?? [])]) this.#lengths.add(length);
  }

  /** In the order of the rules. */
  of(match: PolicyMatch): number[] {
    const keys = [
      "any",
      ...this.#wider("to", match.to?.[0]),
      ...this.#wider("from", match.from?.[0]),
      ...parents(match.names?.[0]).map((name) => `name ${name}`),
      ...(match.protocols ?? []).slice(0, 1).map((protocol) => `protocol ${protocol}`),
      ...(match.classes ?? []).slice(0, 1).map((each) => `class ${each}`),
      ...blocksOf(match.ports?.slice(0, 1)),
      ...(match.ports === undefined ? [] : [WIDE]),
    ];
    return keys.flatMap((key) => this.#byKey.get(key) ?? []).sort((a, b) => a - b);
  }

  /** Under its narrowest criterion: whatever it covers has one that fits. */
  #keysOf({ to, from, names, ports, protocols, classes }: PolicyMatch): string[] {
    if (to !== undefined) return to.map((prefix) => `to ${showPrefix(prefix)}`);
    if (from !== undefined) return from.map((prefix) => `from ${showPrefix(prefix)}`);
    if (names !== undefined) return names.map((name) => `name ${name}`);
    if (classes !== undefined) return classes.map((each) => `class ${each}`);
    if (ports !== undefined) return ports.some(isWide) ? [WIDE] : blocksOf(ports);
    if (protocols !== undefined) return protocols.map((protocol) => `protocol ${protocol}`);
    return ["any"];
  }

  #wider(label: string, prefix: Prefix | undefined): string[] {
    if (prefix === undefined) return [];
    return [...this.#lengths]
      .filter((length) => length <= prefix.length)
      .map((length) => `${label} ${showPrefix(widened(prefix, length))}`);
  }
}

const BLOCK_PORTS = 64;
const WIDE = "ports, many";

/** Ranges that are long enough to cover many others stand in one list. */
function isWide({ first, last }: PortRange): boolean {
  return last - first >= 16 * BLOCK_PORTS;
}

/** The blocks of ports that the ranges begin or lie in, up to where a range is wide. */
function blocksOf(ranges: readonly PortRange[] | undefined): string[] {
  return (ranges ?? []).flatMap(({ first, last }) => {
    const block = Math.floor(first / BLOCK_PORTS);
    const count = Math.min(16, Math.floor(last / BLOCK_PORTS) - block) + 1;
    return Array.from({ length: count }, (_, i) => `ports ${block + i}`);
  });
}

function parents(name: string | undefined): string[] {
  const labels = name?.split(".") ?? [];
  return labels.map((_, i) => labels.slice(i).join("."));
}
