/**
 * Authentication (RFC 8415 §21.11; of RFC 3315's protocols only that of reconfigure keys is left, §20.4).
 *
 *     |  protocol  | algorithm |    RDM    |  replay detection, 8 octets  ~  information  ~
 */
import { concat } from "../value/bytes.ts";
import type { Authentication } from "./dhcp6.ts";
import { badOption, type Dhcp6Codec } from "./dhcp6-codec.ts";
import { OPTION_AUTH, RKAP_ALGORITHM, RKAP_OCTETS, RKAP_PROTOCOL, RKAP_RDM } from "./dhcp6-number.ts";

const FIXED = 11;
const REPLAY_AT = 3;
const REPLAY_OCTETS = 8;

/** §21.11. */
export const authentication: Dhcp6Codec<Authentication> = {
  kind: "authentication",
  code: OPTION_AUTH,
  parse(octets) {
    if (octets.length < FIXED) return badOption(OPTION_AUTH);
    return {
      kind: "authentication",
      protocol: octets[0],
      algorithm: octets[1],
      rdm: octets[2],
      replay: octets.slice(REPLAY_AT, FIXED),
      information: octets.slice(FIXED),
    };
  },
  emit({ protocol, algorithm, rdm, replay, information }, out) {
    if (replay.length !== REPLAY_OCTETS) throw new RangeError(`replay detection of ${replay.length} octets`);
    out.u8(protocol);
    out.u8(algorithm);
    out.u8(rdm);
    out.octets(replay);
    out.octets(information);
  },
};

/**
 * The option of the reconfigure key protocol (§20.4.1).
 * @param type RKAP_KEY with the key, or RKAP_DIGEST with the digest, both 16 octets
 * @param replay an integer that grows with each, below 2^53
 */
export function rkapOption(type: number, value: Uint8Array, replay: number): Authentication {
  if (value.length !== RKAP_OCTETS) throw new RangeError(`reconfigure key or digest of ${value.length} octets`);
  const counter = new Uint8Array(REPLAY_OCTETS);
  new DataView(counter.buffer).setBigUint64(0, BigInt(replay));
  return {
    kind: "authentication",
    protocol: RKAP_PROTOCOL,
    algorithm: RKAP_ALGORITHM,
    rdm: RKAP_RDM,
    replay: counter,
    information: concat(Uint8Array.of(type), value),
  };
}
