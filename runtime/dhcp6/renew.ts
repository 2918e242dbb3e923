/** Renew (RFC 8415 §18.3.4), and what Rebind has in common with it. */
import type { Dhcp6Option, IaNa } from "../wire/dhcp6.ts";
import { REPLY, STATUS_NO_BINDING } from "../wire/dhcp6-number.ts";
import { type Answer, type Ask, addressesOf, emptyIa, every, othersEmpty } from "./ask.ts";
import { besideAddresses } from "./beside.ts";
import { type Lease, leaseKey } from "./table.ts";
import { endedAddress, livingIa } from "./time.ts";

/**
 * New lifetimes for what the client has. No bindings are made of a Renew or a Rebind: a client that is told NoBinding asks for one with its
 * next message (§18.2.10.1), and then it is sure that nobody else has one for it.
 */
export function answerRenew(ask: Ask): Answer {
  let name: string | undefined;
  const options = every(ask, "ia-na").map((ia): Dhcp6Option => {
    const extended = extend(ask, ia);
    name ??= extended?.name;
    return extended?.ia ?? emptyIa(ia, STATUS_NO_BINDING);
  });
  return { type: REPLY, options: [...options, ...othersEmpty(ask, STATUS_NO_BINDING, STATUS_NO_BINDING)], configuration: true, name };
}

/**
 * An IA with new lifetimes; addresses in it that are not the client's on this link are ended.
 * @returns `undefined` when there is no binding
 */
export function extend(ask: Ask, ia: IaNa): { readonly ia: Dhcp6Option; readonly name: string | undefined } | undefined {
  const { link, table, assigner, settings, wall } = ask;
  const named = addressesOf(ia);
  const own = named.flatMap((address) => bound(ask, ia, table.get(address)) ?? []);
  const here = link && bound(ask, ia, table.ofClient(leaseKey(ask.client.id, ia.iaid, link.subnet.base)));
  if (own.length === 0 && here === undefined) return undefined;
  const lease = link && assigner.bind(ask, link, ia.iaid, named);
  // The client does not use them any more when it has read the answer.
  for (const old of own) if (old.ulid !== lease?.ulid && table.get(old.ulid) === old) assigner.end(old, wall);
  const beside = lease === undefined ? [] : besideAddresses(settings, lease.ulid, wall);
  const alive = new Set([lease?.ulid, ...beside.map(({ address }) => address)]);
  const ended = [...new Set(named)].filter((address) => !alive.has(address));
  if (lease !== undefined) return { ia: livingIa(ia.iaid, lease.ulid, beside, ended, settings), name: lease.name };
  return { ia: { kind: "ia-na", iaid: ia.iaid, t1: 0, t2: 0, options: ended.map(endedAddress) }, name: undefined };
}

/** `lease` if it is the IA's; one that ran out or was given back can still be had again. */
export function bound({ client }: Ask, { iaid }: { readonly iaid: number }, lease: Lease | undefined): Lease | undefined {
  return lease?.client === client.id && lease.iaid === iaid && lease.state !== "declined" ? lease : undefined;
}
