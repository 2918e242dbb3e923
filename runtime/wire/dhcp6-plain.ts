/**
 * Options of one plain field (RFC 8415 §21.2, §21.3, §21.7 to §21.9, §21.12 to §21.14, §21.19, §21.20, §21.23 to §21.25).
 *
 *     |          option-code          |           option-len          |
 *     ~          DUID | codes, 2 octets each | 1, 2, 4 or 16 octets   ~
 */
import { ADDRESS_OCTETS, addressAt } from "../value/address.ts";
import { u16, u32 } from "../value/bytes.ts";
import type { Codes, ElapsedTime, Empty, Identifier, Octet, Seconds, ServerUnicast, Status } from "./dhcp6.ts";
import { badOption, type Dhcp6Codec, utf8 } from "./dhcp6-codec.ts";
import * as number from "./dhcp6-number.ts";

function identifier(kind: Identifier["kind"], code: number): Dhcp6Codec<Identifier> {
  return {
    kind,
    code,
    parse: (octets) =>
      octets.length < number.DUID_MINIMUM || octets.length > number.DUID_LIMIT ? badOption(code) : { kind, duid: octets.slice() },
    emit: ({ duid }, out) => out.octets(duid),
  };
}

function codes(kind: Codes["kind"], code: number): Dhcp6Codec<Codes> {
  return {
    kind,
    code,
    parse(octets) {
      if (octets.length % 2 !== 0) return badOption(code);
      return { kind, codes: Array.from({ length: octets.length / 2 }, (_, i) => u16(octets, 2 * i)) };
    },
    emit({ codes }, out) {
      for (const each of codes) out.u16(each);
    },
  };
}

function octet(kind: Octet["kind"], code: number): Dhcp6Codec<Octet> {
  return {
    kind,
    code,
    parse: (octets) => (octets.length === 1 ? { kind, value: octets[0] } : badOption(code)),
    emit: ({ value }, out) => out.u8(value),
  };
}

function empty(kind: Empty["kind"], code: number): Dhcp6Codec<Empty> {
  return { kind, code, parse: (octets) => (octets.length === 0 ? { kind } : badOption(code)), emit: () => undefined };
}

function seconds(kind: Seconds["kind"], code: number): Dhcp6Codec<Seconds> {
  return {
    kind,
    code,
    parse: (octets) => (octets.length === 4 ? { kind, seconds: u32(octets, 0) } : badOption(code)),
    emit: ({ seconds }, out) => out.u32(seconds),
  };
}

const elapsedTime: Dhcp6Codec<ElapsedTime> = {
  kind: "elapsed-time",
  code: number.OPTION_ELAPSED_TIME,
  parse: (octets) => (octets.length === 2 ? { kind: "elapsed-time", hundredths: u16(octets, 0) } : badOption(number.OPTION_ELAPSED_TIME)),
  emit: ({ hundredths }, out) => out.u16(hundredths),
};

const serverUnicast: Dhcp6Codec<ServerUnicast> = {
  kind: "server-unicast",
  code: number.OPTION_UNICAST,
  parse: (octets) =>
    octets.length === ADDRESS_OCTETS ? { kind: "server-unicast", address: addressAt(octets) } : badOption(number.OPTION_UNICAST),
  emit: ({ address }, out) => out.address(address),
};

/** A code and a text that is not terminated. */
export const status: Dhcp6Codec<Status> = {
  kind: "status",
  code: number.OPTION_STATUS_CODE,
  parse(octets) {
    if (octets.length < 2) return badOption(number.OPTION_STATUS_CODE);
    return { kind: "status", code: u16(octets, 0), text: utf8.read.decode(octets.subarray(2)) };
  },
  emit({ code, text }, out) {
    out.u16(code);
    out.octets(utf8.write.encode(text));
  },
};

export const echoRequest = codes("echo-request", number.OPTION_ERO);

/** Those of a message's top level. */
export const PLAIN: readonly Dhcp6Codec[] = [
  identifier("client-id", number.OPTION_CLIENTID),
  identifier("server-id", number.OPTION_SERVERID),
  codes("option-request", number.OPTION_ORO),
  octet("preference", number.OPTION_PREFERENCE),
  elapsedTime,
  serverUnicast,
  status,
  empty("rapid-commit", number.OPTION_RAPID_COMMIT),
  octet("reconfigure-message", number.OPTION_RECONF_MSG),
  empty("reconfigure-accept", number.OPTION_RECONF_ACCEPT),
  seconds("refresh-time", number.OPTION_INFORMATION_REFRESH_TIME),
  seconds("sol-max-rt", number.OPTION_SOL_MAX_RT),
  seconds("inf-max-rt", number.OPTION_INF_MAX_RT),
];
