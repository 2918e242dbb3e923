/**
 * Locators of our own kind of peer, asked before they are needed: a packet may go to a locator only after a question to it came back
 * (RFC 5533 §16, third-party flooding). Asked while all is well, and once for all contexts with the box, a path's death needs no
 * question for each host. The question is an Update Request that says nothing; its Acknowledgement, with our nonce, the answer.
 */
import type { Locator } from "../value/address.ts";
import { type LocatorPair, samePair } from "../value/pair.ts";
import type { Millis } from "../value/time.ts";
import { type Entry, shares } from "./entry.ts";
import { JITTER } from "./explorer.ts";
import { DeadlineHeap } from "./heap.ts";
import { Pacer } from "./pace.ts";
import type { PeerBox } from "./paths.ts";
import type { Siblings } from "./siblings.ts";
import type { Turn } from "./turn.ts";

// Chosen values.

/** Set-up and its first packets come first. */
export const ASK_AFTER: Millis = 1_000;
/** Gap to the second question; each further one is twice the one before. */
const ASK_AGAIN: Millis = 1_000;
const ASK_SELDOM: Millis = 600_000;
/** One question in so many milliseconds, of the whole box. */
const ASK_WINDOW: Millis = 10;
/** Locators to be asked at most; what is more is asked when it is needed. */
const ASKED_MOST = 65_536;

/** A locator to be asked, by a context that has it. */
interface Question {
  readonly box: PeerBox<Entry>;
  readonly locator: Locator;
  readonly entry: Entry;
  gap: Millis;
  /** The latest that left. */
  sent: { readonly pair: LocatorPair; readonly nonce: number; readonly at: Millis } | undefined;
  deadline: Millis;
  heapIndex: number;
}

/** The questions of one machine. Bounded. */
export class Asks {
  readonly #siblings: Siblings;
  readonly #heap = new DeadlineHeap<Question>();
  readonly #questions = new Map<Entry, Question[]>();
  readonly #open = new Map<PeerBox<Entry>, Set<Locator>>();
  readonly #pacer = new Pacer(1, ASK_WINDOW);

  constructor(siblings: Siblings) {
    this.#siblings = siblings;
  }

  get wakeAt(): Millis {
    return Math.max(this.#heap.wakeAt, this.#pacer.readyAt);
  }

  /** `entry` has joined its siblings: what nobody has asked yet of its peer's locators is asked by it. */
  join(entry: Entry, { now, draw }: Turn): void {
    const { box, context } = entry;
    if (box === undefined || !shares(entry)) return;
    for (const { address } of context.peerLocators) {
      const open = this.#open.get(box) ?? new Set();
      if (box.reachable.has(address) || open.has(address) || this.#heap.size >= ASKED_MOST) continue;
      this.#open.set(box, open.add(address));
      const question: Question = { box, locator: address, entry, gap: ASK_AGAIN, sent: undefined, deadline: 0, heapIndex: -1 };
      const own = this.#questions.get(entry);
      if (own === undefined) this.#questions.set(entry, [question]);
      else own.push(question);
      this.#heap.set(question, now + draw.around(ASK_AFTER, JITTER));
    }
  }

  /** `entry` leaves its siblings, or asks no more. */
  part(entry: Entry): void {
    for (const question of this.#questions.get(entry) ?? []) this.#close(question);
    this.#questions.delete(entry);
  }

  /** Sends what is due, as far as the pace goes. */
  poll(turn: Turn): void {
    for (let top = this.#heap.top; top !== undefined && top.deadline <= turn.now; top = this.#heap.top) {
      if (top.box.reachable.has(top.locator)) this.#answered(top);
      else if (!this.#pacer.take(turn.now)) return;
      else this.#ask(top, turn);
    }
  }

  /** Whether `nonce` is that of a question of `entry`. */
  isOpen(entry: Entry, nonce: number): boolean {
    return this.#find(entry, nonce) !== undefined;
  }

  /** The peer acknowledged the request with `nonce`. */
  hear(entry: Entry, nonce: number, now: Millis): void {
    const question = this.#find(entry, nonce);
    if (question?.sent === undefined) return;
    this.#siblings.acknowledged(entry, question.sent.pair, question.sent.at, now);
    this.#answered(question);
  }

  #ask(question: Question, { now, draw, effects }: Turn): void {
    const { entry, locator, gap } = question;
    this.#heap.set(question, now + draw.around(gap, JITTER));
    question.gap = Math.min(2 * gap, ASK_SELDOM);
    // Who explores or is set up anew has other worries, and its pair may be dead.
    if (entry.state !== "Operational" || entry.rests) return;
    const nonce = draw.u32();
    const pair = { local: entry.current.local, peer: locator };
    if (samePair(pair, entry.current)) return;
    question.sent = { pair, nonce, at: now };
    const { id, peerTag } = entry.context;
    effects.push({ kind: "ask", id, pair, message: { kind: "UpdateRequest", receiverTag: peerTag, requestNonce: nonce, options: [] } });
  }

  #find(entry: Entry, nonce: number): Question | undefined {
    return this.#questions.get(entry)?.find(({ sent }) => sent?.nonce === nonce);
  }

  #answered(question: Question): void {
    this.#close(question);
    const rest = (this.#questions.get(question.entry) ?? []).filter((other) => other !== question);
    if (rest.length === 0) this.#questions.delete(question.entry);
    else this.#questions.set(question.entry, rest);
  }

  #close(question: Question): void {
    const { box, locator } = question;
    this.#heap.delete(question);
    const open = this.#open.get(box);
    open?.delete(locator);
    if (open?.size === 0) this.#open.delete(box);
  }
}
