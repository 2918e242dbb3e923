/**
 * Who may ask over TCP. On loopback anybody may read, for whoever runs a program here may look; on any other address, and for everything that
 * changes something, a token is wanted. Nothing is said to browsers of other origins (no CORS), and on loopback a name that is none of ours in
 * Host is refused: it would be a page of somebody's that had its own name point here (DNS rebinding).
 */
import { addressOctets, parseAddress } from "../value/address.ts";
import type { Millis } from "../value/time.ts";
import { refuse } from "./problem.ts";

/** What a guard works with. */
export interface GuardParts {
  readonly fetch: (request: Request) => Response | Promise<Response>;
  /** Whether this is the token; takes as long for a wrong one. */
  readonly isToken: (text: string) => boolean;
  /** Whether only programs on this machine can reach us. */
  readonly isLoopback: boolean;
  /** Whether anybody may read what is at `path`, wherever we listen; absent = nothing is. */
  readonly isOpen?: (path: string) => boolean;
  readonly now: () => Millis;
  readonly count: (counter: string) => void;
}

// Chosen: a dashboard and some scripts are far below it, guesses at a token get nowhere.

/** Requests of one client in the long run, a second, and at once. */
export const CLIENT_RATE = 50;
export const CLIENT_BURST = 200;
/** Of all clients together. */
const TOTAL_RATE = 500;
const TOTAL_BURST = 1_000;
/** What a wrong token costs, in requests. */
const WRONG_COSTS = 20;
/** Clients remembered; the one not seen for longest is forgotten. */
export const CLIENTS = 1_024;
const NETWORK_OCTETS = 8;

/** A handler for requests that come over TCP; `client` is the address that they come from. */
export function guarded(parts: GuardParts): (request: Request, client?: string) => Promise<Response> {
  const clients = new Buckets(CLIENT_RATE, CLIENT_BURST, CLIENTS);
  const total = new Buckets(TOTAL_RATE, TOTAL_BURST, 1);
  return async (request, client = "") => {
    const key = clientKey(client);
    const now = parts.now();
    if (!clients.take(key, 1, now) || !total.take("", 1, now)) {
      parts.count("drop-rate-api");
      return refuse(429, "too many requests", { headers: { "retry-after": "1" } });
    }
    if (parts.isLoopback && !isOwnHost(request.headers.get("host") ?? "")) {
      parts.count("drop-host-api");
      return refuse(421, "Host must be an address or localhost");
    }
    const said = request.headers.get("authorization");
    const isReading = request.method === "GET" || request.method === "HEAD";
    const isOpen = parts.isLoopback || (parts.isOpen?.(new URL(request.url).pathname) ?? false);
    const needed = !isReading || !isOpen;
    const token = said?.match(/^bearer +(\S+) *$/i)?.[1];
    const isRight = token !== undefined && parts.isToken(token);
    if (!isRight && (needed || said !== null)) {
      parts.count("drop-token-api");
      clients.take(key, WRONG_COSTS, now);
      const error = said === null ? "" : ', error="invalid_token"';
      return refuse(401, said === null ? "this needs the token" : "that is not the token", {
        headers: { "www-authenticate": `Bearer realm="pshim6"${error}` },
      });
    }
    return parts.fetch(request);
  };
}

/** An address, in brackets or not, or `localhost`; any port. */
function isOwnHost(host: string): boolean {
  const name = host.replace(/:\d{1,5}$/, "").toLowerCase();
  if (name === "localhost" || /^127(\.\d{1,3}){3}$/.test(name)) return true;
  return name.startsWith("[") && name.endsWith("]") && parseAddress(name.slice(1, -1)) !== undefined;
}

/** Clients of one IPv6 network (64 bits) are one: each of them has addresses without number. Programs on this machine are one, too. */
function clientKey(client: string): string {
  const address = parseAddress(client.replace(/%.*$/, ""));
  if (address === undefined || address.startsWith("::")) return client;
  return addressOctets(address).subarray(0, NETWORK_OCTETS).join(".");
}

/** A token bucket for each of so many keys. */
export class Buckets {
  readonly #rate: number;
  readonly #burst: number;
  readonly #most: number;
  /** The key not seen for longest first. */
  readonly #buckets = new Map<string, { left: number; at: Millis }>();

  /** @param rate a second; `burst` at once, for each of `most` keys */
  constructor(rate: number, burst: number, most: number) {
    this.#rate = rate;
    this.#burst = burst;
    this.#most = most;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Takes `cost` out of the bucket of `key`, as far as there is so much. @returns whether there was */
  take(key: string, cost: number, now: Millis): boolean {
    const { left, at } = this.#buckets.get(key) ?? { left: this.#burst, at: now };
    const filled = Math.min(this.#burst, left + (Math.max(0, now - at) * this.#rate) / 1_000);
    this.#buckets.delete(key);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size >= this.#most && oldest !== undefined) this.#buckets.delete(oldest);
    this.#buckets.set(key, { left: Math.max(0, filled - cost), at: now });
    return filled >= cost;
  }
}
