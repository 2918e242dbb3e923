/** Which context a captured packet belongs to, by its tag or its pair of hosts. Pure. */
import type { ContextRow } from "../api/rows.ts";
import { type Address, addressAt } from "../value/address.ts";
import { contains, parsePrefix } from "../value/prefix.ts";
import { Reject } from "../value/reject.ts";
import { type ContextTag, showTag } from "../value/tag.ts";
import { parseControl, parseControlHeader, parsePayload, Refusal, showMessage } from "../wire/index.ts";
import { IPV6_DESTINATION_AT, IPV6_HEADER_LENGTH, IPV6_NEXT_HEADER_AT, IPV6_SOURCE_AT, PROTOCOL_SHIM6 } from "../wire/number.ts";

/** Where a packet was seen: with hosts' identifiers, or with locators. */
export type Side = "hosts" | "wire";

/** What is known of a packet. */
export interface Annotation {
  readonly side: Side;
  readonly source: Address;
  readonly destination: Address;
  /** What a Shim6 header says, in a few words. */
  readonly message: string | undefined;
  readonly context: ContextRow | undefined;
  /** It has a context, and nobody knows which. */
  readonly unknown: boolean;
}

/** Addresses that no provider routes (RFC 4193). */
const UNIQUE_LOCAL = parsePrefix("fc00::/7");

/** The contexts of a box, to be found by what packets carry. */
export class Annotator {
  #byPair = new Map<string, ContextRow>();
  #byLocalTag = new Map<string, ContextRow>();
  #byPeerTag = new Map<string, ContextRow>();

  /** Replaces what was known. Those that have gone since keep their packets as long as nobody has their tag. */
  learn(rows: readonly ContextRow[]): void {
    this.#byPair = new Map(rows.map((row) => [`${row.localUlid} ${row.peerUlid}`, row]));
    this.#byLocalTag = new Map(rows.map((row) => [row.localTag, row]));
    this.#byPeerTag = new Map(rows.flatMap((row) => (row.peerTag === null ? [] : [[row.peerTag, row] as const])));
  }

  /** `outgoing`: the machine handed it to the box; else it came out of it. `undefined` for what is no IPv6 packet. */
  look(packet: Uint8Array, outgoing: boolean): Annotation | undefined {
    if (packet.length < IPV6_HEADER_LENGTH || packet[0] >> 4 !== 6) return undefined;
    const source = addressAt(packet, IPV6_SOURCE_AT);
    const destination = addressAt(packet, IPV6_DESTINATION_AT);
    const context = this.#byPair.get(`${source} ${destination}`) ?? this.#byPair.get(`${destination} ${source}`);
    const ends = { source, destination, message: undefined };
    if (packet[IPV6_NEXT_HEADER_AT] !== PROTOCOL_SHIM6) {
      const isHosts = isLocal(source) || isLocal(destination);
      return { ...ends, side: isHosts ? "hosts" : "wire", context, unknown: isHosts && context === undefined };
    }
    const { tag, message } = read(packet);
    const known = tag === undefined ? undefined : (outgoing ? this.#byLocalTag : this.#byPeerTag).get(showTag(tag));
    return { ...ends, side: "wire", message, context: known, unknown: tag !== undefined && known === undefined };
  }
}

function isLocal(address: Address): boolean {
  return UNIQUE_LOCAL !== undefined && contains(UNIQUE_LOCAL, address);
}

function read(packet: Uint8Array): { readonly tag: ContextTag | undefined; readonly message: string } {
  const payload = parsePayload(packet);
  if (!(payload instanceof Reject)) return { tag: payload.tag, message: "payload" };
  const header = parseControlHeader(packet);
  const tag = header instanceof Reject || header instanceof Refusal ? undefined : header.receiverTag;
  const control = parseControl(packet);
  return { tag, message: control instanceof Reject || control instanceof Refusal ? "Shim6 that is none" : showMessage(control.message) };
}

/** What is to be written beside the packet; `undefined` = nothing is known. */
export function commentOf({ context, message }: Annotation): string | undefined {
  const about =
    context === undefined
      ? []
      : [
          `context ${context.id} ${context.localUlid} ${context.peerUlid}${context.fork === 0 ? "" : ` fork ${context.fork}`}`,
          `by ${context.localProvider ?? "-"} ${context.localLocator} ${context.peerLocator}`,
        ];
  const said = message === undefined || message === "payload" ? [] : [message];
  const all = [...about, ...said];
  return all.length === 0 ? undefined : all.join("; ");
}
