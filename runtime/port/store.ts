/**
 * What must last (DESIGN §7). When a method returns, the data is on the disk: a power cut at any instant later loses
 * nothing. Everything is read at open; writes are rare.
 */
export interface Store {
  /** The site's RSA private key, PKCS#8 DER, in a file of mode 0600; made with `make` when there is none. Never logged. */
  privateKey(make: () => Uint8Array): Uint8Array;
  /** CGA parameters of every ULID ever given out, by ULID text. */
  cgaParameters(): Map<string, StoredCga>;
  putCga(ulid: string, value: StoredCga): void;
  close(): void;
}

/** CGA parameters of one ULID. */
export interface StoredCga {
  /** The host's name in the site, if it has one. */
  readonly name: string | undefined;
  readonly pds: Uint8Array;
}
