/** `tunnel` of a provider: the way to an exit router that the box makes itself (P-Shim6 draft §6, at its end). */
import { z } from "zod";
import { parseAddress } from "../value/address.ts";
import { globalAddressField, quote } from "./fields.ts";
import { IPV6_MINIMUM_MTU } from "./site.ts";

/** Those between IPv4 addresses. */
export const OVER_IPV4: ReadonlySet<string> = new Set(["sit", "gre"]);
/** VXLAN Network Identifiers have 24 bits (RFC 7348 §5). */
const VNI_MOST = 2 ** 24 - 1;

/** An IPv6 address that others reach, or an IPv4 address. */
const endField = z.string().transform((text, context): string => {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(text)) {
    if (text.split(".").every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return text;
    context.addIssue({ code: "custom", message: `is no IPv4 address: ${quote(text)}`, params: { hint: "write it like 192.0.2.1" } });
    return z.NEVER;
  }
  if (parseAddress(text) === undefined) {
    context.addIssue({
      code: "custom",
      message: `is no address: ${quote(text)}`,
      params: { hint: "write it like 2001:db8::1 or 192.0.2.1" },
    });
    return z.NEVER;
  }
  const read = globalAddressField.safeParse(text);
  if (read.success) return read.data;
  context.addIssue({
    code: "custom",
    message: read.error.issues[0].message,
    params: { hint: "give an address that the network between routes" },
  });
  return z.NEVER;
});

/** An address and how much of it is on the link: `2001:db8:53::2/64`. */
const insideField = z.string().transform((text, context): string => {
  const [head, tail, ...rest] = text.split("/");
  const value = parseAddress(head);
  if (value !== undefined && rest.length === 0 && /^\d{1,3}$/.test(tail ?? "") && Number(tail) <= 128) return `${value}/${Number(tail)}`;
  context.addIssue({
    code: "custom",
    message: `is no address with a length: ${quote(text)}`,
    params: { hint: "write it like 2001:db8:53::2/64" },
  });
  return z.NEVER;
});

export const tunnelSchema = z.strictObject({
  kind: z.enum(["ip6ip6", "ip6gre", "sit", "gre", "vxlan"]).meta({
    description:
      "`ip6ip6`: IPv6 in IPv6 (RFC 2473); `ip6gre`: GRE over IPv6; `sit`: IPv6 in IPv4 (RFC 4213); `gre`: GRE over IPv4; `vxlan`: Ethernet over UDP (RFC 7348), with `gateway` at its other end.",
    example: "ip6ip6",
  }),
  local: endField.meta({ description: "Address of this machine that its packets come from.", example: "2001:db8:51::2" }),
  remote: endField.meta({ description: "Address of the exit router.", example: "2001:db8:52::2" }),
  mtu: z
    .int()
    .min(IPV6_MINIMUM_MTU)
    .max(65_535)
    .optional()
    .meta({ description: "Octets of the largest packet inside.", defaultText: "what the kernel makes of the way to `remote`" }),
  address: insideField.optional().meta({
    description: "Address of this machine inside, with its length: where the exit router of a `vxlan` sends what is for this site.",
    defaultText: "none",
    example: "2001:db8:53::2/64",
  }),
  id: z.int().min(1).max(VNI_MOST).optional().meta({ description: "Network identifier of `vxlan`.", defaultText: "1" }),
});
