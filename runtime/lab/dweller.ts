/**
 * `pshim6 lab-host`: the hidden verb that plays a host's own software: asks for an address by DHCPv6 (RFC 8415 §18.2), asks for names. It knows
 * nothing of Shim6, as a host does. Each asks again until it is answered or its patience ends.
 */
import { PortError } from "../port/error.ts";
import type { UdpEnd, UdpPort } from "../port/udp.ts";
import { type Address, addressAt, parseAddress, UNSPECIFIED } from "../value/address.ts";
import { unhex } from "../value/bytes.ts";
import { Reject } from "../value/reject.ts";
import type { Millis } from "../value/time.ts";
import type { Dhcp6Option } from "../wire/dhcp6.ts";
import { emitDhcp6, parseDhcp6 } from "../wire/dhcp6-message.ts";
import {
  ALL_DHCP_RELAY_AGENTS_AND_SERVERS,
  DHCP6_CLIENT_PORT,
  DHCP6_SERVER_PORT,
  OPTION_DNS_SERVERS,
  OPTION_DOMAIN_LIST,
  REPLY,
  SOLICIT,
} from "../wire/dhcp6-number.ts";
import { DNS_PORT, RCODE_NOERROR, TYPE_AAAA } from "../wire/dns.ts";
import { emitQuestion } from "../wire/dns-emit.ts";
import { parseName } from "../wire/dns-name.ts";
import { parseDns } from "../wire/dns-parse.ts";

/** What a host's software needs. */
export interface DwellerHost {
  readonly clock: { now(): Millis };
  openUdp(): Promise<UdpPort>;
  /** A number of 24 bits that nobody can guess. */
  random(): number;
  out(line: string): void;
  /** Resolves after `ms` milliseconds. */
  sleep(ms: Millis): Promise<void>;
}

/** What DHCPv6 gave; the line that `--lease` prints, as JSON. */
export interface LeaseLine {
  readonly address: string;
  readonly dns: readonly string[];
  readonly search: readonly string[];
  readonly ms: Millis;
}

/** What the name server said; the line that `--resolve` prints, as JSON. */
export interface ResolveLine {
  readonly addresses: readonly string[];
  readonly ms: Millis;
}

export const DWELLER_USAGE = `usage: pshim6 lab-host --lease INTERFACE --duid HEX
       pshim6 lab-host --resolve NAME --server ADDRESS`;

const PATIENCE: Millis = 20_000;
/** Between repetitions: a lab in one machine loses nothing, but boxes and links may come up later than hosts. */
const AGAIN: Millis = 250;

/** @param argv what stands behind `lab-host` @returns exit code: 1 without an answer, 2 for wrong usage */
export async function runDweller(argv: readonly string[], host: DwellerHost): Promise<number> {
  const flags = new Map<string, string>();
  for (let i = 0; i + 1 < argv.length; i += 2) flags.set(argv[i], argv[i + 1]);
  const [device, name] = [flags.get("--lease"), flags.get("--resolve")];
  const duid = unhex(flags.get("--duid") ?? "");
  const server = parseAddress(flags.get("--server") ?? "");
  const begun = host.clock.now();
  const udp = await host.openUdp();
  try {
    if (device !== undefined && duid !== undefined) return say(host, await lease(udp, host, device, duid), begun);
    if (name !== undefined && server !== undefined) return say(host, await resolve(udp, host, name, server), begun);
    host.out(DWELLER_USAGE);
    return 2;
  } finally {
    await udp.close();
  }
}

function say(host: DwellerHost, found: object | undefined, begun: Millis): number {
  if (found === undefined) return 1;
  host.out(JSON.stringify({ ...found, ms: Math.round((host.clock.now() - begun) * 10) / 10 }));
  return 0;
}

/** Two messages: Solicit with Rapid Commit, Reply (RFC 8415 §18.2.1). */
async function lease(udp: UdpPort, host: DwellerHost, device: string, duid: Uint8Array): Promise<Omit<LeaseLine, "ms"> | undefined> {
  const transaction = host.random();
  const octets = emitDhcp6({
    kind: "message",
    type: SOLICIT,
    transaction,
    options: [
      { kind: "client-id", duid },
      { kind: "rapid-commit" },
      { kind: "elapsed-time", hundredths: 0 },
      { kind: "option-request", codes: [OPTION_DNS_SERVERS, OPTION_DOMAIN_LIST] },
      { kind: "ia-na", iaid: 1, t1: 0, t2: 0, options: [] },
    ],
  });
  const group = parseAddress(ALL_DHCP_RELAY_AGENTS_AND_SERVERS) ?? UNSPECIFIED;
  return exchange(udp, host, { device, port: DHCP6_CLIENT_PORT, octets, to: { address: group, port: DHCP6_SERVER_PORT } }, (answer) => {
    const reply = parseDhcp6(answer);
    if (reply instanceof Reject || reply.kind !== "message" || reply.type !== REPLY || reply.transaction !== transaction) return undefined;
    const address = addressOf(reply.options);
    if (address === undefined) return undefined;
    const dns = reply.options.flatMap((option) => (option.kind === "dns-servers" ? option.addresses : []));
    const search = reply.options.flatMap((option) => (option.kind === "domain-list" ? option.names : []));
    return { address, dns, search };
  });
}

function addressOf(options: readonly Dhcp6Option[]): Address | undefined {
  for (const option of options) {
    if (option.kind === "ia-address") return option.address;
    if (option.kind === "ia-na") return addressOf(option.options);
  }
  return undefined;
}

/** One question of type AAAA to the name server that DHCPv6 named. */
async function resolve(udp: UdpPort, host: DwellerHost, text: string, server: Address): Promise<Omit<ResolveLine, "ms"> | undefined> {
  const name = parseName(text);
  if (name === undefined) return undefined;
  const id = host.random() & 0xffff;
  return exchange(udp, host, { port: 0, octets: emitQuestion(id, name, TYPE_AAAA), to: { address: server, port: DNS_PORT } }, (answer) => {
    const message = parseDns(answer);
    if (message instanceof Reject || !message.response || message.id !== id || message.rcode !== RCODE_NOERROR) return undefined;
    const addresses = message.answers.flatMap(({ type, data }) => (type === TYPE_AAAA ? [addressAt(data)] : []));
    return addresses.length === 0 ? undefined : { addresses };
  });
}

interface Exchange {
  readonly device?: string;
  readonly port: number;
  readonly octets: Uint8Array;
  readonly to: UdpEnd;
}

/** Sends until `read` makes something of an answer. @returns `undefined` when patience ends */
async function exchange<T>(
  udp: UdpPort,
  host: DwellerHost,
  { device, port, octets, to }: Exchange,
  read: (answer: Uint8Array) => T | undefined,
): Promise<T | undefined> {
  const end = host.clock.now() + PATIENCE;
  let found: T | undefined;
  let wake: () => void = () => undefined;
  for (;;) {
    try {
      const socket = await udp.open(
        device === undefined ? { address: UNSPECIFIED, port } : { address: UNSPECIFIED, port, interface: device },
        {
          receive: (answer) => {
            found ??= read(answer);
            if (found !== undefined) wake();
          },
        },
      );
      while (found === undefined && host.clock.now() < end) {
        const answered = new Promise<void>((resolve) => {
          wake = resolve;
        });
        socket.send(octets, to);
        await Promise.race([answered, host.sleep(AGAIN)]);
      }
      socket.close();
      return found;
    } catch (error) {
      if (!(error instanceof PortError) || host.clock.now() >= end) throw error;
      await host.sleep(AGAIN);
    }
  }
}
