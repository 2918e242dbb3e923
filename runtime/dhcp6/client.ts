/** Who a client is: its DUID, its link-layer address and how far that is to be trusted, the relay ports it is behind. */
import { type Address, addressOctets } from "../value/address.ts";
import { hex } from "../value/bytes.ts";
import { duidMac, showMac } from "../wire/dhcp6-duid.ts";
import { HARDWARE_ETHERNET } from "../wire/dhcp6-number.ts";
import { dhcp6Option } from "../wire/dhcp6-option.ts";
import { isLinkLocal } from "./link.ts";
import { clientAddress, type RelayLayer } from "./relay.ts";

/** A client. */
export interface Client {
  readonly duid: Uint8Array;
  /** Lower-case hex of it. */
  readonly id: string;
  /** `02:00:00:00:00:01`. */
  readonly mac: string | undefined;
  /** Who told: the relay saw it on the wire, the client's DUID was made of it, or its link-local address. */
  readonly macFrom: "relay" | "duid" | "address" | undefined;
  /** Interface-Ids of the relays on the way, the outermost first. */
  readonly ports: readonly Uint8Array[];
}

const MAC_OCTETS = 6;

/** What a message with `duid` says of its sender. */
export function readClient(duid: Uint8Array, layers: readonly RelayLayer[], from: Address): Client {
  const ports = layers.flatMap(({ options }) => dhcp6Option(options, "interface-id")?.octets ?? []);
  return { duid, id: hex(duid), ports, ...readMac(duid, layers, from) };
}

/**
 * In order of trust. The relay's word first: it saw the frame, and only relays can add it (RFC 6939 §4). Then the DUID: the client's own
 * word, but it is what RFC 8415 §11 makes an identity of, and it is the same in each message. Last the link-local address, which a client
 * may have made in other ways, so that only the form of EUI-64 counts (RFC 4291 §2.5.1).
 */
function readMac(duid: Uint8Array, layers: readonly RelayLayer[], from: Address): Pick<Client, "mac" | "macFrom"> {
  const seen = layers.length === 0 ? undefined : dhcp6Option(layers[layers.length - 1].options, "client-link-layer");
  if (seen?.type === HARDWARE_ETHERNET && seen.octets.length === MAC_OCTETS) return { mac: showMac(seen.octets), macFrom: "relay" };
  const said = duidMac(duid);
  if (said !== undefined) return { mac: said, macFrom: "duid" };
  const made = eui64Mac(clientAddress(layers, from));
  return made === undefined ? { mac: undefined, macFrom: undefined } : { mac: made, macFrom: "address" };
}

/** The Ethernet address that a link-local address was made of. */
export function eui64Mac(address: Address): string | undefined {
  if (!isLinkLocal(address)) return undefined;
  const id = addressOctets(address).subarray(8);
  if (id[3] !== 0xff || id[4] !== 0xfe) return undefined;
  return showMac(Uint8Array.of(id[0] ^ 0x02, id[1], id[2], id[5], id[6], id[7]));
}
