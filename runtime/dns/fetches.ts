/** Questions under way to upstreams, each once however many wait for it, and what was kept of the answers. */
import { type Millis, NEVER } from "../value/time.ts";
import type { DnsMessage, DnsName } from "../wire/dns.ts";
import type { GatewayEffect, GatewaySettings } from "./contract.ts";
import { EDE_NETWORK, failure, type Known, KnownCache, knownOf, staleOf } from "./known.ts";

/** Chosen: questions under way at most, and questions of one job at most: aliases of several types. */
export const FETCHES_MOST = 8_192;
export const FETCHES_PER_JOB = 48;
/** Chosen: longer than an upstream machine tries; after it nobody waits any more. */
export const FETCH_LIFE: Millis = 10_000;

/** One question to upstreams. */
export interface Sought {
  /** Lower case. */
  readonly name: DnsName;
  readonly type: number;
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
}

/** Who waits. */
interface Waiting {
  readonly heard: Map<string, Known>;
  readonly impatient: boolean;
}

interface Fetch<Job> {
  readonly id: number;
  readonly key: string;
  readonly type: number;
  readonly checkingDisabled: boolean;
  readonly startedAt: Millis;
  readonly jobs: Set<Job>;
}

/** What a fetch came to. */
export interface Heard<Job> {
  readonly key: string;
  readonly known: Known;
  readonly jobs: readonly Job[];
}

/** The fetches of a gateway. */
export class Fetches<Job extends Waiting> {
  #settings: GatewaySettings;
  #cache: KnownCache;
  readonly #byId = new Map<number, Fetch<Job>>();
  readonly #byKey = new Map<string, Fetch<Job>>();
  readonly #ofJob = new Map<Job, Set<Fetch<Job>>>();
  #nextId = 1;

  constructor(settings: GatewaySettings) {
    this.#settings = settings;
    this.#cache = new KnownCache(settings.cache);
  }

  get waiting(): number {
    return this.#byId.size;
  }

  get kept(): number {
    return this.#cache.size;
  }

  get wakeAt(): Millis {
    const [oldest] = this.#byId.values();
    return oldest === undefined ? NEVER : oldest.startedAt + FETCH_LIFE;
  }

  /** What was kept is forgotten if it would be read otherwise, or has no room. */
  configure(settings: GatewaySettings): void {
    const { ulidType, cache } = this.#settings;
    this.#settings = settings;
    if (settings.ulidType !== ulidType || settings.cache !== cache) this.#cache = new KnownCache(settings.cache);
  }

  /**
   * What is known, to `job` or at all; else it is asked for, and `job` hears of it.
   * @param mayFetch otherwise only what is kept counts
   * @returns `undefined` = not yet
   */
  ask<Client>(job: Job, sought: Sought, mayFetch: boolean, now: Millis, effects: GatewayEffect<Client>[]): Known | undefined {
    const key = `${sought.name}/${sought.type}/${sought.dnssecOk ? 1 : 0}${sought.checkingDisabled ? 1 : 0}`;
    const heard = job.heard.get(key) ?? this.#cache.get(key, now);
    if (heard !== undefined) {
      job.heard.set(key, heard);
      return heard;
    }
    if (!mayFetch) return undefined;
    if (job.impatient && sought.type === this.#settings.ulidType) return this.#remember(job, key, failure(now, EDE_NETWORK));
    const running = this.#byKey.get(key);
    if (running !== undefined) {
      this.#join(job, running);
      return undefined;
    }
    if (this.#byId.size >= FETCHES_MOST || job.heard.size + (this.#ofJob.get(job)?.size ?? 0) >= FETCHES_PER_JOB) {
      effects.push({ kind: "drop", why: "busy-dns" });
      return this.#remember(job, key, failure(now, EDE_NETWORK));
    }
    const fetch = { ...sought, id: this.#nextId++, key, startedAt: now, jobs: new Set<Job>() };
    this.#byId.set(fetch.id, fetch);
    this.#byKey.set(key, fetch);
    this.#join(job, fetch);
    effects.push({ kind: "fetch", id: fetch.id, ...sought });
    return undefined;
  }

  /**
   * An answer, or that there is none: then an old one serves (RFC 8767 §4). What has CD set was not validated, and is not kept.
   * @returns `undefined` if nobody waits for that any more
   */
  hear(id: number, message: DnsMessage | undefined, now: Millis): Heard<Job> | undefined {
    const fetch = this.#byId.get(id);
    if (fetch === undefined) return undefined;
    this.#forget(fetch);
    const { key, checkingDisabled } = fetch;
    const known =
      message === undefined ? this.#withoutAnswer(key, now) : knownOf(message, now, checkingDisabled ? undefined : this.#settings.ulidType);
    if (!checkingDisabled) this.#cache.put(key, known);
    return { key, known, jobs: [...fetch.jobs] };
  }

  /** Fetches that nobody answered for longer than {@link FETCH_LIFE}. */
  abandon(now: Millis): Heard<Job>[] {
    const abandoned: Heard<Job>[] = [];
    for (const { id, startedAt } of this.#byId.values()) {
      if (startedAt + FETCH_LIFE > now) break;
      const heard = this.hear(id, undefined, now);
      if (heard !== undefined) abandoned.push(heard);
    }
    return abandoned;
  }

  /** Whether `job` waits for ULIDs and for nothing else. */
  waitsForUlids(job: Job): boolean {
    const joined = [...(this.#ofJob.get(job) ?? [])];
    return joined.length > 0 && joined.every(({ type }) => type === this.#settings.ulidType);
  }

  /** `job` waits for nothing any more. What is under way goes on, for the next one who asks. */
  leave(job: Job): void {
    for (const fetch of this.#ofJob.get(job) ?? []) fetch.jobs.delete(job);
    this.#ofJob.delete(job);
  }

  #withoutAnswer(key: string, now: Millis): Known {
    const old = this.#cache.old(key, now);
    return old === undefined ? failure(now, EDE_NETWORK) : staleOf(old, now);
  }

  #remember(job: Job, key: string, known: Known): Known {
    job.heard.set(key, known);
    return known;
  }

  #join(job: Job, fetch: Fetch<Job>): void {
    fetch.jobs.add(job);
    const joined = this.#ofJob.get(job);
    if (joined === undefined) this.#ofJob.set(job, new Set([fetch]));
    else joined.add(fetch);
  }

  #forget(fetch: Fetch<Job>): void {
    this.#byId.delete(fetch.id);
    this.#byKey.delete(fetch.key);
    for (const job of fetch.jobs) this.#ofJob.get(job)?.delete(fetch);
  }
}
