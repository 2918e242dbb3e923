/** The messages we send, as values (RFC 5533 §5.4 to §5.11, §7.7 to §7.20). The ULID Pair option is always in I1, I2 and I2bis: our ULIDs are no locators. */

import type { ContextTag } from "../value/tag.ts";
import type { Capabilities, I1, I2, I2bis, Option, R1, R1bis, R2, UpdateAck, UpdateRequest } from "../wire/message.ts";
import type { Answerable, Context } from "./context.ts";
import type { UlidPair } from "./contract.ts";
import { asOption } from "./describe.ts";
import type { Challenge } from "./validator.ts";

/** I1 (§7.7). */
export function composeI1(context: Context, nonce: number, capabilities: Capabilities | undefined): I1 {
  const options = [...nameOf(context.pair), ...asOption(capabilities)];
  return { kind: "I1", initiatorTag: context.localTag, initiatorNonce: nonce, options };
}

/** R1 (§7.10): made of the I1 and of nothing else. */
export function composeR1(initiatorNonce: number, { responderNonce, validator }: Challenge, capabilities: Capabilities | undefined): R1 {
  return { kind: "R1", initiatorNonce, responderNonce, options: [{ kind: "responder-validator", validator }, ...asOption(capabilities)] };
}

/** I2 (§7.11), as yet without a word about us. */
export function composeI2(context: Context, nonce: number, answer: Answerable): I2 {
  return {
    kind: "I2",
    initiatorTag: context.localTag,
    initiatorNonce: nonce,
    responderNonce: answer.responderNonce,
    options: [...validatorOf(answer), ...nameOf(context.pair)],
  };
}

/** I2bis (§7.18), as yet without a word about us. */
export function composeI2bis(context: Context, nonce: number, answer: Answerable, packetTag: ContextTag): I2bis {
  return {
    kind: "I2bis",
    initiatorTag: context.localTag,
    initiatorNonce: nonce,
    responderNonce: answer.responderNonce,
    packetTag,
    options: [...validatorOf(answer), ...nameOf(context.pair)],
  };
}

/** R2 (§7.14), as yet without a word about us; `initiatorNonce` is that of the message it answers. */
export function composeR2(context: Context, initiatorNonce: number): R2 {
  return { kind: "R2", responderTag: context.localTag, initiatorNonce, options: [] };
}

/** R1bis (§7.17). */
export function composeR1bis(packetTag: ContextTag, { responderNonce, validator }: Challenge): R1bis {
  return { kind: "R1bis", packetTag, responderNonce, options: [{ kind: "responder-validator", validator }] };
}

/** Update Request (§10.1). */
export function composeUpdateRequest(receiverTag: ContextTag, requestNonce: number, options: readonly Option[]): UpdateRequest {
  return { kind: "UpdateRequest", receiverTag, requestNonce, options };
}

/** Update Acknowledgement (§10.4). */
export function composeUpdateAck(receiverTag: ContextTag, requestNonce: number): UpdateAck {
  return { kind: "UpdateAck", receiverTag, requestNonce, options: [] };
}

function nameOf({ local, peer, fork }: UlidPair): Option[] {
  const named: Option[] = [{ kind: "ulid-pair", sender: local, receiver: peer }];
  if (fork !== 0) named.push({ kind: "forked-instance", identifier: fork });
  return named;
}

function validatorOf({ validator }: Answerable): Option[] {
  return validator === undefined ? [] : [{ kind: "responder-validator", validator }];
}
