/**
 * A small real sender and receiver of a byte stream: sequence numbers, cumulative acknowledgements, a window, slow start,
 * retransmission timer with back-off (RFC 6298), fast retransmit (RFC 5681, NewReno), smaller segments when large ones vanish
 * (RFC 8899) or a router says so. The first byte's sequence number is random, so that it wraps now and then.
 */
import { type Millis, NEVER } from "../value/time.ts";
import type { Agenda } from "./agenda.ts";
import { Alarm } from "./alarm.ts";
import type { Segment } from "./packet.ts";
import { TCP_PAYLOAD_AT } from "./packet.ts";

/** What a stream may do to the world. */
export interface StreamWorld {
  readonly agenda: Agenda;
  now(): Millis;
  /** Sends a segment from the sender's host, or from the receiver's. */
  sendData(sequence: number, data: Uint8Array): void;
  sendAck(sequence: number, acknowledged: number, echo: number): void;
  /** When the packet of that number left its host. */
  sentAt(number: number): Millis | undefined;
}

const INITIAL_TIMEOUT: Millis = 1_000;
const TIMEOUT_MIN: Millis = 200;
const TIMEOUT_MAX: Millis = 60_000;
/** Data of a segment for an MTU of 1,500 less the payload header, and for the least MTU of IPv6 less it. */
const SEGMENT_MOST = 1500 - 8 - TCP_PAYLOAD_AT;
const SEGMENT_LEAST = 1280 - 8 - TCP_PAYLOAD_AT;
/** Timeouts in a row after which large segments are suspected. */
const SUSPECT_SIZE_AFTER = 2;
const WINDOW_START = 10;
const WINDOW_MOST = 64;
const DUPLICATES = 3;
/** Runs of data that the receiver keeps ahead of a gap. */
const AHEAD_MOST = 128;

/** What every stream says: octet `i` of stream `flow` is the pattern's octet `i + 977 × flow`, round and round. */
const PATTERN_OCTETS = 1 << 15;
const PATTERN = Uint8Array.from({ length: PATTERN_OCTETS * 2 }, (_, i) => {
  const x = i % PATTERN_OCTETS;
  return (x * 31 + (x >>> 8) * 17 + (x >>> 4)) & 0xff;
});

/** Octets `from` … `from + length − 1` of a stream, a view. At most 32,768 octets. */
export function contentOf(flow: number, from: number, length: number): Uint8Array {
  const at = (from + 977 * flow) % PATTERN_OCTETS;
  return PATTERN.subarray(at, at + length);
}

/** The sending end. */
export class StreamSender {
  readonly #world: StreamWorld;
  readonly #flow: number;
  readonly #first: number;
  readonly #alarm: Alarm;
  /** Octets from the beginning: written by the application, sent, acknowledged. */
  written = 0;
  acknowledged = 0;
  #next = 0;
  #highest = 0;
  readonly #overhead: number;
  #segment: number;
  #window = WINDOW_START;
  #threshold = WINDOW_MOST;
  #duplicates = 0;
  /** While recovering: acknowledgements below this are partial. */
  #recover = -1;
  #timeout: Millis = INITIAL_TIMEOUT;
  #backOff = 0;
  #smooth: Millis | undefined;
  #variation: Millis = 0;
  timeouts = 0;

  /** @param first sequence number of the first octet @param overhead octets of each packet that headers around TCP's own take */
  constructor(world: StreamWorld, flow: number, first: number, overhead = 0) {
    this.#world = world;
    this.#overhead = overhead;
    this.#segment = SEGMENT_MOST - overhead;
    this.#flow = flow;
    this.#first = first;
    this.#alarm = new Alarm(world.agenda, () => this.#expire());
  }

  get done(): boolean {
    return this.acknowledged === this.written;
  }

  /** The application has `octets` more to say. */
  write(octets: number): void {
    this.written += octets;
    this.#pump();
  }

  /** Says nothing more, not even again. */
  close(): void {
    this.written = this.#next = this.acknowledged;
    this.#alarm.to(NEVER);
  }

  /** An acknowledgement came. */
  receive({ acknowledged, echo }: Segment): void {
    const upTo = (acknowledged - this.#first) >>> 0;
    if (upTo > this.#highest) return;
    if (upTo > this.acknowledged) this.#advance(upTo, echo);
    else if (upTo === this.acknowledged && this.#next > upTo) this.#duplicate();
  }

  /** A router says that packets of at most `mtu` octets go through. */
  tooBig(mtu: number): void {
    const segment = Math.max(SEGMENT_LEAST, mtu - TCP_PAYLOAD_AT) - this.#overhead;
    if (segment >= this.#segment) return;
    this.#segment = segment;
    this.#next = this.acknowledged;
    this.#pump();
  }

  #advance(upTo: number, echo: number): void {
    const segments = (upTo - this.acknowledged) / this.#segment;
    this.acknowledged = upTo;
    if (this.#next < upTo) this.#next = upTo;
    this.#duplicates = 0;
    this.#backOff = 0;
    this.#measure(echo);
    if (this.#recover >= 0 && upTo < this.#recover) this.#resend();
    else {
      this.#recover = -1;
      this.#window = Math.min(WINDOW_MOST, this.#window + (this.#window < this.#threshold ? Math.ceil(segments) : segments / this.#window));
    }
    this.#arm();
    this.#pump();
  }

  #measure(echo: number): void {
    const left = this.#world.sentAt(echo);
    if (left === undefined) return;
    const sample = this.#world.now() - left;
    if (this.#smooth === undefined) {
      this.#smooth = sample;
      this.#variation = sample / 2;
    } else {
      this.#variation += (Math.abs(sample - this.#smooth) - this.#variation) / 4;
      this.#smooth += (sample - this.#smooth) / 8;
    }
    this.#timeout = Math.max(TIMEOUT_MIN, this.#smooth + 4 * this.#variation);
  }

  #duplicate(): void {
    this.#duplicates++;
    if (this.#duplicates !== DUPLICATES || this.#recover >= 0) return;
    this.#threshold = Math.max(2, (this.#next - this.acknowledged) / this.#segment / 2);
    this.#window = this.#threshold;
    this.#recover = this.#next;
    this.#resend();
    this.#arm();
  }

  #expire(): void {
    this.timeouts++;
    this.#backOff++;
    if (this.#backOff > SUSPECT_SIZE_AFTER) this.#segment = SEGMENT_LEAST - this.#overhead;
    this.#threshold = Math.max(2, (this.#next - this.acknowledged) / this.#segment / 2);
    this.#window = 1;
    this.#recover = -1;
    this.#duplicates = 0;
    this.#next = this.acknowledged;
    this.#alarm.to(NEVER);
    this.#pump();
  }

  /** Sends what the window allows. */
  #pump(): void {
    while (this.#next < this.written && this.#next - this.acknowledged < this.#window * this.#segment) {
      const length = Math.min(this.#segment, this.written - this.#next);
      this.#send(this.#next, length);
      this.#next += length;
      if (this.#next > this.#highest) this.#highest = this.#next;
    }
    if (!this.#alarm.set) this.#arm();
  }

  #resend(): void {
    this.#send(this.acknowledged, Math.min(this.#segment, this.#highest - this.acknowledged));
  }

  #send(from: number, length: number): void {
    this.#world.sendData((this.#first + from) >>> 0, contentOf(this.#flow, from, length));
  }

  #arm(): void {
    const wait = Math.min(TIMEOUT_MAX, this.#timeout * 2 ** Math.min(this.#backOff, 16));
    this.#alarm.to(this.acknowledged < this.#next ? this.#world.now() + wait : NEVER);
  }
}

/** The receiving end. */
export class StreamReceiver {
  readonly #world: StreamWorld;
  readonly #flow: number;
  readonly #first: number;
  readonly #ackDelay: Millis;
  readonly #alarm: Alarm;
  /** Octets received without a gap. */
  received = 0;
  /** Runs beyond the gap: where they begin, where they end. */
  readonly #ahead = new Map<number, number>();
  #echo = 0;
  #owed = 0;

  constructor(world: StreamWorld, flow: number, first: number, ackDelay: Millis) {
    this.#world = world;
    this.#flow = flow;
    this.#first = first;
    this.#ackDelay = ackDelay;
    this.#alarm = new Alarm(world.agenda, () => this.#acknowledge());
  }

  /** A segment with data came. @returns `false` when what it says is not what the stream says there */
  receive({ sequence, number }: Segment, data: Uint8Array): boolean {
    const from = (sequence - this.#first) | 0;
    if (!this.#holds(from, data)) return false;
    const before = this.received;
    if (from > this.received) {
      if (this.#ahead.size < AHEAD_MOST) this.#ahead.set(from, Math.max(from + data.length, this.#ahead.get(from) ?? 0));
    } else {
      this.received = Math.max(this.received, from + data.length);
      this.#join();
    }
    // The echo is that of the segment that moved the left edge (RFC 7323 §4.3).
    if (this.received > before || this.#echo === 0) this.#echo = number;
    this.#owed++;
    const inOrder = this.received > before && this.#ahead.size === 0;
    if (!inOrder || this.#owed >= 2 || this.#ackDelay === 0) this.#acknowledge();
    else if (!this.#alarm.set) this.#alarm.to(this.#world.now() + this.#ackDelay);
    return true;
  }

  #holds(from: number, data: Uint8Array): boolean {
    const content = contentOf(this.#flow, from, data.length);
    for (let i = 0; i < data.length; i++) if (data[i] !== content[i]) return false;
    return true;
  }

  #join(): void {
    for (let moved = true; moved; ) {
      moved = false;
      for (const [from, to] of this.#ahead) {
        if (from > this.received) continue;
        this.#ahead.delete(from);
        this.received = Math.max(this.received, to);
        moved = true;
      }
    }
  }

  #acknowledge(): void {
    this.#owed = 0;
    this.#alarm.to(NEVER);
    this.#world.sendAck(this.#first, (this.#first + this.received) >>> 0, this.#echo);
  }
}
