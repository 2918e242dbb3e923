/**
 * Shim6 machines of several boxes on a wire in virtual time. The wire loses, repeats and delays by a seeded random, or as a
 * test's filter says. Locators decide who gets a packet.
 */
import type { LocatorPair, Shim6, Shim6Effect, Shim6Event, Shim6Options, UlidPair } from "../../runtime/shim6/contract.ts";
import { createShim6 } from "../../runtime/shim6/machine.ts";
import type { Locator, Ulid } from "../../runtime/value/address.ts";
import { emitPacket } from "../../runtime/wire/emit.ts";
import type { Message } from "../../runtime/wire/message.ts";
import { type FakeWorld, fakeIdentity, fakeOptions, fakeWorld, Seeded } from "./shim6world.ts";

export interface Wire {
  /** One way, milliseconds. */
  readonly delay: number;
  /** Added at most, uniformly: packets overtake one another. */
  readonly jitter?: number;
  /** Probabilities. */
  readonly loss?: number;
  readonly repeat?: number;
}

/** A packet on the wire; `nth` counts the packets of its kind so far, from 1. */
export interface Flight {
  readonly source: Locator;
  readonly destination: Locator;
  readonly message: Message;
  readonly nth: number;
  readonly at: number;
}

export class Node {
  readonly name: string;
  readonly ulids: readonly Ulid[];
  readonly locators: readonly Locator[];
  readonly world: FakeWorld;
  readonly options: Shim6Options;
  shim: Shim6;
  /** Effects other than `send`, oldest first. */
  readonly log: { at: number; effect: Exclude<Shim6Effect, { kind: "send" }> }[] = [];

  constructor(name: string, ulids: readonly Ulid[], locators: readonly Locator[], change: Partial<Shim6Options>) {
    this.name = name;
    this.ulids = ulids;
    this.locators = locators;
    this.world = fakeWorld(new Map(ulids.map((ulid) => [ulid, fakeIdentity(name, ulid, locators)])));
    this.options = fakeOptions(change);
    this.shim = createShim6(this.options, this.world);
  }

  /** Forgets everything, as a box that starts anew with a new secret. */
  restart(secret: Uint8Array): void {
    this.shim = createShim6({ ...this.options, secret }, this.world);
  }

  /** Instant of the first `established`, or NaN. */
  get establishedAt(): number {
    return this.log.find(({ effect }) => effect.kind === "established")?.at ?? Number.NaN;
  }

  drops(): string[] {
    return this.log.flatMap(({ effect }) => (effect.kind === "drop" ? [effect.why] : []));
  }
}

interface Due {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export class Net {
  now = 0;
  readonly random: Seeded;
  readonly nodes: Node[] = [];
  /** Every packet that was sent, lost ones too. */
  readonly flights: Flight[] = [];
  wire: Wire;
  /** Whether the wire takes this packet; loss by chance comes after it. */
  passes: (flight: Flight) => boolean = () => true;
  readonly #queue: Due[] = [];
  readonly #counts = new Map<string, number>();
  #order = 0;

  constructor(seed: number, wire: Wire) {
    this.random = new Seeded(seed);
    this.wire = wire;
  }

  add(name: string, ulids: readonly Ulid[], locators: readonly Locator[], change: Partial<Shim6Options> = {}): Node {
    const node = new Node(name, ulids, locators, { secret: this.random.octets(32), ...change });
    this.nodes.push(node);
    return node;
  }

  /** Gives `node` an event now. */
  event(node: Node, event: Shim6Event): void {
    for (const effect of node.shim.step(event, this.now, this.random.octets(32))) {
      if (effect.kind === "send") this.send(effect.source, effect.destination, effect.message);
      else node.log.push({ at: this.now, effect });
    }
  }

  need(node: Node, pair: UlidPair, peer: readonly Locator[]): void {
    const candidates: LocatorPair[] = [];
    for (let i = 0; i < Math.max(node.locators.length, peer.length); i++) {
      candidates.push({ local: node.locators[i % node.locators.length], peer: peer[i % peer.length] });
    }
    this.event(node, { kind: "need", pair, candidates });
  }

  send(source: Locator, destination: Locator, message: Message): void {
    const nth = (this.#counts.get(message.kind) ?? 0) + 1;
    this.#counts.set(message.kind, nth);
    const flight = { source, destination, message, nth, at: this.now };
    this.flights.push(flight);
    const { delay, jitter = 0, loss = 0, repeat = 0 } = this.wire;
    if (!this.passes(flight) || this.random.fraction() < loss) return;
    const copies = this.random.fraction() < repeat ? 2 : 1;
    for (let i = 0; i < copies; i++) this.#at(this.now + delay + jitter * this.random.fraction(), () => this.#arrive(flight));
  }

  #arrive({ source, destination, message }: Flight): void {
    const node = this.nodes.find(({ locators }) => locators.includes(destination));
    if (node === undefined) return;
    this.event(node, { kind: "message", source, destination, message, packet: emitPacket(source, destination, message) });
  }

  #at(at: number, run: () => void): void {
    this.#queue.push({ at, order: this.#order++, run });
  }

  /** Runs arrivals and deadlines in order up to and with `until`, or until `done`. Arrivals come before deadlines of the same instant. */
  run(until: number, done: () => boolean = () => false): void {
    while (!done()) {
      this.#queue.sort((a, b) => a.at - b.at || a.order - b.order);
      const sleeper = this.nodes.reduce((a, b) => (b.shim.wakeAt < a.shim.wakeAt ? b : a));
      const next = this.#queue[0]?.at ?? Number.POSITIVE_INFINITY;
      const at = Math.min(next, sleeper.shim.wakeAt);
      if (at > until) break;
      this.now = Math.max(this.now, at);
      if (next <= sleeper.shim.wakeAt) this.#queue.shift()?.run();
      else this.event(sleeper, { kind: "poll" });
    }
    if (!done()) this.now = Math.max(this.now, until);
  }
}
