/**
 * The DNS service of a site's hosts (draft §4.2.2): requests over UDP and TCP to the gateway, the gateway's questions to resolvers, what it learns to the box.
 * What was answered before is answered by the UDP thread, or out of the same images for TCP.
 */
import type { Endpoint } from "../config/site.ts";
import { AnswerCache, type AnswerEntry } from "../dns/answers.ts";
import type { GatewayEffect, GatewayEvent, Local, TimedLocator } from "../dns/contract.ts";
import { Gateway } from "../dns/gateway.ts";
import { ASK_RANDOM, Upstream, type UpstreamEffect, type UpstreamEvent } from "../dns/upstream.ts";
import type { Entropy } from "../port/entropy.ts";
import type { TcpListener, TcpPort } from "../port/tcp.ts";
import type { UdpAnswers, UdpEnd, UdpPort, UdpSocket } from "../port/udp.ts";
import { type Address, address, parseAddress, type Ulid } from "../value/address.ts";
import { contains, prefix } from "../value/prefix.ts";
import { type Millis, NEVER } from "../value/time.ts";
import { type DnsName, TYPE_AAAA } from "../wire/dns.ts";
import { DNS_MESSAGE_LIMIT } from "../wire/dns-emit.ts";
import { ControlCounters } from "./counters.ts";
import { NamesClients } from "./names-clients.ts";
import { addressQuestion, type Looked, readTold } from "./names-look.ts";
import { answerLimits, gatewaySettings, type NameSite } from "./names-settings.ts";
import { type NamesStream, NamesTcp } from "./names-tcp.ts";
import { Attempts } from "./names-upstream.ts";

/** What the service works with. */
export interface NameParts {
  readonly now: () => Millis;
  readonly entropy: Entropy;
  readonly udp: UdpPort;
  readonly tcp: TcpPort;
  /** Addresses of names without a ULID that a rule of `policy` is about; absent = nobody wants to hear of them. */
  readonly passed?: (addresses: readonly Address[], names: readonly DnsName[], until: Millis) => void;
  /** Locators of a ULID of another site, with the names they were found under. Never empty. */
  readonly learn: (ulid: Ulid, locators: readonly TimedLocator[], names: readonly DnsName[], until: Millis) => void;
  /** The host was told of `ulid` and will send there soon; where the settings ask for it. */
  readonly asked: (host: Address, ulid: Ulid) => void;
  /** Called when {@link NameService.wakeAt} may be earlier than it was; not from inside a call. */
  readonly woken: () => void;
}

/** What the reverse tree says of a ULID (draft §4.2.1, §10). */
export interface Located {
  /** Those that forward and reverse tree agree on. */
  readonly locators: readonly TimedLocator[];
  readonly names: readonly DnsName[];
  /** Nobody could say. */
  readonly failed: boolean;
}

/** Chosen: finished answers are forgotten no more often than this when the site's names change. */
const FORGET_INTERVAL: Millis = 1_000;
/** Chosen: ULIDs looked for at a time. */
const LOCATES_MOST = 1_024;
/** The box's own programs. */
const LOOPBACK = prefix("::1/128");
const LINK_LOCAL = prefix("fe80::/10");

/** Who asked, so that the answer finds back. */
type Asker =
  | { readonly host: Address; readonly socket: UdpSocket; readonly from: UdpEnd; readonly to: UdpEnd }
  | { readonly host: Address; readonly stream: NamesStream }
  /** Nobody outside: the box itself wants to see the answer. */
  | { readonly host: Address; readonly told: (octets: Uint8Array) => void };

/** No names of our own. */
const NO_NAMES: Local = { find: () => undefined };

/** The service. Nothing is open before {@link start}. */
export class NameService {
  readonly #parts: NameParts;
  readonly #gateway: Gateway<Asker>;
  readonly #upstream: Upstream;
  readonly #attempts: Attempts;
  readonly #tcp: NamesTcp;
  readonly #clients = new NamesClients();
  readonly #counters = new ControlCounters();
  readonly #finished: AnswerCache;
  readonly #streamOut = new Uint8Array(DNS_MESSAGE_LIMIT);
  readonly #listening = new Map<string, { socket: UdpSocket; listener: TcpListener }>();
  readonly #locating = new Map<Ulid, ((found: Located) => void)[]>();
  #site: NameSite;
  #local: Local = NO_NAMES;
  #answers: UdpAnswers | undefined;
  /** Questions to resolvers so far. */
  #fetches = 0;
  #forgetAt: Millis = NEVER;
  #forgotAt: Millis = 0;
  #depth = 0;
  #closed = false;

  constructor(site: NameSite, parts: NameParts) {
    this.#site = site;
    this.#parts = parts;
    this.#gateway = new Gateway(gatewaySettings(site), NO_NAMES);
    this.#upstream = new Upstream(site.dns);
    this.#finished = new AnswerCache(answerLimits(site.dns));
    this.#attempts = new Attempts({ udp: parts.udp, tcp: parts.tcp, happened: (event) => this.#enter(() => this.#ask(event)) });
    this.#tcp = new NamesTcp({
      now: parts.now,
      request: (octets, stream) => this.#overTcp(octets, stream),
      count: (name) => this.#counters.count(name),
    });
  }

  /** Listens at `dns.listen`. @throws {PortError} with a sentence for the operator; then nothing is open */
  async start(): Promise<void> {
    const { udp } = this.#parts;
    try {
      this.#answers = await udp.openAnswers({ ...answerLimits(this.#site.dns), clients: [this.#site.ulid.prefix, LOOPBACK] });
      for (const endpoint of this.#site.dns.listen) await this.#listen(endpoint);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** The site's own names: what `find` says may change, then {@link localChanged} is called. */
  setLocal(local: Local): void {
    this.#local = local;
    this.#gateway.configure(gatewaySettings(this.#site), local);
    this.localChanged();
  }

  /** The site's own names have changed: what was answered of them is forgotten, within a second. */
  localChanged(): void {
    this.#forgetAt = Math.min(this.#forgetAt, Math.max(this.#parts.now(), this.#forgotAt + FORGET_INTERVAL));
    if (this.#forgetAt <= this.#parts.now()) this.#forget(this.#parts.now());
    this.#parts.woken();
  }

  /** Takes over other settings. @throws {PortError} as {@link start} for addresses that are new; the others are open then */
  async configure(site: NameSite): Promise<void> {
    this.#site = site;
    this.#gateway.configure(gatewaySettings(site), this.#local);
    this.#upstream.configure(site.dns);
    this.#forget(this.#parts.now());
    const wanted = new Map(site.dns.listen.map((endpoint) => [keyOf(endpoint), endpoint]));
    for (const [key, { socket, listener }] of this.#listening) {
      if (wanted.has(key)) continue;
      this.#listening.delete(key);
      socket.close();
      listener.close();
    }
    for (const [key, endpoint] of wanted) if (!this.#listening.has(key)) await this.#listen(endpoint);
    this.#parts.woken();
  }

  /**
   * Looks for the locators of `ulid` in the reverse tree and calls `then` once, never before it returns.
   * @returns `false` when too much is looked for already, or the settings forbid it: `then` is not called
   */
  locate(ulid: Ulid, then: (found: Located) => void): boolean {
    if (this.#closed || !this.#site.dns.reverse) return false;
    const waiting = this.#locating.get(ulid);
    if (waiting !== undefined) {
      waiting.push(then);
      return true;
    }
    if (this.#locating.size >= LOCATES_MOST) return false;
    this.#locating.set(ulid, [then]);
    queueMicrotask(() => this.#enter(() => this.#hand({ kind: "locate", ulid })));
    return true;
  }

  /** Asks for the addresses of `name` as a host would, and calls `then` once, perhaps before it returns; within ten seconds. */
  look(name: DnsName, then: (told: Looked) => void): void {
    const isOurs = this.#local.find(name, TYPE_AAAA) !== undefined;
    let fetches = this.#fetches;
    const told = (octets: Uint8Array): void => then(readTold(octets, isOurs ? "zone" : fetches === this.#fetches ? "memory" : "resolver"));
    const host = LOOPBACK.base;
    this.#enter(() => this.#hand({ kind: "query", client: { host, told }, from: host, octets: addressQuestion(name), stream: true }));
    fetches = -1;
  }

  /** When {@link poll} has something to do. */
  get wakeAt(): Millis {
    return Math.min(this.#gateway.wakeAt, this.#upstream.wakeAt, this.#tcp.wakeAt, this.#forgetAt);
  }

  /** All that is due. */
  poll(now: Millis): void {
    if (this.#closed) return;
    if (this.#forgetAt <= now) this.#forget(now);
    this.#tcp.poll(now);
    this.#depth++;
    if (this.#upstream.wakeAt <= now) this.#ask({ kind: "poll" });
    if (this.#gateway.wakeAt <= now) this.#hand({ kind: "poll" });
    this.#depth--;
  }

  /** Counters of the service and of its sockets, by name. */
  *counters(): Iterable<readonly [string, number]> {
    yield* this.#counters.entries();
    for (const { socket } of this.#listening.values()) yield* socket.totals();
    if (this.#answers !== undefined) yield* this.#answers.totals();
  }

  /** What is going on; all zero but `kept` when nobody asks. */
  totals(): ReturnType<Gateway<unknown>["totals"]> & { readonly attempts: number; readonly streams: number } {
    return { ...this.#gateway.totals(), attempts: this.#upstream.totals().attempts, streams: this.#tcp.size };
  }

  /** Closes everything; who waits hears nothing more. The second call is the same. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { socket, listener } of this.#listening.values()) {
      socket.close();
      listener.close();
    }
    this.#listening.clear();
    this.#tcp.close();
    this.#attempts.close();
    this.#locating.clear();
    await this.#answers?.close();
  }

  async #listen(endpoint: Endpoint): Promise<void> {
    const host = address(endpoint.host);
    const onLink = contains(LINK_LOCAL, host);
    const lan = this.#site.lan.interface;
    const { udp, tcp } = this.#parts;
    const socket = await udp.open(
      {
        address: host,
        port: endpoint.port,
        ...(onLink ? { interface: lan } : {}),
        ...(this.#answers === undefined ? {} : { answers: this.#answers }),
      },
      { receive: (octets, from, to) => this.#enter(() => this.#overUdp(socket, octets, from, to, onLink)) },
    );
    try {
      const listener = await tcp.listen(onLink ? `${host}%${lan}` : host, endpoint.port, (connection) => {
        const remote = parseAddress(connection.remote.split("%")[0]);
        if (remote !== undefined && this.#isHost(remote, onLink)) return this.#tcp.accept(connection, remote);
        this.#counters.count("drop-stranger-dns");
        connection.close();
        return { data: ignore, drain: ignore, end: ignore, closed: ignore };
      });
      this.#listening.set(keyOf(endpoint), { socket, listener });
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /** Hosts of the site, the box itself, and neighbours where the LAN's own link is listened to. */
  #isHost(from: Address, onLink: boolean): boolean {
    return contains(this.#site.ulid.prefix, from) || contains(LOOPBACK, from) || (onLink && contains(LINK_LOCAL, from));
  }

  #overUdp(socket: UdpSocket, octets: Uint8Array, from: UdpEnd, to: UdpEnd, onLink: boolean): void {
    const { address: host } = from;
    if (!this.#isHost(host, onLink)) return this.#counters.count("drop-stranger-dns");
    this.#question({ host, socket, from, to }, octets, false);
  }

  #overTcp(octets: Uint8Array, stream: NamesStream): boolean {
    this.#counters.count("in-tcp-dns");
    const length = this.#finished.answer(octets, this.#parts.now(), this.#streamOut, true);
    if (length > 0) {
      stream.send(this.#streamOut.subarray(0, length));
      return true;
    }
    let taken = false;
    this.#enter(() => {
      taken = this.#question({ host: stream.remote, stream }, octets, true);
    });
    return taken;
  }

  /** @returns whether it will be answered */
  #question(client: Asker, octets: Uint8Array, stream: boolean): boolean {
    const why = this.#clients.ask(client.host, this.#parts.now());
    if (why !== undefined) {
      this.#counters.count(`drop-${why}`);
      return false;
    }
    const taken = this.#hand({ kind: "query", client, from: client.host, octets, stream });
    if (!taken) this.#clients.done(client.host);
    return taken;
  }

  /** One event of the outside; tells afterwards that there may be something to do. */
  #enter(run: () => void): void {
    if (this.#closed) return;
    this.#depth++;
    run();
    this.#depth--;
    if (this.#depth === 0) this.#parts.woken();
  }

  /** An event for the gateway. @returns `false` if it was dropped, for a query without any answer */
  #hand(event: GatewayEvent<Asker>): boolean {
    const effects = this.#gateway.step(event, this.#parts.now());
    for (const effect of effects) this.#carry(effect);
    return event.kind !== "query" || !(effects.length === 1 && effects[0].kind === "drop");
  }

  #ask(event: UpstreamEvent): void {
    for (const effect of this.#upstream.step(event, this.#parts.now())) this.#carryUpstream(effect);
  }

  #carry(effect: GatewayEffect<Asker>): void {
    const { learn, asked, entropy } = this.#parts;
    switch (effect.kind) {
      case "fetch":
        this.#fetches++;
        return this.#ask({ ...effect, kind: "ask", fetch: effect.id, random: entropy.bytes(ASK_RANDOM) });
      case "respond":
        return this.#respond(effect.client, effect.octets, effect.entry);
      case "learn":
        return learn(effect.ulid, effect.locators, effect.names, effect.until);
      case "passed":
        return this.#parts.passed?.(effect.addresses, effect.names, effect.until);
      case "asked":
        return asked(effect.from, effect.ulid);
      case "located":
        return this.#located(effect.ulid, effect);
      case "drop":
        return this.#counters.count(`drop-${effect.why}`);
    }
  }

  #carryUpstream(effect: UpstreamEffect): void {
    switch (effect.kind) {
      case "send-udp":
      case "send-tcp":
        this.#counters.count(effect.kind === "send-udp" ? "out-upstream-dns" : "out-upstream-tcp-dns");
        return this.#attempts.carry(effect);
      case "close":
        return this.#attempts.carry(effect);
      case "done":
        this.#hand({ kind: "answer", fetch: effect.fetch, message: effect.message });
        return;
      case "failed":
        this.#counters.count(`drop-${effect.why}-dns`);
        this.#hand({ kind: "failed", fetch: effect.fetch });
        return;
      case "drop":
        return this.#counters.count(`drop-${effect.why}`);
    }
  }

  #respond(client: Asker, octets: Uint8Array, entry: AnswerEntry | undefined): void {
    if ("told" in client) return client.told(octets);
    this.#clients.done(client.host);
    if (entry !== undefined) {
      this.#answers?.put(entry);
      this.#finished.put(entry);
    }
    if ("stream" in client) client.stream.send(octets);
    else client.socket.send(octets, client.from, client.to);
  }

  #located(ulid: Ulid, { locators, names, failed }: Located): void {
    const waiting = this.#locating.get(ulid) ?? [];
    this.#locating.delete(ulid);
    for (const then of waiting) then({ locators, names, failed });
  }

  #forget(now: Millis): void {
    this.#forgetAt = NEVER;
    this.#forgotAt = now;
    this.#finished.clear();
    this.#answers?.clear();
  }
}

const ignore = (): void => undefined;

function keyOf({ host, port }: Endpoint): string {
  return `${host}/${port}`;
}
