/** {@link Files} over node:fs, for what lives in /run and /proc: nothing here must outlast a power cut. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { PortError } from "../../runtime/port/error.ts";
import type { Files } from "../../runtime/port/files.ts";

const DEFAULT_FILE_MODE = 0o644;
const DEFAULT_DIRECTORY_MODE = 0o755;

export const runFiles: Files = {
  readText: (path) => unlessMissing(path, () => readFileSync(path, "utf8")),
  writeText: (path, text, mode = DEFAULT_FILE_MODE) => {
    attempt(path, () => {
      writeFileSync(path, text, { mode });
      chmodSync(path, mode);
    });
  },
  makeDirectory: (path, mode = DEFAULT_DIRECTORY_MODE) => {
    attempt(path, () => mkdirSync(path, { recursive: true, mode }));
  },
  mode: (path) => unlessMissing(path, () => statSync(path).mode & 0o7777),
  list: (path) => unlessMissing(path, () => readdirSync(path).sort()),
  remove: (path) => {
    const there = unlessMissing(path, () => statSync(path)) !== undefined;
    attempt(path, () => rmSync(path, { recursive: true, force: true }));
    return there;
  },
};

/** ESRCH is what /proc says when the process ends while its file is read. */
const MISSING = new Set(["ENOENT", "ENOTDIR", "ESRCH"]);

function unlessMissing<T>(path: string, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (MISSING.has(codeOf(error))) return undefined;
    throw portError(path, error);
  }
}

function attempt(path: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw portError(path, error);
  }
}

function portError(path: string, error: unknown): PortError {
  const code = codeOf(error);
  const kind = code === "EACCES" || code === "EPERM" ? "permission" : MISSING.has(code) ? "missing" : "failed";
  return new PortError(kind, `${path}: ${error instanceof Error ? error.message : String(error)}`, error);
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
