import { Worker } from "node:worker_threads";
import { PortError } from "../../runtime/port/error.ts";
import type { LinkMonitor, LinkState } from "../../runtime/port/links.ts";
import { errnoName } from "../linux/errno.ts";
import { EFD_CLOEXEC, EFD_NONBLOCK, EVENTFD_OCTETS } from "../linux/file.ts";
import { SOCK_CLOEXEC, SOCK_RAW } from "../linux/icmp6.ts";
import { AF_NETLINK, NETLINK_ROUTE, RTMGRP_LINK } from "../linux/netlink.ts";
import type { Libc } from "./libc.ts";
import type { LinkMessage, LinkWork } from "./links-thread.ts";
import { netlinkAddress } from "./netlink.ts";

/** What the monitor works with. */
export interface LinkParts {
  readonly libc: Libc;
  /** The file that its thread starts with. */
  readonly entry: URL;
  /** Once for every interface there is, then for every change; also for changes that concern something else of the interface. */
  readonly heard: (link: LinkState) => void;
  /** Nothing will be heard any more, for this reason. */
  readonly failed: (error: Error) => void;
}

/** Listens to the kernel in a thread of its own. @throws {PortError} `failed` */
export function watchLinks({ libc, entry, heard, failed }: LinkParts): LinkMonitor {
  const socket = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  const wake = libc.eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (socket < 0 || wake < 0 || libc.bind(socket, netlinkAddress(RTMGRP_LINK)) < 0) {
    const why = errnoName(libc.errno());
    for (const fd of [socket, wake]) if (fd >= 0) libc.close(fd);
    throw new PortError("failed", `the kernel does not tell about interfaces: ${why}`);
  }
  const work: LinkWork = { kind: "pshim6-links", socket, wake };
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
    if (closed === undefined) failed(new PortError("failed", `the thread that watches interfaces ended: ${error ?? "it died"}`));
  };
  worker.on("message", (message: LinkMessage) => {
    if ("ended" in message) end(message.error);
    else if (closed === undefined) for (const link of message.links) heard(link);
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
    close() {
      closed ??= close();
      return closed;
    },
  };
}
