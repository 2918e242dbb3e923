/** DHCPv6: messages that are nearly right, in relays that are nearly right, at the parser and at a server with leases. */
import { createCrypto } from "../../adapters/common/crypto.ts";
import type { Dhcp6Effect, LeaseRecord } from "../../runtime/dhcp6/contract.ts";
import { CgaPool } from "../../runtime/dhcp6/pool.ts";
import { Dhcp6Server } from "../../runtime/dhcp6/server.ts";
import { type Address, address, UNSPECIFIED } from "../../runtime/value/address.ts";
import { concat, hex, putU16, u16 } from "../../runtime/value/bytes.ts";
import { prefix } from "../../runtime/value/prefix.ts";
import { Reject } from "../../runtime/value/reject.ts";
import type { Dhcp6Option } from "../../runtime/wire/dhcp6.ts";
import { rkapOption } from "../../runtime/wire/dhcp6-auth.ts";
import { showDuid } from "../../runtime/wire/dhcp6-duid.ts";
import { emitDhcp6, parseDhcp6, showDhcp6 } from "../../runtime/wire/dhcp6-message.ts";
import { RELAY_FORW, RELAY_REPL } from "../../runtime/wire/dhcp6-number.ts";
import { dnsName } from "../../runtime/wire/dns-name.ts";
import { clientId, duid, GROUP, HOST, iaAddress, iaNa, mac, OWN, plainMaker, SERVER_DUID, serverId, settings, WALL } from "../lib/dhcp6.ts";
import type { Seeded } from "../lib/shim6world.ts";
import { below, oneOf } from "./mutate.ts";
import { type Target, weight } from "./run.ts";

/** Octets of result for each octet of input: an option of four octets becomes an object with three properties. */
const GROWTH = 64;
const FIXED = 4096;
/** What an answer may be longer than its question by: configuration that was asked for in two octets each, and a text for each empty IA. */
const ANSWER_FIXED = 2048;
const ANSWER_GROWTH = 8;
const ADDRESSES = ["fc00:a:1:1::1", "fc00:a:1:1::2", "fc00:a:1:105::1", "2001:db8::1", "::", "ff02::1", "fe80::ff:fe00:9"].map(address);
const INFINITE = 0xffff_ffff;

/** What a random option may be. */
const OPTIONS: readonly ((random: Seeded) => Dhcp6Option)[] = [
  (random) => clientId(below(random, 4)),
  () => serverId,
  (random) => ({ kind: "server-id", duid: duid(below(random, 4)) }),
  (random) => iaNa(below(random, 3), ...someAddresses(random)),
  (random) => iaNa(below(random, 3), ...someAddresses(random)),
  (random) => ({ kind: "ia-ta", iaid: below(random, 3), options: someAddresses(random).map(iaAddress) }),
  (random) => ({
    kind: "ia-pd",
    iaid: below(random, 3),
    t1: INFINITE,
    t2: 0,
    options: [{ kind: "ia-prefix", prefix: prefix("2001:db8::/56"), preferred: 0, valid: INFINITE, options: [] }],
  }),
  (random) => ({ kind: "option-request", codes: Array.from({ length: below(random, 40) }, () => below(random, 150)) }),
  () => ({ kind: "elapsed-time", hundredths: 0xffff }),
  () => ({ kind: "rapid-commit" }),
  () => ({ kind: "reconfigure-accept" }),
  (random) => rkapOption(1 + below(random, 2), random.octets(16), below(random, 1e9)),
  (random) => ({
    kind: "client-fqdn",
    s: random.next() % 2 === 0,
    o: random.next() % 2 === 0,
    n: random.next() % 4 === 0,
    name: dnsName(oneOf(random, ["", "printer", "a.b.c", "x".repeat(63), "\\000\\255", "host"])),
    whole: random.next() % 2 === 0,
  }),
  (random) => ({ kind: "status", code: below(random, 9), text: "x" }),
  (random) => ({
    kind: "address-selection",
    automatic: true,
    privacy: false,
    rows: [{ prefix: prefix("fc00::/7"), precedence: below(random, 256), label: 1 }],
  }),
  () => ({ kind: "domain-list", names: [dnsName("a.example")] }),
  () => ({ kind: "ntp-servers", addresses: [OWN], others: [] }),
  (random) => ({ kind: "raw", code: below(random, 200), octets: random.octets(below(random, 24)) }),
  (random) => ({ kind: "raw", code: random.next() & 0xffff, octets: random.octets(below(random, 24)) }),
];
const RELAY_OPTIONS: readonly ((random: Seeded) => Dhcp6Option)[] = [
  (random) => ({ kind: "interface-id", octets: random.octets(below(random, 9)) }),
  (random) => ({ kind: "client-link-layer", type: 1 + below(random, 2), octets: random.octets(5 + below(random, 3)) }),
  (random) => ({ kind: "remote-id", enterprise: 9, octets: random.octets(below(random, 9)) }),
  (random) => ({ kind: "echo-request", codes: [9, 18, 37, 43, below(random, 200)] }),
  (random) => ({ kind: "relay-port", port: random.next() & 0xffff }),
  (random) => ({ kind: "raw", code: below(random, 200), octets: random.octets(below(random, 24)) }),
];

function someAddresses(random: Seeded): Address[] {
  return Array.from({ length: below(random, 4) }, () => oneOf(random, ADDRESSES));
}

/** A message of any type that is well formed, and sometimes one that is right. */
function message(random: Seeded): Uint8Array {
  const chosen = Array.from({ length: below(random, 12) }, () => oneOf(random, OPTIONS)(random));
  const options =
    random.next() % 3 === 0 ? chosen : [clientId(below(random, 4)), ...(random.next() % 2 === 0 ? [serverId] : []), ...chosen];
  const singletons = new Set<string>();
  const once = options.filter(
    ({ kind }) => kind.startsWith("ia-") || kind === "raw" || random.next() % 64 === 0 || (!singletons.has(kind) && singletons.add(kind)),
  );
  return emitDhcp6({ kind: "message", type: 1 + below(random, 11), transaction: random.next() & 0xff_ffff, options: once });
}

function relayed(random: Seeded, inner: Uint8Array, hops: number): Uint8Array {
  const options = Array.from({ length: below(random, 3) }, () => oneOf(random, RELAY_OPTIONS)(random));
  return emitDhcp6({
    kind: "relay",
    type: random.next() % 32 === 0 ? RELAY_REPL : RELAY_FORW,
    hops,
    link: random.next() % 2 === 0 ? UNSPECIFIED : oneOf(random, ADDRESSES),
    peer: oneOf(random, ADDRESSES),
    options: [...options, { kind: "relay-message", octets: inner }],
  });
}

/** One change, of an option as a whole where there is one, or of any octet. */
function spoil(random: Seeded, octets: Uint8Array): Uint8Array {
  const start = octets[0] === RELAY_FORW || octets[0] === RELAY_REPL ? 34 : 4;
  const places: number[] = [];
  for (let at = start; at + 4 <= octets.length; at += 4 + u16(octets, at + 2)) places.push(at);
  const changed = octets.slice();
  const place = places.length === 0 ? undefined : oneOf(random, places);
  const end = place === undefined ? 0 : Math.min(octets.length, place + 4 + u16(octets, place + 2));
  switch (below(random, 9)) {
    case 0:
      return octets.slice(0, below(random, octets.length + 1));
    case 1:
      if (octets.length > 0) changed[below(random, octets.length)] = random.next();
      return changed;
    case 2:
      return concat(octets, random.octets(below(random, 32)));
    case 3:
      if (place !== undefined)
        putU16(changed, place + 2, oneOf(random, [0, 1, 0xffff, end - place - 3, Math.max(0, end - place - 5), octets.length]));
      return changed;
    case 4:
      if (place !== undefined) putU16(changed, place, below(random, 150));
      return changed;
    case 5:
      return place === undefined ? changed : concat(octets, octets.subarray(place, end));
    case 6:
      return place === undefined ? changed : concat(octets.subarray(0, place), octets.subarray(end));
    case 7:
      // An option within an option of the same kind, its length made right.
      if (place === undefined || end - place > 2000) return changed;
      putU16(changed, place + 2, 2 * (end - place) - 4);
      return concat(changed.subarray(0, end), octets.subarray(place, end), octets.subarray(end));
    default:
      changed[0] = below(random, 16);
      return changed;
  }
}

const crypto = createCrypto();
const record = (n: number, state: LeaseRecord["state"]): LeaseRecord => ({
  ulid: address(`fc00:a:1:1::${n}`),
  duid: duid(n),
  iaid: 1,
  state,
  name: n === 1 ? "host" : undefined,
  mac: mac(n),
  matched: "pool",
  since: WALL,
  until: WALL + 3_600_000,
});
const LEASES = [record(1, "bound"), record(2, "released"), record(3, "declined")];
const SETTINGS = settings({
  reconfigure: true,
  max: 8,
  zone: dnsName("alpha.example"),
  reservations: [{ name: "printer", duid: undefined, mac: mac(2), relay: undefined, ulid: undefined }],
});

function serve(octets: Uint8Array, index: number): void {
  const parts = {
    serverDuid: SERVER_DUID,
    reconfigureKey: (duid: Uint8Array) => crypto.hmacSha256(SERVER_DUID, duid).slice(0, 16),
    hmacMd5: crypto.hmacMd5,
    leases: LEASES,
  };
  const pool = new CgaPool(plainMaker(), { own: 0, behind: 0 });
  const server = new Dhcp6Server(SETTINGS, parts, pool, 0, WALL);
  const to = index % 8 === 0 ? OWN : GROUP;
  const effects: Dhcp6Effect[] = [];
  for (let i = 0; i < 2; i++) {
    effects.push(...server.step({ kind: "message", octets, from: HOST, port: 546, to, interface: 1 }, i, WALL));
    effects.push(...server.step({ kind: "settled" }, i, WALL));
    if (effects.some(({ kind }) => kind === "store"))
      effects.push(...server.step({ kind: index % 5 === 0 ? "failed" : "stored" }, i, WALL));
  }
  effects.push(...server.step({ kind: "time" }, 1e9, WALL + 1e9));
  const { known, offers, contacts } = server.sizes;
  if (known > SETTINGS.max || offers > 64 || contacts > SETTINGS.max) throw new Error(`tables of ${known}, ${offers}, ${contacts}`);
  if (weight(effects) > GROWTH * octets.length + 8 * FIXED) throw new Error(`effects of ${weight(effects)} octets`);
  for (const effect of effects) if (effect.kind === "reply") checkReply(effect.octets, octets.length);
}

/** An answer is a message, not much longer than what it answers. */
function checkReply(reply: Uint8Array, asked: number): void {
  const parsed = parseDhcp6(reply);
  if (parsed instanceof Reject) throw new Error(`an answer that nobody takes: ${parsed.why} ${hex(reply)}`);
  if (reply.length > ANSWER_FIXED + ANSWER_GROWTH * asked) throw new Error(`${reply.length} octets for ${asked}`);
}

/** Messages at the reader and at a server that has a lease of each state. */
export function dhcp6Target(): Target {
  return {
    name: "dhcp6",
    input(random) {
      if (below(random, 100) === 0) return random.octets(below(random, 200));
      let octets = message(random);
      if (random.next() % 2 === 0) octets = spoil(random, octets);
      for (let hops = 0, relays = random.next() % 2 === 0 ? 0 : below(random, 11); hops < relays; hops++)
        octets = relayed(random, octets, hops);
      for (let left = below(random, 3); left > 0; left--) octets = spoil(random, octets);
      return octets;
    },
    play(octets, index) {
      const before = index % 16 === 0 ? hex(octets) : "";
      const parsed = parseDhcp6(octets);
      if (!(parsed instanceof Reject)) {
        if (weight(parsed) > GROWTH * octets.length + FIXED) throw new Error(`${octets.length} octets became ${weight(parsed)}`);
        showDhcp6(parsed);
        for (const option of parsed.options) if (option.kind === "client-id") showDuid(option.duid);
        const again = parseDhcp6(emitDhcp6(parsed));
        if (JSON.stringify(again) !== JSON.stringify(parsed)) throw new Error("written anew it reads differently");
      }
      serve(octets, index);
      if (index % 16 === 0 && hex(octets) !== before) throw new Error("the server changed its input");
    },
  };
}
