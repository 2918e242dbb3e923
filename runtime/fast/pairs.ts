/** Rules for pairs without a context, as the core reads them: core-as/layout/plain.ts. */
import { PAIR_RULES } from "../../core-as/layout/map.ts";
import { PORT_OCTETS, RULE_MILLIS, RULE_OCTETS, RULE_PACKETS, RULE_SIZE, RULES } from "../../core-as/layout/plain.ts";
import type { PairRule, PairRules } from "./contract.ts";
import type { Plan } from "./plan.ts";

/** Writes `rules`; lanes that run meanwhile may mix old and new ones for a packet. @throws {RangeError} for too many rules, or a number out of range */
export function writePairRules(plan: Plan, { others, ports }: PairRules, words: Uint32Array, octets: Uint8Array): void {
  if (ports.length >= RULES) throw new RangeError(`ports: ${ports.length} rules, more than ${RULES - 1}`);
  if (plan.ports === 0) return;
  const classes = new Uint8Array(PORT_OCTETS);
  // The first rule that names a port is written last.
  for (let at = ports.length; at > 0; at--) for (const { first, last } of ports[at - 1].ports) classes.fill(at, first, last + 1);
  octets.set(classes, plan.ports);
  [others, ...ports].forEach((rule, index) => {
    writeRule(PAIR_RULES + index * RULE_SIZE, rule, words);
  });
}

function writeRule(at: number, { packets, octets, millis }: PairRule, words: Uint32Array): void {
  words[(at + RULE_PACKETS) >>> 2] = within("packets", packets);
  words[(at + RULE_OCTETS) >>> 2] = within("octets", octets);
  words[(at + RULE_MILLIS) >>> 2] = within("millis", millis);
}

function within(name: string, value: number): number {
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** 32) throw new RangeError(`${name}: ${value} is not in 0 … 2^32 − 1`);
  return value;
}
