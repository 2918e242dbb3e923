import type { Address } from "../value/address.ts";
import type { Prefix } from "../value/prefix.ts";
import type { Millis } from "../value/time.ts";
import type { DrillRow } from "./drill-rows.ts";
import type { FlowsRow, HistoryRow } from "./flow-rows.ts";
import type {
  BindingRow,
  ContextRow,
  EventRow,
  FirewallRow,
  HealthRow,
  KeyRow,
  LeaseRow,
  PathRow,
  ProviderRow,
  StatusRow,
} from "./rows.ts";
import type { DecisionRow, ExplainRow, PolicyRuleRow, SiteRow } from "./rows-explain.ts";
import type { ExceptionsRow, LocatorsRow } from "./rows-locators.ts";

/** What became of reading site.yaml again. When it is not `ok`, nothing has changed. */
export type ReloadResult =
  | {
      readonly ok: true;
      readonly file: string;
      /** In words, one for each; empty = the file says what the box does already. */
      readonly changed: readonly string[];
      readonly warnings: readonly string[];
      /** Contexts whose peer has yet to hear of it. */
      readonly untold: number;
    }
  /** `faults`: mistakes in the file; `restart`: settings that only a new process can have; `failed`: the machine refuses. */
  | { readonly ok: false; readonly why: "faults" | "restart" | "failed"; readonly detail: string };

/** What became of a word about a provider. `unknown`: there is none of that name; `refused`: the settings do not leave it to be told. */
export type ProviderResult = ReloadResult | { readonly ok: false; readonly why: "unknown" | "refused"; readonly detail: string };

/** What an operator says of a provider beside draining it: it is dead, or it comes before all others. */
export type ProviderWord = "broken" | "preferred";

/** A flow that somebody asks about; what is absent is not known. */
export interface FlowQuestion {
  readonly from: Address;
  readonly to: Address;
  /** The domain name that the peer is asked for by; lower case, without the final dot. */
  readonly name?: string | undefined;
  readonly protocol?: number | undefined;
  /** Of the destination. */
  readonly port?: number | undefined;
  /** DSCP. */
  readonly class?: number | undefined;
  /** Of the week, from Monday 00:00 in the box's time; absent = now. */
  readonly minute?: number | undefined;
}

/** The same by names: of hosts, in the DNS, or addresses. */
export interface ExplainQuestion extends Pick<FlowQuestion, "protocol" | "port" | "class"> {
  readonly from: string;
  readonly to: string;
}

/** A locator and the rank that somebody wishes it: lower priorities first, higher weights first among equals. */
export interface WishedLocator {
  readonly address: Address;
  readonly priority: number;
  readonly weight: number;
}

/** Locators of both ends of a context in the order that is wished. */
export interface WishQuestion {
  readonly local: readonly WishedLocator[];
  readonly peer: readonly WishedLocator[];
}

/** Where a context is to go: by a provider or from a locator, and to which of the peer's. */
export interface PreferQuestion {
  readonly provider?: string | undefined;
  readonly local?: Address | undefined;
  readonly peer?: Address | undefined;
}

/** What became of a wish. `unknown`: there is no such context; `refused`: it cannot have one now; `invalid`: `field` names no locator of it. */
export type WishResult =
  | { readonly ok: true; readonly detail: string }
  | {
      readonly ok: false;
      readonly why: "unknown" | "refused" | "invalid";
      readonly detail: string;
      /** Where in what was asked, as the steps of a JSON pointer. */
      readonly field?: string | undefined;
    };

/** For what Shim6 is to be switched off. */
export interface ExceptQuestion {
  readonly peers: readonly Prefix[];
  readonly ports: readonly { readonly first: number; readonly last: number }[];
}

/** Which contexts are asked for; what is absent matches everything. */
export interface ContextFilter {
  /** At either end. */
  readonly ulid?: Address | undefined;
  /** At the far end. */
  readonly peer?: Address | undefined;
  /** Shim6 or REAP state. */
  readonly state?: string | undefined;
  /** Name of the provider of the current local locator. */
  readonly provider?: string | undefined;
}

/** Which piece of the contexts is asked for: at most `limit` of those whose id is above `after`, without the first `skip` of them. */
export interface ContextPiece {
  readonly after: number;
  readonly skip: number;
  readonly limit: number;
}

/** A piece of a long list. */
export interface Page<Row> {
  readonly items: readonly Row[];
  /** All that match. */
  readonly total: number;
  /** Whether there are more behind these. */
  readonly more: boolean;
}

/** Who hears of events. */
export interface FeedListener {
  /** There are new events. */
  news(): void;
  /** Comes every {@link EventFeed.beatMs}, whatever happens. */
  beat(): void;
}

/** What happened in the box, as much of it as is kept. Events are counted from 1. */
export interface EventFeed {
  /** Names this run of the box, in the ids of its events. */
  readonly run: string;
  readonly beatMs: number;
  /** Number of the oldest event that is kept, and of the latest; `oldest` is one more than `latest` when there is none. */
  readonly oldest: number;
  readonly latest: number;
  /** Events after number `seen`, oldest first, at most `most`. */
  after(seen: number, most: number): readonly EventRow[];
  /** @returns what ends it; `undefined` = there are as many listeners as may be */
  listen(listener: FeedListener): (() => void) | undefined;
}

/** What became of the wish for a drill. */
export type DrillResult =
  | { readonly ok: true; readonly drill: DrillRow }
  | { readonly ok: false; readonly why: "unknown" | "refused" | "failed"; readonly detail: string };

/** Failover drills. */
export interface Drills {
  /** The provider `name` is as good as dead for `duration` ms; with `force` also if no other one works. */
  start(name: string, duration: Millis | undefined, force: boolean): DrillResult;
  /** Ends it, if it is under way. @returns it as it is then; `undefined` = there is none */
  end(id: number): DrillRow | undefined;
  get(id: number): DrillRow | undefined;
  /** Latest first. */
  rows(): Iterable<DrillRow>;
}

/**
 * The box as the API sees it. Each call answers for the present moment and does not wait; only `reload`, `discard`,
 * `rehome` and what is said of providers change anything.
 * Rows are made on the way, so that the API can stop after the few that it needs.
 */
export interface BoxFacade {
  status(): StatusRow;
  /** Reads site.yaml again and takes it over as a whole, or not at all. */
  reload(): ReloadResult;
  /** The provider `name`, which site.yaml gives no prefix, routes this one to the site, for `valid` ms at most; `undefined` = none any more. */
  setPrefix(name: string, prefix: Prefix | undefined, valid?: Millis): ProviderResult;
  /** Contexts leave the provider `name`, and new ones avoid it; with `keep` beyond a restart. */
  drain(name: string, keep: boolean): ProviderResult;
  /** It is used as site.yaml says: neither drained nor preferred. */
  restore(name: string): ProviderResult;
  /** `word` holds of the provider `name`, for `duration` ms at most; with `keep` beyond a restart. */
  say(word: ProviderWord, name: string, duration: Millis | undefined, keep: boolean): ProviderResult;
  /** It is not dead any more. */
  mend(name: string): ProviderResult;
  /** Those that `wanted` lets pass, by id. */
  contexts(wanted: ContextFilter, piece: ContextPiece): Page<ContextRow>;
  context(id: number): ContextRow | undefined;
  /** Takes a context away, as if it had been idle. @returns whether there is one */
  discard(id: number): boolean;
  /** Lets a context look for a better pair of locators, as if its own were to be left. @returns whether there is one that carries traffic */
  rehome(id: number): boolean;
  /** The locators of both ends; `undefined` = there is no such context. */
  locators(id: number): LocatorsRow | undefined;
  /** Takes up what somebody wishes for the locators of a context, in place of what was wished before. */
  wish(id: number, wish: WishQuestion): WishResult;
  prefer(id: number, to: PreferQuestion): WishResult;
  exceptions(): ExceptionsRow;
  /** Switches Shim6 off for these, and on for all others. */
  except(excepted: ExceptQuestion): ExceptionsRow;
  paths(): Iterable<PathRow>;
  /** In the order of site.yaml. */
  providers(): Iterable<ProviderRow>;
  /** The settings as they hold; nothing secret is in them. */
  site(): SiteRow;
  /** The rules of traffic engineering, in their order. */
  policy(): Iterable<PolicyRuleRow>;
  decide(flow: FlowQuestion): DecisionRow;
  /** What would happen to a packet. Waits for the DNS, two seconds at most; sets nothing up. */
  explain(question: ExplainQuestion): Promise<ExplainRow>;
  /** All of them, or those of `ulid`. */
  bindings(ulid: Address | undefined): Iterable<BindingRow>;
  /** Counters of the filter in the kernel, by name; none without a filter. */
  firewall(): Iterable<FirewallRow>;
  /** All of them, or that of `ulid`. */
  leases(ulid: Address | undefined): Iterable<LeaseRow>;
  /** The box's own first. */
  keys(): Iterable<KeyRow>;
  readonly events: EventFeed;
  flows(): FlowsRow;
  /** Samples behind number `after`. */
  history(after: number): HistoryRow;
  readonly drills: Drills;
  /** Whether the box can do its work. */
  health(): HealthRow;
  /** Counter → total since start, zeros included; names as `<in|out|punt|drop>-<why>-<protocol>`. */
  counters(): Iterable<readonly [name: string, total: number]>;
}
