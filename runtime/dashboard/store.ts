/** What the box said last, and when it is asked again: each second, and at once when it tells of an event. A hidden tab asks nothing. */
import type { FlowsRow, HistoryRow } from "../api/flow-rows.ts";
import type { EventRow, LeaseRow, Listing, PathRow, ProviderRow, StatusRow } from "../api/rows.ts";
import type { LabRow } from "../lab/page-row.ts";
import { alarmsOf } from "./alarms.ts";
import { type Client, Refused } from "./client.ts";
import { goOn, isOfOneRun, NOTHING, type Past } from "./past.ts";

/** Everything that the page shows. */
export interface State {
  readonly status: StatusRow | undefined;
  readonly providers: readonly ProviderRow[];
  readonly paths: readonly PathRow[];
  /** All that there are, shown or not. */
  readonly pathsInAll: number;
  readonly flows: FlowsRow | undefined;
  readonly past: Past;
  /** Names of hosts, by identifier. */
  readonly names: ReadonlyMap<string, string>;
  /** The oldest first. */
  readonly events: readonly EventRow[];
  /** Events that the box had forgotten before we asked. */
  readonly missed: number;
  readonly lab: LabRow | undefined;
  /** What is wrong now; `undefined` = nothing. */
  readonly trouble: string | undefined;
  /** Why a token is asked for; `undefined` = none is. */
  readonly wanted: string | undefined;
  /** The latest alarm, for those who listen. */
  readonly alarm: string;
  /** Grows with every round of questions. */
  readonly round: number;
}

/** Milliseconds. */
const PACE = 1_000;
/** From one round to the next at least, when events come thick: the box lets one client ask fifty times a second. */
const SHORTEST = 250;
/** Rounds at that pace after an event: what it moves shows in rates a moment later. */
const QUICK_ROUNDS = 4;
const ALARM_SHOWN = 15_000;
const NAMES_PACE = 30_000;
const RECONNECT = 2_000;
/** The box is kept busy for a twentieth of the time at most, by this page. */
const SHARE = 20;
const EVENTS_KEPT = 1_000;
const PATHS_ASKED = 200;
const NAMES_ASKED = 5_000;

/** Asks, keeps, tells. */
export class Store {
  readonly client: Client;
  #state: State = {
    status: undefined,
    providers: [],
    paths: [],
    pathsInAll: 0,
    flows: undefined,
    past: NOTHING,
    names: new Map(),
    events: [],
    missed: 0,
    lab: undefined,
    trouble: undefined,
    wanted: undefined,
    alarm: "",
    round: 0,
  };
  readonly #listeners = new Set<() => void>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking = false;
  #again = false;
  #quick = 0;
  #quiet: ReturnType<typeof setTimeout> | undefined;
  #endedAt = 0;
  #namesAt = Number.NEGATIVE_INFINITY;
  #stream: AbortController | undefined;

  constructor(client: Client) {
    this.client = client;
  }

  get state(): State {
    return this.#state;
  }

  /** Calls `listener` after every change. @returns what ends it */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Begins to ask; goes on for the life of the page. */
  start(): void {
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#rest() : this.#wake()));
    if (!document.hidden) this.#wake();
  }

  /** Something has changed: asks at once. */
  hurry(): void {
    this.#quick = QUICK_ROUNDS;
    if (this.#asking) {
      this.#again = true;
      return;
    }
    this.#plan(Math.max(0, this.#endedAt + SHORTEST - performance.now()));
  }

  /** Does `action`, says what came of it, and looks at what has changed. @returns whether it was done */
  async act(action: () => Promise<string>): Promise<boolean> {
    try {
      this.#tell(await action());
      return true;
    } catch (error) {
      this.#fail(error);
      return false;
    } finally {
      this.hurry();
    }
  }

  /** Takes the token that somebody gave; `undefined` = none, for now. */
  take(token: string | undefined): void {
    if (token !== undefined) this.client.token = token;
    this.#set({ wanted: undefined });
    if (token !== undefined) this.#wake();
  }

  /** Asks for a token, if there is none. @returns whether there is one */
  wants(why: string): boolean {
    if (this.client.token !== undefined) return true;
    this.#set({ wanted: why });
    return false;
  }

  #set(change: Partial<State>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }

  #wake(): void {
    this.hurry();
    if (this.#stream === undefined) void this.#follow();
  }

  #rest(): void {
    clearTimeout(this.#timer);
    this.#stream?.abort();
    this.#stream = undefined;
  }

  #plan(delay: number): void {
    clearTimeout(this.#timer);
    if (!document.hidden) this.#timer = setTimeout(() => void this.#round(), delay);
  }

  async #round(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    const begun = performance.now();
    try {
      await this.#look();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#asking = false;
      this.#endedAt = performance.now();
      this.#planNext(this.#endedAt - begun);
    }
  }

  /** @param took milliseconds of the round that is over */
  #planNext(took: number): void {
    const pace = this.#again ? 0 : this.#quick-- > 0 ? SHORTEST : PACE - took;
    this.#again = false;
    const delay = Math.max(SHORTEST, pace, (SHARE - 1) * (took - PACE / SHARE));
    // A box that wants a token is not asked before it gets one: each refusal costs.
    if (this.#state.wanted === undefined || this.client.token !== undefined) this.#plan(delay);
  }

  async #look(): Promise<void> {
    const { client } = this;
    const { past } = this.#state;
    const status = await client.get<StatusRow>("status");
    const [providers, paths, flows, history, lab] = await Promise.all([
      client.list<ProviderRow>("providers"),
      client.get<Listing<PathRow>>(`paths?limit=${PATHS_ASKED}`),
      client.get<FlowsRow>("flows"),
      client.get<HistoryRow>(`history?after=${past.latest}`),
      client.lab === undefined ? undefined : client.get<LabRow>(client.lab),
    ]);
    if (performance.now() - this.#namesAt > NAMES_PACE) await this.#learnNames();
    const { state } = this;
    const next = { providers, paths: paths.items };
    const alarms = state.round === 0 ? [] : alarmsOf(state, next);
    this.#set({
      ...next,
      status,
      pathsInAll: paths.total,
      flows,
      // Another run of the box counts anew: all of its samples are asked for with the next round.
      past: isOfOneRun(state.past, history.latest) ? goOn(state.past, history) : NOTHING,
      lab,
      trouble: undefined,
      round: state.round + 1,
    });
    if (alarms.length > 0) this.#tell(alarms.join(". "));
  }

  #tell(alarm: string): void {
    this.#set({ alarm });
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => this.#set({ alarm: "" }), ALARM_SHOWN);
  }

  async #learnNames(): Promise<void> {
    const leases = await this.client.list<LeaseRow>(`leases?state=bound&limit=${NAMES_ASKED}`);
    this.#namesAt = performance.now();
    this.#set({ names: new Map(leases.flatMap(({ ulid, name }) => (name === null ? [] : [[ulid, name]]))) });
  }

  #fail(error: unknown): void {
    if (!(error instanceof Refused)) throw error;
    if (error.status === 401) this.#set({ wanted: error.message, trouble: error.message });
    else this.#set({ trouble: error.message });
  }

  /** Follows the events until the tab is hidden; begins again when the stream breaks. */
  async #follow(): Promise<void> {
    const stream = new AbortController();
    this.#stream = stream;
    while (!stream.signal.aborted) {
      try {
        if (this.#state.events.length === 0) this.#hear(await this.client.list<EventRow>("events"));
        await this.client.events(this.#state.events.at(-1)?.id, (messages) => this.#take(messages), stream.signal);
      } catch (error) {
        if (stream.signal.aborted) return;
        if (error instanceof Refused && error.status === 401) break;
      }
      await new Promise((resolve) => setTimeout(resolve, RECONNECT));
    }
    if (this.#stream === stream) this.#stream = undefined;
  }

  #take(messages: readonly { readonly kind: string; readonly data: string }[]): void {
    const events: EventRow[] = [];
    let { missed } = this.#state;
    for (const { kind, data } of messages) {
      if (kind === "missed") missed += (JSON.parse(data) as { count: number }).count;
      else events.push(JSON.parse(data) as EventRow);
    }
    if (missed !== this.#state.missed) this.#set({ missed });
    this.#hear(events);
    this.hurry();
  }

  #hear(events: readonly EventRow[]): void {
    if (events.length > 0) this.#set({ events: [...this.#state.events, ...events].slice(-EVENTS_KEPT) });
  }
}
