/**
 * Where services are: DNS servers and search list (RFC 3646), time servers (RFC 4075, RFC 5908).
 *
 *     ~  addresses, 16 octets each  |  names, each with its final zero  ~
 *     ~  suboptions: code, length, address | group | name               ~      NTP
 */
import { ADDRESS_OCTETS, type Address, addressAt } from "../value/address.ts";
import { u16 } from "../value/bytes.ts";
import { Reject } from "../value/reject.ts";
import type { AddressList, DomainList, NtpServers } from "./dhcp6.ts";
import { badOption, type Dhcp6Codec } from "./dhcp6-codec.ts";
import { OPTION_DNS_SERVERS, OPTION_DOMAIN_LIST, OPTION_NTP_SERVER, OPTION_SNTP_SERVERS } from "./dhcp6-number.ts";
import type { DnsName } from "./dns.ts";
import { nameOctets, readName } from "./dns-name.ts";

/** RFC 5908 §4.1. */
const NTP_SUBOPTION_SRV_ADDR = 1;

function addressList(kind: AddressList["kind"], code: number): Dhcp6Codec<AddressList> {
  return {
    kind,
    code,
    parse(octets) {
      if (octets.length === 0 || octets.length % ADDRESS_OCTETS !== 0) return badOption(code);
      const addresses = Array.from({ length: octets.length / ADDRESS_OCTETS }, (_, i) => addressAt(octets, i * ADDRESS_OCTETS));
      return { kind, addresses };
    },
    emit({ addresses }, out) {
      for (const each of addresses) out.address(each);
    },
  };
}

const domainList: Dhcp6Codec<DomainList> = {
  kind: "domain-list",
  code: OPTION_DOMAIN_LIST,
  parse(octets) {
    const names: DnsName[] = [];
    for (let at = 0; at < octets.length; ) {
      // RFC 8415 §10: never compressed.
      const read = readName(octets, at, false);
      if (read instanceof Reject) return badOption(OPTION_DOMAIN_LIST);
      names.push(read.name);
      at = read.end;
    }
    return names.length === 0 ? badOption(OPTION_DOMAIN_LIST) : { kind: "domain-list", names };
  },
  emit({ names }, out) {
    for (const name of names) out.octets(nameOctets(name));
  },
};

const ntpServers: Dhcp6Codec<NtpServers> = {
  kind: "ntp-servers",
  code: OPTION_NTP_SERVER,
  parse(octets) {
    const addresses: Address[] = [];
    const others: { code: number; octets: Uint8Array }[] = [];
    for (let at = 0; at < octets.length; ) {
      if (at + 4 > octets.length) return badOption(OPTION_NTP_SERVER);
      const [code, length] = [u16(octets, at), u16(octets, at + 2)];
      const contents = octets.subarray(at + 4, at + 4 + length);
      if (contents.length < length) return badOption(OPTION_NTP_SERVER);
      if (code === NTP_SUBOPTION_SRV_ADDR && length !== ADDRESS_OCTETS) return badOption(OPTION_NTP_SERVER);
      if (code === NTP_SUBOPTION_SRV_ADDR) addresses.push(addressAt(contents));
      else others.push({ code, octets: contents.slice() });
      at += 4 + length;
    }
    return { kind: "ntp-servers", addresses, others };
  },
  emit({ addresses, others }, out) {
    for (const each of addresses) {
      const at = out.open(NTP_SUBOPTION_SRV_ADDR);
      out.address(each);
      out.close(at);
    }
    for (const { code, octets } of others) {
      const at = out.open(code);
      out.octets(octets);
      out.close(at);
    }
  },
};

/** Those of a message's top level. */
export const SERVICES: readonly Dhcp6Codec[] = [
  addressList("dns-servers", OPTION_DNS_SERVERS),
  domainList,
  addressList("sntp-servers", OPTION_SNTP_SERVERS),
  ntpServers,
];
