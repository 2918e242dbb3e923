/** The DHCPv6 server on a LAN in memory, with CGAs of a real key and a store that can fail. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createCrypto } from "../../../adapters/common/crypto.ts";
import { virtualClock } from "../../../adapters/memory/clock.ts";
import { seededEntropy } from "../../../adapters/memory/entropy.ts";
import { memoryLogs } from "../../../adapters/memory/log.ts";
import { memoryDisk, memoryStore } from "../../../adapters/memory/store.ts";
import { memoryNet } from "../../../adapters/memory/udp.ts";
import { type LeaseNews, openLeases } from "../../../runtime/box/leases.ts";
import { parsePds, verifyCga } from "../../../runtime/cga/index.ts";
import { readSite } from "../../../runtime/config/read.ts";
import type { DhcpSettings, Site } from "../../../runtime/config/site.ts";
import { PortError } from "../../../runtime/port/error.ts";
import type { StoreGroup } from "../../../runtime/port/store.ts";
import { type Address, address } from "../../../runtime/value/address.ts";
import { Reject } from "../../../runtime/value/reject.ts";
import type { Dhcp6Message, Dhcp6Option } from "../../../runtime/wire/dhcp6.ts";
import { emitDhcp6 } from "../../../runtime/wire/dhcp6-message.ts";
import { RELEASE, RENEW, REPLY, REQUEST, SOLICIT } from "../../../runtime/wire/dhcp6-number.ts";
import { dhcp6Option } from "../../../runtime/wire/dhcp6-option.ts";
import { clientId, duid, GROUP, HOST, iaNa, octets, read, told } from "../../lib/dhcp6.ts";

const crypto = createCrypto();
const KEY = crypto.rsaGenerate(1024);
const TEXT = `site: alpha
ulid: { prefix: "fc00:aaaa:1::/48" }
lan: { interface: lan, subnets: ["fc00:aaaa:1:1::/64"] }
providers:
  - { name: isp1, prefix: "2001:db8:a1::/48", interface: up1, gateway: "2001:db8:f1::1" }
zone: { name: alpha.example }
`;

function siteOf(dhcp = "{ dns: [fc00:aaaa:1:1::1] }"): { site: Site; dhcp: DhcpSettings } {
  const reading = readSite(`${TEXT}dhcp: ${dhcp}\n`, "site.yaml");
  if (!("site" in reading) || reading.site.dhcp === undefined) throw new Error(JSON.stringify(reading));
  return { site: reading.site, dhcp: reading.site.dhcp };
}

/** Lets everything run that waits for nothing but its turn. */
async function quiet(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

/** A box's leases and one host on the LAN; `write` is the disk. */
async function lan({ dhcp = undefined as string | undefined, disk = memoryDisk(), start = 0 } = {}) {
  const net = memoryNet();
  const clock = virtualClock(start);
  const logs = memoryLogs();
  const counts = new Map<string, number>();
  const news: LeaseNews[] = [];
  const chores: Iterator<unknown>[] = [];
  const alarms: { at: number; run: () => void }[] = [];
  const store = memoryStore(disk);
  const groups: StoreGroup[] = [];
  const gate = { hold: undefined as Promise<void> | undefined };
  let under = 0;
  let most = 0;
  const known = new Map(store.cgaParameters());
  const settings = siteOf(dhcp);
  const faults: Error[] = [];
  const leases = await openLeases(settings.site, settings.dhcp, {
    clock,
    entropy: seededEntropy(7 + disk.leases.size),
    crypto,
    udp: net.node([{ name: "lan", index: 3, addresses: [address("fe80::1"), address("fc00:aaaa:1:1::1")] }]),
    store: {
      serverDuid: store.serverDuid,
      leases: store.leases,
      async commit(group) {
        most = Math.max(most, ++under);
        groups.push(group);
        try {
          await gate.hold;
          await store.commit(group);
        } finally {
          under--;
        }
      },
    },
    log: logs.area("dhcp"),
    privateKey: KEY,
    isKnown: (ulid) => known.has(ulid),
    isOwn: () => false,
    lifeOf: () => ({ deprecated: false, until: Number.POSITIVE_INFINITY }),
    count: (name, by = 1) => counts.set(name, (counts.get(name) ?? 0) + by),
    later: (at, run) => alarms.push({ at, run }),
    whenIdle: (work) => chores.push(work),
    onLease: (each) => {
      news.push(each);
      if (each.pds !== undefined) known.set(each.ulid, { name: each.name, pds: each.pds });
    },
    failed: (error) => faults.push(error),
  });
  const heard: Dhcp6Message[] = [];
  const host = await net.node([{ name: "eth0", index: 3, addresses: [HOST] }]).open(
    { address: HOST, port: 546 },
    {
      receive: (bytes) => {
        const packet = read(bytes);
        if (packet.kind === "message") heard.push(packet);
      },
    },
  );
  let transaction = 0;
  const send = (type: number, options: readonly Dhcp6Option[], to: Address = GROUP) =>
    host.send(emitDhcp6({ kind: "message", type, transaction: ++transaction, options }), { address: to, port: 547, interface: 3 });
  const ask = async (type: number, options: readonly Dhcp6Option[], to?: Address) => {
    send(type, options, to);
    await quiet();
    return heard.splice(0).at(-1);
  };
  const pass = async (milliseconds: number) => {
    const until = clock.now() + milliseconds;
    for (;;) {
      alarms.sort((a, b) => a.at - b.at);
      if (alarms.length === 0 || alarms[0].at > until) break;
      const alarm = alarms.shift();
      clock.advanceTo(Math.max(clock.now(), alarm?.at ?? 0));
      alarm?.run();
      await quiet();
    }
    clock.advanceTo(until);
  };
  const served: Dhcp6Option = { kind: "server-id", duid: disk.duid ?? new Uint8Array() };
  return {
    leases,
    ask,
    send,
    pass,
    heard,
    news,
    counts,
    logs,
    clock,
    chores,
    alarms,
    groups,
    gate,
    disk,
    served,
    settings,
    faults,
    most: () => most,
  };
}

test("a four-way exchange over multicast: a CGA of the site's key, its parameters and the lease stored before the Reply", async () => {
  const w = await lan();
  const offered = told(await w.ask(SOLICIT, [clientId(1), iaNa(1)])).living;
  assert.is(w.groups.length, 0);
  const reply = await w.ask(REQUEST, [clientId(1), w.served, iaNa(1, ...offered)]);
  assert.is(reply?.type, REPLY);
  assert.equal(told(reply).living, offered);
  const [ulid] = offered;
  assert.ok(ulid.startsWith("fc00:aaaa:1:1:"));
  const stored = w.disk.cga.get(ulid);
  assert.ok(stored !== undefined && !(parsePds(stored.pds) instanceof Reject));
  assert.not.instance(verifyCga(crypto, ulid, stored?.pds ?? new Uint8Array()), Reject);
  assert.equal([...w.disk.leases.keys()], offered);
  assert.equal(
    w.news.map(({ ulid, living, reserved, pds }) => [ulid, living, reserved, pds]),
    [[ulid, true, false, stored?.pds]],
  );
  assert.equal(
    w.leases.leases(w.clock.now()).map(({ ulid, state, mac, matched }) => [ulid, state, mac, matched]),
    [[ulid, "bound", "02:00:00:00:00:01", "pool"]],
  );
  assert.equal(
    [...w.counts].filter(([name]) => name.endsWith("dhcp6")),
    [
      ["in-solicit-dhcp6", 1],
      ["out-advertise-dhcp6", 1],
      ["in-request-dhcp6", 1],
      ["out-reply-dhcp6", 1],
    ],
  );
  assert.equal(w.faults, []);
});

test("each host's CGA has a modifier of its own", async () => {
  const w = await lan();
  for (let n = 1; n <= 5; n++) await w.ask(REQUEST, [clientId(n), w.served, iaNa(1)]);
  const modifiers = [...w.disk.cga.values()].map(({ pds }) => pds.slice(0, 16).join());
  assert.is(new Set(modifiers).size, 5);
});

test("the server's DUID is a random UUID and stays the same", async () => {
  const disk = memoryDisk();
  const first = await lan({ disk });
  await first.leases.close();
  const again = await lan({ disk });
  assert.is(disk.duid?.length, 18);
  assert.equal(disk.duid?.slice(0, 2), octets("0004"));
  assert.is((disk.duid?.[8] ?? 0) >> 4, 4);
  assert.equal(dhcp6Option((await again.ask(SOLICIT, [clientId(1), iaNa(1)]))?.options ?? [], "server-id")?.duid, disk.duid);
});

test("one commit at a time; what comes meanwhile goes together, in order", async () => {
  const w = await lan();
  let open: () => void = () => undefined;
  w.gate.hold = new Promise((resolve) => {
    open = resolve;
  });
  w.send(REQUEST, [clientId(1), w.served, iaNa(1)]);
  await quiet();
  for (let n = 2; n <= 9; n++) {
    w.send(REQUEST, [clientId(n), w.served, iaNa(1)]);
    await quiet();
  }
  assert.equal([w.groups.length, w.heard.length], [1, 0]);
  open();
  w.gate.hold = undefined;
  await quiet();
  assert.equal(
    w.groups.map(({ leases }) => leases?.length),
    [1, 8],
  );
  assert.equal([w.heard.length, w.most(), w.disk.leases.size], [9, 1, 9]);
});

test("the disk is full: no answer and nothing changed; the log says what to do, once a minute; then all goes on", async () => {
  const w = await lan();
  w.disk.refusal = new PortError("full", "no room on the disk");
  for (let n = 1; n <= 3; n++) assert.is(await w.ask(REQUEST, [clientId(n), w.served, iaNa(1)]), undefined);
  const notes = w.logs.take();
  assert.equal(
    notes.map(({ level, fields }) => [level, fields.why, fields.do]),
    [["error", "no room on the disk", "make room on the disk that `state` is on"]],
  );
  assert.equal([w.counts.get("drop-commit-dhcp6"), w.counts.get("drop-store-dhcp6"), w.disk.leases.size, w.disk.cga.size], [3, 3, 0, 0]);
  assert.equal(w.leases.leases(w.clock.now()), []);
  await w.pass(60_000);
  await w.ask(REQUEST, [clientId(1), w.served, iaNa(1)]);
  assert.is(w.logs.take().length, 1);
  w.disk.refusal = new PortError("permission", "the disk is read-only");
  await w.ask(REQUEST, [clientId(1), w.served, iaNa(1)]);
  assert.match(String(w.logs.take()[0]?.fields.do), /writable/);
  w.disk.refusal = undefined;
  assert.is(told(await w.ask(REQUEST, [clientId(1), w.served, iaNa(1)])).living.length, 1);
  assert.is(w.disk.leases.size, 1);
});

test("what follows a lease: its end, at its time and without a message", async () => {
  const w = await lan({ dhcp: "{ dns: [fc00:aaaa:1:1::1], preferred: 10m, valid: 20m }" });
  await w.ask(REQUEST, [clientId(1), w.served, iaNa(1)]);
  await w.pass(20 * 60_000 - 1);
  assert.is(w.news.length, 1);
  await w.pass(1);
  assert.equal(
    w.news.map(({ living }) => living),
    [true, false],
  );
  assert.equal(
    [...w.disk.leases.values()].map(({ state }) => state),
    ["released"],
  );
});

test("no more than a few alarms are set, however many messages come", async () => {
  const w = await lan();
  for (let n = 1; n <= 200; n++) {
    await w.ask(SOLICIT, [clientId(n), iaNa(1)]);
    w.clock.advanceTo(w.clock.now() + 10);
  }
  assert.ok(w.alarms.length <= 3, `${w.alarms.length}`);
  await w.pass(60_000);
  assert.is(w.alarms.length, 0);
});

test("a restart: living leases are heard of before anything else, and hosts have what they had", async () => {
  const disk = memoryDisk();
  const w = await lan({ disk });
  const [ulid] = told(await w.ask(REQUEST, [clientId(1), w.served, iaNa(1)])).living;
  const [gone] = told(await w.ask(REQUEST, [clientId(2), w.served, iaNa(1)])).living;
  await w.ask(RELEASE, [clientId(2), w.served, iaNa(1, gone)]);
  await w.leases.close();
  const again = await lan({ disk, start: 5 });
  assert.equal(
    again.news.map(({ ulid, living, pds }) => [ulid, living, pds]),
    [[ulid, true, undefined]],
  );
  assert.equal(told(await again.ask(RENEW, [clientId(1), again.served, iaNa(1, ulid)])).living, [ulid]);
  assert.equal(told(await again.ask(REQUEST, [clientId(2), again.served, iaNa(1)])).living, [gone]);
});

test("closing waits for the disk and still answers; afterwards there is silence", async () => {
  const w = await lan();
  let open: () => void = () => undefined;
  w.gate.hold = new Promise((resolve) => {
    open = resolve;
  });
  w.send(REQUEST, [clientId(1), w.served, iaNa(1)]);
  await quiet();
  const closing = w.leases.close();
  assert.is(w.leases.close(), closing);
  open();
  await closing;
  await quiet();
  assert.is(w.heard.splice(0).length, 1);
  assert.is(await w.ask(SOLICIT, [clientId(2), iaNa(1)]), undefined);
});

test("reservations with an address: one that was not made here is refused, at the start and on reload, before anything changes", async () => {
  const bad = '{ dns: [fc00:aaaa:1:1::1], reservations: [{ name: printer, mac: "02:00:00:00:00:01", ulid: "fc00:aaaa:1:1::9" }] }';
  let refused: unknown;
  try {
    await lan({ dhcp: bad });
  } catch (error) {
    refused = error;
  }
  assert.ok(refused instanceof PortError && refused.code === "missing" && /printer/.test(refused.message));
  const w = await lan();
  const changed = siteOf(bad);
  assert.throws(() => w.leases.configure(changed.site, changed.dhcp), /printer/);
  const [ulid] = told(await w.ask(REQUEST, [clientId(1), w.served, iaNa(1)])).living;
  const good = siteOf(bad.replace("fc00:aaaa:1:1::9", ulid).replace("00:01", "00:02"));
  w.leases.configure(good.site, good.dhcp);
  await w.ask(RELEASE, [clientId(1), w.served, iaNa(1, ulid)]);
  assert.equal(told(await w.ask(REQUEST, [clientId(2), w.served, iaNa(1)])).living, [ulid]);
  assert.equal([w.news.at(-1)?.name, w.news.at(-1)?.reserved], ["printer", true]);
});

test("names of the zone's own servers are nobody's", async () => {
  const w = await lan();
  const fqdn: Dhcp6Option = { kind: "client-fqdn", s: true, o: false, n: false, name: "ns" as never, whole: false };
  const reply = await w.ask(REQUEST, [clientId(1), w.served, iaNa(1), fqdn, { kind: "option-request", codes: [39] }]);
  assert.is(dhcp6Option(reply?.options ?? [], "client-fqdn")?.name, "ns-2.alpha.example");
});

test("the pool is filled when there is nothing else to do; with sec 1 a host waits for it", async () => {
  const quick = await lan();
  assert.is(quick.chores.length, 1);
  const slow = await lan({ dhcp: "{ dns: [fc00:aaaa:1:1::1], sec: 1 }" });
  assert.equal(told(await slow.ask(SOLICIT, [clientId(1), iaNa(1)])).status, [2]);
  assert.is(slow.counts.get("drop-exhausted-dhcp6"), 1);
  assert.match(slow.logs.take()[0]?.message ?? "", /none/);
  const [work] = slow.chores;
  let turns = 0;
  let ulid: Address | undefined;
  while (ulid === undefined && turns++ < 10_000) {
    work.next();
    if (turns % 32 === 0) [ulid] = told(await slow.ask(SOLICIT, [clientId(1), iaNa(1)])).living;
  }
  assert.ok(ulid !== undefined);
  // The first three bits of the interface identifier are sec (RFC 3972 §2).
  assert.is(Number.parseInt(ulid?.split(":")[4].padStart(4, "0").slice(0, 1) ?? "", 16) >> 1, 1);
});

test("unicast from a host is answered from the address that it was sent to, and told to use multicast", async () => {
  const w = await lan();
  const reply = await w.ask(REQUEST, [clientId(1), w.served, iaNa(1)], address("fc00:aaaa:1:1::1"));
  assert.is(told(reply).top, 5);
  assert.equal(dhcp6Option(reply?.options ?? [], "client-id")?.duid, duid(1));
});

test.run();
