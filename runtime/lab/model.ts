/** What is known of a running lab at this moment: the pass writes it, the views read it. */
import type { ContextRow } from "../api/rows.ts";
import type { EventName, ProviderState } from "./events.ts";
import type { RuntimeName } from "./host.ts";

/** Samples of the rate that are kept. */
export const RATE_SAMPLES = 240;
const LOG_LINES = 100;
/** Events that are kept of a lab that goes on and on. */
const EVENTS = 400;

/** Written by one pass, read by the views. */
export interface LabModel {
  /** What goes on, in a few words. */
  phase: string;
  /** Where the dashboard is, with what it must be told; `undefined` = nowhere. */
  page: string | undefined;
  readonly runtimes: readonly [RuntimeName, RuntimeName];
  /** By name. */
  readonly providers: Map<string, ProviderState>;
  /** Provider that carries data from h1, and back to h1; by the interfaces' counters. */
  outbound: string | undefined;
  inbound: string | undefined;
  handshakeMs: number | undefined;
  octets: number;
  /** Octets a second at h2, oldest first. */
  readonly rates: number[];
  /** Milliseconds that the stream stands still by now. */
  stillFor: number;
  /** Contexts of box A and box B; `undefined` = does not answer. */
  readonly contexts: [readonly ContextRow[] | undefined, readonly ContextRow[] | undefined];
  readonly events: EventReport[];
  /** Newest last, with the instant (milliseconds since the lab began). */
  readonly log: { readonly at: number; readonly text: string }[];
}

/** How the stream took one event. */
export interface EventReport {
  readonly name: EventName;
  /** The longest time without data at h2 from the event to the next one, milliseconds. */
  readonly stallMs: number;
  /** Provider that carried h1's data before and after; `null` = none could be told. */
  readonly from: string | null;
  readonly to: string | null;
  /** The same for what h2 answers. */
  readonly returnFrom: string | null;
  readonly returnTo: string | null;
  /** Whether data flowed again in time. */
  readonly recovered: boolean;
}

/** The summary of one pass; the JSON line. */
export interface PassReport {
  readonly ok: boolean;
  readonly runtimeA: RuntimeName;
  readonly runtimeB: RuntimeName;
  /** The addresses that DHCPv6 gave. */
  readonly hosts: { readonly h1: string; readonly h2: string };
  /** The slower of the two leases, from the first Solicit. */
  readonly leaseMs: number;
  /** What h1 waited for h2's name, asked for at the box and there at the other one. */
  readonly resolveMs: number;
  /** What the first connect waited, set-up of the context included. */
  readonly handshakeMs: number;
  readonly events: readonly EventReport[];
  readonly octets: number;
  readonly contentOk: boolean;
  /** In both boxes, after the stream had ended and the idle time had passed; `null` = a box did not answer. */
  readonly contextsLeft: number | null;
  /** What was wrong; absent when `ok`. */
  readonly why?: readonly string[];
}

/** Nothing is known yet. */
export function newModel(runtimes: readonly [RuntimeName, RuntimeName]): LabModel {
  return {
    phase: "",
    page: undefined,
    runtimes,
    providers: new Map(),
    outbound: undefined,
    inbound: undefined,
    handshakeMs: undefined,
    octets: 0,
    rates: [],
    stillFor: 0,
    contexts: [undefined, undefined],
    events: [],
    log: [],
  };
}

/** Adds a sample of the rate. */
export function addRate(model: LabModel, octetsPerSecond: number): void {
  model.rates.push(octetsPerSecond);
  if (model.rates.length > RATE_SAMPLES) model.rates.shift();
}

/** Adds a line of the log. */
export function addLog(model: LabModel, at: number, text: string): void {
  model.log.push({ at, text });
  if (model.log.length > LOG_LINES) model.log.shift();
}

/** Adds what an event did. */
export function addEvent(model: LabModel, event: EventReport): void {
  model.events.push(event);
  if (model.events.length > EVENTS) model.events.shift();
}
