/** On which link a client is (RFC 8415 §13.1), and which addresses belong there. */
import { type Address, addressAt, addressOctets, isMulticast, UNSPECIFIED } from "../value/address.ts";
import { contains, type Prefix } from "../value/prefix.ts";
import { besideOn } from "./beside.ts";
import type { BesidePrefix } from "./contract.ts";
import type { RelayLayer } from "./relay.ts";

/** A link. */
export interface Link {
  /** The /64 that new addresses come from. */
  readonly subnet: Prefix;
  /** What addresses on the link begin with. */
  readonly prefixes: readonly Prefix[];
}

/** Links behind relays that are remembered; making one anew costs little. */
const REMEMBERED = 1024;
const SUBNET_BITS = 64;

/** The /64 that `address` lies in. */
export function subnetOf(address: Address): Prefix {
  const octets = addressOctets(address);
  octets.fill(0, SUBNET_BITS / 8);
  return { base: addressAt(octets), length: SUBNET_BITS };
}

/** Whether an address may be used on the link. */
export function isOnLink(link: Link, address: Address): boolean {
  return link.prefixes.some((prefix) => contains(prefix, address));
}

/** The links of a site. */
export class Links {
  readonly #subnets: readonly Prefix[];
  readonly #beside: readonly BesidePrefix[];
  readonly #own: Link | undefined;
  readonly #behind = new Map<Address, Link | undefined>();

  /** @param beside where addresses beside those of `subnets` lie */
  constructor(subnets: readonly Prefix[], beside: readonly BesidePrefix[] = []) {
    this.#subnets = subnets;
    this.#beside = beside;
    this.#own =
      subnets.length === 0
        ? undefined
        : { subnet: { base: subnets[0].base, length: SUBNET_BITS }, prefixes: [...subnets, ...besideOn(beside, subnets)] };
  }

  /** Of hosts that need no relay. */
  get own(): Link | undefined {
    return this.#own;
  }

  /**
   * The link that a message came from. The innermost link-address that says something counts; relays that know none of their own
   * leave zeros (RFC 6221), and then it is the link where the outermost relay is.
   * @returns `undefined` for a link that the site's subnets do not tell of
   */
  of(layers: readonly RelayLayer[], from: Address): Link | undefined {
    const said = layers.findLast(({ link }) => link !== UNSPECIFIED)?.link;
    if (said !== undefined) return this.#at(said);
    return isLinkLocal(from) ? this.#own : this.#at(from);
  }

  #at(address: Address): Link | undefined {
    if (this.#behind.has(address)) return this.#behind.get(address);
    const known = !isMulticast(address) && this.#subnets.some((subnet) => contains(subnet, address));
    const subnet = subnetOf(address);
    const link = known ? { subnet, prefixes: [subnet, ...besideOn(this.#beside, [subnet])] } : undefined;
    if (this.#behind.size >= REMEMBERED) this.#behind.clear();
    this.#behind.set(address, link);
    return link;
  }
}

/** fe80::/10. */
export function isLinkLocal(address: Address): boolean {
  return /^fe[89ab][0-9a-f]:/.test(address);
}
