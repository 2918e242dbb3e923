import type { Entropy } from "../../runtime/port/entropy.ts";

/** Web Crypto gives no more at once. */
const CHUNK = 65_536;

/** The system's generator, through Web Crypto. */
export const systemEntropy: Entropy = {
  bytes(count) {
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count; at += CHUNK) crypto.getRandomValues(bytes.subarray(at, Math.min(count, at + CHUNK)));
    return bytes;
  },
};
