/** What a peer says of itself, verified and taken into its context (RFC 5533 §7.13, §7.16, §7.20, §10.4). */

import type { Locator, Ulid } from "../value/address.ts";
import { sameBytes } from "../value/bytes.ts";
import type { ContextTag } from "../value/tag.ts";
import {
  type Capabilities,
  findOption,
  type I2,
  type I2bis,
  type LocatorList,
  type Option,
  type Preference,
  type R2,
  type UpdateRequest,
} from "../wire/message.ts";
import type { Context, PeerData } from "./context.ts";
import type { DnsProof, PeerLocator, Shim6World } from "./contract.ts";
import type { Engine } from "./engine.ts";
import { isSigned } from "./generations.ts";
import { judgeReceived, preferencesFit, type Received, type ReceiverContext } from "./receive.ts";

const NO_PREFERENCE: Preference = { flags: 0 };
/** Stands for "no method": the locator is the ULID itself, which needs no proof. */
const METHOD_NONE = 0;

/**
 * Judges `message`, and carries out a verdict other than acceptance.
 * @returns its options once it is accepted: everything listed in them is verified, in the numbers of §5.15.2
 */
export function listHolds(
  engine: Engine,
  received: Received,
  message: I2 | I2bis | R2 | UpdateRequest,
  context: ReceiverContext | undefined,
): readonly Option[] | undefined {
  const pair = { local: received.destination, peer: received.source };
  const peer = context?.peerUlid ?? findOption(message.options, "ulid-pair")?.sender ?? received.source;
  const name = message.kind.toLowerCase();
  if (isStale(engine, peer, message.options)) {
    engine.drop(`stale-${name}`);
    return undefined;
  }
  const proof = proofOf(engine, peer, message.options);
  if (proof === "unknown") {
    engine.effects.push({ kind: "prove", ulid: peer });
    return undefined;
  }
  if (proof !== undefined && received.source !== peer && !proof.locators.has(received.source)) {
    engine.drop(`unproved-${name}`);
    return undefined;
  }
  const cost = proof?.alone === true ? 0 : engine.verifier.cost(message.options, context?.peerPds);
  if (cost > 0 && !engine.mayAnswer("verify", received.source, cost)) return undefined;
  const verdict = judgeReceived(received, context, proof?.alone === true ? DNS_PROVES : engine.verifier);
  switch (verdict.action) {
    case "accept": {
      if (verdict.list === undefined) return message.options;
      const options = withList(message.options, verdict.list);
      if (!isStale(engine, peer, options)) return options;
      engine.drop(`stale-${name}`);
      return undefined;
    }
    case "drop":
      engine.drop(verdict.why);
      return undefined;
    case "r1bis":
      engine.sendR1bis(pair, verdict.packetTag);
      return undefined;
    case "error":
      engine.drop(`refused-${name}`);
      engine.sendError(pair, verdict.code, verdict.pointer, received.packet);
      return undefined;
  }
}

/** Where the DNS alone proves, what CGA and HBA say does not count. */
const DNS_PROVES: Pick<Shim6World, "verifyCga" | "verifyHba" | "verifyList"> = {
  verifyCga: () => true,
  verifyHba: () => true,
  verifyList: () => true,
};

/** What the DNS says of `peer`, where these options list locators and its word is wanted. */
function proofOf(engine: Engine, peer: Ulid, options: readonly Option[]): DnsProof | undefined {
  const list = findOption(options, "locator-list");
  if (list === undefined) return undefined;
  return engine.world.proof?.(
    peer,
    list.locators.map(({ address }) => address),
  );
}

/** Which locators of `peer` are proved; `undefined` = those of every list that was accepted. */
function provedOf(engine: Engine, peer: Ulid): ReadonlySet<Locator> | undefined {
  const proof = engine.world.proof?.(peer, []);
  return proof === "unknown" ? undefined : proof?.locators;
}

function isStale(engine: Engine, peer: Ulid, options: readonly Option[]): boolean {
  const list = findOption(options, "locator-list");
  return list !== undefined && isSigned(options) && engine.generations.judge(peer, list) === "stale";
}

function withList(options: readonly Option[], list: LocatorList): readonly Option[] {
  return options.map((option) => (option.kind === "locator-list" ? { ...option, ...list } : option));
}

/**
 * Takes CT(peer), list, preferences, CGA parameters, Keepalive Timeout and capabilities of an accepted I2, I2bis or R2.
 * Without a list, a list that is known stays, and a peer never heard of has its source alone, which then is its ULID.
 * @returns whether anything differs from what was known
 */
export function recordPeer(engine: Engine, context: Context, options: readonly Option[], tag: ContextTag, source: Locator): boolean {
  const before = context.peer;
  const list = newestList(engine, context, options);
  const known = before?.locators ?? [{ address: source, method: METHOD_NONE, verified: true, preference: NO_PREFERENCE }];
  const locators = list === undefined ? known : takeList(before, list, provedOf(engine, context.pair.peer));
  const generation = list?.generation ?? before?.generation;
  const preferences = findOption(options, "locator-preferences");
  // Preferences that do not fit are ignored here; only in an Update Request are they an error (shim6-wire §8).
  const fit = preferences !== undefined && preferences.generation === generation && preferencesFit(preferences, locators.length);
  const pds = findOption(options, "cga-pds")?.pds ?? before?.pds;
  const after: PeerData = {
    tag,
    locators: fit ? withPreferences(locators, preferences.elements) : locators,
    generation,
    pds: pds === undefined || pds === before?.pds ? pds : pds.slice(),
    box: boxOf(engine, context.pair.peer, before, pds, options),
    keepaliveSeconds: keepaliveOf(options) ?? before?.keepaliveSeconds,
    capabilities: capabilitiesOf(options),
  };
  context.peer = after;
  return before === undefined || !samePeer(before, after);
}

/** Takes list, preferences and Keepalive Timeout of an accepted Update Request. @returns whether anything differs from what was known */
export function recordUpdate(engine: Engine, context: Context, peer: PeerData, options: readonly Option[]): boolean {
  const list = newestList(engine, context, options);
  const generation = list?.generation ?? peer.generation;
  const given = findOption(options, "locator-preferences");
  // Judged against the list beside them; one that is out of date was not taken, and they were made for it.
  const preferences = given?.generation === generation ? given : undefined;
  const pds = findOption(options, "cga-pds")?.pds;
  const listed = list === undefined ? peer.locators : takeList(peer, list, provedOf(engine, context.pair.peer));
  const after: PeerData = {
    ...peer,
    locators: preferences === undefined ? listed : withPreferences(listed, preferences.elements),
    generation,
    pds: pds === undefined ? peer.pds : pds.slice(),
    keepaliveSeconds: keepaliveOf(options) ?? peer.keepaliveSeconds,
  };
  context.peer = after;
  return !samePeer(peer, after);
}

/** The locators of a verified list. One that is known keeps the preferences that it was given: those beside an older list went with that. */
function takeList(
  before: PeerData | undefined,
  { generation, locators }: LocatorList,
  proved: ReadonlySet<Locator> | undefined,
): readonly PeerLocator[] {
  const known = before?.generation === generation ? before.locators : [];
  const isProved = (address: Locator) => proved?.has(address) ?? true;
  const same =
    known.length === locators.length &&
    locators.every(
      ({ address, method }, i) => address === known[i].address && method === known[i].method && known[i].verified === isProved(address),
    );
  return same ? known : locators.map((each) => ({ ...each, verified: isProved(each.address), preference: NO_PREFERENCE }));
}

/** The verified list of a message, or the newer one that the peer is known by. */
function newestList(engine: Engine, context: Context, options: readonly Option[]): LocatorList | undefined {
  const list = findOption(options, "locator-list");
  if (list === undefined || !isSigned(options)) return list;
  return engine.generations.learn(context.pair.peer, list, options);
}

/**
 * The peer's box is named by its key, and only a signature proves whose that is: anybody can put another's key into parameters
 * of their own, and a set of HBAs needs no signature. Where the DNS alone proves, nobody looked at the signature.
 */
function boxOf(
  engine: Engine,
  peer: Ulid,
  before: PeerData | undefined,
  pds: Uint8Array | undefined,
  options: readonly Option[],
): string | undefined {
  const proof = engine.world.proof?.(peer, []);
  if (pds === undefined || (proof !== undefined && proof !== "unknown" && proof.alone)) return undefined;
  if (isSigned(options)) return engine.world.boxOf(pds);
  return before?.pds !== undefined && sameBytes(before.pds, pds) ? before.box : undefined;
}

function withPreferences(locators: readonly PeerLocator[], elements: readonly Preference[]): PeerLocator[] {
  return locators.map((each, i) => ({ ...each, preference: elements[i] }));
}

/** 0 is ignored (reap §2). */
function keepaliveOf(options: readonly Option[]): number | undefined {
  const seconds = findOption(options, "keepalive-timeout")?.seconds;
  return seconds === 0 ? undefined : seconds;
}

function capabilitiesOf(options: readonly Option[]): Capabilities | undefined {
  const option = findOption(options, "capabilities");
  return option && { version: option.version, sendTimeout: option.sendTimeout };
}

function samePeer(a: PeerData, b: PeerData): boolean {
  const samePds = a.pds === b.pds || (a.pds !== undefined && b.pds !== undefined && sameBytes(a.pds, b.pds));
  return (
    samePds &&
    a.tag === b.tag &&
    a.generation === b.generation &&
    a.keepaliveSeconds === b.keepaliveSeconds &&
    a.capabilities?.version === b.capabilities?.version &&
    a.capabilities?.sendTimeout === b.capabilities?.sendTimeout &&
    a.locators.length === b.locators.length &&
    a.locators.every((locator, i) => sameLocator(locator, b.locators[i]))
  );
}

function sameLocator(a: PeerLocator, b: PeerLocator): boolean {
  const p = a.preference;
  const q = b.preference;
  return (
    a.address === b.address &&
    a.method === b.method &&
    a.verified === b.verified &&
    p.flags === q.flags &&
    p.priority === q.priority &&
    p.weight === q.weight
  );
}
