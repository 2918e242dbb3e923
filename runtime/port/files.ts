/** Small files of the program: configuration, keys, zone files. Texts are UTF-8. Everything blocks until it is done. */
export interface Files {
  /** The whole text. @returns `undefined` when there is no such file. @throws {PortError} `permission`, `failed` */
  readText(path: string): string | undefined;
  /**
   * Replaces or creates the file as a whole: whoever reads sees the old or the new text, and so does a reader after a power
   * cut at any instant. When this returns, the new text is on the disk. `mode` is set exactly (default 0644).
   * @throws {PortError} `permission`, `missing` when the directory is not there, `failed`
   */
  writeText(path: string, text: string, mode?: number): void;
  /** Writes `text` into a file that is there and keeps being the same one: settings under /proc and /sys. @throws {PortError} `permission`, `missing`, `failed` */
  poke(path: string, text: string): void;
  /** Makes the directory and those above it where they are missing, these with `mode` (default 0755). */
  makeDirectory(path: string, mode?: number): void;
  /** Permission bits of a file or directory. @returns `undefined` when it is not there. */
  mode(path: string): number | undefined;
  /** Names in a directory, sorted. @returns `undefined` when there is no such directory. */
  list(path: string): string[] | undefined;
  /** Removes a file, or a directory with all in it. @returns whether there was one */
  remove(path: string): boolean;
}
