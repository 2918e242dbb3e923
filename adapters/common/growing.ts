import { closeSync, fchmodSync, openSync, renameSync, writeSync } from "node:fs";
import type { OpenGrowing } from "../../runtime/port/growing.ts";
import { portError } from "./error.ts";

const OWNER_ONLY = 0o600;

/** Growing files of the system. */
export const openGrowing: OpenGrowing = (path) => {
  let file = begin(path);
  const attempt = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      throw portError(path, error);
    }
  };
  let open = true;
  const close = () => {
    if (open) closeSync(file);
    open = false;
  };
  return {
    append: (octets) =>
      attempt(() => {
        for (let at = 0; at < octets.length; ) at += writeSync(file, octets, at);
      }),
    rotate: (as) =>
      attempt(() => {
        renameSync(path, as);
        close();
        file = begin(path);
        open = true;
      }),
    close,
  };
};

function begin(path: string): number {
  try {
    const file = openSync(path, "w", OWNER_ONLY);
    // A file that was there keeps its mode.
    fchmodSync(file, OWNER_ONLY);
    return file;
  } catch (error) {
    throw portError(path, error);
  }
}
