/** Server-sent events read from pieces of text (HTML Living Standard §9.2.6): `fetch` can send a token, EventSource cannot. */

/** One event. */
export interface Message {
  /** The last id that was said, by this event or one before. */
  readonly id: string;
  /** "message" unless the stream says another. */
  readonly kind: string;
  readonly data: string;
}

/** Characters of one unfinished event; a stream that says more is none of ours. */
const LONGEST = 1 << 20;

/** Takes a stream's text piece by piece. */
export class MessageReader {
  #rest = "";
  #id = "";
  #kind = "";
  #data: string[] = [];

  /** @returns the events that `text` completes @throws {RangeError} when an event does not end */
  push(text: string): Message[] {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > LONGEST) throw new RangeError("an event without an end");
    const messages: Message[] = [];
    for (const line of lines) {
      if (line !== "") this.#take(line);
      else if (this.#data.length > 0) messages.push({ id: this.#id, kind: this.#kind || "message", data: this.#data.join("\n") });
      if (line !== "") continue;
      this.#kind = "";
      this.#data = [];
    }
    return messages;
  }

  #take(line: string): void {
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#kind = value;
    else if (field === "id" && !value.includes("\0")) this.#id = value;
  }
}
