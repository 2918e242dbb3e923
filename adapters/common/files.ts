import { dirname } from "node:path";
import type { Files } from "../../runtime/port/files.ts";
import type { DenoNamespace } from "./deno.ts";
import { errnoOf, portError } from "./error.ts";

const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;
const MODE_BITS = 0o7777;

/** Files through the `Deno` namespace. */
export function systemFiles(deno: DenoNamespace): Files {
  const ifThere = <T>(path: string, work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      if (["ENOENT", "ENOTDIR", "ESRCH"].includes(errnoOf(error))) return undefined;
      throw portError(path, error);
    }
  };
  const attempt = (path: string, work: () => void): void => {
    try {
      work();
    } catch (error) {
      throw portError(path, error);
    }
  };
  const modeOf = (path: string): number | undefined => {
    const mode = ifThere(path, () => deno.statSync(path).mode);
    return mode === undefined || mode === null ? undefined : mode & MODE_BITS;
  };
  return {
    readText: (path) => ifThere(path, () => deno.readTextFileSync(path)),
    writeText: (path, text, mode = FILE_MODE) => attempt(path, () => replaceFile(deno, path, text, mode)),
    poke: (path, text) => attempt(path, () => writeInPlace(deno, path, text)),
    makeDirectory: (path, mode = DIRECTORY_MODE) =>
      attempt(path, () => {
        if (modeOf(path) !== undefined && deno.statSync(path).isDirectory) return;
        deno.mkdirSync(path, { recursive: true, mode });
        syncDirectory(deno, dirname(path));
      }),
    mode: modeOf,
    list: (path) => ifThere(path, () => [...deno.readDirSync(path)].map((entry) => entry.name).sort()),
    remove: (path) =>
      ifThere(path, () => {
        deno.removeSync(path, { recursive: true });
        return true;
      }) ?? false,
  };
}

/** Writes beside the file, syncs, renames over it, syncs the directory: a power cut leaves the old text or the new one. */
function replaceFile(deno: DenoNamespace, path: string, text: string, mode: number): void {
  const beside = `${path}.${deno.pid}.new`;
  try {
    const file = deno.openSync(beside, { write: true, create: true, truncate: true, mode });
    try {
      // The umask took bits off at creation, and a file left by a killed process has bits of its own.
      deno.chmodSync(beside, mode);
      const bytes = new TextEncoder().encode(text);
      for (let at = 0; at < bytes.length; ) at += file.writeSync(bytes.subarray(at));
      file.syncDataSync();
    } finally {
      file.close();
    }
    deno.renameSync(beside, path);
  } catch (error) {
    removeIfThere(deno, beside);
    throw error;
  }
  syncDirectory(deno, dirname(path));
}

/** One write: a setting under /proc takes its whole value from a single call. */
function writeInPlace(deno: DenoNamespace, path: string, text: string): void {
  const file = deno.openSync(path, { write: true });
  try {
    file.writeSync(new TextEncoder().encode(text));
  } finally {
    file.close();
  }
}

function removeIfThere(deno: DenoNamespace, path: string): void {
  try {
    deno.removeSync(path, {});
  } catch (error) {
    if (errnoOf(error) !== "ENOENT" && errnoOf(error) !== "ENOTDIR") throw error;
  }
}

/** Makes the names in a directory last. */
export function syncDirectory(deno: DenoNamespace, path: string): void {
  const directory = deno.openSync(path, { read: true });
  try {
    directory.syncDataSync();
  } finally {
    directory.close();
  }
}
