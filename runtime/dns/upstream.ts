/**
 * Asks resolvers, and believes only what can hardly be forged (RFC 5452): an answer counts if it comes to the socket of its query, which was opened for
 * it alone, from the server asked, with the query's id and its question in the same mixed case. Whoever sends many wrong ones makes us ask over TCP.
 * A pure machine: questions and datagrams in, datagrams, streams and answers out.
 */
import { Reject } from "../value/reject.ts";
import { type Millis, NEVER } from "../value/time.ts";
import { type DnsMessage, RCODE_BADVERS, RCODE_FORMERR, RCODE_NOERROR, RCODE_NXDOMAIN } from "../wire/dns.ts";
import { keepsCase, makeQuery, QUERY_RANDOM, type Query, readAnswer, type UpstreamQuestion } from "./upstream-query.ts";
import { inOrder, Server, serversFor, type UpstreamServer } from "./upstream-servers.ts";

/** What the operator decides. */
export interface UpstreamSettings {
  readonly upstreams: readonly UpstreamServer[];
  /** How long one attempt may take. */
  readonly timeout: Millis;
}

export type UpstreamEvent =
  /** `random`: {@link ASK_RANDOM} octets that nobody else knows. */
  | ({ readonly kind: "ask"; readonly fetch: number; readonly random: Uint8Array } & UpstreamQuestion)
  /** Came to the attempt's own socket, from the server it is for. */
  | { readonly kind: "datagram"; readonly attempt: number; readonly octets: Uint8Array }
  /** The network says that the attempt cannot get there. */
  | { readonly kind: "refused"; readonly attempt: number }
  /** A whole message of the attempt's stream. */
  | { readonly kind: "tcp-answer"; readonly attempt: number; readonly octets: Uint8Array }
  | { readonly kind: "tcp-failed"; readonly attempt: number }
  | { readonly kind: "poll" };

/** Where an attempt goes. */
export interface UpstreamEnd {
  readonly host: string;
  readonly port: number;
}

export type UpstreamEffect =
  /** From a socket of its own, with a port that nobody can guess. */
  | { readonly kind: "send-udp"; readonly attempt: number; readonly to: UpstreamEnd; readonly octets: Uint8Array }
  | { readonly kind: "send-tcp"; readonly attempt: number; readonly to: UpstreamEnd; readonly octets: Uint8Array }
  /** The attempt's socket or stream is not needed any more. One for each attempt that was sent. */
  | { readonly kind: "close"; readonly attempt: number }
  | { readonly kind: "done"; readonly fetch: number; readonly message: DnsMessage }
  /** No upstream is there for that name, or none said anything in time. */
  | { readonly kind: "failed"; readonly fetch: number; readonly why: "no-upstream" | "no-answer" | "full" }
  /** Something came that is not believed; `why` is a counter's name behind `drop-`. */
  | { readonly kind: "drop"; readonly why: string };

/** Chosen: no attempt begins so long after the question came; whoever asked will ask again. */
export const TOTAL_TIME: Millis = 5_000;
/** Chosen: attempts of one question at most. */
export const ATTEMPTS_PER_FETCH = 8;
/** Octets of randomness for a question: its attempts, and one to see whether a server is well again. */
export const ASK_RANDOM = (ATTEMPTS_PER_FETCH + 1) * QUERY_RANDOM;
/** Chosen: attempts under way at most, each with a descriptor; questions beyond that wait, so many at most. */
export const ATTEMPTS_MOST = 900;
export const WAITING_MOST = 8_192;
/** Chosen: wrong datagrams at one socket, each a guess, after which it is given up for TCP. */
export const WRONG_MOST = 4;
/** A stream needs a round trip more. */
const STREAM_PATIENCE = 2;

interface Fetch {
  readonly id: number;
  readonly asked: UpstreamQuestion;
  readonly random: Uint8Array;
  readonly startedAt: Millis;
  /** Whose turn it is; begins anew when all have had theirs. */
  readonly servers: readonly Server[];
  turn: number;
  attempts: number;
  /** What the last server said that could not help: passed on when nobody can. */
  unhelpful: DnsMessage | undefined;
}

interface Attempt {
  readonly id: number;
  /** `undefined`: only to see whether the server is well again. */
  readonly fetch: Fetch | undefined;
  readonly server: Server;
  readonly query: Query;
  readonly until: Millis;
  wrong: number;
  /** Over TCP: the case of letters in an answer over UDP was wrong before. */
  readonly respelt: boolean;
}

/** The state of all questions. */
export class Upstream {
  #timeout: Millis;
  #servers: readonly Server[];
  #nextAttempt = 1;
  /** By age, so that the first ends first. */
  readonly #datagrams = new Map<number, Attempt>();
  readonly #streams = new Map<number, Attempt>();
  readonly #waiting = new Set<Fetch>();
  #effects: UpstreamEffect[] = [];

  constructor({ upstreams, timeout }: UpstreamSettings) {
    this.#servers = upstreams.map((one) => new Server(one));
    this.#timeout = timeout;
  }

  /** When {@link step} is wanted with `poll` at the latest. */
  get wakeAt(): Millis {
    let at = NEVER;
    for (const attempts of [this.#datagrams, this.#streams]) {
      const [first] = attempts.values();
      if (first !== undefined) at = Math.min(at, first.until);
    }
    const [waiting] = this.#waiting;
    return waiting === undefined ? at : Math.min(at, waiting.startedAt + TOTAL_TIME);
  }

  /** Attempts and waiting questions; both zero when nobody asks. */
  totals(): { readonly attempts: number; readonly waiting: number } {
    return { attempts: this.#datagrams.size + this.#streams.size, waiting: this.#waiting.size };
  }

  /** New settings; questions under way go on with the old servers. What was learnt of a server that stays is kept. */
  configure({ upstreams, timeout }: UpstreamSettings): void {
    const known = new Map(this.#servers.map((server) => [keyOf(server), server]));
    this.#servers = upstreams.map((one) => known.get(keyOf(one)) ?? new Server(one));
    this.#timeout = timeout;
  }

  /** One event at `now`. Never throws; the effects are to be carried out in order. */
  step(event: UpstreamEvent, now: Millis): UpstreamEffect[] {
    this.#effects = [];
    switch (event.kind) {
      case "ask":
        this.#ask(event, now);
        break;
      case "datagram":
        this.#datagram(event.attempt, event.octets, now);
        break;
      case "tcp-answer":
        this.#stream(event.attempt, event.octets, now);
        break;
      case "refused":
      case "tcp-failed":
        this.#lost(this.#end(event.attempt), now);
        break;
      case "poll":
        this.#poll(now);
        break;
    }
    this.#startWaiting(now);
    return this.#effects;
  }

  #ask({ fetch: id, random, name, type, dnssecOk, checkingDisabled }: Extract<UpstreamEvent, { kind: "ask" }>, now: Millis): void {
    const all = serversFor(this.#servers, name);
    const asked = { name, type, dnssecOk, checkingDisabled };
    const fetch: Fetch = { id, asked, random, startedAt: now, servers: inOrder(all), turn: 0, attempts: 0, unhelpful: undefined };
    if (all.length === 0) return this.#fail(fetch, "no-upstream");
    if (this.#isFull() || this.#waiting.size > 0) {
      if (this.#waiting.size >= WAITING_MOST) return this.#fail(fetch, "full");
      this.#waiting.add(fetch);
      return;
    }
    this.#begin(fetch, now);
  }

  /** The first attempt; an ill server that comes before the one asked gets the question too, if it has rested. */
  #begin(fetch: Fetch, now: Millis): void {
    const [first] = fetch.servers;
    this.#try(fetch, first, "udp", now);
    if (first.isIll()) return;
    for (const server of fetch.servers) {
      if (!server.isIll() || server.probed || !server.isRested(now) || this.#isFull()) continue;
      server.probed = true;
      const query = makeQuery(fetch.asked, server.style(now), this.#randomOf(fetch, ATTEMPTS_PER_FETCH));
      this.#send(undefined, server, query, "udp", false, now);
      return;
    }
  }

  /** One attempt at `server`, unless time or attempts are used up. */
  #try(fetch: Fetch, server: Server, by: "udp" | "tcp", now: Millis, respelt = false, style = server.style(now)): void {
    if (fetch.attempts >= ATTEMPTS_PER_FETCH || now >= fetch.startedAt + TOTAL_TIME) return this.#giveUp(fetch);
    // The place of the attempt that ended is free, so this never goes beyond the bound.
    const query = makeQuery(fetch.asked, style, this.#randomOf(fetch, fetch.attempts++));
    this.#send(fetch, server, query, by, respelt, now);
  }

  #send(fetch: Fetch | undefined, server: Server, query: Query, by: "udp" | "tcp", respelt: boolean, now: Millis): void {
    const id = this.#nextAttempt++;
    const until = now + (by === "udp" ? this.#timeout : STREAM_PATIENCE * this.#timeout);
    (by === "udp" ? this.#datagrams : this.#streams).set(id, { id, fetch, server, query, until, wrong: 0, respelt });
    const to = { host: server.host, port: server.port };
    this.#effects.push({ kind: by === "udp" ? "send-udp" : "send-tcp", attempt: id, to, octets: query.octets });
  }

  #randomOf({ random }: Fetch, index: number): Uint8Array {
    return random.subarray(index * QUERY_RANDOM, (index + 1) * QUERY_RANDOM);
  }

  /** The next server's turn; when all have had theirs, what the last one said is passed on, or it begins anew. */
  #next(fetch: Fetch, now: Millis): void {
    fetch.turn++;
    if (fetch.turn >= fetch.servers.length && fetch.unhelpful !== undefined) return this.#giveUp(fetch);
    this.#try(fetch, fetch.servers[fetch.turn % fetch.servers.length], "udp", now);
  }

  #giveUp(fetch: Fetch): void {
    if (fetch.unhelpful === undefined) this.#fail(fetch, "no-answer");
    else this.#effects.push({ kind: "done", fetch: fetch.id, message: fetch.unhelpful });
  }

  #fail({ id }: Fetch, why: "no-upstream" | "no-answer" | "full"): void {
    this.#effects.push({ kind: "failed", fetch: id, why });
  }

  #datagram(id: number, octets: Uint8Array, now: Millis): void {
    const attempt = this.#datagrams.get(id);
    if (attempt === undefined) return this.#drop("late-dns");
    const read = readAnswer(octets, attempt.query, false);
    if (read === "respelt") {
      this.#drop("respelt-dns");
      this.#end(id);
      if (attempt.fetch === undefined) attempt.server.recover();
      else this.#try(attempt.fetch, attempt.server, "tcp", now, true);
      return;
    }
    if (read === "forged" || read instanceof Reject) {
      this.#drop(read instanceof Reject ? read.why : "forged-dns");
      if (++attempt.wrong < WRONG_MOST) return;
      this.#end(id);
      if (attempt.fetch !== undefined) this.#try(attempt.fetch, attempt.server, "tcp", now);
      else attempt.server.probed = false;
      return;
    }
    this.#end(id);
    attempt.server.recover();
    if (attempt.fetch === undefined) return;
    if (read === "plain") this.#withoutEdns(attempt.fetch, attempt.server, "udp", now);
    else if (read.truncated) this.#try(attempt.fetch, attempt.server, "tcp", now);
    else this.#take(attempt.fetch, attempt, read, now);
  }

  #stream(id: number, octets: Uint8Array, now: Millis): void {
    const attempt = this.#streams.get(id);
    if (attempt === undefined) return this.#drop("late-dns");
    const read = readAnswer(octets, attempt.query, true);
    if (read === "forged" || read === "respelt" || read instanceof Reject || (read !== "plain" && read.truncated)) {
      this.#drop(read instanceof Reject ? read.why : "bad-stream-dns");
      return this.#lost(this.#end(id), now);
    }
    this.#end(id);
    attempt.server.recover();
    if (attempt.fetch === undefined) return;
    if (read === "plain") return this.#withoutEdns(attempt.fetch, attempt.server, "tcp", now);
    if (attempt.respelt && !keepsCase(octets, attempt.query)) attempt.server.setFolds(now);
    this.#take(attempt.fetch, attempt, read, now);
  }

  #withoutEdns(fetch: Fetch, server: Server, by: "udp" | "tcp", now: Millis): void {
    this.#try(fetch, server, by, now, false, { ...server.style(now), edns: false });
  }

  /** An answer that is believed: of use, or the next server may know better. */
  #take(fetch: Fetch, { server, query }: Attempt, message: DnsMessage, now: Millis): void {
    const { rcode } = message;
    // RFC 6891 §7: only now is it sure that EDNS was what the server did not understand.
    if (!query.edns && server.style(now).edns && rcode !== RCODE_FORMERR) server.setPlain(now);
    if (rcode === RCODE_NOERROR || rcode === RCODE_NXDOMAIN) this.#effects.push({ kind: "done", fetch: fetch.id, message });
    else if (rcode === RCODE_BADVERS) this.#withoutEdns(fetch, server, "udp", now);
    else {
      fetch.unhelpful = message;
      this.#next(fetch, now);
    }
  }

  /** The attempt brought nothing. */
  #lost(attempt: Attempt | undefined, now: Millis): void {
    if (attempt === undefined) return;
    attempt.server.fail(now);
    if (attempt.fetch !== undefined) this.#next(attempt.fetch, now);
  }

  #poll(now: Millis): void {
    for (const attempts of [this.#datagrams, this.#streams]) {
      for (const attempt of [...attempts.values()]) {
        if (attempt.until > now) break;
        this.#lost(this.#end(attempt.id), now);
      }
    }
    for (const fetch of this.#waiting) {
      if (now < fetch.startedAt + TOTAL_TIME) break;
      this.#waiting.delete(fetch);
      this.#fail(fetch, "no-answer");
    }
  }

  #startWaiting(now: Millis): void {
    for (const fetch of this.#waiting) {
      if (this.#isFull()) return;
      this.#waiting.delete(fetch);
      this.#begin(fetch, now);
    }
  }

  #isFull(): boolean {
    return this.#datagrams.size + this.#streams.size >= ATTEMPTS_MOST;
  }

  #end(id: number): Attempt | undefined {
    const attempt = this.#datagrams.get(id) ?? this.#streams.get(id);
    if (attempt === undefined) return undefined;
    this.#datagrams.delete(id);
    this.#streams.delete(id);
    this.#effects.push({ kind: "close", attempt: id });
    return attempt;
  }

  #drop(why: string): void {
    this.#effects.push({ kind: "drop", why });
  }
}

function keyOf({ host, port, domains }: UpstreamServer): string {
  return `${host}/${port}/${domains.join(" ")}`;
}
