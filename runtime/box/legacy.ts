/**
 * Everything that serves hosts' traffic with peers without Shim6 (P-Shim6 draft §7) beside the core itself: how providers stand, what the core is
 * told of it, and what names say. {@link ./start-kernel.ts} makes it.
 */
import { leasesBeside, mapsHosts } from "../config/legacy.ts";
import type { Site } from "../config/site.ts";
import type { Core } from "../fast/contract.ts";
import type { Clock } from "../port/clock.ts";
import type { Log } from "../port/log.ts";
import type { Address, Locator } from "../value/address.ts";
import { contains } from "../value/prefix.ts";
import { type Millis, NEVER } from "../value/time.ts";
import type { Box } from "./box.ts";
import { Evidence } from "./evidence.ts";
import type { BoxEvent } from "./journal.ts";
import { isDeprecated, type Standing } from "./mapped-rules.ts";
import { Mapping } from "./mapping.ts";
import { SpottedNames } from "./spotted.ts";
import type { Told } from "./told.ts";

/** What it works with; settings and places are those of the moment. */
export interface LegacyParts {
  readonly core: Pick<Core, "setMapping" | "counters">;
  readonly box: Pick<Box, "parts" | "at">;
  readonly clock: Pick<Clock, "now" | "wall">;
  readonly log: Log;
  readonly told: Pick<Told, "drained" | "named" | "of">;
  readonly site: () => Site;
  readonly slots: () => ReadonlyMap<string, number>;
  /** Whether a provider's line is up, as far as is known, and nobody says otherwise. */
  readonly isUsable: (provider: string) => boolean;
  /** Octets that the hosts' link carries. */
  readonly lanMtu: () => number;
  /** REAP has given up a provider, or found it again. */
  readonly changed: () => void;
}

/** Chosen: contexts asked whether they still hear something by a provider. */
const CONTEXTS_ASKED = 4_096;

/** For the control thread. */
export class Legacy {
  readonly #parts: LegacyParts;
  readonly #mapping: Mapping;
  readonly #evidence: Evidence;
  readonly #spotted = new SpottedNames();

  constructor(parts: LegacyParts) {
    this.#parts = parts;
    const { box, clock, core, site, slots, lanMtu } = parts;
    const later = (at: Millis, run: () => void): void => box.at(at, run);
    this.#evidence = new Evidence({
      paths: () => box.parts.reap.paths(),
      providerOf: (locator) => this.#providerOf(locator),
      hearsBy: (provider, instant) => this.#hearsBy(provider, instant),
      now: () => clock.now(),
      later,
      changed: (silent) => this.#silent(silent),
    });
    this.#mapping = new Mapping({
      core,
      site,
      slots,
      standing: () => this.standing(),
      lanMtu,
      wall: () => clock.wall(),
      named: (domains) => this.#spotted.within(domains, clock.now()),
      after: (delay, run) => later(clock.now() + delay, run),
    });
  }

  /** How providers stand now. */
  standing(): Standing {
    const { told, site, isUsable } = this.#parts;
    const down = site().providers.flatMap(({ name }) => (isUsable(name) ? [] : [name]));
    return {
      dead: new Set([...down, ...this.#evidence.silent]),
      drained: told.drained,
      preferred: told.named("preferred"),
    };
  }

  /** How addresses that hosts have of a provider stand: nothing new begins from those of one that is dead or drained. */
  lifeOf(provider: string): { readonly deprecated: boolean; readonly until: number } {
    const { site, told } = this.#parts;
    return { deprecated: isDeprecated(provider, site().providers, this.standing()), until: told.of(provider)?.until ?? NEVER };
  }

  /** Lines, settings, or what the operator says have changed. */
  tell(): void {
    this.#mapping.tell();
  }

  /** Something happened to a context. */
  heard({ kind }: Pick<BoxEvent, "kind">): void {
    const { legacy } = this.#parts.site();
    if ((kind === "moved" || kind === "state") && (mapsHosts(legacy) || leasesBeside(legacy))) this.#evidence.heard();
  }

  /** Hosts are told that `names` have `addresses`, and may go there from now on. */
  spotted(addresses: readonly Address[], names: readonly string[], until: Millis): void {
    if (this.#spotted.learn(addresses, names, until, this.#parts.clock.now())) this.#mapping.tell();
  }

  /** Names under which hosts were told `address` lately. */
  namesOf(address: Address): readonly string[] {
    return this.#spotted.namesOf(address, this.#parts.clock.now());
  }

  #silent(silent: ReadonlySet<string>): void {
    const { log, changed } = this.#parts;
    if (silent.size > 0) log.warn("nobody is found by a provider: what has no context avoids it", { providers: [...silent] });
    else log.info("no provider is taken for dead any more", {});
    this.#mapping.tell();
    changed();
  }

  #providerOf(locator: Locator): string | undefined {
    return this.#parts.site().providers.find(({ prefix }) => contains(prefix, locator))?.name;
  }

  #hearsBy(provider: string, instant: Millis): boolean {
    const { box, core } = this.#parts;
    const { shim6, reap } = box.parts;
    let asked = 0;
    for (const { id } of shim6.contexts()) {
      if (++asked > CONTEXTS_ASKED) return false;
      const current = reap.currentOf(id);
      if (current === undefined || this.#providerOf(current.local) !== provider) continue;
      const { lastReceived } = core.counters(id);
      if (lastReceived !== undefined && lastReceived > instant) return true;
    }
    return false;
  }
}
