/** What a box is made of: its settings, and everything it works with. */
import type { AdmissionRule } from "../config/site.ts";
import type { Core } from "../fast/contract.ts";
import type { Bindings } from "../locator/bindings.ts";
import type { Failback } from "../policy/rule.ts";
import type { Clock } from "../port/clock.ts";
import type { Entropy } from "../port/entropy.ts";
import type { Log } from "../port/log.ts";
import type { Reap, ReapTiming } from "../reap/contract.ts";
import type { ReapProfile } from "../reap/profile.ts";
import type { QualitySettings } from "../reap/quality.ts";
import type { ContextView, Shim6 } from "../shim6/contract.ts";
import type { Ulid } from "../value/address.ts";
import type { Prefix } from "../value/prefix.ts";
import type { Millis } from "../value/time.ts";
import type { HoldLimits } from "./hold.ts";
import type { IcmpPass } from "./icmp.ts";
import type { Identities } from "./identity.ts";
import type { BoxEvent } from "./journal.ts";
import type { Locate } from "./lookups.ts";
import type { PolicyTerms } from "./policy.ts";
import type { ProofMode, Proofs } from "./proofs.ts";

/** What the site wants of its contexts. */
export interface BoxSettings {
  readonly idleTimeout: Millis;
  readonly hold: HoldLimits;
  /** Octets of the largest packet that the lines carry. Fixed for the life of the box; absent = not known. */
  readonly mtu?: number | undefined;
  /** Whether paths to boxes of our kind are probed with large packets, if `mtu` is known; default true. */
  readonly probePaths?: boolean | undefined;
  /** Which ICMPv6 errors from the net hosts get to see; default `auto`. */
  readonly icmp?: IcmpPass | undefined;
  /** Own prefixes of which hosts have addresses that the internet routes to them; default none. */
  readonly routable?: readonly Prefix[] | undefined;
  /** What peers are told of it, from the next handshake on. */
  readonly profile: ReapProfile;
  /** When a path that works is too bad; `undefined` = paths are not measured. */
  readonly quality?: QualitySettings | undefined;
  /** Which providers carry what; absent = as they rank by themselves. */
  readonly policy?: PolicyTerms | undefined;
  /** When contexts go back to a provider that works again; absent = after a minute. */
  readonly failback?: Failback | undefined;
  /** Who may begin a context with us; absent = everybody. */
  readonly admission?: readonly AdmissionRule[] | undefined;
  /** What proves a peer's locators (draft §10); default `cga`. */
  readonly proof?: ProofMode | undefined;
  /** REAP's timing towards the peer of a context. */
  readonly timing: (context: ContextView) => ReapTiming;
}

/** Everything the box works with. */
export interface BoxParts {
  readonly core: Core;
  readonly shim6: Shim6;
  readonly reap: Reap;
  readonly identities: Identities;
  readonly bindings: Bindings;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  /** Sends one IPv6 packet; copies it. */
  readonly send: (packet: Uint8Array) => boolean;
  /** Sends hosts' packets that waited through the core. */
  readonly release: (packets: readonly Uint8Array[], now: Millis) => void;
  /** What the DNS says of peers; absent = it is not asked. */
  readonly proofs?: Proofs | undefined;
  /** Looks for the locators of a ULID that no binding knows; absent = there is nobody to ask. */
  readonly locate?: Locate | undefined;
  /** Whether an operator has switched Shim6 off for a peer, or for a port; absent = for nobody. */
  readonly excepted?: ((peer: Ulid, port: number | undefined) => "peer" | "port" | undefined) | undefined;
  /** A fault of our own came up in the timer: the box must be taken down in good order. */
  readonly failed: (error: Error) => void;
  /** Hears of every change of a context when it has been made; for simulations. */
  readonly heard?: ((event: BoxEvent) => void) | undefined;
}
