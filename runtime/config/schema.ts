/**
 * site.yaml as a schema: the one place where a setting, its default, its bounds and its description stand.
 * `docs/site.yaml.md` is generated from here (build/docs.ts). What concerns several settings at once is in {@link ./cross.ts}.
 */
import { z } from "zod";
import { establishSchema } from "./establish-schema.ts";
import {
  addressField,
  autoPrefixField,
  durationField,
  endpointField,
  globalAddressField,
  interfaceField,
  nameField,
  pathField,
  prefixField,
  SEGMENT_LEAST,
  segmentField,
} from "./fields.ts";
import { admissionSchema, firewallSchema } from "./firewall-schema.ts";
import { legacySchema } from "./legacy-schema.ts";
import { LIST_LIMIT, PATH_OCTETS } from "./limits.ts";
import { linksSchema } from "./links-schema.ts";
import { logSchema } from "./log-schema.ts";
import { dhcpSchema, dnsSchema, zoneSchema } from "./name-schema.ts";
import { RULE_LIMIT, ruleSchema } from "./policy-schema.ts";
import { economySettings, failbackField } from "./provider-schema.ts";
import { reapSchema } from "./reap-schema.ts";
import { CONTEXT_LIMIT, IPV6_MINIMUM_MTU, PAYLOAD_HEADER_OCTETS, PROVIDER_LIMIT, ROUTABLE_LIMIT } from "./site.ts";
import { tunnelSchema } from "./tunnel-schema.ts";

/** sun_path of Linux without its final NUL. */
const SOCKET_PATH_OCTETS = 107;
/** The largest segment that a TUN with offloads hands over fits into one context's share. */
const HOLD_OCTETS_LEAST = 65_576;
const MEBIBYTE = 1_048_576;

/** 0, 253, 254, 255 and the box's own numbers are refused in cross.ts. */
const tableField = z.int().min(1).max(4_294_967_295);
const rank = z.int().min(0).max(255);

export const providerSchema = z.strictObject({
  name: nameField.meta({ description: "What the provider is called in tables and logs; unique.", example: "isp1" }),
  prefix: autoPrefixField.meta({
    description:
      "The prefix that the provider routes to this site. A host's locator is this prefix followed by the remaining bits of its ULID. At most 64 bits long; prefixes of two providers must not overlap. `auto`: it changes by itself, and `pshim6 provider set-prefix` tells it (docs/operations.md).",
    example: "2001:db8:a1::/48",
  }),
  interface: interfaceField.meta({ description: "Interface of the line to the provider.", example: "up1" }),
  gateway: addressField
    .optional()
    .meta({ description: "The provider's router on that line. Leave it out on a point-to-point line.", example: "2001:db8:f1::1" }),
  priority: rank.default(10).meta({ description: "Providers with the lowest number are used first." }),
  weight: rank.default(10).meta({ description: "Share of new contexts among providers of one priority." }),
  ...economySettings,
  table: tableField.optional().meta({
    description: "Number of the routing table that gets the provider's default route.",
    defaultText: "14001 for the first provider, 14002 for the second, …",
  }),
  hosts: prefixField.optional().meta({
    description: "With `legacy.mode: pa`: a prefix that the provider routes to this site for the hosts' own addresses, /64 or shorter.",
    defaultText: "the part of `prefix` that `legacy.subnet` names",
  }),
  tunnel: tunnelSchema.optional().meta({
    description: "A tunnel to the provider's exit router, which the box makes as `interface` when it starts and removes when it stops.",
    defaultText: "none: `interface` is there already",
  }),
});

export const siteSchema = z.strictObject({
  site: nameField.meta({
    description: "The site's name. Part of file names, so: lower-case letters, digits and hyphens.",
    example: "alpha",
  }),
  ulid: z
    .strictObject({
      prefix: prefixField.meta({
        description: "The site's own block of identifiers, out of which its hosts have their addresses. At most 64 bits long.",
        example: "fc00:aaaa:1::/48",
      }),
      generic: prefixField
        .prefault("fc00::/7")
        .meta({ description: "The block that the identifiers of all sites come from. Everything in it is reached through the box." }),
      routable: z
        .array(prefixField)
        .max(ROUTABLE_LIMIT)
        .default([])
        .meta({
          description:
            "Prefixes of which hosts have addresses that the internet routes to them as they are: a provider's prefix, or a part of it. Such an address is an identifier too. Its packets to the internet pass without a context, until there has been enough of them (`establish`).",
          example: ["2001:db8:a1:1::/64"],
        }),
    })
    .meta({ description: "Upper-layer identifiers (ULIDs): the addresses that hosts see." }),
  lan: z
    .strictObject({
      interface: interfaceField.meta({ description: "Interface towards the hosts.", example: "lan" }),
      subnets: z
        .array(prefixField)
        .min(1)
        .max(1024)
        .meta({
          description: "Subnets of `ulid.prefix` and `ulid.routable` that are reached over it, at most 64 bits long.",
          example: ["fc00:aaaa:1::/64"],
        }),
      advertise: z.boolean().default(false).meta({
        description:
          "Whether the box tells the hosts by router advertisements that it is their router, that packets have room for the Shim6 header, what is on the link, who answers for names, and, with `dhcp`, that their addresses come from there. No prefix is for autoconfiguration.",
      }),
    })
    .meta({ description: "The inside." }),
  providers: z.array(providerSchema).min(1).max(PROVIDER_LIMIT).meta({ description: "The lines to the internet, one entry each." }),
  bindings: z
    .array(
      z.strictObject({
        ulid: globalAddressField.meta({ description: "Identifier of a host at another site.", example: "fc00:bbbb:1::10" }),
        locators: z
          .array(globalAddressField)
          .min(1)
          .max(64)
          .meta({ description: "Addresses at which it is reached, best first.", example: ["2001:db8:b3::10"] }),
      }),
    )
    .max(LIST_LIMIT)
    .default([])
    .meta({ description: "Static ULID → locators, like a hosts file." }),
  hosts: z
    .array(
      z.strictObject({
        name: nameField.meta({ description: "The host's name; unique.", example: "h1" }),
        ulid: globalAddressField.meta({
          description: "Its identifier, as `pshim6 cga generate` printed it.",
          example: "fc00:aaaa:1:0:3c4a:5bf6:ffb4:ca6c",
        }),
      }),
    )
    .max(LIST_LIMIT)
    .default([])
    .meta({ description: "Hosts of this site whose identifiers the box made; their locators can be proved to others." }),
  state: pathField(PATH_OCTETS)
    .optional()
    .meta({ description: "Directory of what must last: the site's key and the CGA parameters.", defaultText: "/var/lib/pshim6/<site>" }),
  control: pathField(SOCKET_PATH_OCTETS)
    .optional()
    .meta({ description: "Unix socket on which the running box answers `pshim6 show`.", defaultText: "/run/pshim6/<site>.sock" }),
  tun: z
    .strictObject({
      name: interfaceField.prefault("pshim0").meta({ description: "Name of the TUN device." }),
      mtu: z
        .int()
        .min(IPV6_MINIMUM_MTU + PAYLOAD_HEADER_OCTETS)
        .max(65_535)
        .default(1500)
        .meta({
          description: `Octets of the largest packet that all providers' lines carry. Hosts are told ${PAYLOAD_HEADER_OCTETS} octets less, which the Shim6 header takes.`,
        }),
      queues: z.int().min(1).max(PROVIDER_LIMIT).default(1).meta({ description: "Queues of the device, each with a thread of its own." }),
    })
    .prefault({})
    .meta({ description: "The device through which packets come to the box." }),
  mss: segmentField.prefault("auto").meta({
    description:
      "Largest TCP segment that hosts on both sides may agree on. `auto`: what the path takes, 1432 when it carries 1500; a number: that at most, whatever the path takes; `off`: what they like.",
    valueText: `\`auto\` \`off\` or ${SEGMENT_LEAST} … 65535`,
  }),
  icmp: z
    .strictObject({
      pass: z.enum(["auto", "all"]).default("auto").meta({
        description:
          "Which ICMPv6 errors from the internet hosts get to see, translated to identifiers. `auto`: all but those about which the box does something itself, because another path may help; `all`: these too.",
      }),
    })
    .prefault({})
    .meta({ description: "Errors from the internet about hosts' packets." }),
  mtu: z
    .strictObject({
      probe: z.boolean().default(true).meta({
        description:
          "Whether the box finds out with large packets of its own what a path to a box of this kind carries, where routers that should tell do not.",
      }),
    })
    .prefault({})
    .meta({ description: "What paths carry. The largest packet of all is `tun.mtu`." }),
  contexts: z
    .strictObject({
      max: z.int().min(1).max(CONTEXT_LIMIT).default(65_536).meta({ description: "Shim6 contexts at most; rounded up to a power of two." }),
      idle: durationField.prefault("600s").meta({
        description: "A context without a packet for so long is discarded. RFC 5533 §8 recommends at least 300s; less draws a warning.",
      }),
    })
    .prefault({})
    .meta({ description: "Bounds of the context table." }),
  hold: z
    .strictObject({
      packets: z.int().min(1).max(4_096).default(32).meta({ description: "Packets per context." }),
      octets: z
        .int()
        .min(HOLD_OCTETS_LEAST)
        .max(1_024 * MEBIBYTE)
        .default(262_144)
        .meta({ description: "Octets per context." }),
      total: z
        .int()
        .min(HOLD_OCTETS_LEAST)
        .max(16_384 * MEBIBYTE)
        .default(16 * MEBIBYTE)
        .meta({ description: "Octets over all contexts." }),
    })
    .prefault({})
    .meta({ description: "What may wait while a context comes up or looks for a path. More is dropped and counted." }),
  establish: establishSchema.prefault({}).meta({
    description:
      "When a context is set up for packets that need none: those between an address in `ulid.routable` and one that the internet routes. For all others it is set up at once.",
  }),
  legacy: legacySchema.prefault({}).meta({
    description: "How hosts with nothing but a ULID and peers without Shim6 reach each other ([peers without Shim6](legacy.md)).",
  }),
  reap: reapSchema.prefault({}).meta({ description: "Failure detection." }),
  shim6: z
    .strictObject({
      routingHeader: z
        .enum(["drop", "pass"])
        .default("drop")
        .meta({ description: "What happens to packets of hosts that carry a routing header, which could lead them around the box." }),
    })
    .prefault({})
    .meta({ description: "The protocol." }),
  egress: z
    .strictObject({
      manage: z
        .boolean()
        .default(true)
        .meta({ description: "Whether the box sets the kernel's routes and rules itself. If not, `pshim6 check --routes` prints them." }),
    })
    .prefault({})
    .meta({ description: "Routing in the kernel." }),
  links: linksSchema.prefault({}).meta({ description: "What is done when lines to providers go down and come back." }),
  log: logSchema.prefault({}).meta({ description: "Logging." }),
  key: z
    .strictObject({
      bits: z.literal([1024, 2048, 3072, 4096]).default(2048).meta({ description: "Size of the site's RSA key, when it is made." }),
    })
    .prefault({})
    .meta({ description: "The key that the hosts' addresses are bound to." }),
  api: z
    .strictObject({
      listen: endpointField.meta({ description: "Address and port of the HTTP interface; an address in brackets.", example: "[::1]:8686" }),
    })
    .optional()
    .meta({ description: "Management over HTTP.", defaultText: "none" }),
  dns: dnsSchema
    .optional()
    .meta({ description: "The DNS gateway, through which hosts see identifiers instead of addresses.", defaultText: "no gateway" }),
  dhcp: dhcpSchema.optional().meta({ description: "The DHCPv6 server, which gives hosts their identifiers.", defaultText: "no server" }),
  policy: z.array(ruleSchema).max(RULE_LIMIT).default([]).meta({
    description:
      "Which providers carry what, one entry for each rule. The first that matches decides; without `pin`, `prefer`, `avoid` or `spread` it says that the providers' own priorities hold.",
  }),
  failback: failbackField.prefault("60s").meta({
    description:
      "When contexts go back to a provider that they had to leave and that their rule or the priorities want: `never`, `idle` (when they have carried nothing for ten seconds), `at-once`, or for how long it must have worked before. A rule may say otherwise for its own.",
  }),
  firewall: firewallSchema
    .optional()
    .meta({ description: "The filter between hosts and peers, by identifiers, in the kernel's nftables.", defaultText: "none" }),
  admission: z.array(admissionSchema).max(RULE_LIMIT).default([]).meta({
    description:
      "Whose contexts the box takes part in when a peer begins, before anything is kept of them; the first entry that matches decides.",
  }),
  zone: zoneSchema.optional().meta({ description: "What the site publishes of its hosts.", defaultText: "nothing" }),
});

export type ParsedSite = z.output<typeof siteSchema>;
