/** How much each host may ask: who floods the gateway does not stop the others. */
import type { Address } from "../value/address.ts";
import type { Millis } from "../value/time.ts";
import { Limiter } from "./limiter.ts";

/** Chosen: questions of one host that need the gateway, a second and at once. What was answered before costs nothing of it. */
const QUESTIONS_A_SECOND = 1_000;
const QUESTIONS_AT_ONCE = 1_000;
/** Chosen: questions of one host that wait for upstreams at a time. */
const QUESTIONS_WAITING = 256;
/** Chosen: hosts remembered; who was quiet for the longest time is forgotten. */
const HOSTS_MOST = 8_192;

interface Host {
  readonly limiter: Limiter;
  waiting: number;
}

/** The hosts that have asked lately. */
export class NamesClients {
  readonly #hosts = new Map<Address, Host>();

  get size(): number {
    return this.#hosts.size;
  }

  /** A question of `address`. @returns why it is dropped; `undefined`: it goes on, and {@link done} is told when it is answered */
  ask(address: Address, now: Millis): "flood-dns" | "waiting-dns" | undefined {
    const host = this.#hosts.get(address) ?? { limiter: new Limiter(QUESTIONS_A_SECOND, QUESTIONS_AT_ONCE), waiting: 0 };
    // To the end: the order is that of asking.
    this.#hosts.delete(address);
    this.#hosts.set(address, host);
    const [oldest] = this.#hosts.keys();
    if (this.#hosts.size > HOSTS_MOST) this.#hosts.delete(oldest);
    if (!host.limiter.allow(now)) return "flood-dns";
    if (host.waiting >= QUESTIONS_WAITING) return "waiting-dns";
    host.waiting++;
    return undefined;
  }

  /** A question of `address` was answered. */
  done(address: Address): void {
    const host = this.#hosts.get(address);
    if (host !== undefined && host.waiting > 0) host.waiting--;
  }
}
