/**
 * The site's zones among name servers that others wrote: the text loaded by four of them, BIND following the leases by signed updates, dig asking our own
 * authority. Everything on the loopback interface of a cage of its own.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createCrypto } from "../../adapters/common/crypto.ts";
import { loadPlatform } from "../../adapters/platform.ts";
import { Publisher, type PublisherSettings } from "../../runtime/box/publish.ts";
import type { ZoneSettings } from "../../runtime/config/site.ts";
import type { Fields, Log } from "../../runtime/port/log.ts";
import type { UdpPort } from "../../runtime/port/udp.ts";
import { prefix } from "../../runtime/value/prefix.ts";
import { contentsOf } from "../../runtime/zone/contents.ts";
import { zoneText } from "../../runtime/zone/text.ts";
import { insideCage, scratch } from "../lib/names/cage.ts";
import { must, type Program, start, stopAll, until } from "../lib/names/program.ts";
import { havePeers } from "../lib/peers.ts";
import { alphaTerms, hostOf, ISP1, ISP2, ORIGIN, REVERSE, ULID_TYPE } from "../lib/zone.ts";

const SECRET = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const KEY_NAME = "box.alpha.example";
const BIND_PORT = 5301;
const OUR_PORT = 5302;
const KNOT_PORT = 5303;
const NO_UDP: Pick<UdpPort, "open"> = { open: () => Promise.reject(new Error("no UDP here")) };

/** A publisher that turns by itself, and what it said. */
class Turning {
  readonly publisher: Publisher;
  readonly said: string[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  readonly #now: () => number;

  constructor(
    settings: PublisherSettings,
    platform: Awaited<ReturnType<typeof loadPlatform>>,
    udp: Pick<UdpPort, "open">,
    wall?: () => number,
  ) {
    const { clock, tcp, entropy, files } = platform;
    const note = (message: string, fields: Fields = {}) => void this.said.push(`${message} ${JSON.stringify(fields)}`);
    const log: Log = { debug: note, info: note, warn: note, error: note };
    this.#now = () => clock.now();
    const clocks = { now: this.#now, wall: wall ?? (() => clock.wall()) };
    this.publisher = new Publisher(settings, {
      udp,
      tcp,
      clock: clocks,
      entropy,
      crypto: createCrypto(),
      files,
      log,
      woken: () => this.turn(),
    });
  }

  turn(): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.publisher.poll(this.#now());
    const wait = this.publisher.wakeAt - this.#now();
    this.#timer = setTimeout(() => this.turn(), Math.min(Math.max(0, Math.ceil(wait)), 60_000));
  }

  set(hosts: Parameters<Publisher["set"]>[0], providers: Parameters<Publisher["set"]>[1]): void {
    this.publisher.set(hosts, providers, this.#now());
    this.turn();
  }

  /** Until the name server has everything. */
  settled(): Promise<true> {
    const done = () => {
      const { current, pending } = this.publisher.status;
      return current && pending === 0 ? true : undefined;
    };
    return until("the name server follows", done, () => this.said.join("\n"));
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.publisher.close();
  }
}

function settingsOf(change: Partial<ZoneSettings> = {}): PublisherSettings {
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

function dig(port: number, ...words: readonly string[]): string {
  return must(["dig", "+time=5", "+tries=1", "@::1", "-p", String(port), ...words]).trim();
}

function short(port: number, ...words: readonly string[]): string[] {
  return dig(port, "+short", ...words)
    .split("\n")
    .filter((line) => line !== "")
    .sort();
}

/** The text in other servers. */
function texts(): void {
  const test = suite("zone files");
  const directory = scratch("zone-text");
  const files = contentsOf(alphaTerms({ locatorTrees: true }), [hostOf(0x10, "h1"), hostOf(0x20), hostOf(0x30, "x-1")], [ISP1, ISP2]).map(
    (zone, i) => {
      const file = `${directory}/zone${i}`;
      writeFileSync(file, zoneText(zone, 2026112201));
      return { origin: zone.origin, file };
    },
  );
  const broken = `${directory}/broken`;
  writeFileSync(
    broken,
    "$ORIGIN alpha.example.\n$TTL 300\n@ IN SOA ns hostmaster 1 2 3 4 5\n@ IN NS ns\nns IN AAAA 2001:db8::1\nh IN AAAA 2001:db8::zz\n",
  );

  const knot = (origin: string, file: string) => {
    mkdirSync(`${directory}/run`, { recursive: true });
    writeFileSync(
      `${directory}/knot.conf`,
      `server:\n    rundir: ${directory}/run\ndatabase:\n    storage: ${directory}/run\nzone:\n  - domain: ${origin}\n    file: ${file}\n`,
    );
    return ["knotc", "-c", `${directory}/knot.conf`, "zone-check"];
  };
  const power = (origin: string, file: string) => {
    mkdirSync(`${directory}/pdns`, { recursive: true });
    writeFileSync(`${directory}/pdns/named.conf`, `zone "${origin}" { type master; file "${file}"; };\n`);
    writeFileSync(`${directory}/pdns/pdns.conf`, `launch=bind\nbind-config=${directory}/pdns/named.conf\n`);
    return ["pdnsutil", `--config-dir=${directory}/pdns`, "check-zone", origin];
  };
  const checkers: [string, string, (origin: string, file: string) => string[]][] = [
    ["BIND", "named-checkzone", (origin, file) => ["named-checkzone", "-i", "local", origin, file]],
    ["NSD", "nsd-checkzone", (origin, file) => ["nsd-checkzone", origin, file]],
    ["Knot", "knotc", knot],
    ["PowerDNS", "pdnsutil", power],
  ];
  for (const [name, program, words] of checkers) {
    test(`${name} loads each zone, and not a broken one`, () => {
      if (!havePeers(program)) return;
      const load = (origin: string, file: string) => {
        const [command, ...rest] = words(origin, file);
        const done = spawnSync(command, rest, { encoding: "utf8" });
        return { code: done.status, text: done.stdout + done.stderr };
      };
      for (const { origin, file } of files) {
        const { code, text } = load(origin, file);
        assert.is(code, 0, text);
        assert.not.match(text, /warning: (?!.*DNSSEC)|error:/i, text);
      }
      const { code, text } = load(ORIGIN, broken);
      assert.ok(code !== 0 || /error|rejected 1|1 rejected/i.test(text), `a broken zone was loaded: ${text}`);
    });
  }
  test.run();
}

interface NamedOptions {
  readonly transfer: boolean;
  readonly secret?: string;
  readonly algorithm?: NonNullable<NonNullable<ZoneSettings["update"]>["key"]>["algorithm"];
}

/** BIND, primary for the site's zones, which the key may update and transfer. */
async function startNamed(directory: string, options: NamedOptions): Promise<Program> {
  mkdirSync(directory, { recursive: true });
  const grant = options.transfer ? `allow-transfer { key "${KEY_NAME}"; };` : "allow-transfer { none; };";
  const zones = [ORIGIN, REVERSE].map((origin, i) => {
    writeFileSync(
      `${directory}/zone${i}`,
      `$ORIGIN ${origin}.\n$TTL 60\n@ IN SOA ns.${ORIGIN}. hostmaster.${ORIGIN}. 1 900 300 86400 60\n@ IN NS ns.${ORIGIN}.\n${i === 0 ? "ns IN AAAA ::1\nwww IN AAAA 2001:db8::80\n" : ""}`,
    );
    return `zone "${origin}" { type primary; file "${directory}/zone${i}"; allow-update { key "${KEY_NAME}"; }; ${grant} };`;
  });
  writeFileSync(
    `${directory}/named.conf`,
    [
      `key "${KEY_NAME}" { algorithm ${options.algorithm ?? "hmac-sha256"}; secret "${options.secret ?? SECRET}"; };`,
      `options { directory "${directory}"; pid-file "${directory}/pid"; session-keyfile "${directory}/session"; lock-file none;`,
      `listen-on { none; }; listen-on-v6 port ${BIND_PORT} { ::1; }; recursion no; dnssec-validation no; notify no; };`,
      "controls { };",
      ...zones,
      "",
    ].join("\n"),
  );
  const named = start("named", ["named", "-g", "-n", "1", "-c", `${directory}/named.conf`], { cwd: directory });
  await named.said(/ running\n/);
  return named;
}

/** The same by Knot. */
async function startKnot(directory: string): Promise<Program> {
  mkdirSync(directory, { recursive: true });
  const zones = [ORIGIN, REVERSE].map((origin, i) => {
    writeFileSync(
      `${directory}/zone${i}`,
      `@ 60 IN SOA ns.${ORIGIN}. hostmaster.${ORIGIN}. 1 900 300 86400 60\n@ 60 IN NS ns.${ORIGIN}.\n${i === 0 ? "ns 60 IN AAAA ::1\n" : ""}`,
    );
    return `  - domain: ${origin}\n    file: ${directory}/zone${i}\n    acl: box\n`;
  });
  const head = [
    `server:\n    rundir: ${directory}\n    listen: ::1@${KNOT_PORT}`,
    `database:\n    storage: ${directory}`,
    "log:\n  - target: stderr\n    any: info",
    `key:\n  - id: ${KEY_NAME}\n    algorithm: hmac-sha256\n    secret: ${SECRET}`,
    `acl:\n  - id: box\n    key: ${KEY_NAME}\n    action: [transfer, update]`,
    "zone:\n",
  ];
  writeFileSync(`${directory}/knot.conf`, head.join("\n") + zones.join(""));
  const knot = start("knotd", ["knotd", "-c", `${directory}/knot.conf`], { cwd: directory });
  await knot.said(/server started/);
  return knot;
}

function updates(platform: Awaited<ReturnType<typeof loadPlatform>>): void {
  const test = suite("dynamic update");
  const directory = scratch("zone-update");
  const keyFile = `${directory}/key`;
  writeFileSync(keyFile, `${SECRET}\n`, { mode: 0o600 });
  const settingsFor = (algorithm: NonNullable<NamedOptions["algorithm"]> = "hmac-sha256", port = BIND_PORT) =>
    settingsOf({ update: { host: "::1", port, key: { name: KEY_NAME, algorithm, file: keyFile } } });
  let round = 0;

  /** Runs `use` with a fresh BIND and a publisher that updates it. */
  const withBind = async (
    options: NamedOptions,
    use: (world: Turning, named: Program, directory: string) => Promise<void>,
    wall?: () => number,
  ) => {
    const place = `${directory}/${round++}`;
    const named = await startNamed(place, options);
    const world = new Turning(settingsFor(options.algorithm), platform, NO_UDP, wall);
    try {
      await world.publisher.start();
      await use(world, named, place);
    } finally {
      world.close();
      await named.stop();
    }
  };

  test("leases come and go, a provider is added and removed, and dig says so", () =>
    withBind({ transfer: true }, async (world) => {
      world.set([hostOf(0x10, "h1"), hostOf(0x20)], [ISP1]);
      await world.settled();
      const reverse = "0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0";
      assert.equal(short(BIND_PORT, `h1.${ORIGIN}`, "AAAA"), ["2001:db8:a1::10"]);
      assert.equal(short(BIND_PORT, `h1.${ORIGIN}`, "TYPE65280"), ["\\# 16 FC00AAAA000100000000000000000010"]);
      assert.equal(short(BIND_PORT, `${reverse}.${REVERSE}`, "PTR"), [`h1.${ORIGIN}.`]);
      assert.equal(short(BIND_PORT, "-x", "fc00:aaaa:1::20"), [`h-00000000000000000020.${ORIGIN}.`]);

      world.set([hostOf(0x20), hostOf(0x30, "h3", true)], [ISP1, ISP2]);
      await world.settled();
      assert.equal(short(BIND_PORT, `h1.${ORIGIN}`, "ANY"), []);
      assert.match(dig(BIND_PORT, "-x", "fc00:aaaa:1::10"), /status: NXDOMAIN/);
      assert.equal(short(BIND_PORT, `h3.${ORIGIN}`, "AAAA"), ["2001:db8:a1::30", "2001:db8:a2::30"]);

      world.set([hostOf(0x20), hostOf(0x30, "h3", true)], [ISP2]);
      await world.settled();
      assert.equal(short(BIND_PORT, `h3.${ORIGIN}`, "AAAA"), ["2001:db8:a2::30"]);
      assert.equal(short(BIND_PORT, `www.${ORIGIN}`, "AAAA"), ["2001:db8::80"], "not ours to touch");
      assert.equal(world.said, []);
    }));

  for (const algorithm of ["hmac-sha384", "hmac-sha512"] as const) {
    test(`signed with ${algorithm}`, () =>
      withBind({ transfer: true, algorithm }, async (world) => {
        world.set([hostOf(0x10, "h1")], [ISP1]);
        await world.settled();
        assert.equal(short(BIND_PORT, `h1.${ORIGIN}`, "AAAA"), ["2001:db8:a1::10"]);
        assert.equal(world.said, []);
      }));
  }

  test("a host's own word does not take www", () =>
    withBind({ transfer: true }, async (world) => {
      world.set([hostOf(0x10, "www", true)], [ISP1]);
      await until(
        "the host has another name",
        () => (short(BIND_PORT, "-x", "fc00:aaaa:1::10")[0]?.startsWith("h-") ? true : undefined),
        () => world.said.join("\n"),
      );
      await world.settled();
      assert.equal(short(BIND_PORT, `www.${ORIGIN}`, "AAAA"), ["2001:db8::80"]);
    }));

  test("BIND dies and comes back; we die and come back: nothing is lost, what left is gone", () =>
    withBind({ transfer: true }, async (world, named, place) => {
      world.set([hostOf(0x10, "h1")], [ISP1]);
      await world.settled();
      await named.stop();
      world.set([hostOf(0x20, "h2"), hostOf(0x30, "h3")], [ISP1]);
      await until("it is said", () => world.said.find((line) => line.includes("does not follow")));
      const again = start("named", ["named", "-g", "-n", "1", "-c", `${place}/named.conf`], { cwd: place });
      try {
        await again.said(/ running\n/);
        await world.settled();
        assert.equal(short(BIND_PORT, `h2.${ORIGIN}`, "AAAA"), ["2001:db8:a1::20"]);
        assert.equal(short(BIND_PORT, `h1.${ORIGIN}`, "AAAA"), []);
        assert.ok(world.said.some((line) => line.includes("follows again")));
        world.close();
        const next = new Turning(settingsFor(), platform, NO_UDP);
        try {
          await next.publisher.start();
          next.set([hostOf(0x30, "h3")], [ISP1]);
          await next.settled();
          assert.equal(short(BIND_PORT, `h2.${ORIGIN}`, "AAAA"), [], "left while we were away");
          assert.equal(short(BIND_PORT, `h3.${ORIGIN}`, "AAAA"), ["2001:db8:a1::30"]);
        } finally {
          next.close();
        }
      } finally {
        await again.stop();
      }
    }));

  test("a server that shows nothing follows all the same", () =>
    withBind({ transfer: false }, async (world) => {
      world.set([hostOf(0x10, "h1"), hostOf(0x20, "www", true)], [ISP1]);
      await until(
        "h1 is there",
        () => (short(BIND_PORT, `h1.${ORIGIN}`, "AAAA").length > 0 ? true : undefined),
        () => world.said.join("\n"),
      );
      await until("the other host has a derived name", () =>
        short(BIND_PORT, "-x", "fc00:aaaa:1::20")[0]?.startsWith("h-") ? true : undefined,
      );
      assert.equal(short(BIND_PORT, `www.${ORIGIN}`, "AAAA"), ["2001:db8::80"]);
      assert.ok(world.said.some((line) => line.includes("does not show its zone")));
    }));

  test("Knot follows too", async () => {
    if (!havePeers("knotd")) return;
    const knot = await startKnot(`${directory}/knot`);
    const world = new Turning(settingsFor("hmac-sha256", KNOT_PORT), platform, NO_UDP);
    try {
      await world.publisher.start();
      world.set([hostOf(0x10, "h1"), hostOf(0x20)], [ISP1]);
      await world.settled();
      assert.equal(short(KNOT_PORT, `h1.${ORIGIN}`, "TYPE65280"), ["\\# 16 FC00AAAA000100000000000000000010"]);
      world.set([hostOf(0x20), hostOf(0x30, "h3", true)], [ISP1, ISP2]);
      await world.settled();
      assert.equal(short(KNOT_PORT, `h1.${ORIGIN}`, "AAAA"), []);
      assert.equal(short(KNOT_PORT, `h3.${ORIGIN}`, "AAAA"), ["2001:db8:a1::30", "2001:db8:a2::30"]);
      assert.equal(short(KNOT_PORT, "-x", "fc00:aaaa:1::20"), [`h-00000000000000000020.${ORIGIN}.`]);
      assert.equal(world.said, []);
    } finally {
      world.close();
      await knot.stop();
    }
  });

  test("three thousand hosts, then none", () =>
    withBind({ transfer: true }, async (world) => {
      const hosts = Array.from({ length: 3_000 }, (_, i) => hostOf(i + 1));
      world.set(hosts, [ISP1, ISP2]);
      await world.settled();
      const listed = () => dig(BIND_PORT, "-y", `hmac-sha256:${KEY_NAME}:${SECRET}`, ORIGIN, "AXFR").match(/IN\s+TYPE65280/g)?.length ?? 0;
      assert.is(listed(), 3_000);
      world.set([], [ISP1, ISP2]);
      await world.settled();
      assert.is(listed(), 0);
    }));

  test("another secret: a clear line, and nothing is changed", () =>
    withBind({ transfer: true, secret: SECRET.replace("MDEy", "AAAA") }, async (world) => {
      world.set([hostOf(0x10, "h1")], [ISP1]);
      const line = await until("it is said", () => world.said.find((each) => each.includes("does not follow")));
      assert.match(line, /secret is another one \(BADSIG\)/);
      assert.not.match(line, new RegExp(SECRET.slice(0, 8)));
    }));

  test("another clock: BADTIME, and by how much", () =>
    withBind(
      { transfer: true },
      async (world) => {
        world.set([hostOf(0x10, "h1")], [ISP1]);
        assert.match(
          await until("it is said", () => world.said.find((each) => each.includes("does not follow"))),
          /BADTIME\): it is \d{4} s ahead of ours/,
        );
      },
      () => Date.now() - 3_600_000,
    ));

  test.after(() => stopAll());
  test.run();
}

function authority(platform: Awaited<ReturnType<typeof loadPlatform>>): void {
  const test = suite("the built-in authority");
  let udp: UdpPort | undefined;
  let world: Turning | undefined;

  test.before(async () => {
    udp = await platform.openUdp(new URL("../lib/udp-worker.ts", import.meta.url));
    world = new Turning(settingsOf({ listen: [{ host: "::1", port: OUR_PORT }] }), platform, udp);
    await world.publisher.start();
    world.set([hostOf(0x10, "h1"), hostOf(0x20)], [ISP1, ISP2]);
  });
  test.after(async () => {
    world?.close();
    await udp?.close();
  });

  test("dig by UDP and TCP", () => asked(["+notcp"], ["+tcp"]));

  async function asked(...ways: readonly (readonly string[])[]): Promise<void> {
    for (const way of ways) {
      const answer = (...words: string[]) => digLater(OUR_PORT, ...way, ...words);
      const h1 = await answer(`h1.${ORIGIN}`, "AAAA");
      assert.match(h1, /flags: qr aa rd; QUERY: 1, ANSWER: 2, AUTHORITY: 0, ADDITIONAL: 2/);
      assert.match(h1, /TYPE65280\s+\\# 16 FC00AAAA000100000000000000000010/);
      const pointer = await answer("-x", "fc00:aaaa:1::10");
      assert.match(pointer, /PTR\s+h1\.alpha\.example\./);
      assert.match(pointer, /ADDITIONAL: 4/);
      assert.match(await answer(`nobody.${ORIGIN}`), /status: NXDOMAIN[\s\S]*AUTHORITY: 1/);
      assert.match(await answer(`a.a.a.a.0.0.c.f.ip6.arpa`, "PTR"), /status: REFUSED/);
      assert.match(await answer(`0.0.0.0.${REVERSE}`, "PTR"), /status: NOERROR[\s\S]*ANSWER: 0, AUTHORITY: 1/, "an empty non-terminal");
    }
    assert.match(await digLater(OUR_PORT, ORIGIN, "AXFR"), /XFR size: 9 records/);
    assert.match(
      await digLater(OUR_PORT, "+tcp", "+keepopen", `h1.${ORIGIN}`, "AAAA", `h1.${ORIGIN}`, "TYPE65280"),
      /ANSWER: 2[\s\S]*ANSWER: 1/,
    );
  }

  test("RFC 8906 §8, word for word", async () => {
    const soa = /\tSOA\t/;
    const opt = /EDNS: version: 0/;
    for (const [words, wanted, unwanted] of [
      ["+noedns +noad +norec soa", [/NOERROR/, soa, /flags: qr aa;/], [opt]],
      ["+noedns +noad +norec type1000", [/NOERROR/, /ANSWER: 0/, /flags: qr aa;/], [opt]],
      ["+noedns +noad +norec +cd soa", [/NOERROR/, soa, /flags: qr aa;/], [opt]],
      ["+noedns +norec +ad soa", [/NOERROR/, soa, /flags: qr aa;/], [opt]],
      ["+noedns +noad +norec +zflag soa", [/NOERROR/, soa, /flags: qr aa;/], [opt, /MBZ/]],
      ["+noedns +noad +rec soa", [/NOERROR/, soa, /flags: qr aa rd;/], [opt]],
      ["+noedns +noad +norec +tcp soa", [/NOERROR/, soa, /flags: qr aa;/], [opt]],
      ["+nocookie +edns=0 +noad +norec soa", [/NOERROR/, soa, opt, /flags: qr aa;/], []],
      ["+nocookie +edns=1 +noednsneg +noad +norec soa", [/BADVERS/, opt, /flags: qr;/], [soa]],
      ["+nocookie +edns=0 +noad +norec +ednsopt=100 soa", [/NOERROR/, soa, opt], [/OPT=100/]],
      ["+nocookie +edns=0 +noad +norec +ednsflags=0x40 soa", [/NOERROR/, soa, opt], [/MBZ/]],
      ["+nocookie +edns=1 +noednsneg +noad +norec +ednsflags=0x40 soa", [/BADVERS/, opt, /flags: qr;/], [soa, /MBZ/]],
      ["+nocookie +edns=1 +noednsneg +noad +norec +ednsopt=100 soa", [/BADVERS/, opt, /flags: qr;/], [soa, /OPT=100/]],
      ["+norec +dnssec +bufsize=512 +ignore dnskey", [/NOERROR/, opt], []],
      ["+nocookie +edns=0 +noad +norec +dnssec soa", [/NOERROR/, soa, opt], []],
      ["+nocookie +edns=1 +noednsneg +noad +norec +dnssec soa", [/BADVERS/, opt], [soa]],
      ["+edns=0 +noad +norec +cookie +nsid +expire +subnet=0.0.0.0/0 soa", [/NOERROR/, soa, opt], [/COOKIE:/]],
    ] as const) {
      const text = await digLater(OUR_PORT, ...words.split(" "), ORIGIN);
      for (const pattern of wanted) assert.match(text, pattern, `${words}\n${text}`);
      for (const pattern of unwanted) assert.not.match(text, pattern, `${words}\n${text}`);
    }
    const odd = await digLater(OUR_PORT, "+noedns", "+noad", "+opcode=15", "+norec", "+header-only", ORIGIN);
    assert.match(odd, /opcode: RESERVED15, status: NOTIMP/);
    assert.match(odd, /flags: qr; QUERY: 0, ANSWER: 0, AUTHORITY: 0, ADDITIONAL: 0/);
  });

  test("a signed question is told that we have no such key", async () => {
    assert.match(await digLater(OUR_PORT, "-y", `hmac-sha256:${KEY_NAME}:${SECRET}`, ORIGIN, "SOA"), /NOTAUTH[\s\S]*BADKEY/);
  });

  test("a busy port is said", async () => {
    if (udp === undefined) throw new Error("no UDP");
    const second = new Turning(settingsOf({ listen: [{ host: "::1", port: OUR_PORT }] }), platform, udp);
    let said = "";
    await second.publisher.start().catch((error: Error) => {
      said = error.message;
    });
    assert.match(said, /^zone\.listen: no DNS at \[::1\]:5302: /);
    second.close();
  });

  test.run();
}

/** dig, while this process answers. */
async function digLater(port: number, ...words: readonly string[]): Promise<string> {
  const program = start("dig", ["dig", "+time=5", "+tries=1", "@::1", "-p", String(port), ...words]);
  await until("dig ends", () => (program.running ? undefined : true));
  return program.log;
}

if (insideCage(fileURLToPath(import.meta.url))) {
  must(["ip", "link", "set", "lo", "up"]);
  texts();
  if (havePeers("named", "dig")) {
    const platform = await loadPlatform();
    updates(platform);
    authority(platform);
  }
}
