/**
 * Last step: the addresses and the header. Transport checksums cover ULIDs and are not touched (RFC 5533 §12.1).
 *
 * In front of a packet without extension headers nothing is moved: the IPv6 header is written anew 8 octets earlier or later,
 * and the octets that became free are the payload header, or were.
 */
import { ADDRESS_LENGTH, IP6_DESTINATION, IP6_LENGTH, IP6_NEXT, IP6_SOURCE, NEXT_SHIM6 } from "../layout/ip6.ts";
import { SHIM6_NEXT, SHIM6_PAYLOAD_LENGTH } from "../layout/shim6.ts";
import { setPayloadLength, withNextAndLength } from "../wire/ip6.ts";
import { payloadHeader } from "../wire/shim6.ts";

/**
 * Inserts a payload header with `tag` at `at` and writes the locators. `field` is where the header before it names its follower.
 * @returns where the packet now starts: 8 octets earlier
 */
export function encapsulate(packet: usize, octets: u32, at: u32, field: u32, source: v128, destination: v128, tag: u64): usize {
  const head = load<u64>(packet);
  const start = packet - SHIM6_PAYLOAD_LENGTH;
  const payload = octets - IP6_LENGTH + SHIM6_PAYLOAD_LENGTH;
  if (at == IP6_LENGTH) {
    store<u64>(start, withNextAndLength(head, NEXT_SHIM6, payload));
    v128.store(start, source, IP6_SOURCE);
    v128.store(start, destination, IP6_DESTINATION);
    store<u64>(start, payloadHeader(tag, <u32>(head >> (8 * IP6_NEXT)) & 0xff), IP6_LENGTH);
    return start;
  }
  memory.copy(start + IP6_LENGTH, packet + IP6_LENGTH, at - IP6_LENGTH);
  const next = <u32>load<u8>(start + field);
  store<u64>(start, head);
  setPayloadLength(start, payload);
  v128.store(start, source, IP6_SOURCE);
  v128.store(start, destination, IP6_DESTINATION);
  store<u8>(start + field, NEXT_SHIM6);
  store<u64>(start + at, payloadHeader(tag, next));
  return start;
}

/** Removes the payload header at `at` and writes the ULIDs. @returns where the packet now starts: 8 octets later */
export function decapsulate(packet: usize, octets: u32, at: u32, field: u32, source: v128, destination: v128): usize {
  const head = load<u64>(packet);
  const next = <u32>load<u8>(packet + at, SHIM6_NEXT);
  const start = packet + SHIM6_PAYLOAD_LENGTH;
  const payload = octets - IP6_LENGTH - SHIM6_PAYLOAD_LENGTH;
  if (at == IP6_LENGTH) {
    store<u64>(start, withNextAndLength(head, next, payload));
  } else {
    memory.copy(start + IP6_LENGTH, packet + IP6_LENGTH, at - IP6_LENGTH);
    store<u64>(start, head);
    setPayloadLength(start, payload);
    store<u8>(start + field, <u8>next);
  }
  v128.store(start, source, IP6_SOURCE);
  v128.store(start, destination, IP6_SOURCE + ADDRESS_LENGTH);
  return start;
}
