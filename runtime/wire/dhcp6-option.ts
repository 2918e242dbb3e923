/**
 * The common form of options (RFC 8415 §21.1), and which option is known where.
 *
 *     |          option-code          |           option-len          |
 *     ~                  option-data, option-len octets               ~
 */
import { u16 } from "../value/bytes.ts";
import { Reject, reject } from "../value/reject.ts";
import type { Dhcp6Option, Dhcp6OptionKind, Dhcp6OptionOf } from "./dhcp6.ts";
import { authentication } from "./dhcp6-auth.ts";
import type { Dhcp6Codec, Dhcp6Place, OctetWriter } from "./dhcp6-codec.ts";
import { clientFqdn } from "./dhcp6-fqdn.ts";
import { ASSOCIATIONS, iaAddress, iaPrefix } from "./dhcp6-ia.ts";
import { PLAIN, status } from "./dhcp6-plain.ts";
import { addressSelection } from "./dhcp6-policy.ts";
import { RELAYING } from "./dhcp6-relay.ts";
import { SERVICES } from "./dhcp6-service.ts";

/** Depth is bounded by this: no place leads back to one above it. */
const KNOWN: Readonly<Record<Dhcp6Place, readonly Dhcp6Codec[]>> = {
  message: [...PLAIN, ...ASSOCIATIONS, ...SERVICES, authentication, clientFqdn, addressSelection],
  relay: RELAYING,
  "ia-na": [iaAddress, status],
  "ia-ta": [iaAddress, status],
  "ia-pd": [iaPrefix, status],
  lease: [status],
};
const PLACES = Object.fromEntries(
  Object.entries(KNOWN).map(([place, codecs]) => [place, new Map(codecs.map((codec) => [codec.code, codec]))]),
);
const BY_KIND = new Map<Dhcp6OptionKind, Dhcp6Codec>(
  Object.values(KNOWN)
    .flat()
    .map((codec) => [codec.kind, codec]),
);
const HEADER = 4;

/**
 * The options that fill `octets`, in order. Those that are not known in `place` are `raw`.
 * @returns the options, or a Reject: `short-option-dhcp6`, `bad-option-dhcp6`, `twice-option-dhcp6` (§21: a singleton). Never throws
 */
export function readDhcp6Options(octets: Uint8Array, place: Dhcp6Place): Dhcp6Option[] | Reject {
  const known: Map<number, Dhcp6Codec> = PLACES[place];
  const options: Dhcp6Option[] = [];
  const seen: Dhcp6Codec[] = [];
  for (let at = 0; at < octets.length; ) {
    if (at + HEADER > octets.length) return reject("short-option-dhcp6", at);
    const code = u16(octets, at);
    const end = at + HEADER + u16(octets, at + 2);
    if (end > octets.length) return reject("short-option-dhcp6", at);
    const contents = octets.subarray(at + HEADER, end);
    const codec = known.get(code);
    if (codec === undefined) options.push({ kind: "raw", code, octets: contents.slice() });
    else {
      if (!codec.many) {
        if (seen.includes(codec)) return reject("twice-option-dhcp6", code);
        seen.push(codec);
      }
      const option = codec.parse(contents, readDhcp6Options);
      if (option instanceof Reject) return option;
      options.push(option);
    }
    at = end;
  }
  return options;
}

/** Writes `options`. @throws {RangeError} for what the format cannot hold */
export function writeDhcp6Options(options: readonly Dhcp6Option[], out: OctetWriter): void {
  for (const option of options) {
    const at = out.open(dhcp6OptionCode(option));
    if (option.kind === "raw") out.octets(option.octets);
    else BY_KIND.get(option.kind)?.emit(option, out, writeDhcp6Options);
    out.close(at);
  }
}

/** The option's number. */
export function dhcp6OptionCode(option: Dhcp6Option): number {
  return option.kind === "raw" ? option.code : (BY_KIND.get(option.kind)?.code ?? 0);
}

/** The first option of a kind. */
export function dhcp6Option<K extends Dhcp6OptionKind>(options: readonly Dhcp6Option[], kind: K): Dhcp6OptionOf<K> | undefined {
  return options.find((option): option is Dhcp6OptionOf<K> => option.kind === kind);
}

/** All options of a kind. */
export function dhcp6Options<K extends Dhcp6OptionKind>(options: readonly Dhcp6Option[], kind: K): Dhcp6OptionOf<K>[] {
  return options.filter((option): option is Dhcp6OptionOf<K> => option.kind === kind);
}
