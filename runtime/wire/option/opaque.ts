/**
 * Options whose Contents are octets for somebody else: Responder Validator (RFC 5533 §5.15.1), CGA Parameter Data
 * Structure (§5.15.4), CGA Signature (§5.15.5). Any length; the meaning is in runtime/shim6 and runtime/cga.
 *
 *     |           Type              |C|            Length             |
 *     ~                            octets                             ~
 */
import { OPTION_CGA_PDS, OPTION_CGA_SIGNATURE, OPTION_RESPONDER_VALIDATOR } from "../number.ts";
import type { OptionCodec, OptionOf } from "./codec.ts";

export const responderValidator: OptionCodec<OptionOf<"responder-validator">> = {
  kind: "responder-validator",
  type: OPTION_RESPONDER_VALIDATOR,
  parse: (contents) => ({ kind: "responder-validator", validator: contents.slice() }),
  length: ({ validator }) => validator.length,
  emit: ({ validator }, contents) => contents.set(validator),
  show: ({ validator }) => `validator ${validator.length}`,
};

export const cgaPds: OptionCodec<OptionOf<"cga-pds">> = {
  kind: "cga-pds",
  type: OPTION_CGA_PDS,
  parse: (contents) => ({ kind: "cga-pds", pds: contents.slice() }),
  length: ({ pds }) => pds.length,
  emit: ({ pds }, contents) => contents.set(pds),
  show: ({ pds }) => `pds ${pds.length}`,
};

export const cgaSignature: OptionCodec<OptionOf<"cga-signature">> = {
  kind: "cga-signature",
  type: OPTION_CGA_SIGNATURE,
  parse: (contents) => ({ kind: "cga-signature", signature: contents.slice() }),
  length: ({ signature }) => signature.length,
  emit: ({ signature }, contents) => contents.set(signature),
  show: ({ signature }) => `signature ${signature.length}`,
};
