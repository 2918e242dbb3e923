import { PortError, type PortErrorCode } from "../../runtime/port/error.ts";

const CODES: Readonly<Record<string, PortErrorCode>> = {
  ENOENT: "missing",
  ENOTDIR: "missing",
  // What /proc says when a process ends while its file is read.
  ESRCH: "missing",
  ECONNREFUSED: "missing",
  EADDRNOTAVAIL: "missing",
  EACCES: "permission",
  EPERM: "permission",
  EROFS: "permission",
  EADDRINUSE: "busy",
  EBUSY: "busy",
  EEXIST: "busy",
  ENOSPC: "full",
  EDQUOT: "full",
};

/** The errno name in a system error of `node:` modules or the `Deno` namespace, or "". */
export function errnoOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/** A system error as ours; `what` starts the sentence: a path, an address. */
export function portError(what: string, error: unknown): PortError {
  if (error instanceof PortError) return error;
  const errno = errnoOf(error);
  const reason = REASONS[errno] ?? (error instanceof Error ? error.message : String(error));
  return new PortError(CODES[errno] ?? "failed", `${what}: ${reason}`, error);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  ENOTDIR: "a part of the path is no directory",
  EISDIR: "is a directory",
  EACCES: "permission denied: run as root, or change its owner or mode",
  EPERM: "operation not permitted: run as root",
  EROFS: "the file system is read-only: mount it for writing",
  EEXIST: "there is something of that name: take another name",
  ENOSPC: "no space left on the device: free some",
  EDQUOT: "the quota of the device is used up: free some",
  EADDRINUSE: "the address is in use: stop the other program, or choose another address",
  EADDRNOTAVAIL: "the address is not one of this machine's",
  ECONNREFUSED: "nobody listens there",
};
