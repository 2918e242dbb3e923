/**
 * Client FQDN (RFC 4704 §4).
 *
 *     |  MBZ  |N|O|S|  domain name, whole or its beginning without a final zero  ~
 */
import { Reject } from "../value/reject.ts";
import type { ClientFqdn } from "./dhcp6.ts";
import { badOption, type Dhcp6Codec } from "./dhcp6-codec.ts";
import { OPTION_CLIENT_FQDN } from "./dhcp6-number.ts";
import { nameOctets, readName } from "./dns-name.ts";

const FLAG_S = 1;
const FLAG_O = 2;
const FLAG_N = 4;

/** Names are not compressed (§4.2). */
export const clientFqdn: Dhcp6Codec<ClientFqdn> = {
  kind: "client-fqdn",
  code: OPTION_CLIENT_FQDN,
  parse(octets) {
    if (octets.length === 0) return badOption(OPTION_CLIENT_FQDN);
    const flags = octets[0];
    // One zero more than there is: it ends a name that is not whole, and is left over behind one that is.
    const text = new Uint8Array(octets.length);
    text.set(octets.subarray(1));
    const read = readName(text, 0, false);
    if (read instanceof Reject || read.end < octets.length - 1) return badOption(OPTION_CLIENT_FQDN);
    const whole = read.end === octets.length - 1;
    return {
      kind: "client-fqdn",
      s: (flags & FLAG_S) !== 0,
      o: (flags & FLAG_O) !== 0,
      n: (flags & FLAG_N) !== 0,
      name: read.name,
      whole,
    };
  },
  emit({ s, o, n, name, whole }, out) {
    out.u8((s ? FLAG_S : 0) | (o ? FLAG_O : 0) | (n ? FLAG_N : 0));
    const octets = nameOctets(name);
    out.octets(whole ? octets : octets.subarray(0, octets.length - 1));
  },
};
