/** Release and Decline (RFC 8415 §18.3.7, §18.3.8). */
import type { Address } from "../value/address.ts";
import type { Dhcp6Option, IaNa } from "../wire/dhcp6.ts";
import { DECLINE, REPLY, STATUS_NO_BINDING, STATUS_SUCCESS } from "../wire/dhcp6-number.ts";
import { type Answer, type Ask, addressesOf, emptyIa, every, othersEmpty, statusOf } from "./ask.ts";
import { isBeside } from "./beside.ts";
import { bound } from "./renew.ts";
import { type Lease, leaseKey } from "./table.ts";

/** The client's leases among those named end; its addresses stay its own to come back to. */
export function answerRelease(ask: Ask): Answer {
  return end(
    ask,
    (lease, named) => named.includes(lease.ulid),
    (lease) => ask.assigner.end(lease, ask.wall),
  );
}

/**
 * Somebody else uses the addresses: they are set aside, with what goes with them, because that has the same interface identifier. What is reserved
 * with a fixed address may be tried again after a valid lifetime; any other host just gets another address.
 */
export function answerDecline(ask: Ask): Answer {
  const { table, settings, now, wall } = ask;
  return end(
    ask,
    ({ ulid }, named) => named.some((address) => address === ulid || isBeside(settings, ulid, address)),
    (lease) => table.put({ ...lease, state: "declined", until: wall + settings.valid, ends: now + settings.valid }),
  );
}

function end(ask: Ask, isMeant: (lease: Lease, named: readonly Address[]) => boolean, what: (lease: Lease) => void): Answer {
  const options: Dhcp6Option[] = [statusOf(STATUS_SUCCESS)];
  for (const ia of every(ask, "ia-na")) {
    const leases = living(ask, ia);
    if (leases.length === 0) options.push(emptyIa(ia, STATUS_NO_BINDING));
    for (const lease of leases) if (isMeant(lease, addressesOf(ia))) what(lease);
  }
  // Prefixes cannot be declined (§18.2.8): nothing is said of them then.
  const others = othersEmpty(ask, STATUS_NO_BINDING, STATUS_NO_BINDING);
  options.push(...others.filter(({ kind }) => kind !== "ia-pd" || ask.message.type !== DECLINE));
  return { type: REPLY, options, configuration: false };
}

/** Leases that the IA has, on whatever link. */
function living(ask: Ask, ia: IaNa): Lease[] {
  const { table } = ask;
  const named = addressesOf(ia).flatMap((address) => bound(ask, ia, table.get(address)) ?? []);
  const here = ask.link && bound(ask, ia, table.ofClient(leaseKey(ask.client.id, ia.iaid, ask.link.subnet.base)));
  return [...new Set(here === undefined ? named : [...named, here])].filter(({ state }) => state === "bound");
}
