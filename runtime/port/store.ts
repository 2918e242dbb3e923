import type { Ulid } from "../value/address.ts";

/**
 * What must last (DESIGN §7). When a method returns, or the promise that it gave resolves, the data is on the disk: a power cut at any
 * instant later loses nothing. Everything is read at open; writes are rare, or come in groups. Reads and the writes of single things
 * block; they throw {@link PortError} `full`, `permission` (a disk that is read-only, too), `corrupt`, `busy`, `closed`, `failed`.
 */
export interface Store {
  /** The site's RSA private key, PKCS#8 DER, in a file of mode 0600; made with `make` when there is none. Never logged. */
  privateKey(make: () => Uint8Array): Uint8Array;
  /** The DHCPv6 server's DUID, made with `make` when there is none (RFC 8415 §11: stable for ever). */
  serverDuid(make: () => Uint8Array): Uint8Array;
  /** CGA parameters of every ULID ever given out, by ULID text. */
  cgaParameters(): Map<string, StoredCga>;
  /** Replaces those of the same ULID. Does not wait for groups that are on their way. */
  putCga(ulid: string, value: StoredCga): void;
  /** Every lease that is stored, in the order of their ULIDs' text, ended ones that were not forgotten yet included. */
  leases(): StoredLease[];
  /** Bindings ULID → locators that outlive a restart: what DNS and handshakes taught. */
  bindings(): StoredBinding[];
  /**
   * Stores a group of changes in one transaction: all of it or nothing. Groups become durable in the order of the calls; those handed
   * in while others are being written share one sync. Does not block. `group` must not change before the promise settles. A rejected
   * promise ({@link PortError} `full`, `permission`, `corrupt`, `busy`, `closed`, `failed`) says that nothing of the group was stored;
   * later groups are tried nevertheless. `busy` too when more groups wait than memory is kept for: the disk does not keep up.
   */
  commit(group: StoreGroup): Promise<void>;
  /**
   * Writes a copy of everything but the private key to the new file `path`, mode 0600. What was stored before the call is in it, of each
   * group all or nothing; whoever else uses the store goes on. Blocks until the copy is on the disk; a failure leaves no file.
   * @throws {PortError} `busy` when there is something at `path`
   */
  backup(path: string): void;
  /** Groups handed in before are still written; nothing works from the call on. Resolves when nothing of the store is open any more. */
  close(): Promise<void>;
}

/** The file of the private key, in the store's directory and beside a copy. */
export const KEY_FILE = "site-key.pem";

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
  /** End of the valid lifetime, calendar milliseconds; `NEVER` = infinity. */
  readonly until: number;
}

/** What one source said of one ULID. */
export interface StoredBinding {
  readonly ulid: Ulid;
  readonly source: string;
  /** Locators in order, text. */
  readonly locators: readonly string[];
  /** Calendar milliseconds; `NEVER` = for ever. */
  readonly until: number;
}
