/** Control messages as large as a packet of hosts, which find out what a path carries (docs/path-mtu.md). */
import type { Address } from "../value/address.ts";
import { concat } from "../value/bytes.ts";
import type { ContextTag } from "../value/tag.ts";
import { emitMessage } from "./emit.ts";
import { emitIpv6 } from "./ipv6.ts";
import { IPV6_HEADER_LENGTH, OPTION_PADDING, PROTOCOL_SHIM6, SHIM6_MAX_LENGTH } from "./number.ts";

/** Octets of an Update Request before its options, and of an option before its contents. */
const REQUEST_LENGTH = 16;
const OPTION_HEADER_LENGTH = 4;
const LEAST = IPV6_HEADER_LENGTH + REQUEST_LENGTH + 8;

/**
 * An Update Request that says nothing, in an IPv6 packet of `octets`: every receiver acknowledges it (RFC 5533 §10.4) and
 * skips the option that fills it, which is not critical. Headers come in units of 8 octets, so up to 7 are missing; what is
 * longer than a Shim6 header can be stands behind it, where Next Header "none" lets everyone ignore it (RFC 8200 §4.7).
 * RFC 5533 §5.3 wants control messages to have 1,280 octets at most, so that they pass every path; this one is sent to be
 * lost where it does not.
 * @throws {RangeError} if `octets` is under 64
 */
export function emitPaddedRequest(
  source: Address,
  destination: Address,
  receiverTag: ContextTag,
  nonce: number,
  octets: number,
): Uint8Array {
  if (octets < LEAST) throw new RangeError(`${octets} octets; an Update Request with padding has at least ${LEAST}`);
  const header = Math.min(SHIM6_MAX_LENGTH, (octets - IPV6_HEADER_LENGTH) & ~7);
  const contents = new Uint8Array(header - REQUEST_LENGTH - OPTION_HEADER_LENGTH);
  const options = [{ kind: "unknown", type: OPTION_PADDING, contents }] as const;
  const message = emitMessage({ kind: "UpdateRequest", receiverTag, requestNonce: nonce, options });
  const rest = new Uint8Array(header < SHIM6_MAX_LENGTH ? 0 : octets - IPV6_HEADER_LENGTH - header);
  return emitIpv6(source, destination, PROTOCOL_SHIM6, concat(message, rest), 64);
}
