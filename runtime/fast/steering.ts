/** Rules about mapped pairs and flows, as the core reads them: core-as/layout/steer.ts. */
import { SHARES } from "../../core-as/layout/mapping.ts";
import * as layout from "../../core-as/layout/steer.ts";
import { putAddress } from "../value/address.ts";
import type { Prefix } from "../value/prefix.ts";
import type { SteerClass, SteerRules, SteerTerm } from "./contract.ts";

/** What {@link writeSteering} has room for. */
export const STEER_LIMITS = {
  terms: layout.TERMS_MAX,
  classes: layout.CLASSES_MAX,
  prefixes: layout.STEER_PREFIXES_MAX,
  ports: layout.STEER_PORTS_MAX,
} as const;

const ADDRESS_BITS = 128;

/** Writes `rules` to the block at `block`. @throws {RangeError} if there are too many of something, or a class or a number out of range */
export function writeSteering(rules: SteerRules, block: number, words: Uint32Array, octets: Uint8Array): void {
  new Writer(block, words, octets).write(rules);
}

class Writer {
  readonly #block: number;
  readonly #words: Uint32Array;
  readonly #octets: Uint8Array;
  #prefixes = 0;
  #ports = 0;

  constructor(block: number, words: Uint32Array, octets: Uint8Array) {
    this.#block = block;
    this.#words = words;
    this.#octets = octets;
  }

  write({ epoch, classes, terms }: SteerRules): void {
    limited("classes", classes.length, layout.CLASSES_MAX);
    limited("terms", terms.length, layout.TERMS_MAX);
    this.#put(layout.STEER_COUNT, terms.length);
    this.#put(layout.STEER_FLOWS, terms.some(looksAtTransport) ? 1 : 0);
    this.#put(layout.STEER_EPOCH, epoch % layout.EPOCHS);
    for (const [i, each] of classes.entries()) this.#class(each, layout.STEER_CLASSES + i * layout.CLASS_OCTETS);
    for (const [i, term] of terms.entries()) {
      if (term.kind >= classes.length) throw new RangeError(`kind: ${term.kind}, and there are ${classes.length} classes`);
      this.#term(term, layout.STEER_TERMS + i * layout.TERM_OCTETS);
    }
  }

  #class({ shares, allowed }: SteerClass, at: number): void {
    if (shares.length !== SHARES) throw new RangeError(`shares: ${shares.length}, not ${SHARES}`);
    this.#octets.set(shares, this.#block + at + layout.CLASS_SHARES);
    this.#put(
      at + layout.CLASS_ALLOWED,
      allowed.reduce((bits, place) => bits | (1 << place), 0),
    );
  }

  #term({ from, to, named, protocols, ports, dscps, kind }: SteerTerm, at: number): void {
    this.#put(at + layout.TERM_FROM, this.#list(from));
    this.#put(at + layout.TERM_TO, this.#list(to));
    this.#put(at + layout.TERM_NAMED, this.#list(named?.map((base) => ({ base, length: ADDRESS_BITS }))));
    this.#put(at + layout.TERM_PORTS, this.#ranges(ports));
    this.#put(at + layout.TERM_CLASS, kind);
    this.#put(
      at + layout.TERM_LOOKS,
      (protocols === undefined ? 0 : layout.LOOKS_PROTOCOL) | (dscps === undefined ? 0 : layout.LOOKS_DSCP),
    );
    this.#bits(at + layout.TERM_DSCPS, dscps ?? [], layout.DSCP_UNKNOWN);
    this.#bits(at + layout.TERM_PROTOCOLS, protocols ?? [], layout.PROTOCOL_UNKNOWN);
  }

  #list(prefixes: readonly Prefix[] | undefined): number {
    if (prefixes === undefined) return layout.LIST_ANY;
    const first = this.#prefixes;
    this.#prefixes += prefixes.length;
    limited("prefixes", this.#prefixes, layout.STEER_PREFIXES_MAX);
    prefixes.forEach(({ base, length }, i) => {
      const at = this.#block + layout.STEER_PREFIXES + (first + i) * layout.STEER_PREFIX_OCTETS;
      putAddress(base, this.#octets, at);
      for (let octet = 0; octet < 16; octet++)
        this.#octets[at + layout.STEER_PREFIX_MASK + octet] = (0xff00 >> Math.min(8, Math.max(0, length - 8 * octet))) & 0xff;
    });
    return listOf(first, prefixes.length);
  }

  #ranges(ports: SteerTerm["ports"]): number {
    if (ports === undefined) return layout.LIST_ANY;
    const start = this.#ports;
    this.#ports += ports.length;
    limited("ports", this.#ports, layout.STEER_PORTS_MAX);
    for (const [i, { first, last }] of ports.entries()) this.#put(layout.STEER_PORTS + 4 * (start + i), first | (last << 16));
    return listOf(start, ports.length);
  }

  #bits(at: number, numbers: readonly number[], end: number): void {
    const bits = this.#octets.subarray(this.#block + at, this.#block + at + end / 8).fill(0);
    for (const number of numbers) {
      limited("number", number, end - 1);
      bits[number >> 3] |= 1 << (number & 7);
    }
  }

  #put(at: number, value: number): void {
    this.#words[(this.#block + at) >>> 2] = value;
  }
}

/** Whether flows of one pair may go different ways by it. */
function looksAtTransport({ protocols, ports, dscps }: SteerTerm): boolean {
  return protocols !== undefined || ports !== undefined || dscps !== undefined;
}

function listOf(first: number, count: number): number {
  return (first | (count << 16)) >>> 0;
}

function limited(name: string, value: number, most: number): void {
  if (value > most) throw new RangeError(`${name}: ${value}, more than ${most}`);
}
