/**
 * Names and addresses beside the packets: the DNS gateway, the DHCPv6 server, the zone. Each is there if site.yaml asks for it; what one learns
 * the others and the box hear of here.
 */
import type { Site } from "../config/site.ts";
import type { Bindings } from "../locator/bindings.ts";
import type { Clock } from "../port/clock.ts";
import type { CryptoPort } from "../port/crypto.ts";
import type { Entropy } from "../port/entropy.ts";
import type { Files } from "../port/files.ts";
import type { Logs } from "../port/log.ts";
import type { Store, StoredLease } from "../port/store.ts";
import type { TcpPort } from "../port/tcp.ts";
import type { UdpPort } from "../port/udp.ts";
import { address, type Ulid } from "../value/address.ts";
import { unhex } from "../value/bytes.ts";
import { type Millis, NEVER } from "../value/time.ts";
import { TYPE_ULID_DEFAULT } from "../wire/dns.ts";
import { Alarm } from "./alarm.ts";
import type { ControlCounters } from "./counters.ts";
import type { Hosts } from "./hosts.ts";
import { type Leases, openLeases } from "./leases.ts";
import { Publisher, type PublisherSettings } from "./publish.ts";

/** What the services work with. */
export interface ServiceParts {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly crypto: CryptoPort;
  readonly files: Files;
  readonly logs: Logs;
  /** Opened when a service needs it. */
  readonly openUdp: () => Promise<UdpPort>;
  readonly tcp: TcpPort;
  readonly store: Store;
  readonly privateKey: Uint8Array;
  readonly hosts: Hosts;
  readonly bindings: Bindings;
  /** The box's own counters; those of the services are added to them. */
  readonly counters: ControlCounters;
  /** Whether a provider's locators can be reached. */
  readonly isUsable: (provider: string) => boolean;
  /** Calls `run` once, at `at`. */
  readonly later: (at: Millis, run: () => void) => void;
  readonly whenIdle: (work: Iterator<unknown>) => void;
  /** A host was told of a peer's ULID, and will send there soon. */
  readonly asked: (host: Ulid, peer: Ulid) => void;
  /** A fault of our own. */
  readonly failed: (error: Error) => void;
}

/** Leases that come together are published together. */
const PUBLISH_DELAY: Millis = 50;

/** All services of one box. */
export class Services {
  readonly #parts: ServiceParts;
  #site: Site;
  #udp: UdpPort | undefined;
  #leases: Leases | undefined;
  #publisher: Publisher | undefined;
  readonly #publisherAlarm: Alarm;
  #publishing = false;
  #closed: Promise<void> | undefined;

  private constructor(site: Site, parts: ServiceParts) {
    this.#site = site;
    this.#parts = parts;
    const { clock, later } = parts;
    this.#publisherAlarm = new Alarm({ later, now: () => clock.now(), wakeAt: () => this.#publisher?.wakeAt ?? NEVER }, (now) =>
      this.#publisher?.poll(now),
    );
  }

  /** Opens what `site` asks for. @throws {PortError} with a sentence for the operator; nothing is open then */
  static async open(site: Site, parts: ServiceParts): Promise<Services> {
    const services = new Services(site, parts);
    try {
      await services.#open();
      return services;
    } catch (error) {
      await services.close();
      throw error;
    }
  }

  /** Rows for `show leases`. */
  leases(): StoredLease[] {
    const rows = this.#leases?.leases(this.#parts.clock.now()) ?? [];
    return rows.map(({ duid, state, ...row }) => ({
      ...row,
      duid: unhex(duid) ?? new Uint8Array(),
      state: state === "ended" ? "released" : state,
    }));
  }

  /** Counters of the services, by name; the same name may come twice. */
  *totals(): Iterable<readonly [string, number]> {
    if (this.#publisher !== undefined) yield* this.#publisher.counters.entries();
    if (this.#udp !== undefined) yield* this.#udp.totals();
  }

  /** Hosts, providers or whether these can be reached have changed. */
  changed(): void {
    this.#publishSoon();
  }

  /** Takes over other settings; a service that cannot goes on as it was, and the log says why. */
  async configure(site: Site): Promise<void> {
    this.#site = site;
    const { clock, logs } = this.#parts;
    const log = logs.area("names");
    try {
      if (site.dhcp !== undefined) this.#leases?.configure(site, site.dhcp);
      if (site.zone !== undefined) await this.#publisher?.configure(publisherSettings(site, site.zone), clock.now());
    } catch (error) {
      log.error("names and addresses go on as they were", { error });
    }
    this.#publishSoon();
  }

  /** Closes all of them; the second call is the same. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#publisher?.close();
    await this.#leases?.close();
    await this.#udp?.close();
  }

  async #open(): Promise<void> {
    const { dhcp, zone } = this.#site;
    const { logs, openUdp } = this.#parts;
    if (this.#site.dns === undefined && dhcp === undefined && zone === undefined) return;
    const udp = await openUdp();
    this.#udp = udp;
    if (zone !== undefined) {
      this.#publisher = new Publisher(publisherSettings(this.#site, zone), {
        ...this.#parts,
        udp,
        log: logs.area("zone"),
        woken: () => this.#publisherAlarm.set(),
      });
      await this.#publisher.start();
    }
    if (dhcp !== undefined) await this.#openLeases(dhcp, udp);
    this.#publish();
  }

  async #openLeases(dhcp: NonNullable<Site["dhcp"]>, udp: UdpPort): Promise<void> {
    const { hosts, counters, logs } = this.#parts;
    const own = new Set<Ulid>();
    for (const { host } of [...(this.#site.dns?.listen ?? []), ...(this.#site.zone?.listen ?? [])]) own.add(address(host));
    this.#leases = await openLeases(this.#site, dhcp, {
      ...this.#parts,
      udp,
      log: logs.area("dhcp"),
      isKnown: (ulid) => hosts.pdsOf(ulid) !== undefined,
      isOwn: (ulid) => own.has(ulid),
      count: (name, by) => counters.count(name, by),
      onLease: (news) => {
        hosts.lease(news);
        this.#publishSoon();
      },
    });
  }

  #publishSoon(): void {
    if (this.#publishing || this.#publisher === undefined) return;
    this.#publishing = true;
    this.#parts.later(this.#parts.clock.now() + PUBLISH_DELAY, () => {
      this.#publishing = false;
      if (this.#closed === undefined) this.#publish();
    });
  }

  #publish(): void {
    const { hosts, isUsable, clock } = this.#parts;
    const providers = this.#site.providers.map(({ name, prefix }) => ({ prefix, usable: isUsable(name) }));
    this.#publisher?.set([...hosts.present()], providers, clock.now());
    this.#publisherAlarm.set();
  }
}

function publisherSettings({ ulid, dns }: Site, zone: NonNullable<Site["zone"]>): PublisherSettings {
  return { zone, ulidPrefix: ulid.prefix, ulidType: dns?.type ?? TYPE_ULID_DEFAULT };
}
