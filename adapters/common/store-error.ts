import { accessSync, closeSync, constants, existsSync, openSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { PortError, type PortErrorCode } from "../../runtime/port/error.ts";
import { portError } from "./error.ts";

/** Free octets below which a failed write is put down to a full disk: SQLite's shared index alone takes 32 KiB. */
const ROOM_NEEDED = 1 << 16;

/** SQLite's own words for its result codes: the one thing that says the same in all three runtimes. */
const KNOWN: readonly (readonly [words: RegExp, code: PortErrorCode, explain: (path: string) => string])[] = [
  [/database or disk is full/, "full", fullText],
  [/readonly database/, "permission", readOnlyText],
  [/not a database|malformed|corrupt/, "corrupt", (path) => `${path} is damaged: restore ${dirname(path)} from a backup`],
  [/database (table )?is locked/, "busy", (path) => `${path} is held by another process: stop that one, or try again`],
];

/**
 * What SQLite threw about the database at `path`, as a {@link PortError} with a sentence: `full`, `permission`, `corrupt`, `busy`,
 * else `failed`. Where it only says that reading or writing failed, the disk is asked why.
 */
export function storeError(path: string, error: unknown): PortError {
  if (error instanceof PortError) return error;
  const message = error instanceof Error ? error.message : String(error);
  for (const [words, code, explain] of KNOWN) if (words.test(message)) return new PortError(code, explain(path), error);
  if (/disk I\/O error|unable to open database/.test(message)) return diskError(path, error);
  return portError(path, error);
}

/** Does `work` on the database at `path`. @throws {PortError} as {@link storeError} */
export function explain<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw storeError(path, error);
  }
}

function diskError(path: string, error: unknown): PortError {
  const directory = dirname(path);
  try {
    // Not access(2): Deno answers that one from the mode alone.
    if (existsSync(path)) closeSync(openSync(path, "r+"));
    else accessSync(directory, constants.W_OK);
    const { bavail, bsize } = statfsSync(directory);
    if (Number(bavail) * Number(bsize) < ROOM_NEEDED) return new PortError("full", fullText(path), error);
  } catch (why) {
    const found = portError(directory, why);
    return found.code === "permission" ? new PortError("permission", readOnlyText(path), error) : found;
  }
  return portError(path, error);
}

function fullText(path: string): string {
  return `${path}: its disk is full, and what was to be stored is not: free some room`;
}

function readOnlyText(path: string): string {
  return `${path} cannot be written: its disk is read-only, or the file is another user's; mount it for writing, or run as root`;
}
