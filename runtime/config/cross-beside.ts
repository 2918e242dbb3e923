/** Checks of the addresses that hosts have of providers beside their ULIDs (`legacy.mode: pa`); see {@link ./cross.ts}. */
import { besideSubnets } from "../locator/beside.ts";
import { exchangeFor } from "../locator/exchange.ts";
import { locatorFor, mappingOf } from "../locator/map.ts";
import { addressAt, addressOctets } from "../value/address.ts";
import { covers, type Prefix, showPrefix } from "../value/prefix.ts";
import { type At, at, entries, type Findings, overlap } from "./draft.ts";
import { prefixField } from "./fields.ts";
import { dig, type Path } from "./path.ts";

/** What these checks need of the site. */
export interface BesideDraft {
  readonly ulid: At<Prefix> | undefined;
  readonly routable: readonly At<Prefix>[];
  readonly subnets: readonly At<Prefix>[];
  readonly providers: readonly { readonly path: Path; readonly label: string; readonly prefix: At<Prefix> | undefined }[];
}

/** Everything that is wrong about them; `mode` is that of `legacy`. */
export function checkBeside(root: unknown, mode: unknown, draft: BesideDraft, findings: Findings): void {
  const { fault, warning } = findings;
  const isWanted = mode === "pa" || mode === "both";
  const first = dig(root, ["legacy", "subnet"]);
  if (!isWanted) {
    const idle = [["legacy", "subnet"], ...entries(root, ["providers"]).map((path) => [...path, "hosts"])];
    for (const path of idle)
      if (dig(root, path) !== undefined)
        warning(path, "has nothing to decide", "it is for hosts' own addresses: legacy: { mode: pa } or both");
    return;
  }
  if (dig(root, ["dhcp"]) === undefined)
    fault(["legacy", "mode"], `is ${mode}, and there is no dhcp`, "hosts get such addresses by DHCPv6: add dhcp, or say mode: map");
  const { ulid } = draft;
  if (ulid === undefined) return;
  const subnets = draft.subnets.flatMap(({ value }) => (covers(ulid.value, value) && value.length <= LONGEST ? [value] : []));
  const taken: Taken[] = [];
  for (const provider of draft.providers) {
    const hosts = at(root, [...provider.path, "hosts"], prefixField);
    if (hosts === undefined && (provider.prefix === undefined || dig(root, [...provider.path, "hosts"]) !== undefined)) {
      // A prefix that is not known yet is checked when it is told.
      if (typeof first !== "number" && dig(root, [...provider.path, "hosts"]) === undefined)
        fault(provider.path, `does not say where in it hosts have addresses`, "add legacy.subnet, or hosts here");
      continue;
    }
    const prefix = provider.prefix?.value ?? hosts?.value;
    if (prefix === undefined) continue;
    const found = besideSubnets({ prefix, hosts: hosts?.value }, subnets, typeof first === "number" ? first : undefined);
    const place = hosts?.path ?? (typeof first === "number" ? ["legacy", "subnet"] : provider.path);
    if (typeof found === "string") {
      fault(place, `leaves no room for hosts at ${provider.label}: ${found}`, "choose other numbers, or give a shorter prefix in hosts");
      continue;
    }
    const mine = found.map(({ outside }) => outside);
    checkFree(mine, place, { ...draft, ulid: ulid.value, subnets, isMapped: mode === "both" }, findings, taken);
    taken.push(...mine.map((outside) => ({ outside, label: provider.label })));
  }
}

const LONGEST = 64;

interface Taken {
  readonly outside: Prefix;
  readonly label: string;
}

interface Space extends Pick<BesideDraft, "routable" | "providers"> {
  readonly ulid: Prefix;
  readonly subnets: readonly Prefix[];
  /** Whether packets of unknown transports get neutral locators too. */
  readonly isMapped: boolean;
}

/** Nobody else has these addresses: no host as a locator, none as a ULID, and no other provider. */
function checkFree(mine: readonly Prefix[], place: Path, space: Space, { fault }: Findings, taken: readonly Taken[]): void {
  for (const outside of mine) {
    const shown = showPrefix(outside);
    const routable = space.routable.find(({ value }) => overlap(value, outside));
    if (routable !== undefined) {
      fault(place, `puts hosts' addresses into ulid.routable: ${shown}`, "such addresses are identifiers already: choose another number");
      continue;
    }
    const other = taken.find((each) => overlap(each.outside, outside));
    if (other !== undefined) {
      fault(place, `puts hosts' addresses where those of ${other.label} are: ${shown}`, "each provider needs a prefix of its own");
      continue;
    }
    const clash = space.providers
      .flatMap(({ prefix }) => (prefix === undefined ? [] : space.subnets.flatMap((subnet) => locatorsOf(prefix.value, subnet, space))))
      .find((locators) => overlap(locators, outside));
    if (clash !== undefined)
      fault(
        place,
        `puts hosts' addresses where their locators are: ${shown} and ${showPrefix(clash)}`,
        "choose a number that no LAN subnet of identifiers has",
      );
  }
}

/** Where the locators of a subnet's hosts lie at a provider. */
function locatorsOf(provider: Prefix, subnet: Prefix, { ulid, isMapped }: Space): Prefix[] {
  const locator = locatorFor(provider, ulid, subnet.base);
  if (locator === undefined) return [];
  const plain = { base: locator, length: Math.max(subnet.length, provider.length) };
  return isMapped && Math.max(provider.length, ulid.length) <= SUBNET_BITS ? [plain, neutralOf(plain, provider, ulid, subnet)] : [plain];
}

const SUBNET_BITS = 48;

/** The same for transports that nobody knows: the bits behind the prefix take what keeps sums as they were (RFC 6296 §3.4). */
function neutralOf({ base, length }: Prefix, provider: Prefix, ulid: Prefix, subnet: Prefix): Prefix {
  const mapping = mappingOf(provider, ulid, [subnet]);
  const exchange = exchangeFor(provider, ulid, "fill" in mapping ? mapping.fill : "zero");
  const octets = addressOctets(base);
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const word = (view.getUint16(6) + sumOf(exchange.head) - sumOf(exchange.base)) % 0xffff;
  view.setUint16(6, word < 0 ? word + 0xffff : word);
  return { base: addressAt(octets), length };
}

function sumOf(octets: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < octets.length; i += 2) sum += 256 * octets[i] + octets[i + 1];
  return sum;
}
