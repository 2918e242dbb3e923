/** What a box takes from the machine and the runtime that it runs on; adapters give it. */
import type { PageFile } from "../api/page.ts";
import type { Site } from "../config/site.ts";
import type { Core, CoreSizes, Lane, SharedCore } from "../fast/contract.ts";
import type { Clock } from "../port/clock.ts";
import type { Command } from "../port/command.ts";
import type { CryptoPort } from "../port/crypto.ts";
import type { Entropy } from "../port/entropy.ts";
import type { Files } from "../port/files.ts";
import type { Http } from "../port/http.ts";
import type { LinkMonitor, LinkWatcher } from "../port/links.ts";
import type { Logs } from "../port/log.ts";
import type { NeighbourLink } from "../port/neighbours.ts";
import type { PacketPlane } from "../port/packet.ts";
import type { Store } from "../port/store.ts";
import type { TcpPort } from "../port/tcp.ts";
import type { UdpPort } from "../port/udp.ts";

/** The outside, as a box needs it. */
export interface BoxPlatform {
  readonly version: string;
  readonly runtime: string;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logs: Logs;
  readonly files: Files;
  readonly command: Command;
  readonly http: Http;
  readonly crypto: CryptoPort;
  /** The dashboard's files; absent = there is none. */
  readonly page?: readonly PageFile[];
  readonly tcp: TcpPort;
  /** UDP for the services; nothing is opened yet. @throws {PortError} `unsupported`, `permission` */
  openUdp(): Promise<UdpPort>;
  /** Absent = what is logged is not for site.yaml to say. */
  readonly setLog: ((log: Site["log"]) => void) | undefined;
  openStore(directory: string): Store;
  openCore(
    sizes: CoreSizes,
    settings: { readonly passRouting: boolean; readonly mtu: number; readonly mss: "auto" | "off" | number },
  ): Promise<Core>;
  openLane(shared: SharedCore, index: number): Promise<Lane>;
  openPacketPlane(core: Core, options: { readonly name: string; readonly queues: number }): Promise<PacketPlane>;
  /** Router solicitations and advertisements on an interface. @throws {PortError} `missing`, `permission`, `failed` */
  openNeighbourLink(name: string): Promise<NeighbourLink>;
  /** Hears of interfaces and gateways until it is closed. @throws {PortError} `failed` */
  watchLinks(watcher: LinkWatcher): Promise<LinkMonitor>;
}
