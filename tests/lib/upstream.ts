/** What the tests of the upstream machine share: a machine with a clock, and answers made from its own questions. */
import { ASK_RANDOM, Upstream, type UpstreamEffect, type UpstreamEvent, type UpstreamSettings } from "../../runtime/dns/upstream.ts";
import { Reject } from "../../runtime/value/reject.ts";
import { type DnsMessage, TYPE_AAAA } from "../../runtime/wire/dns.ts";
import { emitDns } from "../../runtime/wire/dns-emit.ts";
import { dnsName } from "../../runtime/wire/dns-name.ts";
import { parseDns } from "../../runtime/wire/dns-parse.ts";

export const NAME = dnsName("www.example.com");
export const SERVERS = [
  { host: "2001:db8::1", port: 53, domains: [] },
  { host: "2001:db8::2", port: 53, domains: [] },
];
export const TIMEOUT = 1_000;

type Sent = Extract<UpstreamEffect, { kind: "send-udp" | "send-tcp" }>;

/** A machine, its clock, and what it did last. */
export class UpstreamRun {
  readonly machine: Upstream;
  now = 1_000;
  #seed: number;

  constructor(settings: Partial<UpstreamSettings> = {}, seed = 1) {
    this.machine = new Upstream({ upstreams: SERVERS, timeout: TIMEOUT, ...settings });
    this.#seed = seed;
  }

  /** Octets that look random, the same for the same seed. */
  random(octets = ASK_RANDOM): Uint8Array {
    return Uint8Array.from({ length: octets }, () => {
      this.#seed = (Math.imul(this.#seed, 1_103_515_245) + 12_345) >>> 0;
      return this.#seed >>> 16;
    });
  }

  step(event: UpstreamEvent): UpstreamEffect[] {
    return this.machine.step(event, this.now);
  }

  ask(fetch = 1, name: string = NAME): UpstreamEffect[] {
    return this.step({
      kind: "ask",
      fetch,
      name: dnsName(name),
      type: TYPE_AAAA,
      dnssecOk: false,
      checkingDisabled: false,
      random: this.random(),
    });
  }

  /** Lets time pass to where the machine wants to be woken. */
  wake(): UpstreamEffect[] {
    this.now = Math.max(this.now, this.machine.wakeAt);
    return this.step({ kind: "poll" });
  }
}

/** The questions among `effects`. */
export function sent(effects: readonly UpstreamEffect[]): Sent[] {
  return effects.filter((effect) => effect.kind === "send-udp" || effect.kind === "send-tcp");
}

/** The question in `octets`. @throws if it is no message */
export function read(octets: Uint8Array): DnsMessage {
  const message = parseDns(octets);
  if (message instanceof Reject) throw new Error(message.why);
  return message;
}

/** An answer to the question in `octets`, with `changes`. */
export function answerTo(octets: Uint8Array, changes: Partial<DnsMessage> = {}): Uint8Array {
  const question = read(octets);
  const [{ name }] = question.questions;
  return emitDns({
    ...question,
    response: true,
    recursionAvailable: true,
    answers: [{ name, type: TYPE_AAAA, class: 1, ttl: 60, data: new Uint8Array(16).fill(1) }],
    ...changes,
  });
}
