/** What the DNS gateway tells hosts, for the box itself: a question as a host would ask it, and its answer read. */
import { EDE_FILTERED, OPTION_EDE } from "../dns/known.ts";
import { ADDRESS_OCTETS, type Address, addressAt } from "../value/address.ts";
import { u16 } from "../value/bytes.ts";
import { Reject } from "../value/reject.ts";
import type { Millis } from "../value/time.ts";
import { type DnsName, RCODE_SERVFAIL, TYPE_AAAA } from "../wire/dns.ts";
import { DNS_MESSAGE_LIMIT, emitQuestion } from "../wire/dns-emit.ts";
import { parseDns } from "../wire/dns-parse.ts";

/** What hosts are told when they ask for the addresses of a name. */
export interface Looked {
  readonly rcode: number;
  readonly addresses: readonly Address[];
  /** Addresses were kept from hosts (RFC 8914 §4.18): they could not use them. */
  readonly filtered: boolean;
  /** Who knew it: the site's own zone, the gateway, or a resolver that had to be asked. */
  readonly by: "zone" | "memory" | "resolver";
}

/** The question of a host for the AAAA records of `name`. Nobody sees it on the wire. */
export function addressQuestion(name: DnsName): Uint8Array {
  return emitQuestion(0, name, TYPE_AAAA, { size: DNS_MESSAGE_LIMIT, version: 0, dnssecOk: false, flags: 0, options: [] });
}

/** What the response in `octets` tells; what cannot be read tells of a failure. */
export function readTold(octets: Uint8Array, by: Looked["by"]): Looked {
  const message = parseDns(octets);
  if (message instanceof Reject) return { rcode: RCODE_SERVFAIL, addresses: [], filtered: false, by };
  const records = message.answers.filter(({ type, data }) => type === TYPE_AAAA && data.length === ADDRESS_OCTETS);
  const errors = message.edns?.options.filter(({ code, data }) => code === OPTION_EDE && data.length >= 2) ?? [];
  return {
    rcode: message.rcode,
    addresses: records.map(({ data }) => addressAt(data)),
    filtered: errors.some(({ data }) => u16(data, 0) === EDE_FILTERED),
    by,
  };
}

/** An explanation waits for the DNS no longer. */
const LOOK_PATIENCE: Millis = 2_000;

/**
 * What hosts are told of `name`: `nobody` = nobody answers names here, `late` = not in time.
 * @param look asks, and says whether there is somebody to ask; `after` calls once, so many milliseconds later
 */
export function lookUp(
  name: DnsName,
  look: (name: DnsName, then: (told: Looked) => void) => boolean,
  after: (wait: Millis, run: () => void) => void,
): Promise<Looked | "nobody" | "late"> {
  return new Promise((resolve) => {
    if (!look(name, resolve)) resolve("nobody");
    else after(LOOK_PATIENCE, () => resolve("late"));
  });
}
