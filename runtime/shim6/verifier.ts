/** Verification of locator lists with a memory: the same signed list costs one RSA operation, however often it is sent. */
import { addressOctets } from "../value/address.ts";
import { concat, hex } from "../value/bytes.ts";
import { findOption, type LocatorList, type Option } from "../wire/message.ts";
import { VERIFIED_LISTS } from "./constants.ts";
import type { Shim6World } from "./contract.ts";
import { exchanged, hasCga } from "./reading.ts";
import { Recent } from "./recent.ts";

/** Octets of the modulus of an ordinary key and of the shortest one taken, and keys tried for one signature at most. */
const PLAIN_MODULUS = 256;
const LEAST_MODULUS = 128;
const SIGNING_KEYS = 4;

/** The verifications of a {@link Shim6World}, those of signed lists remembered, bounded. */
export class Verifier {
  readonly #world: Shim6World;
  /** Key of the fingerprints, so that nobody can prepare two lists with the same one. */
  readonly #key: Uint8Array;
  #latest: { readonly list: LocatorList; readonly pds: Uint8Array; readonly signature: Uint8Array; readonly print: string } | undefined;
  readonly #outcomes = new Recent<string, boolean>(VERIFIED_LISTS);

  constructor(world: Shim6World, key: Uint8Array) {
    this.#world = world;
    this.#key = world.hmac(key, Uint8Array.of(0x04));
  }

  verifyCga: Shim6World["verifyCga"] = (address, pds) => this.#world.verifyCga(address, pds);
  verifyHba: Shim6World["verifyHba"] = (locator, pds) => this.#world.verifyHba(locator, pds);

  verifyList: Shim6World["verifyList"] = (list, pds, signature) => {
    const print = this.#fingerprint(list, pds, signature);
    let holds = this.#outcomes.get(print);
    if (holds === undefined) {
      holds = this.#world.verifyList(list, pds, signature);
      this.#outcomes.set(print, holds);
    }
    return holds;
  };

  /**
   * What judging these options may take, in RSA operations with one key of 2,048 bits; 0 when the outcome is known. The sender chooses
   * the size and the number of its keys, and each is tried. @param pds known from before, if any
   */
  cost(options: readonly Option[], pds: Uint8Array | undefined): number {
    const list = findOption(options, "locator-list");
    const signature = findOption(options, "cga-signature")?.signature;
    const parameters = findOption(options, "cga-pds")?.pds ?? pds;
    if (list === undefined || signature === undefined || parameters === undefined) return 0;
    if (!this.#isUnknown(list, parameters, signature)) return 0;
    const keys = Math.min(SIGNING_KEYS, Math.max(1, Math.floor(parameters.length / Math.max(LEAST_MODULUS, signature.length))));
    return keys * Math.max(1, (signature.length / PLAIN_MODULUS) ** 2);
  }

  /** Whether a reading of the list is left that may be the right one and was not verified yet. */
  #isUnknown(list: LocatorList, pds: Uint8Array, signature: Uint8Array): boolean {
    for (const reading of [list, exchanged(list)]) {
      if (reading === undefined || !hasCga(reading)) continue;
      const holds = this.#outcomes.get(this.#fingerprint(reading, pds, signature));
      if (holds !== false) return holds === undefined;
    }
    return false;
  }

  /** The cost is asked before the outcome, of the same values: hashed once. */
  #fingerprint(list: LocatorList, pds: Uint8Array, signature: Uint8Array): string {
    const latest = this.#latest;
    if (latest?.list === list && latest.pds === pds && latest.signature === signature) return latest.print;
    const sizes = Uint32Array.of(list.generation, list.locators.length, pds.length, signature.length);
    const listed = list.locators.map(({ address, method }) => concat(Uint8Array.of(method), addressOctets(address)));
    const print = hex(this.#world.hmac(this.#key, concat(new Uint8Array(sizes.buffer), ...listed, pds, signature)));
    this.#latest = { list, pds, signature, print };
    return print;
  }
}
