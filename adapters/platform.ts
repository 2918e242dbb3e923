/**
 * The runtime that carries us, as ports. This is the only file that asks which one it is; its folder is loaded, the others
 * are not.
 */
import type { Core } from "../runtime/fast/contract.ts";
import type { Clock } from "../runtime/port/clock.ts";
import type { Command } from "../runtime/port/command.ts";
import type { Entropy } from "../runtime/port/entropy.ts";
import type { Files } from "../runtime/port/files.ts";
import type { Host } from "../runtime/port/host.ts";
import type { Http } from "../runtime/port/http.ts";
import type { LinkMonitor, LinkWatcher } from "../runtime/port/links.ts";
import type { Logs } from "../runtime/port/log.ts";
import type { NeighbourLink } from "../runtime/port/neighbours.ts";
import type { PacketPlane } from "../runtime/port/packet.ts";
import type { Store } from "../runtime/port/store.ts";
import type { Tap } from "../runtime/port/tap.ts";
import type { TcpPort } from "../runtime/port/tcp.ts";
import type { UdpPort } from "../runtime/port/udp.ts";
import type { Millis } from "../runtime/value/time.ts";
import { systemClock } from "./common/clock.ts";
import { systemCommand } from "./common/command.ts";
import { systemEntropy } from "./common/entropy.ts";
import { systemFiles } from "./common/files.ts";
import { systemHost } from "./common/host.ts";
import { systemHttp } from "./common/http.ts";
import type { Libc } from "./common/libc.ts";
import { watchLinks } from "./common/links.ts";
import { systemLogs } from "./common/log.ts";
import { openNeighbourLink } from "./common/neighbours.ts";
import { openStore } from "./common/store.ts";
import { openTap } from "./common/tap.ts";
import { tcpPort } from "./common/tcp.ts";
import { openPacketPlane, type PlaneOptions } from "./data/plane.ts";
import { openUdpPort } from "./udp/port.ts";

export type RuntimeName = "node" | "deno" | "bun";

/** All ports of one runtime. */
export interface Platform {
  readonly runtime: RuntimeName;
  readonly host: Host;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logs: Logs;
  readonly files: Files;
  readonly command: Command;
  readonly http: Http;
  readonly tcp: TcpPort;
  /** @throws {PortError} as `openStore` of adapters/common/store.ts */
  openStore(directory: string): Store;
  /** Makes the TUN and its packet plane. @throws {PortError} as `openTun` of adapters/common/tun.ts */
  openPacketPlane(core: Pick<Core, "shared" | "drainPunts">, options: PlaneOptions): Promise<PacketPlane>;
  /** @throws {PortError} as `openTap` of adapters/common/tap.ts */
  openTap(name: string): Promise<Tap>;
  /** @throws {PortError} as `openNeighbourLink` of adapters/common/neighbours.ts */
  openNeighbourLink(name: string): Promise<NeighbourLink>;
  /** @throws {PortError} as `watchLinks` of adapters/common/links.ts */
  watchLinks(watcher: LinkWatcher): Promise<LinkMonitor>;
  /** UDP; nothing is opened yet. `entry` is the file that its threads start with. @throws {PortError} `unsupported`, `permission` */
  openUdp(entry: URL): Promise<UdpPort>;
}

/** The runtime this file runs on. */
export function runtimeName(): RuntimeName {
  if ("Deno" in globalThis) return "deno";
  return "Bun" in globalThis ? "bun" : "node";
}

/** All ports. Foreign calls, SQLite and worker threads are loaded when they are first asked for. `entry` is the file that the store's thread starts with. */
export async function loadPlatform(entry = new URL("./main.ts", import.meta.url)): Promise<Platform> {
  const runtime = runtimeName();
  const [{ deno, runtime: shown }, monotonic] = await Promise.all([loadHost(runtime), loadMonotonic(runtime)]);
  const logs = systemLogs();
  const files = systemFiles(deno);
  return {
    runtime,
    host: systemHost(deno, shown),
    clock: systemClock(monotonic),
    entropy: systemEntropy,
    logs,
    files,
    command: systemCommand,
    http: systemHttp((error) => logs.area("api").error("a request could not be answered", { error })),
    tcp: tcpPort,
    openStore: (directory) => openStore(deno, files, directory, entry),
    openTap: async (name) => openTap(await loadLibc(runtime), name),
    openNeighbourLink: async (name) => openNeighbourLink(await loadLibc(runtime), name),
    watchLinks: async (watcher) => watchLinks({ libc: await loadLibc(runtime), entry, watcher }),
    openUdp: async (entry) => {
      const failed = (error: Error) => logs.area("udp").error("UDP does not work any more", { error: error.message });
      return openUdpPort({ libc: await loadLibc(runtime), entry, failed });
    },
    openPacketPlane: async (core, options) => openPacketPlane({ libc: await loadLibc(runtime), now: monotonic, core }, options),
  };
}

/** The C library, for the thread that asks. @throws {PortError} `unsupported`, `permission` */
export async function loadLibc(runtime = runtimeName()): Promise<Libc> {
  switch (runtime) {
    case "deno":
      return (await import("./deno/ffi.ts")).openLibc();
    case "bun":
      return (await import("./bun/ffi.ts")).openLibc();
    case "node":
      return (await import("./node/ffi.ts")).openLibc();
  }
}

/** A reader of CLOCK_MONOTONIC, for the thread that asks. */
export async function loadMonotonic(runtime = runtimeName()): Promise<() => Millis> {
  switch (runtime) {
    case "deno":
      return (await import("./deno/clock.ts")).openMonotonic();
    case "bun":
      return (await import("./bun/clock.ts")).openMonotonic();
    case "node":
      return (await import("./node/clock.ts")).openMonotonic();
  }
}

function loadHost(runtime: RuntimeName) {
  switch (runtime) {
    case "deno":
      return import("./deno/host.ts");
    case "bun":
      return import("./bun/host.ts");
    case "node":
      return import("./node/host.ts");
  }
}
