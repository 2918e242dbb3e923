/** Addresses of the providers that a host is leased beside its ULID (P-Shim6 draft §7). They follow from the ULID: nothing is stored of them. */
import type { Address, Ulid } from "../value/address.ts";
import { contains, type Prefix, withPrefix } from "../value/prefix.ts";
import type { IaAddress } from "../wire/dhcp6.ts";
import type { BesidePrefix, Dhcp6Settings } from "./contract.ts";
import { toSeconds } from "./time.ts";

/**
 * What is leased with `ulid` at the calendar instant `wall`: no longer than the provider's prefix holds. What should not be used for anything new is
 * deprecated (RFC 4862 §5.5.4), and stays for what uses it.
 */
export function besideAddresses(settings: Dhcp6Settings, ulid: Ulid, wall: number): IaAddress[] {
  return besideIn(settings, ulid).flatMap(({ outside, deprecated, until }) => {
    const left = until - wall;
    if (left < 1000) return [];
    const preferred = deprecated ? 0 : toSeconds(Math.min(settings.preferred, left));
    const valid = toSeconds(Math.min(settings.valid, left));
    return [{ kind: "ia-address", address: withPrefix(outside, ulid), preferred, valid, options: [] }];
  });
}

/** Whether `address` is one that goes with `ulid`. */
export function isBeside(settings: Dhcp6Settings, ulid: Ulid, address: Address): boolean {
  return besideIn(settings, ulid).some(({ outside }) => withPrefix(outside, ulid) === address);
}

/** Prefixes that addresses beside those of `prefixes` begin with. */
export function besideOn(beside: readonly BesidePrefix[], prefixes: readonly Prefix[]): Prefix[] {
  return beside.flatMap(({ lan, outside }) =>
    prefixes.flatMap((prefix) => {
      if (contains(prefix, lan.base) && prefix.length <= lan.length) return [outside];
      return contains(lan, prefix.base) ? [{ base: withPrefix(outside, prefix.base), length: prefix.length }] : [];
    }),
  );
}

function besideIn({ beside = [] }: Dhcp6Settings, ulid: Ulid): BesidePrefix[] {
  return beside.filter(({ lan }) => contains(lan, ulid));
}
