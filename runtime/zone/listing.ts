/** What a name server has of one zone, read out of a zone transfer (RFC 5936). */
import { ADDRESS_OCTETS, addressAt } from "../value/address.ts";
import { contains, type Prefix } from "../value/prefix.ts";
import { Reject } from "../value/reject.ts";
import { CLASS_IN, type DnsMessage, type DnsName, type DnsRecord, RCODE_NOERROR, TYPE_PTR, TYPE_SOA } from "../wire/dns.ts";
import { addressOfReverse, canonicalName, isBelow } from "../wire/dns-name.ts";
import { rdataName } from "../wire/dns-rdata.ts";
import type { SyncScope } from "./sync.ts";

/** What was found. Names are lower case. */
export interface Listing {
  /** Records of our types at names that bear our mark. */
  readonly ours: ReadonlyMap<string, readonly DnsRecord[]>;
  /** Names that somebody else gave to something, and what there is of our types. */
  readonly foreign: ReadonlyMap<string, readonly DnsRecord[]>;
}

/** What a message did to the transfer. */
export type TransferState = "more" | "done" | "broken" | "large";

/** Names of one zone that are read at most. */
const NAMES_MOST = 2_000_000;

/** Reads one transfer, message by message. */
export class TransferReader {
  readonly #scope: SyncScope;
  readonly #site: { readonly prefix: Prefix; readonly zone: DnsName };
  readonly #nodes = new Map<string, DnsRecord[]>();
  readonly #marked = new Set<string>();
  #begun = false;

  /** @param site the prefix that ULIDs of ours are in, and the forward zone that PTR records of ours name */
  constructor(scope: SyncScope, site: { readonly prefix: Prefix; readonly zone: DnsName }) {
    this.#scope = scope;
    this.#site = site;
  }

  /** The next message. Its records count only when the transfer ends well. */
  take({ rcode, answers }: DnsMessage): TransferState {
    if (rcode !== RCODE_NOERROR || answers.length === 0) return "broken";
    for (const [at, record] of answers.entries()) {
      const last = record.type === TYPE_SOA && this.#begun;
      if (last) return at === answers.length - 1 ? "done" : "broken";
      if (!this.#begun && (record.type !== TYPE_SOA || canonicalName(record.name) !== this.#scope.origin)) return "broken";
      this.#begun = true;
      this.#add(record);
      if (this.#nodes.size > NAMES_MOST) return "large";
    }
    return "more";
  }

  /** What the transfer came to, once it is done. */
  listing(): Listing {
    const ours = new Map<string, readonly DnsRecord[]>();
    const foreign = new Map<string, readonly DnsRecord[]>();
    for (const [name, records] of this.#nodes) (this.#marked.has(name) ? ours : foreign).set(name, records);
    return { ours, foreign };
  }

  #add(record: DnsRecord): void {
    const { types } = this.#scope;
    const name = canonicalName(record.name);
    if (record.class !== CLASS_IN || !isBelow(name, this.#scope.origin)) return;
    const records = this.#nodes.get(name) ?? [];
    this.#nodes.set(name, records);
    if (types.includes(record.type)) records.push({ ...record, name });
    if (this.#isMark(name, record)) this.#marked.add(name);
  }

  #isMark(name: DnsName, { type, data }: DnsRecord): boolean {
    if (type !== this.#scope.mark) return false;
    if (type !== TYPE_PTR) return data.length === ADDRESS_OCTETS && contains(this.#site.prefix, addressAt(data));
    const target = rdataName(data);
    return !(target instanceof Reject) && addressOfReverse(name) !== undefined && isBelow(target.name, this.#site.zone);
  }
}
