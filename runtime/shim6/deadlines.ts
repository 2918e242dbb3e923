/** Who is due when: a binary heap whose entries can be moved and taken out. Costs O(log n) of the waiting, nothing for the others. */
import { type Millis, NEVER } from "../value/time.ts";

/** What can wait in {@link Deadlines}; the two fields are its alone. */
export interface Waiting {
  /** When it is due; NEVER while it does not wait. */
  dueAt: Millis;
  /** Place in the heap, −1 while it does not wait. */
  heapAt: number;
}

/** The waiting, by deadline. An item may wait in one heap only. */
export class Deadlines<T extends Waiting> {
  readonly #heap: T[] = [];

  /** When the first is due; NEVER if nobody waits. */
  get next(): Millis {
    return this.#heap.length === 0 ? NEVER : this.#heap[0].dueAt;
  }

  /** Lets `item` wait until `at`, in place of an earlier deadline of its own; NEVER takes it out. */
  set(item: T, at: Millis): void {
    if (at === NEVER) {
      this.#remove(item);
      return;
    }
    const later = item.heapAt >= 0 && at > item.dueAt;
    item.dueAt = at;
    if (item.heapAt < 0) {
      item.heapAt = this.#heap.length;
      this.#heap.push(item);
    }
    if (later) this.#sink(item);
    else this.#rise(item);
  }

  /** Takes out the first whose deadline is not after `now`. */
  take(now: Millis): T | undefined {
    if (this.next > now) return undefined;
    const first = this.#heap[0];
    this.#remove(first);
    return first;
  }

  #remove(item: T): void {
    if (item.heapAt < 0) return;
    const last = this.#heap.pop();
    if (last !== undefined && last !== item) {
      this.#put(last, item.heapAt);
      this.#rise(last);
      this.#sink(last);
    }
    item.heapAt = -1;
    item.dueAt = NEVER;
  }

  #put(item: T, at: number): void {
    this.#heap[at] = item;
    item.heapAt = at;
  }

  #rise(item: T): void {
    let at = item.heapAt;
    while (at > 0) {
      const parent = this.#heap[(at - 1) >> 1];
      if (parent.dueAt <= item.dueAt) break;
      this.#put(parent, at);
      at = (at - 1) >> 1;
    }
    this.#put(item, at);
  }

  #sink(item: T): void {
    let at = item.heapAt;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#heap.length) break;
      if (child + 1 < this.#heap.length && this.#heap[child + 1].dueAt < this.#heap[child].dueAt) child++;
      if (this.#heap[child].dueAt >= item.dueAt) break;
      this.#put(this.#heap[child], at);
      at = child;
    }
    this.#put(item, at);
  }
}
