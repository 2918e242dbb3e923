/** The publisher on a network in memory: what is served when, connections and their bounds, settings that change. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createCrypto } from "../../../adapters/common/crypto.ts";
import { virtualClock } from "../../../adapters/memory/clock.ts";
import { seededEntropy } from "../../../adapters/memory/entropy.ts";
import { memoryFiles } from "../../../adapters/memory/files.ts";
import { memoryNet } from "../../../adapters/memory/udp.ts";
import { Publisher, type PublisherSettings } from "../../../runtime/box/publish.ts";
import { Deframer, framed } from "../../../runtime/box/zone-tcp.ts";
import type { ZoneSettings } from "../../../runtime/config/site.ts";
import type { Log } from "../../../runtime/port/log.ts";
import type { TcpConnection, TcpHandlers, TcpPort } from "../../../runtime/port/tcp.ts";
import { address } from "../../../runtime/value/address.ts";
import { prefix } from "../../../runtime/value/prefix.ts";
import { TYPE_AAAA, TYPE_SOA } from "../../../runtime/wire/dns.ts";
import { emitDns } from "../../../runtime/wire/dns-emit.ts";
import { dnsName } from "../../../runtime/wire/dns-name.ts";
import { errorOf } from "../../lib/scratch.ts";
import { hostOf, ISP1, ISP2, KEY, ModelServer, ORIGIN, REVERSE, read, requestOf, ULID_TYPE } from "../../lib/zone.ts";

const BOX = address("2001:db8:f1::2");
const WORLD = address("2001:db8:9::9");
const IDLE = 10_000;
const UPDATE = {
  host: "2001:db8:f1::53",
  port: 53,
  key: { name: KEY.name, algorithm: KEY.algorithm, file: "/etc/pshim6/tsig" },
} as const;

/** One TCP connection as the test holds its far end. */
interface Far {
  readonly handlers: TcpHandlers;
  readonly got: Uint8Array[];
  closed: boolean;
  ended: boolean;
  full: boolean;
}

function world(zone: Partial<ZoneSettings> = {}) {
  const clock = virtualClock(0, 1_800_000_000_000);
  const net = memoryNet();
  const name = (value: typeof BOX) => net.node([{ name: "eth0", index: 1, addresses: [value] }]);
  const udp = name(BOX);
  const listeners = new Map<number, (connection: TcpConnection) => TcpHandlers>();
  const server = new ModelServer(KEY, ORIGIN, REVERSE);
  const state = { reachable: true, said: [] as string[] };
  const tcp: TcpPort = {
    async listen(_address, port, accept) {
      listeners.set(port, accept);
      return { port, close: () => listeners.delete(port) };
    },
    async connect(_address, _port, _timeout, open) {
      if (!state.reachable) throw new Error("connect ECONNREFUSED");
      const requests = new Deframer();
      let handlers: TcpHandlers | undefined;
      const connection: TcpConnection = {
        remote: UPDATE.host,
        write(bytes) {
          requests.push(bytes);
          for (let request = requests.take(); request !== undefined; request = requests.take())
            for (const message of server.answer(request, clock.wall() / 1000)) handlers?.data(framed(message));
          return true;
        },
        end: () => undefined,
        close: () => undefined,
      };
      handlers = open(connection);
      return connection;
    },
  };
  const files = memoryFiles();
  files.makeDirectory("/etc/pshim6");
  files.writeText("/etc/pshim6/tsig", `${btoa(String.fromCharCode(...KEY.secret))}\n`, 0o600);
  const note = (message: string, fields = {}) => void state.said.push(`${message} ${JSON.stringify(fields)}`);
  const log: Log = { debug: note, info: note, warn: note, error: note };
  const settings = settingsOf({ listen: [{ host: BOX, port: 53 }], ...zone });
  const publisher = new Publisher(settings, {
    udp,
    tcp,
    clock,
    entropy: seededEntropy(1),
    crypto: createCrypto(),
    files,
    log,
    woken: () => undefined,
  });
  /** Moves on, as the box's timer would. */
  const advance = async (milliseconds: number) => {
    const end = clock.now() + milliseconds;
    for (;;) {
      await turns();
      const at = publisher.wakeAt;
      if (at > end) break;
      clock.advanceTo(Math.max(at, clock.now()));
      publisher.poll(clock.now());
    }
    clock.advanceTo(end);
  };
  return { clock, net, name, publisher, listeners, server, state, files, advance, settings };
}

function settingsOf(change: Partial<ZoneSettings>): PublisherSettings {
  const zone = {
    name: ORIGIN,
    reverse: true,
    ttl: 300,
    servers: [`ns.${ORIGIN}`],
    contact: `hostmaster.${ORIGIN}`,
    listen: [],
    update: undefined,
  };
  return { zone: { ...zone, ...change }, ulidPrefix: prefix("fc00:aaaa:1::/48"), ulidType: ULID_TYPE };
}

/** Lets promises that are settled go on. */
async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

function connect({ listeners }: ReturnType<typeof world>, remote = WORLD): Far {
  const accept = listeners.get(53);
  if (accept === undefined) throw new Error("nobody listens");
  const far = { got: [] as Uint8Array[], closed: false, ended: false, full: false };
  const handlers = accept({
    remote,
    write(bytes) {
      far.got.push(bytes);
      return !far.full;
    },
    end: () => {
      far.ended = true;
    },
    close: () => {
      far.closed = true;
    },
  });
  return Object.assign(far, { handlers });
}

const QUESTION = emitDns(requestOf(`h1.${ORIGIN}`, TYPE_AAAA));

test("asked by UDP, from the address that was asked", async () => {
  const at = world();
  await at.publisher.start();
  at.publisher.set([hostOf(0x10, "h1")], [ISP1, ISP2], 0);
  await at.advance(0);
  const heard: Uint8Array[] = [];
  const socket = await at
    .name(WORLD)
    .open({ address: WORLD, port: 0, peer: { address: BOX, port: 53 } }, { receive: (octets) => heard.push(octets.slice()) });
  socket.send(QUESTION);
  await turns();
  await turns();
  assert.is(heard.length, 1);
  assert.is(read(heard[0]).answers.length, 2);
  assert.equal([...at.publisher.counters.entries()], [["out-answer-zone", 1]]);
  at.publisher.close();
});

test("changes are gathered: once at once, then once a second", async () => {
  const at = world();
  await at.publisher.start();
  const names = () => at.publisher.status.zones[1]?.names ?? 0;
  at.publisher.set([hostOf(1)], [ISP1], 0);
  assert.is(at.publisher.status.current, false);
  at.publisher.poll(0);
  assert.is(names(), 2);
  at.publisher.set([hostOf(1), hostOf(2)], [ISP1], 0);
  at.publisher.set([hostOf(1), hostOf(2), hostOf(3)], [ISP1], 0);
  await at.advance(999);
  assert.is(names(), 2);
  const [{ serial }] = at.publisher.status.zones;
  await at.advance(1);
  assert.is(names(), 4);
  assert.is(at.publisher.status.current, true);
  assert.ok(at.publisher.status.zones[0].serial > serial);
  assert.is(at.publisher.local.find(dnsName(`h-${"2".padStart(20, "0")}.${ORIGIN}`), ULID_TYPE)?.length, 1);
});

test("a large site is made in slices; what is set meanwhile comes after it", async () => {
  const at = world();
  await at.publisher.start();
  const hosts = Array.from({ length: 1_000 }, (_, i) => hostOf(i + 1));
  at.publisher.set(hosts, [ISP1], 0);
  let polls = 0;
  while (at.publisher.status.zones.length === 0 && polls < 100) {
    assert.is(at.publisher.wakeAt, 0);
    at.publisher.poll(0);
    if (++polls === 2) at.publisher.set(hosts.slice(1), [ISP1], 0);
  }
  assert.is(polls, 4);
  assert.equal([at.publisher.status.zones[1].names, at.publisher.status.current], [1_001, false]);
  await at.advance(5_000);
  assert.equal([at.publisher.status.zones[1].names, at.publisher.status.current], [1_000, true]);
});

test("TCP: several questions in pieces, answered in order, and the end", async () => {
  const at = world();
  await at.publisher.start();
  at.publisher.set([hostOf(0x10, "h1")], [ISP1], 0);
  at.publisher.poll(0);
  const two = [framed(QUESTION), framed(emitDns(requestOf(ORIGIN, TYPE_SOA, { id: 2 })))];
  const stream = new Uint8Array([...two[0], ...two[1]]);
  for (let cut = 0; cut <= stream.length; cut++) {
    const far = connect(at);
    far.handlers.data(stream.subarray(0, cut));
    far.handlers.data(stream.subarray(cut));
    far.handlers.end();
    const answers = new Deframer();
    for (const bytes of far.got) answers.push(bytes);
    assert.equal(
      [answers.take(), answers.take()].map((octets) => octets && read(octets).id),
      [0x1234, 2],
    );
    assert.ok(far.ended);
    far.handlers.closed(undefined);
  }
});

test("TCP: quiet ones are closed, a 129th makes room, a slow one is cut", async () => {
  const at = world();
  await at.publisher.start();
  at.publisher.set([hostOf(0x10, "h1")], [ISP1], 0);
  at.publisher.poll(0);
  const first = connect(at);
  await at.advance(5_000);
  const second = connect(at);
  await at.advance(IDLE - 5_000);
  assert.equal([first.closed, second.closed], [true, false]);
  second.handlers.data(framed(QUESTION));
  await at.advance(IDLE - 1);
  assert.is(second.closed, false, "it asked meanwhile");
  await at.advance(1);
  assert.is(second.closed, true);

  const many = Array.from({ length: 128 }, () => connect(at));
  many[0].handlers.data(framed(QUESTION));
  const more = connect(at);
  assert.equal([many[0].closed, many[1].closed, many[2].closed, more.closed], [false, true, false, false]);

  more.full = true;
  for (let i = 0; i < 3_000 && !more.closed; i++) more.handlers.data(framed(QUESTION));
  assert.is(more.got.length, 1, "nothing more before it takes its answers");
  assert.is(more.closed, true);
  const patient = connect(at);
  patient.full = true;
  for (let i = 0; i < 10; i++) patient.handlers.data(framed(QUESTION));
  patient.full = false;
  patient.handlers.drain();
  assert.is(patient.got.length, 10);
  const counters = new Map(at.publisher.counters.entries());
  assert.equal([counters.get("drop-idle-zone"), counters.get("drop-slow-zone")], [2, 1]);
  at.publisher.close();
  assert.ok(patient.closed);
});

test("a name server follows; unreachable, it follows later", async () => {
  const at = world({ update: UPDATE });
  at.state.reachable = false;
  await at.publisher.start();
  at.publisher.set([hostOf(0x10, "h1")], [ISP1], 0);
  await at.advance(100);
  assert.match(at.state.said[0], /does not follow .*\[2001:db8:f1::53\]:53.*ECONNREFUSED/);
  assert.ok((at.publisher.status.pending ?? 0) > 0);
  at.state.reachable = true;
  await at.advance(10_000);
  assert.is(at.publisher.status.pending, 0);
  assert.is([...at.server.zones.values()].flat().length, 3);
  at.publisher.close();
  assert.is(at.publisher.status.pending, undefined);
});

test("a key that is not there, or none", async () => {
  const at = world({ update: UPDATE });
  at.files.remove("/etc/pshim6/tsig");
  assert.match((await errorOf(() => at.publisher.start())).message, /there is no file \/etc\/pshim6\/tsig; make it with/);
  at.files.writeText("/etc/pshim6/tsig", "secret\n", 0o600);
  assert.match((await errorOf(() => at.publisher.start())).message, /no secret in/);
  at.files.writeText("/etc/pshim6/tsig", `${btoa("0123456789abcdef")}\n`, 0o644);
  await at.publisher.start();
  assert.match(at.state.said[0], /others can read the key/);
  assert.not.match(at.state.said.join(), /MDEy/);
});

test("other settings: addresses are opened and closed, the zone changes its name", async () => {
  const at = world();
  await at.publisher.start();
  at.publisher.set([hostOf(0x10, "h1")], [ISP1], 0);
  at.publisher.poll(0);
  assert.equal([...at.listeners.keys()], [53]);
  await at.publisher.configure(
    settingsOf({ name: "new.example", servers: ["ns.new.example"], listen: [{ host: BOX, port: 5353 }], reverse: false }),
    0,
  );
  assert.equal([...at.listeners.keys()], [5353]);
  await at.advance(1_000);
  assert.equal(
    at.publisher.status.zones.map(({ origin }) => origin),
    ["new.example"],
  );
  const bad = settingsOf({ update: { ...UPDATE, key: { ...UPDATE.key, file: "/nowhere" } } });
  assert.is((await errorOf(() => at.publisher.configure(bad, 0))).code, "missing");
  assert.equal([...at.listeners.keys()], [5353], "the old settings stay");
  at.publisher.close();
  assert.equal([...at.listeners.keys()], []);
});

test.run();
