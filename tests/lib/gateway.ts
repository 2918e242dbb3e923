/** A DNS gateway on virtual time before an upstream that knows some records. */

import type { GatewayEffect, GatewaySettings, Local } from "../../runtime/dns/contract.ts";
import { Gateway } from "../../runtime/dns/gateway.ts";
import { type Address, address } from "../../runtime/value/address.ts";
import { prefix } from "../../runtime/value/prefix.ts";
import { Reject } from "../../runtime/value/reject.ts";
import {
  type DnsMessage,
  type DnsName,
  type DnsRecord,
  dnsName,
  emitDns,
  isBelow,
  moveName,
  nameOctets,
  nameOf,
  parentOf,
  parseDns,
  TYPE_ANY,
  TYPE_CNAME,
  TYPE_DNAME,
  TYPE_SOA,
  TYPE_ULID_DEFAULT,
} from "../../runtime/wire/index.ts";
import { NO_FLAGS, PLAIN_EDNS, queryFor, record } from "./dns.ts";

export const SETTINGS: GatewaySettings = {
  ulidType: TYPE_ULID_DEFAULT,
  generic: prefix("fc00::/7"),
  own: prefix("fc00:aaaa:1::/48"),
  providers: [prefix("2001:db8:a1::/48"), prefix("2001:db8:a2::/48")],
  announce: false,
  legacy: "pass",
  cache: 1000,
};
export const NO_LOCAL: Local = { find: () => undefined };
export const HOST: Address = address("fc00:aaaa:1::10");

type Effect = GatewayEffect<number>;
export type Fetch = Extract<Effect, { kind: "fetch" }>;

/** The site's own names out of records; the zones are where SOA records are. */
export function localOf(lines: readonly string[]): Local {
  const records = lines.map(record);
  const zones = records.filter(({ type }) => type === TYPE_SOA).map(({ name }) => name);
  return {
    find(name, type) {
      if (!zones.some((zone) => isBelow(name, zone))) return undefined;
      const here = records.filter((each) => each.name === name);
      return here.length === 0 ? "NXDOMAIN" : here.filter((each) => each.type === type);
    },
  };
}

/** What a resolver says that has all of `records`: aliases followed, an SOA record of `minimum` 300 where there is nothing. */
export function upstreamAnswer(records: readonly DnsRecord[], { name, type, dnssecOk, checkingDisabled }: Fetch): DnsMessage {
  const answers: DnsRecord[] = [];
  let cursor = name;
  for (let steps = 0; steps < 8; steps++) {
    const here = records.filter((each) => each.name === cursor);
    const found = here.filter((each) => each.type === type || type === TYPE_ANY);
    const alias = here.find((each) => each.type === TYPE_CNAME);
    const above = records.find((each) => each.type === TYPE_DNAME && each.name !== cursor && isBelow(cursor, each.name));
    answers.push(...found);
    if (found.length > 0) break;
    if (alias !== undefined) {
      answers.push(alias);
      cursor = nameOf(alias.data);
    } else if (above !== undefined) {
      const moved: DnsName | undefined = moveName(cursor, above.name, nameOf(above.data));
      if (moved === undefined) return { ...NO_FLAGS, response: true, rcode: 6, answers: [above] };
      answers.push(above, { ...above, name: cursor, type: TYPE_CNAME, data: nameOctets(moved) });
      cursor = moved;
    } else {
      const exists = records.some((each) => isBelow(each.name, cursor));
      const soa = { ...record("x 600 SOA 300"), name: parentOf(cursor) ?? cursor };
      return {
        ...NO_FLAGS,
        response: true,
        rcode: exists ? 0 : 3,
        answers,
        authority: [soa],
        edns: { ...PLAIN_EDNS, dnssecOk },
        checkingDisabled,
      };
    }
  }
  return { ...NO_FLAGS, response: true, answers, edns: { ...PLAIN_EDNS, dnssecOk }, checkingDisabled };
}

/** The gateway, what it did, and what upstream says. */
export class World {
  readonly gateway: Gateway<number>;
  now = 1_000_000;
  /** Everything that came out, `fetch` too. */
  readonly effects: Effect[] = [];
  readonly waiting: Fetch[] = [];
  records: readonly DnsRecord[];
  /** What upstream says instead; `"silence"` = the fetch fails, `"late"` = nothing until {@link release}. */
  twist: (fetch: Fetch, message: DnsMessage) => DnsMessage | "silence" | "late" = (_, message) => message;
  #nextClient = 1;

  constructor(lines: readonly string[] = [], settings: Partial<GatewaySettings> = {}, local: Local = NO_LOCAL) {
    this.records = lines.map(record);
    this.gateway = new Gateway<number>({ ...SETTINGS, ...settings }, local);
  }

  /** Asks and lets upstream answer at once. @returns the response, or `undefined` if there is none yet */
  ask(name: string, type: number, changes: Partial<DnsMessage> = {}, stream = false): DnsMessage | undefined {
    return this.send(emitDns(queryFor(name, type, changes)), stream);
  }

  send(octets: Uint8Array, stream = false, from: Address = HOST): DnsMessage | undefined {
    const client = this.#nextClient++;
    this.take(this.gateway.step({ kind: "query", client, from, octets, stream }, this.now));
    return this.responseTo(client);
  }

  locate(ulid: string): Extract<Effect, { kind: "located" }> | undefined {
    const before = this.effects.length;
    this.take(this.gateway.step({ kind: "locate", ulid: address(ulid) }, this.now));
    return this.effects.slice(before).find((effect) => effect.kind === "located");
  }

  /** Carries effects out, and those that come of it. */
  take(effects: readonly Effect[]): void {
    this.effects.push(...effects);
    for (const effect of effects) if (effect.kind === "fetch") this.#fetch(effect);
  }

  #fetch(fetch: Fetch): void {
    const said = this.twist(fetch, upstreamAnswer(this.records, fetch));
    if (said === "late") this.waiting.push(fetch);
    else this.say(fetch, said);
  }

  say(fetch: Fetch, said: DnsMessage | "silence"): void {
    if (said === "silence") this.take(this.gateway.step({ kind: "failed", fetch: fetch.id }, this.now));
    else this.take(this.gateway.step({ kind: "answer", fetch: fetch.id, message: said }, this.now));
  }

  /** Upstream answers what it has kept back. */
  release(): void {
    for (const fetch of this.waiting.splice(0)) this.say(fetch, upstreamAnswer(this.records, fetch));
  }

  /** Time goes on, with polls when they are due. */
  pass(millis: number): void {
    const end = this.now + millis;
    while (this.gateway.wakeAt <= end) {
      this.now = Math.max(this.now, this.gateway.wakeAt);
      this.take(this.gateway.step({ kind: "poll" }, this.now));
    }
    this.now = end;
  }

  responseTo(client: number): DnsMessage | undefined {
    const effect = this.effects.find((each) => each.kind === "respond" && each.client === client);
    if (effect?.kind !== "respond") return undefined;
    const message = parseDns(effect.octets);
    if (message instanceof Reject) throw new Error(`the gateway wrote ${message.why}`);
    return message;
  }

  of<K extends Effect["kind"]>(kind: K): Extract<Effect, { kind: K }>[] {
    return this.effects.filter((effect): effect is Extract<Effect, { kind: K }> => effect.kind === kind);
  }

  /** `name type` of every fetch since the start, in order. */
  get asked(): string[] {
    return this.of("fetch").map(({ name, type }) => `${name} ${type}`);
  }
}

/** Records as lines, for comparing: `name ttl type hex-or-name`. */
export function lines(records: readonly DnsRecord[] | undefined): string[] | undefined {
  return records?.map(
    ({ name, ttl, type, data }) => `${name} ${ttl} ${type} ${[...data].map((octet) => octet.toString(16).padStart(2, "0")).join("")}`,
  );
}

/** The same of text. */
export function linesOf(...texts: readonly string[]): string[] | undefined {
  return lines(texts.map(record));
}

export { dnsName };
