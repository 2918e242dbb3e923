/** Texts and numbers of a caller to values, or an error that names what was wrong. */
import type { ContextChange, ContextRecord, CorePrefixes, RecordTiming } from "../fast/contract.ts";
import { type Address, parseAddress } from "../value/address.ts";
import { type Prefix, parsePrefix } from "../value/prefix.ts";
import { CONTEXT_TAG_LIMIT, type ContextTag, contextTag } from "../value/tag.ts";
import type { ContextUpdate, ContextValues, SitePrefixes, Timing } from "./contract.ts";
import { CoreError } from "./error.ts";

const GENERIC = "fc00::/7";

/** @throws {CoreError} `address` */
export function readAddress(name: string, text: string): Address {
  const value = parseAddress(text);
  if (value === undefined) throw new CoreError("address", `${name}: \`${text}\` is no IPv6 address`);
  return value;
}

/** @throws {CoreError} `prefix` */
function readPrefix(name: string, text: string): Prefix {
  const value = parsePrefix(text);
  if (value === undefined) throw new CoreError("prefix", `${name}: \`${text}\` is no IPv6 prefix, or has bits behind its length`);
  return value;
}

/** @throws {CoreError} `tag` */
export function readTag(name: string, value: number): ContextTag {
  if (!Number.isInteger(value) || value < 0 || value >= CONTEXT_TAG_LIMIT)
    throw new CoreError("tag", `${name}: ${value} is not in 0 … 2^47 − 1`);
  return contextTag(value);
}

/** 32 bits. @throws {CoreError} `option` */
export function readFork(value = 0): number {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) throw new CoreError("option", `fork: ${value} is not in 0 … 2^32 − 1`);
  return value;
}

/** @throws {CoreError} `prefix` */
export function readPrefixes({ ulid, generic = GENERIC, locators }: SitePrefixes): CorePrefixes {
  return {
    ulid: readPrefix("ulid", ulid),
    generic: readPrefix("generic", generic),
    locators: locators.map((text, i) => readPrefix(`locators[${i}]`, text)),
  };
}

/** @throws {CoreError} `address`, `tag`, `option` */
export function readValues(values: ContextValues): ContextRecord {
  return {
    localUlid: readAddress("localUlid", values.localUlid),
    peerUlid: readAddress("peerUlid", values.peerUlid),
    fork: readFork(values.fork),
    localTag: readTag("localTag", values.localTag),
    peerTag: readTag("peerTag", values.peerTag),
    localLocator: readAddress("localLocator", values.localLocator),
    peerLocator: readAddress("peerLocator", values.peerLocator),
    timing: readTiming(values.timing ?? {}),
    ...(values.mtu === undefined ? {} : { mtu: values.mtu }),
  };
}

/** @throws {CoreError} `address`, `tag` */
export function readUpdate(change: ContextUpdate): ContextChange {
  const { localLocator, peerLocator, peerTag, timing, mtu } = change;
  return {
    ...(localLocator === undefined ? {} : { localLocator: readAddress("localLocator", localLocator) }),
    ...(peerLocator === undefined ? {} : { peerLocator: readAddress("peerLocator", peerLocator) }),
    ...(peerTag === undefined ? {} : { peerTag: readTag("peerTag", peerTag) }),
    ...(timing === undefined ? {} : { timing: readTiming(timing) }),
    ...(mtu === undefined ? {} : { mtu }),
  };
}

function readTiming({ sendTimeout = 0, keepaliveTimeout = 0, keepaliveInterval = 0, idleTimeout = 0 }: Timing): RecordTiming {
  return { sendTimeout, keepaliveTimeout, keepaliveInterval, idleTimeout };
}
