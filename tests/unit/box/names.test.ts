/** The DNS service on a network in memory: whom it answers, what it bounds, what it tells the box. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { memoryNet } from "../../../adapters/memory/udp.ts";
import { NameService } from "../../../runtime/box/names.ts";
import type { NameSite } from "../../../runtime/box/names-settings.ts";
import { AnswerCache } from "../../../runtime/dns/answers.ts";
import type { UdpPort, UdpSocket } from "../../../runtime/port/udp.ts";
import { address, addressOctets } from "../../../runtime/value/address.ts";
import { concat, u16 } from "../../../runtime/value/bytes.ts";
import { prefix } from "../../../runtime/value/prefix.ts";
import { Reject } from "../../../runtime/value/reject.ts";
import { type DnsMessage, RCODE_SERVFAIL, TYPE_AAAA, TYPE_PTR, TYPE_ULID_DEFAULT } from "../../../runtime/wire/dns.ts";
import { emitDns } from "../../../runtime/wire/dns-emit.ts";
import { dnsName, nameOctets, reverseName } from "../../../runtime/wire/dns-name.ts";
import { parseDns } from "../../../runtime/wire/dns-parse.ts";
import { MemoryTcp } from "../../lib/memory-tcp.ts";

const GATEWAY = address("fc00:aaaa:1::1");
const HOST = address("fc00:aaaa:1::10");
const STRANGER = address("2001:db8:99::1");
const RESOLVER = address("2001:db8:f1::53");
const ULID = address("fc00:bbbb:1::10");
const LOCATOR = address("2001:db8:b3::10");

const site: NameSite = {
  ulid: { prefix: prefix("fc00:aaaa:1::/48"), generic: prefix("fc00::/7"), routable: [] },
  lan: { interface: "lan", subnets: [prefix("fc00:aaaa:1::/64")], advertise: false },
  providers: [],
  legacy: { mode: "off", names: "pass" },
  policy: [],
  dns: {
    listen: [{ host: GATEWAY, port: 53 }],
    upstreams: [{ host: RESOLVER, port: 53, domains: [] }],
    type: TYPE_ULID_DEFAULT,
    handshake: "packet",
    proof: "dns",
    reverse: true,
    cache: 1_000,
    timeout: 1_000,
  },
};

function query(id: number, name: string, type = TYPE_AAAA): Uint8Array {
  return emitDns({
    id,
    response: false,
    opcode: 0,
    authoritative: false,
    truncated: false,
    recursionDesired: true,
    recursionAvailable: false,
    authenticData: false,
    checkingDisabled: false,
    rcode: 0,
    questions: [{ name: dnsName(name), type, class: 1 }],
    answers: [],
    authority: [],
    additional: [],
    edns: undefined,
  });
}

function read(octets: Uint8Array): DnsMessage {
  const message = parseDns(octets);
  if (message instanceof Reject) throw new Error(message.why);
  return message;
}

/** A resolver that knows `peer.…` with a ULID, its reverse name, and a plain address for all other names. */
async function openResolver(udp: UdpPort): Promise<{ asked: string[]; silent: boolean }> {
  const state = { asked: [] as string[], silent: false };
  const socket = await udp.open(
    { address: RESOLVER, port: 53 },
    {
      receive(octets, from, to) {
        const asked = read(octets);
        const [{ name, type }] = asked.questions;
        state.asked.push(`${name.toLowerCase()} ${type}`);
        if (state.silent) return;
        const isPeer = name.toLowerCase().startsWith("peer");
        const record = (data: Uint8Array) => [{ name, type, class: 1, ttl: 60, data }];
        const answers =
          type === TYPE_AAAA
            ? record(addressOctets(isPeer ? LOCATOR : address("2001:db8:77::1")))
            : type === TYPE_ULID_DEFAULT && isPeer
              ? record(addressOctets(ULID))
              : type === TYPE_PTR && name.toLowerCase() === reverseName(ULID)
                ? record(nameOctets(dnsName("peer.example")))
                : [];
        socket.send(emitDns({ ...asked, response: true, recursionAvailable: true, answers }), from, to);
      },
    },
  );
  return state;
}

async function openWorld(changes: Partial<NameSite["dns"]> = {}) {
  let now = 10_000;
  const net = memoryNet({ openAnswerer: (limits) => new AnswerCache(limits), now: () => now });
  const box = net.node([
    { name: "lan", index: 1, addresses: [GATEWAY, address("fe80::1")] },
    { name: "up", index: 2, addresses: [address("2001:db8:f1::1")] },
  ]);
  const resolver = await openResolver(net.node([{ name: "up", index: 2, addresses: [RESOLVER] }]));
  const hosts = net.node([{ name: "lan", index: 1, addresses: [HOST, STRANGER, address("fc00:aaaa:1::11")] }]);
  const tcp = new MemoryTcp();
  const told: string[] = [];
  let seed = 1;
  const service = new NameService(
    { ...site, dns: { ...site.dns, ...changes } },
    {
      now: () => now,
      entropy: {
        bytes: (count) =>
          Uint8Array.from({ length: count }, () => {
            seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
            return seed >>> 16;
          }),
      },
      udp: box,
      tcp,
      learn: (ulid, locators, names) => told.push(`learn ${ulid} ${locators.map((one) => one.address)} ${names}`),
      asked: (host, ulid) => told.push(`asked ${host} ${ulid}`),
      woken: () => undefined,
    },
  );
  await service.start();
  const heard: DnsMessage[] = [];
  const open = (from = HOST): Promise<UdpSocket> =>
    hosts.open({ address: from, port: 0 }, { receive: (octets) => void heard.push(read(octets)) });
  const to = { address: GATEWAY, port: 53 };
  return {
    service,
    resolver,
    tcp,
    told,
    heard,
    open,
    to,
    /** Lets what is under way arrive. */
    async settle() {
      for (let i = 0; i < 40; i++) await Promise.resolve();
    },
    async pass(ms: number) {
      const end = now + ms;
      while (service.wakeAt <= end) {
        now = Math.max(now, service.wakeAt);
        service.poll(now);
        for (let i = 0; i < 40; i++) await Promise.resolve();
      }
      now = end;
      service.poll(now);
    },
    counted: (name: string) => [...service.counters()].reduce((sum, [each, count]) => sum + (each === name ? count : 0), 0),
  };
}

function framed(...messages: readonly Uint8Array[]): Uint8Array {
  return concat(...messages.flatMap((message) => [Uint8Array.of(message.length >> 8, message.length & 0xff), message]));
}

/** Messages of a stream of frames. */
function frames(received: readonly Uint8Array[]): DnsMessage[] {
  let octets = concat(...received);
  const all: DnsMessage[] = [];
  while (octets.length >= 2) {
    const end = 2 + u16(octets, 0);
    all.push(read(octets.subarray(2, end)));
    octets = octets.subarray(end);
  }
  return all;
}

const addressOf = (message: DnsMessage) => message.answers.map(({ data }) => data.join("."));
const ulidText = [addressOctets(ULID).join(".")];

test("a host gets the ULID, the box the locators; asked again, the answer comes out of the thread", async () => {
  const world = await openWorld();
  const socket = await world.open();
  socket.send(query(7, "Peer.example"), world.to);
  await world.settle();
  assert.is(world.heard.length, 1);
  assert.is(world.heard[0].id, 7);
  assert.equal(addressOf(world.heard[0]), ulidText);
  assert.equal(world.told, [`learn ${ULID} ${LOCATOR} peer.example`]);
  const before = world.resolver.asked.length;
  socket.send(query(8, "peer.EXAMPLE"), world.to);
  await world.settle();
  assert.is(world.heard[1].id, 8);
  assert.is(world.heard[1].questions[0].name, "peer.EXAMPLE");
  assert.is(world.resolver.asked.length, before);
  assert.is(world.counted("out-answered-udp"), 1);
  assert.equal({ ...world.service.totals(), kept: 0 }, { jobs: 0, clients: 0, fetches: 0, kept: 0, attempts: 0, streams: 0 });
  await world.service.close();
});

test("strangers hear nothing, over UDP and TCP, also of what is kept", async () => {
  const world = await openWorld();
  const host = await world.open();
  host.send(query(1, "peer.example"), world.to);
  await world.settle();
  const stranger = await world.open(STRANGER);
  stranger.send(query(2, "peer.example"), world.to);
  const call = world.tcp.call(STRANGER, GATEWAY, 53);
  await world.settle();
  assert.is(world.heard.length, 1);
  assert.is(call.state(), "closed");
  assert.is(world.counted("drop-stranger-dns"), 2);
  await world.service.close();
});

test("a host that floods is cut back, the others are served", async () => {
  const world = await openWorld();
  const flooder = await world.open();
  const other = await world.open(address("fc00:aaaa:1::11"));
  world.resolver.silent = true;
  for (let i = 0; i < 3_000; i++) flooder.send(query(i, `n${i}.example`), world.to);
  await world.settle();
  assert.is(world.service.totals().clients, 256);
  assert.ok(world.counted("drop-waiting-dns") > 0);
  assert.ok(world.counted("drop-flood-dns") >= 1_900);
  world.resolver.silent = false;
  other.send(query(9, "plain.example"), world.to);
  await world.settle();
  assert.is(world.heard.filter(({ id }) => id === 9).length, 1);
  await world.pass(20_000);
  assert.equal({ ...world.service.totals(), kept: 0 }, { jobs: 0, clients: 0, fetches: 0, kept: 0, attempts: 0, streams: 0 });
  await world.service.close();
});

test("TCP: many requests in one piece, in odd pieces, answered as they are ready", async () => {
  const world = await openWorld();
  const call = world.tcp.call(HOST, GATEWAY, 53);
  const all = framed(...Array.from({ length: 200 }, (_, i) => query(i, `n${i % 50}.example`)));
  for (let at = 0; at < all.length; at += 37) call.send(all.subarray(at, at + 37));
  for (let i = 0; i < 40; i++) await world.settle();
  const ids = frames(call.received).map(({ id }) => id);
  assert.equal(
    [...ids].sort((a, b) => a - b),
    Array.from({ length: 200 }, (_, i) => i),
  );
  call.end();
  assert.is(call.state(), "ended");
  await world.service.close();
});

test("TCP: a host that ends its side still gets what it asked for", async () => {
  const world = await openWorld();
  const call = world.tcp.call(HOST, GATEWAY, 53);
  call.send(framed(query(5, "peer.example")));
  call.end();
  assert.is(call.state(), "open");
  await world.settle();
  assert.equal(addressOf(frames(call.received)[0]), ulidText);
  assert.is(call.state(), "ended");
  await world.service.close();
});

test("TCP: quiet connections are closed, those that take no answers too; bounded for one host and for all", async () => {
  const world = await openWorld();
  const quiet = world.tcp.call(HOST, GATEWAY, 53);
  quiet.send(Uint8Array.of(0));
  await world.pass(10_001);
  assert.is(quiet.state(), "closed");
  assert.is(world.counted("drop-idle-tcp-dns"), 1);
  const slow = world.tcp.call(HOST, GATEWAY, 53);
  slow.hold(true);
  slow.send(framed(query(1, "peer.example")));
  await world.settle();
  slow.send(framed(query(2, "peer.example")));
  assert.is(slow.received.length, 1);
  for (let i = 0; i < 60; i++) slow.send(new Uint8Array(2_000));
  assert.is(slow.state(), "closed");
  const calls = Array.from({ length: 33 }, () => world.tcp.call(HOST, GATEWAY, 53));
  assert.equal(calls.map((call) => call.state()).filter((state) => state === "closed").length, 1);
  const many = Array.from({ length: 600 }, (_, i) => world.tcp.call(`fc00:aaaa:1::${(i + 256).toString(16)}`, GATEWAY, 53));
  assert.is(world.service.totals().streams, 512);
  assert.is(many.at(-1)?.state(), "open");
  await world.service.close();
  assert.is(many.at(-1)?.state(), "closed");
});

test("locate asks the reverse tree; many who want the same wait for one search", async () => {
  const world = await openWorld();
  const found: string[] = [];
  for (let i = 0; i < 3; i++)
    assert.ok(world.service.locate(ULID, ({ locators, failed }) => found.push(`${locators.map((one) => one.address)} ${failed}`)));
  assert.equal(found, []);
  await world.settle();
  assert.equal(found, [`${LOCATOR} false`, `${LOCATOR} false`, `${LOCATOR} false`]);
  assert.is(world.resolver.asked.filter((asked) => asked.endsWith(` ${TYPE_PTR}`)).length, 1);
  await world.service.configure({ ...site, dns: { ...site.dns, reverse: false } });
  assert.not(world.service.locate(ULID, () => undefined));
  await world.service.close();
});

test("hosts that get a ULID are announced each time where the settings ask for it", async () => {
  const world = await openWorld({ handshake: "answer" });
  const socket = await world.open();
  for (let id = 1; id <= 2; id++) {
    socket.send(query(id, "peer.example"), world.to);
    await world.settle();
  }
  assert.equal(
    world.told.filter((line) => line.startsWith("asked")),
    [`asked ${HOST} ${ULID}`, `asked ${HOST} ${ULID}`],
  );
  await world.service.close();
});

test("when no resolver answers hosts hear of it", async () => {
  const world = await openWorld();
  world.resolver.silent = true;
  const socket = await world.open();
  socket.send(query(3, "peer.example"), world.to);
  await world.settle();
  await world.pass(15_000);
  assert.equal(
    world.heard.map(({ id, rcode }) => [id, rcode]),
    [[3, RCODE_SERVFAIL]],
  );
  assert.ok(world.counted("drop-no-answer-dns") > 0);
  await world.service.close();
});

test("the site's own names: given at once, and forgotten within a second when they change", async () => {
  const world = await openWorld();
  let own = HOST;
  world.service.setLocal({
    find: (name, type) =>
      name === "own.site" ? (type === TYPE_AAAA ? [{ name, type, class: 1, ttl: 300, data: addressOctets(own) }] : []) : undefined,
  });
  const socket = await world.open();
  const ask = async (id: number) => {
    socket.send(query(id, "own.site"), world.to);
    await world.settle();
    return world.heard.filter((message) => message.id === id).flatMap(addressOf);
  };
  assert.equal(await ask(1), [addressOctets(HOST).join(".")]);
  own = address("fc00:aaaa:1::11");
  world.service.localChanged();
  world.service.localChanged();
  await world.pass(1_000);
  assert.equal(await ask(2), [addressOctets(own).join(".")]);
  await world.service.close();
});

test("other settings: old addresses close, new ones open", async () => {
  const world = await openWorld();
  const socket = await world.open();
  await world.service.configure({ ...site, dns: { ...site.dns, listen: [{ host: GATEWAY, port: 5353 }] } });
  socket.send(query(1, "plain.example"), world.to);
  socket.send(query(2, "plain.example"), { address: GATEWAY, port: 5353 });
  await world.settle();
  assert.equal(
    world.heard.map(({ id }) => id),
    [2],
  );
  await world.service.close();
  await world.service.close();
});

test("an address that is taken is an error of start, and nothing stays open", async () => {
  const net = memoryNet({ openAnswerer: (limits) => new AnswerCache(limits) });
  const box = net.node([{ name: "lan", index: 1, addresses: [GATEWAY] }]);
  const other = await box.open({ address: GATEWAY, port: 53 }, { receive: () => undefined });
  const parts = { now: () => 0, entropy: { bytes: (count: number) => new Uint8Array(count) }, udp: box, tcp: new MemoryTcp() };
  const service = new NameService(site, { ...parts, learn: () => undefined, asked: () => undefined, woken: () => undefined });
  assert.match(
    await service.start().then(
      () => "",
      (error: Error) => error.message,
    ),
    /in use/,
  );
  other.close();
});

test.run();
