/** DNS messages, spoiled, to the reader, the table of finished answers and the gateway; and the gateway among hosts and upstreams that say anything at all. */
import fc from "fast-check";
import { AnswerCache } from "../../runtime/dns/answers.ts";
import type { GatewayEffect } from "../../runtime/dns/contract.ts";
import { FETCH_LIFE } from "../../runtime/dns/fetches.ts";
import { Gateway } from "../../runtime/dns/gateway.ts";
import { parseService } from "../../runtime/dns/svcb.ts";
import { type Address, address, addressOctets } from "../../runtime/value/address.ts";
import { concat, putU16, sameBytes, u16 } from "../../runtime/value/bytes.ts";
import { contains } from "../../runtime/value/prefix.ts";
import { Reject } from "../../runtime/value/reject.ts";
import {
  CLASS_IN,
  type DnsMessage,
  type DnsName,
  type DnsRecord,
  dnsName,
  emitDns,
  emitSoa,
  lastRecordAt,
  nameOctets,
  parseDns,
  parseSoa,
  questionOctets,
  reverseName,
} from "../../runtime/wire/index.ts";
import { anyMessage, NO_FLAGS, PLAIN_EDNS } from "../lib/dns.ts";
import { localOf, SETTINGS } from "../lib/gateway.ts";
import { Seeded } from "../lib/shim6world.ts";
import { below, oneOf } from "./mutate.ts";
import { type Target, weight } from "./run.ts";

const SAMPLES = 400;
const HEADER = 12;
const EDGES = [0, 1, 0x3f, 0x40, 0x41, 0x80, 0xbf, 0xc0, 0xc1, 0xff];
/** A record of 12 octets may have a name of 255 octets at the end of a pointer, each octet four characters of text. */
const GROWTH = 400;
const FIXED = 4096;

type Effect = GatewayEffect<number>;

/** Spoiled messages to everything that reads them; one input in four is a script for {@link playGateway}. */
export function dnsTarget(seed: number): Target {
  const messages = fc.sample(anyMessage, { seed, numRuns: SAMPLES }).map((message) => emitDns(message));
  const cache = new AnswerCache({ entries: 100, octets: 50_000 });
  const out = new Uint8Array(65_535);
  return {
    name: "dns",
    input(random, index) {
      return index % 4 === 3 ? random.octets(8) : spoilMessage(random, oneOf(random, messages));
    },
    play(octets, index) {
      if (index % 4 === 3) {
        playGateway(new Seeded((u16(octets, 0) << 16) | u16(octets, 2)));
        return;
      }
      readMessage(octets);
      cache.answer(octets, index, out);
      playQuery(octets);
    },
  };
}

/** Some octets changed, knowing where counts, lengths and pointers are. */
export function spoilMessage(random: Seeded, message: Uint8Array): Uint8Array {
  let octets: Uint8Array = message.slice();
  for (let left = below(random, 4); left > 0; left--) {
    const at = below(random, octets.length);
    switch (below(random, 9)) {
      case 0:
        octets[at] ^= 1 << below(random, 8);
        break;
      case 1:
        octets[at] = oneOf(random, EDGES);
        break;
      case 2:
        putU16(octets, 4 + 2 * below(random, 4), oneOf(random, [0, 1, 2, 3, 0xffff]));
        break;
      case 3:
        octets = octets.slice(0, Math.max(HEADER, at));
        break;
      case 4:
        octets = concat(octets, random.octets(below(random, 20)));
        break;
      case 5:
        if (at + 2 <= octets.length) putU16(octets, at, 0xc000 | below(random, octets.length));
        break;
      case 6:
        if (at + 2 <= octets.length) putU16(octets, at, oneOf(random, [0, 1, 41, 28, 5, 6, 39, 65, octets.length - at]));
        break;
      case 7:
        putU16(octets, 2, below(random, 0x1_0000) & (random.next() % 2 === 0 ? 0x07ff : 0xffff));
        break;
      default:
        octets = concat(octets.subarray(0, at), octets.subarray(at + below(random, 12)));
    }
    if (octets.length < HEADER) octets = concat(octets, new Uint8Array(HEADER - octets.length));
  }
  return octets;
}

function readMessage(octets: Uint8Array): void {
  lastRecordAt(octets);
  questionOctets(octets);
  const message = parseDns(octets);
  if (message instanceof Reject) return;
  if (weight(message) > GROWTH * octets.length + FIXED) throw new Error(`${octets.length} octets became ${weight(message)} in memory`);
  for (const { data } of [...message.answers, ...message.authority]) {
    parseService(data);
    parseSoa(data);
  }
  const written = emitDns(message);
  if (written.length > 65_535) throw new Error(`${written.length} octets written`);
  if ((u16(written, 2) & 0x0200) !== (u16(octets, 2) & 0x0200)) return;
  const second = parseDns(written);
  if (second instanceof Reject) throw new Error(`written anew it is refused: ${second.why}`);
  if (JSON.stringify(second) !== JSON.stringify(message)) throw new Error("written anew it reads differently");
}

/** Any octets as a request: one response, or one drop, and nothing left when upstreams are silent. */
function playQuery(octets: Uint8Array): void {
  const gateway = new Gateway<number>(SETTINGS, LOCAL);
  const effects = gateway.step({ kind: "query", client: 1, from: HOSTS[0], octets, stream: false }, 0);
  for (const effect of [...effects]) if (effect.kind === "fetch") effects.push(...gateway.step({ kind: "failed", fetch: effect.id }, 1));
  while (gateway.wakeAt < Number.POSITIVE_INFINITY) effects.push(...gateway.step({ kind: "poll" }, gateway.wakeAt));
  const responses = effects.flatMap((effect) => (effect.kind === "respond" ? [effect.octets] : []));
  const dropped = effects.some((effect) => effect.kind === "drop" && (effect.why === "short-dns" || effect.why === "response-dns"));
  if (responses.length !== (dropped ? 0 : 1)) throw new Error(`${responses.length} responses`);
  for (const response of responses) {
    const message = parseDns(response);
    if (message instanceof Reject || !message.response || message.id !== u16(octets, 0)) throw new Error("no response to this request");
  }
}

const HOSTS: readonly Address[] = [address("fc00:aaaa:1::10"), address("fc00:aaaa:1::11")];
const LOCAL = localOf(["alpha.example 300 SOA 120", "h1.alpha.example 300 ULID fc00:aaaa:1::10", "h2.alpha.example 300 CNAME a.example"]);
const NAMES = [
  "a.example",
  "b.example",
  "c.b.example",
  "x.c.b.example",
  "d.test",
  "h1.alpha.example",
  "no.alpha.example",
  "localhost",
  "",
].map(dnsName);
const TYPES = [1, 5, 12, 28, 28, 28, 39, 64, 65, 65_280, 65_280, 255, 6, 16];
const ULIDS = ["fc00:bbbb:1::10", "fc00:bbbb:1::11", "fd00::1", "fc00:aaaa:1::5", "2001:db8::5"].map((each) => address(each));
const LOCATORS = ["2001:db8:b3::1", "2001:db8:b4::1", "fe80::1", "2001:db8:a1::5", "fc00:cccc::1", "ff02::1"].map((each) => address(each));
const POINTERS = ULIDS.map(reverseName);
const QUERIES = 24;

interface Open {
  readonly id: number;
  readonly name: DnsName;
  readonly type: number;
}

/**
 * Some requests, answers and silences in any order, then silence until nobody waits. @throws {Error} for what must never be: a request with no answer or with
 * two, a response to another question, an address beside a ULID, a locator that cannot be, work without a bound, anything left at the end
 */
export function playGateway(random: Seeded): void {
  const gateway = new Gateway<number>({ ...SETTINGS, cache: below(random, 20), announce: random.next() % 2 === 0 }, LOCAL);
  const asked = new Map<number, DnsMessage>();
  const answered = new Set<number>();
  const open: Open[] = [];
  let now = 0;
  let fetches = 0;
  const take = (effects: readonly Effect[]) => {
    for (const effect of effects) {
      if (effect.kind === "fetch") {
        open.push(effect);
        fetches++;
      } else if (effect.kind === "respond") checkResponse(effect.octets, asked.get(effect.client), answered, effect.client);
      else if (effect.kind === "learn" || effect.kind === "located") checkLocators(effect.ulid, effect.locators, effect.kind === "learn");
    }
  };
  for (let i = 1; i <= QUERIES; i++) {
    now += oneOf(random, [0, 1, 500, 3_000, 60_000]);
    if (random.next() % 5 === 0) take(gateway.step({ kind: "locate", ulid: oneOf(random, ULIDS) }, now));
    const request = someQuery(random, i);
    asked.set(i, request);
    take(gateway.step({ kind: "query", client: i, from: oneOf(random, HOSTS), octets: emitDns(request), stream: i % 3 === 0 }, now));
    for (let left = below(random, 5); left > 0 && open.length > 0; left--) take(answerOne(random, gateway, open, now));
    if (gateway.wakeAt <= now) take(gateway.step({ kind: "poll" }, now));
  }
  while (open.length > 0 && fetches < 10_000) take(answerOne(random, gateway, open, now));
  now += FETCH_LIFE;
  take(gateway.step({ kind: "poll" }, now));
  const { jobs, clients, fetches: left } = gateway.totals();
  if (jobs + clients + left > 0 || gateway.wakeAt < Number.POSITIVE_INFINITY)
    throw new Error(`left over: ${jobs} jobs, ${clients} clients, ${left} fetches`);
  if (answered.size !== asked.size) throw new Error(`${asked.size} requests, ${answered.size} answered`);
  if (fetches > QUERIES * 2 * 48) throw new Error(`${fetches} fetches`);
}

function answerOne(random: Seeded, gateway: Gateway<number>, open: Open[], now: number): Effect[] {
  const [fetch] = open.splice(below(random, open.length), 1);
  if (random.next() % 8 === 0) return gateway.step({ kind: "failed", fetch: fetch.id }, now);
  if (random.next() % 64 === 0)
    return gateway
      .step({ kind: "answer", fetch: below(random, 100), message: someAnswer(random, fetch) }, now)
      .concat(gateway.step({ kind: "failed", fetch: fetch.id }, now));
  return gateway.step({ kind: "answer", fetch: fetch.id, message: someAnswer(random, fetch) }, now);
}

function someQuery(random: Seeded, id: number): DnsMessage {
  const name = oneOf(random, random.next() % 8 === 0 ? POINTERS : NAMES);
  const spelt = (random.next() % 4 === 0 ? name.toUpperCase() : name) as DnsName;
  const edns = { ...PLAIN_EDNS, dnssecOk: random.next() % 2 === 0, size: below(random, 5000) };
  return {
    ...NO_FLAGS,
    id,
    recursionDesired: random.next() % 16 !== 0,
    checkingDisabled: random.next() % 4 === 0,
    authenticData: random.next() % 4 === 0,
    questions: [{ name: spelt, type: oneOf(random, TYPES), class: CLASS_IN }],
    edns: random.next() % 3 === 0 ? undefined : edns,
  };
}

function someAnswer(random: Seeded, { name, type }: Open): DnsMessage {
  const answers = Array.from({ length: below(random, 6) }, () =>
    someRecord(random, random.next() % 2 === 0 ? name : oneOf(random, NAMES), type),
  );
  const soa = someRecord(random, oneOf(random, NAMES), 6);
  return {
    ...NO_FLAGS,
    response: true,
    rcode: oneOf(random, [0, 0, 0, 0, 0, 3, 2, 5, 6, 16, 23]),
    authenticData: random.next() % 2 === 0,
    truncated: random.next() % 32 === 0,
    answers,
    authority: random.next() % 2 === 0 ? [soa] : [],
    additional: random.next() % 4 === 0 ? [someRecord(random, oneOf(random, NAMES), 28)] : [],
    edns: { ...PLAIN_EDNS, options: [{ code: 15, data: random.octets(below(random, 6)) }] },
  };
}

function someRecord(random: Seeded, name: DnsName, wanted: number): DnsRecord {
  const type = random.next() % 2 === 0 && wanted !== 255 ? wanted : oneOf(random, [5, 39, 28, 65_280, 65, 12, 46]);
  return { name, type, class: CLASS_IN, ttl: oneOf(random, [0, 1, 60, 300, 0x7fff_ffff]), data: someData(random, type) };
}

function someData(random: Seeded, type: number): Uint8Array {
  switch (type) {
    case 5:
    case 12:
    case 39:
      return nameOctets(oneOf(random, NAMES));
    case 1:
      return random.octets(4);
    case 28:
      return addressOctets(oneOf(random, LOCATORS));
    case 6: {
      const [primary, contact] = [oneOf(random, NAMES), oneOf(random, NAMES)];
      return emitSoa({ primary, contact, serial: 1, refresh: 2, retry: 3, expire: 4, minimum: oneOf(random, [0, 1, 300, 2 ** 32 - 1]) });
    }
    case 65_280:
      return random.next() % 8 === 0 ? random.octets(below(random, 20)) : addressOctets(oneOf(random, ULIDS));
    case 64:
    case 65:
      return concat(
        Uint8Array.of(0, 1),
        nameOctets(oneOf(random, NAMES)),
        Uint8Array.of(0, 6, 0, 16),
        addressOctets(oneOf(random, LOCATORS)),
      );
    default:
      return random.octets(below(random, 30));
  }
}

function checkResponse(octets: Uint8Array, request: DnsMessage | undefined, answered: Set<number>, client: number): void {
  if (request === undefined || answered.has(client)) throw new Error(`a second response to ${client}`);
  answered.add(client);
  const message = parseDns(octets);
  if (message instanceof Reject) throw new Error(`written: ${message.why}`);
  const [asked, got] = [request.questions[0], message.questions[0]];
  if (message.id !== request.id || asked.name !== got.name || asked.type !== got.type) throw new Error("a response to another question");
  const addresses = message.answers.filter(({ type }) => type === 28 || type === 1);
  if (!request.checkingDisabled && addresses.length > 1 && addresses.some(isUlid)) throw new Error("an address beside a ULID");
  if (message.authenticData && request.edns?.dnssecOk !== true && !request.authenticData) throw new Error("AD to who did not want it");
}

function isUlid({ data }: DnsRecord): boolean {
  return ULIDS.some((ulid) => sameBytes(addressOctets(ulid), data));
}

function checkLocators(ulid: Address, locators: readonly { readonly address: Address }[], learnt: boolean): void {
  if (learnt && (locators.length === 0 || contains(SETTINGS.own, ulid) || !contains(SETTINGS.generic, ulid)))
    throw new Error(`learnt ${ulid}`);
  for (const each of locators) if (!LOCATORS.slice(0, 2).includes(each.address)) throw new Error(`${each.address} as a locator`);
}
