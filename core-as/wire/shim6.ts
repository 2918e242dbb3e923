/** The payload extension header (RFC 5533 §5.2). A tag here is 48 bits as loaded: P bit and 47 bits of tag in wire order. */
import { RECORD_LOCAL_TAG, RECORD_PEER_TAG, RECORD_WORD } from "../layout/record.ts";
import { SHIM6_P_BIT, SHIM6_P_TYPE, SHIM6_TYPE_I1 } from "../layout/shim6.ts";

/** Whether the header is an I1. */
export function isI1(header: usize): bool {
  return load<u8>(header, SHIM6_P_TYPE) == SHIM6_TYPE_I1;
}

/** Whether the header is a payload extension header: P = 1. */
export function isPayload(header: usize): bool {
  return (load<u8>(header, SHIM6_P_TYPE) & SHIM6_P_BIT) != 0;
}

/** Tag of a payload header given as its 8 octets. */
export function tagOf(header: u64): u64 {
  return header >> 16;
}

/** The header's 8 octets: Next Header, a length of 0, the tag. */
export function payloadHeader(tag: u64, next: u32): u64 {
  return (tag << 16) | <u64>next;
}

/** CT(local) of a record: six octets that begin in the word's 8 octets and end in the next 8, so that both loads are aligned. */
export function localTag(record: usize): u64 {
  return (
    (load<u64>(record, RECORD_WORD) >> (8 * (RECORD_LOCAL_TAG - RECORD_WORD))) | ((load<u64>(record, RECORD_PEER_TAG - 2) & 0xffff) << 32)
  );
}

/** CT(peer) of a record. */
export function peerTag(record: usize): u64 {
  return load<u64>(record, RECORD_PEER_TAG - 2) >> 16;
}
