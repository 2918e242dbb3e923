/**
 * The lines to the providers, as the kernel tells of them: a provider whose line is down has no usable locators, so contexts leave it at
 * once, and peers hear of it (RFC 5533 §5.15.3, BROKEN), before any timer of REAP has run out.
 */
import type { Site } from "../config/site.ts";
import { everyProvider } from "../config/told.ts";
import type { Clock } from "../port/clock.ts";
import type { Command } from "../port/command.ts";
import { PortError } from "../port/error.ts";
import type { LinkState } from "../port/links.ts";
import type { Log } from "../port/log.ts";
import { showPrefix } from "../value/prefix.ts";
import type { Box } from "./box.ts";
import type { EgressPlan } from "./egress.ts";
import { addLines } from "./kernel.ts";
import { type LineChange, Liveness } from "./liveness.ts";

/** What the lines of a box are made of; site and plan as they are after reloads. */
export interface LineParts {
  readonly site: () => Site;
  readonly plan: () => EgressPlan;
  readonly box: Pick<Box, "parts" | "at" | "identityChanged" | "counters">;
  readonly clock: Pick<Clock, "now">;
  readonly command: Command;
  readonly log: Log;
  /** Called when a provider's locators became usable, or are not any more. */
  readonly changed?: () => void;
  /** Names of providers that the operator takes for dead, whatever their lines say. */
  readonly broken?: (() => ReadonlySet<string>) | undefined;
  /** Hears which interfaces are dead, after each change of them or of the site. */
  readonly mapped?: (dead: ReadonlySet<string>) => void;
}

const NONE: ReadonlySet<string> = new Set();

/** Hears of interfaces and acts. For the control thread. */
export class Lines {
  readonly #parts: LineParts;
  readonly #liveness: Liveness;
  readonly #down = new Set<string>();

  constructor(parts: LineParts) {
    this.#parts = parts;
    this.#liveness = new Liveness(() => parts.site().links);
  }

  /** Interfaces whose lines are taken to be down. */
  get dead(): ReadonlySet<string> {
    return this.#liveness.dead;
  }

  /** The kernel says how an interface is, or how it is now. */
  heard(link: LinkState): void {
    const { site, clock } = this.#parts;
    const now = site();
    // Those that wait for their prefix, too: their lines may be down when it comes.
    if (link.name !== now.lan.interface && !everyProvider(now).some((provider) => provider.interface === link.name)) return;
    if (!link.up) this.#down.add(link.name);
    else if (this.#down.delete(link.name)) this.#restore(link.name);
    const change = this.#liveness.heard(link, clock.now());
    if (change !== undefined) this.#tell([change]);
    this.#plan();
  }

  /** The site has changed: providers may have other lines. */
  refresh(): void {
    const { site, box, mapped } = this.#parts;
    const { dead } = this.#liveness;
    mapped?.(dead);
    const said = this.#parts.broken?.() ?? NONE;
    const broken = site().providers.filter((provider) => dead.has(provider.interface) || said.has(provider.name));
    const prefixes = new Set(broken.map(({ prefix }) => showPrefix(prefix)));
    const { identities, shim6 } = box.parts;
    if (!identities.setBroken(prefixes, shim6.untold > 0)) return;
    box.identityChanged();
    this.#parts.changed?.();
  }

  /** Whether the provider's line is up, as far as is known. */
  isUsable(provider: string): boolean {
    if (this.#parts.broken?.().has(provider)) return false;
    const { dead } = this.#liveness;
    return !this.#parts.site().providers.some((each) => each.name === provider && dead.has(each.interface));
  }

  #tell(changes: readonly LineChange[]): void {
    const { site, box, log } = this.#parts;
    for (const { name, usable } of changes) {
      const providers = site().providers.filter((provider) => provider.interface === name);
      for (const provider of providers) {
        box.counters.count(usable ? "in-line-back" : "in-line-lost");
        if (usable) log.info("the line is back", { provider: provider.name, interface: name });
        else log.warn("the line is down: its locators are not used", { provider: provider.name, interface: name });
      }
    }
    this.refresh();
  }

  #plan(): void {
    const { box, clock } = this.#parts;
    const { wakeAt } = this.#liveness;
    if (wakeAt === Number.POSITIVE_INFINITY) return;
    box.at(wakeAt, () => {
      const changes = this.#liveness.poll(clock.now());
      if (changes.length > 0) this.#tell(changes);
    });
  }

  /** The kernel drops the routes of an interface that is switched off. */
  #restore(name: string): void {
    const { site, plan, command, log } = this.#parts;
    const now = site();
    if (!now.egress.manage) return;
    const { providers, lan } = plan();
    const lines = now.providers.filter((provider) => provider.interface === name).flatMap((provider) => providers.get(provider.name) ?? []);
    try {
      addLines(now, name === now.lan.interface ? [...lines, ...lan] : lines, command);
    } catch (error) {
      // It may be gone again by now.
      if (!(error instanceof PortError)) throw error;
      log.warn("the routes of a line that came back were refused", { interface: name, error: error.message });
    }
  }
}
