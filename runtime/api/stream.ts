/**
 * Events as they happen: server-sent events (HTML Living Standard §9.2) out of the box's feed. A client that comes back with Last-Event-ID goes on
 * where it was, as far as the feed reaches; where it does not, an event `missed` says how many are gone. Nothing is queued for a slow client:
 * it gets from the feed what is still there when it reads, and is cut when it reads nothing at all.
 */
import type { EventFeed } from "./facade.ts";
import { PLAIN_HEADERS, refuse } from "./problem.ts";

export const EVENT_STREAM = "text/event-stream";
/** Events in one piece of the stream. */
const AT_ONCE = 64;
/** Pieces that wait for the client. */
const PIECES = 4;
/** Beats in which a client reads nothing before it is cut. */
const PATIENCE = 2;
const RETRY_MS = 2_000;

/** The number of the last event that the client of `id` has seen; `undefined` = the id is none of this run's. */
export function seenOf(feed: EventFeed, id: string): number | undefined {
  const [run, number, ...rest] = id.split("-");
  if (run !== feed.run || rest.length > 0 || !/^\d{1,15}$/.test(number ?? "")) return undefined;
  return Number(number) > feed.latest ? undefined : Number(number);
}

/** @param lastSeen what the client says in Last-Event-ID; `undefined` = it wants what happens from now on */
export function streamEvents(feed: EventFeed, lastSeen: string | undefined): Response {
  const from = lastSeen === undefined ? feed.latest : (seenOf(feed, lastSeen) ?? feed.oldest - 1);
  const stream = new EventStream(feed, from);
  return stream.open() ?? refuse(503, "as many listen to events as may", { headers: { "retry-after": "10" } });
}

/** What HEAD is told of the stream. */
export const STREAM_HEADERS = { ...PLAIN_HEADERS, "content-type": EVENT_STREAM, vary: "Accept" } as const;

class EventStream {
  readonly #feed: EventFeed;
  readonly #encoder = new TextEncoder();
  #seen: number;
  #idleBeats = 0;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #stop: (() => void) | undefined;

  constructor(feed: EventFeed, seen: number) {
    this.#feed = feed;
    this.#seen = seen;
  }

  open(): Response | undefined {
    this.#stop = this.#feed.listen({ news: () => this.#pump(), beat: () => this.#beat() });
    if (this.#stop === undefined) return undefined;
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
          this.#write(`retry: ${RETRY_MS}\n\n`);
        },
        pull: () => {
          this.#idleBeats = 0;
          this.#pump();
        },
        cancel: () => this.#stop?.(),
      },
      { highWaterMark: PIECES },
    );
    return new Response(body, { headers: STREAM_HEADERS });
  }

  #room(): boolean {
    return (this.#controller?.desiredSize ?? 0) > 0;
  }

  #pump(): void {
    while (this.#room() && this.#seen < this.#feed.latest) {
      const missed = this.#feed.oldest - 1 - this.#seen;
      const gap = missed > 0 ? `event: missed\ndata: ${JSON.stringify({ count: missed })}\n\n` : "";
      if (missed > 0) this.#seen += missed;
      const events = this.#feed.after(this.#seen, AT_ONCE);
      this.#seen += events.length;
      this.#write(gap + events.map((event) => `id: ${event.id}\nevent: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`).join(""));
    }
  }

  #beat(): void {
    if (this.#room()) {
      this.#idleBeats = 0;
      this.#write(":\n\n");
      return;
    }
    this.#idleBeats++;
    if (this.#idleBeats < PATIENCE) return;
    this.#stop?.();
    this.#controller?.error(new Error("the client reads nothing"));
  }

  #write(text: string): void {
    this.#controller?.enqueue(this.#encoder.encode(text));
  }
}
