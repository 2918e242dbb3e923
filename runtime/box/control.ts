/** Control messages and payload that no context of the core claims, on their way to the machines. */
import type { ContextState } from "../shim6/contract.ts";
import { Reject } from "../value/reject.ts";
import type { Millis } from "../value/time.ts";
import {
  parseControlHeader,
  parseControlOptions,
  parsePayload,
  Refusal,
  removePayloadHeader,
  type UpdateAck,
  type UpdateRequest,
} from "../wire/index.ts";
import type { ControlCounters } from "./counters.ts";
import type { PathKeeper } from "./keeper.ts";
import type { Machines } from "./machines.ts";
import type { BoxParts } from "./parts.ts";
import type { Sender } from "./sender.ts";

/** What it works with. */
export interface ControlParts extends Pick<BoxParts, "core" | "shim6"> {
  readonly counters: ControlCounters;
  readonly machines: Machines;
  readonly paths: PathKeeper;
  readonly sender: Sender;
}

/** States in which payload with our tag is delivered (RFC 5533 §7.16, §12.2). */
const TAKES_PAYLOAD: ReadonlySet<ContextState> = new Set(["I2-SENT", "ESTABLISHED", "I2BIS-SENT"]);

/** Reads what other boxes sent to this one. */
export class Control {
  readonly #parts: ControlParts;

  constructor(parts: ControlParts) {
    this.#parts = parts;
  }

  /** A packet with a Shim6 control message; what is no such message is dropped and counted, or refused with an Error. */
  message(packet: Uint8Array, now: Millis): void {
    const { shim6, counters, machines, paths, sender } = this.#parts;
    const header = parseControlHeader(packet);
    if (header instanceof Reject) return counters.count(`drop-${header.why}`);
    if (header instanceof Refusal) return sender.error(packet, header, now);
    const { source, destination, receiverTag } = header;
    // A tag that nobody has is answered with R1bis before anyone looks at the options (receive table, steps 8 and 10).
    if (receiverTag !== undefined && shim6.findTag(receiverTag) === undefined)
      return machines.shim6({ kind: "stray-payload", source, destination, tag: receiverTag }, now);
    const parsed = parseControlOptions(header);
    if (parsed instanceof Reject) return counters.count(`drop-${parsed.why}`);
    if (parsed instanceof Refusal) return sender.error(packet, parsed, now);
    counters.count(`in-${parsed.message.kind}`);
    const { message } = parsed;
    const answered = message.kind === "UpdateAck" && (paths.acknowledged(message, now) || machines.acknowledged(message, now));
    if (!answered) machines.shim6({ kind: "message", source, destination, message, packet }, now);
    if (message.kind === "UpdateRequest" || message.kind === "UpdateAck") this.#heard(message, now);
  }

  /** A payload packet whose tag the core did not find. */
  strayPayload(packet: Uint8Array, now: Millis): void {
    const { shim6, counters, machines, sender } = this.#parts;
    const payload = parsePayload(packet);
    if (payload instanceof Reject) return counters.count(`drop-${payload.why}`);
    // The peer's R2 got lost: it is established and sends, we still wait. Its packet is good (RFC 5533 §7.16).
    // Or the core's search gave up because this thread was held up in the middle of a change: then the context is there.
    const context = shim6.findTag(payload.tag);
    const isGood = context !== undefined && TAKES_PAYLOAD.has(context.state);
    const restored = isGood ? removePayloadHeader(packet, context.pair.peer, context.pair.local) : undefined;
    if (restored instanceof Uint8Array) sender.transmit(restored);
    if (context?.peerTag !== undefined) return;
    machines.shim6({ kind: "stray-payload", source: payload.source, destination: payload.destination, tag: payload.tag }, now);
  }

  /**
   * A control message but Keepalive and Probe counts as payload for REAP (reap.md §1). Not so the acknowledgement: it came back the way the
   * request went, which says nothing about the pair that the peer sends on, and would hide the death of that pair for as long as requests
   * are acknowledged. Our own boxes do not count it as sent either; others do, and wait for a sign of life then. Nor does the request of one
   * of our boxes that says nothing: it asks whether a locator answers, on a pair that carries nothing.
   */
  #heard({ kind, receiverTag, options }: UpdateRequest | UpdateAck, now: Millis): void {
    const { core, shim6 } = this.#parts;
    const context = shim6.findTag(receiverTag);
    if (context?.state !== "ESTABLISHED") return;
    const asks = kind === "UpdateRequest" && options.length === 0 && context.peerCapabilities !== undefined;
    if (asks) return;
    if (kind === "UpdateRequest") core.touch(context.id, "received", now);
    else if (context.peerCapabilities === undefined) core.keepaliveTimer(context.id, "start", now);
  }
}
