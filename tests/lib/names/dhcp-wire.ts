/**
 * DHCPv6 on a wire, read by eyes of our own tests: nothing of the program under test reads these octets. Enough of RFC 8415 to
 * know who was told what. Live from tcpdump, or from a capture.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { addressAt } from "../../../runtime/value/address.ts";
import type { Node } from "./nodes.ts";
import { Bell, PATIENCE, stopToo } from "./program.ts";

/** RFC 8415 §7.3. */
export const MESSAGES = [
  "",
  "solicit",
  "advertise",
  "request",
  "confirm",
  "renew",
  "rebind",
  "reply",
  "release",
  "decline",
  "reconfigure",
  "information-request",
  "relay-forw",
  "relay-repl",
] as const;

export type MessageName = (typeof MESSAGES)[number] | "unknown";

/** An address in an IA_NA; lifetimes in seconds. */
export interface OfferedAddress {
  readonly address: string;
  readonly preferred: number;
  readonly valid: number;
}

/** One message between client and server. */
export interface Seen {
  /** Microseconds of the capture's clock. */
  readonly at: number;
  /** Link-layer address of the frame's sender. */
  readonly mac: string;
  /** Link-layer address of the frame's receiver. */
  readonly toMac: string;
  readonly from: string;
  readonly to: string;
  readonly type: MessageName;
  readonly transaction: number;
  /** Hex; empty when it has none. */
  readonly client: string;
  readonly server: string;
  readonly iaid: number | undefined;
  /** Seconds. */
  readonly t1: number | undefined;
  readonly t2: number | undefined;
  readonly addresses: readonly OfferedAddress[];
  /** Status codes of all levels, success included when it was said. */
  readonly statuses: readonly number[];
  /** Option codes of the outermost level, in their order. */
  readonly options: readonly number[];
}

const OPTION = { client: 1, server: 2, iaNa: 3, iaAddress: 5, status: 13 } as const;
const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const ETHERNET = 14;
const IPV6 = 40;
const UDP = 8;
const UDP_NUMBER = 17;
const TYPE_IPV6 = 0x86dd;

/** The DHCPv6 messages of a capture of Ethernet frames; an incomplete record at its end is not read. */
export function readDhcp(file: string): Seen[] {
  return [...records(readFileSync(file))].map(({ frame, at }) => readFrame(frame, at)).filter((seen) => seen !== undefined);
}

/** A live look at a wire. */
export interface WireWatch {
  /** Everything seen so far, oldest first. */
  readonly seen: readonly Seen[];
  /** Waits for a message that fits, among those from index `from` on. @throws after `patience`, with what was seen */
  until(what: string, fits: (message: Seen) => boolean, from?: number, patience?: number): Promise<Seen>;
  stop(): void;
}

/** Watches `device` of `node` from now on; resolves when nothing is missed any more. What it sees is kept in `file` as well. */
export async function watchDhcp(node: Node, device: string, file: string): Promise<WireWatch> {
  const filter = "udp port 546 or udp port 547";
  const tcpdump = `tcpdump -Z root -U -s 0 -B 16384 -i ${device} -w - '${filter}' | tee '${file}'`;
  const [program, ...words] = node.enter(["sh", "-c", tcpdump]);
  const child = spawn(program, words, { stdio: ["ignore", "pipe", "pipe"] });
  const stop = () => {
    child.kill();
    for (const stream of [child.stdout, child.stderr]) stream.destroy();
    child.unref();
  };
  stopToo(stop);
  const seen: Seen[] = [];
  const bell = new Bell();
  let pending = new Uint8Array(0);
  let complaint = "";
  let headed = false;
  child.stdout.on("data", (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    let used = headed ? 0 : FILE_HEADER;
    if (pending.length < used) return;
    headed = true;
    for (const { frame, at, end } of records(pending, used)) {
      const message = readFrame(frame, at);
      if (message !== undefined) seen.push(message);
      used = end;
    }
    pending = pending.subarray(used);
    bell.ring();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    complaint += chunk.toString();
    bell.ring();
  });
  await bell.until(
    "tcpdump listens",
    () => (/listening on/.test(complaint) ? true : undefined),
    () => complaint,
  );
  return {
    seen,
    until: (what, fits, from = 0, patience = PATIENCE) =>
      bell.until(
        what,
        () => seen.slice(from).find(fits),
        () => seen.slice(from).map(showSeen).join("\n"),
        patience,
      ),
    stop,
  };
}

/** One line for people. */
export function showSeen({ mac, from, to, type, transaction, addresses, statuses }: Seen): string {
  const held = addresses.map(({ address, preferred, valid }) => ` ${address} ${preferred}/${valid}`).join("");
  return `${mac} ${from} > ${to} ${type} ${transaction.toString(16)}${held}${statuses.length > 0 ? ` status ${statuses}` : ""}`;
}

function* records(bytes: Uint8Array, from = FILE_HEADER): Generator<{ frame: Uint8Array; at: number; end: number }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = from; at + RECORD_HEADER <= bytes.length; ) {
    const end = at + RECORD_HEADER + view.getUint32(at + 8, true);
    if (end > bytes.length) return;
    const clock = view.getUint32(at, true) * 1_000_000 + view.getUint32(at + 4, true);
    yield { frame: bytes.subarray(at + RECORD_HEADER, end), at: clock, end };
    at = end;
  }
}

function readFrame(frame: Uint8Array, at: number): Seen | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < ETHERNET + IPV6 + UDP + 4 || view.getUint16(12) !== TYPE_IPV6 || frame[ETHERNET + 6] !== UDP_NUMBER) return undefined;
  const message = frame.subarray(ETHERNET + IPV6 + UDP, ETHERNET + IPV6 + view.getUint16(ETHERNET + IPV6 + 4));
  const head = {
    at,
    mac: mac(frame, 6),
    toMac: mac(frame, 0),
    from: addressAt(frame, ETHERNET + 8),
    to: addressAt(frame, ETHERNET + 24),
  };
  return { ...head, ...readMessage(message) };
}

/** The message in a UDP payload. Relayed messages keep what is inside to themselves. */
export function readMessage(message: Uint8Array): Omit<Seen, "at" | "mac" | "toMac" | "from" | "to"> {
  const type = MESSAGES[message[0]] ?? "unknown";
  const relayed = type === "relay-forw" || type === "relay-repl";
  const found = [...options(message, relayed ? 34 : 4)];
  const of = (code: number) => found.find((option) => option.code === code)?.value;
  const ia = of(OPTION.iaNa);
  const inside = ia === undefined ? [] : [...options(ia, 12)];
  const addresses = inside.filter(({ code }) => code === OPTION.iaAddress).map(({ value }) => value);
  const statuses = [...found, ...inside, ...addresses.flatMap((value) => [...options(value, 24)])].filter(
    ({ code }) => code === OPTION.status,
  );
  return {
    type,
    transaction: relayed ? 0 : (message[1] << 16) | (message[2] << 8) | message[3],
    client: hex(of(OPTION.client)),
    server: hex(of(OPTION.server)),
    iaid: ia === undefined ? undefined : u32(ia, 0),
    t1: ia === undefined ? undefined : u32(ia, 4),
    t2: ia === undefined ? undefined : u32(ia, 8),
    addresses: addresses.map((value) => ({ address: addressAt(value, 0), preferred: u32(value, 16), valid: u32(value, 20) })),
    statuses: statuses.map(({ value }) => (value[0] << 8) | value[1]),
    options: found.map(({ code }) => code),
  };
}

function* options(bytes: Uint8Array, from: number): Generator<{ code: number; value: Uint8Array }> {
  for (let at = from; at + 4 <= bytes.length; ) {
    const end = at + 4 + ((bytes[at + 2] << 8) | bytes[at + 3]);
    if (end > bytes.length) return;
    yield { code: (bytes[at] << 8) | bytes[at + 1], value: bytes.subarray(at + 4, end) };
    at = end;
  }
}

function u32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
}

function hex(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? "" : Buffer.from(bytes).toString("hex");
}

function mac(bytes: Uint8Array, at: number): string {
  return [...bytes.subarray(at, at + 6)].map((octet) => octet.toString(16).padStart(2, "0")).join(":");
}
