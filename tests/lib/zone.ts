/** Zones for tests, and a name server in memory that takes updates (RFC 2136 §3) and signs on its own (RFC 8945 §5.3). */
import { createHmac } from "node:crypto";
import { address, type Ulid } from "../../runtime/value/address.ts";
import { concat, hex, putU16, putU48, u16 } from "../../runtime/value/bytes.ts";
import { prefix } from "../../runtime/value/prefix.ts";
import { Reject } from "../../runtime/value/reject.ts";
import {
  CLASS_ANY,
  CLASS_IN,
  CLASS_NONE,
  type DnsMessage,
  type DnsName,
  type DnsRecord,
  OPCODE_QUERY,
  OPCODE_UPDATE,
  RCODE_NOERROR,
  RCODE_NOTAUTH,
  RCODE_REFUSED,
  RCODE_YXDOMAIN,
  TYPE_ANY,
  TYPE_AXFR,
  TYPE_SOA,
  TYPE_TSIG,
  TYPE_ULID_DEFAULT,
} from "../../runtime/wire/dns.ts";
import { emitDns } from "../../runtime/wire/dns-emit.ts";
import { dnsName, isBelow, nameOctets } from "../../runtime/wire/dns-name.ts";
import { lastRecordAt, parseDns } from "../../runtime/wire/dns-parse.ts";
import { emitSoa } from "../../runtime/wire/dns-rdata.ts";
import type { ZoneProvider, ZoneTerms } from "../../runtime/zone/contents.ts";
import type { ZoneHost } from "../../runtime/zone/owners.ts";
import { zoneTerms } from "../../runtime/zone/terms.ts";
import type { TsigKey } from "../../runtime/zone/tsig.ts";

export const ORIGIN = dnsName("alpha.example");
export const REVERSE = dnsName("1.0.0.0.a.a.a.a.0.0.c.f.ip6.arpa");
export const ULID_TYPE = TYPE_ULID_DEFAULT;
export const ISP1: ZoneProvider = { prefix: prefix("2001:db8:a1::/48"), usable: true };
export const ISP2: ZoneProvider = { prefix: prefix("2001:db8:a2::/48"), usable: true };
export const KEY: TsigKey = {
  name: dnsName("box.alpha.example"),
  algorithm: "hmac-sha256",
  secret: new TextEncoder().encode("0123456789abcdef0123456789abcdef"),
};

/** The terms of the lab's site alpha. */
export function alphaTerms(change: Partial<ZoneTerms> = {}): ZoneTerms {
  const wishes = {
    name: "alpha.example",
    reverse: true,
    ttl: 300,
    servers: ["ns.alpha.example"],
    contact: "hostmaster.alpha.example",
    listen: [{ host: "2001:db8:f1::2" }],
    update: undefined,
  };
  return { ...zoneTerms(wishes, prefix("fc00:aaaa:1::/48"), ULID_TYPE), ...change };
}

/** Host number `n` of site alpha. */
export function ulidOf(n: number): Ulid {
  return address(`fc00:aaaa:1::${n.toString(16)}`);
}

/** A host of site alpha. */
export function hostOf(n: number, name?: string, claimed = false): ZoneHost {
  return { name, ulid: ulidOf(n), claimed };
}

/** A request with one question. */
export function requestOf(name: string, type: number, change: Partial<DnsMessage> = {}): DnsMessage {
  return {
    id: 0x1234,
    response: false,
    opcode: OPCODE_QUERY,
    authoritative: false,
    truncated: false,
    recursionDesired: false,
    recursionAvailable: false,
    authenticData: false,
    checkingDisabled: false,
    rcode: RCODE_NOERROR,
    questions: [{ name: dnsName(name), type, class: CLASS_IN }],
    answers: [],
    authority: [],
    additional: [],
    edns: undefined,
    ...change,
  };
}

/** Reads octets that must be a message. */
export function read(octets: Uint8Array): DnsMessage {
  const message = parseDns(octets);
  if (message instanceof Reject) throw new Error(`not a message: ${message.why} at ${message.at}: ${hex(octets)}`);
  return message;
}

/** `name type data` of each record, sorted. */
export function shown(records: readonly DnsRecord[]): string[] {
  return records.map(({ name, type, data }) => `${name} ${type} ${hex(data)}`).sort();
}

/** A primary name server for some zones. */
export class ModelServer {
  /** Records without SOA, by zone. */
  readonly zones = new Map<string, DnsRecord[]>();
  /** Whether it hands out its zones. */
  shows = true;
  /** Records in one message of a transfer. */
  transferRecords = 3;
  /** Only each so-many-th message of a transfer is signed, and the last. */
  signEach = 1;
  updates = 0;
  readonly #key: TsigKey | undefined;

  constructor(key: TsigKey | undefined, ...origins: readonly DnsName[]) {
    this.#key = key;
    for (const origin of origins) this.zones.set(origin, []);
  }

  /** What one request is answered. @param seconds the server's calendar */
  answer(octets: Uint8Array, seconds: number): Uint8Array[] {
    const request = read(octets);
    const signature = request.additional.at(-1);
    if (this.#key === undefined) return this.#handle(request).map((message) => emitDns(message));
    if (signature?.type !== TYPE_TSIG) return [emitDns({ ...request, response: true, rcode: RCODE_REFUSED })];
    const at = lastRecordAt(octets) ?? 0;
    const mac = macIn(signature.data);
    const plain = octets.slice(0, at);
    putU16(plain, 10, u16(plain, 10) - 1);
    if (hex(macOf(this.#key, plain, signature.data)) !== hex(mac)) {
      const error = errorData(signature.data, 16);
      return [
        emitDns({
          ...request,
          response: true,
          rcode: RCODE_NOTAUTH,
          answers: [],
          authority: [],
          additional: [{ ...signature, data: error }],
        }),
      ];
    }
    return this.#sign(this.#handle(request), mac, seconds);
  }

  #sign(messages: readonly DnsMessage[], requestMac: Uint8Array, seconds: number): Uint8Array[] {
    const key = this.#key as TsigKey;
    let prior = requestMac;
    let unsigned: Uint8Array[] = [];
    return messages.map((message, index) => {
      const plain = emitDns(message);
      if (index > 0 && index < messages.length - 1 && index % this.signEach !== 0) {
        unsigned.push(plain);
        return plain;
      }
      const times = new Uint8Array(8);
      putU48(times, 0, Math.floor(seconds));
      putU16(times, 6, 300);
      const tail =
        index === 0
          ? concat(nameOctets(key.name), Uint8Array.of(0, 255, 0, 0, 0, 0), nameOctets(dnsName(key.algorithm)), times, new Uint8Array(4))
          : times;
      const mac = hmac(key, concat(Uint8Array.of(0, prior.length), prior, ...unsigned, plain, tail));
      prior = mac;
      unsigned = [];
      const id = plain.slice(0, 2);
      const data = concat(nameOctets(dnsName(key.algorithm)), times, Uint8Array.of(0, mac.length), mac, id, new Uint8Array(4));
      const record = concat(nameOctets(key.name), Uint8Array.of(0, 250, 0, 255, 0, 0, 0, 0, 0, data.length), data);
      const signed = concat(plain, record);
      putU16(signed, 10, u16(plain, 10) + 1);
      return signed;
    });
  }

  #handle(request: DnsMessage): DnsMessage[] {
    const [{ name, type }] = request.questions;
    const response = { ...request, response: true, answers: [], authority: [], additional: [] };
    const records = this.zones.get(name);
    if (records === undefined) return [{ ...response, rcode: RCODE_NOTAUTH }];
    if (request.opcode === OPCODE_UPDATE) return [{ ...response, rcode: this.#update(name, records, request) }];
    if (type !== TYPE_AXFR || !this.shows) return [{ ...response, rcode: RCODE_REFUSED }];
    const soa: DnsRecord = {
      name,
      type: TYPE_SOA,
      class: CLASS_IN,
      ttl: 1,
      data: emitSoa({ primary: name, contact: name, serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 1 }),
    };
    const all = [soa, ...records, soa];
    const messages: DnsMessage[] = [];
    for (let at = 0; at < all.length; at += this.transferRecords)
      messages.push({ ...response, answers: all.slice(at, at + this.transferRecords) });
    return messages;
  }

  /** RFC 2136 §3.2, §3.4. */
  #update(zone: DnsName, records: DnsRecord[], { answers, authority }: DnsMessage): number {
    this.updates++;
    for (const { name, type, class: klass } of answers) {
      const at = records.filter((record) => record.name === name);
      const held = type === TYPE_ANY ? at.length > 0 : at.some((record) => record.type === type);
      if (klass === CLASS_NONE && held) return type === TYPE_ANY ? RCODE_YXDOMAIN : 7;
      if (klass === CLASS_ANY && !held) return type === TYPE_ANY ? 3 : 8;
    }
    if (authority.some(({ name }) => !isBelow(name, zone))) return 10;
    let left = records;
    for (const change of authority) {
      const same = (record: DnsRecord) => record.name === change.name && record.type === change.type;
      const equal = (record: DnsRecord) => same(record) && hex(record.data) === hex(change.data);
      if (change.class === CLASS_ANY) left = left.filter((record) => !same(record));
      else if (change.class === CLASS_NONE) left = left.filter((record) => !equal(record));
      else left = [...left.filter((record) => !equal(record)), change];
    }
    this.zones.set(zone, left);
    return RCODE_NOERROR;
  }
}

function hmac(key: TsigKey, octets: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac(key.algorithm.slice(5), key.secret).update(octets).digest());
}

/** RFC 8945 §4.3.3, written down a second time. */
function macOf(key: TsigKey, plain: Uint8Array, data: Uint8Array): Uint8Array {
  const algorithm = nameOctets(dnsName(key.algorithm));
  const timers = data.subarray(algorithm.length, algorithm.length + 8);
  return hmac(key, concat(plain, nameOctets(key.name), Uint8Array.of(0, 255, 0, 0, 0, 0), algorithm, timers, new Uint8Array(4)));
}

function macIn(data: Uint8Array): Uint8Array {
  const at = data.indexOf(0) + 1 + 8;
  return data.slice(at + 2, at + 2 + u16(data, at));
}

function errorData(data: Uint8Array, error: number): Uint8Array {
  const at = data.indexOf(0) + 1 + 8;
  return concat(
    data.subarray(0, at),
    new Uint8Array(2),
    data.subarray(at + 2 + u16(data, at), at + 4 + u16(data, at)),
    Uint8Array.of(0, error, 0, 0),
  );
}
