/** The site's hosts as the box knows them: those of site.yaml, and those that hold a lease. Their CGA parameters are what identities are made of. */
import type { Host } from "../config/site.ts";
import type { StoredCga } from "../port/store.ts";
import type { Ulid } from "../value/address.ts";
import type { ZoneHost } from "../zone/owners.ts";
import type { LeaseNews } from "./leases.ts";

/** Who is there, and with which parameters. */
export class Hosts {
  #parameters: Map<string, StoredCga>;
  #named: readonly Host[];
  readonly #leased = new Map<Ulid, ZoneHost>();

  /** @param parameters of every ULID ever made here, by its text; taken over */
  constructor(parameters: Map<string, StoredCga>, named: readonly Host[]) {
    this.#parameters = parameters;
    this.#named = named;
  }

  /** CGA parameters of every ULID that was made here. */
  get parameters(): ReadonlyMap<string, StoredCga> {
    return this.#parameters;
  }

  /** CGA parameters of `ulid`, if it was made here. */
  pdsOf(ulid: Ulid): Uint8Array | undefined {
    return this.#parameters.get(ulid)?.pds;
  }

  /** site.yaml and the store were read again. */
  renew(parameters: Map<string, StoredCga>, named: readonly Host[]): void {
    this.#parameters = parameters;
    this.#named = named;
  }

  /** A lease came, changed or went. */
  lease({ ulid, name, living, pds, reserved }: LeaseNews): void {
    if (pds !== undefined) this.#parameters.set(ulid, { name, pds });
    if (living) this.#leased.set(ulid, { name, ulid, claimed: !reserved });
    else this.#leased.delete(ulid);
  }

  /** Those that are there now, the ones of site.yaml first; a host that is in both once. */
  *present(): Iterable<ZoneHost> {
    const seen = new Set<Ulid>();
    for (const { name, ulid } of this.#named) {
      seen.add(ulid);
      yield { name, ulid };
    }
    for (const host of this.#leased.values()) if (!seen.has(host.ulid)) yield host;
  }
}
