/** Where octets go to, one after the other: a file or standard output. Everything blocks until it is done. */
export interface Sink {
  /** Writes all of `octets`. @returns `false` when the reader has gone. @throws {PortError} `failed`: no space, the disk is gone */
  write(octets: Uint8Array): boolean;
  /** The second call does nothing. */
  close(): void;
}

/** Standard output, or the file `path`, made anew for its owner alone (mode 0600). @throws {PortError} `missing` without its directory, `permission`, `failed` */
export type OpenSink = (path: string | undefined) => Sink;
