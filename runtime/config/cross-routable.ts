/** Checks of `ulid.routable` and `establish` against the rest; see {@link ./cross.ts}. */
import { covers, type Prefix, showPrefix } from "../value/prefix.ts";
import { type At, entries, type Findings, overlap } from "./draft.ts";
import { establishSchema } from "./establish-schema.ts";
import { dig } from "./path.ts";

/** What these checks need of the site. */
export interface RoutableDraft {
  readonly generic: At<Prefix> | undefined;
  readonly routable: readonly At<Prefix>[];
  readonly subnets: readonly At<Prefix>[];
  readonly providers: readonly { readonly prefix: At<Prefix> | undefined; readonly auto: boolean }[];
}

/** The longest prefix that leaves a host its 64-bit interface identifier (RFC 4291 §2.5.1). */
const LONGEST = 64;

/** Everything that is wrong about addresses that the internet routes to hosts, and about when they get contexts. */
export function checkRoutable(root: unknown, draft: RoutableDraft, findings: Findings): void {
  for (const [index, prefix] of draft.routable.entries()) checkPrefix(prefix, draft.routable.slice(0, index), draft, findings);
  for (const path of entries(root, ["establish", "ports"])) {
    const entry = establishSchema.shape.ports.unwrap().element.safeParse(dig(root, path)).data;
    if (entry === undefined) continue;
    const limits = [entry.packets, entry.octets, entry.seconds].filter((limit) => limit !== undefined);
    if (entry.when === undefined && !limits.some((limit) => limit > 0))
      findings.fault(path, "does not say when", "add packets, octets or seconds above 0, or when: now, or when: never");
    else if (entry.when !== undefined && limits.length > 0)
      findings.fault(path, `says ${entry.when}, and a number too`, "leave one of them");
  }
  if (dig(root, ["establish"]) !== undefined && draft.routable.length === 0)
    findings.warning(["establish"], "has nothing to decide", "without ulid.routable every first packet asks for a context at once");
}

function checkPrefix(
  { path, value }: At<Prefix>,
  earlier: readonly At<Prefix>[],
  { generic, subnets, providers }: RoutableDraft,
  { fault, warning }: Findings,
): void {
  const shown = showPrefix(value);
  if (value.length > LONGEST) fault(path, `is longer than ${LONGEST} bits: ${shown}`, "hosts need 64 bits behind it");
  if (generic !== undefined && overlap(generic.value, value))
    fault(path, `overlaps ulid.generic, ${showPrefix(generic.value)}: ${shown}`, "the internet does not route that block");
  const other = earlier.find((each) => overlap(each.value, value));
  if (other !== undefined) fault(path, `overlaps ${showPrefix(other.value)}: ${shown}`, "leave one of them");
  const isRouted = providers.some(({ prefix }) => prefix !== undefined && covers(prefix.value, value));
  if (!isRouted && providers.some(({ prefix, auto }) => prefix === undefined || auto)) {
    if (providers.every(({ prefix }) => prefix !== undefined))
      warning(path, `lies in no provider's prefix now: ${shown}`, "a prefix that changes by itself is no place for hosts' addresses");
  } else if (!isRouted)
    fault(path, `lies in no provider's prefix: ${shown}`, "give the prefix of the provider that routes it to this site, or a part of it");
  else if (!subnets.some((subnet) => overlap(subnet.value, value)))
    warning(path, `has no LAN subnet: ${shown}`, "add the subnet whose hosts have addresses in it to lan.subnets");
}
