/** What relays put around a message, and the same way back (RFC 8415 §18.3.10, §19.3). */
import { type Address, UNSPECIFIED } from "../value/address.ts";
import { Reject, reject } from "../value/reject.ts";
import type { Dhcp6Message, Dhcp6Option } from "../wire/dhcp6.ts";
import { emitDhcp6, parseDhcp6 } from "../wire/dhcp6-message.ts";
import { HOP_COUNT_LIMIT, OPTION_RELAY_MSG, RELAY_FORW, RELAY_REPL } from "../wire/dhcp6-number.ts";
import { dhcp6Option, dhcp6OptionCode } from "../wire/dhcp6-option.ts";

/** One Relay-forward. */
export interface RelayLayer {
  readonly hops: number;
  /** `::` says nothing (RFC 6221). */
  readonly link: Address;
  readonly peer: Address;
  readonly options: readonly Dhcp6Option[];
}

/** A client's message and what it came in, the outermost first. */
export interface Unwrapped {
  readonly message: Dhcp6Message;
  readonly layers: readonly RelayLayer[];
}

/** Hop counts run from 0 to the limit: a relay hands on what says less than the limit, with one more (§19.1.2). */
const LAYER_LIMIT = HOP_COUNT_LIMIT + 1;

/**
 * Takes a message out of its Relay-forwards.
 * @returns the message, or a Reject: `type-dhcp6` for Relay-replies (§16.14), `hops-dhcp6`, `no-relay-message-dhcp6`, and those of `parseDhcp6`
 */
export function unwrap(octets: Uint8Array): Unwrapped | Reject {
  const layers: RelayLayer[] = [];
  for (let inner = octets; ; ) {
    const packet = parseDhcp6(inner);
    if (packet instanceof Reject) return packet;
    if (packet.kind === "message") return { message: packet, layers };
    if (packet.type !== RELAY_FORW) return reject("type-dhcp6", packet.type);
    if (layers.length >= LAYER_LIMIT || packet.hops > HOP_COUNT_LIMIT) return reject("hops-dhcp6", packet.hops);
    const carried = dhcp6Option(packet.options, "relay-message");
    if (carried === undefined) return reject("no-relay-message-dhcp6", layers.length);
    layers.push({
      hops: packet.hops,
      link: packet.link,
      peer: packet.peer,
      options: packet.options.filter((option) => option !== carried),
    });
    inner = carried.octets;
  }
}

/** `octets` in Relay-replies for the way back through `layers`; `octets` itself when there are none. */
export function wrap(octets: Uint8Array, layers: readonly RelayLayer[]): Uint8Array {
  return layers.reduceRight<Uint8Array>(
    (inner, { hops, link, peer, options }) =>
      emitDhcp6({
        kind: "relay",
        type: RELAY_REPL,
        hops,
        link,
        peer,
        options: [...echoed(options), { kind: "relay-message", octets: inner }],
      }),
    octets,
  );
}

/** Whether the outermost relay sends from a port of its own and wants its answers there (RFC 8357 §5). */
export function usesOwnPort(layers: readonly RelayLayer[]): boolean {
  return layers.length > 0 && dhcp6Option(layers[0].options, "relay-port") !== undefined;
}

/** The layers with what is needed for a way back and no more: for keeping. */
export function wayBack(layers: readonly RelayLayer[]): readonly RelayLayer[] {
  return layers.map(({ hops, link, peer, options }) => ({ hops, link, peer, options: echoed(options) }));
}

/** Interface-Id (§21.18) and the relay's port (RFC 8357 §5) always, others when the relay asks for them (RFC 4994 §5). */
function echoed(options: readonly Dhcp6Option[]): readonly Dhcp6Option[] {
  const asked = dhcp6Option(options, "echo-request")?.codes ?? [];
  return options.filter((option) => {
    if (option.kind === "interface-id" || option.kind === "relay-port") return true;
    const code = dhcp6OptionCode(option);
    return code !== OPTION_RELAY_MSG && option.kind !== "echo-request" && asked.includes(code);
  });
}

/** The client's own address as the relay next to it saw it, or where a message without relays came from. */
export function clientAddress(layers: readonly RelayLayer[], from: Address): Address {
  const nearest = layers.at(-1);
  return nearest === undefined || nearest.peer === UNSPECIFIED ? from : nearest.peer;
}
