/** site.yaml from text to {@link Site}: syntax, schema, then everything that concerns several settings at once. */
import { z } from "zod";
import { address } from "../value/address.ts";
import { DNS_PORT } from "../wire/dns.ts";
import { crossCheck } from "./cross.ts";
import { completeEstablish } from "./establish-schema.ts";
import type { Fault } from "./fault.ts";
import { completeFirewall } from "./firewall-schema.ts";
import { describeIssue } from "./issues.ts";
import { dig, type Path, showPath } from "./path.ts";
import { completeRule } from "./policy-schema.ts";
import { type ParsedSite, siteSchema } from "./schema.ts";
import type { DhcpSettings, Site } from "./site.ts";
import { readSource } from "./source.ts";
import { AUTO, type ToldPrefixes, withTold } from "./told.ts";

export type SiteReading =
  | { readonly site: Site /** What is allowed but probably not meant. */; readonly warnings: readonly Fault[] }
  | { readonly faults: readonly Fault[] };

/**
 * Reads the text of a site.yaml; `told` are the prefixes of providers that have `auto` there. All mistakes are found in one go, in the order of the file; `file` is its name, for
 * messages about the file as a whole. Never throws, whatever the text.
 */
export function readSite(text: string, file: string, told: ToldPrefixes = new Map()): SiteReading {
  const source = readSource(text);
  if (source.broken) return { faults: inOrder(source.faults) };
  if (source.value === null || source.value === undefined) {
    return { faults: [{ line: 1, column: 1, path: "", message: `${file} holds no settings`, hint: "an example is in docs/site.yaml.md" }] };
  }
  const faults = [...source.faults];
  const { root, autos } = withTold(withoutEmpty(source.value), told);
  const parsed = siteSchema.safeParse(root);
  const around = { keysAt: knownKeys, valueAt: (path: Path) => dig(root, path) };
  for (const issue of parsed.error?.issues ?? []) {
    for (const complaint of describeIssue(issue, around)) {
      const message = complaint.path.length === 0 && complaint.key === undefined ? `the file ${complaint.message}` : complaint.message;
      faults.push(source.fault(complaint.path, message, complaint.hint, complaint.key));
    }
  }
  const warnings: Fault[] = [];
  const findings = {
    fault: (path: Path, message: string, hint: string) => faults.push(source.fault(path, message, hint)),
    warning: (path: Path, message: string, hint: string) => warnings.push(source.fault(path, message, hint)),
    lineOf: (path: Path) => source.fault(path, "", "").line,
  };
  crossCheck(root, findings, autos);
  if (parsed.success && faults.length === 0) return { site: complete(parsed.data, autos), warnings: inOrder(warnings) };
  return { faults: inOrder(faults) };
}

/** A group or list whose entries are all commented out is null to YAML: the same as one that is not there. */
function withoutEmpty(root: unknown): unknown {
  if (typeof root !== "object" || root === null || Array.isArray(root)) return root;
  const known = new Set(knownKeys([]));
  return Object.fromEntries(Object.entries(root).filter(([key, value]) => value !== null || !known.has(key)));
}

/** Fills in the defaults that depend on other settings. */
function complete(parsed: ParsedSite, autos: ReadonlySet<string>): Site {
  const all = parsed.providers.map(({ prefix, ...rest }, place) => {
    const provider = { ...rest, auto: autos.has(rest.name), gateway: rest.gateway, table: rest.table };
    return prefix === AUTO ? { ...provider, prefix: undefined, place } : { ...provider, prefix };
  });
  return {
    ...parsed,
    providers: all.filter((provider) => provider.prefix !== undefined),
    awaited: all.filter((provider) => provider.prefix === undefined),
    state: parsed.state ?? `/var/lib/pshim6/${parsed.site}`,
    control: parsed.control ?? `/run/pshim6/${parsed.site}.sock`,
    api: parsed.api,
    dns: parsed.dns && { ...parsed.dns, upstreams: parsed.dns.upstreams.map(({ server, domains }) => ({ ...server, domains })) },
    dhcp: parsed.dhcp && completeDhcp(parsed.dhcp, parsed),
    establish: completeEstablish(parsed.establish),
    policy: parsed.policy.map(completeRule),
    firewall: parsed.firewall && completeFirewall(parsed.firewall),
    admission: parsed.admission.map(({ peers, hosts, locators, action }) => ({ peers, hosts, locators, admitted: action === "accept" })),
    zone: parsed.zone && {
      ...parsed.zone,
      servers: parsed.zone.servers ?? [`ns.${parsed.zone.name}`],
      contact: parsed.zone.contact ?? `hostmaster.${parsed.zone.name}`,
      update: parsed.zone.update && { ...parsed.zone.update.server, key: parsed.zone.update.key },
    },
  };
}

function completeDhcp(dhcp: NonNullable<ParsedSite["dhcp"]>, { dns, zone }: ParsedSite): DhcpSettings {
  return {
    ...dhcp,
    dns: dhcp.dns ?? (dns?.listen ?? []).filter(({ port }) => port === DNS_PORT).map(({ host }) => address(host)),
    search: dhcp.search ?? (zone === undefined ? [] : [zone.name]),
    reservations: dhcp.reservations.map(({ name, duid, mac, relay, ulid }) => ({ name, duid, mac, relay, ulid })),
  };
}

function inOrder(faults: readonly Fault[]): Fault[] {
  const unique = new Map(faults.map((fault) => [`${fault.line}:${fault.column}:${fault.path}:${fault.message}`, fault]));
  return [...unique.values()].sort((a, b) => a.line - b.line || a.column - b.column);
}

const keys = collectKeys(z.toJSONSchema(siteSchema, { io: "input", unrepresentable: "any" }), [], new Map<string, string[]>());

function knownKeys(path: Path): readonly string[] {
  return keys.get(showPath(path.map((step) => (typeof step === "number" ? 0 : step)))) ?? [];
}

function collectKeys(schema: unknown, path: Path, into: Map<string, string[]>): Map<string, string[]> {
  const properties = dig(schema, ["properties"]);
  if (typeof properties === "object" && properties !== null) {
    into.set(showPath(path), Object.keys(properties));
    for (const [name, inner] of Object.entries(properties)) collectKeys(inner, [...path, name], into);
  }
  const items = dig(schema, ["items"]);
  if (items !== undefined) collectKeys(items, [...path, 0], into);
  return into;
}
