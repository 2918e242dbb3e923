/**
 * What earlier exchanges taught about peers: whether a box of ours answers at a locator, and how far away it is. Learned
 * only from messages that matched a nonce or a validator, so that nobody off the path can teach us something wrong.
 */
import type { Locator } from "../value/address.ts";
import type { Millis } from "../value/time.ts";
import { KNOWN_BOXES, KNOWN_LOCATORS, ROUND_TRIP_GAIN } from "./constants.ts";
import { Recent } from "./recent.ts";

/** `ours`: sent the CAPABILITIES option; `other`: answered without it. */
export type PeerNature = "ours" | "other" | "unknown";

interface Known {
  readonly nature: PeerNature;
  readonly roundTrip: Millis | undefined;
}

/** A bounded memory of peer locators and peer boxes. */
export class KnownPeers {
  readonly #locators = new Recent<Locator, Known>(KNOWN_LOCATORS);
  readonly #boxes = new Recent<string, Known>(KNOWN_BOXES);

  /** Notes what an exchange with `box` at `locator` showed; `roundTrip` if it was measured without doubt. */
  learn(locator: Locator, box: string | undefined, nature: PeerNature, roundTrip: Millis | undefined): void {
    this.#locators.set(locator, merge(this.#locators.get(locator), nature, roundTrip));
    if (box !== undefined) this.#boxes.set(box, merge(this.#boxes.get(box), nature, roundTrip));
  }

  /** Nature of a peer that is to be reached at one of `locators`; one of ours among them decides. */
  nature(locators: readonly Locator[], box: string | undefined): PeerNature {
    if (box !== undefined) {
      const known = this.#boxes.get(box);
      if (known !== undefined) return known.nature;
    }
    let nature: PeerNature = "unknown";
    for (const locator of locators) {
      const known = this.#locators.get(locator)?.nature ?? "unknown";
      if (known === "ours") return known;
      if (known === "other") nature = known;
    }
    return nature;
  }

  /** Smoothed round-trip time to `locator`, else to `box`; `undefined` if never measured. */
  roundTrip(locator: Locator, box: string | undefined): Millis | undefined {
    return this.#locators.get(locator)?.roundTrip ?? (box === undefined ? undefined : this.#boxes.get(box)?.roundTrip);
  }
}

function merge(before: Known | undefined, nature: PeerNature, sample: Millis | undefined): Known {
  const old = before?.roundTrip;
  const roundTrip = old === undefined || sample === undefined ? (sample ?? old) : old + (sample - old) * ROUND_TRIP_GAIN;
  return { nature: nature === "unknown" ? (before?.nature ?? nature) : nature, roundTrip };
}
