/** Options as JSON fields and back. */
import { hex } from "../value/bytes.ts";
import { Reject } from "../value/reject.ts";
import type { Option, Preference } from "../wire/message.ts";
import {
  OPTION_CAPABILITIES,
  OPTION_CGA_PDS,
  OPTION_CGA_SIGNATURE,
  OPTION_FORKED_INSTANCE,
  OPTION_KEEPALIVE_TIMEOUT,
  OPTION_LOCATOR_LIST,
  OPTION_LOCATOR_PREFERENCES,
  OPTION_RESPONDER_VALIDATOR,
  OPTION_ULID_PAIR,
} from "../wire/number.ts";
import { emitOption, optionCodec, optionLength, type Tlv } from "../wire/option/tlv.ts";
import { type FieldReader, type Fields, hexNumber } from "./fields.ts";

const NAMES = new Map([
  [OPTION_RESPONDER_VALIDATOR, "responder_validator"],
  [OPTION_LOCATOR_LIST, "locator_list"],
  [OPTION_LOCATOR_PREFERENCES, "locator_preferences"],
  [OPTION_CGA_PDS, "cga_pds"],
  [OPTION_CGA_SIGNATURE, "cga_signature"],
  [OPTION_ULID_PAIR, "ulid_pair"],
  [OPTION_FORKED_INSTANCE, "forked_instance_id"],
  [OPTION_KEEPALIVE_TIMEOUT, "keepalive_timeout"],
  [OPTION_CAPABILITIES, "capabilities"],
]);
const UNKNOWN = "unknown";

/** One option of a packet. Of one whose contents cannot be read only type, name, C bit and length. */
export function optionFields({ type, critical, contents }: Tlv): Fields {
  const codec = optionCodec(type);
  const option = codec === undefined ? { kind: "unknown" as const, type, contents } : codec.parse(contents);
  const head = { type, name: NAMES.get(type) ?? UNKNOWN, critical: critical ? 1 : 0, length: contents.length };
  if (!(option instanceof Reject)) return { ...head, ...contentFields(option) };
  return type === OPTION_CAPABILITIES ? { ...head, name: UNKNOWN, content: hex(contents) } : head;
}

function contentFields(option: Option): Fields {
  switch (option.kind) {
    case "responder-validator":
      return { validator: hex(option.validator) };
    case "locator-list":
      return {
        generation: hexNumber(option.generation, 8),
        num_locators: option.locators.length,
        locators: option.locators.map(({ address, method }) => ({ addr: address, method })),
      };
    case "locator-preferences":
      if (option.ragged) return {};
      return {
        generation: hexNumber(option.generation, 8),
        element_len: option.elementLength,
        elements: option.elements.map(preferenceFields),
      };
    case "cga-pds":
      return { pds: hex(option.pds) };
    case "cga-signature":
      return { signature: hex(option.signature) };
    case "ulid-pair":
      return { sender_ulid: option.sender, receiver_ulid: option.receiver };
    case "forked-instance":
      return { fii: option.identifier };
    case "keepalive-timeout":
      return { seconds: option.seconds };
    case "capabilities":
      return { version: option.version, send_timeout_ms: option.sendTimeout };
    case "unknown":
      return { content: hex(option.contents) };
  }
}

function preferenceFields({ flags, priority, weight, rest }: Preference): Fields {
  return {
    flags,
    ...(priority === undefined ? {} : { priority }),
    ...(weight === undefined ? {} : { weight }),
    ...(rest === undefined ? {} : { extra: hex(rest) }),
  };
}

/** The option that fields describe. @throws {FieldError} */
export function readOption(fields: FieldReader): Option {
  const option = readContents(fields);
  return fields.has("critical") && fields.number("critical") === 1 ? { ...option, critical: true } : option;
}

function readContents(fields: FieldReader): Option {
  const type = fields.number("type");
  switch (fields.text("name") === UNKNOWN ? undefined : type) {
    case OPTION_RESPONDER_VALIDATOR:
      return { kind: "responder-validator", validator: fields.octets("validator") };
    case OPTION_LOCATOR_LIST: {
      const locators = fields.list("locators").map((item) => ({ address: item.address("addr"), method: item.number("method") }));
      return { kind: "locator-list", generation: fields.hexNumber("generation"), locators };
    }
    case OPTION_LOCATOR_PREFERENCES:
      return {
        kind: "locator-preferences",
        generation: fields.hexNumber("generation"),
        elementLength: fields.number("element_len"),
        elements: fields.list("elements").map(readPreference),
      };
    case OPTION_CGA_PDS:
      return { kind: "cga-pds", pds: fields.octets("pds") };
    case OPTION_CGA_SIGNATURE:
      return { kind: "cga-signature", signature: fields.octets("signature") };
    case OPTION_ULID_PAIR:
      return { kind: "ulid-pair", sender: fields.address("sender_ulid"), receiver: fields.address("receiver_ulid") };
    case OPTION_FORKED_INSTANCE:
      return { kind: "forked-instance", identifier: fields.number("fii") };
    case OPTION_KEEPALIVE_TIMEOUT:
      return { kind: "keepalive-timeout", seconds: fields.number("seconds") };
    case OPTION_CAPABILITIES:
      return { kind: "capabilities", version: fields.number("version"), sendTimeout: fields.number("send_timeout_ms") };
    default:
      return { kind: "unknown", type, contents: fields.octets("content") };
  }
}

function readPreference(fields: FieldReader): Preference {
  return {
    flags: fields.number("flags"),
    ...(fields.has("priority") ? { priority: fields.number("priority") } : {}),
    ...(fields.has("weight") ? { weight: fields.number("weight") } : {}),
    ...(fields.has("extra") ? { rest: fields.octets("extra") } : {}),
  };
}

/** Octets of the option that fields describe, padding included. @throws {FieldError}; {RangeError} for what the format cannot hold */
export function encodeOption(fields: FieldReader): Uint8Array {
  const option = readOption(fields);
  const octets = new Uint8Array(optionLength(option));
  emitOption(option, octets, 0);
  return octets;
}
