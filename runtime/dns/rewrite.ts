/** What hosts are told: ULIDs for addresses where a name has them (draft §4.2.2), everything else as it came. */
import { addressOctets, type Ulid } from "../value/address.ts";
import { Reject } from "../value/reject.ts";
import { CLASS_IN, type DnsName, type DnsRecord, TYPE_A, TYPE_AAAA, TYPE_ANY, TYPE_HTTPS, TYPE_SVCB } from "../wire/dns.ts";
import { canonicalName, ROOT } from "../wire/dns-name.ts";
import { type Binding, bindingOf, leastTtl, type NoBinding } from "./binding.ts";
import { covers } from "./chain.ts";
import { EDE_FILTERED, isFailure } from "./known.ts";
import { type Inquiry, type Resolution, resolve, startOf } from "./resolve.ts";
import { BARE, type Draft, ede, hiddenSoa } from "./respond.ts";
import { mayHaveUlid } from "./special.ts";
import { hasHints, parseService, rewriteHints, type Service } from "./svcb.ts";

/** What is answered, and what comes of it. */
export interface Answered {
  readonly draft: Draft;
  /** Names whose ULIDs were looked at, with what was found. */
  readonly bindings: readonly { readonly name: DnsName; readonly binding: Binding }[];
  /** The ULID of another site that the answer tells. */
  readonly told: Ulid | undefined;
}

/** One question of a host. */
export interface Wanted {
  /** Lower case. */
  readonly name: DnsName;
  readonly type: number;
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
  /** Which of several ULIDs of a name. */
  choose(name: DnsName, ulids: readonly Ulid[]): Ulid;
}

/** Chosen: seconds that an answer holds when nobody could say whether the name has a ULID. */
const UNSURE_TTL = 30;
/** Chosen: targets of one service whose ULIDs are looked up; hints of others go. */
const TARGETS_MOST = 8;

/**
 * The answer to one question. Whoever sets DO and CD validates for himself and gets what upstream has (RFC 6147 §5.5, case 3). CD alone gets the rewritten
 * answer, made of validated data; if these do not validate, what upstream has.
 * @returns `undefined` = not yet
 */
export function answerFor(inquiry: Inquiry, wanted: Wanted): Answered | undefined {
  const { name, type, dnssecOk, checkingDisabled } = wanted;
  if (dnssecOk && checkingDisabled) return plain(inquiry, name, type, true);
  const answered = rewritten(inquiry, wanted);
  return answered !== undefined && checkingDisabled && isFailure(answered.draft) ? plain(inquiry, name, type, true) : answered;
}

function rewritten(inquiry: Inquiry, wanted: Wanted): Answered | undefined {
  const { name, type } = wanted;
  if (!mayHaveUlid(name)) return plain(inquiry, name, type, false);
  switch (type) {
    case TYPE_AAAA:
    case TYPE_ANY:
      return forAddress(inquiry, wanted);
    case TYPE_A:
      return forA(inquiry, wanted);
    case TYPE_SVCB:
    case TYPE_HTTPS:
      return forService(inquiry, wanted);
    default:
      return plain(inquiry, name, type, false);
  }
}

/** What upstream or the site's zone says, as it is. */
function plain(inquiry: Inquiry, name: DnsName, type: number, checkingDisabled: boolean): Answered | undefined {
  const found = resolve(inquiry, name, type, checkingDisabled);
  if (found === undefined) return undefined;
  return { draft: draftOf(found), bindings: [], told: undefined };
}

function draftOf(found: Resolution): Draft {
  const { rcode, links, records, authority, additional, authentic, authoritative, errors, until } = found;
  return { rcode, answers: [...links, ...records], authority, additional, authentic, authoritative, errors, until };
}

/** AAAA and ANY: exactly one AAAA with the ULID, or as it is. ANY of a name with a ULID gets no more than that (RFC 8482 §4.1). */
function forAddress(inquiry: Inquiry, wanted: Wanted): Answered | undefined {
  const { name, type } = wanted;
  // AAAA is needed in any case: both are asked at once.
  const addresses = resolve(inquiry, name, TYPE_AAAA);
  const binding = bindingOf(inquiry, name);
  if (addresses === undefined || binding === undefined) return undefined;
  if (binding.ulids !== undefined) return isFailure(addresses) ? asItIs(addresses, binding) : withUlid(wanted, binding);
  const found = type === TYPE_AAAA ? addresses : resolve(inquiry, name, type);
  if (found === undefined) return undefined;
  const hides = inquiry.settings.legacy === "hide" && !found.isOurs && found.records.some((record) => record.type === TYPE_AAAA);
  return hides ? withoutAaaa(found, binding, type) : asItIs(found, binding);
}

function withUlid(wanted: Wanted, binding: Binding): Answered {
  const { ulids, ulidAnswer, ttl, isOurs } = binding;
  const ulid = wanted.choose(ulidAnswer.end, ulids);
  const record: DnsRecord = { name: ulidAnswer.end, type: TYPE_AAAA, class: CLASS_IN, ttl, data: addressOctets(ulid) };
  const draft: Draft = {
    ...BARE,
    answers: [...ulidAnswer.links, record],
    authentic: mayClaim(wanted, binding.authentic),
    authoritative: ulidAnswer.authoritative,
    until: binding.until,
  };
  return { draft, bindings: [{ name: wanted.name, binding }], told: isOurs ? undefined : ulid };
}

/** AD of what was changed: only for those who set DO, and only if all of it was validated (RFC 6147 §5.5, cases 1 and 2). */
function mayClaim({ dnssecOk }: Wanted, authentic: boolean): boolean {
  return dnssecOk && authentic;
}

/** As it is; for a short time if nobody could say whether there is a ULID. */
function asItIs(found: Resolution, binding: Binding | NoBinding): Answered {
  const draft = draftOf(found);
  const until = Math.min(draft.until, binding.until);
  const unsure = binding.ulids === undefined && binding.failed;
  const short = (records: readonly DnsRecord[]) =>
    unsure ? records.map((record) => ({ ...record, ttl: Math.min(record.ttl, UNSURE_TTL) })) : records;
  return { draft: { ...draft, answers: short(draft.answers), authority: short(draft.authority), until }, bindings: [], told: undefined };
}

/** The site's legacy policy: hosts have nothing to reach such an address with. */
function withoutAaaa(found: Resolution, binding: NoBinding, type: number): Answered {
  const rest = found.records.filter((record) => record.type !== TYPE_AAAA && !covers(record, TYPE_AAAA));
  const authority = type === TYPE_AAAA || rest.length === 0 ? [hiddenSoa(found.end, leastTtl(found.records))] : [];
  const until = Math.min(found.until, binding.until);
  const draft: Draft = { ...BARE, answers: [...found.links, ...rest], authority, errors: [ede(EDE_FILTERED)], until };
  return { draft, bindings: [], told: undefined };
}

/** A: none where there is a ULID, because hosts would prefer IPv4 to it (RFC 6724 §2.1). */
function forA(inquiry: Inquiry, wanted: Wanted): Answered | undefined {
  const found = resolve(inquiry, wanted.name, TYPE_A);
  const binding = bindingOf(inquiry, wanted.name);
  if (found === undefined || binding === undefined) return undefined;
  const bindings = binding.ulids === undefined ? [] : [{ name: wanted.name, binding }];
  if (binding.ulids === undefined || !found.records.some(({ type }) => type === TYPE_A)) return { ...asItIs(found, binding), bindings };
  const { end, links } = binding.ulidAnswer;
  const own = binding.isOurs ? startOf(inquiry.local, end) : [];
  const draft: Draft = {
    ...BARE,
    answers: links,
    authority: own.length > 0 ? own : [hiddenSoa(end, binding.ttl)],
    authentic: mayClaim(wanted, binding.authentic && found.authentic),
    authoritative: binding.ulidAnswer.authoritative,
    errors: [ede(EDE_FILTERED)],
    until: Math.min(found.until, binding.until),
  };
  return { draft, bindings, told: undefined };
}

interface Offer {
  readonly record: DnsRecord;
  readonly service: Service;
  /** Whose addresses are hinted at; `undefined` = none are. */
  readonly target: DnsName | undefined;
}

/** SVCB and HTTPS: hints of addresses become the ULID where the target has one (RFC 9460 §7.3). */
function forService(inquiry: Inquiry, wanted: Wanted): Answered | undefined {
  const found = resolve(inquiry, wanted.name, wanted.type);
  if (found === undefined) return undefined;
  const offers: Offer[] = [];
  for (const record of found.records) {
    const service = record.type === wanted.type ? parseService(record.data) : undefined;
    if (service instanceof Reject) inquiry.drop(service.why);
    else if (service !== undefined) offers.push({ record, service, target: hintedTarget(record, service) });
  }
  const targets = [...new Set(offers.flatMap(({ target }) => target ?? []))];
  const looked = targets.slice(0, TARGETS_MOST).map((name) => ({ name, binding: bindingOf(inquiry, name) }));
  const bindings = new Map<DnsName, Binding | NoBinding>();
  for (const { name, binding } of looked) {
    if (binding === undefined) return undefined;
    bindings.set(name, binding);
  }
  return serviceAnswer(wanted, found, offers, bindings);
}

function hintedTarget(record: DnsRecord, service: Service): DnsName | undefined {
  if (!hasHints(service)) return undefined;
  return service.target === ROOT ? record.name : canonicalName(service.target);
}

function serviceAnswer(
  wanted: Wanted,
  found: Resolution,
  offers: readonly Offer[],
  bindings: ReadonlyMap<DnsName, Binding | NoBinding>,
): Answered {
  const draft = draftOf(found);
  let { until, authentic } = draft;
  const told: { name: DnsName; binding: Binding }[] = [];
  const changed = new Map<DnsRecord, DnsRecord>();
  for (const { record, service, target } of offers) {
    const binding = target === undefined ? undefined : bindings.get(target);
    if (target === undefined) continue;
    until = Math.min(until, binding?.until ?? until);
    if (binding !== undefined && binding.ulids === undefined) continue;
    const ulid = binding === undefined ? undefined : wanted.choose(binding.ulidAnswer.end, binding.ulids);
    changed.set(record, { ...record, ttl: Math.min(record.ttl, binding?.ttl ?? record.ttl), data: rewriteHints(service, ulid) });
    authentic &&= binding?.authentic ?? false;
    if (binding !== undefined) told.push({ name: target, binding });
  }
  const read = new Set(offers.map(({ record }) => record));
  const records = found.records
    .filter((record) => record.type !== wanted.type || read.has(record))
    .filter((record) => changed.size === 0 || !covers(record, wanted.type))
    .map((record) => changed.get(record) ?? record);
  const claims = changed.size === 0 ? authentic : mayClaim(wanted, authentic);
  return { draft: { ...draft, answers: [...found.links, ...records], authentic: claims, until }, bindings: told, told: undefined };
}
