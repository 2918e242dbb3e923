/**
 * The DNS gateway (draft §4.2.2): requests of hosts and answers of upstreams in, answers to hosts, questions to upstreams and bindings of ULIDs out.
 * A job is what somebody waits for; whatever it needs to know is a fetch, which many jobs may share.
 */
import { ADDRESS_OCTETS, addressAt, type Ulid } from "../value/address.ts";
import { Reject } from "../value/reject.ts";
import { type Millis, NEVER } from "../value/time.ts";
import { type DnsMessage, type DnsName, RCODE_REFUSED, TYPE_AAAA } from "../wire/dns.ts";
import { emitDns } from "../wire/dns-emit.ts";
import { isBelow } from "../wire/dns-name.ts";
import { type Binding, firstEnd } from "./binding.ts";
import type { GatewayEffect, GatewayEvent, GatewaySettings, GatewayTotals, Local } from "./contract.ts";
import { Fetches, type Heard } from "./fetches.ts";
import { entryFor } from "./image.ts";
import { EDE_NETWORK, EDE_NOT_AUTHORITATIVE, failure, isFailure, type Known } from "./known.ts";
import { type Asked, readRequest } from "./question.ts";
import type { Inquiry } from "./resolve.ts";
import { BARE, type Draft, ede, limitFor, responseFor, wantsAuthentic } from "./respond.ts";
import { locate } from "./reverse.ts";
import { type Answered, answerFor, type Wanted } from "./rewrite.ts";
import { specialAnswer } from "./special.ts";

/** Chosen: a ULID that comes so much later than the rest is not waited for, the addresses go as they are for a short time. */
export const PATIENCE: Millis = 2_000;
/** Chosen: whoever waits longer hears of a failure; hosts ask again after five seconds. */
export const JOB_LIFE: Millis = 8_000;
/** Chosen: what is going on at most. */
export const JOBS_MOST = 4_096;
export const CLIENTS_PER_JOB = 256;
/** Chosen: names with several ULIDs whose choice is remembered. */
const CHOICES_MOST = 4_096;

interface Waiter<Client> {
  readonly client: Client;
  readonly asked: Asked;
}

/** Something that somebody waits for. */
export interface Job<Client> {
  readonly key: string;
  /** A question, or a ULID to be located. */
  readonly wanted: Wanted | Ulid;
  readonly clients: Waiter<Client>[];
  readonly startedAt: Millis;
  /** What it has heard, so that it hears the same when it looks again. */
  readonly heard: Map<string, Known>;
  /** It has waited long enough for ULIDs. */
  impatient: boolean;
}

/** @typeParam Client see {@link GatewayEvent} */
export class Gateway<Client> {
  #settings: GatewaySettings;
  #local: Local;
  readonly #fetches: Fetches<Job<Client>>;
  /** Oldest first. */
  readonly #jobs = new Map<string, Job<Client>>();
  /** When the patience of each ends, first ones first. */
  readonly #patience = new Map<Job<Client>, Millis>();
  readonly #choices = new Map<DnsName, Ulid>();
  #clients = 0;

  constructor(settings: GatewaySettings, local: Local) {
    this.#settings = settings;
    this.#local = local;
    this.#fetches = new Fetches(settings);
  }

  /** When {@link step} is wanted with `poll` at the latest. */
  get wakeAt(): Millis {
    const [oldest] = this.#jobs.values();
    const [patience] = this.#patience.values();
    return Math.min(oldest === undefined ? NEVER : oldest.startedAt + JOB_LIFE, patience ?? NEVER, this.#fetches.wakeAt);
  }

  get settings(): GatewaySettings {
    return this.#settings;
  }

  totals(): GatewayTotals {
    const { waiting, kept } = this.#fetches;
    return { jobs: this.#jobs.size, clients: this.#clients, fetches: waiting, kept };
  }

  /** New settings, or other names of the site's own: they count from the next question on. */
  configure(settings: GatewaySettings, local: Local = this.#local): void {
    this.#settings = settings;
    this.#local = local;
    this.#fetches.configure(settings);
  }

  /** One event at `now`. Never throws; the effects are to be carried out in order. */
  step(event: GatewayEvent<Client>, now: Millis): GatewayEffect<Client>[] {
    const effects: GatewayEffect<Client>[] = [];
    switch (event.kind) {
      case "query":
        this.#query(event, now, effects);
        break;
      case "locate":
        this.#begin(`locate/${event.ulid}`, event.ulid, undefined, now, effects);
        break;
      case "answer":
        this.#hear(event.fetch, event.message, now, effects);
        break;
      case "failed":
        this.#hear(event.fetch, undefined, now, effects);
        break;
      case "poll":
        this.#poll(now, effects);
        break;
    }
    return effects;
  }

  #query(event: Extract<GatewayEvent<Client>, { kind: "query" }>, now: Millis, effects: GatewayEffect<Client>[]): void {
    const { client, octets, from, stream } = event;
    const asked = readRequest(octets, from, stream);
    if (asked instanceof Reject) {
      effects.push({ kind: "drop", why: asked.why });
      return;
    }
    if (!("question" in asked)) {
      effects.push({ kind: "respond", client, octets: emitDns(asked), entry: undefined });
      return;
    }
    const { name, question, message } = asked;
    const waiter = { client, asked };
    const special = this.#local.find(name, question.type) === undefined ? specialAnswer(name, question.type, now) : undefined;
    if (special !== undefined) return this.#respond([waiter], special, true, now, effects);
    const dnssecOk = message.edns?.dnssecOk === true;
    const { checkingDisabled, recursionDesired } = message;
    const wanted: Wanted = { name, type: question.type, dnssecOk, checkingDisabled, choose: (each, ulids) => this.#choose(each, ulids) };
    const flags = (dnssecOk ? 1 : 0) | (checkingDisabled ? 2 : 0) | (recursionDesired ? 0 : 4);
    this.#begin(`${name}/${question.type}/${flags}`, wanted, waiter, now, effects);
  }

  /** A job is joined, or begins. */
  #begin(key: string, wanted: Wanted | Ulid, waiter: Waiter<Client> | undefined, now: Millis, effects: GatewayEffect<Client>[]): void {
    const running = this.#jobs.get(key);
    const isFull = running === undefined ? this.#jobs.size >= JOBS_MOST : running.clients.length >= CLIENTS_PER_JOB;
    if (isFull && waiter !== undefined) return this.#refuse(waiter, now, effects);
    if (running !== undefined) {
      if (waiter === undefined) return;
      running.clients.push(waiter);
      this.#clients++;
      return;
    }
    if (isFull && typeof wanted === "string") {
      effects.push({ kind: "drop", why: "busy-dns" }, { kind: "located", ulid: wanted, locators: [], names: [], failed: true });
      return;
    }
    const job: Job<Client> = {
      key,
      wanted,
      clients: waiter === undefined ? [] : [waiter],
      startedAt: now,
      heard: new Map(),
      impatient: false,
    };
    this.#jobs.set(key, job);
    this.#clients += job.clients.length;
    this.#work(job, now, effects);
  }

  #refuse(waiter: Waiter<Client>, now: Millis, effects: GatewayEffect<Client>[]): void {
    effects.push({ kind: "drop", why: "busy-dns" });
    this.#respond([waiter], failureDraft(now), false, now, effects);
  }

  #hear(fetch: number, message: DnsMessage | undefined, now: Millis, effects: GatewayEffect<Client>[]): void {
    const heard = this.#fetches.hear(fetch, message, now);
    if (heard === undefined) {
      effects.push({ kind: "drop", why: "late-dns" });
      return;
    }
    this.#tell(heard, now, effects);
  }

  #tell({ key, known, jobs }: Heard<Job<Client>>, now: Millis, effects: GatewayEffect<Client>[]): void {
    for (const job of jobs) {
      if (this.#jobs.get(job.key) !== job) continue;
      job.heard.set(key, known);
      this.#work(job, now, effects);
    }
  }

  #poll(now: Millis, effects: GatewayEffect<Client>[]): void {
    for (const heard of this.#fetches.abandon(now)) this.#tell(heard, now, effects);
    for (const [job, until] of this.#patience) {
      if (until > now) break;
      this.#patience.delete(job);
      job.impatient = typeof job.wanted !== "string" && this.#fetches.waitsForUlids(job);
      if (job.impatient) this.#work(job, now, effects);
    }
    for (const job of this.#jobs.values()) {
      if (job.startedAt + JOB_LIFE > now) break;
      this.#giveUp(job, now, effects);
    }
  }

  /** Works the job's answer out as far as it goes. */
  #work(job: Job<Client>, now: Millis, effects: GatewayEffect<Client>[]): void {
    const dropped: string[] = [];
    const { wanted } = job;
    const mayFetch = job.clients[0]?.asked.message.recursionDesired !== false;
    const inquiry: Inquiry = {
      settings: this.#settings,
      local: this.#local,
      now,
      ask: (name, type, checkingDisabled) =>
        this.#fetches.ask(
          job,
          { name, type, dnssecOk: typeof wanted !== "string" && wanted.dnssecOk, checkingDisabled },
          mayFetch,
          now,
          effects,
        ),
      drop: (why) => dropped.push(why),
    };
    if (typeof wanted === "string") {
      const located = locate(inquiry, wanted);
      if (located === undefined) return this.#wait(job, now);
      this.#end(job);
      effects.push({ kind: "located", ulid: wanted, ...located });
    } else {
      const answered = answerFor(inquiry, wanted);
      if (answered !== undefined) this.#finish(job, wanted, answered, now, effects);
      else if (!mayFetch) this.#notHere(job, now, effects);
      else return this.#wait(job, now);
    }
    for (const why of dropped) effects.push({ kind: "drop", why });
  }

  /** Patience begins anew with each thing that is heard. */
  #wait(job: Job<Client>, now: Millis): void {
    this.#patience.delete(job);
    if (!job.impatient) this.#patience.set(job, now + PATIENCE);
  }

  #finish(job: Job<Client>, wanted: Wanted, { draft, bindings, told }: Answered, now: Millis, effects: GatewayEffect<Client>[]): void {
    this.#end(job);
    for (const { name, binding } of bindings) learn(name, binding, effects);
    if (told === undefined && bindings.length === 0) this.#tellPassed(wanted.name, draft, effects);
    const mayKeep = !wanted.checkingDisabled && !isFailure(draft) && !(this.#settings.announce && told !== undefined);
    this.#respond(job.clients, draft, mayKeep, now, effects);
    if (told !== undefined && this.#settings.announce)
      for (const from of new Set(job.clients.map(({ asked }) => asked.from))) effects.push({ kind: "asked", from, ulid: told });
  }

  /** Addresses of the internet that hosts may go to by the name, or by one that it leads to. */
  #tellPassed(wanted: DnsName, { answers, until }: Draft, effects: GatewayEffect<Client>[]): void {
    const { watched = [] } = this.#settings;
    if (watched.length === 0) return;
    const names = [...new Set([wanted, ...answers.map(({ name }) => name)])];
    const addresses = answers.flatMap(({ type, data }) => (type === TYPE_AAAA && data.length === ADDRESS_OCTETS ? [addressAt(data)] : []));
    if (addresses.length > 0 && names.some((name) => watched.some((domain) => isBelow(name, domain))))
      effects.push({ kind: "passed", addresses, names, until });
  }

  /** RD was not set, and it is not here (RFC 8914 §4.21). */
  #notHere(job: Job<Client>, now: Millis, effects: GatewayEffect<Client>[]): void {
    this.#end(job);
    this.#respond(job.clients, { ...BARE, rcode: RCODE_REFUSED, errors: [ede(EDE_NOT_AUTHORITATIVE)] }, false, now, effects);
  }

  #giveUp(job: Job<Client>, now: Millis, effects: GatewayEffect<Client>[]): void {
    this.#end(job);
    effects.push({ kind: "drop", why: "slow-dns" });
    if (typeof job.wanted === "string") effects.push({ kind: "located", ulid: job.wanted, locators: [], names: [], failed: true });
    this.#respond(job.clients, failureDraft(now), false, now, effects);
  }

  #end(job: Job<Client>): void {
    this.#jobs.delete(job.key);
    this.#patience.delete(job);
    this.#fetches.leave(job);
    this.#clients -= job.clients.length;
  }

  /** One response for each; the first of each kind of request brings what may be kept in front of the gateway. */
  #respond(clients: readonly Waiter<Client>[], draft: Draft, mayKeep: boolean, now: Millis, effects: GatewayEffect<Client>[]): void {
    const entered = new Set<boolean>();
    for (const { client, asked } of clients) {
      const message = responseFor(asked, draft);
      const hasEdns = message.edns !== undefined;
      const keeps = mayKeep && message.recursionDesired && !entered.has(hasEdns) && draft.until >= now + 1000;
      const entry = keeps ? entryFor(message, now, draft.until) : undefined;
      entered.add(hasEdns);
      const authenticData = message.authenticData && wantsAuthentic(asked);
      effects.push({ kind: "respond", client, octets: emitDns({ ...message, authenticData }, limitFor(asked)), entry });
    }
  }

  /** The lowest, or the one that was chosen before as long as the name has it: the same for every host. `ulids` is sorted. */
  #choose(name: DnsName, ulids: readonly Ulid[]): Ulid {
    if (ulids.length === 1) return ulids[0];
    const before = this.#choices.get(name);
    const chosen = before !== undefined && ulids.includes(before) ? before : ulids[0];
    this.#choices.delete(name);
    this.#choices.set(name, chosen);
    const [oldest] = this.#choices.keys();
    if (this.#choices.size > CHOICES_MOST) this.#choices.delete(oldest);
    return chosen;
  }
}

/** What a binding teaches; the site's own names need no teaching. */
function learn<Client>(name: DnsName, { ulids, locators, isOurs, ulidAnswer }: Binding, effects: GatewayEffect<Client>[]): void {
  if (isOurs) return;
  const names = [...new Set([name, ulidAnswer.end])];
  for (const ulid of ulids) effects.push({ kind: "learn", ulid, locators, names, until: firstEnd(locators) });
}

function failureDraft(now: Millis): Draft {
  const { rcode, errors } = failure(now, EDE_NETWORK);
  return { ...BARE, rcode, errors };
}
