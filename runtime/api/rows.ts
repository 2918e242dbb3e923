/**
 * What a running box tells about itself, as JSON. `null` stands for what is not known. Durations are milliseconds, "…Ms ago"
 * ones count back from the moment of the answer; addresses are RFC 5952 text.
 */
import { z } from "zod";

const count = z.number().nonnegative();
const millis = z.number().nonnegative();
const traffic = z.object({ packets: count, octets: count });

export const contextRow = z
  .object({
    id: z.int().meta({ description: "Index of the record in the core's table; unique while the context lives." }),
    localUlid: z.string(),
    peerUlid: z.string(),
    fork: z.int().meta({ description: "Forked Instance Identifier, 0 = the default context." }),
    rule: z.string().nullable().meta({
      description: "The rule whose flows this fork carries; null for a default context, and for a fork by the peer's rules alone.",
    }),
    state: z.string().meta({ description: "Shim6 state (RFC 5533 §6.2), such as ESTABLISHED." }),
    reap: z
      .string()
      .nullable()
      .meta({ description: "REAP state (RFC 5534 §4): Operational, Exploring, InboundOk; null before the context is established." }),
    localTag: z.string().meta({ description: "Twelve hexadecimal digits." }),
    peerTag: z.string().nullable(),
    localLocator: z.string(),
    peerLocator: z.string(),
    localProvider: z.string().nullable().meta({ description: "Name of the provider whose prefix holds localLocator." }),
    peerBox: z.string().nullable().meta({ description: "SHA-256 of the peer box's public key, hexadecimal." }),
    sent: traffic,
    received: traffic,
    lastSentMs: millis.nullable(),
    lastReceivedMs: millis.nullable(),
    ageMs: millis.nullable().meta({ description: "Since the context was established." }),
  })
  .meta({ id: "Context", description: "A Shim6 context: one pair of hosts." });

export const pathRow = z
  .object({
    id: z.string().meta({ description: "Names the path in /history." }),
    peerBox: z.string(),
    localLocator: z.string(),
    peerLocator: z.string(),
    localProvider: z.string().nullable(),
    state: z.enum(["alive", "lost", "unknown"]),
    sinceMs: millis.nullable().meta({ description: "Since it was last proved alive or lost." }),
    rttMs: millis.nullable(),
    loss: z
      .number()
      .min(0)
      .max(1)
      .nullable()
      .meta({ description: "Share of the box's questions on it that were not answered lately; null = it is not measured.", example: 0.02 }),
    brownOut: z.boolean().meta({ description: "Whether it works too badly to be used while another one is better." }),
    mtu: count.nullable().meta({ description: "What it is taken to carry, octets on the wire; null = nobody has sent on it." }),
    contexts: count.meta({ description: "Contexts that send on it now." }),
  })
  .meta({ id: "Path", description: "A path to a peer box: the pairs between one of our providers and one of its." });

export const providerRow = z
  .object({
    name: z.string(),
    prefix: z.string().nullable().meta({ description: "null = it is to be told, and nobody has yet." }),
    state: z.enum(["up", "down", "waiting"]).meta({ description: "Whether its line carries; waiting = it has no prefix." }),
    drained: z.boolean().meta({ description: "Whether contexts leave it and new ones avoid it." }),
    broken: z.boolean().meta({ description: "Whether the operator takes it for dead, whatever its line says." }),
    preferred: z.boolean().meta({ description: "Whether the operator puts it before all others." }),
    wordEndsMs: millis.nullable().meta({ description: "Until the operator's word (broken, preferred) ends by itself; null = never." }),
    expiresMs: millis.nullable().meta({ description: "Until a prefix that was told ends; null = never." }),
    interface: z.string(),
    gateway: z.string().nullable(),
    priority: z.int(),
    weight: z.int(),
    contexts: count.meta({ description: "Contexts whose current local locator lies in its prefix." }),
    packets: count.meta({ description: "Packets of those contexts, both ways." }),
  })
  .meta({ id: "Provider", description: "A provider and what it carries." });

export const bindingRow = z
  .object({
    ulid: z.string(),
    locators: z.array(z.string()).meta({ description: "Best first." }),
    source: z.string().meta({ description: "Where it was learnt: static, dns, handshake …" }),
    expiresMs: millis.nullable().meta({ description: "Until it is forgotten; null = never." }),
  })
  .meta({ id: "Binding", description: "Where a host of another site is found." });

export const firewallRow = z
  .object({
    name: z.string().meta({ description: "rule-<name>, default-inward, known, spoofed-in, …" }),
    packets: count,
    octets: count,
  })
  .meta({ id: "FirewallCount", description: "What a rule of the filter counted." });

export const leaseRow = z
  .object({
    ulid: z.string(),
    name: z.string().nullable().meta({ description: "The host's name, by reservation or as the host says." }),
    state: z.enum(["bound", "expired", "released", "declined"]).meta({ description: "expired: bound once, and nobody renewed it." }),
    duid: z.string().meta({ description: "The client's DUID, hexadecimal (RFC 8415 §11)." }),
    iaid: z.int().nonnegative(),
    mac: z.string().nullable().meta({ description: "Link-layer address, where it is known." }),
    matched: z.string().meta({ description: "Why this address: reservation duid, pool …" }),
    since: z.string().meta({ description: "ISO 8601, as are all instants of the calendar." }),
    until: z.string().nullable().meta({ description: "End of the valid lifetime; null = never." }),
    expiresMs: millis.nullable().meta({ description: "Until then, 0 when it is over; null = for ever." }),
    addresses: z
      .array(
        z.object({
          address: z.string().meta({ example: "2001:db8:a1:ff::10" }),
          provider: z.string(),
          deprecated: z.boolean().meta({ description: "Whether nothing new is to begin from there: the provider is dead or drained." }),
        }),
      )
      .meta({
        description: "The host's addresses of the providers beside the identifier (`legacy.mode: pa` or `both`), while it is bound.",
      }),
  })
  .meta({ id: "Lease", description: "An identifier given to a host." });

export const keyRow = z
  .object({
    file: z.string().nullable().meta({ description: "Where its private half lies; null for a key that signs elsewhere." }),
    bits: z.int().nullable().meta({ description: "Bits of the modulus; null for a key that cannot be read." }),
    fingerprint: z.string().meta({ description: "SHA-256 of the public half (SubjectPublicKeyInfo), hexadecimal." }),
    ulids: z.array(z.string()).meta({ description: "Identifiers that it can prove, in the order of their text." }),
  })
  .meta({ id: "Key", description: "A key that proves identifiers of the site." });

export const statusRow = z
  .object({
    site: z.string(),
    version: z.string(),
    runtime: z.string().meta({ description: "Such as node 26.10.0." }),
    uptimeMs: millis,
    contexts: count.meta({ description: "Contexts in any state, and the most that fit." }),
    contextLimit: count,
    tun: z.string(),
    mtu: z.int(),
  })
  .meta({ id: "Status", description: "The box itself." });

export const reloadRow = z
  .object({
    file: z.string(),
    changed: z.array(z.string()).meta({ description: "What is different, in words." }),
    warnings: z.array(z.string()),
    untold: count.meta({ description: "Contexts whose peer has yet to hear of it." }),
  })
  .meta({ id: "Reload", description: "site.yaml was read again and holds now." });

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

/** A list as the API sends it: `items` may be cut short, `total` counts all that match, `next` leads to the rest; null = there is none. */
export interface Listing<Row> {
  readonly items: readonly Row[];
  readonly total: number;
  readonly next: string | null;
}

/** The schema of {@link Listing} for one kind of row. */
export function listing<Row>(row: z.ZodType<Row>): z.ZodType<Listing<Row>> {
  return z.object({
    items: z.array(row),
    total: count.meta({ description: "All that match, shown or not." }),
    next: z.string().nullable().meta({ description: "The cursor of the next page; null = this is the last." }),
  });
}

/** Something that happened in the box. */
export const eventRow = z
  .object({
    id: z
      .string()
      .meta({ description: "Grows from event to event; another first half = another run of the box.", example: "1795000000-42" }),
    at: z.string().meta({ description: "ISO 8601." }),
    kind: z.string().meta({ description: "established, recovering, removed, failed, state, moved, path, told." }),
    text: z.string(),
  })
  .meta({ id: "Event", description: "Something that happened in the box." });
export type EventRow = z.infer<typeof eventRow>;

/** Whether the box can do its work. */
export const healthRow = z
  .object({
    ready: z.boolean(),
    checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })),
  })
  .meta({ id: "Health", description: "Whether the box can do its work, and what was looked at." });
export type HealthRow = z.infer<typeof healthRow>;

/** A context that an action was for. */
export const doneRow = z.object({ id: z.int(), detail: z.string() }).meta({ id: "Done", description: "What an action has begun or done." });
export type DoneRow = z.infer<typeof doneRow>;

/** One field that is wrong. */
const fieldFault = z.object({
  pointer: z.string().meta({
    description: "Where: #/query/…, #/param/… or #/json/…, then the field (JSON pointer, RFC 6901 §6).",
    example: "#/query/limit",
  }),
  detail: z.string(),
});
export type FieldFault = z.infer<typeof fieldFault>;

/** Problem details (RFC 9457 §3) with which every error is answered. */
export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    errors: z.array(fieldFault).optional().meta({ description: "The fields that are wrong, if it is about fields." }),
  })
  .meta({ id: "Problem", description: "Problem details (RFC 9457)." });
export type Problem = z.infer<typeof problem>;
