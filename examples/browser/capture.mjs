/** IPv6 packets out of a capture: pcap and pcapng, of Ethernet (with VLAN tags), raw IP, Linux cooked capture or BSD loopback. */

const PCAP = 0xa1b2c3d4;
const PCAP_NANO = 0xa1b23c4d;
const SECTION = 0x0a0d0d0a;
const BYTE_ORDER = 0x1a2b3c4d;
const INTERFACE = 1;
const SIMPLE = 3;
const ENHANCED = 6;
const ETHERTYPE_IPV6 = 0x86dd;
const VLANS = new Set([0x8100, 0x88a8]);
/** Link type → where the packet begins in a frame, or undefined if it is none of IPv6. */
const LINKS = new Map([
  [0, (frame) => (frame.length > 4 && frame[4] >> 4 === 6 ? 4 : undefined)],
  [1, ethernet],
  [101, (frame) => (frame[0] >> 4 === 6 ? 0 : undefined)],
  [113, (frame) => (u16(frame, 14) === ETHERTYPE_IPV6 ? 16 : undefined)],
  [229, () => 0],
  [276, (frame) => (u16(frame, 0) === ETHERTYPE_IPV6 ? 20 : undefined)],
]);

/** @param {Uint8Array} file @returns {Uint8Array[]} views of `file`, in its order; what is cut off or of no such link is left out @throws {Error} if it is no capture */
export function ipv6Packets(file) {
  if (file.length < 24) throw new Error("this file is too short for a capture");
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (view.getUint32(0) === SECTION) return [...pcapng(file, view)];
  for (const little of [false, true]) if ([PCAP, PCAP_NANO].includes(view.getUint32(0, little))) return [...pcap(file, view, little)];
  throw new Error("this file is neither pcap nor pcapng");
}

function* pcap(file, view, little) {
  const link = LINKS.get(view.getUint32(20, little) & 0xffff);
  for (let at = 24; at + 16 <= file.length; ) {
    const kept = view.getUint32(at + 8, little);
    const whole = view.getUint32(at + 12, little);
    const frame = file.subarray(at + 16, at + 16 + kept);
    if (kept === whole) yield* packetOf(frame, link);
    at += 16 + kept;
  }
}

function* pcapng(file, view) {
  let little = false;
  let links = [];
  for (let at = 0; at + 12 <= file.length; ) {
    const section = view.getUint32(at) === SECTION;
    if (section) {
      little = view.getUint32(at + 8, true) === BYTE_ORDER;
      links = [];
    }
    const type = view.getUint32(at, little);
    const length = view.getUint32(at + 4, little);
    if (length < 12 || length % 4 !== 0 || at + length > file.length) return;
    if (type === INTERFACE) links.push(LINKS.get(view.getUint16(at + 8, little)));
    if (type === ENHANCED && length >= 32) {
      const kept = view.getUint32(at + 20, little);
      const whole = view.getUint32(at + 24, little);
      if (kept === whole && kept <= length - 32)
        yield* packetOf(file.subarray(at + 28, at + 28 + kept), links[view.getUint32(at + 8, little)]);
    }
    if (type === SIMPLE && length >= 16) {
      const whole = view.getUint32(at + 8, little);
      if (whole <= length - 16) yield* packetOf(file.subarray(at + 12, at + 12 + whole), links[0]);
    }
    at += length;
  }
}

function* packetOf(frame, link) {
  const at = link?.(frame);
  if (at === undefined || frame.length < at + 40) return;
  // An Ethernet frame of less than 60 octets is filled up.
  yield frame.subarray(at, Math.min(frame.length, at + 40 + u16(frame, at + 4)));
}

function ethernet(frame) {
  let at = 12;
  while (VLANS.has(u16(frame, at))) at += 4;
  return u16(frame, at) === ETHERTYPE_IPV6 ? at + 2 : undefined;
}

function u16(octets, at) {
  return (octets[at] << 8) | octets[at + 1];
}
