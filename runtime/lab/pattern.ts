/**
 * The octets the stream carries: fixed by their offset, so that the far end knows each one without being told. Octet n
 * is octet `n mod P` of a table of random-looking octets plus the number of the table's round; P is prime, so that
 * data shifted, repeated or left out by any amount a network could invent does not look right.
 */

/** Prime, and so that a round and the longest write stay in the processor's cache. */
export const PATTERN_PERIOD = 65_521;

/** Writes the octets of the stream from `offset` on over all of `bytes`. */
export function fillPattern(bytes: Uint8Array, offset: number): void {
  walk(bytes.length, offset, (at, end, phase, round) => {
    for (let i = at; i < end; i++) bytes[i] = TABLE[phase + i - at] + round;
  });
}

/** @returns the index of the first octet of `bytes` that is not what the stream has at `offset` + index; -1 if all are right */
export function firstWrong(bytes: Uint8Array, offset: number): number {
  let wrong = -1;
  walk(bytes.length, offset, (at, end, phase, round) => {
    if (wrong >= 0) return;
    for (let i = at; i < end; i++) {
      if (bytes[i] !== ((TABLE[phase + i - at] + round) & 0xff)) {
        wrong = i;
        return;
      }
    }
  });
  return wrong;
}

/** Cuts `length` octets from `offset` on where a new round of the table begins. */
function walk(length: number, offset: number, piece: (at: number, end: number, phase: number, round: number) => void): void {
  let at = 0;
  while (at < length) {
    const phase = (offset + at) % PATTERN_PERIOD;
    const end = Math.min(length, at + PATTERN_PERIOD - phase);
    piece(at, end, phase, Math.floor((offset + at) / PATTERN_PERIOD) & 0xff);
    at = end;
  }
}

const TABLE = makeTable();

/** xorshift32 from a fixed seed. */
function makeTable(): Uint8Array {
  const table = new Uint8Array(PATTERN_PERIOD);
  let state = 0x9e37_79b9;
  for (let i = 0; i < table.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    table[i] = state >>> 24;
  }
  return table;
}
