import process from "node:process";
import { parentPort, workerData } from "node:worker_threads";
import type { UdpAnswerer, UdpAnswerOptions } from "../../runtime/port/udp.ts";
import type { Millis } from "../../runtime/value/time.ts";
import type { Libc } from "../common/libc.ts";
import { epollLayout } from "../linux/udp.ts";
import { receiveDatagrams } from "./loop.ts";
import type { UdpMessage, UdpWork } from "./message.ts";

/** What a runtime and the program bring to a thread. */
export interface UdpWorkerParts {
  loadLibc(): Promise<Libc>;
  loadMonotonic(): Promise<() => Millis>;
  /** Who answers on sockets that are opened with answers. */
  openAnswerer(options: UdpAnswerOptions): UdpAnswerer;
}

/** This thread's work, or `undefined` on the main thread and in workers of another kind. */
export function udpWork(): UdpWork | undefined {
  const data: unknown = workerData;
  return typeof data === "object" && data !== null && "kind" in data && data.kind === "pshim6-udp" ? (data as UdpWork) : undefined;
}

/** Receives until told to end. Resolves when it was stopped or cannot go on; the main thread has been told by then. */
export async function serveDatagrams(work: UdpWork, parts: UdpWorkerParts): Promise<void> {
  const tell = (message: UdpMessage) => parentPort?.postMessage(message);
  let error: string | undefined;
  try {
    const [libc, now] = await Promise.all([parts.loadLibc(), parts.loadMonotonic()]);
    const answerer = work.answers === undefined ? undefined : parts.openAnswerer(work.answers.options);
    tell({ kind: "ready" });
    error = receiveDatagrams(work, { libc, now, epoll: epollLayout(process.arch), answerer, ring: () => tell({ kind: "bell" }) });
  } catch (thrown) {
    error = thrown instanceof Error ? thrown.message : String(thrown);
  }
  tell({ kind: "ended", error });
}
