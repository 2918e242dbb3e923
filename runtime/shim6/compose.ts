/** The messages we send, as values (RFC 5533 §5.4 to §5.11, §7.7 to §7.20). The ULID Pair option is always in I1, I2 and I2bis: our ULIDs are no locators. */

import type { ContextTag } from "../value/tag.ts";
import type { Capabilities, I1, I2, I2bis, LocatorPreferences, Option, Preference, R1, R1bis, R2, UpdateAck } from "../wire/message.ts";
import { DEFAULT_SEND_TIMEOUT_SECONDS } from "./constants.ts";
import type { Answerable, Context } from "./context.ts";
import type { LocalIdentity, Shim6Options, UlidPair } from "./contract.ts";
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

/** I2 (§7.11). */
export function composeI2(context: Context, nonce: number, answer: Answerable, identity: LocalIdentity, options: Shim6Options): I2 {
  return {
    kind: "I2",
    initiatorTag: context.localTag,
    initiatorNonce: nonce,
    responderNonce: answer.responderNonce,
    options: [...validatorOf(answer), ...nameOf(context.pair), ...describe(context, identity, options)],
  };
}

/** I2bis (§7.18). */
export function composeI2bis(
  context: Context,
  nonce: number,
  answer: Answerable,
  packetTag: ContextTag,
  identity: LocalIdentity,
  options: Shim6Options,
): I2bis {
  return {
    kind: "I2bis",
    initiatorTag: context.localTag,
    initiatorNonce: nonce,
    responderNonce: answer.responderNonce,
    packetTag,
    options: [...validatorOf(answer), ...nameOf(context.pair), ...describe(context, identity, options)],
  };
}

/** R2 (§7.14); `initiatorNonce` is that of the message it answers. */
export function composeR2(context: Context, initiatorNonce: number, identity: LocalIdentity, options: Shim6Options): R2 {
  return { kind: "R2", responderTag: context.localTag, initiatorNonce, options: describe(context, identity, options) };
}

/** R1bis (§7.17). */
export function composeR1bis(packetTag: ContextTag, { responderNonce, validator }: Challenge): R1bis {
  return { kind: "R1bis", packetTag, responderNonce, options: [{ kind: "responder-validator", validator }] };
}

/** Update Acknowledgement (§10.4). */
export function composeUpdateAck(receiverTag: ContextTag, requestNonce: number): UpdateAck {
  return { kind: "UpdateAck", receiverTag, requestNonce, options: [] };
}

/** What we tell of ourselves in I2, I2bis and R2. Remembers in the context what it told. */
function describe(context: Context, { list, preferences, pds, signature }: LocalIdentity, options: Shim6Options): Option[] {
  if (context.localGeneration !== list.generation) {
    context.localGeneration = list.generation;
    context.localLocators = list.locators.map(({ address }) => address);
  }
  context.told = options.capabilities?.(context.roundTrip);
  const described: Option[] = [
    { kind: "locator-list", ...list },
    { kind: "cga-pds", pds },
  ];
  if (signature !== undefined) described.push({ kind: "cga-signature", signature });
  if (preferences.length === list.locators.length)
    described.push({ kind: "locator-preferences", ...preferencesOf(list.generation, preferences) });
  if (options.sendTimeoutSeconds !== DEFAULT_SEND_TIMEOUT_SECONDS)
    described.push({ kind: "keepalive-timeout", seconds: options.sendTimeoutSeconds });
  return [...described, ...asOption(context.told)];
}

/** Elements only as long as they need to be: flags, then priority, then weight (§5.15.3). */
function preferencesOf(generation: number, elements: readonly Preference[]): LocatorPreferences {
  if (elements.some(({ weight }) => weight !== undefined)) return { generation, elementLength: 3, elements };
  const elementLength = elements.some(({ priority }) => priority !== undefined) ? 2 : 1;
  return { generation, elementLength, elements };
}

function nameOf({ local, peer, fork }: UlidPair): Option[] {
  const named: Option[] = [{ kind: "ulid-pair", sender: local, receiver: peer }];
  if (fork !== 0) named.push({ kind: "forked-instance", identifier: fork });
  return named;
}

function validatorOf({ validator }: Answerable): Option[] {
  return validator === undefined ? [] : [{ kind: "responder-validator", validator }];
}

function asOption(capabilities: Capabilities | undefined): Option[] {
  return capabilities === undefined ? [] : [{ kind: "capabilities", ...capabilities }];
}
