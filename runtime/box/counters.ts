/** Totals of the control thread, by name; the core's own are beside them in `show counters`. */
export class ControlCounters {
  readonly #values = new Map<string, number>();

  count(name: string, by = 1): void {
    if (by > 0) this.#values.set(name, (this.#values.get(name) ?? 0) + by);
  }

  entries(): Iterable<[string, number]> {
    return this.#values.entries();
  }
}
