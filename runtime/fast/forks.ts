/** Which packets go on forks, as the core reads it: core-as/layout/fork.ts. */
import * as layout from "../../core-as/layout/fork.ts";
import { FORK_FIRST } from "../../core-as/layout/map.ts";
import { mergedPorts, type PortRange } from "../value/ports.ts";
import type { ForkTerm } from "./contract.ts";

/** Terms at most, and ranges of ports of all of them together when those that touch are one. */
export const FORK_TERMS_MAX = layout.TERMS;
export const FORK_RANGES_MAX = layout.RANGES;
/** Blocks of terms that are known at a time. */
export const FORK_BLOCKS = layout.FORK_BLOCKS;

/** What a default context says of its forks: `places` of terms in the block `block`, as `Core.setForkTerms` numbered it. No place = 0n. */
export function forksOf(block: number, places: Iterable<number>): bigint {
  let terms = 0n;
  for (const place of places) terms |= 1n << BigInt(place);
  return terms === 0n ? 0n : terms | (BigInt(block) << BigInt(layout.FORKS_BLOCK_SHIFT));
}

/**
 * Writes `terms` into the block behind `used`; contexts that name another one are not touched. @returns the block's number
 * @throws {RangeError} for what does not fit, or a number out of range
 */
export function writeForkTerms(terms: readonly ForkTerm[], used: number, words: Uint32Array, octets: Uint8Array): number {
  const ranges = terms.map(({ ports }) => mergedPorts(ports ?? []));
  within("terms", terms.length, 0, FORK_TERMS_MAX);
  within("ranges of ports", ranges.flat().length, 0, FORK_RANGES_MAX);
  const number = (used + 1) % layout.FORK_BLOCKS;
  const block = FORK_FIRST + number * layout.FORK_BLOCK_OCTETS;
  octets.fill(0, block, block + layout.FORK_BLOCK_OCTETS);
  let first = 0;
  terms.forEach((term, place) => {
    const at = block + place * layout.TERM_OCTETS;
    writeTerm(at, term, words, octets);
    words[(at + layout.TERM_RANGE) >>> 2] = first | (ranges[place].length << 16);
    for (const range of ranges[place]) words[(block + layout.FORK_RANGES + layout.RANGE_OCTETS * first++) >>> 2] = rangeWord(range);
  });
  return number;
}

function writeTerm(at: number, { fork, protocols, ports, classes }: ForkTerm, words: Uint32Array, octets: Uint8Array): void {
  within("fork", fork, 1, layout.FORK_WANTED - 1);
  if (ports?.length === 0) throw new RangeError("ports: an empty list would match everything");
  words[(at + layout.TERM_FORK) >>> 2] = fork;
  setBits(at + layout.TERM_PROTOCOLS, protocols, 256, octets);
  setBits(at + layout.TERM_CLASSES, classes, 64, octets);
}

/** A bit for each of `numbers`, the lowest of the first octet for 0; all `count` of them when there is no list. */
function setBits(at: number, numbers: readonly number[] | undefined, count: number, octets: Uint8Array): void {
  if (numbers === undefined) octets.fill(0xff, at, at + count / 8);
  for (const number of numbers ?? []) octets[at + (within("number", number, 0, count - 1) >>> 3)] |= 1 << (number & 7);
}

function rangeWord({ first, last }: PortRange): number {
  return within("first port", first, 0, within("last port", last, 0, 0xffff)) | (last << 16);
}

function within(name: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most) throw new RangeError(`${name}: ${value} is not in ${least} … ${most}`);
  return value;
}
