/** Context tags for CT(local): random, never one in use, and not one freed shortly ago (RFC 5533 §7.1, §9). */
import type { ContextTag } from "../value/tag.ts";
import { RECENT_TAGS, TAG_DRAWS } from "./constants.ts";
import type { Draw } from "./draw.ts";

/** Draws tags that are neither in use nor freed shortly ago. */
export class TagPool {
  readonly #space: number;
  readonly #recentLimit: number;
  readonly #used: { has(tag: ContextTag): boolean };
  /** Freed tags, oldest first. */
  readonly #recent = new Set<ContextTag>();

  /**
   * @param bits 1 … 47
   * @param used says which tags are in use; the caller keeps it
   */
  constructor(bits: number, used: { has(tag: ContextTag): boolean }) {
    this.#space = 2 ** bits;
    this.#recentLimit = Math.min(RECENT_TAGS, Math.floor(this.#space / 4));
    this.#used = used;
  }

  /** A free tag, or `undefined` when every one is in use. The caller marks it as used. */
  draw(draw: Draw): ContextTag | undefined {
    let tag = (draw.u48() % this.#space) as ContextTag;
    for (let i = 1; i < TAG_DRAWS && this.#refused(tag); i++) tag = (draw.u48() % this.#space) as ContextTag;
    return this.#refused(tag) ? (this.#search(tag, true) ?? this.#search(tag, false)) : tag;
  }

  /** Remembers that `tag` is no longer in use. */
  free(tag: ContextTag): void {
    this.#recent.delete(tag);
    this.#recent.add(tag);
    if (this.#recent.size <= this.#recentLimit) return;
    const oldest = this.#recent.values().next();
    if (!oldest.done) this.#recent.delete(oldest.value);
  }

  #refused(tag: ContextTag): boolean {
    return this.#used.has(tag) || this.#recent.has(tag);
  }

  /** Next free tag from `start` on. Reached only in a tag space that a test has shrunk. */
  #search(start: ContextTag, sparing: boolean): ContextTag | undefined {
    for (let i = 0; i < Math.min(this.#space, 2 ** 20); i++) {
      const tag = ((start + i) % this.#space) as ContextTag;
      if (sparing ? !this.#refused(tag) : !this.#used.has(tag)) return tag;
    }
    return undefined;
  }
}
