/** Solicit (RFC 8415 §18.3.1, §18.3.9). */
import type { Dhcp6Option } from "../wire/dhcp6.ts";
import { ADVERTISE, REPLY, STATUS_NO_ADDRS_AVAIL, STATUS_NO_PREFIX_AVAIL } from "../wire/dhcp6-number.ts";
import { type Answer, type Ask, addressesOf, emptyIa, every, one, othersEmpty } from "./ask.ts";
import { besideAddresses } from "./beside.ts";
import { grant } from "./request.ts";
import { livingIa } from "./time.ts";

/** Leases at once, where the client wants and the operator lets it; else what a Request would get. */
export function answerSolicit(ask: Ask): Answer {
  const { settings, link, assigner, wall } = ask;
  if (settings.rapidCommit && one(ask, "rapid-commit") !== undefined) {
    const granted = grant(ask);
    // With nothing to commit, there is nothing that could not be asked for again.
    if (granted.leases > 0)
      return { type: REPLY, options: [{ kind: "rapid-commit" }, ...granted.options], configuration: true, first: true, name: granted.name };
  }
  let name: string | undefined;
  const options = every(ask, "ia-na").map((ia): Dhcp6Option => {
    const offer = link && assigner.offer(ask, link, ia.iaid, addressesOf(ia));
    name ??= offer?.name;
    return offer === undefined
      ? emptyIa(ia, STATUS_NO_ADDRS_AVAIL)
      : livingIa(ia.iaid, offer.ulid, besideAddresses(settings, offer.ulid, wall), [], settings);
  });
  if (settings.preference > 0) options.unshift({ kind: "preference", value: settings.preference });
  return {
    type: ADVERTISE,
    options: [...options, ...othersEmpty(ask, STATUS_NO_ADDRS_AVAIL, STATUS_NO_PREFIX_AVAIL)],
    configuration: true,
    name,
  };
}
