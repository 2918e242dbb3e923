/**
 * Names and addresses beside the packets: the DNS gateway, the DHCPv6 server, the zone. Each is there if site.yaml asks for it; what one learns
 * the others and the box hear of here.
 */
import { proofsOf } from "../cga/index.ts";
import { leasesBeside } from "../config/legacy.ts";
import type { Site } from "../config/site.ts";
import type { TimedLocator } from "../dns/contract.ts";
import type { Bindings } from "../locator/bindings.ts";
import type { Clock } from "../port/clock.ts";
import type { CryptoPort } from "../port/crypto.ts";
import type { Entropy } from "../port/entropy.ts";
import type { Files } from "../port/files.ts";
import type { Logs } from "../port/log.ts";
import type { Store, StoredLease } from "../port/store.ts";
import type { TcpPort } from "../port/tcp.ts";
import type { UdpPort } from "../port/udp.ts";
import { type Address, address, type Ulid } from "../value/address.ts";
import { unhex } from "../value/bytes.ts";
import { type Millis, NEVER } from "../value/time.ts";
import { type DnsName, TYPE_ULID_DEFAULT } from "../wire/dns.ts";
import { Alarm } from "./alarm.ts";
import type { ControlCounters } from "./counters.ts";
import type { Hosts } from "./hosts.ts";
import { type Leases, type LeasesParts, openLeases } from "./leases.ts";
import type { Locate } from "./lookups.ts";
import { type Located, NameService } from "./names.ts";
import type { Looked } from "./names-look.ts";
import type { NameSite } from "./names-settings.ts";
import type { Prove } from "./proofs.ts";
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
  /** How a provider's prefix stands for hosts that have addresses in it: see {@link LeasesParts.lifeOf}. */
  readonly lifeOf: LeasesParts["lifeOf"];
  /** Hosts are told that names without a ULID have these addresses: names that a rule of `policy` is about. */
  readonly spotted: (addresses: readonly Address[], names: readonly DnsName[], until: Millis) => void;
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
  #names: NameService | undefined;
  readonly #publisherAlarm: Alarm;
  readonly #nameAlarm: Alarm;
  #publishing = false;
  #closed: Promise<void> | undefined;

  private constructor(site: Site, parts: ServiceParts) {
    this.#site = site;
    this.#parts = parts;
    const { clock, later } = parts;
    const alarm = (of: () => { readonly wakeAt: Millis; poll(now: Millis): void } | undefined): Alarm =>
      new Alarm({ later, now: () => clock.now(), wakeAt: () => of()?.wakeAt ?? NEVER }, (now) => of()?.poll(now));
    this.#publisherAlarm = alarm(() => this.#publisher && { wakeAt: this.#publisher.wakeAt, poll: (now) => this.#pollPublisher(now) });
    this.#nameAlarm = alarm(() => this.#names);
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

  /** For {@link Lookups}: the reverse tree is asked, and the bindings know what it said. */
  readonly locate: Locate = (ulid, done) => this.#site.dns?.reverse === true && this.#ask(ulid, () => done());

  /** For {@link Proofs}: what both trees agree on; a tree that could not be asked proves nothing. */
  readonly prove: Prove = (ulid, done) =>
    this.#ask(ulid, ({ locators }) =>
      locators.length === 0
        ? done(undefined, 0)
        : done(
            locators.map((each) => each.address),
            Math.min(...locators.map(({ until }) => until)),
          ),
    );

  /** What hosts are told of `name`; see {@link NameService.look}. @returns `false` where nobody answers names: `then` is not called */
  look(name: DnsName, then: (told: Looked) => void): boolean {
    this.#names?.look(name, then);
    return this.#names !== undefined;
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
    if (this.#names !== undefined) yield* this.#names.counters();
    if (this.#udp !== undefined) yield* this.#udp.totals();
  }

  /** Hosts, providers or whether these can be reached have changed. */
  changed(): void {
    const { dhcp } = this.#site;
    if (dhcp !== undefined && leasesBeside(this.#site.legacy)) this.#leases?.configure(this.#site, dhcp);
    this.#publishSoon();
  }

  /** Takes over other settings; a service that cannot goes on as it was, and the log says why. */
  async configure(site: Site): Promise<void> {
    this.#site = site;
    const { clock, logs } = this.#parts;
    const log = logs.area("names");
    try {
      if (site.dhcp !== undefined) this.#leases?.configure(site, site.dhcp);
      if (site.zone !== undefined) await this.#publisher?.configure(publisherSettings(site, site.zone, this.#parts), clock.now());
      if (site.dns !== undefined) await this.#names?.configure({ ...site, dns: site.dns });
    } catch (error) {
      log.error("names and addresses go on as they were", { error });
    }
    this.#publishSoon();
    this.#nameAlarm.set();
  }

  /** Closes all of them; the second call is the same. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#names?.close();
    this.#publisher?.close();
    await this.#leases?.close();
    await this.#udp?.close();
  }

  async #open(): Promise<void> {
    const { dns, dhcp, zone } = this.#site;
    const { logs, openUdp } = this.#parts;
    if (dns === undefined && dhcp === undefined && zone === undefined) return;
    const udp = await openUdp();
    this.#udp = udp;
    if (zone !== undefined) {
      this.#publisher = new Publisher(publisherSettings(this.#site, zone, this.#parts), {
        ...this.#parts,
        udp,
        log: logs.area("zone"),
        woken: () => this.#publisherAlarm.set(),
      });
      await this.#publisher.start();
    }
    if (dhcp !== undefined) await this.#openLeases(dhcp, udp);
    this.#publish();
    if (dns !== undefined) await this.#openNames({ ...this.#site, dns }, udp);
  }

  async #openNames(site: NameSite, udp: UdpPort): Promise<void> {
    const { clock, asked } = this.#parts;
    const names = new NameService(site, {
      ...this.#parts,
      udp,
      now: () => clock.now(),
      learn: (ulid, locators, found, until) => this.#learn(ulid, locators, found, until, "dns"),
      passed: (addresses, found, until) => this.#parts.spotted(addresses, found, until),
      asked,
      woken: () => this.#nameAlarm.set(),
    });
    this.#names = names;
    if (this.#publisher !== undefined) names.setLocal(this.#publisher.local);
    await names.start();
  }

  async #openLeases(dhcp: NonNullable<Site["dhcp"]>, udp: UdpPort): Promise<void> {
    const { hosts, counters, logs, lifeOf } = this.#parts;
    const own = new Set<Ulid>();
    for (const { host } of [...(this.#site.dns?.listen ?? []), ...(this.#site.zone?.listen ?? [])]) own.add(address(host));
    this.#leases = await openLeases(this.#site, dhcp, {
      ...this.#parts,
      udp,
      log: logs.area("dhcp"),
      isKnown: (ulid) => hosts.pdsOf(ulid) !== undefined,
      lifeOf,
      isOwn: (ulid) => own.has(ulid),
      count: (name, by) => counters.count(name, by),
      onLease: (news) => {
        hosts.lease(news);
        this.#publishSoon();
      },
    });
  }

  #ask(ulid: Ulid, done: (found: Located) => void): boolean {
    return (
      this.#names?.locate(ulid, (found) => {
        const { locators, names } = found;
        if (locators.length > 0) this.#learn(ulid, locators, names, Math.max(...locators.map(({ until }) => until)), "reverse");
        done(found);
      }) ?? false
    );
  }

  /** Each locator holds for its own time; the binding for that of the longest, so that none is lost early. */
  #learn(ulid: Ulid, locators: readonly TimedLocator[], names: readonly DnsName[], until: Millis, source: "dns" | "reverse"): void {
    const bound = locators.map((each) => ({ address: each.address, preference: { flags: 0 } }));
    this.#parts.bindings.learn(ulid, bound, until, source, names);
  }

  #publishSoon(): void {
    if (this.#publishing || this.#publisher === undefined) return;
    this.#publishing = true;
    this.#parts.later(this.#parts.clock.now() + PUBLISH_DELAY, () => {
      this.#publishing = false;
      if (this.#closed === undefined) this.#publish();
    });
  }

  /** What was answered of the site's own names is forgotten when they are others. */
  #pollPublisher(now: Millis): void {
    const serials = () => this.#publisher?.status.zones.map(({ serial }) => serial).join();
    const before = serials();
    this.#publisher?.poll(now);
    if (serials() !== before) this.#names?.localChanged();
  }

  #publish(): void {
    const { hosts, isUsable, clock } = this.#parts;
    const providers = this.#site.providers.map(({ name, prefix }) => ({ prefix, usable: isUsable(name) }));
    this.#publisher?.set([...hosts.present()], providers, clock.now());
    this.#publisherAlarm.set();
  }
}

function publisherSettings({ ulid, dns, hosts: named }: Site, zone: NonNullable<Site["zone"]>, parts: ServiceParts): PublisherSettings {
  const { crypto, hosts, privateKey } = parts;
  const publicKey = crypto.rsaPublic(privateKey);
  // Sets are made by hand: a lease is always a plain CGA.
  const makers = new Set(named.map((host) => host.ulid));
  const setOf = (asked: Ulid) => {
    const pds = makers.has(asked) ? hosts.pdsOf(asked) : undefined;
    const proofs = pds && proofsOf(crypto, asked, pds, publicKey);
    return proofs !== undefined && proofs.members.length > 0 ? proofs : undefined;
  };
  return { zone, ulidPrefix: ulid.prefix, ulidType: dns?.type ?? TYPE_ULID_DEFAULT, setOf };
}
