import { type Millis, NEVER } from "../value/time.ts";

/** Something that wants to be called at an instant. `heapIndex` belongs to the heap; −1 = not in one. */
export interface Due {
  deadline: Millis;
  heapIndex: number;
}

/** Deadlines of many, the earliest on top: an indexed binary heap. `set` and `delete` cost O(log n), `top` O(1). */
export class DeadlineHeap<T extends Due> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** The item that is due first. */
  get top(): T | undefined {
    return this.#items[0];
  }

  /** When the first item is due; `NEVER` when empty. */
  get wakeAt(): Millis {
    return this.#items.length === 0 ? NEVER : this.#items[0].deadline;
  }

  /** Puts `item` in, or moves it: due at `deadline`. */
  set(item: T, deadline: Millis): void {
    item.deadline = deadline;
    if (item.heapIndex < 0) {
      item.heapIndex = this.#items.length;
      this.#items.push(item);
    }
    this.#down(this.#up(item.heapIndex));
  }

  /** Takes `item` out; nothing if it is not in. */
  delete(item: T): void {
    const at = item.heapIndex;
    if (at < 0) return;
    item.heapIndex = -1;
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    this.#items[at] = last;
    last.heapIndex = at;
    this.#down(this.#up(at));
  }

  #up(from: number): number {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#items[parent].deadline <= this.#items[at].deadline) break;
      this.#swap(at, parent);
      at = parent;
    }
    return at;
  }

  #down(from: number): void {
    let at = from;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= this.#items.length) return;
      const right = left + 1;
      const child = right < this.#items.length && this.#items[right].deadline < this.#items[left].deadline ? right : left;
      if (this.#items[at].deadline <= this.#items[child].deadline) return;
      this.#swap(at, child);
      at = child;
    }
  }

  #swap(a: number, b: number): void {
    const first = this.#items[a];
    const second = this.#items[b];
    this.#items[a] = second;
    this.#items[b] = first;
    second.heapIndex = a;
    first.heapIndex = b;
  }
}
