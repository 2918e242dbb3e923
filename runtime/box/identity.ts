/**
 * What this box can say for the ULIDs of its site: CGA parameters out of the store, locators out of the providers'
 * prefixes, and one signature for each host and locator set, made when it is first needed (RFC 5533 §7.2, §10.1).
 */

import type { LocalIdentity } from "../shim6/contract.ts";
import type { Ulid } from "../value/address.ts";
import type { Prefix } from "../value/prefix.ts";
import { withPrefix } from "../value/prefix.ts";
import { type LocatorList, METHOD_CGA } from "../wire/message.ts";

/** A provider as far as locators are concerned, in the site's order of preference. */
export interface LocatorSource {
  readonly prefix: Prefix;
  readonly priority: number;
  readonly weight: number;
}

/** Makes identities. `sign` costs an RSA private operation and is called once for each ULID and generation. */
export class Identities {
  readonly #sources: readonly LocatorSource[];
  readonly #generation: number;
  readonly #pdsOf: (ulid: Ulid) => Uint8Array | undefined;
  readonly #sign: (list: LocatorList) => Uint8Array;
  readonly #made = new Map<Ulid, LocalIdentity>();

  /** @param generation where the Locator List Generation starts: random, 32 bits (shim6-wire §5.1). */
  constructor(
    sources: readonly LocatorSource[],
    generation: number,
    pdsOf: (ulid: Ulid) => Uint8Array | undefined,
    sign: (list: LocatorList) => Uint8Array,
  ) {
    this.#sources = sources;
    this.#generation = generation;
    this.#pdsOf = pdsOf;
    this.#sign = sign;
  }

  /** The identity of `ulid`, or `undefined` when the site has no CGA parameters for it. */
  of(ulid: Ulid): LocalIdentity | undefined {
    const known = this.#made.get(ulid);
    if (known !== undefined) return known;
    const pds = this.#pdsOf(ulid);
    if (pds === undefined) return undefined;
    const list: LocatorList = {
      generation: this.#generation,
      locators: this.#sources.map((source) => ({ address: withPrefix(source.prefix, ulid), method: METHOD_CGA })),
    };
    const identity: LocalIdentity = {
      ulid,
      list,
      preferences: this.#sources.map(({ priority, weight }) => ({ flags: 0, priority, weight })),
      pds,
      signature: this.#sign(list),
    };
    this.#made.set(ulid, identity);
    return identity;
  }

  /** Makes the identities of `ulids` one at a time: their first packets need not wait for a signature then. */
  *prepare(ulids: Iterable<Ulid>): Generator<void> {
    for (const ulid of ulids) {
      this.of(ulid);
      yield;
    }
  }
}
