/** {@link Updater} for one name server: its exchanges over TCP, its words in the log. */
import type { Endpoint } from "../config/site.ts";
import type { Clock } from "../port/clock.ts";
import type { Entropy } from "../port/entropy.ts";
import type { Log } from "../port/log.ts";
import type { TcpConnection, TcpPort } from "../port/tcp.ts";
import { u32 } from "../value/bytes.ts";
import type { Millis } from "../value/time.ts";
import type { Contents } from "../zone/contents.ts";
import { ANSWER_LIMIT, Updater, type UpdaterEffect, type UpdaterTerms, type UpdaterTime } from "../zone/updater.ts";
import { Deframer, framed } from "./zone-tcp.ts";

/** What an updater works with. */
export interface ZoneUpdateParts {
  readonly tcp: Pick<TcpPort, "connect">;
  readonly clock: Pick<Clock, "now" | "wall">;
  readonly entropy: Entropy;
  readonly log: Log;
  readonly count: (name: string, by: number) => void;
  /** Labels in the forward zone that are somebody else's; `undefined` = not known. */
  readonly foreign: (labels: ReadonlySet<string> | undefined) => void;
  /** Called when {@link ZoneUpdate.wakeAt} may be earlier than it was. */
  readonly woken: () => void;
}

interface Exchange {
  readonly id: number;
  connection: TcpConnection | undefined;
}

/** Keeps the zones of one name server up to date. */
export class ZoneUpdate {
  readonly #server: Endpoint;
  readonly #parts: ZoneUpdateParts;
  readonly #updater: Updater;
  /** The one exchange that is going on. */
  #exchange: Exchange | undefined;
  #closed = false;

  constructor(server: Endpoint, terms: UpdaterTerms, parts: ZoneUpdateParts) {
    this.#server = server;
    this.#parts = parts;
    this.#updater = new Updater(terms);
  }

  /** Names whose records at the server are not known to be right. */
  get pending(): number {
    return this.#updater.pending;
  }

  get wakeAt(): Millis {
    return this.#updater.wakeAt;
  }

  /** From now on this should be there. */
  want(contents: Contents): void {
    this.#updater.want(contents, this.#parts.clock.now());
    this.poll();
  }

  /** Goes on with what is due. */
  poll(): void {
    if (this.#closed) return;
    this.#apply(this.#updater.poll(this.#time(), u32(this.#parts.entropy.bytes(4), 0)));
  }

  /** Ends the exchange; what it was about is done after the next start. */
  close(): void {
    this.#closed = true;
    this.#exchange?.connection?.close();
    this.#exchange = undefined;
  }

  #time(): UpdaterTime {
    const { clock } = this.#parts;
    return { now: clock.now(), seconds: clock.wall() / 1000 };
  }

  #apply(effects: readonly UpdaterEffect[]): void {
    const { log, count, foreign } = this.#parts;
    for (const effect of effects) {
      switch (effect.kind) {
        case "open":
          void this.#open(effect.exchange, effect.octets);
          break;
        case "close":
          if (this.#exchange?.id === effect.exchange) {
            this.#exchange.connection?.close();
            this.#exchange = undefined;
          }
          break;
        case "tell":
          log[effect.level](effect.message, { server: `[${this.#server.host}]:${this.#server.port}`, ...effect.fields });
          break;
        case "count":
          count(effect.name, effect.by);
          break;
        case "foreign":
          foreign(effect.labels);
          break;
      }
    }
  }

  async #open(id: number, request: Uint8Array): Promise<void> {
    const exchange: Exchange = { id, connection: undefined };
    this.#exchange = exchange;
    const messages = new Deframer();
    try {
      const connection = await this.#parts.tcp.connect(this.#server.host, this.#server.port, ANSWER_LIMIT, (opened) => {
        exchange.connection = opened;
        return {
          data: (octets) => {
            messages.push(octets);
            for (let message = messages.take(); message !== undefined; message = messages.take()) this.#take(exchange, message);
          },
          drain: () => undefined,
          end: () => this.#lost(exchange, "it closes the connection without an answer"),
          closed: (why) => this.#lost(exchange, why ?? "it closes the connection without an answer"),
        };
      });
      if (this.#exchange !== exchange) connection.close();
      else connection.write(framed(request));
    } catch (error) {
      this.#lost(exchange, `it cannot be reached: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #take(exchange: Exchange, message: Uint8Array): void {
    if (this.#exchange !== exchange) return;
    this.#apply(this.#updater.answer(exchange.id, message, this.#time()));
    if (this.#exchange !== undefined) return;
    this.poll();
    this.#parts.woken();
  }

  #lost(exchange: Exchange, why: string): void {
    if (this.#exchange !== exchange) return;
    this.#apply(this.#updater.lost(exchange.id, why, this.#parts.clock.now()));
    this.poll();
    this.#parts.woken();
  }
}
