import { chmodSync, existsSync, linkSync, lstatSync, unlinkSync } from "node:fs";
import { connect } from "node:net";
import { dirname } from "node:path";
import { PortError } from "../../runtime/port/error.ts";
import { errnoOf, portError } from "./error.ts";

const OWNER_ONLY = 0o600;
const ATTEMPTS = 5;

/**
 * Takes `path` for a Unix socket. `listen` makes the socket at another name first; it becomes `path` by link(2), which never
 * replaces anything, and only with its mode set. A socket at `path` where nobody answers was left by a process that died: removed.
 * @returns a function that removes `path` again
 * @throws {PortError} `busy` when somebody answers at `path`, `missing` without its directory, `permission`
 */
export async function claimSocket(path: string, listen: (place: string) => Promise<void>): Promise<() => void> {
  // Asked here, because Node says EACCES for a socket in a directory that is not there.
  if (!existsSync(dirname(path))) throw new PortError("missing", `${path}: there is no directory ${dirname(path)}`);
  const place = `${path}.${process.pid.toString(36)}`;
  removeIfThere(path, place);
  // Asked before anything is made, so that the common mistake leaves no trace.
  await removeIfDead(path);
  await listen(place);
  try {
    chmodSync(place, OWNER_ONLY);
    for (let attempt = 1; ; attempt++) {
      try {
        linkSync(place, path);
        break;
      } catch (error) {
        if (errnoOf(error) !== "EEXIST" || attempt === ATTEMPTS) throw portError(path, error);
        await removeIfDead(path);
      }
    }
  } finally {
    removeIfThere(path, place);
  }
  const ours = lstatSync(path).ino;
  return () => {
    if (inode(path) === ours) removeIfThere(path, path);
  };
}

async function removeIfDead(path: string): Promise<void> {
  const before = inode(path);
  if (before === undefined) return;
  if (!lstatSync(path).isSocket()) throw new PortError("busy", `${path} exists and is no socket: remove it, or choose another path`);
  if (await answers(path)) throw new PortError("busy", `another pshim6 runs here: it listens on ${path}`);
  // A process that started meanwhile has put its own socket there: let it be found at the next attempt.
  if (inode(path) === before) removeIfThere(path, path);
}

/** Whether a process accepts connections at `path`. A full queue counts: it belongs to a living process. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error) => {
      const errno = errnoOf(error);
      if (errno === "EACCES" || errno === "EPERM") reject(portError(path, error));
      else resolve(errno !== "ECONNREFUSED" && errno !== "ENOENT");
    });
  });
}

function inode(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.ino;
}

function removeIfThere(shown: string, place: string): void {
  try {
    unlinkSync(place);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw portError(shown, error);
  }
}
