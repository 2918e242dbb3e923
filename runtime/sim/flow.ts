/** What hosts send one another: streams and datagrams, from a beginning to an end. */
import type { Millis } from "../value/time.ts";
import { IPV6_HEADER_LENGTH } from "../wire/number.ts";
import type { Agenda } from "./agenda.ts";
import type { Ledger, Sent } from "./ledger.ts";
import { emitDatagram, emitSegment, readSegment, TCP_PAYLOAD_AT, unwrap, wrap } from "./packet.ts";
import type { Person } from "./people.ts";
import type { FlowPlan } from "./plan.ts";
import { StreamReceiver, StreamSender, type StreamWorld } from "./stream.ts";

/** What a flow may do to the world. */
export interface FlowWorld {
  readonly agenda: Agenda;
  readonly ledger: Ledger;
  now(): Millis;
  /** A host puts a packet on its LAN. */
  send(sent: Sent): void;
}

const NOTHING = new Uint8Array(0);
/** First octets of addresses behind the ends of tunnels: 2001:db8:beef::/48. */
const BEHIND = Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0xbe, 0xef);

/** A flow between two hosts. */
export interface Flow {
  readonly plan: FlowPlan;
  readonly from: Person;
  readonly to: Person;
  /** Packets that came to the other end. */
  readonly arrived: number;
  /** Everything was said and heard. Datagrams are done when they have been sent. */
  readonly done: boolean;
  start(): void;
  /** One of its packets reached a host. @returns `false` when its contents are wrong */
  receive(sent: Sent): boolean;
  tooBig(mtu: number): void;
  /** Says nothing more. */
  abandon(): void;
}

/** A flow as planned; `first` is a random sequence number. */
export function createFlow(world: FlowWorld, index: number, plan: FlowPlan, from: Person, to: Person, first: number): Flow {
  return plan.kind === "stream" ? new StreamFlow(world, index, plan, from, to, first) : new DatagramFlow(world, index, plan, from, to);
}

/** Who talks through the tunnel: somebody behind the host, with an address that the boxes know nothing of. */
function inside({ tunnelled }: FlowPlan, person: Person): Person {
  if (!tunnelled) return person;
  const octets = person.octets.slice();
  octets.set(BEHIND);
  return { ...person, octets };
}

class StreamFlow implements Flow {
  readonly plan: FlowPlan;
  readonly from: Person;
  readonly to: Person;
  arrived = 0;
  #abandoned = false;
  readonly #world: FlowWorld;
  readonly #sender: StreamSender;
  readonly #receiver: StreamReceiver;

  constructor(world: FlowWorld, index: number, plan: FlowPlan, from: Person, to: Person, first: number) {
    this.plan = plan;
    this.from = from;
    this.to = to;
    this.#world = world;
    const { ledger } = world;
    const emit = (a: Person, b: Person, sequence: number, acknowledged: number, echo: number, data: Uint8Array): void => {
      if (this.#abandoned) return;
      const packet = emitSegment(
        inside(plan, a),
        inside(plan, b),
        { flow: index, sequence, acknowledged, number: ledger.next, echo },
        data,
      );
      world.send(ledger.enter(world.now(), plan.tunnelled ? wrap(a, b, packet) : packet, a, b));
    };
    const streams: StreamWorld = {
      agenda: world.agenda,
      now: () => world.now(),
      sendData: (sequence, data) => emit(from, to, sequence, 0, 0, data),
      sendAck: (sequence, acknowledged, echo) => emit(to, from, sequence, acknowledged, echo, NOTHING),
      sentAt: (number) => ledger.find(number)?.at,
    };
    this.#sender = new StreamSender(streams, index, first, plan.tunnelled ? IPV6_HEADER_LENGTH : 0);
    this.#receiver = new StreamReceiver(streams, index, first, plan.ackDelay);
  }

  get done(): boolean {
    return this.#abandoned || (this.#sender.done && this.#sender.written > 0);
  }

  start(): void {
    const { agenda } = this.#world;
    const write = (): void => {
      if (this.#abandoned) return;
      this.#sender.write(this.plan.octets);
      const next = this.#world.now() + this.plan.pause;
      if (next < this.plan.ends) agenda.at(next, write);
    };
    agenda.at(this.plan.begins, write);
  }

  receive(sent: Sent): boolean {
    this.arrived++;
    const segment = readSegment(sent.packet);
    if (sent.to === this.to) return this.#receiver.receive(segment, unwrap(sent.packet).subarray(TCP_PAYLOAD_AT));
    this.#sender.receive(segment);
    return true;
  }

  tooBig(mtu: number): void {
    this.#sender.tooBig(mtu);
  }

  abandon(): void {
    this.#abandoned = true;
    this.#sender.close();
  }
}

class DatagramFlow implements Flow {
  readonly plan: FlowPlan;
  readonly from: Person;
  readonly to: Person;
  arrived = 0;
  readonly #world: FlowWorld;
  readonly #index: number;

  constructor(world: FlowWorld, index: number, plan: FlowPlan, from: Person, to: Person) {
    this.plan = plan;
    this.from = from;
    this.to = to;
    this.#world = world;
    this.#index = index;
  }

  get done(): boolean {
    return this.#world.now() >= this.plan.ends;
  }

  start(): void {
    const { agenda, ledger } = this.#world;
    const send = (): void => {
      const { plan, from, to } = this;
      const packet = emitDatagram(inside(plan, from), inside(plan, to), this.#index, ledger.next, plan.octets);
      this.#world.send(ledger.enter(this.#world.now(), plan.tunnelled ? wrap(from, to, packet) : packet, from, to));
      const next = this.#world.now() + this.plan.pause;
      if (next < this.plan.ends) agenda.at(next, send);
    };
    agenda.at(this.plan.begins, send);
  }

  receive(): boolean {
    this.arrived++;
    return true;
  }

  tooBig(): void {
    // Datagrams stay as long as they are: an application that cannot cut them.
  }

  abandon(): void {
    // They end by themselves.
  }
}
