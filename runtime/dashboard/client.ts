/** Asks the box. The token, where one is needed, lives as long as the tab. */
import type { Listing, Problem } from "../api/rows.ts";
import { type Message, MessageReader } from "./sse.ts";

/** The box said no, or nothing. The message is a sentence for people. */
export class Refused extends Error {
  override readonly name = "Refused";
  /** HTTP's; 0 = nobody answered. */
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

const TOKEN = "pshim6-token";
/** Header by which a lab says that the box is one of its own, and where it answers itself. */
const LAB_HEADER = "pshim6-lab";
/** Where a page is told its token: behind the number sign, which is not sent to anybody. */
const FRAGMENT = /^#token=([\x21-\x7e]+)$/;

/** All requests of the page. Paths are relative to the page, wherever it is served. */
export class Client {
  /** Where the lab answers; `undefined` = this is no lab's box, as far as is known. */
  lab: string | undefined;

  /** Takes the token out of the address bar, if it is there. */
  constructor() {
    const [, token] = FRAGMENT.exec(location.hash) ?? [];
    if (token === undefined) return;
    sessionStorage.setItem(TOKEN, token);
    history.replaceState(null, "", location.pathname + location.search);
  }

  get token(): string | undefined {
    return sessionStorage.getItem(TOKEN) ?? undefined;
  }

  set token(token: string | undefined) {
    if (token === undefined) sessionStorage.removeItem(TOKEN);
    else sessionStorage.setItem(TOKEN, token);
  }

  /** @throws {Refused} */
  async get<Row>(path: string, signal?: AbortSignal): Promise<Row> {
    return this.#read(path, signal === undefined ? {} : { signal });
  }

  /** The first rows of a list. @throws {Refused} */
  async list<Row>(path: string): Promise<readonly Row[]> {
    return (await this.get<Listing<Row>>(path)).items;
  }

  /** @throws {Refused} */
  async post<Row>(path: string): Promise<Row> {
    return this.#read(path, { method: "POST" });
  }

  /** Events behind `last` as they happen; resolves when the stream ends. @throws {Refused} */
  async events(last: string | undefined, heard: (messages: readonly Message[]) => void, signal: AbortSignal): Promise<void> {
    const headers = { accept: "text/event-stream", ...(last === undefined ? {} : { "last-event-id": last }) };
    const { body } = await this.#ask("events", { headers, signal });
    if (body === null) return;
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    const messages = new MessageReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const complete = messages.push(value);
      if (complete.length > 0) heard(complete);
    }
  }

  async #read<Row>(path: string, init: RequestInit): Promise<Row> {
    const response = await this.#ask(path, init);
    try {
      return (await response.json()) as Row;
    } catch (error) {
      if (init.signal?.aborted === true) throw error;
      // A box that ends in the middle of an answer.
      if (error instanceof TypeError || error instanceof SyntaxError) throw new Refused(0, "The box's answer was cut short.");
      throw error;
    }
  }

  async #ask(path: string, init: RequestInit): Promise<Response> {
    const { token } = this;
    const headers = new Headers(init.headers);
    if (!headers.has("accept")) headers.set("accept", "application/json");
    if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
    let response: Response;
    try {
      // Kept answers would show old durations: the box's tags leave out what only time changes.
      response = await fetch(path, { cache: "no-store", ...init, headers });
    } catch (error) {
      if (init.signal?.aborted === true) throw error;
      throw new Refused(0, "The box does not answer.");
    }
    this.lab = response.headers.get(LAB_HEADER) ?? this.lab;
    if (response.ok) return response;
    if (response.status === 401) this.token = undefined;
    throw new Refused(response.status, await detailOf(response));
  }
}

async function detailOf(response: Response): Promise<string> {
  try {
    const { title, detail } = (await response.json()) as Partial<Problem>;
    return `${title ?? "Refused"}: ${detail ?? "the box gave no reason"}.`;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return `The box refused (${response.status}).`;
    throw error;
  }
}
