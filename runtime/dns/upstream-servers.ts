/** The resolvers: whose turn it is, and what was learnt of each. */
import type { Millis } from "../value/time.ts";
import type { DnsName } from "../wire/dns.ts";
import { isBelow, labelsOf } from "../wire/dns-name.ts";
import type { AskStyle } from "./upstream-query.ts";

/** A resolver as the operator names it. */
export interface UpstreamServer {
  readonly host: string;
  readonly port: number;
  /** Names at and below these are asked there and nowhere else; empty = everything. */
  readonly domains: readonly string[];
}

/** Chosen: failures in a row after which a server rests, and for how long: doubled with every further one, up to the longest. */
export const FAILURES_TO_REST = 2;
export const REST_FIRST: Millis = 1_000;
export const REST_LONGEST: Millis = 60_000;
/** Chosen: for so long a server is asked without EDNS, or in plain spelling, that could not do it. */
export const STYLE_HOLD: Millis = 900_000;

/** What is known of one resolver. */
export class Server {
  readonly host: string;
  readonly port: number;
  readonly domains: readonly DnsName[];
  /** A question was sent to see whether it is well again. */
  probed = false;
  #failures = 0;
  #restUntil: Millis = 0;
  #plainUntil: Millis = 0;
  #foldsUntil: Millis = 0;

  constructor({ host, port, domains }: UpstreamServer) {
    this.host = host;
    this.port = port;
    this.domains = domains as readonly DnsName[];
  }

  /** Whether it failed too often lately, or is not proved to be well again. */
  isIll(): boolean {
    return this.#failures >= FAILURES_TO_REST;
  }

  /** Whether an ill one should be tried again. */
  isRested(now: Millis): boolean {
    return now >= this.#restUntil;
  }

  get restUntil(): Millis {
    return this.#restUntil;
  }

  style(now: Millis): AskStyle {
    return { edns: now >= this.#plainUntil, mixed: now >= this.#foldsUntil };
  }

  /** It answered. */
  recover(): void {
    this.#failures = 0;
    this.#restUntil = 0;
    this.probed = false;
  }

  /** It did not. */
  fail(now: Millis): void {
    this.#failures++;
    this.probed = false;
    const doublings = this.#failures - FAILURES_TO_REST;
    if (doublings >= 0) this.#restUntil = now + Math.min(REST_LONGEST, REST_FIRST * 2 ** Math.min(doublings, 16));
  }

  /** It answered without EDNS what it refused with it. */
  setPlain(now: Millis): void {
    this.#plainUntil = now + STYLE_HOLD;
  }

  /** It was seen, where nobody can forge it, to change the case of letters. */
  setFolds(now: Millis): void {
    this.#foldsUntil = now + STYLE_HOLD;
  }
}

/** Those for `name`: of the longest domain that holds it, else those without domains, in the operator's order. */
export function serversFor(servers: readonly Server[], name: DnsName): readonly Server[] {
  let longest = 0;
  let chosen: Server[] = [];
  for (const server of servers) {
    const length =
      server.domains.length === 0
        ? 0
        : Math.max(...server.domains.map((domain) => (isBelow(name, domain) ? 1 + labelsOf(domain).length : -1)));
    if (length < longest) continue;
    if (length > longest) chosen = [];
    longest = length;
    chosen.push(server);
  }
  return chosen;
}

/** The order in which they are asked at `now`: the well ones as they stand, then the ill ones, the first to have rested first. */
export function inOrder(servers: readonly Server[]): readonly Server[] {
  const ill = servers.filter((server) => server.isIll());
  if (ill.length === 0) return servers;
  return [...servers.filter((server) => !server.isIll()), ...ill.sort((a, b) => a.restUntil - b.restUntil)];
}
