/** `pshim6 top`: the running box at a glance, on the whole terminal, each second anew. */
import type { Command } from "commander";
import type { z } from "zod";
import { flowsRow, historyRow } from "../api/flow-rows.ts";
import { contextRow, eventRow, listing, pathRow, providerRow, statusRow } from "../api/rows.ts";
import { addBoxFlags, ask, type BoxFlags, socketOf } from "./ask.ts";
import { latest, listen } from "./events.ts";
import { examples, seconds } from "./flags.ts";
import { Failure, type Session } from "./session.ts";
import { listLength, type TopPicture, topLines } from "./top-screen.ts";
import { FIRST_WISH, LOSS_SAMPLES, pressed, Rates, type TopLook, withEvent } from "./top-state.ts";

interface TopFlags extends BoxFlags {
  readonly every?: number;
}

/** Contexts that are looked at: more cost the box more than a glance is worth. */
const CONTEXTS = 1_000;

/** Until events are asked for anew after their stream ended, ms. */
const AGAIN = 1_000;

// ECMA-48 and DEC private modes, which every terminal of today knows.
const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const TO_LINE_END = "\x1b[K";
const TO_SCREEN_END = "\x1b[J";

/** Adds the verb `top` to the program. */
export function addTop(program: Command, session: Session): void {
  const command = program
    .command("top")
    .summary("the running box at a glance, each second anew")
    .description(
      "Shows providers, paths, the contexts with most traffic and the latest event on the whole terminal. Keys: o, p, c, e for the views, / to filter, arrows to scroll, q to quit.",
    )
    .option("--every <seconds>", "how often to look at the box; without: each second", seconds);
  addBoxFlags(command)
    .addHelpText("after", examples("pshim6 top", "pshim6 top -c site.yaml --every 0.5"))
    .action((flags: TopFlags) => {
      const { host } = session.host;
      if (!host.isTerminal("stdout") || !host.isTerminal("stdin"))
        throw new Failure("top needs a terminal; without one, `pshim6 show contexts --watch` tells the same");
      return new Top(session, socketOf(session, flags)).run((flags.every ?? 1) * 1_000);
    });
}

class Top {
  readonly #session: Session;
  readonly #socket: string;
  readonly #rates = new Rates();
  #picture: TopPicture = { look: undefined, contexts: [], events: [], trouble: undefined, wish: FIRST_WISH };
  #wake = new AbortController();

  constructor(session: Session, socket: string) {
    this.#session = session;
    this.#socket = socket;
  }

  /** Until the person quits, or a signal ends it. The terminal is given back whatever happens. */
  async run(every: number): Promise<void> {
    const { host } = this.#session;
    // Whom nobody answers sees that on the screen as it was.
    await this.#look();
    const stop = new AbortController();
    const ends = [host.onStop(() => stop.abort())];
    try {
      this.#session.print(ENTER);
      ends.push(host.terminal.keys((text) => this.#press(text)));
      ends.push(host.terminal.onResize(() => this.#draw()));
      const listening = this.#listen(stop.signal);
      await this.#loop(every, stop.signal);
      stop.abort();
      await listening;
    } finally {
      stop.abort();
      for (const end of ends) end();
      this.#session.host.host.print(LEAVE);
    }
  }

  async #loop(every: number, stop: AbortSignal): Promise<void> {
    const { host } = this.#session;
    while (!stop.aborted && !this.#picture.wish.quit) {
      this.#draw();
      if (!(await host.pause(every, this.#wake.signal))) return;
      if (stop.aborted || this.#picture.wish.quit) return;
      await this.#look().catch((error: unknown) => {
        if (!(error instanceof Failure)) throw error;
        this.#picture = { ...this.#picture, trouble: error.message };
      });
    }
  }

  #press(text: string): void {
    this.#picture = { ...this.#picture, wish: pressed(this.#picture.wish, text, listLength(this.#picture)) };
    if (this.#picture.wish.quit) this.#wake.abort();
    else this.#draw();
  }

  #draw(): void {
    const { terminal } = this.#session.host;
    const lines = topLines(this.#picture, { ...terminal.size(), coloured: this.#session.colours() });
    // No line end behind the last line: it would scroll the screen.
    this.#session.host.host.print(`${HOME}${lines.map((line) => `${line}${TO_LINE_END}`).join("\r\n")}${TO_SCREEN_END}`);
  }

  async #look(): Promise<void> {
    const get = <Body>(path: string, schema: z.ZodType<Body>): Promise<Body> =>
      ask(this.#session, this.#socket, new Request(`http://box${path}`), (body) => schema.parse(body));
    const after = Math.max(0, (this.#picture.look?.history.latest ?? 0) - LOSS_SAMPLES);
    const [status, providers, paths, flows, history, contexts] = await Promise.all([
      get("/status", statusRow),
      get("/providers", listing(providerRow)),
      get("/paths", listing(pathRow)),
      get("/flows", flowsRow),
      get(`/history?after=${after}`, historyRow),
      get(`/contexts?limit=${CONTEXTS}`, listing(contextRow)),
    ]);
    const at = this.#session.host.wall();
    const look: TopLook = { at, status, providers: providers.items, paths: paths.items, flows, history, contexts };
    this.#picture = { ...this.#picture, look, contexts: this.#rates.update(contexts.items, at), trouble: undefined };
  }

  /** Events as they come; a stream that breaks off is taken up again. */
  async #listen(stop: AbortSignal): Promise<void> {
    let seen: string | undefined;
    try {
      const before = await latest(this.#session, this.#socket);
      this.#picture = { ...this.#picture, events: before };
      seen = before.at(-1)?.id;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
    }
    const { host } = this.#session;
    while (!stop.aborted) {
      await listen(this.#session, this.#socket, {
        seen,
        stop,
        heard: ({ id, kind, data }) => {
          seen = id ?? seen;
          if (kind !== "missed")
            this.#picture = { ...this.#picture, events: withEvent(this.#picture.events, eventRow.parse(JSON.parse(data))) };
        },
      }).catch((error: unknown) => {
        if (!(error instanceof Failure)) throw error;
      });
      if (!stop.aborted && !(await host.pause(AGAIN, stop))) return;
    }
  }
}
