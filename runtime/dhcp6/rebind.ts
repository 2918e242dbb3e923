/** Rebind (RFC 8415 §18.3.5). */
import type { Dhcp6Option } from "../wire/dhcp6.ts";
import { REPLY, STATUS_NO_BINDING } from "../wire/dhcp6-number.ts";
import { type Answer, type Ask, addressesOf, emptyIa, every, othersEmpty } from "./ask.ts";
import { isOnLink } from "./link.ts";
import { extend } from "./renew.ts";
import { endedAddress } from "./time.ts";

/** As Renew; without a binding, addresses that cannot be right on this link are ended, whoever gave them. */
export function answerRebind(ask: Ask): Answer {
  const { link } = ask;
  let name: string | undefined;
  const options = every(ask, "ia-na").map((ia): Dhcp6Option => {
    const extended = extend(ask, ia);
    name ??= extended?.name;
    if (extended !== undefined) return extended.ia;
    const wrong = link === undefined ? [] : addressesOf(ia).filter((address) => !isOnLink(link, address));
    if (wrong.length === 0) return emptyIa(ia, STATUS_NO_BINDING);
    return { kind: "ia-na", iaid: ia.iaid, t1: 0, t2: 0, options: wrong.map(endedAddress) };
  });
  return { type: REPLY, options: [...options, ...othersEmpty(ask, STATUS_NO_BINDING, STATUS_NO_BINDING)], configuration: true, name };
}
