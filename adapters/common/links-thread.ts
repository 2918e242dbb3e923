/** The thread that waits for the kernel's word about interfaces, so that a line that goes is heard of in the same millisecond. */
import { parentPort, workerData } from "node:worker_threads";
import type { LinkState } from "../../runtime/port/links.ts";
import { EAGAIN, EINTR, ENOBUFS, errnoName } from "../linux/errno.ts";
import { EVENTFD_OCTETS, POLL_FOREVER, POLLFD_EVENTS, POLLFD_FD, POLLFD_OCTETS, POLLFD_REVENTS, POLLIN } from "../linux/file.ts";
import type { Libc } from "./libc.ts";
import { linkDump, type Neighbour, netlinkAddress, readLinks, readNeighbours } from "./netlink.ts";
import type { WatchList } from "./watchlist.ts";
import { watches } from "./watchlist.ts";

/** What the thread is started with. `kind` tells an entry file that serves several roles which one this thread has. */
export interface LinkWork {
  readonly kind: "pshim6-links";
  /** The netlink socket, bound to the group of interfaces. */
  readonly socket: number;
  /** An eventfd: readable = end. */
  readonly wake: number;
  /** Of which neighbours is told. */
  readonly watched: WatchList;
}

/** What the thread tells: news, or that it has ended; with `error`, a sentence, if nobody told it to. */
export type LinkMessage =
  | { readonly links: readonly LinkState[]; readonly neighbours: readonly Neighbour[] }
  | { readonly ended: true; readonly error: string | undefined };

/** A dump of many interfaces comes in parts of at most 32 KiB. */
const READ_OCTETS = 65_536;
const DATA = 2 * POLLFD_OCTETS;

/** This thread's work, or `undefined` on the main thread and in workers of another kind. */
export function linkWork(): LinkWork | undefined {
  const data: unknown = workerData;
  return typeof data === "object" && data !== null && "kind" in data && data.kind === "pshim6-links" ? (data as LinkWork) : undefined;
}

/** Tells of every interface there is, then of every change, until it is told to end. */
export async function serveLinks(work: LinkWork, loadLibc: () => Promise<Libc>): Promise<void> {
  const tell = (message: LinkMessage) => parentPort?.postMessage(message);
  let error: string | undefined;
  try {
    error = listen(work, await loadLibc(), (links, neighbours) => tell({ links, neighbours }));
  } catch (thrown) {
    error = thrown instanceof Error ? thrown.message : String(thrown);
  }
  tell({ ended: true, error });
}

function listen(
  { socket, wake, watched }: LinkWork,
  libc: Libc,
  tell: (links: readonly LinkState[], neighbours: readonly Neighbour[]) => void,
): string | undefined {
  const buffer = new SharedArrayBuffer(DATA + READ_OCTETS + EVENTFD_OCTETS);
  const octets = new Uint8Array(buffer);
  const view = new DataView(buffer);
  const calls = libc.onMemory(buffer);
  [socket, wake].forEach((fd, i) => {
    view.setInt32(i * POLLFD_OCTETS + POLLFD_FD, fd, true);
    view.setInt16(i * POLLFD_OCTETS + POLLFD_EVENTS, POLLIN, true);
  });
  libc.sendto(socket, linkDump(), netlinkAddress(0));
  for (;;) {
    if (calls.poll(0, 2, POLL_FOREVER) < 0) {
      const errno = libc.errno();
      if (errno === EINTR || errno === EAGAIN) continue;
      return `poll failed: ${errnoName(errno)}`;
    }
    if (view.getInt16(POLLFD_OCTETS + POLLFD_REVENTS, true) !== 0) return undefined;
    const length = calls.read(socket, DATA, READ_OCTETS);
    if (length >= 0) {
      const said = octets.subarray(DATA, DATA + length);
      const links = readLinks(said);
      const neighbours = readNeighbours(said).filter((neighbour) => watches(watched, neighbour));
      if (links.length + neighbours.length > 0) tell(links, neighbours);
      continue;
    }
    const errno = libc.errno();
    // The kernel had more to tell than the socket holds: all of it again.
    if (errno === ENOBUFS) libc.sendto(socket, linkDump(), netlinkAddress(0));
    else if (errno !== EINTR && errno !== EAGAIN) return `netlink failed: ${errnoName(errno)}`;
  }
}
