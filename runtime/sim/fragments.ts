/** Fragments that a box cuts for a path that carries less than IPv6 promises: whose they are, and put together again as a host would. */
import { hex, putU16, u16, u32 } from "../value/bytes.ts";
import { IPV6_DESTINATION_AT, IPV6_HEADER_LENGTH, IPV6_NEXT_HEADER_AT, IPV6_PAYLOAD_LENGTH_AT, IPV6_SOURCE_AT } from "../wire/number.ts";
import { numberOf } from "./packet.ts";

/** RFC 8200 §4.5. */
export const FRAGMENT_HEADER = 8;
const OFFSET_MASK = 0xfff8;
const MORE = 1;
/** Sets of pieces that are waited for; the oldest goes. */
const WAITING_MOST = 1_000;

/** What a fragment header says; `at` is where it begins. */
export interface Piece {
  readonly offset: number;
  readonly more: boolean;
  readonly identification: number;
  readonly type: number;
  readonly at: number;
}

/** Reads the fragment header at `at`. */
export function readPiece(packet: Uint8Array, at: number): Piece {
  const field = u16(packet, at + 2);
  return { offset: field & OFFSET_MASK, more: (field & MORE) !== 0, identification: u32(packet, at + 4), type: packet[at], at };
}

/** The number of the packet that fragments on a wire belong to: only the first piece carries it. */
export class FragmentNames {
  readonly #numbers = new Map<string, number>();

  /** Number of the packet whose piece has its fragment header at `at`; 0 when its first piece never passed here. */
  numberOf(packet: Uint8Array, at: number): number {
    const { offset, identification, type } = readPiece(packet, at);
    const key = `${hex(packet.subarray(IPV6_HEADER_LENGTH, at))} ${identification}`;
    if (offset > 0) return this.#numbers.get(key) ?? 0;
    const number = numberOf(packet, type, at + FRAGMENT_HEADER - IPV6_HEADER_LENGTH);
    if (number > 0) this.#numbers.set(key, number);
    return number;
  }
}

interface Waiting {
  readonly pieces: Map<number, Uint8Array>;
  first: Uint8Array | undefined;
  length: number;
}

/** Puts packets together whose fragments come in any order, some of them twice. */
export class Reassembly {
  readonly #waiting = new Map<string, Waiting>();

  /** Takes a fragment whose header stands behind the IPv6 header. @returns the whole packet when it is complete */
  take(packet: Uint8Array): Uint8Array | undefined {
    const { offset, more, identification, at } = readPiece(packet, IPV6_HEADER_LENGTH);
    const key = `${hex(packet.subarray(IPV6_SOURCE_AT, IPV6_DESTINATION_AT + 16))} ${identification}`;
    const waiting = this.#waiting.get(key) ?? { pieces: new Map(), first: undefined, length: -1 };
    if (!this.#waiting.has(key)) this.#enter(key, waiting);
    const data = packet.subarray(at + FRAGMENT_HEADER);
    waiting.pieces.set(offset, data);
    if (offset === 0) waiting.first = packet;
    if (!more) waiting.length = offset + data.length;
    const whole = join(waiting);
    if (whole !== undefined) this.#waiting.delete(key);
    return whole;
  }

  #enter(key: string, waiting: Waiting): void {
    const oldest = this.#waiting.keys().next();
    if (this.#waiting.size >= WAITING_MOST && oldest.done !== true) this.#waiting.delete(oldest.value);
    this.#waiting.set(key, waiting);
  }
}

function join({ pieces, first, length }: Waiting): Uint8Array | undefined {
  if (first === undefined || length < 0) return undefined;
  const whole = new Uint8Array(IPV6_HEADER_LENGTH + length);
  whole.set(first.subarray(0, IPV6_HEADER_LENGTH));
  whole[IPV6_NEXT_HEADER_AT] = first[IPV6_HEADER_LENGTH];
  putU16(whole, IPV6_PAYLOAD_LENGTH_AT, length);
  let at = 0;
  while (at < length) {
    const data = pieces.get(at);
    if (data === undefined || data.length === 0) return undefined;
    whole.set(data, IPV6_HEADER_LENGTH + at);
    at += data.length;
  }
  return whole;
}
