/**
 * What relays say and want to have back: Relay Message and Interface-Id (RFC 8415 §21.10, §21.18), Remote-Id (RFC 4649), Echo Request
 * (RFC 4994), Client Link-Layer Address (RFC 6939), Relay Source Port (RFC 8357).
 *
 *     ~  message | interface-id                       ~
 *     |  enterprise, 4 octets   |  remote-id          ~
 *     |  hardware type, 2       |  link-layer address ~
 *     |  downstream port, 2     |
 */
import { u16, u32 } from "../value/bytes.ts";
import type { LinkLayerAddress, Opaque, RelayPort, RemoteId } from "./dhcp6.ts";
import { badOption, type Dhcp6Codec } from "./dhcp6-codec.ts";
import {
  OPTION_CLIENT_LINKLAYER_ADDR,
  OPTION_INTERFACE_ID,
  OPTION_RELAY_MSG,
  OPTION_RELAY_PORT,
  OPTION_REMOTE_ID,
} from "./dhcp6-number.ts";
import { echoRequest } from "./dhcp6-plain.ts";

function opaque(kind: Opaque["kind"], code: number): Dhcp6Codec<Opaque> {
  return { kind, code, parse: (octets) => ({ kind, octets: octets.slice() }), emit: ({ octets }, out) => out.octets(octets) };
}

const remoteId: Dhcp6Codec<RemoteId> = {
  kind: "remote-id",
  code: OPTION_REMOTE_ID,
  parse: (octets) =>
    octets.length < 4 ? badOption(OPTION_REMOTE_ID) : { kind: "remote-id", enterprise: u32(octets, 0), octets: octets.slice(4) },
  emit({ enterprise, octets }, out) {
    out.u32(enterprise);
    out.octets(octets);
  },
};

const linkLayer: Dhcp6Codec<LinkLayerAddress> = {
  kind: "client-link-layer",
  code: OPTION_CLIENT_LINKLAYER_ADDR,
  parse: (octets) =>
    octets.length < 2
      ? badOption(OPTION_CLIENT_LINKLAYER_ADDR)
      : { kind: "client-link-layer", type: u16(octets, 0), octets: octets.slice(2) },
  emit({ type, octets }, out) {
    out.u16(type);
    out.octets(octets);
  },
};

const relayPort: Dhcp6Codec<RelayPort> = {
  kind: "relay-port",
  code: OPTION_RELAY_PORT,
  parse: (octets) => (octets.length === 2 ? { kind: "relay-port", port: u16(octets, 0) } : badOption(OPTION_RELAY_PORT)),
  emit: ({ port }, out) => out.u16(port),
};

/** Those of a relay message's top level. */
export const RELAYING: readonly Dhcp6Codec[] = [
  opaque("relay-message", OPTION_RELAY_MSG),
  opaque("interface-id", OPTION_INTERFACE_ID),
  remoteId,
  echoRequest,
  linkLayer,
  relayPort,
];
