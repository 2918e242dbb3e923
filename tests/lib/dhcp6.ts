/** A DHCPv6 server without a network: messages in as values, effects out, the disk in the test's hands. */
import { createCrypto } from "../../adapters/common/crypto.ts";
import type { Dhcp6Effect, Dhcp6Parts, Dhcp6Settings, LeaseRecord } from "../../runtime/dhcp6/contract.ts";
import { type CgaMaker, CgaPool, type PoolSizes } from "../../runtime/dhcp6/pool.ts";
import { Dhcp6Server } from "../../runtime/dhcp6/server.ts";
import { type Address, address, addressAt, addressOctets, type Ulid } from "../../runtime/value/address.ts";
import { putU32, unhex } from "../../runtime/value/bytes.ts";
import { prefix } from "../../runtime/value/prefix.ts";
import { Reject } from "../../runtime/value/reject.ts";
import type { Dhcp6Message, Dhcp6Option, Dhcp6Packet } from "../../runtime/wire/dhcp6.ts";
import { emitDhcp6, parseDhcp6 } from "../../runtime/wire/dhcp6-message.ts";
import { DHCP6_CLIENT_PORT, RELAY_FORW } from "../../runtime/wire/dhcp6-number.ts";
import { dhcp6Option, dhcp6Options } from "../../runtime/wire/dhcp6-option.ts";

export const GROUP = address("ff02::1:2");
export const OWN = address("fe80::1");
export const HOST = address("fe80::10");
export const SERVER_DUID = octets("0004 000102030405060708090a0b0c0d0e0f");
export const SUBNET = "fc00:a:1:1::/64";
export const HOUR = 3_600_000;
/** 2026-01-01. */
export const WALL = Date.UTC(2026, 0, 1);
export const INTERFACE = 7;

/** Octets of hexadecimal text. */
export function octets(text: string): Uint8Array {
  const value = unhex(text);
  if (value === undefined) throw new Error(`not hexadecimal: ${text}`);
  return value;
}

/** A DUID-LL of host `n`. */
export function duid(n: number): Uint8Array {
  const value = octets("00030001 020000000000");
  putU32(value, 6, n);
  return value;
}

/** The link-layer address in {@link duid}. */
export function mac(n: number): string {
  return `02:00:${[24, 16, 8, 0].map((shift) => ((n >>> shift) & 0xff).toString(16).padStart(2, "0")).join(":")}`;
}

/** Settings with everything on and every list filled. */
export function settings(changes: Partial<Dhcp6Settings> = {}): Dhcp6Settings {
  return {
    preferred: 12 * HOUR,
    valid: 24 * HOUR,
    rapidCommit: true,
    reconfigure: false,
    preference: 0,
    dns: [address("fc00:a:1:1::1"), address("fc00:a:1:1::2")],
    search: [],
    ntp: [address("fc00:a:1:1::3")],
    policy: undefined,
    max: 1000,
    reservations: [],
    subnets: [prefix(SUBNET), prefix("fc00:a:1:100::/56")],
    zone: undefined,
    names: new Set(),
    ...changes,
  };
}

/** Makes addresses `<subnet>::1`, `::2`, … with parameters of a few octets. */
export function plainMaker(isQuick = true): CgaMaker & { made: number } {
  const maker = {
    isQuick,
    made: 0,
    isTaken: () => false,
    *make({ base }: { base: Address }) {
      if (!isQuick) yield;
      const whole = addressOctets(base);
      putU32(whole, 12, ++maker.made);
      return { address: addressAt(whole) as Ulid, pds: whole.slice(8) };
    },
  };
  return maker;
}

/** A server and its clock. `disk` holds what is durable. */
export class Dhcp6World {
  now = 1_000;
  wall = WALL;
  readonly disk = new Map<string, LeaseRecord>();
  readonly cga = new Map<string, Uint8Array>();
  readonly maker: ReturnType<typeof plainMaker>;
  readonly pool: CgaPool;
  server: Dhcp6Server;
  settings: Dhcp6Settings;
  readonly counts = new Map<string, number>();
  /** Effects that nobody looked at yet. */
  seen: Dhcp6Effect[] = [];
  #transaction = 0;
  readonly #parts: Omit<Dhcp6Parts, "leases">;

  constructor(changes: Partial<Dhcp6Settings> = {}, { quick = true, sizes }: { quick?: boolean; sizes?: PoolSizes } = {}) {
    const crypto = createCrypto();
    this.settings = settings(changes);
    this.maker = plainMaker(quick);
    this.pool = new CgaPool(this.maker, sizes);
    this.#parts = {
      serverDuid: SERVER_DUID,
      reconfigureKey: (duid) => crypto.hmacSha256(SERVER_DUID, duid).slice(0, 16),
      hmacMd5: crypto.hmacMd5,
    };
    this.server = this.#start();
  }

  #start(): Dhcp6Server {
    const parts = { ...this.#parts, leases: [...this.disk.values()] };
    return new Dhcp6Server(this.settings, parts, this.pool, this.now, this.wall);
  }

  /** Another server finds what is on the disk. */
  restart(): void {
    this.server = this.#start();
  }

  /** One event; what it brings about is carried out but for the disk. */
  step(event: Parameters<Dhcp6Server["step"]>[0]): Dhcp6Effect[] {
    const effects = this.server.step(event, this.now, this.wall);
    for (const effect of effects) if (effect.kind === "count") this.counts.set(effect.name, (this.counts.get(effect.name) ?? 0) + 1);
    this.seen.push(...effects);
    return effects;
  }

  /** Everything that has gathered becomes durable. */
  settle(first = this.step({ kind: "settled" })): Dhcp6Effect[] {
    const all: Dhcp6Effect[] = [];
    let effects = first;
    for (;;) {
      all.push(...effects);
      const store = effects.find((effect) => effect.kind === "store");
      if (store?.kind !== "store") return all;
      for (const { ulid, pds } of store.cga) this.cga.set(ulid, pds);
      for (const lease of store.leases) this.disk.set(lease.ulid, lease);
      for (const ulid of store.forgotten) this.disk.delete(ulid);
      effects = this.step({ kind: "stored" });
    }
  }

  pass(milliseconds: number): Dhcp6Effect[] {
    this.now += milliseconds;
    this.wall += milliseconds;
    return this.settle(this.step({ kind: "time" }));
  }

  /** Other settings, the rest as they are. */
  configure(changes: Partial<Dhcp6Settings>): Dhcp6Effect[] {
    this.settings = { ...this.settings, ...changes };
    return this.settle(this.step({ kind: "configure", settings: this.settings }));
  }

  /** Octets from a client or a relay. */
  raw(bytes: Uint8Array, { from = HOST, to = GROUP, port = DHCP6_CLIENT_PORT } = {}): Dhcp6Effect[] {
    return this.step({ kind: "message", octets: bytes, from, to, port, interface: INTERFACE });
  }

  /** A message and its answer, once it is durable; `undefined` = there is none. */
  ask(
    type: number,
    options: readonly Dhcp6Option[],
    where: { from?: Address; to?: Address; transaction?: number } = {},
  ): Dhcp6Message | undefined {
    const transaction = where.transaction ?? ++this.#transaction;
    const effects = [...this.raw(emitDhcp6({ kind: "message", type, transaction, options }), where), ...this.settle()];
    const reply = effects.find((effect) => effect.kind === "reply");
    if (reply?.kind !== "reply") return undefined;
    const packet = read(reply.octets);
    if (packet.kind !== "message") throw new Error("a relay message for a client");
    if (packet.transaction !== transaction) throw new Error("another transaction");
    return packet;
  }

  /** The same through a relay on the link `link`. */
  askRelayed(
    type: number,
    options: readonly Dhcp6Option[],
    { link, peer = HOST, extra = [] }: { link: Address; peer?: Address; extra?: readonly Dhcp6Option[] },
  ): Dhcp6Message | undefined {
    const inner = emitDhcp6({ kind: "message", type, transaction: ++this.#transaction, options });
    const relayed = emitDhcp6({
      kind: "relay",
      type: RELAY_FORW,
      hops: 0,
      link,
      peer,
      options: [{ kind: "relay-message", octets: inner }, ...extra],
    });
    const effects = [...this.raw(relayed, { from: address("fc00:a:1:1::99"), port: 547 }), ...this.settle()];
    const reply = effects.find((effect) => effect.kind === "reply");
    if (reply?.kind !== "reply") return undefined;
    const outer = read(reply.octets);
    const carried = dhcp6Option(outer.options, "relay-message");
    if (outer.kind !== "relay" || carried === undefined) throw new Error("not a Relay-reply");
    const packet = read(carried.octets);
    if (packet.kind !== "message") throw new Error("another relay message");
    return packet;
  }
}

/** Octets as a message. */
export function read(bytes: Uint8Array): Dhcp6Packet {
  const packet = parseDhcp6(bytes);
  if (packet instanceof Reject) throw new Error(`refused: ${packet.why}`);
  return packet;
}

/** The Client Identifier of host `n`. */
export function clientId(n: number): Dhcp6Option {
  return { kind: "client-id", duid: duid(n) };
}

/** Ours. */
export const serverId: Dhcp6Option = { kind: "server-id", duid: SERVER_DUID };

/** An IA_NA that names addresses. */
export function iaNa(iaid = 1, ...addresses: readonly Address[]): Dhcp6Option {
  return { kind: "ia-na", iaid, t1: 0, t2: 0, options: addresses.map(iaAddress) };
}

/** An address in an IA. */
export function iaAddress(value: Address): Dhcp6Option {
  return { kind: "ia-address", address: value, preferred: 0, valid: 0, options: [] };
}

/** What an answer says: addresses that live and that end, and status codes, by IA. */
export function told(message: Dhcp6Message | undefined): {
  living: Address[];
  ended: Address[];
  status: number[];
  top: number | undefined;
} {
  const options = message?.options ?? [];
  const ias = [...dhcp6Options(options, "ia-na"), ...dhcp6Options(options, "ia-ta"), ...dhcp6Options(options, "ia-pd")];
  const addresses = ias.flatMap((ia) => dhcp6Options(ia.options, "ia-address"));
  return {
    living: addresses.filter(({ valid }) => valid > 0).map((option) => option.address),
    ended: addresses.filter(({ valid }) => valid === 0).map((option) => option.address),
    status: ias.flatMap((ia) => dhcp6Options(ia.options, "status").map(({ code }) => code)),
    top: dhcp6Option(options, "status")?.code,
  };
}
