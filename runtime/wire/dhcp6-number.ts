/** Numbers of DHCPv6 under the names of RFC 8415, unless another RFC is named. */

/** UDP ports (§7.2). */
export const DHCP6_CLIENT_PORT = 546;
export const DHCP6_SERVER_PORT = 547;
/** Multicast groups (§7.1). */
export const ALL_DHCP_RELAY_AGENTS_AND_SERVERS = "ff02::1:2";
export const ALL_DHCP_SERVERS = "ff05::1:3";

// Message types, §7.3
export const SOLICIT = 1;
export const ADVERTISE = 2;
export const REQUEST = 3;
export const CONFIRM = 4;
export const RENEW = 5;
export const REBIND = 6;
export const REPLY = 7;
export const RELEASE = 8;
export const DECLINE = 9;
export const RECONFIGURE = 10;
export const INFORMATION_REQUEST = 11;
export const RELAY_FORW = 12;
export const RELAY_REPL = 13;

// Option codes, §21 and §24
export const OPTION_CLIENTID = 1;
export const OPTION_SERVERID = 2;
export const OPTION_IA_NA = 3;
export const OPTION_IA_TA = 4;
export const OPTION_IAADDR = 5;
export const OPTION_ORO = 6;
export const OPTION_PREFERENCE = 7;
export const OPTION_ELAPSED_TIME = 8;
export const OPTION_RELAY_MSG = 9;
export const OPTION_AUTH = 11;
export const OPTION_UNICAST = 12;
export const OPTION_STATUS_CODE = 13;
export const OPTION_RAPID_COMMIT = 14;
export const OPTION_INTERFACE_ID = 18;
export const OPTION_RECONF_MSG = 19;
export const OPTION_RECONF_ACCEPT = 20;
/** RFC 3646 §3, §4. */
export const OPTION_DNS_SERVERS = 23;
export const OPTION_DOMAIN_LIST = 24;
export const OPTION_IA_PD = 25;
export const OPTION_IAPREFIX = 26;
/** RFC 4075 §4. */
export const OPTION_SNTP_SERVERS = 31;
export const OPTION_INFORMATION_REFRESH_TIME = 32;
/** RFC 4649 §3. */
export const OPTION_REMOTE_ID = 37;
/** RFC 4704 §4. */
export const OPTION_CLIENT_FQDN = 39;
/** RFC 4994 §4. */
export const OPTION_ERO = 43;
/** RFC 5908 §4. */
export const OPTION_NTP_SERVER = 56;
/** RFC 6939 §4. */
export const OPTION_CLIENT_LINKLAYER_ADDR = 79;
export const OPTION_SOL_MAX_RT = 82;
export const OPTION_INF_MAX_RT = 83;
/** RFC 7078 §2. */
export const OPTION_ADDRSEL = 84;
export const OPTION_ADDRSEL_TABLE = 85;
/** RFC 8357 §4. */
export const OPTION_RELAY_PORT = 135;

// Status codes, §21.13
export const STATUS_SUCCESS = 0;
export const STATUS_UNSPEC_FAIL = 1;
export const STATUS_NO_ADDRS_AVAIL = 2;
export const STATUS_NO_BINDING = 3;
export const STATUS_NOT_ON_LINK = 4;
export const STATUS_USE_MULTICAST = 5;
export const STATUS_NO_PREFIX_AVAIL = 6;

// DUID types, §11
export const DUID_LLT = 1;
export const DUID_EN = 2;
export const DUID_LL = 3;
/** RFC 6355. */
export const DUID_UUID = 4;
/** Octets of a DUID, type included (§11.1). */
export const DUID_MINIMUM = 3;
export const DUID_LIMIT = 130;
/** Hardware type of Ethernet, in DUIDs and in RFC 6939's option (IANA). */
export const HARDWARE_ETHERNET = 1;

// Reconfigure Key Authentication Protocol, §20.4.1
export const RKAP_PROTOCOL = 3;
export const RKAP_ALGORITHM = 1;
export const RKAP_RDM = 0;
export const RKAP_KEY = 1;
export const RKAP_DIGEST = 2;
/** Octets of a key, and of a digest. */
export const RKAP_OCTETS = 16;

/** Relays that a message may have passed say so by hop counts up to this one (§7.6, §19.1.2). */
export const HOP_COUNT_LIMIT = 8;
/** "Infinity" as a time (§7.7), seconds. */
export const DHCP6_INFINITY = 0xffff_ffff;
/** Seconds (§7.6). */
export const IRT_DEFAULT = 86_400;
export const IRT_MINIMUM = 600;
export const SOL_MAX_RT = 3_600;
export const INF_MAX_RT = 3_600;
/** Milliseconds (§7.6). */
export const REC_TIMEOUT = 2_000;
export const REC_MAX_RC = 8;
