/**
 * Address Selection, with the rows of the policy table inside (RFC 7078 §2).
 *
 *     |  reserved |A|P|  options 85:  | label | precedence | prefix-len |  prefix, as many octets as it needs  ~
 */
import { ADDRESS_OCTETS, addressAt, addressOctets, UNSPECIFIED } from "../value/address.ts";
import { u16 } from "../value/bytes.ts";
import { withPrefix } from "../value/prefix.ts";
import type { Reject } from "../value/reject.ts";
import type { AddressSelection, PolicyRow } from "./dhcp6.ts";
import { badOption, type Dhcp6Codec } from "./dhcp6-codec.ts";
import { OPTION_ADDRSEL, OPTION_ADDRSEL_TABLE } from "./dhcp6-number.ts";

const FLAG_A = 2;
const FLAG_P = 1;
const ROW_FIXED = 3;

/** Options inside that are not rows are passed over. */
export const addressSelection: Dhcp6Codec<AddressSelection> = {
  kind: "address-selection",
  code: OPTION_ADDRSEL,
  parse(octets) {
    if (octets.length === 0) return badOption(OPTION_ADDRSEL);
    const rows: PolicyRow[] = [];
    for (let at = 1; at < octets.length; ) {
      const length = at + 4 > octets.length ? octets.length : u16(octets, at + 2);
      const contents = octets.subarray(at + 4, at + 4 + length);
      if (contents.length < length) return badOption(OPTION_ADDRSEL);
      if (u16(octets, at) === OPTION_ADDRSEL_TABLE) {
        const row = parseRow(contents);
        if ("why" in row) return row;
        rows.push(row);
      }
      at += 4 + length;
    }
    return { kind: "address-selection", automatic: (octets[0] & FLAG_A) !== 0, privacy: (octets[0] & FLAG_P) !== 0, rows };
  },
  emit({ automatic, privacy, rows }, out) {
    out.u8((automatic ? FLAG_A : 0) | (privacy ? FLAG_P : 0));
    for (const { prefix, precedence, label } of rows) {
      const at = out.open(OPTION_ADDRSEL_TABLE);
      out.u8(label);
      out.u8(precedence);
      out.u8(prefix.length);
      out.octets(addressOctets(prefix.base).subarray(0, octetsOf(prefix.length)));
      out.close(at);
    }
  },
};

function parseRow(octets: Uint8Array): PolicyRow | Reject {
  const length = octets[2];
  if (octets.length < ROW_FIXED || length > 8 * ADDRESS_OCTETS || octets.length !== ROW_FIXED + octetsOf(length))
    return badOption(OPTION_ADDRSEL_TABLE);
  const whole = new Uint8Array(ADDRESS_OCTETS);
  whole.set(octets.subarray(ROW_FIXED));
  const base = withPrefix({ base: addressAt(whole), length }, UNSPECIFIED);
  return { prefix: { base, length }, precedence: octets[1], label: octets[0] };
}

function octetsOf(bits: number): number {
  return Math.ceil(bits / 8);
}
