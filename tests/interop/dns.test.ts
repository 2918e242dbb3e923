/**
 * The DNS service between programs that others wrote: BIND 9 behind it, dig, glibc's and musl's resolvers before it, on all three runtimes.
 *
 *     host fc00:aaaa:1::10 ── lan ── fc00:aaaa:1::1 box 2001:db8:f1::1 ── up ── 2001:db8:f1::53 world (BIND)
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { RUNTIMES } from "../../build/tools.ts";
import { insideCage, scratch } from "../lib/names/cage.ts";
import { gatewayCommand } from "../lib/names/gateway.ts";
import { addNode, join, type Node } from "../lib/names/nodes.ts";
import { type Program, stopAll, until } from "../lib/names/program.ts";
import { startBind } from "../lib/names/servers.ts";
import { havePeers } from "../lib/peers.ts";

const GATEWAY = "fc00:aaaa:1::1";
const HOST = "fc00:aaaa:1::10";
const STRANGER = "2001:db8:99::1";
const SERVER = "2001:db8:f1::53";
/** Nobody is there. */
const SILENT = "2001:db8:f1::99";
const PEER = "fc00:bbbb:1::10";
const LOCATOR = "2001:db8:b3::10";
const ULID_RDATA = "\\# 16 fcbb00000001000000000000000000aa";

/** About 3,000 octets: over UDP it is cut. */
const BIG = Array.from({ length: 15 }, (_, i) => `big IN TXT "${String(i).padStart(2, "0")}${"x".repeat(198)}"`).join("\n");
const ZONE = `$TTL 300
@ IN SOA ns hostmaster 1 3600 600 86400 60
@ IN NS ns
ns IN AAAA ${SERVER}
peer IN AAAA ${LOCATOR}
peer IN A 192.0.2.10
peer IN TYPE65280 \\# 16 fc00bbbb000100000000000000000010
alias IN CNAME peer
tree IN DNAME example.test.
plain IN AAAA 2001:db8:77::1
plain IN A 192.0.2.1
web IN HTTPS 1 . alpn=h2 ipv6hint=${LOCATOR} ipv4hint=192.0.2.10
web IN AAAA ${LOCATOR}
web IN TYPE65280 \\# 16 fc00bbbb000100000000000000000010
homeless IN TYPE65280 ${ULID_RDATA}
${BIG}
`;
const REVERSE_ZONE = `$TTL 300
@ IN SOA ns.example.test. hostmaster.example.test. 1 3600 600 86400 60
@ IN NS ns.example.test.
0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0 IN PTR peer.example.test.
`;

/** A resolver of the C library, small enough for musl: prints one address a line. */
const LOOKUP = `#include <stdio.h>
#include <netdb.h>
#include <arpa/inet.h>
int main(int n, char **v) {
  struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *all;
  char text[INET6_ADDRSTRLEN];
  int error = getaddrinfo(v[1], 0, &hints, &all);
  if (error) { puts(gai_strerror(error)); return 1; }
  for (struct addrinfo *one = all; one; one = one->ai_next) {
    void *octets = one->ai_family == AF_INET6 ? (void *)&((struct sockaddr_in6 *)one->ai_addr)->sin6_addr : (void *)&((struct sockaddr_in *)one->ai_addr)->sin_addr;
    puts(inet_ntop(one->ai_family, octets, text, sizeof text));
  }
}
`;

if (havePeers("ip", "named", "dig") && insideCage(fileURLToPath(import.meta.url))) {
  const [world, box, host] = [addNode("world"), addNode("box"), addNode("host")];
  join(box, "up", world, "up");
  join(box, "lan", host, "lan");
  world.ip(`addr add ${SERVER}/64 dev up`);
  box.ip("addr add 2001:db8:f1::1/64 dev up", `addr add ${GATEWAY}/64 dev lan`, `route add ${STRANGER}/128 dev lan`);
  host.ip(
    `addr add ${HOST}/64 dev lan`,
    `addr add ${STRANGER}/128 dev lan preferred_lft 0`,
    "route add default via fc00:aaaa:1::1 dev lan",
  );
  const directory = scratch("dns");
  // Runtimes look for newer versions of themselves: not here.
  writeFileSync("/etc/resolv.conf", "nameserver ::1\n");
  writeFileSync("/etc/nsswitch.conf", "hosts: dns\n");
  await startBind(world, `${directory}/bind`, {
    listen: SERVER,
    zones: [
      { name: "example.test", text: ZONE },
      { name: "b.b.b.b.0.0.c.f.ip6.arpa", text: REVERSE_ZONE },
    ],
  });

  for (const runtime of RUNTIMES) {
    const upstreams = [{ host: SERVER, port: 53, domains: [] }];
    test(`${runtime}: hosts are answered`, () =>
      withGateway(
        box,
        gatewayCommand(runtime, { listen: [{ host: GATEWAY, port: 53 }], upstreams, local: { "own.site.test": HOST } }),
        host,
        checkAnswers,
      ));

    test(`${runtime}: a resolver that is silent keeps nobody from an answer`, () =>
      withGateway(
        box,
        gatewayCommand(runtime, {
          listen: [{ host: GATEWAY, port: 53 }],
          upstreams: [{ host: SILENT, port: 53, domains: [] }, ...upstreams],
          timeout: 300,
        }),
        host,
        async (dig) => {
          for (const name of ["peer", "plain", "alias"]) assert.match(dig(`${name}.example.test`, "AAAA"), /status: NOERROR/);
          for (const name of ["web", "big", "ns"]) assert.match(dig(`${name}.example.test`, "TXT"), /status: NOERROR/);
        },
      ));
  }

  test("glibc and musl take the ULID, and nothing else", () =>
    withGateway(
      box,
      gatewayCommand("node", { listen: [{ host: GATEWAY, port: 53 }], upstreams: [{ host: SERVER, port: 53, domains: [] }] }),
      host,
      async () => {
        writeFileSync("/etc/resolv.conf", `nameserver ${GATEWAY}\noptions timeout:3 attempts:2\n`);
        const programs: [string, string[]][] = [];
        writeFileSync(`${directory}/lookup.c`, LOOKUP);
        for (const compiler of ["cc", "musl-gcc"]) {
          const built = spawnSync(compiler, ["-o", `${directory}/${compiler}`, `${directory}/lookup.c`], { encoding: "utf8" });
          if (built.status === 0) programs.push([compiler, [`${directory}/${compiler}`]]);
          else if (process.env.PSHIM6_REQUIRE_PEERS === "1") throw new Error(`${compiler}: ${built.stderr}`);
          else console.log(`skipped: ${compiler} is missing or has no headers`);
        }
        for (const [compiler, argv] of programs) {
          const look = (name: string) =>
            host
              .run([...argv, name])
              .trim()
              .split("\n")
              .sort();
          assert.equal(look("peer.example.test"), [PEER], compiler);
          assert.equal(look("alias.example.test"), [PEER], compiler);
          assert.equal(look("x.tree.example.test".replace("x", "peer")), [PEER], compiler);
          assert.equal(look("plain.example.test"), ["192.0.2.1", "2001:db8:77::1"], compiler);
        }
        const ahosts = host.run(["getent", "ahosts", "peer.example.test"]);
        assert.match(ahosts, new RegExp(`^${PEER}\\s+STREAM`));
        assert.not.match(ahosts, /192\.0\.2/);
      },
    ));

  test.after(() => stopAll());
  test.run();
}

type Dig = (name: string, type: string, ...more: string[]) => string;

/** The service in `box` while `use` runs; its own end is looked at too. */
async function withGateway(
  box: Node,
  command: readonly string[],
  host: Node,
  use: (dig: Dig, gateway: Program, host: Node) => Promise<void>,
): Promise<void> {
  const gateway = box.start(command);
  await gateway.said(/^ready$/m);
  const dig: Dig = (name, type, ...more) => host.run(["dig", `@${GATEWAY}`, name, type, "+tries=1", "+time=5", ...more]);
  try {
    await use(dig, gateway, host);
  } catch (error) {
    console.log(gateway.lastWords);
    await gateway.stop();
    throw error;
  }
  gateway.signal("SIGTERM");
  assert.is(await gateway.ended(), 0, gateway.lastWords);
  const { jobs, clients, fetches, attempts, streams } = await totalsOf(gateway);
  assert.equal({ jobs, clients, fetches, attempts, streams }, { jobs: 0, clients: 0, fetches: 0, attempts: 0, streams: 0 });
}

async function totalsOf(gateway: Program): Promise<{ [name: string]: unknown; counters: Record<string, number> }> {
  const [, text] = await gateway.said(/totals (\{.*\})\n(?!.*totals)/s);
  return JSON.parse(text.split("\n")[0]);
}

async function checkAnswers(dig: Dig, gateway: Program, host: Node): Promise<void> {
  for (const by of ["+notcp", "+tcp"]) {
    const short = (name: string, type: string) => dig(name, type, "+short", by).trim().split("\n").sort();
    assert.equal(short("peer.example.test", "AAAA"), [PEER], by);
    assert.equal(short("alias.example.test", "AAAA"), [PEER, "peer.example.test."], by);
    assert.ok(short("peer.tree.example.test", "AAAA").includes(PEER), by);
    assert.equal(short("plain.example.test", "AAAA"), ["2001:db8:77::1"], by);
    assert.equal(short("plain.example.test", "A"), ["192.0.2.1"], by);
    assert.equal(short("peer.example.test", "A"), [""], by);
    assert.equal(short("own.site.test", "AAAA"), [HOST], by);
    assert.match(dig("nothing.example.test", "AAAA", by), /status: NXDOMAIN/);
    const web = dig("web.example.test", "HTTPS", by);
    assert.not.match(web, /ipv4hint|2001:db8:b3/);
    // Twice, so that the second one comes out of the image.
    for (let i = 0; i < 2; i++) {
      const big = dig("big.example.test", "TXT", by);
      assert.is(big.match(/\tTXT\t/g)?.length, 15, big);
      assert.match(big, /\(TCP\)/, "cut over UDP, whole over TCP");
    }
    assert.match(dig("big.example.test", "TXT", "+ignore", "+notcp"), /flags:[^;]* tc/);
    assert.match(dig("PeEr.ExAmPlE.tEsT", "AAAA", by), /;PeEr\.ExAmPlE\.tEsT\./);
  }
  await gateway.said(new RegExp(`learn .*"${PEER}".*"${LOCATOR}"`));
  assert.not.match(gateway.log, /learn .*2001:db8:77/);

  // Many questions on one connection, answers as they are ready.
  const names = Array.from({ length: 50 }, (_, i) => [`n${i}.example.test`, "AAAA"]).flat();
  const many = host.run(["dig", `@${GATEWAY}`, "+tcp", "+keepopen", "+tries=1", "+time=5", ...names]);
  assert.is(many.match(/status: NXDOMAIN/g)?.length, 50);

  // A stranger hears nothing.
  const stranger = spawnSync(
    "ip",
    ["netns", "exec", "host", "dig", "-b", STRANGER, `@${GATEWAY}`, "peer.example.test", "AAAA", "+tries=1", "+time=1"],
    { encoding: "utf8" },
  );
  assert.match(stranger.stdout, /no servers could be reached|timed out/);
  const seen = gateway.log.length;
  gateway.signal("SIGUSR2");
  await gateway.said(/totals .*\n/, seen);
  const { counters } = await until("totals", async () => totalsOf(gateway));
  assert.ok(counters["drop-stranger-dns"] > 0);
  assert.ok(counters["out-answered-udp"] > 0, "nothing was answered out of the thread");
}
