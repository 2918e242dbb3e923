/**
 * What operators and hooks say of providers while the box runs: another prefix, to be drained, dead, preferred, to be used again. A prefix goes the way of a
 * reload, as one transaction; what was said is kept ({@link Told}).
 */
import type { ProviderResult, ProviderWord } from "../api/facade.ts";
import type { Site } from "../config/site.ts";
import { everyProvider } from "../config/told.ts";
import type { Clock } from "../port/clock.ts";
import type { Log } from "../port/log.ts";
import { type Prefix, showPrefix } from "../value/prefix.ts";
import { type Millis, NEVER } from "../value/time.ts";
import type { Moves } from "./moves.ts";
import type { Reloader } from "./reload.ts";
import type { Told } from "./told.ts";

/** What it works with. */
export interface ProviderParts {
  readonly file: string;
  readonly told: Told;
  readonly reloader: Pick<Reloader, "site" | "tell">;
  readonly drain: Pick<Moves, "set">;
  /** The providers with these prefixes, as text, come before all others from now on; absent = nobody can be preferred. */
  readonly prefer?: ((prefixes: ReadonlySet<string>) => void) | undefined;
  readonly clock: Pick<Clock, "now" | "wall">;
  readonly log: Log;
  /** Calls `run` once, at `at`. */
  readonly later: (at: Millis, run: () => void) => void;
  /** Providers have other prefixes, or another standing. */
  readonly changed: () => void;
  /** Contexts whose peers have yet to hear of it. */
  readonly untold: () => number;
}

/** A timer beyond this is set in steps. */
const FAR: Millis = 86_400_000;

/** The providers of a running box, as somebody outside wants them. For the control thread. */
export class Providers {
  readonly #parts: ProviderParts;
  /** The timer in use; an earlier one is stale. */
  #alarm = 0;

  constructor(parts: ProviderParts) {
    this.#parts = parts;
    this.refresh();
    this.#plan();
  }

  /** The site has changed: what was said holds for those that there are. */
  refresh(): void {
    const { told, drain, prefer } = this.#parts;
    drain.set(this.#prefixesOf(told.drained));
    prefer?.(this.#prefixesOf(told.named("preferred")));
  }

  #prefixesOf(names: ReadonlySet<string>): ReadonlySet<string> {
    return new Set(this.#parts.reloader.site.providers.filter(({ name }) => names.has(name)).map(({ prefix }) => showPrefix(prefix)));
  }

  /** Whether new traffic is meant to use the provider. */
  isUsable(name: string): boolean {
    return !this.#parts.told.drained.has(name);
  }

  /** The provider `name` routes `prefix` to us, for `valid` ms at most; `undefined` = it routes nothing any more. */
  setPrefix(name: string, prefix: Prefix | undefined, valid: Millis = NEVER): ProviderResult {
    const { told, reloader, clock } = this.#parts;
    const provider = this.#find(name);
    if (provider === undefined) return this.#unknown(name);
    if (!provider.auto)
      return refused(`provider ${name} has its prefix from site.yaml: write \`prefix: auto\` there if it changes by itself, and reload`);
    const result = reloader.tell(told.with(name, prefix));
    if (!result.ok) return result;
    const kept = told.setPrefix(name, prefix === undefined ? undefined : { prefix, until: clock.wall() + valid });
    this.#plan();
    this.#parts.changed();
    return kept ? result : { ...result, warnings: [...result.warnings, NOT_KEPT] };
  }

  /** Contexts leave the provider `name`, new ones avoid it; with `keep` beyond a restart. */
  drain(name: string, keep: boolean): ProviderResult {
    const { told, log } = this.#parts;
    if (this.#find(name) === undefined) return this.#unknown(name);
    const was = told.drained.has(name);
    const kept = told.drain(name, keep);
    if (!was) log.warn("the provider is drained: nothing new uses it", { provider: name, keep });
    return this.#done(was ? [] : [`provider ${name} is drained`], kept || !keep);
  }

  /** The provider `name` is used as site.yaml says: neither drained nor preferred. Contexts go back to it as `failback` says. */
  restore(name: string): ProviderResult {
    const { told, log } = this.#parts;
    const was = told.drained.has(name);
    const wasPreferred = told.saidOf("preferred", name) !== undefined;
    if (this.#find(name) === undefined && !was && !wasPreferred) return this.#unknown(name);
    const kept = told.restore(name) && told.unsay("preferred", name);
    if (was) log.info("the provider is used again", { provider: name });
    if (wasPreferred) log.info(SAID.preferred.ended, { provider: name });
    const ended = wasPreferred ? [`provider ${name} ${SAID.preferred.over}`] : [];
    return this.#done(was ? [`provider ${name} is used again`, ...ended] : ended, kept);
  }

  /** The operator's word that the provider is dead, or comes before all others, for `duration` ms at most; with `keep` beyond a restart. */
  say(word: ProviderWord, name: string, duration: Millis = NEVER, keep = false): ProviderResult {
    const { told, log, clock } = this.#parts;
    if (this.#find(name) === undefined) return this.#unknown(name);
    const was = told.saidOf(word, name) !== undefined;
    const kept = told.say(word, name, { until: clock.wall() + duration, keep });
    if (!was) log.warn(SAID[word].log, { provider: name, keep, milliseconds: duration === NEVER ? null : duration });
    this.#plan();
    return this.#done(was ? [] : [`provider ${name} ${SAID[word].holds}`], kept || !keep);
  }

  /** Takes back that the provider is dead. */
  mend(name: string): ProviderResult {
    const { told, log } = this.#parts;
    const was = told.saidOf("broken", name) !== undefined;
    if (this.#find(name) === undefined && !was) return this.#unknown(name);
    const kept = told.unsay("broken", name);
    if (was) log.info(SAID.broken.ended, { provider: name });
    return this.#done(was ? [`provider ${name} ${SAID.broken.over}`] : [], kept);
  }

  #done(changed: readonly string[], kept: boolean): ProviderResult {
    const { file } = this.#parts;
    if (changed.length > 0) {
      this.refresh();
      this.#parts.changed();
    }
    return { ok: true, file, changed, warnings: kept ? [] : [NOT_KEPT], untold: this.#parts.untold() };
  }

  #find(name: string): ReturnType<typeof everyProvider>[number] | undefined {
    return everyProvider(this.#parts.reloader.site).find((provider) => provider.name === name);
  }

  #unknown(name: string): ProviderResult {
    const names = everyProvider(this.#parts.reloader.site).map((provider) => provider.name);
    return { ok: false, why: "unknown", detail: `there is no provider ${JSON.stringify(name)}; there is: ${names.join(", ")}` };
  }

  /** Prefixes end by themselves. */
  #plan(): void {
    const { told, clock, later } = this.#parts;
    this.#alarm++;
    const alarm = this.#alarm;
    if (told.endsAt === NEVER) return;
    const wait = Math.min(FAR, Math.max(0, told.endsAt - clock.wall()));
    later(clock.now() + wait, () => alarm === this.#alarm && this.#end());
  }

  #end(): void {
    const { told, reloader, log } = this.#parts;
    const words = told.expireWords();
    if (words.length > 0) {
      log.info("what was said of providers for a time has ended", { providers: words });
      this.refresh();
      this.#parts.changed();
    }
    const ended = told.expire();
    if (ended.length > 0) {
      log.warn("prefixes have ended, and nobody told new ones", { providers: ended });
      if (reloader.tell(told.prefixes).ok) this.#parts.changed();
    }
    this.#plan();
  }
}

const SAID: Readonly<
  Record<ProviderWord, { readonly holds: string; readonly over: string; readonly log: string; readonly ended: string }>
> = {
  broken: {
    holds: "is taken for dead",
    over: "is no longer taken for dead",
    log: "the provider is taken for dead: its locators are not used",
    ended: "the provider is no longer taken for dead",
  },
  preferred: {
    holds: "comes before all others",
    over: "ranks as site.yaml says",
    log: "the provider comes before all others",
    ended: "the provider ranks as site.yaml says",
  },
};

const NOT_KEPT = "it is not on the disk: a restart forgets it, the log says why";

function refused(detail: string): ProviderResult {
  return { ok: false, why: "refused", detail };
}

/** What an operator should hear of at the start: providers that wait for somebody's word. */
export function sayAwaited({ awaited, providers }: Pick<Site, "awaited" | "providers">, log: Log): void {
  if (awaited.length === 0) return;
  const names = awaited.map(({ name }) => name);
  const hint = `pshim6 provider set-prefix ${names[0]} PREFIX`;
  if (providers.length === 0) log.warn("no provider has a prefix yet: no host has a locator until one is told", { providers: names, hint });
  else log.warn("providers without a prefix yet: the others carry everything until one is told", { providers: names, hint });
}
