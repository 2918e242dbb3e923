/**
 * What lists of a hundred thousand contexts are filtered by, in columns by the contexts' ids: which provider carries each, what REAP thinks of
 * it, and hashes of its two identifiers. It is kept as contexts come, move and go, so that a filter reads a few hundred kilobytes and touches no context.
 */
import type { ContextFilter, ContextPiece } from "../api/facade.ts";
import type { ContextGlance, Shim6, UlidPair } from "../shim6/contract.ts";
import type { Address, Locator } from "../value/address.ts";
import type { ReapState } from "../wire/message.ts";

/** What a census counts. */
export interface CensusParts {
  readonly shim6: Pick<Shim6, "get" | "has" | "each" | "size">;
  readonly currentOf: (id: number) => { readonly local: Locator } | undefined;
  /** Name of the provider that `locator` belongs to. */
  readonly providerOf: (locator: Locator) => string | undefined;
  /** Changes when providers have other prefixes; compared by identity. */
  readonly providers: () => unknown;
}

/** Ids of contexts, ascending; how many there are in all, and whether some lie behind these. */
export interface Found {
  readonly ids: readonly number[];
  readonly total: number;
  readonly more: boolean;
}

/** Carries no traffic: everything about it is read from the context itself. */
const ABSENT = 0;
/** A power of two; the columns grow with the ids. */
const FIRST_IDS = 1_024;
const REAP_STATES: readonly ReapState[] = ["Operational", "Exploring", "InboundOk"];

/** The columns. For the control thread. */
export class Census {
  readonly #parts: CensusParts;
  /** {@link ABSENT}, or one more than the place of the provider's name in `#names`. */
  #provider = new Uint8Array(FIRST_IDS);
  /** Place in {@link REAP_STATES}. */
  #reap = new Uint8Array(FIRST_IDS);
  #local = new Uint32Array(FIRST_IDS);
  #peer = new Uint32Array(FIRST_IDS);
  /** Beyond the highest id that ever carried traffic. */
  #end = 0;
  #carrying = 0;
  /** Names of providers; "" = nobody's. They come and go seldom, and never so many that an octet is too small. */
  #names: string[] = [""];
  #from: unknown;

  constructor(parts: CensusParts) {
    this.#parts = parts;
    this.#from = parts.providers();
  }

  /** Context `id` of `pair` carries traffic from now on, by `local`; again, when it is established anew. */
  entered(id: number, { local: host, peer }: UlidPair, local: Locator, isFresh: boolean): void {
    if (id >= this.#provider.length) this.#grow(id);
    if (this.#provider[id] === ABSENT) this.#carrying++;
    if (isFresh || this.#provider[id] === ABSENT) this.#reap[id] = 0;
    this.#provider[id] = this.#slotOf(local);
    this.#local[id] = hashOf(host);
    this.#peer[id] = hashOf(peer);
    this.#end = Math.max(this.#end, id + 1);
  }

  /** Context `id` goes by `local` now. */
  moved(id: number, local: Locator): void {
    if (id < this.#end && this.#provider[id] !== ABSENT) this.#provider[id] = this.#slotOf(local);
  }

  /** What REAP thinks of context `id`. */
  state(id: number, state: ReapState): void {
    if (id < this.#end) this.#reap[id] = Math.max(0, REAP_STATES.indexOf(state));
  }

  /** Context `id` is gone. */
  removed(id: number): void {
    if (id >= this.#end || this.#provider[id] === ABSENT) return;
    this.#provider[id] = ABSENT;
    this.#carrying--;
  }

  /** Every context that carries traffic, and the name of its provider; "" = nobody's. `look` must not change any. */
  each(look: (id: number, provider: string) => void): void {
    this.#refresh();
    for (let id = 0; id < this.#end; id++) if (this.#provider[id] !== ABSENT) look(id, this.#names[this.#provider[id] - 1]);
  }

  /** The contexts that `wanted` lets pass. */
  find(wanted: ContextFilter, { after, skip, limit }: ContextPiece): Found {
    this.#refresh();
    const matching = this.#matching(wanted);
    const first = firstAbove(matching, after);
    return {
      ids: [...matching.subarray(first + skip, first + skip + limit)],
      total: matching.length,
      more: matching.length > first + skip + limit,
    };
  }

  /** Ids of all that match, ascending. */
  #matching(wanted: ContextFilter): Uint32Array {
    const { ulid, peer, state, provider } = wanted;
    const found = new Uint32Array(this.#parts.shim6.size);
    const slot = provider === undefined ? undefined : this.#names.indexOf(provider) + 1;
    const reap = state === undefined ? -1 : (REAP_STATES as readonly string[]).indexOf(state);
    const isShim6State = state !== undefined && reap < 0;
    const [ulidHash, peerHash] = [ulid, peer].map((each) => (each === undefined ? 0 : hashOf(each)));
    let count = 0;
    for (let id = 0; id < this.#end && count < found.length; id++) {
      const is = this.#provider[id];
      if (is === ABSENT || (slot !== undefined && is !== slot)) continue;
      if (reap >= 0 && this.#reap[id] !== reap) continue;
      if (ulid !== undefined && this.#local[id] !== ulidHash && this.#peer[id] !== ulidHash) continue;
      if (peer !== undefined && this.#peer[id] !== peerHash) continue;
      // Hashes meet, and Shim6 changes its states without a word.
      if ((ulid !== undefined || peer !== undefined || isShim6State) && !this.#isMeant(id, wanted)) continue;
      found[count++] = id;
    }
    const others = this.#others(wanted);
    if (others.length === 0) return found.subarray(0, count);
    const all = new Uint32Array(count + others.length);
    all.set(found.subarray(0, count));
    all.set(others, count);
    return all.sort();
  }

  /** A context that carries traffic, compared with what can only be read from itself. */
  #isMeant(id: number, { ulid, peer, state }: ContextFilter): boolean {
    const context = this.#parts.shim6.get(id);
    if (context === undefined) return false;
    const { pair } = context;
    if (ulid !== undefined && pair.local !== ulid && pair.peer !== ulid) return false;
    if (peer !== undefined && pair.peer !== peer) return false;
    return state === undefined || (REAP_STATES as readonly string[]).includes(state) || context.state === state;
  }

  /** Ids of contexts that carry nothing: few, unless many are being set up. No provider carries them, and REAP does not know them. */
  #others({ ulid, peer, state, provider }: ContextFilter): number[] {
    const { shim6 } = this.#parts;
    if (provider !== undefined || shim6.size === this.#carrying) return [];
    const ids: number[] = [];
    shim6.each(({ id, pair, state: is }: ContextGlance) => {
      if (id < this.#end && this.#provider[id] !== ABSENT) return;
      if (ulid !== undefined && pair.local !== ulid && pair.peer !== ulid) return;
      if ((peer === undefined || pair.peer === peer) && (state === undefined || is === state)) ids.push(id);
    });
    return ids;
  }

  #slotOf(local: Locator): number {
    const name = this.#parts.providerOf(local) ?? "";
    const place = this.#names.indexOf(name);
    return 1 + (place < 0 ? this.#names.push(name) - 1 : place);
  }

  /** Prefixes have other owners: who carries what is found out anew. */
  #refresh(): void {
    const now = this.#parts.providers();
    if (now === this.#from) return;
    this.#from = now;
    this.#names = [""];
    for (let id = 0; id < this.#end; id++) {
      const current = this.#provider[id] === ABSENT ? undefined : this.#parts.currentOf(id);
      if (current !== undefined) this.#provider[id] = this.#slotOf(current.local);
    }
  }

  #grow(id: number): void {
    const size = 2 ** Math.ceil(Math.log2(id + 1));
    const grown = <Column extends Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer>>(old: Column, column: Column): Column => {
      column.set(old);
      return column;
    };
    this.#provider = grown(this.#provider, new Uint8Array(size));
    this.#reap = grown(this.#reap, new Uint8Array(size));
    this.#local = grown(this.#local, new Uint32Array(size));
    this.#peer = grown(this.#peer, new Uint32Array(size));
  }
}

/** FNV-1a, 32 bits, over the text. Nobody gains anything by picking addresses whose hashes meet: each is compared after all. */
function hashOf(address: Address): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < address.length; i++) hash = Math.imul(hash ^ address.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Place of the first of `ids`, which ascend, that is above `after`. */
function firstAbove(ids: Uint32Array, after: number): number {
  let [low, high] = [0, ids.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ids[middle] > after) high = middle;
    else low = middle + 1;
  }
  return low;
}
