/** RFC 5534 §6.1 … §6.9: every state × event, first as data, then as the machine carries it out. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { REAP_RANDOM_OCTETS, type Reap, type ReapEffect, type ReapEvent } from "../../../runtime/reap/contract.ts";
import { createReap } from "../../../runtime/reap/machine.ts";
import { rfc5534Timing } from "../../../runtime/reap/profile.ts";
import { type TableEvent, transition } from "../../../runtime/reap/table.ts";
import { address } from "../../../runtime/value/address.ts";
import { contextTag } from "../../../runtime/value/tag.ts";
import type { Probe, ReapState } from "../../../runtime/wire/message.ts";

const STATES = ["Operational", "Exploring", "InboundOk"] as const;

/**
 * The RFC's tables in its own words: S = Send Timer, K = Keepalive Timer; then the Probe or Keepalive sent, then the state
 * entered. "choose" = a new current pair is chosen. "stop" of a timer that cannot run in that state is not printed there.
 */
const RFC: readonly (readonly [section: string, event: TableEvent, operational: string, exploring: string, inboundOk: string])[] = [
  ["6.1", "payload-received", "stop S, start K", "probe InboundOk, start S, goto InboundOk", "stop S"],
  ["6.2", "payload-sent", "start S, stop K", "-", "start S"],
  ["6.1", "keepalive-interval", "keepalive", "-", "-"],
  ["6.3", "keepalive-timeout", "keepalive", "-", "-"],
  [
    "6.4",
    "send-timeout",
    "probe Exploring, stop S, stop K, goto Exploring",
    "-",
    "probe Exploring, stop S, stop K, goto Exploring", // §6: no timer runs in Exploring
  ],
  ["6.5", "retransmit", "-", "probe Exploring", "probe InboundOk, start S"],
  ["6.6", "keepalive-received", "stop S", "probe InboundOk, start S, goto InboundOk", "stop S"],
  [
    "6.7",
    "probe-exploring",
    "probe InboundOk, restart S, stop K, goto InboundOk",
    "probe InboundOk, start S, goto InboundOk",
    "probe InboundOk, restart S",
  ],
  [
    "6.8",
    "probe-inboundok",
    "choose, probe Operational, restart S, stop K, goto Operational",
    "choose, probe Operational, restart S, stop K, goto Operational",
    "choose, probe Operational, restart S, stop K, goto Operational",
  ],
  ["6.9", "probe-operational", "stop S, start K", "choose, stop S, start K, goto Operational", "choose, stop S, start K, goto Operational"],
  ["4.1", "lost", "probe Exploring, stop S, stop K, goto Exploring", "-", "-"],
  ["5533-7.18", "recovering", "stop S, stop K", "stop S, stop K", "stop S, stop K"],
];

for (const [section, event, ...cells] of RFC) {
  STATES.forEach((state, i) => {
    test(`§${section} ${event} in ${state}: ${cells[i]}`, () => {
      assert.equal(words(transition(state, event)), words(parse(cells[i])));
    });
  });
}

const LOCAL = [address("2001:db8:a1::1"), address("2001:db8:a2::1")];
const PEER = [address("2001:db8:b1::1"), address("2001:db8:b2::1")];
const RANDOM = Uint8Array.from({ length: REAP_RANDOM_OCTETS }, (_, i) => 7 * i);
const ID = 5;

for (const [section, event, ...cells] of RFC) {
  STATES.forEach((state, i) => {
    test(`§${section} ${event} in ${state}: the machine does it`, () => {
      const reap = machineIn(state);
      const cell = parse(cells[i]);
      const effects = feed(reap, event);
      assert.is(reap.stateOf(ID), cell.goto ?? state);
      const timers = effects.filter((effect) => effect.kind === "send-timer").map(({ action }) => action);
      assert.equal(timers, cell.send === undefined ? [] : [cell.send]);
      const keepalive = effects.filter((effect) => effect.kind === "keepalive-timer").map(({ action }) => action);
      // The core knows no states: a Keepalive Timer that expires outside Operational is stopped there.
      const stray = event.startsWith("keepalive-") && event !== "keepalive-received" && state !== "Operational" ? ["stop"] : [];
      assert.equal(keepalive, cell.keepalive === undefined ? stray : [cell.keepalive]);
      const messages = effects
        .filter((effect) => effect.kind === "send")
        .map(({ message }) => (message.kind === "Probe" ? message.state : "Keepalive"));
      assert.equal(messages, cell.probe !== undefined ? [cell.probe] : cell.sendKeepalive ? ["Keepalive"] : []);
      const states = effects.filter((effect) => effect.kind === "state").map((effect) => effect.state);
      assert.equal(states, cell.goto === undefined || cell.goto === state ? [] : [cell.goto]);
      const watch = effects.filter((effect) => effect.kind === "watch").map(({ on }) => on);
      const to = cell.goto ?? state;
      assert.equal(watch, to === state ? [] : to === "Exploring" ? [true] : state === "Exploring" ? [false] : []);
    });
  });
}

for (const state of STATES) {
  test(`§5533-7.18 in recovery, from ${state}: no event counts and nothing is due until the context is established anew`, () => {
    const reap = machineIn(state);
    feed(reap, "recovering");
    for (const [, event] of RFC) {
      if (event !== "retransmit") assert.equal(feed(reap, event), [], event);
    }
    assert.is(reap.stateOf(ID), state);
    assert.is(reap.wakeAt, Number.POSITIVE_INFINITY);
    establish(reap);
    assert.is(reap.stateOf(ID), "Operational");
    assert.ok(feed(reap, "send-timeout").length > 0);
  });
}

function parse(
  cell: string,
): Record<string, string | boolean> & { goto?: ReapState; send?: string; keepalive?: string; probe?: string; sendKeepalive?: boolean } {
  const result: Record<string, string | boolean> & { goto?: ReapState } = {};
  for (const part of cell.split(", ")) {
    const [verb, what] = part.split(" ");
    if (verb === "probe") result.probe = what;
    else if (verb === "goto") result.goto = what as ReapState;
    else if (verb === "choose") result.choose = true;
    else if (verb === "keepalive") result.sendKeepalive = true;
    else if (what === "S") result.send = verb;
    else if (what === "K") result.keepalive = verb;
  }
  return result;
}

function words(cell: object): string[] {
  return Object.entries(cell)
    .map(([key, value]) => `${key} ${value}`)
    .sort();
}

function machineIn(state: ReapState): Reap {
  const reap = createReap();
  establish(reap);
  if (state === "Exploring") feed(reap, "send-timeout");
  if (state === "InboundOk") feed(reap, "probe-exploring");
  assert.is(reap.stateOf(ID), state);
  return reap;
}

function establish(reap: Reap): void {
  const peerLocators = PEER.map((it) => ({ address: it, preference: { flags: 0 } }));
  const context = {
    id: ID,
    current: { local: LOCAL[0], peer: PEER[0] },
    localLocators: LOCAL,
    peerLocators,
    peerTag: contextTag(1),
    peerBox: undefined,
    timing: rfc5534Timing(),
  };
  reap.step({ kind: "context", context, fresh: true }, 0, RANDOM);
}

function feed(reap: Reap, event: TableEvent): ReapEffect[] {
  if (event === "retransmit") return reap.step({ kind: "poll" }, reap.wakeAt === Number.POSITIVE_INFINITY ? 1 : reap.wakeAt, RANDOM);
  return reap.step(eventOf(event), 1, RANDOM);
}

function eventOf(event: Exclude<TableEvent, "retransmit">): ReapEvent {
  switch (event) {
    case "payload-received":
    case "payload-sent":
    case "send-timeout":
      return { kind: event, id: ID };
    case "keepalive-interval":
    case "keepalive-timeout":
      return { kind: "keepalive-due", id: ID, last: event === "keepalive-timeout" };
    case "keepalive-received":
      return { kind: "keepalive", id: ID, message: { kind: "Keepalive", receiverTag: contextTag(2), options: [] } };
    case "recovering":
      return { kind: "recovering", id: ID };
    case "lost":
      return { kind: "lost", id: ID, pair: { local: LOCAL[0], peer: PEER[0] } };
    case "probe-exploring":
      return probe("Exploring");
    case "probe-inboundok":
      return probe("InboundOk");
    case "probe-operational":
      return probe("Operational");
  }
}

function probe(state: ReapState): ReapEvent {
  const sent = [{ source: PEER[0], destination: LOCAL[0], nonce: 99, data: 0 }];
  const message: Probe = { kind: "Probe", receiverTag: contextTag(2), state, sent, received: [], options: [] };
  return { kind: "probe", id: ID, source: PEER[0], destination: LOCAL[0], message };
}

test.run();
