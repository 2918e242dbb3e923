/** Who is meant by a name or an address, and what the box takes an address for: the first steps of an explanation. */
import type { ExplainQuestion } from "../api/facade.ts";
import { everyBeside } from "../config/legacy.ts";
import type { Site } from "../config/site.ts";
import { ulidBeside } from "../locator/beside.ts";
import type { Bindings } from "../locator/bindings.ts";
import { type Address, isMulticast, parseAddress, UNSPECIFIED } from "../value/address.ts";
import { contains, type Prefix, prefix } from "../value/prefix.ts";
import type { Millis } from "../value/time.ts";
import { type DnsName, RCODE_NXDOMAIN } from "../wire/dns.ts";
import { canonicalName, parseName } from "../wire/dns-name.ts";
import type { Hosts } from "./hosts.ts";
import type { Looked } from "./names-look.ts";

/**
 * What an address is to the box: `own` = a host of the site, `own-routable` = one that the internet reaches at it, `own-beside` = one at
 * its address of a provider, `peer` = a ULID of another site,
 * `bound` = a host elsewhere of which `bindings` says that it speaks Shim6, `locator` = one of the site's own locators, `internet` = anybody else
 * out there, `unusable` = nobody can be reached at it, `stranger` = none of the site's and none of the internet's.
 */
export type EndKind =
  | "own"
  | "own-routable"
  | "own-beside"
  | "peer"
  | "bound"
  | "locator"
  | "internet"
  | "unusable"
  | "stranger"
  | "unknown";

/** One end of a flow. */
export interface FlowEnd {
  readonly asked: string;
  readonly name: string | undefined;
  readonly address: Address | undefined;
  readonly kind: EndKind;
}

/** A flow whose ends are known. */
export interface Flow extends Pick<ExplainQuestion, "protocol" | "port" | "class"> {
  readonly from: FlowEnd & { readonly address: Address };
  readonly to: FlowEnd & { readonly address: Address };
  readonly direction: "in" | "out";
}

/** How a name was found, as the operator is told; absent where none was asked. */
export interface NameNews {
  readonly ok: boolean;
  readonly what: string;
  readonly why: string;
}

/** What finding ends works with. */
export interface EndParts {
  readonly site: () => Site;
  readonly hosts: Pick<Hosts, "present">;
  readonly bindings: Pick<Bindings, "list">;
  /** What hosts are told of a name; `undefined` = nobody answers names here, or not in time. */
  readonly look: (name: DnsName) => Promise<Looked | "nobody" | "late">;
  readonly now: () => Millis;
}

/** 2000::/3, and what stands for the IPv4 internet behind somebody's NAT64 (RFC 6052, RFC 8215). */
const GLOBAL = ["2000::/3", "64:ff9b::/96", "64:ff9b:1::/48"].map(prefix);
const LINK_LOCAL = prefix("fe80::/10");
const MAPPED = prefix("::ffff:0:0/96");

/** What `address` is to a box with these settings. */
export function kindOf(site: Pick<Site, "ulid" | "lan" | "legacy" | "providers" | "bindings">, address: Address): EndKind {
  const { ulid, providers, bindings } = site;
  const isIn = (prefixes: readonly Prefix[]): boolean => prefixes.some((each) => contains(each, address));
  if (isMulticast(address) || address === UNSPECIFIED || address === "::1" || isIn([LINK_LOCAL, MAPPED])) return "unusable";
  if (contains(ulid.prefix, address)) return "own";
  if (isIn(ulid.routable)) return "own-routable";
  if (isIn(everyBeside(site).map(({ outside }) => outside))) return "own-beside";
  if (isIn(providers.map((provider) => provider.prefix))) return "locator";
  if (contains(ulid.generic, address)) return "peer";
  if (bindings.some((binding) => binding.ulid === address)) return "bound";
  return isIn(GLOBAL) ? "internet" : "stranger";
}

/** Finds the ends of a flow. */
export class Ends {
  readonly #parts: EndParts;

  constructor(parts: EndParts) {
    this.#parts = parts;
  }

  /** The end that `asked`, an address or a name, is meant for. `resolves` = a name that is no host's is asked for in the DNS. */
  async find(asked: string, resolves: boolean): Promise<{ readonly end: FlowEnd; readonly news: NameNews | undefined }> {
    const given = parseAddress(asked);
    if (given !== undefined) return { end: this.#end(asked, this.#nameOf(given), given), news: undefined };
    const name = asked.toLowerCase().replace(/\.$/, "");
    const host = this.#host(name);
    if (host !== undefined) {
      const news = { ok: true, what: `${asked} is ${host.ulid}`, why: "a host of this site has that name" };
      return { end: this.#end(asked, host.name, host.ulid), news };
    }
    const domain = parseName(name);
    if (!resolves || domain === undefined || domain === "") {
      const why = resolves ? "it is neither an address nor a domain name" : "a host of this site is meant, or an address";
      return this.#nobody(asked, `no host of this site is called ${asked}`, why);
    }
    return this.#resolve(asked, canonicalName(domain));
  }

  async #resolve(asked: string, domain: DnsName): Promise<{ readonly end: FlowEnd; readonly news: NameNews }> {
    const looked = await this.#parts.look(domain);
    if (looked === "nobody" || looked === "late") {
      const known = this.#bound(domain);
      const silent = looked === "late" ? "no resolver has answered in time" : "this box answers no names (dns is not set)";
      if (known === undefined) return this.#nobody(asked, `nobody here knows ${asked}`, silent);
      const news = { ok: true, what: `${asked} is ${known}`, why: `${silent}; it was found under that name before` };
      return { end: this.#end(asked, domain, known), news };
    }
    const [first] = looked.addresses;
    const by = { zone: "the site's own zone says so", memory: "the DNS gateway knows it", resolver: "the DNS gateway asked a resolver" }[
      looked.by
    ];
    if (first !== undefined) {
      const others = looked.addresses.length > 1 ? `, the first of ${looked.addresses.length} addresses` : "";
      return { end: this.#end(asked, domain, first), news: { ok: true, what: `hosts are told ${first}${others}`, why: by } };
    }
    if (looked.filtered)
      return this.#nobody(asked, `${asked} has addresses that hosts could not use`, "legacy.names keeps them from hosts");
    if (looked.rcode === RCODE_NXDOMAIN) return this.#nobody(asked, `there is no name ${asked}`, by);
    const isFailure = looked.rcode !== 0;
    return this.#nobody(
      asked,
      isFailure ? `${asked} could not be looked up` : `${asked} has no address`,
      isFailure ? `RCODE ${looked.rcode}` : by,
    );
  }

  #nobody(asked: string, what: string, why: string): { readonly end: FlowEnd; readonly news: NameNews } {
    return { end: { asked, name: undefined, address: undefined, kind: "unknown" }, news: { ok: false, what, why } };
  }

  #end(asked: string, name: string | undefined, address: Address): FlowEnd {
    return { asked, name, address, kind: kindOf(this.#parts.site(), address) };
  }

  /** By its label, or by its name in the site's zone. */
  #host(name: string): { readonly name: string | undefined; readonly ulid: Address } | undefined {
    const zone = this.#parts.site().zone?.name;
    const label = zone !== undefined && name.endsWith(`.${zone}`) ? name.slice(0, -zone.length - 1) : name;
    for (const host of this.#parts.hosts.present()) if (host.name?.toLowerCase() === label) return host;
    return undefined;
  }

  #nameOf(address: Address): string | undefined {
    const ulid = ulidBeside(everyBeside(this.#parts.site()), address) ?? address;
    for (const host of this.#parts.hosts.present()) if (host.ulid === ulid) return host.name;
    for (const binding of this.#parts.bindings.list(this.#parts.now()))
      if (binding.ulid === address && binding.names.length > 0) return binding.names[0];
    return undefined;
  }

  #bound(name: string): Address | undefined {
    for (const binding of this.#parts.bindings.list(this.#parts.now())) if (binding.names.includes(name)) return binding.ulid;
    return undefined;
  }
}
