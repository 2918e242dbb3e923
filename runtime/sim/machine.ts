/**
 * The machine that a box runs on: its clock, its TUN, its process, which can be killed, started, stopped and continued. The box in it
 * is the real one, over the real core.
 */
import { assembleBox, type BoxSite, reconfigureBox } from "../box/assemble.ts";
import type { Box } from "../box/box.ts";
import { Release } from "../box/release.ts";
import type { CoreSizes } from "../fast/contract.ts";
import { createCore, HASH_KEY_OCTETS } from "../fast/core.ts";
import { openLane } from "../fast/lane.ts";
import { EVERY_FLOW, type PolicyRule } from "../policy/rule.ts";
import type { Log } from "../port/log.ts";
import type { Locator, Ulid } from "../value/address.ts";
import { type Prefix, showPrefix } from "../value/prefix.ts";
import { type Millis, NEVER } from "../value/time.ts";
import type { SimClock, SimOutside, SimPlane } from "./outside.ts";
import { GENERIC } from "./people.ts";
import { Violation } from "./violation.ts";

/** What a machine is given. */
export interface MachineParts {
  readonly outside: SimOutside;
  readonly site: number;
  readonly settings: BoxSite & Required<Pick<BoxSite, "tun">> & { readonly providers: readonly { readonly prefix: Prefix }[] };
  readonly ulids: Prefix;
  readonly key: Uint8Array;
  readonly crypto: SimOutside["crypto"];
  readonly pdsOf: (ulid: Ulid) => Uint8Array | undefined;
  /** What the clock shows when the world begins, and what it is off the calendar. */
  readonly clock: Millis;
  /** A seed for the octets that incarnation number `incarnation` draws. */
  readonly entropySeed: (incarnation: number) => number;
  /** A packet that the box wrote; the kernel routes it on. */
  readonly written: (packet: Uint8Array) => void;
  /** The box says something: its contexts have changed. */
  readonly told: (text: string) => void;
}

const BATCH = 8;
const SLOT_OCTETS = 2048;
const PUNT_OCTETS = 65_536;
/** Packets that the TUN keeps for a process that does not read (its txqueuelen). */
const QUEUE_PACKETS = 500;
/** More wake-ups than this without time passing are a loop. */
const WAKES_AT_ONCE = 2_000;
/** 2026-01-01. */
const WALL_START = 1_767_225_600_000;

const silent = (): void => undefined;
const SILENT: Log = { debug: silent, info: silent, warn: silent, error: silent };

/** One incarnation of the box. */
export interface Running {
  readonly box: Box;
  readonly plane: SimPlane;
  /** Locators from which, or about which, this incarnation heard. */
  readonly answered: Set<Locator>;
  readonly since: Millis;
}

/** A machine at a site. */
export class Machine {
  readonly site: number;
  /** Changes whenever the box says something. */
  version = 0;
  running: Running | undefined;
  incarnation = 0;
  stopped = false;
  /** The calendar is off by so much. */
  wall = 0;
  readonly #parts: MachineParts;
  readonly #clock: SimClock;
  readonly #queue: Uint8Array[] = [];
  /** What the clock calls next. */
  #wake: (() => void) | undefined;
  #wakes = 0;
  #wokeAt: Millis = -1;

  constructor(parts: MachineParts) {
    this.#parts = parts;
    this.site = parts.site;
    this.#clock = parts.outside.clock(parts.clock);
  }

  /** Starts the box, with a fresh core and no memory of earlier ones. */
  async start(now: Millis): Promise<void> {
    const { outside, settings, ulids, key, crypto, pdsOf, entropySeed, written } = this.#parts;
    this.#leap(now);
    const entropy = outside.entropy(entropySeed(this.incarnation));
    const sizes: CoreSizes = { contexts: settings.contexts.max, lanes: 2, batch: BATCH, slotOctets: SLOT_OCTETS, puntOctets: PUNT_OCTETS };
    const core = await createCore(outside.module, sizes, {
      hashKey: entropy.bytes(HASH_KEY_OCTETS),
      now: this.#clock.now(),
      mtu: settings.tun.mtu,
    });
    core.setPrefixes({ ulid: ulids, generic: GENERIC, locators: settings.providers.map(({ prefix }) => prefix) });
    const lane = await openLane(core.shared, 0);
    const plane = outside.plane({ core, lane, now: () => this.#clock.now(), deliver: written });
    const octets = new Uint8Array(core.shared.memory.buffer);
    const release = new Release(await openLane(core.shared, 1), octets, BATCH, (packet) => plane.send(packet));
    const box = assembleBox(settings, {
      core,
      clock: {
        now: () => this.#clock.now(),
        wall: () => WALL_START + this.wall + this.#clock.now() - this.#parts.clock,
        wakeAt: (at, run) => this.#wakeAt(at, run),
      },
      entropy,
      crypto,
      log: SILENT,
      heard: ({ text }) => {
        this.version++;
        this.#parts.told(text);
      },
      // As runtime/box/start-box.ts has it: the calendar's seconds.
      generation: Math.floor(this.#wall() / 1000) >>> 0,
      privateKey: key,
      pdsOf,
      send: (packet) => plane.send(packet),
      release: (packets, at) => release.run(packets, at),
      failed: (error) => {
        throw error;
      },
    });
    const fail = (error: Error): never => {
      throw error;
    };
    plane.start({ punt: (packet, reason, context) => box.punt(packet, reason, context), activity: () => box.activity(), failed: fail });
    this.running = { box, plane, answered: new Set(), since: now };
    this.version++;
  }

  /** The site's rules prefer the provider at `place` from now on; `undefined` = there are none. */
  steer(place: number | undefined): void {
    const { settings } = this.#parts;
    const named = settings.providers.map((provider, i) => ({ ...provider, name: String(i) }));
    const policy: PolicyRule[] =
      place === undefined ? [] : [{ name: "drawn", match: EVERY_FLOW, use: { kind: "prefer", providers: [String(place)] } }];
    if (this.running !== undefined) reconfigureBox(this.running.box, { ...settings, providers: named, policy });
  }

  /** The provider at `place` is drained from now on, and no other. */
  drain(place: number | undefined): void {
    const drained = place === undefined ? [] : [showPrefix(this.#parts.settings.providers[place].prefix)];
    this.running?.box.moves.set(new Set(drained));
  }

  /** The process is gone, with everything it knew. */
  kill(): void {
    this.#setWake(NEVER, undefined);
    this.running = undefined;
    this.stopped = false;
    this.#queue.length = 0;
    this.incarnation++;
    this.version++;
  }

  /** The process neither reads nor wakes up. */
  stop(): void {
    if (this.running !== undefined) this.stopped = true;
  }

  /** It goes on: what its TUN kept, and every timer that fell due, in either order. */
  resume(now: Millis, timersFirst: boolean): void {
    if (!this.stopped || this.running === undefined) return;
    this.stopped = false;
    const [due, wake] = [this.#clock.due(), this.#wake];
    if (!timersFirst) this.#setWake(NEVER, undefined);
    this.#leap(now);
    this.running.plane.receive(...this.#queue.splice(0));
    // If the packets led to no new plan, the old one holds.
    if (!timersFirst && this.#wake === undefined) this.#setWake(due, wake);
    this.#leap(now);
  }

  /** When this machine wants to be woken, in the world's time. */
  get due(): Millis {
    return this.running === undefined || this.stopped ? NEVER : this.#clock.due() - this.#parts.clock;
  }

  /** Time has come to `now`, which is not before {@link due}. */
  tick(now: Millis): void {
    this.#leap(now, this.#clock.due());
  }

  /** The kernel has a packet for the TUN. @returns `false` when nobody will ever read it */
  receive(now: Millis, packet: Uint8Array): boolean {
    if (this.running === undefined) return false;
    if (this.stopped) {
      if (this.#queue.length >= QUEUE_PACKETS) return false;
      this.#queue.push(packet);
      return true;
    }
    this.#leap(now);
    this.running.plane.receive(packet);
    return true;
  }

  /** The instant `at` of the world on this machine's clock. */
  local(at: Millis): Millis {
    return at + this.#parts.clock;
  }

  #wall(): number {
    return WALL_START + this.wall + this.#clock.now() - this.#parts.clock;
  }

  #leap(now: Millis, atLeast: Millis = -NEVER): void {
    const local = Math.max(this.#clock.now(), this.local(now));
    this.#clock.leapTo(atLeast === NEVER ? local : Math.max(local, atLeast));
  }

  #wakeAt(at: Millis, run: () => void): void {
    this.#setWake(at, () => {
      const now = this.#clock.now();
      this.#wakes = now === this.#wokeAt ? this.#wakes + 1 : 0;
      this.#wokeAt = now;
      if (this.#wakes > WAKES_AT_ONCE)
        throw new Violation("busy", now - this.#parts.clock, `the box of site ${this.site} wakes up again and again`);
      run();
    });
  }

  #setWake(at: Millis, wake: (() => void) | undefined): void {
    this.#wake = wake;
    this.#clock.wakeAt(at, wake ?? (() => undefined));
  }
}
