import type { Entropy } from "../../runtime/port/entropy.ts";

/** Web Crypto gives no more at once. */
const CHUNK = 65_536;

/** Small requests are served from so many octets drawn at once: a call of its own for each costs more than the octets. */
const POOL = 8_192;
const SMALL = 256;
const pool = new Uint8Array(POOL);
let used = POOL;

/** The system's generator, through Web Crypto. What was handed out is wiped from the pool. */
export const systemEntropy: Entropy = {
  bytes(count) {
    if (count <= SMALL) return fromPool(count);
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count; at += CHUNK) crypto.getRandomValues(bytes.subarray(at, Math.min(count, at + CHUNK)));
    return bytes;
  },
};

function fromPool(count: number): Uint8Array {
  if (used + count > POOL) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  const bytes = pool.slice(used, used + count);
  pool.fill(0, used, used + count);
  used += count;
  return bytes;
}
