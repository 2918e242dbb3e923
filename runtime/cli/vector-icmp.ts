/** Vectors of ICMPv6 errors that a box rewrites for the host inside. */
import { u32 } from "../value/bytes.ts";
import { Reject } from "../value/reject.ts";
import { parseIcmpError } from "../wire/icmp6.ts";
import { translateIcmpError } from "../wire/icmp6-translate.ts";
import { IPV6_HEADER_LENGTH, IPV6_HOP_LIMIT_AT } from "../wire/number.ts";
import { difference, FieldReader, first, octetDifference } from "./fields.ts";
import type { Vector } from "./vectors.ts";

const SECOND_WORD_AT = IPV6_HEADER_LENGTH + 4;

/** What arrives at a locator becomes, octet for octet, what the host gets. */
export function judgeIcmp({ octets, fields: claims }: Vector): string | undefined {
  const fields = new FieldReader(claims);
  const context = fields.object("context");
  const error = parseIcmpError(octets);
  if (error instanceof Reject) return `hex: ${error.why}`;
  const { quoted } = error;
  if (quoted?.kind !== "payload") return "hex: quotes no payload packet";
  const [ulid, peer] = [context.address("ulid_local"), context.address("ulid_peer")];
  const translated = translateIcmpError(octets, ulid, peer);
  if (translated instanceof Reject) return `translated: ${translated.why}`;
  const expected = fields.octets("translated_packet");
  // Forwarding lowers it: the vector leaves it open.
  translated[IPV6_HOP_LIMIT_AT] = expected[IPV6_HOP_LIMIT_AT];
  return first([
    difference(error.source, fields.address("src"), "src"),
    difference(error.destination, fields.address("dst"), "dst"),
    difference(error.type, fields.number("icmp_type"), "icmp_type"),
    difference(error.code, fields.number("icmp_code"), "icmp_code"),
    difference(error.word, fields.number("word_in"), "word_in"),
    difference(quoted.tag, context.tag("ct_peer"), "context.ct_peer"),
    context.addresses("ls_local").includes(quoted.source) ? undefined : `context.ls_local: ${quoted.source} is not in it`,
    context.addresses("ls_local").includes(error.destination) ? undefined : `context.ls_local: ${error.destination} is not in it`,
    context.addresses("ls_peer").includes(quoted.destination) ? undefined : `context.ls_peer: ${quoted.destination} is not in it`,
    difference(fields.text("compare"), "all octets except Hop Limit of the outer header", "compare"),
    octetDifference(translated, expected, "translated_packet"),
    difference(u32(translated, SECOND_WORD_AT), fields.number("word_out"), "word_out"),
  ]);
}
