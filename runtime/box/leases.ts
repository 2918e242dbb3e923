/**
 * The DHCPv6 server on the LAN: datagrams to the machine of `runtime/dhcp6`, its changes to the store, its replies to hosts once what they
 * say is durable. Addresses are CGAs of the site's key that were made ahead.
 */
import { CollisionError, generateCga } from "../cga/index.ts";
import { besideAt, ledToUlids } from "../config/legacy.ts";
import type { DhcpSettings, Site } from "../config/site.ts";
import { ulidPolicy } from "../dhcp6/configure.ts";
import type { Dhcp6Effect, Dhcp6Event, Dhcp6Reply, Dhcp6Settings, LeaseRow } from "../dhcp6/contract.ts";
import { CgaPool } from "../dhcp6/pool.ts";
import { BY_RESERVATION } from "../dhcp6/reserve.ts";
import { Dhcp6Server } from "../dhcp6/server.ts";
import type { Clock } from "../port/clock.ts";
import type { CryptoPort } from "../port/crypto.ts";
import type { Entropy } from "../port/entropy.ts";
import { PortError, type PortErrorCode } from "../port/error.ts";
import type { Log } from "../port/log.ts";
import type { StoredLease, StoreGroup } from "../port/store.ts";
import type { UdpPort, UdpSocket } from "../port/udp.ts";
import { address, type Ulid, UNSPECIFIED } from "../value/address.ts";
import { concat } from "../value/bytes.ts";
import { type Millis, NEVER } from "../value/time.ts";
import { utf8 } from "../wire/dhcp6-codec.ts";
import { dhcp6TypeName } from "../wire/dhcp6-message.ts";
import { ALL_DHCP_RELAY_AGENTS_AND_SERVERS, ALL_DHCP_SERVERS, DHCP6_SERVER_PORT, DUID_UUID, RKAP_OCTETS } from "../wire/dhcp6-number.ts";
import { dnsName, isBelow, labelsOf } from "../wire/dns-name.ts";

/** A host has an address, has it no more, or is called otherwise; durable. */
export interface LeaseNews {
  readonly ulid: Ulid;
  readonly name: string | undefined;
  readonly living: boolean;
  /** Whether a reservation named the host; else the name is its own word. */
  readonly reserved: boolean;
  /** CGA parameters, where the address was never given before. */
  readonly pds: Uint8Array | undefined;
}

/** What leases need of the store. */
export interface LeaseStore {
  serverDuid(make: () => Uint8Array): Uint8Array;
  leases(): readonly StoredLease[];
  commit(group: StoreGroup): Promise<void>;
}

/** What the leases work with. */
export interface LeasesParts {
  readonly clock: Pick<Clock, "now" | "wall">;
  readonly entropy: Entropy;
  readonly crypto: CryptoPort;
  readonly udp: UdpPort;
  readonly store: LeaseStore;
  readonly log: Log;
  /** The site's key, PKCS#8 DER. */
  readonly privateKey: Uint8Array;
  /** Whether there are CGA parameters for an address: {@link LeaseNews} adds to them. */
  readonly isKnown: (address: Ulid) => boolean;
  /** How a provider's prefix stands: whether nothing new is to begin from there, and until when it holds, calendar milliseconds. */
  readonly lifeOf: (provider: string) => { readonly deprecated: boolean; readonly until: number };
  /** Whether an address is in use without parameters: the box's own. */
  readonly isOwn: (address: Ulid) => boolean;
  readonly count: (name: string, by?: number) => void;
  /** Calls `run` once, at `at`. */
  readonly later: (at: Millis, run: () => void) => void;
  /** Takes work that comes in slices and can wait. */
  readonly whenIdle: (work: Iterator<unknown>) => void;
  readonly onLease: (news: LeaseNews) => void;
  /** A fault of our own. */
  readonly failed: (error: Error) => void;
}

/** Leases that are given out. */
export interface Leases {
  /** All of them, for `show leases`. */
  leases(now: Millis): LeaseRow[];
  /** Takes over other settings; the interface and the store stay. @throws {PortError} `missing` before anything has changed */
  configure(site: Site, dhcp: DhcpSettings): void;
  /** Nothing is received any more; resolves when what was on its way to the disk is there. The second call is the same. */
  close(): Promise<void>;
}

/** The same note in the log at most so often. */
const NOTE_INTERVAL: Millis = 60_000;
const UUID_OCTETS = 16;
const RECONFIGURE_LABEL = utf8.write.encode("pshim6 dhcp6 reconfigure");

/** What an operator can do about a store that does not store. */
const REMEDIES: Partial<Record<PortErrorCode, string>> = {
  full: "make room on the disk that `state` is on",
  permission: "make the disk that `state` is on writable again",
  corrupt: "restore `state` from a backup",
  busy: "the disk does not keep up: find out what else writes to it",
};

/**
 * Opens the server on `site.lan.interface`. `onLease` is called for each living lease that was stored, before this resolves.
 * @throws {PortError} `missing` (the interface; a reserved address without parameters), `busy`, `permission`, `failed`
 */
export async function openLeases(site: Site, dhcp: DhcpSettings, parts: LeasesParts): Promise<Leases> {
  const leases = new RunningLeases(site, dhcp, parts);
  await leases.open(site.lan.interface);
  return leases;
}

class RunningLeases implements Leases {
  readonly #parts: LeasesParts;
  readonly #pool: CgaPool;
  readonly #server: Dhcp6Server;
  readonly #notes = new Map<string, Millis>();
  #socket: UdpSocket | undefined;
  #armedFor: Millis = NEVER;
  /** The group on its way to the disk. */
  #writing: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(site: Site, dhcp: DhcpSettings, parts: LeasesParts) {
    const { clock, crypto, entropy, privateKey, store } = parts;
    this.#parts = parts;
    const settings = settingsOf(site, dhcp, parts);
    const publicKey = crypto.rsaPublic(privateKey);
    const isTaken = (candidate: Ulid) => parts.isKnown(candidate) || parts.isOwn(candidate);
    const { sec } = dhcp;
    this.#pool = new CgaPool({
      isQuick: sec === 0,
      isTaken,
      *make(prefix) {
        try {
          return yield* generateCga(crypto, { prefix, publicKey, sec, modifier: entropy.bytes(16), taken: isTaken });
        } catch (error) {
          if (error instanceof CollisionError) return undefined;
          throw error;
        }
      },
    });
    // Not stored, and yet the same after a restart: made of the client's name and what only we know.
    const secret = crypto.hmacSha256(privateKey, RECONFIGURE_LABEL);
    const serverParts = {
      serverDuid: store.serverDuid(() => makeDuid(entropy)),
      reconfigureKey: (duid: Uint8Array) => crypto.hmacSha256(secret, duid).slice(0, RKAP_OCTETS),
      hmacMd5: crypto.hmacMd5,
      leases: store.leases(),
    };
    this.#server = new Dhcp6Server(settings, serverParts, this.#pool, clock.now(), clock.wall());
  }

  async open(name: string): Promise<void> {
    const { clock, onLease, udp } = this.#parts;
    for (const { ulid, name: host, state, matched } of this.#server.rows(clock.now(), clock.wall()))
      if (state === "bound") onLease({ ulid, name: host, living: true, reserved: matched.startsWith(BY_RESERVATION), pds: undefined });
    const groups = [address(ALL_DHCP_RELAY_AGENTS_AND_SERVERS), address(ALL_DHCP_SERVERS)];
    this.#socket = await udp.open(
      { address: UNSPECIFIED, port: DHCP6_SERVER_PORT, interface: name, groups },
      {
        receive: (octets, from, to) => {
          const { address: source, port } = from;
          if (this.#closed === undefined)
            this.#step({ kind: "message", octets, from: source, port, to: to.address, interface: to.interface ?? from.interface ?? 0 });
        },
        settled: () => this.#step({ kind: "settled" }),
      },
    );
    this.#step({ kind: "settled" });
  }

  leases(now: Millis): LeaseRow[] {
    return this.#server.rows(now, this.#parts.clock.wall());
  }

  configure(site: Site, dhcp: DhcpSettings): void {
    this.#step({ kind: "configure", settings: settingsOf(site, dhcp, this.#parts) });
  }

  close(): Promise<void> {
    this.#closed ??= this.#finish();
    return this.#closed;
  }

  async #finish(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    this.#socket?.close();
  }

  #step(event: Dhcp6Event): void {
    const { clock } = this.#parts;
    for (const effect of this.#server.step(event, clock.now(), clock.wall())) this.#carryOut(effect);
    if (event.kind === "message") return;
    if (this.#pool.isLow && this.#closed === undefined) this.#parts.whenIdle(this.#pool.fill());
    this.#arm();
  }

  #carryOut(effect: Dhcp6Effect): void {
    const { count, log, onLease } = this.#parts;
    switch (effect.kind) {
      case "reply":
        return this.#send(effect);
      case "store": {
        const { cga, leases, forgotten } = effect;
        this.#writing = this.#store({ cga, leases, forgotten });
        return;
      }
      case "lease":
        return onLease({ ulid: effect.ulid, name: effect.name, living: effect.living, reserved: effect.reserved, pds: effect.pds });
      case "count":
        return count(effect.name);
      case "exhausted":
        count("drop-exhausted-dhcp6");
        this.#note("no address for a host", () =>
          log.warn("a host asked for an address and there was none", {
            leases: effect.leases,
            do: "raise dhcp.max, or lower dhcp.valid; with dhcp.sec above 0 addresses take time to make",
          }),
        );
    }
  }

  async #store(group: StoreGroup): Promise<void> {
    const { count, failed, log, store } = this.#parts;
    let stored = false;
    try {
      await store.commit(group);
      stored = true;
    } catch (error) {
      if (!(error instanceof PortError)) failed(asError(error));
      else {
        count("drop-commit-dhcp6");
        this.#note(error.code, () =>
          log.error("leases are not stored, so hosts get no answer", { why: error.message, do: REMEDIES[error.code] ?? "see why" }),
        );
      }
    }
    this.#writing = undefined;
    try {
      this.#step({ kind: stored ? "stored" : "failed" });
    } catch (error) {
      // Nobody waits for this promise but the one who closes.
      failed(asError(error));
    }
  }

  #send({ octets, to, port, from, interface: index, type }: Dhcp6Reply): void {
    this.#parts.count(`out-${dhcp6TypeName(type)}-dhcp6`);
    const source = from === undefined ? undefined : { address: from, port: DHCP6_SERVER_PORT, interface: index };
    this.#socket?.send(octets, { address: to, port, interface: index }, source);
  }

  /** One alarm at a time: an earlier one than is set, or the next when it rang. */
  #arm(): void {
    const at = this.#server.wakeAt;
    if (at >= this.#armedFor || this.#closed !== undefined) return;
    this.#armedFor = at;
    this.#parts.later(at, () => {
      if (at === this.#armedFor) this.#armedFor = NEVER;
      if (this.#closed === undefined && this.#server.wakeAt <= this.#parts.clock.now()) this.#step({ kind: "time" });
      else this.#arm();
    });
  }

  #note(what: string, write: () => void): void {
    const now = this.#parts.clock.now();
    if (now - (this.#notes.get(what) ?? -NEVER) < NOTE_INTERVAL) return;
    this.#notes.set(what, now);
    write();
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** The machine's settings. @throws {PortError} `missing` for a reserved address that was not made here */
function settingsOf(site: Site, dhcp: DhcpSettings, { isKnown, lifeOf }: Pick<LeasesParts, "isKnown" | "lifeOf">): Dhcp6Settings {
  for (const { name, ulid } of dhcp.reservations)
    if (ulid !== undefined && !isKnown(ulid))
      throw new PortError(
        "missing",
        `reservation ${name}: nothing is known about ${ulid} in ${site.state}; make its ULID with \`pshim6 cga generate --name ${name}\`, or leave ulid out`,
      );
  const { preferred, valid, rapidCommit, reconfigure, dns, ntp, max, reservations } = dhcp;
  const zone = site.zone && dnsName(site.zone.name);
  const servers = [...(site.zone?.servers ?? []), ...(site.zone === undefined ? [] : [site.zone.contact])].map(dnsName);
  // The labels right below the zone that name servers and the like have.
  const labels = servers.flatMap((server) =>
    zone !== undefined && isBelow(server, zone) ? (labelsOf(server).at(-1 - labelsOf(zone).length) ?? []) : [],
  );
  return {
    preferred,
    valid,
    rapidCommit,
    reconfigure,
    preference: 0,
    dns,
    search: dhcp.search.map(dnsName),
    ntp,
    policy: dhcp.policy ? ulidPolicy(site.ulid.generic, ledToUlids(site)) : undefined,
    max,
    reservations,
    subnets: site.lan.subnets,
    beside: site.providers.flatMap((provider) => besideAt(site, provider).map((pair) => ({ ...pair, ...lifeOf(provider.name) }))),
    zone,
    names: new Set([...site.hosts.map(({ name }) => name), ...labels.map((label) => label.toLowerCase())]),
  };
}

/** A DUID that depends on no hardware: a random UUID (RFC 6355, RFC 9562 §5.4). */
function makeDuid(entropy: Entropy): Uint8Array {
  const uuid = entropy.bytes(UUID_OCTETS);
  uuid[6] = 0x40 | (uuid[6] & 0x0f);
  uuid[8] = 0x80 | (uuid[8] & 0x3f);
  return concat(Uint8Array.of(0, DUID_UUID), uuid);
}
