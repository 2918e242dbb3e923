/** Vectors of packets and options: read, written, and received. */
import { createVerifier, type Verifier } from "../cga/index.ts";
import type { ReceiverContext } from "../shim6/receive.ts";
import { hex } from "../value/bytes.ts";
import { Reject } from "../value/reject.ts";
import { errorFor } from "../wire/control/error.ts";
import { emitMessage, emitPacket } from "../wire/emit.ts";
import { findOption, METHOD_CGA, METHOD_HBA } from "../wire/message.ts";
import { SHIM6_HDR_EXT_LEN_AT } from "../wire/number.ts";
import { walkOptions } from "../wire/option/tlv.ts";
import { type ParsedControl, parseControl } from "../wire/parse.ts";
import { insertPayloadHeader, removePayloadHeader } from "../wire/payload.ts";
import { Refusal } from "../wire/refusal.ts";
import { decodePacket } from "./decode.ts";
import { encodePacket } from "./encode.ts";
import { difference, FieldReader, type Fields, first, hexNumber, isFields, type Json, octetDifference } from "./fields.ts";
import { encodeOption, optionFields } from "./option-fields.ts";
import { type ContextLookup, receive } from "./receive.ts";
import type { Bench, Vector } from "./vectors.ts";

/** Claims that are not fields of the packet; each is judged by itself. */
const APART: ReadonlySet<string> = new Set(["ulid_peer", "locators_verify", "context", "answers", "ulid_src", "ulid_dst", "ulid_packet"]);

/** A valid packet: decodes to the fields, the fields encode to it, and what is claimed about its locators holds. */
export function judgePacket(vector: Vector, bench: Bench): string | undefined {
  const { octets, fields } = vector;
  const decoded = decodePacket(octets);
  return (
    difference(decoded, claimsOf(fields), "fields") ??
    octetDifference(encodePacket(fields), octets, "encoded") ??
    (fields.msg === "payload" ? judgePayload(vector) : judgeControl(vector, bench))
  );
}

/** An odd packet that must be taken all the same. */
export function judgeLenient(vector: Vector, bench: Bench): string | undefined {
  const { octets, fields, verdict } = vector;
  const { ignored_options: ignored = [], ...decoded } = decodePacket(octets);
  const parsed = parseControl(octets);
  if (parsed instanceof Reject || parsed instanceof Refusal) return `not taken: ${JSON.stringify(parsed)}`;
  const outcome = receive(octets, () => matchingContext(parsed), createVerifier(bench.crypto));
  return (
    difference(outcome.action, verdict.action, "verdict.action") ??
    difference(decoded, claimsOf(fields), "fields") ??
    difference(ignored, verdict.ignored_options ?? [], "verdict.ignored_options")
  );
}

/** A packet that must not be taken: dropped, answered with an Error or with R1bis. */
export function judgeMalformed(vector: Vector, bench: Bench): string | undefined {
  const { octets, fields, verdict } = vector;
  const outcome = receive(octets, contextLookup(fields), createVerifier(bench.crypto));
  if (outcome.action !== verdict.action) return `verdict.action: ${JSON.stringify(outcome)}, expected ${JSON.stringify(verdict.action)}`;
  const why = outcome.action === "drop" ? outcome.why : "";
  return first([
    outcome.action === "drop" ? reasonDifference(why, verdict.why) : undefined,
    outcome.action === "error" ? difference(outcome.code, verdict.error_code, "verdict.error_code") : undefined,
    outcome.action === "error" ? difference(outcome.pointer, verdict.pointer, "verdict.pointer") : undefined,
    outcome.action === "error" ? judgeAnswer(octets, outcome.code, outcome.pointer) : undefined,
    outcome.action === "r1bis" ? difference(hexNumber(outcome.packetTag, 12), verdict.packet_ct, "verdict.packet_ct") : undefined,
    isFields(fields.context) ? judgeContext(fields, createVerifier(bench.crypto)) : undefined,
    visibleDifference(octets, fields, why),
    fields.msg === "payload" ? judgePayload(vector) : undefined,
  ]);
}

/** One option as TLV. */
export function judgeOption({ octets, fields }: Vector): string | undefined {
  const { options, broken } = walkOptions(octets, 0);
  if (broken !== undefined || options.length !== 1) return `hex: ${options.length} options, ${broken?.why ?? "expected 1"}`;
  return (
    difference(optionFields(options[0]), fields, "fields") ?? octetDifference(encodeOption(new FieldReader(fields)), octets, "encoded")
  );
}

function claimsOf(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !APART.has(name)));
}

/** The ULID packet is what removal leaves and what insertion starts from. */
function judgePayload({ octets, fields }: Vector): string | undefined {
  const reader = new FieldReader(fields);
  const inner = reader.octets("ulid_packet");
  const [source, destination] = [reader.address("ulid_src"), reader.address("ulid_dst")];
  const grown = insertPayloadHeader(inner, reader.address("src"), reader.address("dst"), reader.tag("receiver_ct"));
  if (grown instanceof Reject) return `ulid_packet: ${grown.why}`;
  // A vector of a wrong Hdr Ext Len is right in all other octets.
  const lengthAt = reader.number("shim6_offset") + SHIM6_HDR_EXT_LEN_AT;
  const right = octets.slice();
  right[lengthAt] = 0;
  const shrunk = removePayloadHeader(right, source, destination);
  if (shrunk instanceof Reject) return `removal: ${shrunk.why}`;
  return octetDifference(shrunk, inner, "ulid_packet") ?? octetDifference(grown, right, "inserted");
}

/** Beyond fields and octets: the message as the parser gives it, its locators, its context, what it answers. */
function judgeControl(vector: Vector, bench: Bench): string | undefined {
  const { octets, fields } = vector;
  const parsed = parseControl(octets);
  if (parsed instanceof Reject || parsed instanceof Refusal) return `not taken: ${JSON.stringify(parsed)}`;
  const verifier = createVerifier(bench.crypto);
  return (
    octetDifference(emitMessage(parsed.message), octets.subarray(parsed.offset), "emitted") ??
    (fields.locators_verify === undefined ? undefined : judgeLocators(parsed, fields, verifier)) ??
    (fields.context === undefined ? undefined : judgeContext(fields, verifier)) ??
    judgeReception(octets, parsed, fields, verifier) ??
    (fields.answers === undefined ? undefined : judgeError(vector, bench))
  );
}

/** The locator list verifies, with the PDS of the message or of the context, for the ULID named. */
function judgeLocators({ message, source }: ParsedControl, fields: Fields, verifier: Verifier): string | undefined {
  const reader = new FieldReader(fields);
  const ulid = reader.address("ulid_peer");
  if (message.kind === "Error") return "an Error has no locators";
  const context = reader.has("context") ? reader.object("context") : undefined;
  if (message.kind === "I2" || message.kind === "I2bis") {
    const claimed = findOption(message.options, "ulid-pair")?.sender ?? source;
    if (claimed !== ulid) return `ulid_peer: ${claimed}, expected ${ulid}`;
  }
  const pds = findOption(message.options, "cga-pds")?.pds ?? context?.octets("peer_pds");
  const list = findOption(message.options, "locator-list");
  if (pds === undefined || list === undefined) return "locators_verify: no list or no PDS";
  const signature = findOption(message.options, "cga-signature")?.signature;
  const members = list.locators.filter(({ method }) => method === METHOD_HBA);
  const signed = list.locators.some(({ method }) => method === METHOD_CGA);
  const verified =
    verifier.verifyCga(ulid, pds) &&
    list.locators.every(({ method }) => method === METHOD_HBA || method === METHOD_CGA) &&
    members.every(({ address }) => verifier.verifyHba(address, pds)) &&
    (!signed || (signature !== undefined && verifier.verifyList(list, pds, signature)));
  return difference(verified, fields.locators_verify, "locators_verify");
}

/** The context of a vector makes sense in itself. */
function judgeContext(fields: Fields, verifier: Verifier): string | undefined {
  const context = new FieldReader(fields).object("context");
  const state = context.text("state");
  if (state !== "ESTABLISHED") return `context.state: ${state}, only ESTABLISHED is judged`;
  if (context.tag("ct_local") !== new FieldReader(fields).tag("receiver_ct")) return "context.ct_local: another tag than the message has";
  if (!context.has("ulid_peer")) return undefined;
  const ulid = context.address("ulid_peer");
  if (fields.ulid_peer !== undefined && fields.ulid_peer !== ulid) return `context.ulid_peer: ${ulid}, expected ${fields.ulid_peer}`;
  return verifier.verifyCga(ulid, context.octets("peer_pds")) ? undefined : "context.peer_pds: not of context.ulid_peer";
}

/** What claims locators or a context claims that a receiver takes the message. */
function judgeReception(octets: Uint8Array, parsed: ParsedControl, fields: Fields, verifier: Verifier): string | undefined {
  const claims = fields.context !== undefined || fields.locators_verify === true;
  if (!claims) return undefined;
  const peer = fields.ulid_peer === undefined ? undefined : new FieldReader(fields).address("ulid_peer");
  const lookup = fields.context === undefined ? () => ({ ...matchingContext(parsed), peerUlid: peer }) : contextLookup(fields);
  const outcome = receive(octets, lookup, verifier);
  return outcome.action === "accept" ? undefined : `not received: ${JSON.stringify(outcome)}`;
}

/** An Error message is, octet for octet, what we answer to the packet it answers. */
function judgeError({ octets, fields }: Vector, bench: Bench): string | undefined {
  const reader = new FieldReader(fields);
  const cause = bench.vector(reader.text("answers"));
  if (cause === undefined) return `answers: no vector ${reader.text("answers")}`;
  const outcome = receive(cause.octets, contextLookup(cause.fields), createVerifier(bench.crypto));
  if (outcome.action !== "error") return `answers: ${cause.name} gives ${outcome.action}`;
  const answer = errorFor(cause.octets, outcome.code, outcome.pointer);
  return octetDifference(emitPacket(reader.address("src"), reader.address("dst"), answer), octets, "answer");
}

/** The Error message that answers `packet` can be written and read. */
function judgeAnswer(packet: Uint8Array, code: number, pointer: number): string | undefined {
  const reader = new FieldReader(seenFields(packet));
  const answer = errorFor(packet, code, pointer);
  const decoded = decodePacket(emitPacket(reader.address("dst"), reader.address("src"), answer));
  return (
    difference(decoded.packet_in_error, hex(answer.packet), "answer.packet_in_error") ??
    difference(decoded.pointer, pointer, "answer.pointer")
  );
}

/** Contexts as a vector gives them: one, or none. Without one, set-up messages of a vector find none either. */
function contextLookup(fields: Fields): ContextLookup {
  if (!isFields(fields.context)) return () => undefined;
  const context = new FieldReader(fields).object("context");
  const local = context.tag("ct_local");
  const known = readContext(context);
  return (tag) => (tag === local ? known : undefined);
}

function readContext(context: FieldReader): ReceiverContext {
  return {
    peerUlid: context.has("ulid_peer") ? context.address("ulid_peer") : undefined,
    localLocators: context.addresses("ls_local"),
    peerLocators: context.addresses("ls_peer"),
    peerGeneration: context.has("peer_generation") ? context.hexNumber("peer_generation") : undefined,
    peerPds: context.has("peer_pds") ? context.octets("peer_pds") : undefined,
  };
}

/** A context that the message fits. */
function matchingContext({ source, destination }: ParsedControl): ReceiverContext {
  return { peerUlid: undefined, localLocators: [destination], peerLocators: [source], peerGeneration: undefined, peerPds: undefined };
}

/** Compares what can be read of a packet that was not taken. A header cut short does not show all that the vector tells. */
function visibleDifference(octets: Uint8Array, fields: Fields, why: string): string | undefined {
  const seen = seenFields(octets);
  const claims = claimsOf(fields);
  const cutShort = why === "short-shim6";
  return first(
    Object.entries(claims).map(([name, claim]) => {
      if (name === "options" && why === "short-option-shim6") return prefixDifference(seen.options, claim);
      if (cutShort && seen[name] === undefined) return undefined;
      return difference(seen[name], claim, `fields.${name}`);
    }),
  );
}

/** Options before the one that is cut off. */
function prefixDifference(seen: Json | undefined, claim: Json): string | undefined {
  if (!Array.isArray(seen) || !Array.isArray(claim)) return "fields.options: a list expected";
  return difference(seen, claim.slice(0, seen.length), "fields.options");
}

function seenFields(octets: Uint8Array): Fields {
  const decoded = decodePacket(octets);
  return isFields(decoded.seen) ? decoded.seen : decoded;
}

/** What the prose of a vector says about the reason, and the reasons that we count. Prose that is not here is not judged. */
const REASONS: readonly (readonly [prose: RegExp, why: RegExp])[] = [
  [/multicast source|unspecified source/, /^bad-source-shim6$/],
  [/multicast destination/, /^bad-destination-shim6$/],
  [/^S=1/, /^hip-shim6$/],
  [/without Responder Validator/, /^no-validator-/],
  [/^checksum/, /^bad-sum-shim6$/],
  [/Hdr Ext Len says|needs Hdr Ext Len|does not fit in the header/, /^short-shim6$/],
  [/option Length|option cut/, /^short-option-shim6$/],
  [/Num Locators|empty locator list|locators not aligned/, /^bad-list-shim6$/],
  [/^element length/, /^bad-preferences-shim6$/],
  [/must be \d+ octets/, /^bad-length-option-shim6$/],
  [/same option twice/, /^duplicate-option-shim6$/],
  [/Psent must|Sta = /, /^bad-probe-shim6$/],
  [/PDS does not hash/, /^wrong-pds-/],
  [/no context waits/, /^no-context-/],
  [/^P=1 with/, /^bad-length-shim6$/],
];

function reasonDifference(why: string, prose: Json | undefined): string | undefined {
  const expected = typeof prose === "string" ? REASONS.find(([pattern]) => pattern.test(prose))?.[1] : undefined;
  return expected === undefined || expected.test(why) ? undefined : `dropped for ${why}, expected ${expected.source}`;
}
