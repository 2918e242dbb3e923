/** Settings of names and addresses: `dns`, `dhcp` and `zone` of site.yaml. */
import { z } from "zod";
import { TYPE_ULID_DEFAULT } from "../wire/dns.ts";
import {
  addressField,
  dnsEndpointField,
  domainField,
  duidField,
  durationField,
  globalAddressField,
  macField,
  nameField,
  pathField,
} from "./fields.ts";
import { LIST_LIMIT, PATH_OCTETS } from "./limits.ts";

export const dnsSchema = z.strictObject({
  listen: z
    .array(dnsEndpointField)
    .min(1)
    .max(16)
    .meta({ description: "Addresses of the box at which hosts ask, with a port if it is not 53.", example: ["fc00:aaaa:1::1"] }),
  upstreams: z
    .array(
      z.strictObject({
        server: dnsEndpointField.meta({ description: "Address of a resolver.", example: "2001:db8:f1::53" }),
        domains: z
          .array(domainField)
          .max(1024)
          .default([])
          .meta({ description: "Names at and below these are asked there, and only there.", defaultText: "everything else" }),
      }),
    )
    .min(1)
    .max(64)
    .meta({ description: "Resolvers that the gateway asks, in this order." }),
  type: z
    .int()
    .min(65_280)
    .max(65_534)
    .default(TYPE_ULID_DEFAULT)
    .meta({ description: "Number of the record type that holds identifiers, out of the private ones. All sites must use the same." }),
  handshake: z.enum(["packet", "answer"]).default("packet").meta({
    description: "When the context with a peer is set up: with the first `packet` to it, or already with the `answer` that names it.",
  }),
  proof: z.enum(["cga", "dns", "both"]).default("cga").meta({
    description:
      "What proves that locators are a peer's: its signature (`cga`, HBA included), agreement of the forward and the reverse DNS tree (`dns`), or `both`.",
  }),
  reverse: z
    .boolean()
    .default(true)
    .meta({ description: "Whether locators of an identifier that nobody asked for by name are looked for in the reverse DNS tree." }),
  cache: z.int().min(0).max(1_048_576).default(65_536).meta({ description: "Answers kept at most." }),
  timeout: durationField.prefault("1500ms").meta({ description: "How long a resolver may take before the next one is asked." }),
});

export const dhcpSchema = z.strictObject({
  preferred: durationField.prefault("12h").meta({ description: "Preferred lifetime of an address." }),
  valid: durationField.prefault("24h").meta({ description: "Valid lifetime of an address." }),
  rapidCommit: z.boolean().default(true).meta({ description: "Whether clients that ask for it get their address with two messages." }),
  reconfigure: z
    .boolean()
    .default(false)
    .meta({ description: "Whether clients that take it are told at once when what they were given changes." }),
  dns: z
    .array(addressField)
    .max(16)
    .optional()
    .meta({ description: "DNS servers for the hosts: this box first, a backup second.", defaultText: "the addresses of `dns.listen`" }),
  search: z
    .array(domainField)
    .max(16)
    .optional()
    .meta({ description: "Domains in which hosts look for short names.", defaultText: "`zone.name`" }),
  ntp: z.array(addressField).max(16).default([]).meta({ description: "Time servers for the hosts." }),
  policy: z
    .boolean()
    .default(true)
    .meta({ description: "Whether hosts are offered the address selection policy under which they prefer identifiers (RFC 7078)." }),
  max: z.int().min(1).max(1_048_576).default(65_536).meta({ description: "Leases at most." }),
  sec: z
    .literal([0, 1, 2])
    .default(0)
    .meta({ description: "Strength of the addresses' binding to the key (RFC 3972). 1 takes a good part of a second each, 2 hours." }),
  reservations: z
    .array(
      z.strictObject({
        name: nameField.meta({ description: "The host's name.", example: "printer" }),
        duid: duidField.optional().meta({ description: "Its DUID.", example: "00:03:00:01:02:00:00:00:00:01" }),
        mac: macField.optional().meta({ description: "Its link-layer address.", example: "02:00:00:00:00:01" }),
        relay: z.string().min(1).max(260).optional().meta({
          description: "The relay's port at which it is: text, or `0x` and hex.",
          example: "ge-0/0/7",
        }),
        ulid: globalAddressField.optional().meta({
          description: "Its identifier, as `pshim6 cga generate` printed it.",
          defaultText: "one that is made with the first lease, and kept",
        }),
      }),
    )
    .max(LIST_LIMIT)
    .default([])
    .meta({ description: "Hosts that are known in advance. All of `duid`, `mac` and `relay` that an entry names must match." }),
});

export const zoneSchema = z.strictObject({
  name: domainField.meta({ description: "The zone with the hosts' names.", example: "alpha.example" }),
  reverse: z.boolean().default(true).meta({ description: "Whether the reverse zone of `ulid.prefix` is published too." }),
  ttl: z.int().min(0).max(604_800).default(300).meta({ description: "Seconds for which others may keep a record." }),
  servers: z
    .array(domainField)
    .min(1)
    .max(16)
    .optional()
    .meta({ description: "Names of the zone's servers.", defaultText: "`ns.` and the zone's name" }),
  contact: domainField
    .optional()
    .meta({ description: "Mailbox of the one in charge, its @ written as a dot.", defaultText: "`hostmaster.` and the zone's name" }),
  listen: z
    .array(dnsEndpointField)
    .max(16)
    .default([])
    .meta({ description: "Addresses of the box at which it answers the world's questions about the zone.", example: ["2001:db8:f1::2"] }),
  update: z
    .strictObject({
      server: dnsEndpointField.meta({ description: "Name server that takes dynamic updates (RFC 2136).", example: "2001:db8:f1::53" }),
      key: z
        .strictObject({
          name: domainField.meta({ description: "Name of the TSIG key.", example: "pshim6.alpha.example" }),
          algorithm: z.enum(["hmac-sha256", "hmac-sha384", "hmac-sha512"]).default("hmac-sha256").meta({ description: "Its algorithm." }),
          file: pathField(PATH_OCTETS).meta({ description: "File with the secret in base64, mode 0600.", example: "/etc/pshim6/tsig" }),
        })
        .optional()
        .meta({ description: "How updates are signed.", defaultText: "unsigned" }),
    })
    .optional()
    .meta({ description: "A name server of the site's that follows the leases.", defaultText: "none" }),
});
