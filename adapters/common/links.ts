import { Worker } from "node:worker_threads";
import { PortError } from "../../runtime/port/error.ts";
import { GATEWAYS_WATCHED, type Gateway, type GatewayState, type LinkMonitor, type LinkWatcher } from "../../runtime/port/links.ts";
import { errnoName } from "../linux/errno.ts";
import { EFD_CLOEXEC, EFD_NONBLOCK, EVENTFD_OCTETS } from "../linux/file.ts";
import { SOCK_CLOEXEC, SOCK_RAW } from "../linux/icmp6.ts";
import * as netlink from "../linux/netlink.ts";
import type { Libc } from "./libc.ts";
import type { LinkMessage, LinkWork } from "./links-thread.ts";
import { type Neighbour, type NeighbourRequest, neighbourRequest, netlinkAddress } from "./netlink.ts";
import { setWatched, type WatchList, watchList } from "./watchlist.ts";

/** What the monitor works with. */
export interface LinkParts {
  readonly libc: Libc;
  /** The file that its thread starts with. */
  readonly entry: URL;
  readonly watcher: LinkWatcher;
}

/** Listens to the kernel in a thread of its own. @throws {PortError} `failed` */
export function watchLinks({ libc, entry, watcher }: LinkParts): LinkMonitor {
  const socket = libc.socket(netlink.AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, netlink.NETLINK_ROUTE);
  const wake = libc.eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (socket < 0 || wake < 0 || libc.bind(socket, netlinkAddress(netlink.RTMGRP_LINK)) < 0) {
    const why = errnoName(libc.errno());
    for (const fd of [socket, wake]) if (fd >= 0) libc.close(fd);
    throw new PortError("failed", `the kernel does not tell about interfaces: ${why}`);
  }
  const watched = watchList(GATEWAYS_WATCHED);
  const gateways = new Asked(libc, socket, watched);
  const work: LinkWork = { kind: "pshim6-links", socket, wake, watched };
  const worker = new Worker(entry, { workerData: work, name: "pshim6-links" } as ConstructorParameters<typeof Worker>[1]);
  let closed: Promise<void> | undefined;
  let finish: () => void = () => undefined;
  let over = false;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const end = (error: string | undefined): void => {
    if (over) return;
    over = true;
    finish();
    if (closed === undefined) watcher.failed(new PortError("failed", `the thread that watches interfaces ended: ${error ?? "it died"}`));
  };
  worker.on("message", (message: LinkMessage) => {
    if ("ended" in message) return end(message.error);
    if (closed !== undefined) return;
    for (const link of message.links) watcher.link(link);
    for (const neighbour of message.neighbours) gateways.heard(neighbour, watcher.gateway);
  });
  worker.on("error", (error: Error) => end(error.message));
  worker.on("exit", () => end(undefined));

  const close = async (): Promise<void> => {
    const one = new SharedArrayBuffer(EVENTFD_OCTETS);
    new BigUint64Array(one)[0] = 1n;
    libc.onMemory(one).write(wake, 0, EVENTFD_OCTETS);
    await finished;
    await worker.terminate();
    for (const fd of [socket, wake]) libc.close(fd);
  };
  return {
    solicit(list) {
      if (closed === undefined && !over) gateways.solicit(list);
    },
    close() {
      closed ??= close();
      return closed;
    },
  };
}

/** Gateways that are asked about. What is asked depends on their state: the kernel would forget addresses that it knows, or that the operator has told. */
class Asked {
  readonly #libc: Libc;
  readonly #socket: number;
  readonly #watched: WatchList;
  #gateways: readonly (Gateway & { readonly index: number })[] = [];
  /** Those whose state is just being asked for. */
  readonly #asked = new Set<Gateway>();
  #joined = false;

  constructor(libc: Libc, socket: number, watched: WatchList) {
    this.#libc = libc;
    this.#socket = socket;
    this.#watched = watched;
  }

  solicit(gateways: readonly Gateway[]): void {
    this.#gateways = gateways
      .map((gateway) => ({ ...gateway, index: this.#libc.interfaceIndex(gateway.link) }))
      .filter(({ index }) => index > 0)
      .slice(0, GATEWAYS_WATCHED);
    this.#join(this.#gateways.length > 0);
    setWatched(this.#watched, this.#gateways);
    this.#asked.clear();
    for (const gateway of this.#gateways) {
      this.#asked.add(gateway);
      this.#ask("get", gateway);
      this.#ask("create", gateway);
    }
  }

  heard(neighbour: Neighbour, tell: LinkWatcher["gateway"]): void {
    const gateway = this.#gateways.find(({ index, address }) => index === neighbour.index && address === neighbour.address);
    if (gateway === undefined) return;
    const { state } = neighbour;
    if (this.#asked.delete(gateway)) {
      if ((state & ANSWERED_ONCE) !== 0) this.#ask("probe", gateway);
      else if (state === netlink.NUD_NONE || state === netlink.NUD_FAILED) this.#ask("revive", gateway);
    }
    const standing = standingOf(state);
    if (standing !== undefined) tell({ link: gateway.link, address: gateway.address, standing });
  }

  #ask(what: NeighbourRequest, { index, address }: Pick<Neighbour, "index" | "address">): void {
    // Refused where it makes no sense for the state that the neighbour is in; the thread passes over the kernel's complaint.
    this.#libc.sendto(this.#socket, neighbourRequest(what, index, address), netlinkAddress(0));
  }

  /** Whoever wants to hear of no neighbour is not told of those on the LAN. */
  #join(wanted: boolean): void {
    if (wanted === this.#joined) return;
    this.#joined = wanted;
    const option = wanted ? netlink.NETLINK_ADD_MEMBERSHIP : netlink.NETLINK_DROP_MEMBERSHIP;
    this.#libc.setsockopt(this.#socket, netlink.SOL_NETLINK, option, new Uint8Array(new Int32Array([netlink.RTNLGRP_NEIGH]).buffer));
  }
}

/** Its address is known, and may be asked for again. */
const ANSWERED_ONCE = netlink.NUD_REACHABLE | netlink.NUD_STALE | netlink.NUD_DELAY | netlink.NUD_PROBE;

/** @returns `undefined` when nothing is proved: an address that was good lately, or is just being asked */
function standingOf(state: number): GatewayState["standing"] | undefined {
  if ((state & (netlink.NUD_NOARP | netlink.NUD_PERMANENT)) !== 0) return "fixed";
  if (state === netlink.NUD_REACHABLE) return "answers";
  return state === netlink.NUD_FAILED ? "silent" : undefined;
}
