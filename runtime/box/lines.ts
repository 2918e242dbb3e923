/**
 * The lines to the providers, as the kernel tells of them: a provider whose line is down, or whose gateway does not answer, has no usable
 * locators, so contexts leave it at once, and peers hear of it (RFC 5533 §5.15.3, BROKEN), before any timer of REAP has run out.
 */
import type { Provider, Site } from "../config/site.ts";
import { everyProvider } from "../config/told.ts";
import type { Clock } from "../port/clock.ts";
import type { Command } from "../port/command.ts";
import { PortError } from "../port/error.ts";
import type { Gateway, GatewayState, LinkState } from "../port/links.ts";
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
  /** Hears which interfaces are dead, and which providers' gateways are silent, after each change of them or of the site. */
  readonly mapped?: (dead: ReadonlySet<string>, silent: ReadonlySet<string>) => void;
}

const NONE: ReadonlySet<string> = new Set();

/** Hears of interfaces and acts. For the control thread. */
export class Lines {
  readonly #parts: LineParts;
  /** By the interface's name. */
  readonly #liveness: Liveness;
  /** By {@link gatewayName}. */
  readonly #gateways: Liveness;
  readonly #down = new Set<string>();

  constructor(parts: LineParts) {
    this.#parts = parts;
    this.#liveness = new Liveness(() => parts.site().links);
    this.#gateways = new Liveness(() => parts.site().links);
  }

  /** Interfaces whose lines are taken to be down. */
  get dead(): ReadonlySet<string> {
    return this.#liveness.dead;
  }

  /** Names of the providers whose gateways are taken to be gone although the line is up. */
  get silent(): ReadonlySet<string> {
    const silent = this.#gateways.dead;
    return new Set(this.#watched().flatMap((provider) => (silent.has(gatewayName(provider)) ? [provider.name] : [])));
  }

  /** Gateways that are to be asked now and then: those of lines that are up, if the site wants that. */
  get gateways(): readonly Gateway[] {
    const asked = new Map(this.#watched().map((provider) => [gatewayName(provider), provider]));
    return [...asked.values()].flatMap(({ interface: link, gateway }) =>
      gateway === undefined || this.#down.has(link) ? [] : [{ link, address: gateway }],
    );
  }

  /** Neighbour discovery says how a gateway is. */
  asked({ link, address, standing }: GatewayState): void {
    const name = gatewayName({ interface: link, gateway: address });
    if (!this.#watched().some((provider) => gatewayName(provider) === name)) return;
    // With the line down nobody answers, and that has been told already.
    if (standing === "silent" && this.#down.has(link)) return;
    const change = this.#gateways.heard({ name, up: standing !== "silent" }, this.#parts.clock.now());
    if (change !== undefined) this.#tell([change]);
    this.#plan();
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
    this.#gateways.keep(new Set(this.#watched().map(gatewayName)));
    const { silent } = this;
    mapped?.(dead, silent);
    const said = this.#parts.broken?.() ?? NONE;
    const broken = site().providers.filter(
      (provider) => dead.has(provider.interface) || silent.has(provider.name) || said.has(provider.name),
    );
    const prefixes = new Set(broken.map(({ prefix }) => showPrefix(prefix)));
    const { identities, shim6 } = box.parts;
    if (!identities.setBroken(prefixes, shim6.untold > 0)) return;
    box.identityChanged();
    this.#parts.changed?.();
  }

  /** Whether the provider's line is up, as far as is known. */
  isUsable(provider: string): boolean {
    if (this.#parts.broken?.().has(provider) || this.silent.has(provider)) return false;
    const { dead } = this.#liveness;
    return !this.#parts.site().providers.some((each) => each.name === provider && dead.has(each.interface));
  }

  /** Providers whose gateways the site wants to be watched. */
  #watched(): Pick<Provider, "name" | "interface" | "gateway">[] {
    const now = this.#parts.site();
    return now.links.watch && now.links.gateway.watch ? everyProvider(now).filter(({ gateway }) => gateway !== undefined) : [];
  }

  #tell(changes: readonly LineChange[]): void {
    const { site, box, log } = this.#parts;
    for (const { name, usable } of changes) {
      for (const { name: provider, interface: device, gateway } of site().providers) {
        if (device === name) {
          box.counters.count(usable ? "in-line-back" : "in-line-lost");
          if (usable) log.info("the line is back", { provider, interface: name });
          else log.warn("the line is down: its locators are not used", { provider, interface: name });
        } else if (gatewayName({ interface: device, gateway }) === name) {
          box.counters.count(usable ? "in-gateway-back" : "in-gateway-lost");
          if (usable) log.info("the gateway answers again", { provider, interface: device, gateway });
          else log.warn("the gateway does not answer: its provider's locators are not used", { provider, interface: device, gateway });
        }
      }
    }
    this.refresh();
  }

  #plan(): void {
    const { box, clock } = this.#parts;
    const wakeAt = Math.min(this.#liveness.wakeAt, this.#gateways.wakeAt);
    if (wakeAt === Number.POSITIVE_INFINITY) return;
    box.at(wakeAt, () => {
      const changes = [this.#liveness, this.#gateways].flatMap((liveness) => liveness.poll(clock.now()));
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

/** Several providers may have one gateway, and one interface several gateways. No interface has such a name. */
function gatewayName({ interface: device, gateway }: Pick<Provider, "interface" | "gateway">): string {
  return `${device} ${gateway ?? ""}`;
}
