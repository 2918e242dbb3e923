import type { UdpAnswerer } from "../../runtime/port/udp.ts";

/** An answerer for tests: an entry is `[request, answer]`, both text. */
export function textAnswerer(): UdpAnswerer {
  const known = new Map<string, string>();
  return {
    answer(request, _, out) {
      const found = known.get(String.fromCharCode(...request));
      return found === undefined ? 0 : new TextEncoder().encodeInto(found, out).written;
    },
    put(entry) {
      if (Array.isArray(entry)) known.set(String(entry[0]), String(entry[1]));
    },
    clear: () => known.clear(),
  };
}
