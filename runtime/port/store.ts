import type { Ulid } from "../value/address.ts";

/**
 * What must last (DESIGN §7). When a method returns, or the promise that it gave resolves, the data is on the disk: a power cut at any
 * instant later loses nothing. Everything is read at open; writes are rare, or come in groups.
 */
export interface Store {
  /** The site's RSA private key, PKCS#8 DER, in a file of mode 0600; made with `make` when there is none. Never logged. */
  privateKey(make: () => Uint8Array): Uint8Array;
  /** CGA parameters of every ULID ever given out, by ULID text. */
  cgaParameters(): Map<string, StoredCga>;
  putCga(ulid: string, value: StoredCga): void;
  close(): void;
}

/** A store that leases and bindings are kept in too. */
export interface StateStore extends Store {
  /** The DHCPv6 server's DUID, made with `make` when there is none (RFC 8415 §11: stable for ever). */
  serverDuid(make: () => Uint8Array): Uint8Array;
  /** Every lease that is stored, ended ones that were not forgotten yet included. */
  leases(): StoredLease[];
  /**
   * Stores a group of changes in one transaction with one sync: all of it or nothing. Groups become durable in the order of the calls.
   * A rejected promise ({@link PortError} `full`, `permission`, `corrupt`, `failed`) says that nothing of the group was stored.
   */
  commit(group: StoreGroup): Promise<void>;
  /** Bindings ULID → locators that outlive a restart: what DNS and handshakes taught. */
  bindings(): StoredBinding[];
  /** Writes a copy of everything but the private key to the new file `path`, mode 0600, while the box runs. @throws {PortError} `busy` when the file is there */
  backup(path: string): void;
}

/** Changes that are stored together. */
export interface StoreGroup {
  readonly cga?: readonly (StoredCga & { readonly ulid: Ulid })[];
  /** Replaces the lease of the same ULID. */
  readonly leases?: readonly StoredLease[];
  /** ULIDs whose leases are forgotten. Their CGA parameters stay. */
  readonly forgotten?: readonly Ulid[];
  /** Replaces what the same source said of the same ULID. */
  readonly bindings?: readonly StoredBinding[];
  readonly unbound?: readonly { readonly ulid: Ulid; readonly source: string }[];
}

/** CGA parameters of one ULID. */
export interface StoredCga {
  /** The host's name in the site, if it has one. */
  readonly name: string | undefined;
  readonly pds: Uint8Array;
}

/** One lease of a ULID: an address of an IA_NA (RFC 8415 §12.1). */
export interface StoredLease {
  readonly ulid: Ulid;
  /** The client's DUID, 1 … 130 octets. */
  readonly duid: Uint8Array;
  readonly iaid: number;
  readonly state: "bound" | "released" | "declined";
  /** The host's name, by reservation or from its Client FQDN option; a DNS label. */
  readonly name: string | undefined;
  /** Link-layer address, where it is known: `02:00:00:00:00:01`. */
  readonly mac: string | undefined;
  /** Why this address: `reservation duid`, `reservation mac`, `reservation relay`, `pool`, … */
  readonly matched: string;
  /** Calendar milliseconds. */
  readonly since: number;
  /** End of the valid lifetime, calendar milliseconds. */
  readonly until: number;
}

/** What one source said of one ULID. */
export interface StoredBinding {
  readonly ulid: Ulid;
  readonly source: string;
  /** Locators in order, text. */
  readonly locators: readonly string[];
  /** Calendar milliseconds. */
  readonly until: number;
}
