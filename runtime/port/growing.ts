/** A file that grows at its end while others read it. Everything blocks until it is done. */
export interface GrowingFile {
  /** Puts `octets` at the end: a reader that comes after the return sees all of them. @throws {PortError} `failed`: no space, the disk is gone */
  append(octets: Uint8Array): void;
  /** What was written so far gets the name `as`, in place of what has it; an empty file goes on under the old name. @throws {PortError} */
  rotate(as: string): void;
  /** The second call does nothing. */
  close(): void;
}

/** Makes `path`, empty and for its owner alone (mode 0600); what was there is lost. @throws {PortError} `missing` without its directory, `permission`, `failed` */
export type OpenGrowing = (path: string) => GrowingFile;
