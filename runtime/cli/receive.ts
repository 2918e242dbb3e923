/** A packet through every check of the receive table in order (RFC 5533 §12.3), up to the state machine. */

import type { Shim6World } from "../shim6/contract.ts";
import { judgeAddressed, judgeReceived, type ReceiverContext } from "../shim6/receive.ts";
import { Reject } from "../value/reject.ts";
import type { ContextTag } from "../value/tag.ts";
import { type ParsedControl, parseControlHeader, parseControlOptions } from "../wire/parse.ts";
import { parsePayload } from "../wire/payload.ts";
import { Refusal } from "../wire/refusal.ts";

export type Outcome =
  /** `control` is absent for a payload packet. */
  | { readonly action: "accept"; readonly control?: ParsedControl }
  | { readonly action: "drop"; readonly why: string }
  | { readonly action: "error"; readonly code: number; readonly pointer: number }
  | { readonly action: "r1bis"; readonly packetTag: ContextTag };

/** The context with a tag as CT(local), and, asked without a tag, the one that a set-up message belongs to. */
export type ContextLookup = (tag: ContextTag | undefined) => ReceiverContext | undefined;

/** Judges a whole IPv6 packet with a Shim6 header. The value of a validator (step 13) is not checked: only its maker could. */
export function receive(
  packet: Uint8Array,
  lookup: ContextLookup,
  world: Pick<Shim6World, "verifyCga" | "verifyHba" | "verifyList">,
): Outcome {
  const header = parseControlHeader(packet);
  if (header instanceof Reject)
    return header.why === "payload-shim6" ? receivePayload(packet, lookup) : { action: "drop", why: header.why };
  if (header instanceof Refusal) return { action: "error", code: header.code, pointer: header.pointer };
  const context = lookup(header.receiverTag);
  if (header.receiverTag !== undefined) {
    const addressed = judgeAddressed(header, header.receiverTag, context);
    if (addressed.action !== "accept") return addressed;
  }
  const control = parseControlOptions(header);
  if (control instanceof Reject) return { action: "drop", why: control.why };
  if (control instanceof Refusal) return { action: "error", code: control.code, pointer: control.pointer };
  const verdict = judgeReceived({ ...control, packet }, context, world);
  return verdict.action === "accept" ? { action: "accept", control } : verdict;
}

function receivePayload(packet: Uint8Array, lookup: ContextLookup): Outcome {
  const payload = parsePayload(packet);
  if (payload instanceof Reject) return { action: "drop", why: payload.why };
  return lookup(payload.tag) === undefined ? { action: "r1bis", packetTag: payload.tag } : { action: "accept" };
}
