/** Lifetimes and what follows from them, as they stand in options. */
import type { Address } from "../value/address.ts";
import type { Millis } from "../value/time.ts";
import type { Dhcp6Option, IaAddress } from "../wire/dhcp6.ts";
import { DHCP6_INFINITY } from "../wire/dhcp6-number.ts";
import type { Dhcp6Settings } from "./contract.ts";

/** Recommended shares of the preferred lifetime (RFC 8415 §21.4). */
const T1_SHARE = 0.5;
const T2_SHARE = 0.8;

/** Whole seconds below infinity. */
export function toSeconds(duration: Millis): number {
  return Math.min(Math.floor(duration / 1000), DHCP6_INFINITY - 1);
}

/** When hosts renew at their server. */
export function renewalTime({ preferred }: Pick<Dhcp6Settings, "preferred">): Millis {
  return T1_SHARE * preferred;
}

/**
 * An IA_NA with a living address and what is leased beside it, and with others that are at an end. T1 and T2 are those of what lives shortest among what
 * is renewed (§21.4), and the same in all of a site (§18.3.2, §18.3.4, §18.3.5).
 */
export function livingIa(
  iaid: number,
  address: Address,
  beside: readonly IaAddress[],
  ended: readonly Address[],
  { preferred, valid }: Dhcp6Settings,
): Dhcp6Option {
  const whole = toSeconds(preferred);
  const living: IaAddress = { kind: "ia-address", address, preferred: whole, valid: toSeconds(valid), options: [] };
  const seconds = Math.min(whole, ...beside.flatMap((each) => (each.preferred > 0 ? [each.preferred] : [])));
  return {
    kind: "ia-na",
    iaid,
    t1: Math.floor(T1_SHARE * seconds),
    t2: Math.floor(T2_SHARE * seconds),
    options: [living, ...beside, ...ended.map(endedAddress)],
  };
}

/** An address that must not be used any more (§18.3.4, §18.3.5). */
export function endedAddress(address: Address): IaAddress {
  return { kind: "ia-address", address, preferred: 0, valid: 0, options: [] };
}
