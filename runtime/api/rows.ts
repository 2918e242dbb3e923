/**
 * What a running box tells about itself, as JSON. `null` stands for what is not known. Durations are milliseconds, "…Ms ago"
 * ones count back from the moment of the answer; addresses are RFC 5952 text.
 */
import { z } from "zod";

const count = z.number().nonnegative();
const millis = z.number().nonnegative();
const traffic = z.object({ packets: count, octets: count });

export const contextRow = z.object({
  /** Index of the record in the core's table; unique while the context lives. */
  id: z.int(),
  localUlid: z.string(),
  peerUlid: z.string(),
  /** Forked Instance Identifier, 0 = the default context. */
  fork: z.int(),
  /** Shim6 state (RFC 5533 §6.2), such as `ESTABLISHED`. */
  state: z.string(),
  /** REAP state (RFC 5534 §4): `Operational`, `Exploring`, `InboundOk`; null before the context is established. */
  reap: z.string().nullable(),
  /** Twelve hexadecimal digits. */
  localTag: z.string(),
  peerTag: z.string().nullable(),
  localLocator: z.string(),
  peerLocator: z.string(),
  /** Name of the provider whose prefix holds `localLocator`. */
  localProvider: z.string().nullable(),
  /** SHA-256 of the peer box's public key, hexadecimal. */
  peerBox: z.string().nullable(),
  sent: traffic,
  received: traffic,
  lastSentMs: millis.nullable(),
  lastReceivedMs: millis.nullable(),
  /** Since the context was established. */
  ageMs: millis.nullable(),
});

export const pathRow = z.object({
  peerBox: z.string(),
  localLocator: z.string(),
  peerLocator: z.string(),
  localProvider: z.string().nullable(),
  state: z.enum(["alive", "lost", "unknown"]),
  /** Since it was last proved alive or lost. */
  sinceMs: millis.nullable(),
  rttMs: millis.nullable(),
  /** What it is taken to carry, octets on the wire; null = nobody has sent on it. */
  mtu: count.nullable(),
  /** Contexts that send on it now. */
  contexts: count,
});

export const providerRow = z.object({
  name: z.string(),
  prefix: z.string(),
  interface: z.string(),
  gateway: z.string().nullable(),
  priority: z.int(),
  weight: z.int(),
  /** Contexts whose current local locator lies in its prefix. */
  contexts: count,
  /** Packets of those contexts, both ways. */
  packets: count,
});

export const bindingRow = z.object({
  ulid: z.string(),
  /** Best first. */
  locators: z.array(z.string()),
  /** Where it was learnt: `static`, `dns`, `handshake` … */
  source: z.string(),
  /** Until it is forgotten; null = never. */
  expiresMs: millis.nullable(),
});

export const firewallRow = z.object({
  /** `rule-<name>`, `default-inward`, `known`, `spoofed-in`, … */
  name: z.string(),
  packets: count,
  octets: count,
});

export const leaseRow = z.object({
  ulid: z.string(),
  /** The host's name, by reservation or as the host says. */
  name: z.string().nullable(),
  /** `expired`: bound once, and nobody renewed it. */
  state: z.enum(["bound", "expired", "released", "declined"]),
  /** The client's DUID, hexadecimal (RFC 8415 §11). */
  duid: z.string(),
  iaid: z.int().nonnegative(),
  /** Link-layer address, where it is known. */
  mac: z.string().nullable(),
  /** Why this address: `reservation duid`, `pool` … */
  matched: z.string(),
  /** ISO 8601, as are all instants of the calendar. */
  since: z.string(),
  /** End of the valid lifetime; null = never. */
  until: z.string().nullable(),
  /** Until then, 0 when it is over; null = for ever. */
  expiresMs: millis.nullable(),
});

export const keyRow = z.object({
  /** Where its private half lies; null for a key that signs elsewhere. */
  file: z.string().nullable(),
  /** Bits of the modulus; null for a key that cannot be read. */
  bits: z.int().nullable(),
  /** SHA-256 of the public half (SubjectPublicKeyInfo), hexadecimal. */
  fingerprint: z.string(),
  /** Identifiers that it can prove, in the order of their text. */
  ulids: z.array(z.string()),
});

export const statusRow = z.object({
  site: z.string(),
  version: z.string(),
  /** Such as `node 26.10.0`. */
  runtime: z.string(),
  uptimeMs: millis,
  /** Contexts in any state, and the most that fit. */
  contexts: count,
  contextLimit: count,
  tun: z.string(),
  mtu: z.int(),
});

/** site.yaml was read again and holds now. */
export const reloadRow = z.object({
  file: z.string(),
  /** What is different, in words. */
  changed: z.array(z.string()),
  warnings: z.array(z.string()),
  /** Contexts whose peer has yet to hear of it. */
  untold: count,
});

export const counterRows = z.record(z.string(), count);

export type ContextRow = z.infer<typeof contextRow>;
export type PathRow = z.infer<typeof pathRow>;
export type ProviderRow = z.infer<typeof providerRow>;
export type BindingRow = z.infer<typeof bindingRow>;
export type FirewallRow = z.infer<typeof firewallRow>;
export type LeaseRow = z.infer<typeof leaseRow>;
export type KeyRow = z.infer<typeof keyRow>;
export type ReloadRow = z.infer<typeof reloadRow>;
export type StatusRow = z.infer<typeof statusRow>;

/** A list as the API sends it: `items` may be cut short, `total` counts all that match. */
export interface Listing<Row> {
  readonly items: readonly Row[];
  readonly total: number;
}

/** The schema of {@link Listing} for one kind of row. */
export function listing<Row>(row: z.ZodType<Row>): z.ZodType<Listing<Row>> {
  return z.object({ items: z.array(row), total: count });
}

/** Problem details (RFC 9457 §3) with which every error is answered. */
export const problem = z.object({ type: z.string(), title: z.string(), status: z.int(), detail: z.string() });
export type Problem = z.infer<typeof problem>;
