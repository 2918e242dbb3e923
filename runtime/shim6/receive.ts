/**
 * The checks between the form of a message and the state machine: steps 8, 9 and 14 to 18 of the receive table, in that
 * order (RFC 5533 §7.2, §7.13, §10.4, §12.3, §12.4). Form and checksum were checked by the parser; the validator's value (step 13) is
 * checked by the machine before it comes here, because what follows is dearer.
 */
import type { Locator, Ulid } from "../value/address.ts";
import type { ContextTag } from "../value/tag.ts";
import {
  findOption,
  type I2,
  type I2bis,
  type LocatorList,
  type LocatorPreferences,
  METHOD_CGA,
  METHOD_HBA,
  type Message,
  type R2,
  type UpdateRequest,
} from "../wire/message.ts";
import { ERROR_GENERATION, ERROR_LOCATOR_VERIFICATION, ERROR_PREFERENCE_COUNT } from "../wire/number.ts";
import type { Shim6World } from "./contract.ts";
import { generationPointer, lengthPointer, methodPointer } from "./pointer.ts";
import { exchanged } from "./reading.ts";

/** A message with the packet that carried it. */
export interface Received {
  readonly source: Locator;
  readonly destination: Locator;
  readonly message: Message;
  /** The whole packet from its IPv6 header on. */
  readonly packet: Uint8Array;
  /** Octet of `packet` where the Shim6 header starts; found by itself when absent. */
  readonly offset?: number;
}

/** What the receiver already knows in the context that the message belongs to. */
export interface ReceiverContext {
  readonly peerUlid: Ulid | undefined;
  /** Ls(local). */
  readonly localLocators: readonly Locator[];
  /** Ls(peer), in the order of the peer's list. */
  readonly peerLocators: readonly Locator[];
  /** Generation of the peer's list in use. */
  readonly peerGeneration: number | undefined;
  /** CGA parameters that the peer sent before; they hash to `peerUlid`. */
  readonly peerPds: Uint8Array | undefined;
}

/** What becomes of a message. `pointer` is an octet of the IPv6 packet that carried it; `why` a counter's name behind `drop-`. */
export type Verdict =
  /** `list` = the Locator List in the numbers of §5.15.2, when the message has it in those of §17. */
  | { readonly action: "accept"; readonly list?: LocatorList }
  | { readonly action: "drop"; readonly why: string }
  | { readonly action: "error"; readonly code: number; readonly pointer: number }
  | { readonly action: "r1bis"; readonly packetTag: ContextTag };

const ACCEPT: Verdict = { action: "accept" };

/**
 * Judges a well-formed message against the context it belongs to. Pure but for the three verifications of `world`, of which
 * `verifyList` (RSA) is asked last, and a second time only where the two readings of a list have different CGA locators.
 * @param context of the tag (types 64 … 67), of the nonce (R1, R2) or of the tag of the lost packet (R1bis); I2 and I2bis need none
 */
export function judgeReceived(
  received: Received,
  context: ReceiverContext | undefined,
  world: Pick<Shim6World, "verifyCga" | "verifyHba" | "verifyList">,
): Verdict {
  const { message, source } = received;
  switch (message.kind) {
    case "I1":
    case "Error":
      return ACCEPT;
    case "R1":
    case "R1bis":
      return context === undefined ? drop(`no-context-${message.kind.toLowerCase()}`) : ACCEPT;
    case "R2":
      return context === undefined ? drop("no-context-r2") : judgeLocators(received, message, context.peerUlid, context, world);
    case "I2":
    case "I2bis":
      if (findOption(message.options, "responder-validator") === undefined) return drop(`no-validator-${message.kind.toLowerCase()}`);
      return judgeLocators(received, message, findOption(message.options, "ulid-pair")?.sender ?? source, context, world);
    case "UpdateAck":
    case "Keepalive":
    case "Probe":
      return judgeAddressed(received, message.receiverTag, context);
    case "UpdateRequest": {
      const addressed = judgeAddressed(received, message.receiverTag, context);
      if (addressed.action !== "accept") return addressed;
      const listed = judgeLocators(received, message, context?.peerUlid, context, world);
      if (listed.action !== "accept") return listed;
      const fitting = judgePreferences(received, message, context);
      return fitting.action === "accept" ? listed : fitting;
    }
  }
}

/** Steps 8 and 9: the tag names a context, and the packet came on locators of that context (RFC 5533 §10.4, §12.4). */
export function judgeAddressed(
  { source, destination }: Pick<Received, "source" | "destination">,
  tag: ContextTag,
  context: Pick<ReceiverContext, "localLocators" | "peerLocators"> | undefined,
): Verdict {
  const known = context?.peerLocators.includes(source) && context.localLocators.includes(destination);
  return known ? ACCEPT : { action: "r1bis", packetTag: tag };
}

/** Steps 14 to 16: the PDS hashes to ULID(peer), every method is possible, the whole list verifies. */
function judgeLocators(
  received: Received,
  message: I2 | I2bis | R2 | UpdateRequest,
  peerUlid: Ulid | undefined,
  context: ReceiverContext | undefined,
  world: Pick<Shim6World, "verifyCga" | "verifyHba" | "verifyList">,
): Verdict {
  const own = findOption(message.options, "cga-pds")?.pds;
  if (own !== undefined && (peerUlid === undefined || !world.verifyCga(peerUlid, own)))
    return drop(`wrong-pds-${message.kind.toLowerCase()}`);
  const list = findOption(message.options, "locator-list");
  if (list === undefined) return ACCEPT;
  const signature = findOption(message.options, "cga-signature")?.signature;
  const pds = own ?? context?.peerPds;
  const fault = findFault(list, pds, signature, world);
  if (fault === undefined) return ACCEPT;
  const other = exchanged(list);
  if (other !== undefined && findFault(other, pds, signature, world) === undefined) return { action: "accept", list: other };
  return { action: "error", code: ERROR_LOCATOR_VERIFICATION, pointer: methodPointer(received, fault) };
}

/** Place of the locator whose method is at fault (RFC 5533 §7.2), or `undefined` when the list holds. A bad signature points at the first method CGA. */
function findFault(
  list: LocatorList,
  pds: Uint8Array | undefined,
  signature: Uint8Array | undefined,
  world: Pick<Shim6World, "verifyHba" | "verifyList">,
): number | undefined {
  const { locators } = list;
  const firstCga = locators.findIndex(({ method }) => method === METHOD_CGA);
  for (let i = 0; i < locators.length; i++) {
    const { address, method } = locators[i];
    if (pds === undefined || (method !== METHOD_HBA && method !== METHOD_CGA)) return i;
    if (method === METHOD_HBA ? !world.verifyHba(address, pds) : signature === undefined) return i;
  }
  if (firstCga < 0 || pds === undefined || signature === undefined) return undefined;
  return world.verifyList(list, pds, signature) ? undefined : firstCga;
}

/** Steps 17 and 18: preferences fit the list in use, which may be the one of this very message (RFC 5533 §10.4). */
function judgePreferences(received: Received, message: UpdateRequest, context: ReceiverContext | undefined): Verdict {
  const preferences = findOption(message.options, "locator-preferences");
  if (preferences === undefined) return ACCEPT;
  const list = findOption(message.options, "locator-list");
  if (preferences.generation !== (list?.generation ?? context?.peerGeneration)) {
    return { action: "error", code: ERROR_GENERATION, pointer: generationPointer(received) };
  }
  if (preferencesFit(preferences, list?.locators.length ?? context?.peerLocators.length ?? 0)) return ACCEPT;
  return { action: "error", code: ERROR_PREFERENCE_COUNT, pointer: lengthPointer(received) };
}

/** Whether there is one whole element for each of `count` locators. */
export function preferencesFit(preferences: LocatorPreferences, count: number): boolean {
  return preferences.ragged !== true && preferences.elements.length === count;
}

function drop(why: string): Verdict {
  return { action: "drop", why };
}
