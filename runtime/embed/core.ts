import { DUE_IDLE, DUE_KEEPALIVE, DUE_KEEPALIVE_LAST, DUE_RECEIVED, DUE_SEND_TIMEOUT } from "../../core-as/layout/due.ts";
import { NO_CONTEXT } from "../../core-as/layout/record.ts";
import * as verdict from "../../core-as/layout/verdict.ts";
import type { Core, CoreSizes } from "../fast/contract.ts";
import { createCore as createFast, HASH_KEY_OCTETS } from "../fast/core.ts";
import { openLane as openFast } from "../fast/lane.ts";
import { slotFor } from "../fast/plan.ts";
import type {
  ContextKey,
  ContextUpdate,
  ContextValues,
  CoreSettings,
  DueKind,
  EmbeddedCore,
  Forward,
  PacketLane,
  PuntReason,
  SharedLanes,
  SitePrefixes,
  TakePunt,
  Traffic,
} from "./contract.ts";
import { CoreError } from "./error.ts";
import { packetLane } from "./lane.ts";
import { moduleFor } from "./module.ts";
import { readAddress, readFork, readPrefixes, readTag, readUpdate, readValues } from "./read.ts";

const CONTEXTS = 1024;
const BATCH = 64;
const PACKET_OCTETS = 2048;
const PACKET_OCTETS_MIN = 1280;
const PACKET_OCTETS_MAX = 65_575;
const PUNT_OCTETS = 262_144;
const DUE_LIMIT = 256;

const PUNTS: ReadonlyMap<number, PuntReason> = new Map([
  [verdict.PUNT_NO_CONTEXT, "punt-no-context"],
  [verdict.PUNT_CONTROL, "punt-control-shim6"],
  [verdict.PUNT_NO_TAG, "punt-no-tag-shim6"],
  [verdict.PUNT_HOLD, "punt-hold"],
  [verdict.PUNT_ICMP6, "punt-icmp6"],
  [verdict.PUNT_ROUTER, "punt-router-icmp6"],
  [verdict.PUNT_BIG, "punt-big"],
]);

const DUE: ReadonlyMap<number, DueKind> = new Map([
  [DUE_SEND_TIMEOUT, "send-timeout"],
  [DUE_KEEPALIVE, "keepalive"],
  [DUE_KEEPALIVE_LAST, "keepalive-last"],
  [DUE_RECEIVED, "received"],
  [DUE_IDLE, "idle"],
]);

/**
 * Makes a core of its own. `octets` is dist/core.wasm, for shared memory.
 * @throws {CoreError} `option`, `prefix`, `memory`, `module`
 */
export async function embedCore(octets: Uint8Array<ArrayBuffer>, settings: CoreSettings): Promise<EmbeddedCore> {
  const { contexts = CONTEXTS, batch = BATCH, packetOctets = PACKET_OCTETS, puntOctets = PUNT_OCTETS, lanes = 1 } = settings;
  const { mtu, mss, passRouting, puntOther, now = 0, hashKey = randomKey(), shared = lanes > 1 } = settings;
  if (!(packetOctets >= PACKET_OCTETS_MIN && packetOctets <= PACKET_OCTETS_MAX))
    throw new CoreError("option", `packetOctets: ${packetOctets} is not in ${PACKET_OCTETS_MIN} … ${PACKET_OCTETS_MAX}`);
  if (lanes > 1 && !shared) throw new CoreError("memory", `${lanes} lanes need shared memory`);
  if (lanes > 1 && Reflect.get(globalThis, "crossOriginIsolated") === false)
    throw new CoreError("memory", "a page shares memory with its workers only when it is cross-origin isolated");
  const prefixes = readPrefixes(settings.prefixes);
  const sizes: CoreSizes = { contexts, batch, puntOctets, lanes, slotOctets: slotFor(Math.ceil(packetOctets)) };
  const module = await moduleFor(octets, shared, settings.wasm);
  const core = await open(() =>
    createFast(module, sizes, {
      hashKey,
      now,
      shared,
      ...(mtu === undefined ? {} : { mtu }),
      ...(mss === undefined ? {} : { mss }),
      ...(passRouting === undefined ? {} : { passRouting }),
      ...(puntOther === undefined ? {} : { puntOther }),
    }),
  );
  translated(() => core.setPrefixes(prefixes));
  const { memory } = core.shared;
  return new Embedded({ core, lane: packetLane(await openFast(core.shared, 0), new Uint8Array(memory.buffer), batch) });
}

function randomKey(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(HASH_KEY_OCTETS));
}

async function open(make: () => Promise<Core>): Promise<Core> {
  try {
    return await make();
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    // A memory that cannot be had is a RangeError, too; those of ours name what was wrong.
    if (cause instanceof RangeError && /^\w+: /.test(said)) throw new CoreError("option", said, cause);
    if (cause instanceof WebAssembly.LinkError) throw new CoreError("module", "`wasm` is made for another kind of memory", cause);
    throw new CoreError("memory", `the core's memory cannot be had: ${said}`, cause);
  }
}

/** What the core refuses, as an error of ours. */
function translated<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    const code = cause.message.includes("in the table already")
      ? "taken"
      : cause.message.includes("is not in the table")
        ? "unknown"
        : "option";
    throw new CoreError(code, cause.message, cause);
  }
}

interface Parts {
  readonly core: Core;
  readonly lane: PacketLane;
}

class Embedded implements EmbeddedCore {
  #parts: Parts | undefined;
  /** Ids that were in use and are free again; above {@link #next} all are. */
  readonly #free: number[] = [];
  readonly #live = new Set<number>();
  #next = 0;
  /** The latest instant of a batch. */
  #now = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get shared(): SharedLanes {
    return this.#open().core.shared;
  }

  get lane(): PacketLane {
    return this.#open().lane;
  }

  setPrefixes(prefixes: SitePrefixes): void {
    const { core } = this.#open();
    translated(() => core.setPrefixes(readPrefixes(prefixes)));
  }

  addContext(values: ContextValues, now: number): number {
    const { core } = this.#open();
    const record = readValues(values);
    const id = this.#free.at(-1) ?? this.#next;
    if (id >= core.shared.sizes.contexts) throw new CoreError("full", `${core.shared.sizes.contexts} contexts are in the table`);
    translated(() => core.add(id, record, now));
    if (this.#free.pop() === undefined) this.#next++;
    this.#live.add(id);
    return id;
  }

  updateContext(id: number, change: ContextUpdate, now: number): void {
    const { core } = this.#open();
    const parts = readUpdate(change);
    translated(() => core.update(id, parts, now));
    if (change.hold !== undefined) core.hold(id, change.hold);
    if (change.watch !== undefined) core.watch(id, change.watch);
  }

  removeContext(id: number): void {
    const { core } = this.#open();
    if (!this.#live.delete(id)) return;
    core.remove(id);
    this.#free.push(id);
  }

  findContext(key: ContextKey): number | undefined {
    const { core } = this.#open();
    const id =
      "localTag" in key
        ? core.findTag(readTag("localTag", key.localTag))
        : core.findPair(readAddress("localUlid", key.localUlid), readAddress("peerUlid", key.peerUlid), readFork(key.fork));
    return id === NO_CONTEXT ? undefined : id;
  }

  run(packets: readonly Uint8Array[], now: number, forward: Forward): number {
    const { lane } = this.#open();
    const { memory, slots, lengths, batch, packetOctets } = lane;
    this.#now = Math.max(this.#now, now);
    let forwarded = 0;
    for (let from = 0; from < packets.length; from += batch) {
      const count = Math.min(batch, packets.length - from);
      for (let slot = 0; slot < count; slot++) {
        const packet = packets[from + slot];
        // What is too long is dropped by its length and counted: nobody reads the octets.
        if (packet.length <= packetOctets) memory.set(packet, slots[slot]);
        lengths[slot] = packet.length;
      }
      forwarded += lane.run(count, now, (offset, octets, direction, slot) => {
        forward(memory.subarray(offset, offset + octets), direction, from + slot);
      });
    }
    return forwarded;
  }

  takePunts(limit: number, take: TakePunt): number {
    return this.#open().core.drainPunts(limit, (packet, reason, context) =>
      take(packet, PUNTS.get(reason) ?? "punt-other", context === NO_CONTEXT ? undefined : context),
    );
  }

  advance(now: number, due: (id: number, kind: DueKind) => void, limit = DUE_LIMIT): number {
    return this.#open().core.advance(now, limit, (id, kind) => {
      const name = DUE.get(kind);
      if (name !== undefined) due(id, name);
    });
  }

  touch(id: number, direction: "sent" | "received", now: number): void {
    this.#open().core.touch(id, direction, now);
  }

  timer(id: number, which: "send" | "keepalive", action: "start" | "restart" | "stop", now: number): void {
    const { core } = this.#open();
    if (which === "send") return core.sendTimer(id, action, now);
    if (action === "restart") core.keepaliveTimer(id, "stop", now);
    core.keepaliveTimer(id, action === "stop" ? "stop" : "start", now);
  }

  counters(): Record<string, number> {
    return Object.fromEntries(this.#open().core.totals());
  }

  traffic(id: number): Traffic {
    const { core } = this.#open();
    // The table keeps instants modulo 2^32 and has not heard of the batches'. What comes due meanwhile stays listed.
    core.advance(this.#now, 0, () => undefined);
    return translated(() => core.counters(id));
  }

  close(): void {
    this.#parts = undefined;
  }

  #open(): Parts {
    if (this.#parts === undefined) throw new CoreError("closed", "the core is closed");
    return this.#parts;
  }
}
