/** What the box itself sends: control messages, errors to the net, refusals to hosts. All of it is counted, errors are limited. */
import { Limiter, siteOf } from "../shim6/limiter.ts";
import { addressAt, type Locator } from "../value/address.ts";
import type { Millis } from "../value/time.ts";
import { emitIcmpError, emitPacket, emitUnreachable, errorFor, type Message, type Refusal } from "../wire/index.ts";
import { ICMP6_ADDRESS_UNREACHABLE, ICMP6_PACKET_TOO_BIG } from "../wire/number.ts";
import type { ControlCounters } from "./counters.ts";
import { isIcmpError } from "./icmp.ts";

/** Hands packets to the kernel. */
export class Sender {
  readonly #counters: ControlCounters;
  readonly #out: (packet: Uint8Array) => boolean;
  /** Errors to the outside and to hosts: neither side uses up the other's. */
  readonly #errors = new Limiter();
  readonly #refusals = new Limiter();

  /** @param out sends one IPv6 packet and copies it; `false` = it could not */
  constructor(counters: ControlCounters, out: (packet: Uint8Array) => boolean) {
    this.#counters = counters;
    this.#out = out;
  }

  send(source: Locator, destination: Locator, message: Message): void {
    this.#counters.count(`out-${message.kind}`);
    this.transmit(emitPacket(source, destination, message));
  }

  transmit(packet: Uint8Array): void {
    if (!this.#out(packet)) this.#counters.count("drop-send");
  }

  /** Tells the sender of the control message in `packet` why it is refused. */
  error(packet: Uint8Array, refusal: Refusal, now: Millis): void {
    const peer = addressAt(packet, 8);
    if (!this.#errors.allow("error", siteOf(peer), now)) return this.#counters.count("drop-error-limit");
    this.send(addressAt(packet, 24), peer, errorFor(packet, refusal.code, refusal.pointer));
  }

  /** Tells a peer without Shim6 that hosts take packets of `mtu` octets at most; the error comes from the locator that it sent to. */
  refuseBig(packet: Uint8Array, mtu: number, now: Millis): void {
    this.#counters.count("drop-unmapped-big");
    const peer = addressAt(packet, 8);
    if (isIcmpError(packet) || !this.#errors.allow("error", siteOf(peer), now)) return;
    this.transmit(emitIcmpError(addressAt(packet, 24), peer, { type: ICMP6_PACKET_TOO_BIG, code: 0, word: mtu }, packet));
  }

  /** Tells the host that its packet goes nowhere. The error comes from the address that the host wanted to reach: the box has none of its own. */
  refuse(packet: Uint8Array, counter: string, now: Millis): void {
    this.#counters.count(counter);
    if (isIcmpError(packet) || !this.#refusals.allow("error", addressAt(packet, 8), now)) return;
    this.transmit(emitUnreachable(addressAt(packet, 24), addressAt(packet, 8), ICMP6_ADDRESS_UNREACHABLE, packet));
  }
}
