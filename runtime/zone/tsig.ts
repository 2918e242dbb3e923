/**
 * Signatures of DNS messages with a shared secret (RFC 8945): requests signed, answers checked, those of several messages (zone transfers) too.
 *
 *     NAME key │ TYPE 250 │ CLASS ANY │ TTL 0 │ RDLENGTH │ algorithm │ time 48 │ fudge 16 │ MAC size 16 │ MAC │ original id 16 │ error 16 │ other len 16 │ other
 */
import { type CryptoPort, HMAC_OCTETS, type HmacAlgorithm } from "../port/crypto.ts";
import { concat, putU16, putU32, putU48, u16, u48 } from "../value/bytes.ts";
import { Reject, reject } from "../value/reject.ts";
import { CLASS_ANY, type DnsName, type DnsRecord, TYPE_TSIG } from "../wire/dns.ts";
import { canonicalName, dnsName, nameOctets, readName, sameName } from "../wire/dns-name.ts";
import { lastRecordAt } from "../wire/dns-parse.ts";

/** A secret that box and name server share. */
export interface TsigKey {
  readonly name: DnsName;
  readonly algorithm: "hmac-sha256" | "hmac-sha384" | "hmac-sha512";
  /** Never logged. */
  readonly secret: Uint8Array;
}

/** Extended RCODEs in the error field (RFC 8945 §3). */
export const TSIG_BADSIG = 16;
export const TSIG_BADKEY = 17;
export const TSIG_BADTIME = 18;
export const TSIG_BADTRUNC = 22;
/** Seconds by which clocks may differ (RFC 8945 §10). */
export const TSIG_FUDGE = 300;
/** Messages without a signature between two that have one (RFC 8945 §5.3.1). */
export const TSIG_UNSIGNED_MOST = 99;
/** A truncated MAC has at least so many octets, and half of the hash (RFC 8945 §5.2.2.1). */
const TSIG_MAC_LEAST = 10;
const TIMERS_OCTETS = 8;

/** The fields of a TSIG record. */
export interface Tsig {
  readonly algorithm: DnsName;
  /** Seconds since 1970-01-01 UTC. */
  readonly time: number;
  readonly fudge: number;
  readonly mac: Uint8Array;
  readonly originalId: number;
  readonly error: number;
  readonly other: Uint8Array;
}

/** Reads the RDATA of a TSIG record (RFC 8945 §4.2). @returns its fields, MAC and other data views on `data`, or a {@link Reject}: `bad-tsig` */
export function parseTsig(data: Uint8Array): Tsig | Reject {
  const name = readName(data, 0, false);
  if (name instanceof Reject || data.length < name.end + 10) return reject("bad-tsig");
  const at = name.end;
  const macEnd = at + 10 + u16(data, at + 8);
  if (data.length < macEnd + 6 || data.length !== macEnd + 6 + u16(data, macEnd + 4)) return reject("bad-tsig", at);
  return {
    algorithm: name.name,
    time: u48(data, at),
    fudge: u16(data, at + 6),
    mac: data.subarray(at + 10, macEnd),
    originalId: u16(data, macEnd),
    error: u16(data, macEnd + 2),
    other: data.subarray(macEnd + 6),
  };
}

/** RDATA of a TSIG record (RFC 8945 §4.2). */
export function emitTsig({ algorithm, time, fudge, mac, originalId, error, other }: Tsig): Uint8Array {
  const tail = new Uint8Array(6);
  putU16(tail, 0, originalId);
  putU16(tail, 2, error);
  putU16(tail, 4, other.length);
  const size = new Uint8Array(2);
  putU16(size, 0, mac.length);
  return concat(nameOctets(algorithm), timers(time, fudge), size, mac, tail, other);
}

/** `message` with a TSIG record of `data` behind it, in a new array. */
export function appendTsig(message: Uint8Array, name: DnsName, data: Uint8Array): Uint8Array {
  const head = new Uint8Array(10);
  putU16(head, 0, TYPE_TSIG);
  putU16(head, 2, CLASS_ANY);
  putU16(head, 8, data.length);
  const signed = concat(message, nameOctets(name), head, data);
  putU16(signed, 10, u16(message, 10) + 1);
  return signed;
}

/** A signed request, and what its answer is checked with. */
export interface SignedRequest {
  readonly octets: Uint8Array;
  readonly mac: Uint8Array;
}

/** Signs `message` (RFC 8945 §5.1). @param seconds since 1970-01-01 UTC */
export function signRequest(message: Uint8Array, key: TsigKey, seconds: number, crypto: Pick<CryptoPort, "hmac">): SignedRequest {
  const tsig: Tsig = {
    algorithm: dnsName(key.algorithm),
    time: Math.floor(seconds),
    fudge: TSIG_FUDGE,
    mac: new Uint8Array(0),
    originalId: u16(message, 0),
    error: 0,
    other: new Uint8Array(0),
  };
  const mac = crypto.hmac(hashOf(key), key.secret, concat(message, variables(key, tsig)));
  return { octets: appendTsig(message, key.name, emitTsig({ ...tsig, mac })), mac };
}

/** What one message of an answer is worth. */
export type TsigVerdict =
  /** It is genuine; `message` is it without the TSIG record. All messages before it that were `later` are genuine too. */
  | { readonly kind: "good"; readonly message: Uint8Array }
  /** Without a signature, as messages inside a transfer may be: the next signed one tells. */
  | { readonly kind: "later"; readonly message: Uint8Array }
  /** The server says why it does not take the request. Not `proved`: anybody could have said so. */
  | { readonly kind: "refused"; readonly error: number; readonly proved: boolean; readonly serverTime: number | undefined }
  /** To be discarded (RFC 8945 §5.4). */
  | { readonly kind: "bad"; readonly why: "unsigned" | "key" | "format" | "mac" | "time" };

/** Checks the answer to one signed request, message by message (RFC 8945 §5.3, §5.3.1, §5.4). */
export class TsigAnswer {
  readonly #key: TsigKey;
  readonly #crypto: Pick<CryptoPort, "hmac" | "equal">;
  /** The request's MAC, then that of the last signed message. */
  #prior: Uint8Array;
  #first = true;
  #unsigned: Uint8Array[] = [];

  constructor(key: TsigKey, requestMac: Uint8Array, crypto: Pick<CryptoPort, "hmac" | "equal">) {
    this.#key = key;
    this.#prior = requestMac;
    this.#crypto = crypto;
  }

  /** Whether the last message had a signature, as the last one of an answer must. */
  get complete(): boolean {
    return !this.#first && this.#unsigned.length === 0;
  }

  /**
   * Checks the next message. After `bad` or `refused` nothing more can be checked.
   * @param record the last record of its additional section, if there is one
   * @param seconds since 1970-01-01 UTC
   */
  take(octets: Uint8Array, record: DnsRecord | undefined, seconds: number): TsigVerdict {
    if (record?.type !== TYPE_TSIG) return this.#takeUnsigned(octets);
    const at = lastRecordAt(octets);
    const tsig = parseTsig(record.data);
    if (at === undefined || tsig instanceof Reject || record.class !== CLASS_ANY || record.ttl !== 0) return { kind: "bad", why: "format" };
    const serverTime = tsig.other.length === 6 ? u48(tsig.other, 0) : undefined;
    if (tsig.mac.length === 0 && (tsig.error === TSIG_BADKEY || tsig.error === TSIG_BADSIG))
      return { kind: "refused", error: tsig.error, proved: false, serverTime };
    const { algorithm, name } = this.#key;
    if (!sameName(record.name, name) || !sameName(tsig.algorithm, dnsName(algorithm))) return { kind: "bad", why: "key" };
    const whole = HMAC_OCTETS[hashOf(this.#key)];
    if (tsig.mac.length > whole || tsig.mac.length < Math.max(TSIG_MAC_LEAST, whole / 2)) return { kind: "bad", why: "format" };

    const message = octets.slice(0, at);
    putU16(message, 10, u16(message, 10) - 1);
    const original = message.slice();
    putU16(original, 0, tsig.originalId);
    const mac = this.#crypto.hmac(hashOf(this.#key), this.#key.secret, this.#digested(original, tsig));
    if (!this.#crypto.equal(mac.subarray(0, tsig.mac.length), tsig.mac)) return { kind: "bad", why: "mac" };
    this.#prior = tsig.mac.slice();
    this.#first = false;
    this.#unsigned = [];
    if (tsig.error !== 0) return { kind: "refused", error: tsig.error, proved: true, serverTime };
    if (Math.abs(seconds - tsig.time) > tsig.fudge) return { kind: "bad", why: "time" };
    return { kind: "good", message };
  }

  #takeUnsigned(octets: Uint8Array): TsigVerdict {
    if (this.#first || this.#unsigned.length >= TSIG_UNSIGNED_MOST) return { kind: "bad", why: "unsigned" };
    this.#unsigned.push(octets.slice());
    return { kind: "later", message: octets };
  }

  /** What the MAC of the message is over (RFC 8945 §5.3, §5.3.1). */
  #digested(message: Uint8Array, tsig: Tsig): Uint8Array {
    const size = new Uint8Array(2);
    putU16(size, 0, this.#prior.length);
    const tail = this.#first ? variables(this.#key, tsig) : timers(tsig.time, tsig.fudge);
    return concat(size, this.#prior, ...this.#unsigned, message, tail);
  }
}

/** RFC 8945 §4.3.3. */
function variables(key: TsigKey, { time, fudge, error, other }: Tsig): Uint8Array {
  const classAndTtl = new Uint8Array(6);
  putU16(classAndTtl, 0, CLASS_ANY);
  putU32(classAndTtl, 2, 0);
  const tail = new Uint8Array(4);
  putU16(tail, 0, error);
  putU16(tail, 2, other.length);
  return concat(nameOctets(canonicalName(key.name)), classAndTtl, nameOctets(dnsName(key.algorithm)), timers(time, fudge), tail, other);
}

/** RFC 8945 §4.3.3.1. */
function timers(time: number, fudge: number): Uint8Array {
  const octets = new Uint8Array(TIMERS_OCTETS);
  putU48(octets, 0, time);
  putU16(octets, 6, fudge);
  return octets;
}

function hashOf({ algorithm }: TsigKey): HmacAlgorithm {
  return algorithm === "hmac-sha256" ? "sha256" : algorithm === "hmac-sha384" ? "sha384" : "sha512";
}
