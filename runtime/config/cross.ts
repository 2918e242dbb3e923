/**
 * Checks of settings against one another. They work on the raw values and read for themselves what they need, so that
 * a mistake in one place does not hide those in others; a value that is wrong by itself is left out here.
 */
import type { Address } from "../value/address.ts";
import { contains, covers, type Prefix, showPrefix } from "../value/prefix.ts";
import { checkFirewall } from "./cross-firewall.ts";
import { checkLegacy } from "./cross-legacy.ts";
import { checkNames } from "./cross-names.ts";
import { checkPolicy } from "./cross-policy.ts";
import { checkRoutable } from "./cross-routable.ts";
import { checkTunnels } from "./cross-tunnel.ts";
import { type At, at, entries, type Findings, overlap } from "./draft.ts";
import { addressField, durationField, endpointField, globalAddressField, interfaceField, nameField, prefixField, quote } from "./fields.ts";
import { dig, type Path } from "./path.ts";
import { OWN_TABLES, RECOMMENDED_IDLE } from "./site.ts";

/** The parts of the file that could be read one by one. */
interface Draft {
  readonly ulid: At<Prefix> | undefined;
  readonly generic: At<Prefix> | undefined;
  readonly lan: At<string> | undefined;
  readonly tun: At<string> | undefined;
  /** Own prefixes that the internet routes to hosts as they are. */
  readonly routable: readonly At<Prefix>[];
  readonly subnets: readonly At<Prefix>[];
  readonly providers: readonly DraftProvider[];
}

interface DraftProvider {
  readonly path: Path;
  readonly label: string;
  readonly name: At<string> | undefined;
  readonly prefix: At<Prefix> | undefined;
  /** Its prefix is told, and may be another one tomorrow. */
  readonly auto: boolean;
  readonly interface: At<string> | undefined;
  readonly gateway: At<Address> | undefined;
  readonly table: At<number> | undefined;
}

/** Everything that is wrong with `root`, the parsed but unchecked content of a site.yaml, between settings; `autos` = providers whose prefix was told. */
export function crossCheck(root: unknown, findings: Findings, autos: ReadonlySet<string> = new Set()): void {
  const draft = readDraft(root, autos);
  checkUlid(draft, findings);
  checkSubnets(draft, findings);
  checkProviders(draft, findings);
  checkRoom(draft, findings);
  checkRoutable(root, draft, findings);
  checkLegacy(root, draft, findings);
  checkTunnels(root, draft, findings);
  checkInterfaces(draft, findings);
  checkHosts(root, draft, findings);
  checkBindings(root, draft, findings);
  checkBounds(root, findings);
  checkNames(root, draft, findings);
  const names = draft.providers.flatMap(({ name }) => name?.value ?? []);
  checkPolicy(root, { ...draft, providers: names }, findings);
  checkFirewall(root, draft, findings);
  checkWarnings(root, draft, findings);
}

/** The longest prefix that leaves a host its 64-bit interface identifier (RFC 4291 §2.5.1). */
const LONGEST = 64;

function checkUlid({ ulid, generic }: Draft, { fault }: Findings): void {
  if (ulid !== undefined && ulid.value.length > LONGEST) {
    fault(ulid.path, `is longer than ${LONGEST} bits: ${showPrefix(ulid.value)}`, "a site has at least one /64");
  }
  if (ulid === undefined || generic === undefined) return;
  if (!covers(generic.value, ulid.value)) {
    fault(ulid.path, `lies outside ulid.generic, ${showPrefix(generic.value)}`, "identifiers of all sites come from one block");
  } else if (ulid.value.length === generic.value.length) {
    fault(ulid.path, `is all of ulid.generic, ${showPrefix(generic.value)}`, "other sites need room too: make generic shorter");
  }
}

function checkSubnets({ ulid, routable, subnets }: Draft, { fault }: Findings): void {
  for (const [index, subnet] of subnets.entries()) {
    const shown = showPrefix(subnet.value);
    if (subnet.value.length > LONGEST) fault(subnet.path, `is longer than ${LONGEST} bits: ${shown}`, "hosts need a /64");
    if (ulid !== undefined && ![ulid, ...routable].some((own) => covers(own.value, subnet.value))) {
      fault(
        subnet.path,
        `lies outside ulid.prefix, ${showPrefix(ulid.value)}: ${shown}`,
        "hosts have addresses out of the site's own block, or out of a provider's that ulid.routable names",
      );
    }
    const other = subnets.slice(0, index).find((earlier) => overlap(earlier.value, subnet.value));
    if (other !== undefined) fault(subnet.path, `overlaps ${showPrefix(other.value)}: ${shown}`, "leave one of them");
  }
}

function checkProviders({ generic, providers }: Draft, { fault }: Findings): void {
  const names = new Map<string, At<string>>();
  const tables = new Map<number, string>();
  for (const [index, provider] of providers.entries()) {
    const { name, prefix, gateway, table } = provider;
    if (name !== undefined && names.has(name.value))
      fault(name.path, `is taken already: ${quote(name.value)}`, "give each provider a name of its own");
    else if (name !== undefined) names.set(name.value, name);
    if (prefix !== undefined) checkProviderPrefix(provider, prefix, providers.slice(0, index), generic, fault);
    if (gateway !== undefined && generic !== undefined && contains(generic.value, gateway.value)) {
      fault(
        gateway.path,
        `lies in ulid.generic, ${showPrefix(generic.value)}: ${gateway.value}`,
        "give the address of the provider's router",
      );
    }
    if (table === undefined) continue;
    const owner = tables.get(table.value);
    if (SYSTEM_TABLES.has(table.value))
      fault(table.path, `is a table of the system: ${table.value}`, "take another number, or leave it out");
    else if (table.value >= OWN_TABLES.first && table.value <= OWN_TABLES.last) {
      fault(
        table.path,
        `is a table that the box numbers itself: ${table.value}`,
        `take one outside ${OWN_TABLES.first} to ${OWN_TABLES.last}, or leave it out`,
      );
    } else if (owner !== undefined)
      fault(table.path, `is the table of ${owner} already: ${table.value}`, "give each provider a table of its own");
    else tables.set(table.value, provider.label);
  }
}

/** unspec, default, main, local. */
const SYSTEM_TABLES: ReadonlySet<number> = new Set([0, 253, 254, 255]);

function checkProviderPrefix(
  provider: DraftProvider,
  { path, value }: At<Prefix>,
  earlier: readonly DraftProvider[],
  generic: At<Prefix> | undefined,
  fault: Findings["fault"],
): void {
  const shown = showPrefix(value);
  if (value.length > LONGEST) fault(path, `is longer than ${LONGEST} bits: ${shown}`, "hosts need 64 bits behind it");
  if (generic !== undefined && overlap(generic.value, value)) {
    fault(path, `overlaps ulid.generic, ${showPrefix(generic.value)}: ${shown}`, "locators are addresses that the internet routes");
  }
  for (const other of earlier) {
    if (other.prefix === undefined || !overlap(other.prefix.value, value)) continue;
    if (showPrefix(other.prefix.value) !== shown) {
      fault(
        path,
        `overlaps the prefix of ${other.label}, ${showPrefix(other.prefix.value)}: ${shown}`,
        "the source address must tell the provider",
      );
    } else if (provider.interface !== undefined && provider.interface.value === other.interface?.value) {
      fault(
        path,
        `and interface are those of ${other.label} already: ${shown} on ${provider.interface.value}`,
        "leave one of the two entries",
      );
    } else {
      fault(path, `is the prefix of ${other.label} already: ${shown}`, "the source address must tell the provider");
    }
  }
}

/** A locator is the provider's prefix and the ULID's bits behind it: what a ULID has in front of those must be the same in all ULIDs. */
function checkRoom({ ulid, routable, subnets, providers }: Draft, { fault }: Findings): void {
  for (const { prefix } of providers) {
    if (prefix === undefined || prefix.value.length > LONGEST) continue;
    const { length } = prefix.value;
    for (const [own, name] of [...(ulid === undefined ? [] : [[ulid.value, "ulid.prefix"] as const]), ...routable.map(namedRoutable)]) {
      const lost = subnets.find(
        ({ value }) =>
          value.length <= LONGEST &&
          covers(own, value) &&
          length > own.length &&
          (length > value.length || !contains({ base: own.base, length }, value.base)),
      );
      if (lost === undefined) continue;
      fault(
        prefix.path,
        `leaves no room for LAN subnet ${showPrefix(lost.value)}: its bits ${own.length + 1} to ${Math.min(length, lost.value.length)} would be lost in locators`,
        `ask the provider for a /${own.length}, or use subnets whose bits up to ${length} are those of ${name}`,
      );
    }
  }
}

function namedRoutable({ value }: At<Prefix>): readonly [Prefix, string] {
  return [value, showPrefix(value)];
}

function checkInterfaces({ lan, tun, providers }: Draft, { fault, warning }: Findings): void {
  for (const other of [lan, ...providers.map((provider) => provider.interface)]) {
    if (other !== undefined && other.value === (tun?.value ?? "pshim0")) {
      fault(
        other.path,
        `is the name of the TUN device: ${other.value}`,
        "packets would come back to the box for ever; name the real interface",
      );
    }
  }
  for (const { interface: line } of providers) {
    if (line !== undefined && line.value === lan?.value) {
      warning(line.path, `is the LAN's interface too: ${line.value}`, "hosts and provider on one link can get around the box");
    }
  }
}

function checkHosts(root: unknown, { ulid, routable, subnets }: Draft, { fault }: Findings): void {
  const names = new Set<string>();
  const ulids = new Map<Address, string>();
  for (const path of entries(root, ["hosts"])) {
    const name = at(root, [...path, "name"], nameField);
    const host = at(root, [...path, "ulid"], globalAddressField);
    if (name !== undefined && names.has(name.value))
      fault(name.path, `is taken already: ${quote(name.value)}`, "give each host a name of its own");
    if (name !== undefined) names.add(name.value);
    if (host === undefined) continue;
    const owner = ulids.get(host.value);
    if (owner !== undefined) fault(host.path, `is the identifier of ${owner} already: ${host.value}`, "give each host one of its own");
    ulids.set(host.value, name?.value ?? "another host");
    if (ulid !== undefined && ![ulid, ...routable].some((own) => contains(own.value, host.value))) {
      fault(host.path, `lies outside ulid.prefix, ${showPrefix(ulid.value)}: ${host.value}`, "hosts at other sites belong under bindings");
    } else if (subnets.length > 0 && !subnets.some((subnet) => contains(subnet.value, host.value))) {
      fault(host.path, `lies in no LAN subnet: ${host.value}`, "add its subnet to lan.subnets");
    }
  }
}

/** A host that speaks Shim6 itself: its ULID is one of its locators (P-Shim6 draft §8). */
function isHost(root: unknown, path: Path, ulid: Address): boolean {
  return entries(root, [...path, "locators"]).some((place) => at(root, place, globalAddressField)?.value === ulid);
}

function checkBindings(root: unknown, { ulid, generic, providers }: Draft, { fault, warning }: Findings): void {
  const ulids = new Set<Address>();
  const owners = new Map<Address, Address>();
  for (const path of entries(root, ["bindings"])) {
    const peer = at(root, [...path, "ulid"], globalAddressField);
    if (peer !== undefined) {
      if (ulids.has(peer.value)) fault(peer.path, `is bound already: ${peer.value}`, "put all its locators into one entry");
      ulids.add(peer.value);
      if (ulid !== undefined && contains(ulid.value, peer.value)) {
        fault(
          peer.path,
          `lies inside the site's own prefix, ${showPrefix(ulid.value)}: ${peer.value}`,
          "bindings are for hosts at other sites",
        );
      } else if (generic !== undefined && !contains(generic.value, peer.value) && !isHost(root, path, peer.value)) {
        fault(
          peer.path,
          `lies outside ulid.generic, ${showPrefix(generic.value)}: ${peer.value}`,
          "packets to it would never come to the box; only a host with Shim6 of its own has such a ULID, which is then one of its locators",
        );
      }
    }
    const seen = new Set<Address>();
    for (const place of entries(root, [...path, "locators"])) {
      const locator = at(root, place, globalAddressField);
      if (locator === undefined) continue;
      const { value } = locator;
      if (seen.has(value)) fault(place, `is in the list already: ${value}`, "leave one of them");
      seen.add(value);
      if (generic !== undefined && contains(generic.value, value)) {
        fault(place, `lies in ulid.generic, ${showPrefix(generic.value)}: ${value}`, "a locator is an address that the internet routes");
      }
      const provider = providers.find((one) => one.prefix !== undefined && contains(one.prefix.value, value));
      if (provider !== undefined) fault(place, `lies in the prefix of ${provider.label}: ${value}`, "that is an address of this site");
      const owner = owners.get(value);
      if (owner !== undefined && owner !== peer?.value)
        warning(place, `is a locator of ${owner} too: ${value}`, "two identifiers at one address are seldom meant");
      if (peer !== undefined) owners.set(value, peer.value);
    }
  }
}

function checkBounds(root: unknown, { fault }: Findings): void {
  const octets = dig(root, ["hold", "octets"]);
  const total = dig(root, ["hold", "total"]);
  if (typeof octets === "number" && typeof total === "number" && total < octets) {
    fault(["hold", "total"], `is less than hold.octets: ${total} < ${octets}`, "the sum of all contexts is no less than one of them");
  }
}

function checkWarnings(root: unknown, { providers }: Draft, { warning }: Findings): void {
  if (providers.length === 1) warning(["providers"], "has a single entry", "without a second provider there is nothing to fail over to");
  const idle = at(root, ["contexts", "idle"], durationField);
  if (idle !== undefined && idle.value < RECOMMENDED_IDLE) {
    warning(idle.path, "is below the 300s that RFC 5533 recommends", "contexts will be set up again more often");
  }
  const listen = at(root, ["api", "listen"], endpointField);
  if (listen !== undefined && listen.value.host !== "::1" && !listen.value.host.startsWith("127.")) {
    warning(listen.path, "can be reached from other machines", 'use "[::1]:8686" unless something in front of it guards it');
  }
}

function readDraft(root: unknown, autos: ReadonlySet<string>): Draft {
  const generic = dig(root, ["ulid", "generic"]) === undefined ? prefixField.safeParse("fc00::/7").data : undefined;
  return {
    ulid: at(root, ["ulid", "prefix"], prefixField),
    generic: at(root, ["ulid", "generic"], prefixField) ?? (generic && { value: generic, path: ["ulid"] }),
    lan: at(root, ["lan", "interface"], interfaceField),
    tun: at(root, ["tun", "name"], interfaceField),
    routable: entries(root, ["ulid", "routable"]).flatMap((path) => at(root, path, prefixField) ?? []),
    subnets: entries(root, ["lan", "subnets"]).flatMap((path) => at(root, path, prefixField) ?? []),
    providers: entries(root, ["providers"]).map((path): DraftProvider => {
      const name = at(root, [...path, "name"], nameField);
      const table = dig(root, [...path, "table"]);
      return {
        path,
        label: name?.value ?? `the provider at ${Number(path[1]) + 1}`,
        name,
        prefix: at(root, [...path, "prefix"], prefixField),
        auto: name !== undefined && autos.has(name.value),
        interface: at(root, [...path, "interface"], interfaceField),
        gateway: at(root, [...path, "gateway"], addressField),
        table: typeof table === "number" ? { value: table, path: [...path, "table"] } : undefined,
      };
    }),
  };
}
