/** The boxes' settings: `site.yaml` of both sites, as an operator would write them. */
import { type Address, addressOctets } from "../value/address.ts";
import { hex } from "../value/bytes.ts";
import { type Prefix, showPrefix, withPrefix } from "../value/prefix.ts";
import { GENERIC, type Site } from "./world.ts";

/** Soon after the stream ends its contexts are to be gone; in life one would wait ten minutes. */
export const CONTEXT_IDLE = "3s";

/** A host with the ULID that its box made for it. */
export interface Settled {
  readonly site: Site;
  readonly ulid: Address;
}

/** Everything of one site. */
export function stateDirectory(directory: string, site: Site): string {
  return `${directory}/${site.name}`;
}

/** Where its box answers. */
export function controlSocket(directory: string, site: Site): string {
  return `${stateDirectory(directory, site)}/control.sock`;
}

/** Its settings. */
export function siteFile(directory: string, site: Site): string {
  return `${stateDirectory(directory, site)}/site.yaml`;
}

/** Where a host can be reached: its ULID under each prefix of its providers, best provider first. */
export function locatorsOf(host: Settled): Address[] {
  return [...host.site.providers].sort((a, b) => a.priority - b.priority).map((provider) => withPrefix(provider.prefix, host.ulid));
}

/**
 * @param directory the lab's
 * @param others hosts of other sites, for `bindings`
 */
export function siteYaml(site: Site, directory: string, own: readonly Settled[], others: readonly Settled[]): string {
  const providers = site.providers.map(
    ({ name, prefix, interface: device, gateway, priority }) =>
      `  - { name: ${name}, prefix: "${showPrefix(prefix)}", interface: ${device}, gateway: "${gateway}", priority: ${priority} }`,
  );
  const hosts = own.map(({ ulid, site: { host } }) => `  - { name: ${host}, ulid: "${ulid}" }`);
  const bindings = others.map((host) => {
    const locators = locatorsOf(host).map((locator) => `"${locator}"`);
    return `  - { ulid: "${host.ulid}", locators: [${locators.join(", ")}] }`;
  });
  const lines = [
    `site: ${site.name}`,
    `ulid: { prefix: "${showPrefix(site.ulid)}", generic: "${showPrefix(GENERIC)}" }`,
    `lan: { interface: lan, subnets: ["${showPrefix(site.subnet)}"] }`,
    "providers:",
    ...providers,
    ...(hosts.length === 0 ? [] : ["hosts:", ...hosts]),
    ...(bindings.length === 0 ? [] : ["bindings:", ...bindings]),
    "reap: { profile: fast }",
    `contexts: { idle: ${CONTEXT_IDLE} }`,
    `state: ${stateDirectory(directory, site)}/state`,
    `control: ${controlSocket(directory, site)}`,
  ];
  return `${lines.join("\n")}\n`;
}

/** The zone with the names of a site's hosts. */
export function zoneOf({ name }: Site): string {
  return `${name}.example`;
}

/** The name under which the world finds the site's host. */
export function hostName(site: Site): string {
  return `${site.host}.${zoneOf(site)}`;
}

/** DUID of the site's host (RFC 6355): a UUID that spells its name. Hexadecimal. */
export function hostDuid({ host }: Site): string {
  const spelt = [...host].map((letter) => letter.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  return `0004${spelt.padStart(32, "0")}`;
}

/**
 * Settings of a site that knows nobody: hosts get their ULIDs by DHCPv6, names are published by the box itself, and the other site's names are
 * asked for at its box.
 */
export function namedSiteYaml(site: Site, directory: string, other: Site): string {
  const own = site.providers.map(({ address }) => `"${address}"`);
  const domains = `[${zoneOf(other)}, ${reverseZone(other.ulid)}]`;
  const upstreams = other.providers.map(({ address }) => `{ server: "${address}", domains: ${domains} }`);
  return [
    siteYaml(site, directory, [], []).trimEnd().replace("lan: { interface: lan,", "lan: { interface: lan, advertise: true,"),
    `dhcp: { reservations: [{ name: ${site.host}, duid: "${hostDuid(site)}" }] }`,
    `dns: { listen: ["${site.lanAddress}"], upstreams: [${upstreams.join(", ")}] }`,
    `zone: { name: ${zoneOf(site)}, ttl: 5, listen: [${own.join(", ")}] }`,
    "",
  ].join("\n");
}

/** Zone of the reverse tree for a prefix whose length is a multiple of four. */
function reverseZone({ base, length }: Prefix): string {
  const digits = hex(addressOctets(base)).slice(0, length / 4);
  return `${[...digits].reverse().join(".")}.ip6.arpa`;
}
