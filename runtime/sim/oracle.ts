/**
 * Watches every packet where it leaves a box, comes to one and is given to a host, and every box after each change of its
 * contexts. What must never happen is a {@link Violation}.
 */
import type { ContextView } from "../shim6/contract.ts";
import { addressAt, addressOctets, type Locator } from "../value/address.ts";
import { u48 } from "../value/bytes.ts";
import { Reject } from "../value/reject.ts";
import { CONTEXT_TAG_LIMIT, showTag } from "../value/tag.ts";
import type { Millis } from "../value/time.ts";
import { flowOf, parseControl, parseIcmpError, Refusal } from "../wire/index.ts";
import {
  IPV6_DESTINATION_AT,
  IPV6_HEADER_LENGTH,
  IPV6_NEXT_HEADER_AT,
  IPV6_SOURCE_AT,
  PROTOCOL_FRAGMENT,
  PROTOCOL_ICMPV6,
  PROTOCOL_SHIM6,
  SHIM6_P_BIT,
  SHIM6_TYPE_AT,
  TYPE_I1,
  TYPE_PROBE,
  TYPE_R1,
  TYPE_R1BIS,
  TYPE_R2,
} from "../wire/number.ts";
import { FragmentNames, Reassembly, readPiece } from "./fragments.ts";
import type { Ledger, Sent } from "./ledger.ts";
import type { Machine, Running } from "./machine.ts";
import { entryOf } from "./maps.ts";
import { numberOf } from "./packet.ts";
import type { People, Person } from "./people.ts";
import { type Invariant, Violation } from "./violation.ts";

const PAYLOAD_HEADER = 8;
/** With more contexts than this a box is looked at as a whole only so often. */
const FEW_CONTEXTS = 12;
const LOOK_AGAIN: Millis = 100;
/** Addresses of a packet, and its tag behind them. */
const ADDRESSES_OCTETS = 32;

/** Who made a packet. */
export type Author = "owner" | "watcher" | "blind";

/** Answers that only take a nonce or a tag, which somebody on the path has seen. I2 and I2bis take a validator made for their source. */
const SEEN_SUFFICES: ReadonlySet<number> = new Set([TYPE_R1, TYPE_R2, TYPE_R1BIS, TYPE_PROBE]);

/** What the oracle knows about the world. */
export interface OracleWorld {
  readonly people: People;
  readonly ledger: Ledger;
  now(): Millis;
  personOf(ulid: string): Person | undefined;
  /** Providers of a site. */
  providersOf(site: number): number;
  /** Contexts and held octets that a box may have. */
  readonly contextsMost: number;
  readonly heldMost: number;
}

/** What a payload packet of a context must look like at this moment. */
interface Expected {
  readonly version: number;
  readonly context: ContextView | undefined;
  readonly addresses: Uint8Array;
}

/** The judge of one world. */
export class Oracle {
  readonly #world: OracleWorld;
  readonly #expected = new Map<Machine, Map<Person, Map<Person, Map<number, Expected>>>>();
  readonly #looked = new Map<Machine, { version: number; at: Millis }>();
  readonly #names = new FragmentNames();
  readonly #reassembly = new Reassembly();
  readonly #locators = new Map<Person, readonly Locator[]>();

  constructor(world: OracleWorld) {
    this.#world = world;
  }

  /** A box put `packet` on the wire. */
  leaves(machine: Machine, packet: Uint8Array): void {
    if (packet[IPV6_NEXT_HEADER_AT] !== PROTOCOL_SHIM6)
      return this.#fail("leak", `a packet of protocol ${packet[IPV6_NEXT_HEADER_AT]} left`);
    if ((packet[IPV6_HEADER_LENGTH + SHIM6_TYPE_AT] & SHIM6_P_BIT) === 0) return;
    const sent = this.#sentOf(packet);
    if (sent === undefined || sent.from.site !== machine.site) return this.#fail("stranger", "payload left that no host of the site sent");
    if (this.#countLeaving(sent, packet) > 1) this.#fail("twice", `packet ${sent.number} left ${sent.left} times`);
    this.#checkPair(machine, sent, packet);
  }

  /** The packet that a payload packet on a wire is, or a piece of. */
  #sentOf(packet: Uint8Array): Sent | undefined {
    const type = packet[IPV6_HEADER_LENGTH];
    const number =
      type === PROTOCOL_FRAGMENT
        ? this.#names.numberOf(packet, IPV6_HEADER_LENGTH + PAYLOAD_HEADER)
        : numberOf(packet, type, PAYLOAD_HEADER);
    return this.#world.ledger.find(number);
  }

  /** Each piece may leave once. @returns how often this one did */
  #countLeaving(sent: Sent, packet: Uint8Array): number {
    if (packet[IPV6_HEADER_LENGTH] !== PROTOCOL_FRAGMENT) return ++sent.left;
    const { offset } = readPiece(packet, IPV6_HEADER_LENGTH + PAYLOAD_HEADER);
    sent.pieces ??= new Set();
    if (sent.left > 0 || sent.pieces.has(offset)) return ++sent.left;
    sent.pieces.add(offset);
    return 1;
  }

  #checkPair(machine: Machine, sent: Sent, packet: Uint8Array): void {
    const { context, addresses } = this.#expect(machine, sent);
    if (context === undefined) return this.#fail("wrong-context", `packet ${sent.number} left without a context`);
    for (let i = 0; i < ADDRESSES_OCTETS; i++) {
      if (packet[IPV6_SOURCE_AT + i] !== addresses[i])
        return this.#fail(
          "wrong-context",
          `packet ${sent.number} left by ${addressAt(packet, IPV6_SOURCE_AT)} → ${addressAt(packet, IPV6_DESTINATION_AT)}, its context by ${addressAt(addresses, 0)} → ${addressAt(addresses, 16)}`,
        );
    }
    const tag = u48(packet, IPV6_HEADER_LENGTH + SHIM6_TYPE_AT) - CONTEXT_TAG_LIMIT;
    if (tag !== context.peerTag) this.#fail("wrong-context", `packet ${sent.number} left with a tag that is not its context's`);
  }

  /** What packets like `sent` leave as. Looked up again when the box has said something since. */
  #expect(machine: Machine, sent: Sent): Expected {
    const { from, to } = sent;
    const fork = forkOf(machine, sent);
    const byFrom = entryOf(this.#expected, machine, () => new Map<Person, Map<Person, Map<number, Expected>>>());
    const byTo = entryOf(byFrom, from, () => new Map<Person, Map<number, Expected>>());
    const byFork = entryOf(byTo, to, () => new Map<number, Expected>());
    const known = byFork.get(fork);
    if (known?.version === machine.version) return known;
    const fresh = this.#lookUp(machine, from, to, fork);
    byFork.set(fork, fresh);
    return fresh;
  }

  #lookUp(machine: Machine, from: Person, to: Person, fork: number): Expected {
    const addresses = new Uint8Array(ADDRESSES_OCTETS);
    const { running, version } = machine;
    const { shim6, reap } = running?.box.parts ?? {};
    const context = shim6?.find({ local: from.ulid, peer: to.ulid, fork });
    const current = context === undefined ? undefined : reap?.currentOf(context.id);
    if (running === undefined || context === undefined || current === undefined) return { version, context: undefined, addresses };
    addresses.set(addressOctets(current.local), 0);
    addresses.set(addressOctets(current.peer), 16);
    if (!running.answered.has(current.peer))
      this.#fail("unanswered", `context ${context.id} sends to ${current.peer}, which never answered`);
    return { version, context, addresses };
  }

  /** `packet` comes to a box, from whom it says or from somebody who sees what the box sends, or who does not. */
  comes(machine: Machine, packet: Uint8Array, by: Author): void {
    const { running } = machine;
    if (running === undefined || packet[IPV6_NEXT_HEADER_AT] !== PROTOCOL_SHIM6) return;
    const type = packet[IPV6_HEADER_LENGTH + SHIM6_TYPE_AT];
    if ((type & SHIM6_P_BIT) !== 0) {
      const first = packet[IPV6_HEADER_LENGTH] !== PROTOCOL_FRAGMENT || readPiece(packet, IPV6_HEADER_LENGTH + PAYLOAD_HEADER).offset === 0;
      const sent = this.#sentOf(packet);
      if (sent !== undefined && first) sent.came++;
    } else if (by === "blind" || type === TYPE_I1 || (by === "watcher" && !SEEN_SUFFICES.has(type))) return;
    else if (type === TYPE_PROBE) hearReports(running, packet);
    else running.answered.add(addressAt(packet, IPV6_SOURCE_AT));
  }

  /** A box gave `packet` to the LAN. @returns what the host sent at the other end, or `undefined` for an error, and for a piece of what is not complete */
  delivers(machine: Machine, delivered: Uint8Array): Sent | undefined {
    const packet = delivered[IPV6_NEXT_HEADER_AT] === PROTOCOL_FRAGMENT ? this.#reassembly.take(delivered) : delivered;
    if (packet === undefined) return undefined;
    const type = packet[IPV6_NEXT_HEADER_AT];
    if (type === PROTOCOL_ICMPV6) {
      this.#checkError(machine, packet);
      return undefined;
    }
    const sent = this.#world.ledger.find(numberOf(packet, type, 0));
    if (sent === undefined) {
      this.#fail("stranger", `a packet of protocol ${type} from ${addressAt(packet, IPV6_SOURCE_AT)} that no host sent`);
      return undefined;
    }
    this.#compare(sent, packet);
    if (sent.to.site !== machine.site) this.#fail("wrong-ulid", `packet ${sent.number} came to site ${machine.site}`);
    if (++sent.delivered > sent.came)
      this.#fail("twice", `packet ${sent.number} was delivered ${sent.delivered} times and came ${sent.came} times`);
    return sent;
  }

  #compare(sent: Sent, packet: Uint8Array): void {
    const whole = sent.packet;
    for (let i = IPV6_SOURCE_AT; i < IPV6_HEADER_LENGTH; i++)
      if (whole[i] !== packet[i])
        return this.#fail(
          "wrong-ulid",
          `packet ${sent.number} from ${sent.from.ulid} to ${sent.to.ulid} was delivered as ${addressAt(packet, IPV6_SOURCE_AT)} → ${addressAt(packet, IPV6_DESTINATION_AT)}`,
        );
    if (whole.length !== packet.length)
      this.#fail("changed", `packet ${sent.number} had ${whole.length} octets and arrives with ${packet.length}`);
    for (let i = 0; i < whole.length; i++)
      if (whole[i] !== packet[i]) return this.#fail("changed", `octet ${i} of packet ${sent.number} was ${whole[i]} and is ${packet[i]}`);
  }

  /** An ICMPv6 error may reach only the host whose packet it quotes, with its ULIDs. */
  #checkError(machine: Machine, packet: Uint8Array): void {
    const error = parseIcmpError(packet);
    if (error instanceof Reject) return this.#fail("changed", `an ICMPv6 message that is none (${error.why}) was delivered`);
    const { quote } = error;
    const sent = this.#world.ledger.find(numberOf(quote, quote[IPV6_NEXT_HEADER_AT], 0));
    const cut = quote[IPV6_NEXT_HEADER_AT] === PROTOCOL_FRAGMENT && addressAt(quote, IPV6_SOURCE_AT) === error.destination;
    if (cut && this.#world.personOf(error.destination)?.site === machine.site) return;
    const same = sent?.from.site === machine.site && sent.from.ulid === error.destination && startsWith(sent.packet, quote);
    if (!same) this.#fail("stranger", `an ICMPv6 error of type ${error.type} about a packet that ${error.destination} did not send`);
  }

  /** Looks at a box after something happened to it. */
  look(machine: Machine): void {
    const { running, version } = machine;
    if (running === undefined) return;
    const { octets } = running.box.held;
    if (octets > this.#world.heldMost) this.#fail("unbounded", `${octets} octets are held, more than ${this.#world.heldMost}`);
    const seen = this.#looked.get(machine);
    const now = this.#world.now();
    if (seen?.version === version) return;
    if (seen === undefined) this.#looked.set(machine, { version, at: now });
    else if (now - seen.at < LOOK_AGAIN && running.box.parts.reap.stateOf(FEW_CONTEXTS) !== undefined) return;
    else {
      seen.version = version;
      seen.at = now;
    }
    this.#lookAtContexts(machine, running);
  }

  #lookAtContexts(machine: Machine, { box }: Running): void {
    const { core, shim6, reap } = box.parts;
    const tags = new Map<string, number>();
    let count = 0;
    let settled = true;
    for (const context of shim6.contexts()) {
      count++;
      const { id, pair, state } = context;
      const usable = state === "ESTABLISHED" || state === "I2BIS-SENT";
      const inCore = core.findPair(pair.local, pair.peer, pair.fork);
      if (inCore !== (usable ? id : -1)) this.#fail("disagree", `context ${id} is ${state} and the core's record of its pair is ${inCore}`);
      if (usable !== (reap.stateOf(id) !== undefined))
        this.#fail("disagree", `context ${id} is ${state} and REAP has it in ${reap.stateOf(id)}`);
      if (usable && core.findTag(context.localTag) !== id) this.#fail("disagree", `the core does not find context ${id} by its tag`);
      this.#checkLocators(machine, context, reap.currentOf(id));
      settled &&= state === "ESTABLISHED" && reap.stateOf(id) === "Operational";
      if (!usable) continue;
      for (const { address } of context.peerLocators) {
        const key = `${address} ${showTag(context.peerTag ?? context.localTag)}`;
        const other = tags.get(key);
        if (other !== undefined) this.#fail("disagree", `contexts ${other} and ${id} send with the same tag to ${address}`);
        tags.set(key, id);
      }
    }
    if (settled && box.held.keys > 0) this.#fail("stranded", `packets wait for ${box.held.keys} contexts, and all contexts carry traffic`);
    if (count > this.#world.contextsMost) this.#fail("unbounded", `${count} contexts, more than ${this.#world.contextsMost}`);
  }

  #checkLocators(machine: Machine, context: ContextView, current: { readonly local: Locator; readonly peer: Locator } | undefined): void {
    const { pair, localLocators, peerLocators, id } = context;
    const local = this.#world.personOf(pair.local);
    const peer = this.#world.personOf(pair.peer);
    if (local?.site !== machine.site) return this.#fail("leak", `context ${id} is for ${pair.local}, which is no host of the site`);
    if (peer === undefined) return this.#fail("unverified", `context ${id} is with ${pair.peer}, which does not exist`);
    const ours = this.#locatorsOf(local);
    const theirs = this.#locatorsOf(peer);
    for (const locator of localLocators) if (!ours.includes(locator)) this.#fail("leak", `context ${id} has the local locator ${locator}`);
    for (const { address, verified } of peerLocators)
      if (!verified || !theirs.includes(address)) this.#fail("unverified", `context ${id} has the peer locator ${address}`);
    if (current === undefined) return;
    const listed = localLocators.includes(current.local) && peerLocators.some(({ address }) => address === current.peer);
    if (!listed) this.#fail("disagree", `context ${id} sends by ${current.local} → ${current.peer}, which its locators do not have`);
  }

  #locatorsOf(person: Person): readonly Locator[] {
    const known = this.#locators.get(person);
    if (known !== undefined) return known;
    const made = Array.from({ length: this.#world.providersOf(person.site) }, (_, i) => this.#world.people.locator(person, i));
    this.#locators.set(person, made);
    return made;
  }

  /** Traffic ended long ago: nothing may be left. */
  empty(machine: Machine): void {
    const { running } = machine;
    if (running === undefined) return;
    const { box } = running;
    const { core, shim6, reap } = box.parts;
    const left = [...shim6.contexts()];
    const say = (what: string): void => this.#fail("left-over", `site ${machine.site}: ${what}`);
    if (left.length > 0) say(`${left.length} contexts, the first of them ${left[0].state}`);
    if (box.held.octets > 0 || box.held.keys > 0) say(`${box.held.octets} octets for ${box.held.keys} contexts are held`);
    for (let id = 0; id < core.shared.sizes.contexts; id++) {
      if (reap.stateOf(id) !== undefined) say(`REAP has context ${id}`);
      let live = true;
      try {
        core.counters(id);
      } catch {
        live = false;
      }
      if (live) say(`the core has record ${id}`);
    }
    const waits = { shim6: shim6.wakeAt, reap: reap.wakeAt, core: core.wakeAt, clock: machine.due };
    for (const [name, at] of Object.entries(waits)) if (Number.isFinite(at)) say(`${name} waits for ${at}`);
  }

  #fail(invariant: Invariant, what: string): void {
    throw new Violation(invariant, this.#world.now(), what);
  }
}

/** A Probe tells which of our probes arrived: their destinations answered. */
/** Instance of the context that the packet must be on, as the rules have it; 0 where there are none about flows. */
function forkOf({ running }: Machine, { from, to, packet }: Sent): number {
  const { box } = running ?? {};
  if (box === undefined || box.settings.policy?.rules.some(({ fork }) => fork !== undefined) !== true) return 0;
  const flow = flowOf(packet);
  return flow instanceof Reject ? 0 : box.carrierOf({ local: from.ulid, peer: to.ulid, fork: 0 }, flow).fork;
}

function hearReports(running: Running, packet: Uint8Array): void {
  const parsed = parseControl(packet);
  if (parsed instanceof Reject || parsed instanceof Refusal || parsed.message.kind !== "Probe") return;
  for (const { destination } of parsed.message.received) running.answered.add(destination);
}

function startsWith(whole: Uint8Array, start: Uint8Array): boolean {
  if (start.length > whole.length) return false;
  for (let i = 0; i < start.length; i++) if (start[i] !== whole[i]) return false;
  return true;
}
