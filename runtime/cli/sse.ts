/** Server-sent events as a client reads them (HTML Living Standard §9.2.6). */

/** One event of a stream. */
export interface ServerEvent {
  /** `message` if the server does not say. */
  readonly kind: string;
  readonly data: string;
  /** The latest id that the stream gave, with this event or before it. */
  readonly id: string | undefined;
}

/** Characters of one event at most; who sends more is no box. */
const EVENT_LIMIT = 1_048_576;

/** The events in `stream`, as they come, until it ends. @throws {RangeError} when one does not end */
export async function* readEvents(stream: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const parser = new EventParser();
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.take(decoder.decode(value, { stream: true }));
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** Puts pieces of a stream together. */
export class EventParser {
  #rest = "";
  #kind = "";
  #data: string[] = [];
  #id: string | undefined;

  /** The events that `piece` completes. @throws {RangeError} */
  take(piece: string): ServerEvent[] {
    const text = this.#rest + piece;
    // A carriage return at the end may be half of a line end.
    const whole = text.endsWith("\r") ? text.length - 1 : text.length;
    const lines = text.slice(0, whole).split(/\r\n|\n|\r/);
    this.#rest = (lines.pop() ?? "") + text.slice(whole);
    if (this.#rest.length + this.#data.reduce((sum, line) => sum + line.length, 0) > EVENT_LIMIT)
      throw new RangeError("an event that does not end");
    return lines.flatMap((line) => this.#line(line) ?? []);
  }

  #line(line: string): ServerEvent | undefined {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#kind = value;
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    return undefined;
  }

  #dispatch(): ServerEvent | undefined {
    const data = this.#data;
    const kind = this.#kind || "message";
    this.#data = [];
    this.#kind = "";
    return data.length === 0 ? undefined : { kind, data: data.join("\n"), id: this.#id };
  }
}
