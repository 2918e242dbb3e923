import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Milliseconds in which a client has to send its headers, its whole request, and to take some of its answer. */
export interface Patience {
  readonly headers: number;
  readonly request: number;
  readonly answer: number;
}

export const PATIENCE: Patience = { headers: 5_000, request: 15_000, answer: 30_000 };
/** Between two looks at the connections. */
const LOOK = 250;
/** A connection that is kept for the next request; node:http's own default. */
const IDLE_TIMEOUT = 5_000;

/** What a connection is waited for, and since when. */
interface Waited {
  until: number;
}

/**
 * Cuts clients that take too long to say what they want. node:http has timeouts of its own, but looks at them every half minute, and not in all
 * runtimes; so each connection has a deadline here, for its headers first, then for its body, and none while it is answered.
 */
export function watchPatience(server: Server, { headers, request }: Patience): void {
  const waited = new Map<Socket, Waited>();
  const wait = (socket: Socket, time: number): void => {
    const now = performance.now();
    waited.set(socket, { until: now + time });
  };
  server.on("connection", (socket: Socket) => {
    wait(socket, headers);
    socket.once("close", () => waited.delete(socket));
  });
  server.on("request", (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { socket } = incoming;
    if (socket.destroyed) return;
    wait(socket, request);
    const heard = (): void => {
      if (waited.has(socket)) waited.set(socket, { until: Number.POSITIVE_INFINITY });
    };
    incoming.once("end", heard);
    // The next one may come on the same connection.
    outgoing.once("close", () => {
      if (waited.has(socket)) wait(socket, headers + IDLE_TIMEOUT);
    });
  });
  const timer = setInterval(() => {
    const now = performance.now();
    for (const [socket, { until }] of waited) if (until <= now) socket.destroy();
  }, LOOK);
  timer.unref();
  server.once("close", () => clearInterval(timer));
}

/** Calls `late` once, unless what it gives is called within {@link Patience.answer}. */
export function unlessTaken({ answer }: Patience, late: () => void): () => void {
  const timer = setTimeout(late, answer);
  timer.unref();
  return () => clearTimeout(timer);
}
