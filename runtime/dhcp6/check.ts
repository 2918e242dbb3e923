/** Which messages a server takes (RFC 8415 §16), as a table. */
import { sameBytes } from "../value/bytes.ts";
import { type Reject, reject } from "../value/reject.ts";
import type { Dhcp6Message } from "../wire/dhcp6.ts";
import { CONFIRM, DECLINE, INFORMATION_REQUEST, REBIND, RELEASE, RENEW, REQUEST, SOLICIT } from "../wire/dhcp6-number.ts";
import { dhcp6Option } from "../wire/dhcp6-option.ts";

interface Rule {
  /** Client Identifier. */
  readonly client: "must" | "may";
  /** Server Identifier; whatever is there must be ours. */
  readonly server: "must" | "may" | "never";
  /** What becomes of it without multicast or a relay: §16 wants some discarded, §18.4 has others told so. */
  readonly unicast: "discard" | "refuse";
  readonly associations: boolean;
}

const asking: Rule = { client: "must", server: "never", unicast: "discard", associations: true };
const addressed: Rule = { client: "must", server: "must", unicast: "refuse", associations: true };
/** §16.2 to §16.12. Other types are for clients and relays. */
const RULES: ReadonlyMap<number, Rule> = new Map([
  [SOLICIT, asking],
  [REQUEST, addressed],
  [CONFIRM, asking],
  [RENEW, addressed],
  [REBIND, asking],
  [DECLINE, addressed],
  [RELEASE, addressed],
  [INFORMATION_REQUEST, { client: "may", server: "may", unicast: "discard", associations: false }],
]);
/** IAs in a message: a host has one for each interface and kind. An answer may be longer than what it answers, so there is an end. */
export const ASSOCIATION_LIMIT = 32;

/**
 * Whether `message` is one for us.
 * @param isUnicast it came to an address of ours, and not from a relay
 * @returns `take`, `refuse` (to be answered UseMulticast, §18.4), or a Reject: `type-dhcp6`, `no-client-id-dhcp6`, `server-id-dhcp6` (one too
 * many or missing), `other-server-dhcp6`, `association-dhcp6` (not allowed, too many, or an IAID twice: §12), `unicast-dhcp6`
 */
export function checkMessage({ type, options }: Dhcp6Message, serverDuid: Uint8Array, isUnicast: boolean): "take" | "refuse" | Reject {
  const rule = RULES.get(type);
  if (rule === undefined) return reject("type-dhcp6", type);
  const client = dhcp6Option(options, "client-id");
  const server = dhcp6Option(options, "server-id");
  if (client === undefined && rule.client === "must") return reject("no-client-id-dhcp6", type);
  if (server === undefined ? rule.server === "must" : rule.server === "never") return reject("server-id-dhcp6", type);
  if (server !== undefined && !sameBytes(server.duid, serverDuid)) return reject("other-server-dhcp6", type);
  const associations = options.flatMap((option) => ("iaid" in option ? [`${option.kind} ${option.iaid}`] : []));
  const isOdd = associations.length > (rule.associations ? ASSOCIATION_LIMIT : 0) || new Set(associations).size < associations.length;
  if (isOdd) return reject("association-dhcp6", associations.length);
  if (!isUnicast) return "take";
  // §18.4 would have Solicit, Confirm, Rebind and Information-request answered too; §16 says that they MUST be discarded, and so do others.
  return rule.unicast === "refuse" ? "refuse" : reject("unicast-dhcp6", type);
}
