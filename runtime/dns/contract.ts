/** What goes into the DNS gateway and what comes out of it (draft §4.2.2). */
import type { Address, Locator, Ulid } from "../value/address.ts";
import type { Prefix } from "../value/prefix.ts";
import type { Millis } from "../value/time.ts";
import type { DnsMessage, DnsName, DnsRecord } from "../wire/dns.ts";
import type { AnswerEntry } from "./answers.ts";

/** What the operator decides. */
export interface GatewaySettings {
  /** RR type of ULID records. */
  readonly ulidType: number;
  /** Where every ULID of the world lies. */
  readonly generic: Prefix;
  /** Where the site's ULIDs lie; part of `generic`. */
  readonly own: Prefix;
  /** What the providers gave to the site: nobody else's locators. */
  readonly providers: readonly Prefix[];
  /** Whether every host that gets a ULID is announced (`asked`); such answers are then not given to be cached in front of the gateway. */
  readonly announce: boolean;
  /** What becomes of the addresses of a name without a ULID: given as they are, or AAAA kept from hosts that could not use them. */
  readonly legacy: "pass" | "hide";
  /** Answers of upstreams kept at most. */
  readonly cache: number;
  /** Domains; of names at and below them without a ULID `passed` says which addresses hosts are told. Absent = of none. */
  readonly watched?: readonly DnsName[] | undefined;
}

/** The site's own names: `runtime/zone` has them. */
export interface Local {
  /** @returns records of `type` at `name`, empty if there are none; `NXDOMAIN`; `undefined` for names that are not the site's */
  find(name: DnsName, type: number): readonly DnsRecord[] | "NXDOMAIN" | undefined;
}

/** @typeParam Client whatever the caller knows a client by; it comes back in `respond` */
export type GatewayEvent<Client> =
  /** A request, as it came. `stream` = over TCP, so that any length may go back. */
  | { readonly kind: "query"; readonly client: Client; readonly from: Address; readonly octets: Uint8Array; readonly stream: boolean }
  /** What an upstream said, checked against the question that `fetch` asked for. */
  | { readonly kind: "answer"; readonly fetch: number; readonly message: DnsMessage }
  /** No upstream said anything. */
  | { readonly kind: "failed"; readonly fetch: number }
  /** A packet goes to a ULID that nobody asked for by name: what are its locators (draft §4.2.1; §6, step 4C)? */
  | { readonly kind: "locate"; readonly ulid: Ulid }
  | { readonly kind: "poll" };

/** A locator with the instant from which it does not hold any more. */
export interface TimedLocator {
  readonly address: Locator;
  readonly until: Millis;
}

export type GatewayEffect<Client> =
  /** Ask upstream, with RD and AD set. One `answer` or `failed` is awaited for each. */
  | {
      readonly kind: "fetch";
      readonly id: number;
      readonly name: DnsName;
      readonly type: number;
      readonly dnssecOk: boolean;
      readonly checkingDisabled: boolean;
    }
  /** One for each `query` but for those that are dropped. `entry` may answer the same question until it ends. */
  | { readonly kind: "respond"; readonly client: Client; readonly octets: Uint8Array; readonly entry: AnswerEntry | undefined }
  /** Locators of a ULID of another site, with the names they were found under. Never empty, never out of data that did not validate upstream. */
  | {
      readonly kind: "learn";
      readonly ulid: Ulid;
      readonly locators: readonly TimedLocator[];
      readonly names: readonly DnsName[];
      readonly until: Millis;
    }
  /** The host at `from` was told of `ulid` and will send there soon. */
  | { readonly kind: "asked"; readonly from: Address; readonly ulid: Ulid }
  /** Hosts are about to be told these addresses of names without a ULID, one of which is watched. Before the `respond`. */
  | { readonly kind: "passed"; readonly addresses: readonly Address[]; readonly names: readonly DnsName[]; readonly until: Millis }
  /** The answer to `locate`: locators that forward and reverse tree agree on; none if they do not, or (`failed`) if nobody could say. */
  | {
      readonly kind: "located";
      readonly ulid: Ulid;
      readonly locators: readonly TimedLocator[];
      readonly names: readonly DnsName[];
      readonly failed: boolean;
    }
  /** Something was dropped or refused; `why` is a counter's name behind `drop-`. */
  | { readonly kind: "drop"; readonly why: string };

/** How much is going on; all zero but `kept` when nobody waits. */
export interface GatewayTotals {
  readonly jobs: number;
  readonly clients: number;
  readonly fetches: number;
  /** Answers kept. */
  readonly kept: number;
}
