/**
 * Identity associations and what is in them (RFC 8415 §21.4 to §21.6, §21.21, §21.22).
 *
 *     |  IAID  |  T1  |  T2  |  options          IA_NA, IA_PD; IA_TA without T1 and T2
 *     |  address, 16 octets  |  preferred  |  valid  |  options
 *     |  preferred  |  valid  |  length, 1 octet  |  prefix, 16 octets  |  options
 */
import { ADDRESS_OCTETS, addressAt, UNSPECIFIED } from "../value/address.ts";
import { u32 } from "../value/bytes.ts";
import { withPrefix } from "../value/prefix.ts";
import { Reject } from "../value/reject.ts";
import type { IaAddress, IaNa, IaPd, IaPrefix, IaTa } from "./dhcp6.ts";
import { badOption, type Dhcp6Codec } from "./dhcp6-codec.ts";
import { OPTION_IA_NA, OPTION_IA_PD, OPTION_IA_TA, OPTION_IAADDR, OPTION_IAPREFIX } from "./dhcp6-number.ts";

const IA_FIXED = 12;
const IA_TA_FIXED = 4;
const ADDRESS_FIXED = 24;
const PREFIX_FIXED = 25;

function association<K extends "ia-na" | "ia-pd">(kind: K, code: number): Dhcp6Codec<IaNa | IaPd> {
  return {
    kind,
    code,
    many: true,
    parse(octets, read) {
      if (octets.length < IA_FIXED) return badOption(code);
      const options = read(octets.subarray(IA_FIXED), kind);
      if (options instanceof Reject) return options;
      return { kind, iaid: u32(octets, 0), t1: u32(octets, 4), t2: u32(octets, 8), options };
    },
    emit({ iaid, t1, t2, options }, out, write) {
      out.u32(iaid);
      out.u32(t1);
      out.u32(t2);
      write(options, out);
    },
  };
}

const temporary: Dhcp6Codec<IaTa> = {
  kind: "ia-ta",
  code: OPTION_IA_TA,
  many: true,
  parse(octets, read) {
    if (octets.length < IA_TA_FIXED) return badOption(OPTION_IA_TA);
    const options = read(octets.subarray(IA_TA_FIXED), "ia-ta");
    return options instanceof Reject ? options : { kind: "ia-ta", iaid: u32(octets, 0), options };
  },
  emit({ iaid, options }, out, write) {
    out.u32(iaid);
    write(options, out);
  },
};

/** Inside IA_NA and IA_TA. */
export const iaAddress: Dhcp6Codec<IaAddress> = {
  kind: "ia-address",
  code: OPTION_IAADDR,
  many: true,
  parse(octets, read) {
    if (octets.length < ADDRESS_FIXED) return badOption(OPTION_IAADDR);
    const options = read(octets.subarray(ADDRESS_FIXED), "lease");
    if (options instanceof Reject) return options;
    return { kind: "ia-address", address: addressAt(octets), preferred: u32(octets, 16), valid: u32(octets, 20), options };
  },
  emit({ address, preferred, valid, options }, out, write) {
    out.address(address);
    out.u32(preferred);
    out.u32(valid);
    write(options, out);
  },
};

/** Inside IA_PD. */
export const iaPrefix: Dhcp6Codec<IaPrefix> = {
  kind: "ia-prefix",
  code: OPTION_IAPREFIX,
  many: true,
  parse(octets, read) {
    if (octets.length < PREFIX_FIXED || octets[8] > 8 * ADDRESS_OCTETS) return badOption(OPTION_IAPREFIX);
    const options = read(octets.subarray(PREFIX_FIXED), "lease");
    if (options instanceof Reject) return options;
    const length = octets[8];
    const base = withPrefix({ base: addressAt(octets, 9), length }, UNSPECIFIED);
    return { kind: "ia-prefix", prefix: { base, length }, preferred: u32(octets, 0), valid: u32(octets, 4), options };
  },
  emit({ prefix, preferred, valid, options }, out, write) {
    out.u32(preferred);
    out.u32(valid);
    out.u8(prefix.length);
    out.address(prefix.base);
    write(options, out);
  },
};

/** Those of a message's top level. */
export const ASSOCIATIONS: readonly Dhcp6Codec[] = [association("ia-na", OPTION_IA_NA), temporary, association("ia-pd", OPTION_IA_PD)];
