import { closeSync, fchmodSync, fsyncSync, lstatSync, openSync, writeFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { Files } from "../../runtime/port/files.ts";
import type { DenoNamespace } from "./deno.ts";
import { errnoOf, portError } from "./error.ts";

const OWNER_ONLY = 0o600;
const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;
const MODE_BITS = 0o7777;

/** Files through the `Deno` namespace, and through node:fs where data must be synced. */
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
    poke: (path, text) => attempt(path, () => writeInPlace(path, text)),
    makeDirectory: (path, mode = DIRECTORY_MODE) =>
      attempt(path, () => {
        if (modeOf(path) !== undefined && deno.statSync(path).isDirectory) return;
        deno.mkdirSync(path, { recursive: true, mode });
        syncDirectory(dirname(path));
      }),
    mode: modeOf,
    list: (path) => ifThere(path, () => [...deno.readDirSync(path)].map((entry) => entry.name).sort()),
    remove: (path) =>
      ifThere(path, () => {
        // The shim's remove says nothing about a file that was not there.
        lstatSync(path);
        deno.removeSync(path, { recursive: true });
        return true;
      }) ?? false,
  };
}

/** Replaces or creates a file of octets; nothing is promised for a power cut. @throws {PortError} */
export function writeOctets(path: string, octets: Uint8Array): void {
  try {
    writeFileSync(path, octets);
  } catch (error) {
    throw portError(path, error);
  }
}

/** Writes beside the file, syncs, renames over it, syncs the directory: a power cut leaves the old text or the new one. */
function replaceFile(deno: DenoNamespace, path: string, text: string, mode: number): void {
  const beside = `${path}.${deno.pid}.new`;
  try {
    withFile(beside, "w", (file) => {
      // A file left by a killed process has a mode of its own, and the umask takes bits off a new one.
      fchmodSync(file, mode);
      const bytes = new TextEncoder().encode(text);
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
      fsyncSync(file);
    });
    deno.renameSync(beside, path);
  } catch (error) {
    removeIfThere(deno, beside);
    throw error;
  }
  syncDirectory(dirname(path));
}

/** One write: a setting under /proc takes its whole value from a single call. */
function writeInPlace(path: string, text: string): void {
  withFile(path, "r+", (file) => writeSync(file, new TextEncoder().encode(text)));
}

/** Makes the names in a directory last. */
export function syncDirectory(path: string): void {
  withFile(path, "r", fsyncSync);
}

/** Through node:fs, because the shim's files cannot be synced. A new file is the owner's alone until it has its mode. */
function withFile(path: string, flags: "r" | "r+" | "w", use: (file: number) => void): void {
  const file = openSync(path, flags, OWNER_ONLY);
  try {
    use(file);
  } finally {
    closeSync(file);
  }
}

function removeIfThere(deno: DenoNamespace, path: string): void {
  try {
    deno.removeSync(path, {});
  } catch (error) {
    if (errnoOf(error) !== "ENOENT" && errnoOf(error) !== "ENOTDIR") throw error;
  }
}
