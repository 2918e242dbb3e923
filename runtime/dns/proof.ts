/** The DNS as proof of locators (draft §10): the reverse tree says which names a ULID has, these say which locators it has. */
import type { Locator, Ulid } from "../value/address.ts";
import type { DnsName } from "../wire/dns.ts";
import type { TimedLocator } from "./contract.ts";

/** What a name says. */
export interface Testimony {
  readonly name: DnsName;
  readonly ulids: readonly Ulid[];
  readonly locators: readonly TimedLocator[];
}

/** What is proved. */
export interface Agreement {
  /** Each once, with the latest of its ends. */
  readonly locators: readonly TimedLocator[];
  /** The names that speak of the ULID. */
  readonly names: readonly DnsName[];
}

/**
 * Locators of `ulid` that both trees agree on.
 *
 * Who holds the ULID's prefix alone says, in the reverse tree, which names are its own. Who holds a name alone says which ULID and which locators it has. A name
 * that the reverse tree gives but that does not itself have the ULID proves nothing: so two sites that claim the same ULID cannot both be believed.
 * @param reverse names that the PTR records of the ULID give
 * @param forward what was found at names; those that `reverse` does not have do not count
 */
export function agree(ulid: Ulid, reverse: readonly DnsName[], forward: readonly Testimony[]): Agreement {
  const believed = forward.filter(({ name, ulids }) => reverse.includes(name) && ulids.includes(ulid));
  const locators = new Map<Locator, TimedLocator>();
  for (const locator of believed.flatMap((each) => each.locators)) {
    const known = locators.get(locator.address);
    if (known === undefined || known.until < locator.until) locators.set(locator.address, locator);
  }
  return { locators: [...locators.values()], names: believed.map(({ name }) => name) };
}
