/** Checks of `dns`, `dhcp` and `zone` against one another and against the rest; see {@link ./cross.ts}. */
import type { Prefix } from "../value/prefix.ts";
import { contains } from "../value/prefix.ts";
import { at, entries, type Findings } from "./draft.ts";
import { dnsEndpointField, domainField, duidField, durationField, globalAddressField, macField, nameField, quote } from "./fields.ts";
import { dig, type Path } from "./path.ts";
import type { Endpoint } from "./site.ts";

/** What these checks need of the site. */
export interface NameDraft {
  readonly subnets: readonly { readonly value: Prefix }[];
}

/** Everything that is wrong between names and addresses. */
export function checkNames(root: unknown, draft: NameDraft, findings: Findings): void {
  checkEndpoints(root, findings);
  checkUpstreams(root, findings);
  checkLifetimes(root, findings);
  checkReservations(root, draft, findings);
  checkZone(root, findings);
}

/** Gateway, authority and resolvers are different servers: what hosts ask is rewritten, what the world asks is not. */
function checkEndpoints(root: unknown, { fault }: Findings): void {
  const owners = new Map<string, string>();
  for (const [list, label] of [
    [["dns", "listen"], "dns.listen"],
    [["zone", "listen"], "zone.listen"],
  ] as const) {
    for (const path of entries(root, list)) {
      const endpoint = at(root, path, dnsEndpointField);
      if (endpoint === undefined) continue;
      const shown = showEndpoint(endpoint.value);
      const owner = owners.get(shown);
      if (owner !== undefined)
        fault(
          path,
          `is in ${owner} already: ${shown}`,
          owner === label ? "leave one of them" : "hosts and the world are answered differently: take another address or port",
        );
      owners.set(shown, label);
    }
  }
  for (const path of [...entries(root, ["dns", "upstreams"]).map((entry): Path => [...entry, "server"]), ["zone", "update", "server"]]) {
    const endpoint = at(root, path, dnsEndpointField);
    const owner = endpoint && owners.get(showEndpoint(endpoint.value));
    if (endpoint !== undefined && owner === "dns.listen")
      fault(path, `is this box itself: ${showEndpoint(endpoint.value)}`, "the gateway would ask itself for ever; name another server");
  }
}

function checkUpstreams(root: unknown, { warning, fault }: Findings): void {
  const upstreams = entries(root, ["dns", "upstreams"]);
  const seen = new Set<string>();
  for (const path of upstreams) {
    const endpoint = at(root, [...path, "server"], dnsEndpointField);
    if (endpoint === undefined) continue;
    const domains = entries(root, [...path, "domains"]).flatMap((place) => at(root, place, domainField)?.value ?? []);
    const key = `${showEndpoint(endpoint.value)} ${[...domains].sort().join(" ")}`;
    if (seen.has(key)) fault(endpoint.path, `is in the list already: ${showEndpoint(endpoint.value)}`, "leave one of them");
    seen.add(key);
  }
  const proof = dig(root, ["dns", "proof"]);
  if ((proof === "dns" || proof === "both") && dig(root, ["dns", "reverse"]) === false)
    fault(["dns", "proof"], `needs the reverse tree: ${proof}`, "set dns.reverse to true, or dns.proof to cga");
  const isLimited = (path: Path) => entries(root, [...path, "domains"]).length > 0;
  if (upstreams.length > 0 && upstreams.every(isLimited))
    warning(["dns", "upstreams"], "has no entry without domains", "names outside those domains will not be found");
}

function checkLifetimes(root: unknown, { fault, warning }: Findings): void {
  if (dig(root, ["dhcp"]) === undefined) return;
  const preferred = at(root, ["dhcp", "preferred"], durationField) ?? { value: 43_200_000, path: ["dhcp"] };
  const valid = at(root, ["dhcp", "valid"], durationField) ?? { value: 86_400_000, path: ["dhcp"] };
  if (preferred.value > valid.value)
    fault(preferred.path, "is longer than dhcp.valid", "an address cannot be preferred for longer than it is valid");
  if (dig(root, ["dns"]) === undefined && dig(root, ["dhcp", "dns"]) === undefined)
    warning(["dhcp"], "names no DNS server", "add dns, or dhcp.dns: hosts would have addresses and no names");
  if (dig(root, ["dhcp", "sec"]) === 2)
    warning(["dhcp", "sec"], "makes each address cost hours", "addresses are not ready when hosts ask for them; 0 and 1 are practical");
}

function checkReservations(root: unknown, { subnets }: NameDraft, { fault }: Findings): void {
  const hosts = new Map(
    entries(root, ["hosts"]).flatMap((path) => {
      const name = at(root, [...path, "name"], nameField);
      return name === undefined ? [] : [[name.value, at(root, [...path, "ulid"], globalAddressField)?.value]];
    }),
  );
  const names = new Set<string>();
  const keys = new Map<string, string>();
  for (const path of entries(root, ["dhcp", "reservations"])) {
    const name = at(root, [...path, "name"], nameField);
    const ulid = at(root, [...path, "ulid"], globalAddressField);
    if (name !== undefined && names.has(name.value))
      fault(name.path, `is taken already: ${quote(name.value)}`, "give each host a name of its own");
    if (name !== undefined) names.add(name.value);
    if (name !== undefined && hosts.has(name.value) && hosts.get(name.value) !== ulid?.value)
      fault(name.path, `is a host with another address already: ${quote(name.value)}`, "give the same ulid here, or another name");
    const shown = (["duid", "mac", "relay"] as const).flatMap((kind) => {
      const value = dig(root, [...path, kind]);
      if (typeof value !== "string") return [];
      const read = kind === "duid" ? duidField.safeParse(value) : kind === "mac" ? macField.safeParse(value) : { data: value };
      return [`${kind} ${read.data ?? value}`];
    });
    if (shown.length === 0) fault(path, "says not whose it is", "add duid, mac or relay");
    const key = shown.join(", ");
    const owner = keys.get(key);
    if (shown.length > 0 && owner !== undefined)
      fault(path, `matches the same hosts as that of ${owner}: ${key}`, "leave one of them, or add what tells them apart");
    keys.set(key, name?.value ?? "another entry");
    if (ulid !== undefined && subnets.length > 0 && !subnets.some(({ value }) => contains(value, ulid.value)))
      fault(ulid.path, `lies in no LAN subnet: ${ulid.value}`, "add its subnet to lan.subnets");
  }
}

function checkZone(root: unknown, { warning }: Findings): void {
  if (dig(root, ["zone", "update"]) !== undefined && dig(root, ["zone", "update", "key"]) === undefined)
    warning(["zone", "update"], "has no key", "whoever can forge an address can change the zone; add key");
}

function showEndpoint({ host, port }: Endpoint): string {
  return `[${host}]:${port}`;
}
