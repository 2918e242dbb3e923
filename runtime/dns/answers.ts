/**
 * Finished answers as they go on the wire. What is asked again is answered by copying an image and patching what differs from asker to asker: no
 * message is read into objects or built. Used in the thread that reads the socket, and beside the gateway.
 */
import { putU32, u16, u32 } from "../value/bytes.ts";
import type { Millis } from "../value/time.ts";
import { CLASS_IN, TYPE_OPT } from "../wire/dns.ts";
import { DNS_UDP_LIMIT } from "../wire/dns-emit.ts";
import { LABEL_LIMIT, NAME_LIMIT } from "../wire/dns-name.ts";
import { DNS_HEADER_LENGTH, EDNS_DO, FLAG_AD, FLAG_CD, FLAG_RD, FLAG_TC } from "../wire/dns-parse.ts";

/** Requests that get different images. */
export const KIND_EDNS = 1;
export const KIND_DO = 2;
export const KIND_CD = 4;

/** The largest answer sent over UDP, and the size that we say we take: with its headers it fits the least MTU of IPv6 (RFC 8200 §5). */
export const UDP_PAYLOAD = 1232;

/** One finished answer. Structured-cloneable; nobody changes it once it is made. */
export interface AnswerEntry {
  /** The question's octets: name in lower case and not compressed, type, class. */
  readonly question: Uint8Array;
  /** {@link KIND_EDNS}, {@link KIND_DO} and {@link KIND_CD} of the requests that it answers. */
  readonly kind: number;
  /** The whole answer: spelt as `question`, RD set, AD as an asker who wants to know it gets it, and TTLs of the instant `bornAt`. */
  readonly image: Uint8Array;
  /** Octet of `image` where each TTL begins; the OPT record's is none. */
  readonly ttls: Uint16Array;
  /** Octet of `image` where the OPT record begins; the image's length without one. */
  readonly opt: number;
  readonly bornAt: Millis;
  /** Not given from this instant on: no TTL has run out before it. */
  readonly until: Millis;
}

/** How much is kept. */
export interface AnswerLimits {
  readonly entries: number;
  /** Of images and questions, together. */
  readonly octets: number;
}

/** Chosen: places of one set, searched one after the other; and the places for each entry allowed, so that sets seldom fill up. */
const WAYS = 8;
const PLACES_PER_ENTRY = 2;

const NO_RCODE_FLAGS = FLAG_RD | FLAG_AD | FLAG_CD;
/** An OPT record without options. */
const BARE_OPT = 11;
const MAX_REQUEST = 4096;

/** The table of finished answers: bounded sets of {@link WAYS}; who was not asked for since the hand last passed goes first. */
export class AnswerCache {
  readonly #limits: AnswerLimits;
  readonly #mask: number;
  readonly #hashes: Uint32Array;
  readonly #used: Uint8Array;
  readonly #entries: (AnswerEntry | undefined)[];
  #hand = 0;
  #size = 0;
  #octets = 0;

  constructor(limits: AnswerLimits) {
    let sets = 1;
    while (sets * WAYS < limits.entries * PLACES_PER_ENTRY) sets *= 2;
    this.#limits = limits;
    this.#mask = sets - 1;
    this.#hashes = new Uint32Array(sets * WAYS);
    this.#used = new Uint8Array(sets * WAYS);
    this.#entries = new Array<AnswerEntry | undefined>(sets * WAYS).fill(undefined);
  }

  /** Entries held, old ones too. */
  get size(): number {
    return this.#size;
  }

  /** Octets of them. */
  get octets(): number {
    return this.#octets;
  }

  /**
   * Writes the answer to `request` at the start of `out`, which has room for {@link UDP_PAYLOAD} octets, or 65,535 for `stream`. Allocates nothing.
   * An answer larger than the asker takes goes without its records, with TC. EDNS options do not matter.
   * @param now on the clock of the entries' `bornAt`
   * @param stream whether the request came over TCP, where any length may go
   * @returns octets written; 0 = not here, or not a plain request: ask the gateway
   */
  answer(request: Uint8Array, now: Millis, out: Uint8Array, stream = false): number {
    if (!isPlain(request)) return 0;
    const end = questionEnd(request);
    if (end === 0 || u16(request, end - 2) !== CLASS_IN) return 0;
    const edns = request[11] === 1;
    if (edns ? !isOpt(request, end) : request.length !== end) return 0;
    const kind = kindOf(request, edns ? end : 0);
    const entry = this.#find(request, end, hashOf(request, DNS_HEADER_LENGTH, end, kind), kind);
    if (entry === undefined || entry.until <= now) return 0;
    const limit = stream ? out.length : Math.min(UDP_PAYLOAD, Math.max(DNS_UDP_LIMIT, edns ? u16(request, end + 3) : 0));
    return entry.image.length <= limit ? give(entry, request, end, now, out) : giveCut(entry, request, end, out);
  }

  /** Keeps `entry`; one for the same requests goes. One that is too large for the table, or old already, is not taken. */
  put(entry: AnswerEntry): void {
    const weight = weightOf(entry);
    if (weight > this.#limits.octets || this.#limits.entries < 1 || entry.image.length > 0xffff) return;
    const { question, kind } = entry;
    const hash = hashOf(question, 0, question.length, kind);
    const place = this.#placeFor(entry, hash);
    this.#remove(place);
    while (this.#size >= this.#limits.entries || this.#octets + weight > this.#limits.octets) this.#turn();
    this.#entries[place] = entry;
    this.#hashes[place] = hash;
    this.#used[place] = 1;
    this.#size++;
    this.#octets += weight;
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries.fill(undefined);
    this.#size = 0;
    this.#octets = 0;
  }

  #find(request: Uint8Array, end: number, hash: number, kind: number): AnswerEntry | undefined {
    const first = (hash & this.#mask) * WAYS;
    for (let place = first; place < first + WAYS; place++) {
      if (this.#hashes[place] !== hash) continue;
      const entry = this.#entries[place];
      if (entry === undefined || entry.kind !== kind || !sameQuestion(entry.image, request, end)) continue;
      this.#used[place] = 1;
      return entry;
    }
    return undefined;
  }

  /** Where `entry` belongs: its old place, or a free one, or that of whoever of the set was not used, or ends first. */
  #placeFor({ question, kind }: AnswerEntry, hash: number): number {
    const first = (hash & this.#mask) * WAYS;
    let best = first;
    let bestScore = Number.POSITIVE_INFINITY;
    for (let place = first; place < first + WAYS; place++) {
      const other = this.#entries[place];
      if (other !== undefined && this.#hashes[place] === hash && other.kind === kind && sameOctets(other.question, question)) return place;
      const score = other === undefined ? -1 : this.#used[place] === 0 ? 0 : other.until;
      if (score >= bestScore) continue;
      best = place;
      bestScore = score;
    }
    return best;
  }

  /** The hand moves on to the next entry that was not used since it was there, which goes. */
  #turn(): void {
    for (;;) {
      this.#hand = (this.#hand + 1) % this.#entries.length;
      if (this.#entries[this.#hand] === undefined) continue;
      if (this.#used[this.#hand] === 0) return this.#remove(this.#hand);
      this.#used[this.#hand] = 0;
    }
  }

  #remove(place: number): void {
    const entry = this.#entries[place];
    if (entry === undefined) return;
    this.#entries[place] = undefined;
    this.#size--;
    this.#octets -= weightOf(entry);
  }
}

/** Octets that an entry counts for. */
function weightOf({ image, question, ttls }: AnswerEntry): number {
  return image.length + question.length + ttls.byteLength;
}

/** Opcode QUERY, one question, nothing else but perhaps one additional record; RD set, no flag that a request does not have. */
function isPlain(request: Uint8Array): boolean {
  if (request.length < DNS_HEADER_LENGTH + 5 || request.length > MAX_REQUEST) return false;
  const flags = u16(request, 2);
  if ((flags & ~NO_RCODE_FLAGS) !== 0 || (flags & FLAG_RD) === 0) return false;
  return u32(request, 4) === 0x0001_0000 && (u32(request, 8) & ~1) === 0;
}

/** The octet behind the question; 0 if it is not whole, or compressed. */
function questionEnd(request: Uint8Array): number {
  let at = DNS_HEADER_LENGTH;
  for (let size = request[at]; size !== 0; size = request[at]) {
    at += size + 1;
    if (size > LABEL_LIMIT || at >= request.length) return 0;
  }
  const end = at + 5;
  return end > request.length || at + 1 - DNS_HEADER_LENGTH > NAME_LIMIT ? 0 : end;
}

/** Whether an OPT record of version 0 with whole options is all that follows at `at`. */
function isOpt(request: Uint8Array, at: number): boolean {
  if (at + BARE_OPT > request.length || request[at] !== 0 || u16(request, at + 1) !== TYPE_OPT || request[at + 6] !== 0) return false;
  let next = at + BARE_OPT;
  if (next + u16(request, at + 9) !== request.length) return false;
  while (next + 4 <= request.length) next += 4 + u16(request, next + 2);
  return next === request.length;
}

/** @param opt where the OPT record is; 0 = nowhere */
function kindOf(request: Uint8Array, opt: number): number {
  const checking = (u16(request, 2) & FLAG_CD) === 0 ? 0 : KIND_CD;
  if (opt === 0) return checking;
  return checking | KIND_EDNS | ((u16(request, opt + 7) & EDNS_DO) === 0 ? 0 : KIND_DO);
}

/** FNV-1a over the octets `from` … `to` − 1 in lower case; length octets are below "A", types need only be the same each time. */
function hashOf(octets: Uint8Array, from: number, to: number, kind: number): number {
  let hash = 0x811c_9dc5 ^ kind;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ lower(octets[i]), 0x0100_0193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

function lower(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
}

/** Whether the question of `request`, which ends at `end`, is that of `image`, which has to be fetched from memory in any case. */
function sameQuestion(image: Uint8Array, request: Uint8Array, end: number): boolean {
  const type = end - 4;
  for (let i = DNS_HEADER_LENGTH; i < type; i++) if (image[i] !== lower(request[i])) return false;
  for (let i = type; i < end; i++) if (image[i] !== request[i]) return false;
  return true;
}

function sameOctets(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The header, and the question as it was spelt. AD is told to who asked for it (RFC 6840 §5.7). */
function head(entry: AnswerEntry, request: Uint8Array, end: number, out: Uint8Array): void {
  out[0] = request[0];
  out[1] = request[1];
  const wantsAd = (u16(request, 2) & FLAG_AD) !== 0 || (entry.kind & KIND_DO) !== 0;
  if (!wantsAd) out[3] &= ~FLAG_AD;
  for (let i = DNS_HEADER_LENGTH; i < end; i++) out[i] = request[i];
}

function give(entry: AnswerEntry, request: Uint8Array, end: number, now: Millis, out: Uint8Array): number {
  const { image, ttls, bornAt } = entry;
  out.set(image);
  head(entry, request, end, out);
  const age = Math.max(0, Math.floor((now - bornAt) / 1000));
  if (age > 0) for (let i = 0; i < ttls.length; i++) putU32(out, ttls[i], Math.max(0, u32(image, ttls[i]) - age));
  return image.length;
}

/** Header, question and OPT record alone, with TC. */
function giveCut(entry: AnswerEntry, request: Uint8Array, end: number, out: Uint8Array): number {
  const { image, opt } = entry;
  for (let i = 0; i < DNS_HEADER_LENGTH; i++) out[i] = image[i];
  head(entry, request, end, out);
  out[2] |= FLAG_TC >> 8;
  out.fill(0, 6, DNS_HEADER_LENGTH);
  if (opt === image.length) return end;
  out[11] = 1;
  for (let i = opt; i < image.length; i++) out[end + i - opt] = image[i];
  return end + image.length - opt;
}
