/** What happens when: a binary heap of things to do, those of one instant in the order they were planned. */
import { type Millis, NEVER } from "../value/time.ts";

interface Item {
  readonly at: Millis;
  readonly order: number;
  readonly run: () => void | Promise<void>;
}

/** The events of one world. */
export class Agenda {
  readonly #heap: Item[] = [];
  #order = 0;

  /** When the first is due; NEVER when there is none. */
  get next(): Millis {
    return this.#heap.length === 0 ? NEVER : this.#heap[0].at;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** Plans `run` for the instant `at`. */
  at(at: Millis, run: () => void | Promise<void>): void {
    const heap = this.#heap;
    const item = { at, order: this.#order++, run };
    let place = heap.length;
    heap.push(item);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(item, heap[parent])) break;
      heap[place] = heap[parent];
      place = parent;
    }
    heap[place] = item;
  }

  /** Takes out the first. @throws {RangeError} when there is none */
  take(): () => void | Promise<void> {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined) throw new RangeError("nothing is planned");
    if (last !== first) this.#sink(last);
    return first.run;
  }

  #sink(item: Item): void {
    const heap = this.#heap;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
      if (!isBefore(heap[child], item)) break;
      heap[place] = heap[child];
      place = child;
    }
    heap[place] = item;
  }
}

function isBefore(a: Item, b: Item): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
