/** One zone at a name server: what should be there, what is known to be there, and the next step from one to the other. */
import type { DnsName, DnsRecord } from "../wire/dns.ts";
import type { ZoneNode } from "./contents.ts";
import { changedNames, recordDifference } from "./difference.ts";
import type { Listing } from "./listing.ts";
import { deleteRecord, deleteRrset, nameNotInUse, rrsetExists } from "./update.ts";

/** Which records of the zone are ours to change; all others, whoever made them, stay. */
export interface SyncScope {
  readonly origin: DnsName;
  /** AAAA and ULID, or PTR. */
  readonly types: readonly number[];
  /** The type whose record marks a name as ours: ULID, or PTR. */
  readonly mark: number;
}

/** A step: one update message's worth. */
export interface SyncStep {
  readonly prerequisites: readonly DnsRecord[];
  readonly updates: readonly DnsRecord[];
  /** What the names hold when it is done. */
  readonly names: ReadonlyMap<string, readonly DnsRecord[]>;
  /** Those of them that are claims. */
  readonly claims: ReadonlySet<string>;
}

/** Octets of records in one message at most, counted without compression: well below the 65,535 that TCP carries. */
const STEP_OCTETS = 32_768;
/** Records in one message at most: a server should not be busy with it for long. */
const STEP_RECORDS = 1_000;
const NONE: readonly DnsRecord[] = [];

/** State of one zone. All names are lower case. */
export class ZoneSync {
  readonly scope: SyncScope;
  #wanted: ReadonlyMap<string, ZoneNode> = new Map();
  /** Records of ours that the server has, by name. */
  readonly #there = new Map<string, readonly DnsRecord[]>();
  /** Names that somebody else gave to something, with what there is of our types. */
  #foreign: ReadonlyMap<string, readonly DnsRecord[]> = new Map();
  /** Names of which it is not known what the server has. */
  readonly #unsure = new Set<string>();
  /** Names that may differ, oldest first. */
  readonly #pending = new Set<string>();
  /** Whether the server was seen whole: then what is neither in `#there` nor `#unsure` is not there. */
  #seen = false;

  constructor(scope: SyncScope) {
    this.scope = scope;
  }

  /** Names that wait for a step. */
  get pending(): number {
    return this.#pending.size;
  }

  /** From now on this is what should be there. */
  want(nodes: ReadonlyMap<string, ZoneNode>): void {
    for (const name of changedNames(this.#wanted, nodes))
      if ((nodes.get(name) ?? this.#wanted.get(name))?.ulid !== undefined) this.#pending.add(name);
    this.#wanted = nodes;
  }

  /** This is what the server has. */
  listed(listing: Listing): void {
    this.#seen = true;
    this.#unsure.clear();
    this.#there.clear();
    for (const [name, records] of listing.ours) {
      this.#there.set(name, records);
      this.#pending.add(name);
    }
    this.#foreign = listing.foreign;
    this.#wantAll();
  }

  /** The server does not show what it has: what should be there replaces whatever is, but for claims, which are left out. */
  unlisted(): void {
    this.#seen = false;
    this.#foreign = new Map();
    this.#wantAll();
  }

  /** The next step. @returns `undefined` when everything is as it should be */
  step(): SyncStep | undefined {
    const prerequisites: DnsRecord[] = [];
    const updates: DnsRecord[] = [];
    const names = new Map<string, readonly DnsRecord[]>();
    const claims = new Set<string>();
    let octets = 0;
    for (const name of this.#pending) {
      const node = this.#wanted.get(name);
      if (!this.#isOurs(name, node)) {
        this.#pending.delete(name);
        continue;
      }
      const wanted = node?.ulid === undefined ? NONE : node.records;
      const sure = this.#isSure(name);
      const changes = sure ? this.#fewest(name, wanted) : this.#replacement(name, wanted);
      const conditions = changes.length > 0 && sure && node?.claimed ? [this.#condition(name)] : [];
      const size = [...changes, ...conditions].reduce((sum, { name: owner, data }) => sum + owner.length + 12 + data.length, 0);
      if (names.size > 0 && (octets + size > STEP_OCTETS || updates.length + changes.length > STEP_RECORDS)) break;
      this.#pending.delete(name);
      if (changes.length === 0) continue;
      prerequisites.push(...conditions);
      updates.push(...changes);
      names.set(name, wanted);
      if (node?.claimed) claims.add(name);
      octets += size;
    }
    return names.size === 0 ? undefined : { prerequisites, updates, names, claims };
  }

  /** The server did the step. */
  done(step: SyncStep): void {
    for (const [name, records] of step.names) {
      this.#unsure.delete(name);
      if (records.length === 0) this.#there.delete(name);
      else this.#there.set(name, records);
    }
  }

  /**
   * The server did not do the step, or nobody knows (`unsure`): it is to be done again.
   * @returns whether the server should be looked at first
   */
  failed(step: SyncStep, unsure: boolean): boolean {
    for (const name of step.names.keys()) {
      this.#pending.add(name);
      // A claim that may have failed is never followed by a deletion: the name may be somebody else's.
      if (unsure && !step.claims.has(name)) this.#unsure.add(name);
    }
    return unsure && this.#seen;
  }

  #wantAll(): void {
    for (const [name, { ulid }] of this.#wanted) if (ulid !== undefined) this.#pending.add(name);
  }

  /** Whether the name is for us to touch: not one that a host claims and that may be somebody else's, nor one that left before we put anything there. */
  #isOurs(name: string, node: ZoneNode | undefined): boolean {
    if (node?.claimed) return this.#seen && !this.#foreign.has(name);
    return node !== undefined || this.#seen || this.#there.has(name) || this.#unsure.has(name);
  }

  #isSure(name: string): boolean {
    return !this.#unsure.has(name) && (this.#seen || this.#there.has(name));
  }

  #fewest(name: string, wanted: readonly DnsRecord[]): DnsRecord[] {
    // Whoever the site itself named takes over what is there.
    const there = this.#there.get(name) ?? (wanted.length > 0 ? this.#foreign.get(name) : undefined) ?? NONE;
    const { gone, come } = recordDifference(there, wanted);
    return [...gone.map(deleteRecord), ...come];
  }

  #replacement(name: string, wanted: readonly DnsRecord[]): DnsRecord[] {
    return [...this.scope.types.map((type) => deleteRrset(name as DnsName, type)), ...wanted];
  }

  /** A host's own word never takes a name that somebody else gave to something. */
  #condition(name: string): DnsRecord {
    const known = (this.#there.get(name) ?? NONE).length > 0;
    return known ? rrsetExists(name as DnsName, this.scope.mark) : nameNotInUse(name as DnsName);
  }
}
