/** How providers, pairs and paths stand for two ends: the tables of an explanation. */
import type { ExplainRow } from "../api/rows-explain.ts";
import type { Path } from "../config/path.ts";
import type { Provider, Site } from "../config/site.ts";
import { everyProvider } from "../config/told.ts";
import { commonPrefixLength } from "../locator/policy-table.ts";
import type { PathView } from "../reap/contract.ts";
import type { UlidPair } from "../shim6/contract.ts";
import { type Address, addressOctets } from "../value/address.ts";
import type { LocatorPair } from "../value/pair.ts";
import { contains } from "../value/prefix.ts";
import type { Box } from "./box.ts";
import type { Legacy } from "./legacy.ts";
import type { Standing as OutsideStanding } from "./mapped-rules.ts";
import type { Told } from "./told.ts";

/** What it is read from. */
export interface StandingParts {
  readonly site: () => Site;
  readonly box: Pick<Box, "parts" | "pathMtu" | "candidates" | "carrierOf">;
  readonly told: Pick<Told, "drained" | "saidOf">;
  /** Interfaces whose lines are down. */
  readonly linesDown: () => ReadonlySet<string>;
  /** Providers whose gateways do not answer. */
  readonly gatewaysSilent: () => ReadonlySet<string>;
  /** What serves peers without Shim6, which knows what REAP found out and which names they have; absent = lines and words tell all. */
  readonly legacy?: (() => Pick<Legacy, "standing" | "namesOf"> | undefined) | undefined;
  /** File and line of what stands in site.yaml under a path. */
  readonly line: (path: Path) => string | null;
}

/** Pairs that are listed at most: it is to fit one screen. */
const PAIRS_SHOWN = 8;
/** Two locators of a peer with so many bits in common are at one provider. */
const PROVIDER_BITS = 48;

/** The standing of everything between one host of the site and one peer. */
export class Standing {
  readonly #parts: StandingParts;
  readonly #pair: UlidPair;

  /** @param pair the context that is asked about, whether there is one or not */
  constructor(parts: StandingParts, pair: UlidPair) {
    this.#parts = parts;
    this.#pair = pair;
  }

  /** Pairs in the order in which they are tried, `current` in front; and what is to be said of each provider. */
  pairs(current: LocatorPair | undefined): Pick<ExplainRow, "pairs" | "providers"> {
    const { box } = this.#parts;
    const candidates = box.candidates(this.#pair);
    const isCurrent = (pair: LocatorPair): boolean => pair.local === current?.local && pair.peer === current.peer;
    const ordered = current === undefined ? candidates : [current, ...candidates.filter((pair) => !isCurrent(pair))];
    const names = new Set(ordered.flatMap(({ local }) => this.providerOf(local)?.name ?? []));
    const paths = [...box.parts.reap.paths()];
    const pairs = ordered.slice(0, PAIRS_SHOWN).map((pair) => {
      const path = pathFor(paths, pair);
      return {
        local: pair.local,
        peer: pair.peer,
        provider: this.providerOf(pair.local)?.name ?? null,
        path: path?.state ?? ("unknown" as const),
        rttMs: path?.roundTrip ?? null,
        isCurrent: isCurrent(pair),
      };
    });
    return { pairs, providers: this.providers(names) };
  }

  /** What is to be said of each provider; `candidates` are the names of those that may carry it. */
  providers(candidates: ReadonlySet<string>): ExplainRow["providers"] {
    const own = this.#parts.box.parts.identities.of(this.#pair.local)?.list.locators.map(({ address }) => address) ?? [];
    return this.rows(candidates, ({ name, prefix }, states) => {
      const proved = own.some((address) => contains(prefix, address));
      if (own.length > 0 && !proved) return ["the host has no locator there"];
      return !candidates.has(name) && states.length === 0 && own.length > 0 ? ["left out by policy"] : [];
    });
  }

  /** A row for each provider; `more` = what is to be said beside what speaks for or against it anyway. */
  rows(
    candidates: ReadonlySet<string>,
    more: (provider: Provider, states: readonly string[]) => readonly string[],
  ): ExplainRow["providers"] {
    const { site, line } = this.#parts;
    return everyProvider(site()).map((provider, place) => {
      const { name, prefix } = provider;
      const isCandidate = candidates.has(name);
      const states = prefix === undefined ? ["waits for its prefix"] : this.#statesOf(provider);
      const all = prefix === undefined ? states : [...states, ...more({ ...provider, prefix }, states)];
      return { name, state: all.length === 0 ? "up" : all.join(", "), isCandidate, source: line(["providers", place]) };
    });
  }

  /** What speaks for or against a provider; nothing = its line is up and nobody has said anything. */
  #statesOf({ name, interface: device }: Pick<Provider, "name" | "interface">): string[] {
    const { told, linesDown, gatewaysSilent } = this.#parts;
    const known = [
      ...(linesDown().has(device) ? [`${device} is down`] : []),
      ...(gatewaysSilent().has(name) ? ["its gateway does not answer"] : []),
      ...(told.saidOf("broken", name) !== undefined ? ["taken for dead"] : []),
    ];
    return [
      ...known,
      ...(known.length === 0 && this.outside().dead.has(name) ? ["REAP finds nobody by it"] : []),
      ...(told.drained.has(name) ? ["drained"] : []),
      ...(told.saidOf("preferred", name) !== undefined ? ["preferred"] : []),
    ];
  }

  /** How providers stand for what has no context. */
  outside(): OutsideStanding {
    const { site, told, linesDown, gatewaysSilent, legacy } = this.#parts;
    const known = legacy?.()?.standing();
    if (known !== undefined) return known;
    const those = (is: (provider: Provider) => boolean): ReadonlySet<string> =>
      new Set(site().providers.flatMap((provider) => (is(provider) ? [provider.name] : [])));
    const isDead = ({ name, interface: device }: Provider): boolean =>
      linesDown().has(device) || gatewaysSilent().has(name) || told.saidOf("broken", name) !== undefined;
    return { dead: those(isDead), drained: told.drained, preferred: those(({ name }) => told.saidOf("preferred", name) !== undefined) };
  }

  /** The provider whose prefix holds `locator`. */
  providerOf(locator: Address): Provider | undefined {
    return this.#parts.site().providers.find(({ prefix }) => contains(prefix, locator));
  }

  /** What is known of the path that `pair` is on. */
  pathOf(pair: LocatorPair): PathView | undefined {
    return pathFor([...this.#parts.box.parts.reap.paths()], pair);
  }
}

/** The path between the same two providers, whichever host's pair was seen on it. */
export function pathFor(paths: readonly PathView[], { local, peer }: LocatorPair): PathView | undefined {
  const near = (a: Address, b: Address): boolean => commonPrefixLength(addressOctets(a), addressOctets(b)) >= PROVIDER_BITS;
  return paths.find(({ pair }) => near(pair.local, local) && near(pair.peer, peer));
}
