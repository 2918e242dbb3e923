/**
 * The state machine of RFC 5534 §6 as data: for each state and event what happens to timers, messages and state. Heads up:
 * read §6.1 to §6.9 before you touch a cell. Where a cell differs from the RFC, the line says so.
 */
import type { ReapState } from "../wire/message.ts";

export type TableEvent =
  | "payload-received"
  | "payload-sent"
  | "keepalive-interval"
  | "keepalive-timeout"
  | "send-timeout"
  | "retransmit"
  | "keepalive-received"
  | "probe-exploring"
  | "probe-inboundok"
  | "probe-operational"
  /** A hint that the current pair is dead (reap.md §9). */
  | "lost"
  /** The peer lost the context, which is set up anew (RFC 5533 §7.18). */
  | "recovering";

/** What to do. An absent key means: nothing of that kind. `start` = if not running, `restart` = in any case. */
export interface Cell {
  readonly send?: "start" | "restart" | "stop";
  readonly keepalive?: "start" | "stop";
  /** Send a Probe that names this state, which is the one after the transition (§6.1). */
  readonly probe?: ReapState;
  readonly sendKeepalive?: true;
  /** Choose the pair from the received-reports of the message (§6.8). */
  readonly choose?: true;
  readonly goto?: ReapState;
}

const NOTHING: Cell = {};

const HEARD_WHILE_EXPLORING: Cell = { probe: "InboundOk", send: "start", goto: "InboundOk" };

/** "No timer is running in the Exploring state" (§6). */
const LOST: Cell = { probe: "Exploring", send: "stop", keepalive: "stop", goto: "Exploring" };

/** The peer does not know our tag: it can neither hear us nor be missed until it does. */
const REST: Cell = { send: "stop", keepalive: "stop" };

const PEER_HEARS_US: Cell = { choose: true, probe: "Operational", send: "restart", keepalive: "stop", goto: "Operational" };

/** §6.9 chooses no pair here, its example 4 does: without, the pair that was just proved would stay unused. */
const BOTH_HEAR: Cell = { choose: true, send: "stop", keepalive: "start", goto: "Operational" };

const TABLE: Readonly<Record<TableEvent, Readonly<Record<ReapState, Cell>>>> = {
  "payload-received": {
    Operational: { send: "stop", keepalive: "start" },
    Exploring: HEARD_WHILE_EXPLORING,
    InboundOk: { send: "stop" },
  },
  "payload-sent": {
    Operational: { send: "start", keepalive: "stop" },
    Exploring: NOTHING,
    InboundOk: { send: "start" },
  },
  "keepalive-interval": { Operational: { sendKeepalive: true }, Exploring: NOTHING, InboundOk: NOTHING },
  "keepalive-timeout": { Operational: { sendKeepalive: true }, Exploring: NOTHING, InboundOk: NOTHING },
  "send-timeout": { Operational: LOST, Exploring: NOTHING, InboundOk: LOST },
  retransmit: {
    Operational: NOTHING,
    Exploring: { probe: "Exploring" },
    InboundOk: { probe: "InboundOk", send: "start" },
  },
  "keepalive-received": {
    Operational: { send: "stop" },
    Exploring: HEARD_WHILE_EXPLORING,
    InboundOk: { send: "stop" },
  },
  "probe-exploring": {
    Operational: { probe: "InboundOk", send: "restart", keepalive: "stop", goto: "InboundOk" },
    Exploring: HEARD_WHILE_EXPLORING,
    InboundOk: { probe: "InboundOk", send: "restart" },
  },
  // The text of §6.8 stops the Keepalive Timer in every state; its table prints that in Operational, the only state where it runs.
  "probe-inboundok": { Operational: PEER_HEARS_US, Exploring: PEER_HEARS_US, InboundOk: PEER_HEARS_US },
  // §6.9 describes a Probe and its table sends none: none ends the exchange.
  "probe-operational": { Operational: { send: "stop", keepalive: "start" }, Exploring: BOTH_HEAR, InboundOk: BOTH_HEAR },
  lost: { Operational: LOST, Exploring: NOTHING, InboundOk: NOTHING },
  recovering: { Operational: REST, Exploring: REST, InboundOk: REST },
};

/** The cell of the table for `event` in `state`. */
export function transition(state: ReapState, event: TableEvent): Cell {
  return TABLE[event][state];
}
