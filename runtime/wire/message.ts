/**
 * Shim6 and REAP messages as values (RFC 5533 §5, RFC 5534 §5). Numbers are unsigned integers in host order; tags and
 * addresses are the branded values of `runtime/value`. Options keep the order in which they stand on the wire.
 */
import type { Locator, Ulid } from "../value/address.ts";
import type { ContextTag } from "../value/tag.ts";
import type { Millis } from "../value/time.ts";

export type Message = I1 | R1 | I2 | R2 | R1bis | I2bis | UpdateRequest | UpdateAck | Keepalive | Probe | ErrorMessage;
export type MessageKind = Message["kind"];

/** The initiator wants a context (RFC 5533 §5.4). */
export interface I1 {
  readonly kind: "I1";
  readonly initiatorTag: ContextTag;
  readonly initiatorNonce: number;
  readonly options: readonly Option[];
}
/** The responder's challenge (§5.5). */
export interface R1 {
  readonly kind: "R1";
  readonly initiatorNonce: number;
  readonly responderNonce: number;
  readonly options: readonly Option[];
}
/** The challenge answered (§5.6). */
export interface I2 {
  readonly kind: "I2";
  readonly initiatorTag: ContextTag;
  readonly initiatorNonce: number;
  readonly responderNonce: number;
  readonly options: readonly Option[];
}
/** The context stands (§5.7). */
export interface R2 {
  readonly kind: "R2";
  readonly responderTag: ContextTag;
  readonly initiatorNonce: number;
  readonly options: readonly Option[];
}
/** No context has the tag of a packet that arrived (§5.8). */
export interface R1bis {
  readonly kind: "R1bis";
  readonly packetTag: ContextTag;
  readonly responderNonce: number;
  readonly options: readonly Option[];
}
/** A context that the peer lost, set up again (§5.9). */
export interface I2bis {
  readonly kind: "I2bis";
  readonly initiatorTag: ContextTag;
  readonly initiatorNonce: number;
  readonly responderNonce: number;
  readonly packetTag: ContextTag;
  readonly options: readonly Option[];
}
/** New locators or preferences (§5.10). */
export interface UpdateRequest {
  readonly kind: "UpdateRequest";
  readonly receiverTag: ContextTag;
  readonly requestNonce: number;
  readonly options: readonly Option[];
}
/** An Update Request arrived; its nonce is copied (§5.11). */
export interface UpdateAck {
  readonly kind: "UpdateAck";
  readonly receiverTag: ContextTag;
  readonly requestNonce: number;
  readonly options: readonly Option[];
}
/** Packets arrive, and there is nothing to send back (RFC 5534 §5.1). */
export interface Keepalive {
  readonly kind: "Keepalive";
  readonly receiverTag: ContextTag;
  readonly options: readonly Option[];
}
/** Which probes were sent and which arrived (RFC 5534 §5.2). */
export interface Probe {
  readonly kind: "Probe";
  readonly receiverTag: ContextTag;
  readonly state: ReapState;
  /** 1 … 15; the first describes the packet that carries it. */
  readonly sent: readonly ProbeReport[];
  /** 0 … 15. */
  readonly received: readonly ProbeReport[];
  readonly options: readonly Option[];
}
/** A message was not taken (RFC 5533 §5.14). */
export interface ErrorMessage {
  readonly kind: "Error";
  /** 7-bit code (RFC 5533 §5.14). */
  readonly code: number;
  /** Octet of the fault, from the first octet of the IPv6 header of the packet in error. */
  readonly pointer: number;
  /** The packet in error from its IPv6 header on, a multiple of 8 octets, cut short if need be. */
  readonly packet: Uint8Array;
}

export type ReapState = "Operational" | "Exploring" | "InboundOk";

/** One probe as both sides remember it (RFC 5534 §5.2). */
export interface ProbeReport {
  readonly source: Locator;
  readonly destination: Locator;
  readonly nonce: number;
  readonly data: number;
}

/** `critical` is the C bit as received; what we send has it clear. */
export type Option = (
  | { readonly kind: "responder-validator"; readonly validator: Uint8Array }
  | ({ readonly kind: "locator-list" } & LocatorList)
  | ({ readonly kind: "locator-preferences" } & LocatorPreferences)
  | { readonly kind: "cga-pds"; readonly pds: Uint8Array }
  | { readonly kind: "cga-signature"; readonly signature: Uint8Array }
  | { readonly kind: "ulid-pair"; readonly sender: Ulid; readonly receiver: Ulid }
  | { readonly kind: "forked-instance"; readonly identifier: number }
  | { readonly kind: "keepalive-timeout"; readonly seconds: number }
  | ({ readonly kind: "capabilities" } & Capabilities)
  /** An option that we do not know, or that is not defined for this message; it was not critical, so the message stands. */
  | { readonly kind: "unknown"; readonly type: number; readonly contents: Uint8Array }
) & { readonly critical?: boolean };
export type OptionKind = Option["kind"];

/** Locators of the sender (§5.15.2). */
export interface LocatorList {
  readonly generation: number;
  /** At least one; order matters, preferences refer to it. */
  readonly locators: readonly ListedLocator[];
}
/** One locator and how it can be verified. */
export interface ListedLocator {
  readonly address: Locator;
  /** Verification method octet: {@link METHOD_HBA}, {@link METHOD_CGA}, or something we cannot verify. */
  readonly method: number;
}
/** What the sender thinks of its locators, in the order of the list (§5.15.3). */
export interface LocatorPreferences {
  /** Generation of the list that they fit. */
  readonly generation: number;
  /** Octets of an element, at least 1. */
  readonly elementLength: number;
  readonly elements: readonly Preference[];
  /** Set when the octets do not divide into elements of this length: answered with Error 4, never thrown away silently. */
  readonly ragged?: boolean;
}
/** One element; what its length leaves out is `undefined`. Flags: {@link PREFERENCE_BROKEN}, {@link PREFERENCE_TRANSIENT}. */
export interface Preference {
  readonly flags: number;
  readonly priority?: number;
  readonly weight?: number;
  /** Octets behind the first three, when elements are longer than 3: without meaning to us. */
  readonly rest?: Uint8Array;
}

/** What one of our boxes tells another, in the non-critical option CAPABILITIES (docs/capabilities.md). */
export interface Capabilities {
  /** Version of the option's layout, 1. */
  readonly version: number;
  /** The sender's Send Timeout for this context, whole milliseconds. */
  readonly sendTimeout: Millis;
}

/** Verification methods as RFC 5533 §5.15.2 numbers them (§17 prints them exchanged). */
export const METHOD_HBA = 1;
export const METHOD_CGA = 2;

export const PREFERENCE_BROKEN = 0x01;
export const PREFERENCE_TRANSIENT = 0x02;
/** Priority of locators that work but are to be left and avoided; lower is better (RFC 5533 §5.15.3). */
export const WORST_PRIORITY = 255;

/** The option of `kind` in a message, or `undefined`. */
export function findOption<K extends OptionKind>(options: readonly Option[], kind: K): Extract<Option, { kind: K }> | undefined {
  return options.find((option): option is Extract<Option, { kind: K }> => option.kind === kind);
}
