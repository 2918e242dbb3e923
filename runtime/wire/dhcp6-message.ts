/**
 * Whole DHCPv6 messages, as they stand in a UDP datagram (RFC 8415 §8, §9).
 *
 *     |    msg-type   |               transaction-id                  |  options  ~
 *     |    msg-type   |   hop-count   |  link-address  |  peer-address  |  options  ~      relays
 */
import { ADDRESS_OCTETS, addressAt } from "../value/address.ts";
import { u32 } from "../value/bytes.ts";
import { Reject, reject } from "../value/reject.ts";
import type { Dhcp6Packet } from "./dhcp6.ts";
import { OctetWriter } from "./dhcp6-codec.ts";
import { RELAY_FORW, RELAY_REPL, SOLICIT } from "./dhcp6-number.ts";
import { dhcp6OptionCode, readDhcp6Options, writeDhcp6Options } from "./dhcp6-option.ts";

const MESSAGE_FIXED = 4;
const RELAY_FIXED = 2 + 2 * ADDRESS_OCTETS;
const NAMES = [
  "?",
  "solicit",
  "advertise",
  "request",
  "confirm",
  "renew",
  "rebind",
  "reply",
  "release",
  "decline",
  "reconfigure",
  "information-request",
  "relay-forward",
  "relay-reply",
];
const out = new OctetWriter();

/**
 * Reads a message; what a relay message carries is left as octets. Nothing of `octets` is kept.
 * @returns the message, or a Reject: `short-dhcp6`, `unknown-dhcp6` (the type), and those of {@link readDhcp6Options}. Never throws
 */
export function parseDhcp6(octets: Uint8Array): Dhcp6Packet | Reject {
  if (octets.length < MESSAGE_FIXED) return reject("short-dhcp6", octets.length);
  const type = octets[0];
  if (type < SOLICIT || type > RELAY_REPL) return reject("unknown-dhcp6", type);
  if (type === RELAY_FORW || type === RELAY_REPL) {
    if (octets.length < RELAY_FIXED) return reject("short-dhcp6", octets.length);
    const options = readDhcp6Options(octets.subarray(RELAY_FIXED), "relay");
    if (options instanceof Reject) return options;
    return { kind: "relay", type, hops: octets[1], link: addressAt(octets, 2), peer: addressAt(octets, 2 + ADDRESS_OCTETS), options };
  }
  const options = readDhcp6Options(octets.subarray(MESSAGE_FIXED), "message");
  if (options instanceof Reject) return options;
  return { kind: "message", type, transaction: u32(octets, 0) & 0xff_ffff, options };
}

/** The message in a new array. @throws {RangeError} for what the format cannot hold */
export function emitDhcp6(packet: Dhcp6Packet): Uint8Array {
  out.clear();
  out.u8(packet.type);
  if (packet.kind === "relay") {
    out.u8(packet.hops);
    out.address(packet.link);
    out.address(packet.peer);
  } else {
    out.u8(packet.transaction >>> 16);
    out.u16(packet.transaction & 0xffff);
  }
  writeDhcp6Options(packet.options, out);
  return out.taken();
}

/** The name of a message's type, as counters have it: `solicit`, `information-request`, … */
export function dhcp6TypeName(type: number): string {
  return NAMES[type] ?? NAMES[0];
}

/** One line, tcpdump style; of options their names alone, so that no key can slip out. */
export function showDhcp6(packet: Dhcp6Packet): string {
  const options = packet.options.map((option) => (option.kind === "raw" ? `option-${dhcp6OptionCode(option)}` : option.kind)).join(" ");
  const head =
    packet.kind === "relay"
      ? `hops ${packet.hops} link ${packet.link} peer ${packet.peer}`
      : `xid ${packet.transaction.toString(16).padStart(6, "0")}`;
  return `dhcp6 ${dhcp6TypeName(packet.type)} ${head} (${options})`;
}
