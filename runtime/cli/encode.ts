/** The reverse of `decode`: fields to packets. Lengths and checksums are computed, not read. */
import { Reject } from "../value/reject.ts";
import { PROBE_STATES } from "../wire/control/probe.ts";
import { emitPacket } from "../wire/emit.ts";
import type { Message, ProbeReport } from "../wire/message.ts";
import { insertPayloadHeader } from "../wire/payload.ts";
import { FieldReader, type Fields } from "./fields.ts";
import { readOption } from "./option-fields.ts";

/**
 * The IPv6 packet that fields describe; a payload packet is `ulid_packet` with the header inserted.
 * @throws {FieldError} for fields that are missing or make no sense; {RangeError} for what the format cannot hold
 */
export function encodePacket(fields: Fields): Uint8Array {
  const reader = new FieldReader(fields);
  const source = reader.address("src");
  const destination = reader.address("dst");
  if (reader.text("msg") !== "payload") return emitPacket(source, destination, readMessage(reader));
  const packet = insertPayloadHeader(reader.octets("ulid_packet"), source, destination, reader.tag("receiver_ct"));
  if (packet instanceof Reject) throw reader.error("ulid_packet", packet.why);
  return packet;
}

/** The message that fields describe. @throws {FieldError} */
export function readMessage(fields: FieldReader): Message {
  const kind = fields.text("msg");
  if (kind === "Error") {
    return { kind, code: fields.number("error_code"), pointer: fields.number("pointer"), packet: fields.octets("packet_in_error") };
  }
  const options = fields.list("options").map(readOption);
  const initiatorTag = () => fields.tag("initiator_ct");
  const initiatorNonce = () => fields.hexNumber("initiator_nonce");
  const responderNonce = () => fields.hexNumber("responder_nonce");
  const receiverTag = () => fields.tag("receiver_ct");
  const requestNonce = () => fields.hexNumber("request_nonce");
  switch (kind) {
    case "I1":
      return { kind, initiatorTag: initiatorTag(), initiatorNonce: initiatorNonce(), options };
    case "R1":
      return { kind, initiatorNonce: initiatorNonce(), responderNonce: responderNonce(), options };
    case "I2":
      return { kind, initiatorTag: initiatorTag(), initiatorNonce: initiatorNonce(), responderNonce: responderNonce(), options };
    case "R2":
      return { kind, responderTag: fields.tag("responder_ct"), initiatorNonce: initiatorNonce(), options };
    case "R1bis":
      return { kind, packetTag: fields.tag("packet_ct"), responderNonce: responderNonce(), options };
    case "I2bis": {
      const packetTag = fields.tag("packet_ct");
      return { kind, initiatorTag: initiatorTag(), initiatorNonce: initiatorNonce(), responderNonce: responderNonce(), packetTag, options };
    }
    case "UpdateRequest":
    case "UpdateAck":
      return { kind, receiverTag: receiverTag(), requestNonce: requestNonce(), options };
    case "Keepalive":
      return { kind, receiverTag: receiverTag(), options };
    case "Probe": {
      const state = PROBE_STATES[fields.number("state")];
      if (state === undefined) throw fields.error("state", `0 to ${PROBE_STATES.length - 1} expected`);
      const [sent, received] = [fields.list("probes_sent").map(readReport), fields.list("probes_received").map(readReport)];
      return { kind, receiverTag: receiverTag(), state, sent, received, options };
    }
    default:
      throw fields.error("msg", `${kind} is no message`);
  }
}

function readReport(fields: FieldReader): ProbeReport {
  return {
    source: fields.address("src"),
    destination: fields.address("dst"),
    nonce: fields.hexNumber("nonce"),
    data: fields.hexNumber("data"),
  };
}
