/** An updater and a name server in memory, on virtual time. */
import { createCrypto } from "../../adapters/common/crypto.ts";
import type { DnsRecord } from "../../runtime/wire/dns.ts";
import { type Contents, ContentsBuilder, type ZoneProvider } from "../../runtime/zone/contents.ts";
import type { ZoneHost } from "../../runtime/zone/owners.ts";
import { Updater, type UpdaterEffect } from "../../runtime/zone/updater.ts";
import { alphaTerms, KEY, ModelServer, ORIGIN, REVERSE, shown, ULID_TYPE } from "./zone.ts";

/** What becomes of one exchange: both ways go well, the request is lost, the answer is lost, or the answer is changed. */
export type Fate = "well" | "unsent" | "unanswered" | "refused" | "harmed";

const crypto = createCrypto();

/** The world of one updater. */
export class Updating {
  now = 0;
  /** Seconds by which the server's calendar is ahead. */
  ahead = 0;
  readonly server: ModelServer;
  readonly effects: UpdaterEffect[] = [];
  /** What becomes of the next exchanges; well, when there is none. */
  readonly fates: Fate[] = [];
  readonly terms;
  builder = new ContentsBuilder(alphaTerms());
  updater: Updater;
  contents: Contents = [];
  #random = 1;

  constructor(options: { readonly key?: typeof KEY | undefined; readonly serverKey?: typeof KEY | undefined } = {}) {
    const key = "key" in options ? options.key : KEY;
    this.terms = { key, crypto, ulidPrefix: alphaTerms().ulidPrefix, ulidType: ULID_TYPE };
    this.server = new ModelServer("serverKey" in options ? options.serverKey : key, ORIGIN, REVERSE);
    this.updater = new Updater(this.terms);
  }

  get wall(): number {
    return 1_800_000_000 + this.now / 1000;
  }

  /** As after kill -9: nothing is known any more. */
  restart(): void {
    this.updater = new Updater(this.terms);
    this.updater.want(this.contents, this.now);
  }

  want(hosts: readonly ZoneHost[], providers: readonly ZoneProvider[]): void {
    const foreign = this.foreign;
    this.contents = this.builder.build(
      foreign === undefined ? hosts.map((host) => (host.claimed ? { ...host, name: undefined } : host)) : hosts,
      providers,
      foreign,
    );
    this.updater.want(this.contents, this.now);
  }

  /** The labels that the updater told of last. */
  get foreign(): ReadonlySet<string> | undefined {
    const told = this.effects.filter((effect) => effect.kind === "foreign").at(-1);
    return told === undefined ? new Set() : told.labels;
  }

  /** Log lines, without what varies. */
  get told(): string[] {
    return this.effects.flatMap((effect) => (effect.kind === "tell" ? [`${effect.level} ${effect.fields.why ?? effect.message}`] : []));
  }

  /** Runs until `until`. @returns exchanges that were opened */
  run(until = this.now + 1): number {
    let exchanges = 0;
    for (let turns = 0; turns < 10_000; turns++) {
      const at = this.updater.wakeAt;
      if (at >= until) break;
      this.now = Math.max(this.now, at);
      this.#random = (this.#random * 1_103_515_245 + 12_345) >>> 0;
      exchanges += this.#apply(this.updater.poll({ now: this.now, seconds: this.wall }, this.#random));
    }
    this.now = Math.max(this.now, until);
    return exchanges;
  }

  /** Records that the server has in both zones and those that it should have. */
  get there(): string[] {
    return shown([...this.server.zones.values()].flat());
  }

  get wanted(): string[] {
    return shown(
      this.contents.flatMap(({ nodes }) =>
        [...nodes.values()].flatMap(({ ulid, records }): readonly DnsRecord[] => (ulid === undefined ? [] : records)),
      ),
    );
  }

  #apply(effects: readonly UpdaterEffect[]): number {
    this.effects.push(...effects);
    let exchanges = 0;
    for (const effect of effects) {
      if (effect.kind !== "open") continue;
      exchanges += 1 + this.#carry(effect.exchange, effect.octets);
    }
    return exchanges;
  }

  #carry(exchange: number, octets: Uint8Array): number {
    const fate = this.fates.shift() ?? "well";
    if (fate === "refused") return this.#apply(this.updater.lost(exchange, "it refuses the connection", this.now));
    if (fate === "unsent") return 0;
    const messages = this.server.answer(octets, this.wall + this.ahead);
    if (fate === "unanswered") return 0;
    let exchanges = 0;
    for (const message of messages) {
      const came = message.slice();
      if (fate === "harmed") came[came.length >> 1] ^= 0x10;
      exchanges += this.#apply(this.updater.answer(exchange, came, { now: this.now, seconds: this.wall }));
    }
    return exchanges;
  }
}
