/**
 * One world: sites with hosts, boxes and providers, the internet between them, and time that moves from event to event. The way of a
 * packet: flow → LAN → machine → box → oracle → network → machine → box → oracle → host → flow.
 */
import { addressAt, addressOctets, type Locator, type Ulid } from "../value/address.ts";
import { Reject } from "../value/reject.ts";
import { type Millis, NEVER } from "../value/time.ts";
import { emitIcmpError, parseIcmpError } from "../wire/index.ts";
import {
  ICMP6_PACKET_TOO_BIG,
  ICMP6_PARAMETER_PROBLEM,
  ICMP6_UNRECOGNISED_NEXT_HEADER,
  IPV6_DESTINATION_AT,
  IPV6_HEADER_LENGTH,
  IPV6_NEXT_HEADER_AT,
  IPV6_SOURCE_AT,
  PROTOCOL_SHIM6,
} from "../wire/number.ts";
import { Agenda } from "./agenda.ts";
import { type AttackWorld, forgeBlindly, tamper } from "./attacker.ts";
import { Dice } from "./dice.ts";
import { type FaultWorld, planFault } from "./faults.ts";
import { createFlow, type Flow, type FlowWorld } from "./flow.ts";
import { Ledger, type Sent } from "./ledger.ts";
import { Liveness } from "./liveness.ts";
import { Machine } from "./machine.ts";
import { Network, type ProviderEnd, type Road } from "./network.ts";
import { type Author, Oracle } from "./oracle.ts";
import type { SimOutside } from "./outside.ts";
import { flowOf, numberOf } from "./packet.ts";
import { type People, type Person, ulidPrefix } from "./people.ts";
import { LABEL, type Plan } from "./plan.ts";
import { layRoads } from "./roads.ts";
import { HOLD, settingsOf } from "./settings.ts";
import { nameOf, showPacket } from "./show.ts";
import { Trace, type Watchers } from "./trace.ts";
import { Violation } from "./violation.ts";

/** From a host to its box and back. */
const LAN_DELAY: Millis = 0.1;
/** After everything has healed, connections must be finished within this: hold-down, back-off of hosts and of set-up. */
const FINISH_WITHIN: Millis = 900_000;
/** After that, everything must be gone within this, beside the idle timeout: the longest memory is that of NO-SUPPORT. */
const FORGET_WITHIN: Millis = 1_200_000;
/** Events of a run at most; far beyond what any seed needs. */
const EVENTS_MOST = 2_000_000;
const ROUTER = "2001:db8:ffff::1" as Locator;
const ULID_BLOCK = 0xfc;

const NOTED = { sent: 1, left: 2, lost: 3, came: 4, delivered: 5, said: 6, fault: 7, forged: 8, refused: 9 } as const;

/** A world in which a plan comes true. */
export class World {
  readonly trace: Trace;
  readonly liveness: Liveness;
  readonly ledger = new Ledger();
  readonly flows: Flow[] = [];
  now: Millis = 0;
  readonly #plan: Plan;
  readonly #people: People;
  readonly #agenda = new Agenda();
  readonly #network: Network;
  readonly #machines: (Machine | undefined)[];
  readonly #persons: Person[] = [];
  readonly #byUlid = new Map<string, Person>();
  readonly #oracle: Oracle;
  readonly #attacker: Dice;
  readonly #dice: Dice;
  readonly #attack: AttackWorld;
  readonly #touched = new Set<Machine>();

  constructor(plan: Plan, people: People, outside: SimOutside, watchers: Watchers) {
    this.#plan = plan;
    this.#people = people;
    this.trace = new Trace(watchers);
    this.#dice = new Dice(plan.seed, LABEL.network);
    this.#attacker = new Dice(plan.seed, LABEL.attacker);
    plan.sites.forEach(({ hosts }, site) => {
      for (let host = 0; host < hosts; host++) this.#persons.push(people.person(site, host));
    });
    for (const person of this.#persons) this.#byUlid.set(person.ulid, person);
    this.#network = this.#buildNetwork();
    this.#machines = plan.sites.map(({ peer }, site) => (peer === "box" ? this.#buildMachine(site, outside) : undefined));
    this.#oracle = new Oracle({
      people,
      ledger: this.ledger,
      now: () => this.now,
      personOf: (ulid) => this.#byUlid.get(ulid),
      providersOf: (site) => plan.sites[site].providers,
      contextsMost: plan.contexts,
      heldMost: 2 * HOLD.total,
    });
    this.liveness = new Liveness({
      agenda: this.#agenda,
      network: this.#network,
      roomy: plan.scenario.contexts === 0,
      now: () => this.now,
      machineOf: (site) => this.#machines[site],
      roadOf: (local, peer) => this.#roadOf(local as Locator, peer as Locator),
    });
    this.#attack = this.#buildAttack();
    this.#buildFlows();
    this.#planFaults();
  }

  /** Lets everything happen. @throws {Violation} */
  async run(): Promise<void> {
    for (const machine of this.#machines) await machine?.start(0);
    for (const flow of this.flows) flow.start();
    const last = this.#plan.healed + FINISH_WITHIN + this.#plan.idle + FORGET_WITHIN;
    for (let events = 0; ; events++) {
      if (events > EVENTS_MOST) throw new Violation("busy", this.now, `more than ${EVENTS_MOST} events`);
      const machine = this.#firstMachine();
      const at = Math.min(machine?.due ?? NEVER, this.#agenda.next);
      if (at === NEVER) break;
      if (at > last) throw new Violation("left-over", this.now, `something is planned for ${(at / 1000).toFixed(3)} s`);
      this.now = Math.max(this.now, at);
      if (machine !== undefined && machine.due <= this.#agenda.next) {
        this.#touched.add(machine);
        machine.tick(this.now);
      } else {
        const done = this.#agenda.take()();
        if (done !== undefined) await done;
      }
      for (const touched of this.#touched) this.#oracle.look(touched);
      this.#touched.clear();
    }
    for (const machine of this.#machines) if (machine !== undefined) this.#oracle.empty(machine);
  }

  #firstMachine(): Machine | undefined {
    let first: Machine | undefined;
    for (const machine of this.#machines) if (machine !== undefined && machine.due < (first?.due ?? NEVER)) first = machine;
    return first;
  }

  #buildNetwork(): Network {
    const { ends, roads } = layRoads(this.#plan);
    return new Network(ends, roads, new Dice(this.#plan.seed, LABEL.network + 1000), this.#agenda, {
      arrive: (packet, road) => this.#arrive(packet, road),
      lost: (packet, road, why) => {
        this.trace.note(this.now, NOTED.lost, packet.length);
        this.trace.say(this.now, () => `lost     ${nameOf(road?.from)} → ${nameOf(road?.to)}: ${why}: ${showPacket(packet)}`);
      },
      tooBig: (packet, road, mtu) => this.#tooBig(packet, road, mtu),
    });
  }

  #buildMachine(site: number, outside: SimOutside): Machine {
    const { sites, seed, scenario } = this.#plan;
    const people = this.#people;
    const bindings = this.#persons
      .filter((person) => person.site !== site)
      .map((person) => ({ ulid: person.ulid, locators: this.#locatorsOf(person) }));
    const machine: Machine = new Machine({
      outside,
      site,
      settings: settingsOf(this.#plan, site, bindings),
      ulids: ulidPrefix(site),
      key: people.key(site),
      crypto: people.crypto,
      pdsOf: (ulid: Ulid) => {
        const person = this.#byUlid.get(ulid);
        return person?.site === site ? person.pds : undefined;
      },
      clock: sites[site].clock,
      entropySeed: (incarnation) =>
        (Math.imul(seed, 0x9e3779b1) ^ Math.imul(site + 1, 0x85ebca6b) ^ Math.imul(incarnation + 1, 0xc2b2ae35)) >>> 0,
      written: (packet) => this.#written(machine, packet),
      told: (text) => {
        this.#touched.add(machine);
        this.trace.note(this.now, NOTED.said, text.length);
        this.trace.say(this.now, () => `box ${site}    ${text}`);
        this.liveness.told(machine.running, text);
        if (scenario.steady && /^context \d+: (?:Exploring|InboundOk|2)/.test(text)) throw new Violation("needless", this.now, text);
      },
    });
    return machine;
  }

  #buildFlows(): void {
    const dice = new Dice(this.#plan.seed, LABEL.entropy + 200);
    const world: FlowWorld = { agenda: this.#agenda, ledger: this.ledger, now: () => this.now, send: (sent) => this.#hostSends(sent) };
    this.#plan.flows.forEach((plan, index) => {
      const [from, to] = [this.#persons[plan.from], this.#persons[plan.to]];
      this.flows.push(createFlow(world, index, plan, from, to, dice.u32()));
    });
  }

  #planFaults(): void {
    const { faults, healed, offPath } = this.#plan;
    const world: FaultWorld = {
      network: this.#network,
      machineOf: (site) => this.#machines[site],
      end: (site, provider) => this.#endOf(site, provider),
      now: () => this.now,
      toss: () => this.#dice.chance(0.5),
      busiest: (site) => this.#busiest(site),
      disturb: (site) => this.liveness.disturb(site),
      at: (at, run, what) =>
        this.#agenda.at(at, () => {
          for (const machine of this.#machines) if (machine !== undefined) this.#touched.add(machine);
          const done = run();
          this.trace.note(this.now, NOTED.fault, 0);
          this.trace.say(this.now, () => `***      ${what()}`);
          return done;
        }),
    };
    for (const fault of faults) planFault(world, fault);
    if (offPath > 0) this.#agenda.at(0, () => this.#attackAgain(1000 / offPath));
    const heal = (): void => {
      this.#network.perfect = true;
      for (const flow of this.flows) if (this.#isHopeless(flow)) flow.abandon();
    };
    world.at(healed, heal, () => "all is well");
    this.#agenda.at(healed + FINISH_WITHIN, () => this.#checkFinished());
  }

  #isHopeless({ from, to }: Flow): boolean {
    return [from, to].some(({ site }) => this.#machines[site] === undefined);
  }

  #checkFinished(): void {
    const stuck = this.flows.find(({ done }) => !done);
    if (stuck !== undefined)
      throw new Violation(
        "stuck",
        this.now,
        `the stream ${stuck.from.ulid} → ${stuck.to.ulid} has not finished ${FINISH_WITHIN / 1000} s after all was well`,
      );
  }

  #busiest(site: number): ProviderEnd | undefined {
    const { shim6, reap } = this.#machines[site]?.running?.box.parts ?? {};
    if (shim6 === undefined || reap === undefined) return undefined;
    const contexts = new Map<ProviderEnd, number>();
    let busiest: ProviderEnd | undefined;
    for (const { id } of shim6.contexts()) {
      const current = reap.currentOf(id);
      const end = current === undefined ? undefined : this.#network.endAt(addressOctets(current.local), 0);
      if (end === undefined) continue;
      contexts.set(end, (contexts.get(end) ?? 0) + 1);
      if ((contexts.get(end) ?? 0) > (busiest === undefined ? 0 : (contexts.get(busiest) ?? 0))) busiest = end;
    }
    return busiest;
  }

  // The way of a packet.

  #hostSends(sent: Sent): void {
    this.trace.packet(this.now, NOTED.sent, sent.packet);
    const machine = this.#machines[sent.from.site];
    if (machine === undefined) return;
    this.#agenda.at(this.now + LAN_DELAY, () => {
      this.#touched.add(machine);
      // A default context that carries nothing while its forks do need not find a way.
      const isWatched = this.#plan.scenario.forks !== true;
      if (isWatched && machine.running !== undefined && !machine.stopped) this.liveness.sends(sent.from, sent.to);
      if (machine.receive(this.now, sent.packet) && isWatched) this.liveness.sent(sent.from, sent.to);
    });
  }

  /** The box wrote a packet, and the kernel routes it: to the LAN by destination, else to a provider by source. */
  #written(machine: Machine, packet: Uint8Array): void {
    if (packet[IPV6_DESTINATION_AT] === ULID_BLOCK) return this.#deliver(machine, packet);
    const from = this.#network.endAt(packet, IPV6_SOURCE_AT);
    const to = this.#network.endAt(packet, IPV6_DESTINATION_AT);
    this.trace.packet(this.now, NOTED.left, packet);
    if (from?.site !== machine.site)
      throw new Violation(
        "leak",
        this.now,
        `a packet left site ${machine.site} from ${addressAt(packet, IPV6_SOURCE_AT)}, which no provider routes`,
      );
    this.#oracle.leaves(machine, packet);
    this.trace.wire(this.now, packet);
    this.trace.say(this.now, () => `leaves   ${nameOf(from)} → ${nameOf(to)}: ${showPacket(packet)}`);
    // What an attacker's address asked for goes nowhere.
    if (to === undefined || to.site === from.site) return;
    const { rate, site, provider } = this.#plan.onPath;
    const watched = rate > 0 && [from, to].some((end) => end.site === site && end.index === provider);
    if (watched && this.now < this.#plan.healed && this.#attacker.chance(rate)) tamper(this.#attack, packet);
    this.#network.send(this.now, packet, from, to);
  }

  #arrive(packet: Uint8Array, road: Road): void {
    const machine = this.#machines[road.to.site];
    this.trace.packet(this.now, NOTED.came, packet);
    this.trace.say(this.now, () => `arrives  ${nameOf(road.to)}: ${showPacket(packet)}`);
    if (machine === undefined) return this.#arriveAtStranger(packet, road);
    this.#comes(machine, packet, "owner");
  }

  #comes(machine: Machine, packet: Uint8Array, by: Author): void {
    this.#touched.add(machine);
    this.#oracle.comes(machine, packet, by);
    machine.receive(this.now, packet);
  }

  /** A kernel without Shim6 (RFC 8200 §4: unrecognised Next Header), or nobody at all. */
  #arriveAtStranger(packet: Uint8Array, road: Road): void {
    if (this.#plan.sites[road.to.site].peer !== "plain" || packet[IPV6_NEXT_HEADER_AT] !== PROTOCOL_SHIM6) return;
    const error = { type: ICMP6_PARAMETER_PROBLEM, code: ICMP6_UNRECOGNISED_NEXT_HEADER, word: IPV6_NEXT_HEADER_AT };
    const answer = emitIcmpError(addressAt(packet, IPV6_DESTINATION_AT), addressAt(packet, IPV6_SOURCE_AT), error, packet);
    this.#network.send(this.now, answer, road.to, road.from);
  }

  #tooBig(packet: Uint8Array, { from }: Road, mtu: number): void {
    const error = { type: ICMP6_PACKET_TOO_BIG, code: 0, word: mtu };
    const answer = emitIcmpError(ROUTER, addressAt(packet, IPV6_SOURCE_AT), error, packet);
    const machine = this.#machines[from.site];
    if (machine !== undefined) this.#agenda.at(this.now + 1, () => this.#comes(machine, answer, "blind"));
  }

  #deliver(machine: Machine, packet: Uint8Array): void {
    this.trace.packet(this.now, NOTED.delivered, packet);
    this.trace.say(this.now, () => `delivers site ${machine.site}: ${showPacket(packet)}`);
    const sent = this.#oracle.delivers(machine, packet);
    if (sent === undefined) return this.#hostHears(packet);
    // Whoever talks with an on-path attacker has authentication of his own.
    if (sent.forged) return;
    this.#agenda.at(this.now + LAN_DELAY, () => {
      const flow = this.flows[flowOf(sent.packet)];
      if (!flow.receive(sent)) throw new Violation("changed", this.now, `packet ${sent.number} says something else than its stream`);
    });
  }

  /** An ICMPv6 error came to a host. */
  #hostHears(packet: Uint8Array): void {
    this.trace.note(this.now, NOTED.refused, packet.length);
    const error = parseIcmpError(packet);
    if (error instanceof Reject || error.type !== ICMP6_PACKET_TOO_BIG) return;
    const sent = this.ledger.find(numberOf(error.quote, error.quote[IPV6_NEXT_HEADER_AT], 0));
    if (sent !== undefined) this.#agenda.at(this.now + LAN_DELAY, () => this.flows[flowOf(sent.packet)].tooBig(error.word));
  }

  // Attackers.

  #attackAgain(pause: Millis): void {
    if (this.now >= this.#plan.healed) return;
    forgeBlindly(this.#attack);
    this.#agenda.at(this.now + pause * 2 * this.#attacker.fraction(), () => this.#attackAgain(pause));
  }

  #buildAttack(): AttackWorld {
    return {
      dice: this.#attacker,
      persons: this.#persons,
      locatorsOf: (person) => this.#locatorsOf(person),
      inject: (packet, after) => this.#agenda.at(this.now + after, () => this.#forged(packet)),
      enter: (like, make) => {
        const packet = make(this.ledger.next);
        return this.ledger.enter(this.now, packet, like.from, like.to, true).packet;
      },
      find: (packet) => this.ledger.find(numberOf(packet, packet[IPV6_HEADER_LENGTH], 8)),
    };
  }

  #forged(packet: Uint8Array): void {
    const end = this.#network.endAt(packet, IPV6_DESTINATION_AT);
    const machine = end === undefined ? undefined : this.#machines[end.site];
    if (machine === undefined) return;
    this.trace.packet(this.now, NOTED.forged, packet);
    this.trace.wire(this.now, packet);
    this.trace.say(this.now, () => `forged   ${nameOf(end)}: ${showPacket(packet)}`);
    // Who sees nothing must not even be able to delay anything.
    if (this.#plan.onPath.rate > 0) this.liveness.disturb(machine.site);
    this.#comes(machine, packet, this.#plan.onPath.rate > 0 ? "watcher" : "blind");
  }

  // Names.

  #locatorsOf(person: Person): Locator[] {
    return Array.from({ length: this.#plan.sites[person.site].providers }, (_, i) => this.#people.locator(person, i));
  }

  #endOf(site: number, provider: number): ProviderEnd {
    const end = this.#network.ends.find((each) => each.site === site && each.index === provider);
    if (end === undefined) throw new RangeError(`site ${site} has no provider ${provider}`);
    return end;
  }

  #roadOf(local: Locator, peer: Locator): Road | undefined {
    const from = this.#network.endAt(addressOctets(local), 0);
    const to = this.#network.endAt(addressOctets(peer), 0);
    return from === undefined || to === undefined ? undefined : this.#network.roadBetween(from, to);
  }
}
