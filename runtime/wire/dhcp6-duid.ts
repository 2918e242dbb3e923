/**
 * What a DUID tells (RFC 8415 §11.2 to §11.5, RFC 6355). Servers compare DUIDs as a whole (§11); what is read here is for people, and for
 * the operator's own reservations by link-layer address.
 */
import { hex, u16, u32 } from "../value/bytes.ts";
import { DUID_EN, DUID_LL, DUID_LLT, DUID_UUID, HARDWARE_ETHERNET } from "./dhcp6-number.ts";

const MAC_OCTETS = 6;
const UUID_OCTETS = 16;

/** The Ethernet address in a DUID-LL or DUID-LLT as `02:00:00:00:00:01`; `undefined` for every other one. */
export function duidMac(duid: Uint8Array): string | undefined {
  if (duid.length < 4 || u16(duid, 2) !== HARDWARE_ETHERNET) return undefined;
  const type = u16(duid, 0);
  const start = type === DUID_LLT ? 8 : type === DUID_LL ? 4 : duid.length;
  return duid.length - start === MAC_OCTETS ? showMac(duid.subarray(start)) : undefined;
}

/** A link-layer address, lower-case hex with colons. */
export function showMac(octets: Uint8Array): string {
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join(":");
}

/** A few words: its kind and what is in it. */
export function showDuid(duid: Uint8Array): string {
  const mac = duidMac(duid);
  const type = duid.length >= 2 ? u16(duid, 0) : 0;
  if (mac !== undefined) return `${type === DUID_LLT ? "llt" : "ll"} ${mac}`;
  if (type === DUID_EN && duid.length > 6) return `en ${u32(duid, 2)} ${hex(duid.subarray(6))}`;
  if (type === DUID_UUID && duid.length === 2 + UUID_OCTETS)
    return `uuid ${hex(duid.subarray(2)).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")}`;
  return `type ${type} ${hex(duid.subarray(2))}`;
}
