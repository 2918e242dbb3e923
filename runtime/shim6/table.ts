/**
 * All contexts, and the ways to find one, each a single look-up: by ULID pair and fork, by CT(local), by Initiator Nonce
 * while set-up lasts, and by CT(peer) with a peer locator. The last also finds context confusion (RFC 5533 §7.15): two usable contexts may not
 * share a key there.
 */
import type { Locator } from "../value/address.ts";
import type { ContextTag } from "../value/tag.ts";
import type { Context } from "./context.ts";
import type { UlidPair } from "./contract.ts";
import type { Draw } from "./draw.ts";
import { IdPool } from "./ids.ts";
import { TagPool } from "./tags.ts";

/** The contexts of one machine. Does not know what their states mean. */
export class ContextTable {
  readonly ids: IdPool;
  readonly #tags: TagPool;
  readonly #byPair = new Map<string, Context>();
  readonly #byId = new Map<number, Context>();
  readonly #byTag = new Map<ContextTag, Context>();
  readonly #byNonce = new Map<number, Context>();
  readonly #byPeer = new Map<string, Context>();
  /** Keys of each usable context in `#byPeer`. */
  readonly #peerKeys = new Map<Context, readonly string[]>();

  constructor(capacity: number, tagBits: number) {
    this.ids = new IdPool(capacity);
    this.#tags = new TagPool(tagBits, this.#byTag);
  }

  get size(): number {
    return this.#byPair.size;
  }

  all(): Iterable<Context> {
    return this.#byPair.values();
  }

  byPair(pair: UlidPair): Context | undefined {
    return this.#byPair.get(pairKey(pair));
  }

  byId(id: number): Context | undefined {
    return this.#byId.get(id);
  }

  byTag(tag: ContextTag): Context | undefined {
    return this.#byTag.get(tag);
  }

  byNonce(nonce: number): Context | undefined {
    return this.#byNonce.get(nonce);
  }

  /** The usable context with this CT(peer) and this locator in Ls(peer). */
  byPeer(tag: ContextTag, locator: Locator): Context | undefined {
    return this.#byPeer.get(peerKey(tag, locator));
  }

  /** A CT(local) that no context has, or `undefined` when all are taken. */
  freeTag(draw: Draw): ContextTag | undefined {
    return this.#tags.draw(draw);
  }

  /** A random Initiator Nonce that no other set-up waits for. */
  freeNonce(draw: Draw): number {
    let nonce = draw.u32();
    while (this.#byNonce.has(nonce)) nonce = draw.u32();
    return nonce;
  }

  add(context: Context): void {
    this.#byPair.set(pairKey(context.pair), context);
    this.#byId.set(context.id, context);
    this.#byTag.set(context.localTag, context);
  }

  /** Lets answers to `nonce` find `context`. */
  awaitNonce(nonce: number, context: Context): void {
    this.#byNonce.set(nonce, context);
  }

  forgetNonce(nonce: number): void {
    this.#byNonce.delete(nonce);
  }

  /** CT(local) leads nowhere from now on; the record stays. */
  releaseTag(context: Context): void {
    if (this.#byTag.get(context.localTag) !== context) return;
    this.#byTag.delete(context.localTag);
    this.#tags.free(context.localTag);
  }

  /** Lets CT(peer) with each locator of Ls(peer) find `context`, in place of what did before. */
  indexPeer(context: Context): void {
    this.unindexPeer(context);
    if (context.peer === undefined) return;
    const { tag, locators } = context.peer;
    const keys = locators.map(({ address }) => peerKey(tag, address));
    for (const key of keys) this.#byPeer.set(key, context);
    this.#peerKeys.set(context, keys);
  }

  unindexPeer(context: Context): void {
    for (const key of this.#peerKeys.get(context) ?? []) if (this.#byPeer.get(key) === context) this.#byPeer.delete(key);
    this.#peerKeys.delete(context);
  }

  /** Removes the record from every index and frees its id and tag. */
  remove(context: Context): void {
    this.unindexPeer(context);
    this.releaseTag(context);
    if (context.setup !== undefined) this.forgetNonce(context.setup.initiatorNonce);
    this.#byPair.delete(pairKey(context.pair));
    this.#byId.delete(context.id);
    this.ids.free(context.id);
  }

  /** Entries in all indexes: 0 when nothing is left behind. For tests. */
  get residue(): number {
    return this.#byPair.size + this.#byId.size + this.#byTag.size + this.#byNonce.size + this.#byPeer.size + this.#peerKeys.size;
  }
}

function pairKey({ local, peer, fork }: UlidPair): string {
  return `${local}|${peer}|${fork}`;
}

function peerKey(tag: ContextTag, locator: Locator): string {
  return `${tag}|${locator}`;
}
