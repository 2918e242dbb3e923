/** From a ULID to its locators by way of the reverse tree (draft §4.2.1; §6, step 4C). */
import type { Ulid } from "../value/address.ts";
import { contains } from "../value/prefix.ts";
import { Reject } from "../value/reject.ts";
import { type DnsName, TYPE_PTR } from "../wire/dns.ts";
import { canonicalName, reverseName } from "../wire/dns-name.ts";
import { rdataName } from "../wire/dns-rdata.ts";
import { bindingOf } from "./binding.ts";
import { isFailure } from "./known.ts";
import { type Agreement, agree, type Testimony } from "./proof.ts";
import { type Inquiry, resolve } from "./resolve.ts";

/** Names of one ULID that are looked at. Chosen: a host has one (draft §4.2.1). */
const NAMES_MOST = 4;

/** What both trees say. */
export interface Located extends Agreement {
  /** Whether nothing was found because nobody could say. */
  readonly failed: boolean;
}

const NOWHERE: Located = { locators: [], names: [], failed: false };

/** Looks `ulid` up. ULIDs of the site itself, and what is no ULID, have no locators here. @returns `undefined` = not yet */
export function locate(inquiry: Inquiry, ulid: Ulid): Located | undefined {
  const { generic, own } = inquiry.settings;
  if (!contains(generic, ulid) || contains(own, ulid)) return NOWHERE;
  const pointers = resolve(inquiry, reverseName(ulid), TYPE_PTR);
  if (pointers === undefined) return undefined;
  if (isFailure(pointers)) return { ...NOWHERE, failed: true };
  const names = new Set<DnsName>();
  for (const { type, data } of pointers.records) {
    const read = type === TYPE_PTR ? rdataName(data) : undefined;
    if (read !== undefined && !(read instanceof Reject) && names.size < NAMES_MOST) names.add(canonicalName(read.name));
  }
  const found = [...names].map((name) => ({ name, binding: bindingOf(inquiry, name) }));
  const forward: Testimony[] = [];
  let failed = false;
  for (const { name, binding } of found) {
    if (binding === undefined) return undefined;
    if (binding.ulids !== undefined) forward.push({ name, ulids: binding.ulids, locators: binding.locators });
    else failed ||= binding.failed;
  }
  const agreed = agree(ulid, [...names], forward);
  return { ...agreed, failed: failed && agreed.locators.length === 0 };
}
