/**
 * The neighbours that somebody wants to hear of, in memory that two threads share: one writes it, the other, which sits in a system call, looks there
 * when the kernel tells of one. A look in the middle of a change may miss a neighbour, which is asked about again anyway.
 */
import { ADDRESS_OCTETS, type Address, addressAt, addressOctets } from "../../runtime/value/address.ts";

/** Places of {@link PLACE_OCTETS}: an interface's index u32, 0 = nobody, and an address. */
export type WatchList = SharedArrayBuffer;

const INDEX_OCTETS = 4;
const PLACE_OCTETS = INDEX_OCTETS + ADDRESS_OCTETS;

/** A neighbour, as it is looked for. */
export interface Watched {
  readonly index: number;
  readonly address: Address;
}

/** An empty list with `places`. */
export function watchList(places: number): WatchList {
  return new SharedArrayBuffer(places * PLACE_OCTETS);
}

/** `neighbours` stand in `list` from now on, as many as find room. */
export function setWatched(list: WatchList, neighbours: readonly Watched[]): void {
  const octets = new Uint8Array(list);
  const view = new DataView(list);
  for (let place = 0; (place + 1) * PLACE_OCTETS <= octets.length; place++) {
    const neighbour = neighbours[place];
    view.setUint32(place * PLACE_OCTETS, neighbour?.index ?? 0, true);
    if (neighbour !== undefined) octets.set(addressOctets(neighbour.address), place * PLACE_OCTETS + INDEX_OCTETS);
  }
}

/** Whether the neighbour is in `list`. */
export function watches(list: WatchList, { index, address }: Watched): boolean {
  const octets = new Uint8Array(list);
  const view = new DataView(list);
  for (let at = 0; at + PLACE_OCTETS <= octets.length; at += PLACE_OCTETS)
    if (view.getUint32(at, true) === index && addressAt(octets.slice(at + INDEX_OCTETS, at + PLACE_OCTETS)) === address) return index !== 0;
  return false;
}
