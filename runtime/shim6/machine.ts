/** The Shim6 machine: events in, effects out (RFC 5533 §7 to §12). Each kind of event has its own file; this one only sends it there. */
import type { Locator } from "../value/address.ts";
import type { ContextTag } from "../value/tag.ts";
import type { Millis } from "../value/time.ts";
import { POLL_BATCH } from "./constants.ts";
import { type Context, isNegative, viewOf } from "./context.ts";
import {
  type ContextGlance,
  type ContextView,
  type Shim6,
  type Shim6Effect,
  type Shim6Event,
  type Shim6Options,
  type Shim6World,
  STEP_RANDOM_OCTETS,
  type UlidPair,
} from "./contract.ts";
import { Engine } from "./engine.ts";
import { receiveError } from "./failure.ts";
import { need, receiveR1, receiveR2, retransmit, unsupported } from "./initiator.ts";
import type { Received } from "./receive.ts";
import { receiveR1bis, receiveStrayPayload, receiveTagged } from "./recovery.ts";
import { identityChanged, relistSome } from "./relist.ts";
import { receiveI1, receiveI2 } from "./responder.ts";
import { retransmitUpdate, serveWaiting } from "./update.ts";

/**
 * A machine without contexts. `options.secret` is copied.
 * @throws {RangeError} if capacity, tag bits or the secret's length are out of range
 */
export function createShim6(options: Shim6Options, world: Shim6World): Shim6 {
  requireRange("capacity", options.capacity, 1, 2 ** 30);
  requireRange("tagBits", options.tagBits, 1, 47);
  requireRange("octets of secret", options.secret.length, 32, 64);
  const { siteShare } = options;
  if (siteShare !== undefined && !(siteShare > 0 && siteShare <= 1)) throw new RangeError(`siteShare: ${siteShare} is not above 0 up to 1`);
  return new Machine(new Engine(options, world));
}

class Machine implements Shim6 {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  get wakeAt(): Millis {
    return this.#engine.wakeAt;
  }

  get untold(): number {
    return this.#engine.untold;
  }

  step(event: Shim6Event, now: Millis, random: Uint8Array): Shim6Effect[] {
    requireRange("random octets", random.length, STEP_RANDOM_OCTETS, Number.MAX_SAFE_INTEGER);
    const engine = this.#engine;
    engine.begin(now, random);
    dispatch(engine, event);
    serveWaiting(engine);
    return engine.effects;
  }

  *contexts(): IterableIterator<ContextView> {
    for (const context of this.#engine.table.all()) yield viewOf(context);
  }

  glances(): Iterable<ContextGlance> {
    return this.#engine.table.all();
  }

  each(look: (glance: ContextGlance) => void): void {
    for (const context of this.#engine.table.all()) look(context);
  }

  get size(): number {
    return this.#engine.table.size;
  }

  get(id: number): ContextView | undefined {
    return maybeView(this.#engine.table.byId(id));
  }

  has(id: number): boolean {
    return this.#engine.table.byId(id) !== undefined;
  }

  find(pair: UlidPair): ContextView | undefined {
    return maybeView(this.#engine.table.byPair(pair));
  }

  findTag(tag: ContextTag): ContextView | undefined {
    return maybeView(this.#engine.table.byTag(tag));
  }

  findPeerTag(tag: ContextTag, locator: Locator): ContextView | undefined {
    return maybeView(this.#engine.table.byPeer(tag, locator));
  }
}

function dispatch(engine: Engine, event: Shim6Event): void {
  switch (event.kind) {
    case "need":
      need(engine, event.pair, event.candidates);
      break;
    case "message":
      receive(engine, event);
      break;
    case "stray-payload":
      receiveStrayPayload(engine, event.source, event.destination, event.tag);
      break;
    case "unsupported":
      unsupported(engine, engine.table.byTag(event.localTag), { local: event.source, peer: event.destination });
      break;
    case "discard":
      discard(engine, event.id);
      break;
    case "identity":
      identityChanged(engine, event.local, event.gently);
      break;
    case "poll":
      relistSome(engine);
      poll(engine);
      break;
  }
}

function receive(engine: Engine, received: Received): void {
  const { message } = received;
  switch (message.kind) {
    case "I1":
      receiveI1(engine, received, message);
      break;
    case "R1":
      receiveR1(engine, received, message);
      break;
    case "I2":
    case "I2bis":
      receiveI2(engine, received, message);
      break;
    case "R2":
      receiveR2(engine, received, message);
      break;
    case "R1bis":
      receiveR1bis(engine, received, message);
      break;
    case "UpdateRequest":
    case "UpdateAck":
    case "Keepalive":
    case "Probe":
      receiveTagged(engine, received, message);
      break;
    case "Error":
      receiveError(engine, received.source, received.destination, message);
      break;
  }
}

/** No message ends a context (RFC 5533 §9): each side forgets by itself. */
function discard(engine: Engine, id: number): void {
  const context = engine.table.byId(id);
  if (context === undefined) engine.drop("late-discard");
  else engine.remove(context, "idle");
}

function poll(engine: Engine): void {
  for (let i = 0; i < POLL_BATCH; i++) {
    const context = engine.deadlines.take(engine.now);
    if (context === undefined) return;
    expire(engine, context);
  }
}

function expire(engine: Engine, context: Context): void {
  if (isNegative(context)) engine.remove(context, "expired");
  else if (context.setup !== undefined) retransmit(engine, context, context.setup);
  else if (context.update !== undefined) retransmitUpdate(engine, context, context.update);
}

function maybeView(context: Context | undefined): ContextView | undefined {
  return context === undefined ? undefined : viewOf(context);
}

function requireRange(name: string, value: number, low: number, high: number): void {
  if (!Number.isInteger(value) || value < low || value > high) throw new RangeError(`${name}: ${value} is not in ${low} … ${high}`);
}
