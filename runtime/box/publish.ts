/**
 * What the site publishes of its hosts, kept true: hosts and providers in, zones out, to the world by the built-in authority, to the site's name server by
 * dynamic update, to the gateway through {@link Publisher.local}.
 */
import type { Endpoint, ZoneSettings } from "../config/site.ts";
import type { Local } from "../dns/contract.ts";
import type { Clock } from "../port/clock.ts";
import type { CryptoPort } from "../port/crypto.ts";
import type { Entropy } from "../port/entropy.ts";
import { PortError } from "../port/error.ts";
import type { Files } from "../port/files.ts";
import type { Log } from "../port/log.ts";
import type { TcpPort } from "../port/tcp.ts";
import type { UdpPort } from "../port/udp.ts";
import { type Address, parseAddress, UNSPECIFIED } from "../value/address.ts";
import type { Prefix } from "../value/prefix.ts";
import { type Millis, NEVER } from "../value/time.ts";
import { dnsName } from "../wire/dns-name.ts";
import { type Asker, Authority } from "../zone/authority.ts";
import { type Contents, ContentsBuilder, type ZoneProvider, type ZoneTerms } from "../zone/contents.ts";
import { tsigSecret } from "../zone/key.ts";
import type { ZoneHost } from "../zone/owners.ts";
import { nextSerial } from "../zone/serial.ts";
import { zoneTerms } from "../zone/terms.ts";
import type { TsigKey } from "../zone/tsig.ts";
import { ControlCounters } from "./counters.ts";
import { ZoneTcp } from "./zone-tcp.ts";
import { ZoneUpdate } from "./zone-update.ts";

/** What the publisher works with. */
export interface PublisherParts {
  readonly udp: Pick<UdpPort, "open">;
  readonly tcp: TcpPort;
  readonly clock: Pick<Clock, "now" | "wall">;
  readonly entropy: Entropy;
  readonly crypto: Pick<CryptoPort, "hmac" | "equal">;
  readonly files: Pick<Files, "readText" | "mode">;
  readonly log: Log;
  /** Called when {@link Publisher.wakeAt} may be earlier than it was; not from inside a call. */
  readonly woken: () => void;
}

/** What is published, and where. */
export interface PublisherSettings {
  readonly zone: ZoneSettings;
  readonly ulidPrefix: Prefix;
  /** RR type of ULID records. */
  readonly ulidType: number;
  readonly setOf?: ZoneTerms["setOf"];
}

/** How the zones stand. */
export interface PublisherStatus {
  readonly zones: readonly { readonly origin: string; readonly serial: number; readonly names: number }[];
  /** Whether the zones are those of the hosts and providers that were set last. */
  readonly current: boolean;
  /** Names whose records at the updated name server are not known to be right; `undefined` = none is updated. */
  readonly pending: number | undefined;
}

/** Contents change at most so often: a serial a second is all that the calendar has room for. */
const APPLY_INTERVAL: Millis = 1_000;
/** And at most this share of the time goes into it, as long as nobody waits too long for it. */
const APPLY_SHARE = 0.1;
const APPLY_LATEST: Millis = 5_000;
const OTHERS = 0o077;

/** One site's names. */
export class Publisher {
  readonly #parts: PublisherParts;
  readonly #authority = new Authority();
  readonly #tcp: ZoneTcp;
  readonly #sockets = new Map<string, { close(): void }[]>();
  readonly #counters = new ControlCounters();
  #settings: PublisherSettings;
  #terms: ZoneTerms;
  #builder: ContentsBuilder;
  #update: ZoneUpdate | undefined;
  #hosts: readonly ZoneHost[] = [];
  #providers: readonly ZoneProvider[] = [];
  /** Labels that no host may just claim; `undefined` = none at all. */
  #unclaimable: ReadonlySet<string> | undefined = new Set();
  #applyAt: Millis = NEVER;
  #notBefore: Millis = 0;
  /** Contents on their way, the time that they have taken so far, and whether they are out of date already. */
  #work: Generator<void, Contents> | undefined;
  #spent: Millis = 0;
  #again = false;

  constructor(settings: PublisherSettings, parts: PublisherParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.#terms = termsOf(settings);
    this.#builder = new ContentsBuilder(this.#terms);
    this.#tcp = new ZoneTcp({
      now: () => parts.clock.now(),
      answer: (request, remote) => this.#answer(request, { transport: "tcp", address: parseAddress(remote) ?? UNSPECIFIED }),
      count: (name) => this.#counters.count(name),
    });
  }

  /** What the zones say of the site's own names; always the present state. */
  get local(): Local {
    return this.#authority;
  }

  get counters(): ControlCounters {
    return this.#counters;
  }

  get status(): PublisherStatus {
    const zones = this.#authority.zones.map(({ zone, serial }) => ({ origin: zone.origin, serial, names: zone.nodes.size }));
    return { zones, current: this.#applyAt === NEVER, pending: this.#update?.pending };
  }

  /** When {@link poll} has something to do. */
  get wakeAt(): Millis {
    return Math.min(this.#applyAt, this.#tcp.wakeAt, this.#update?.wakeAt ?? NEVER);
  }

  /** Reads the key and opens the sockets. @throws {PortError} with a sentence for the operator; then nothing is open */
  async start(): Promise<void> {
    this.#update = this.#openUpdate();
    try {
      await this.#listen(this.#settings.zone.listen);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** From now on these are the hosts and providers; the zones follow within a second, or five of a very large site. Neither is changed afterwards. An earlier host wins a name that two have. */
  set(hosts: readonly ZoneHost[], providers: readonly ZoneProvider[], now: Millis): void {
    this.#hosts = hosts;
    this.#providers = providers;
    this.#applySoon(now);
  }

  /** Takes over other settings; what did not change goes on undisturbed. @throws {PortError} as {@link start}; then the old ones stay, but for addresses that are closed already */
  async configure(settings: PublisherSettings, now: Millis): Promise<void> {
    const before = this.#settings;
    const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
    if (same(before, settings)) return;
    this.#settings = settings;
    try {
      const update = same({ ...before, zone: before.zone.update }, { ...settings, zone: settings.zone.update })
        ? this.#update
        : this.#openUpdate();
      await this.#listen(settings.zone.listen);
      if (update !== this.#update) {
        this.#update?.close();
        this.#update = update;
        this.#unclaimable = new Set();
      }
    } catch (error) {
      this.#settings = before;
      throw error;
    }
    this.#terms = termsOf(settings);
    this.#builder = new ContentsBuilder(this.#terms);
    this.#work = undefined;
    this.#applySoon(now);
  }

  /** Goes on with what is due. */
  poll(now: Millis): void {
    if (now >= this.#applyAt) this.#apply(now);
    this.#tcp.poll(now);
    if (this.#update !== undefined && this.#update.wakeAt <= now) this.#update.poll();
  }

  /** Closes everything; the second call does nothing. What the name server does not have yet it gets after the next start. */
  close(): void {
    this.#applyAt = NEVER;
    this.#update?.close();
    this.#update = undefined;
    for (const sockets of this.#sockets.values()) for (const socket of sockets) socket.close();
    this.#sockets.clear();
    this.#tcp.close();
  }

  #applySoon(now: Millis): void {
    // Begun with what was there: it is finished first.
    this.#again = this.#work !== undefined;
    this.#applyAt = Math.min(this.#applyAt, Math.max(now, this.#notBefore));
  }

  /** One slice of the work, the last one publishes. */
  #apply(now: Millis): void {
    const { clock } = this.#parts;
    const begun = clock.now();
    this.#work ??= this.#begin();
    const { done, value } = this.#work.next();
    if (!done) {
      this.#spent += clock.now() - begun;
      this.#applyAt = now;
      return;
    }
    this.#work = undefined;
    this.#authority.set(value, (previous) => nextSerial(previous, clock.wall() / 1000));
    this.#spent += clock.now() - begun;
    this.#notBefore = begun + Math.min(APPLY_LATEST, Math.max(APPLY_INTERVAL, this.#spent / APPLY_SHARE));
    this.#applyAt = this.#again ? this.#notBefore : NEVER;
    this.#update?.want(value);
  }

  #begin(): Generator<void, Contents> {
    this.#spent = 0;
    this.#again = false;
    const hosts = this.#unclaimable === undefined ? this.#hosts.map(withoutClaim) : this.#hosts;
    return this.#builder.building(hosts, this.#providers, this.#unclaimable);
  }

  #answer(request: Uint8Array, asker: Asker): readonly Uint8Array[] {
    const { messages, why } = this.#authority.answer(request, asker, this.#parts.clock.now());
    this.#counters.count(why);
    return messages;
  }

  async #listen(wanted: readonly Endpoint[]): Promise<void> {
    const keys = new Set(wanted.map(showEndpoint));
    for (const [key, sockets] of this.#sockets) {
      if (keys.has(key)) continue;
      for (const socket of sockets) socket.close();
      this.#sockets.delete(key);
    }
    for (const endpoint of wanted) {
      const key = showEndpoint(endpoint);
      if (this.#sockets.has(key)) continue;
      const sockets: { close(): void }[] = [];
      this.#sockets.set(key, sockets);
      const address = parseAddress(endpoint.host);
      if (address === undefined) throw new PortError("failed", `zone.listen: not an IPv6 address: ${endpoint.host}`);
      try {
        sockets.push(await this.#openUdp(address, endpoint.port));
        sockets.push(await this.#parts.tcp.listen(address, endpoint.port, (connection) => this.#accept(connection)));
      } catch (error) {
        for (const socket of sockets) socket.close();
        this.#sockets.delete(key);
        throw new PortError(
          error instanceof PortError ? error.code : "failed",
          `zone.listen: no DNS at ${key}: ${error instanceof Error ? error.message : String(error)}`,
          error,
        );
      }
    }
  }

  #accept(connection: Parameters<ZoneTcp["accept"]>[0]): ReturnType<ZoneTcp["accept"]> {
    const handlers = this.#tcp.accept(connection);
    this.#parts.woken();
    return handlers;
  }

  async #openUdp(address: Address, port: number): Promise<{ close(): void }> {
    const socket = await this.#parts.udp.open(
      { address, port },
      {
        receive: (octets, from, to) => {
          for (const message of this.#answer(octets, { transport: "udp", address: from.address })) socket.send(message, from, to);
        },
      },
    );
    return socket;
  }

  #openUpdate(): ZoneUpdate | undefined {
    const { ulidPrefix, ulidType, zone } = this.#settings;
    if (zone.update === undefined) return undefined;
    const { crypto, tcp, clock, entropy, log, woken } = this.#parts;
    return new ZoneUpdate(
      zone.update,
      { key: this.#readKey(zone.update.key), crypto, ulidPrefix, ulidType },
      {
        tcp,
        clock,
        entropy,
        log,
        count: (name, by) => this.#counters.count(name, by),
        foreign: (labels) => this.#learnForeign(labels),
        woken,
      },
    );
  }

  #readKey(key: NonNullable<ZoneSettings["update"]>["key"]): TsigKey | undefined {
    if (key === undefined) return undefined;
    const { name, algorithm, file } = key;
    const { files, log } = this.#parts;
    const text = files.readText(file);
    if (text === undefined)
      throw new PortError("missing", `zone.update.key: there is no file ${file}; make it with \`tsig-keygen -a ${algorithm} ${name}\``);
    const secret = tsigSecret(text);
    if (secret === undefined)
      throw new PortError("corrupt", `zone.update.key: no secret in ${file}; it must hold at least 16 octets in base64`);
    if (((files.mode(file) ?? 0) & OTHERS) !== 0) log.warn("others can read the key of the name server: set mode 0600", { file });
    return { name: dnsName(name), algorithm, secret };
  }

  #learnForeign(labels: ReadonlySet<string> | undefined): void {
    const before = this.#unclaimable;
    const same = before === labels || (before?.size === labels?.size && [...(labels ?? [])].every((label) => before?.has(label)));
    this.#unclaimable = labels;
    if (same || !this.#hosts.some(({ claimed }) => claimed)) return;
    this.#applySoon(this.#parts.clock.now());
    this.#parts.woken();
  }
}

function termsOf({ zone, ulidPrefix, ulidType, setOf }: PublisherSettings): ZoneTerms {
  return { ...zoneTerms(zone, ulidPrefix, ulidType), setOf };
}

function withoutClaim(host: ZoneHost): ZoneHost {
  return host.claimed ? { name: undefined, ulid: host.ulid } : host;
}

function showEndpoint({ host, port }: Endpoint): string {
  return `[${host}]:${port}`;
}
