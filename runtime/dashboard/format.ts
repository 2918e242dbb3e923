/** Numbers as people read them. */

const UNITS = ["", "k", "M", "G", "T"];
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Three digits and a unit: 0, 950, 1.23k, 45.6M. */
export function showCount(value: number): string {
  let unit = 0;
  let left = value;
  while (left >= 999.5 && unit < UNITS.length - 1) {
    left /= 1_000;
    unit++;
  }
  return unit === 0 || left >= 1_000 ? `${Math.round(left)}${UNITS[unit]}` : `${left.toPrecision(3)}${UNITS[unit]}`;
}

/** Octets a second as bits a second. */
export function showRate(octets: number): string {
  const bits = 8 * octets;
  return bits < 1 ? "0" : `${showCount(bits)}bit/s`.replace(/^(\d[\d.]*)([kMGT]?)bit/, "$1 $2bit");
}

/** A duration of any length, in its two largest units at most. */
export function showMillis(value: number | null): string {
  if (value === null) return "–";
  if (value < 10) return `${value.toFixed(1)} ms`;
  if (value < 1_000) return `${Math.round(value)} ms`;
  if (value < MINUTE) return `${(value / 1_000).toFixed(value < 10_000 ? 1 : 0)} s`;
  if (value < HOUR) return `${Math.floor(value / MINUTE)} min`;
  if (value < DAY) return `${Math.floor(value / HOUR)} h ${Math.floor((value % HOUR) / MINUTE)} min`;
  return `${Math.floor(value / DAY)} d ${Math.floor((value % DAY) / HOUR)} h`;
}

/** How a peer box is called: by the network of one of its hosts, else by the first digits of its fingerprint. */
export function showBox(box: string | null, host: string | null): string {
  if (host !== null) return networkOf(host);
  return box === null ? "unnamed peers" : box.slice(0, 8);
}

/** The first three groups of an identifier: the site's, as a rule. */
export function networkOf(address: string): string {
  const [front, back] = address.split("::");
  const groups = front.split(":").filter((group) => group !== "");
  return back === undefined || groups.length >= 3 ? `${groups.slice(0, 3).join(":")}::` : `${groups.join(":")}::`;
}

/** An address with its middle left out where it is longer than `most` characters. */
export function shorten(address: string, most: number): string {
  if (address.length <= most) return address;
  const tail = Math.floor((most - 1) / 2);
  return `${address.slice(0, most - 1 - tail)}…${address.slice(address.length - tail)}`;
}
