import { closeSync, openSync, writeSync } from "node:fs";
import type { Sink } from "../../runtime/port/sink.ts";
import { errnoOf, portError } from "./error.ts";

const STDOUT = 1;
/** How long to wait for a pipe whose reader is behind, ms. */
const PIPE_WAIT = 1;
const OWNER_ONLY = 0o600;

/** Standard output, or a file that is made anew. @throws {PortError} `missing` without its directory, `permission`, `failed` */
export function openSink(path: string | undefined): Sink {
  let file = STDOUT;
  try {
    if (path !== undefined) file = openSync(path, "w", OWNER_ONLY);
  } catch (error) {
    throw portError(path ?? "standard output", error);
  }
  let open = true;
  return {
    write(octets) {
      for (let at = 0; at < octets.length; ) {
        try {
          at += writeSync(file, octets, at);
        } catch (error) {
          const errno = errnoOf(error);
          if (errno === "EPIPE") return false;
          if (errno !== "EAGAIN") throw portError(path ?? "standard output", error);
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PIPE_WAIT);
        }
      }
      return true;
    },
    close() {
      if (open && file !== STDOUT) closeSync(file);
      open = false;
    },
  };
}
