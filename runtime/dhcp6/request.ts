/** Request (RFC 8415 §18.3.2). */
import type { Dhcp6Option } from "../wire/dhcp6.ts";
import { REPLY, STATUS_NO_ADDRS_AVAIL, STATUS_NO_PREFIX_AVAIL, STATUS_NOT_ON_LINK } from "../wire/dhcp6-number.ts";
import { type Answer, type Ask, addressesOf, emptyIa, every } from "./ask.ts";
import { besideAddresses } from "./beside.ts";
import { isOnLink } from "./link.ts";
import { livingIa } from "./time.ts";

/** A lease for each IA_NA, the one that there is already if there is one. */
export function answerRequest(ask: Ask): Answer {
  const { options, name } = grant(ask);
  return { type: REPLY, options, configuration: true, first: true, name };
}

/** The IAs of a message with leases made, and how many there are. */
export function grant(ask: Ask): { readonly options: readonly Dhcp6Option[]; readonly leases: number; readonly name: string | undefined } {
  const { link, assigner, settings, wall } = ask;
  let leases = 0;
  let name: string | undefined;
  const options = every(ask, "ia-na").map((ia): Dhcp6Option => {
    const hints = addressesOf(ia);
    if (link !== undefined && !hints.every((hint) => isOnLink(link, hint))) return emptyIa(ia, STATUS_NOT_ON_LINK);
    const lease = link && assigner.bind(ask, link, ia.iaid, hints);
    if (lease === undefined) return emptyIa(ia, STATUS_NO_ADDRS_AVAIL);
    leases++;
    name ??= lease.name;
    return livingIa(ia.iaid, lease.ulid, besideAddresses(settings, lease.ulid, wall), [], settings);
  });
  for (const ia of every(ask, "ia-ta")) {
    const isElsewhere = link !== undefined && !addressesOf(ia).every((hint) => isOnLink(link, hint));
    options.push(emptyIa(ia, isElsewhere ? STATUS_NOT_ON_LINK : STATUS_NO_ADDRS_AVAIL));
  }
  for (const ia of every(ask, "ia-pd")) options.push(emptyIa(ia, STATUS_NO_PREFIX_AVAIL));
  return { options, leases, name };
}
