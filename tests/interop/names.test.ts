/**
 * Names as programs ask for them that others wrote: glibc's and musl's resolvers and a browser behind the gateway, Unbound and
 * BIND before it, BIND as the server that takes our signed updates. tests/lib/names/sites.ts draws the world.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ALPHA, BETA } from "../../runtime/lab/world.ts";
import { insideCage, scratch } from "../lib/names/cage.ts";
import { must, type Program, stopAll, until } from "../lib/names/program.ts";
import { ALPHA_ZONE, BETA_ZONE, dig, hexOf, moveIn, type NamedSites, type ResolverName, raiseSites } from "../lib/names/sites.ts";
import { havePeers } from "../lib/peers.ts";

const NAME = `h2.${BETA_ZONE}`;
const BROWSER_PATIENCE = 60_000;

/** Prints the addresses that getaddrinfo gives, one a line. */
const ASK_C = `#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
int main(int argc, char **argv) {
  struct addrinfo hints, *found, *each;
  char text[INET6_ADDRSTRLEN];
  int error;
  memset(&hints, 0, sizeof hints);
  hints.ai_socktype = SOCK_STREAM;
  if (argc < 2) return 2;
  error = getaddrinfo(argv[1], "80", &hints, &found);
  if (error) { printf("%s\\n", gai_strerror(error)); return 1; }
  for (each = found; each; each = each->ai_next) {
    void *address = each->ai_family == AF_INET6 ? (void *)&((struct sockaddr_in6 *)each->ai_addr)->sin6_addr
                                                : (void *)&((struct sockaddr_in *)each->ai_addr)->sin_addr;
    puts(inet_ntop(each->ai_family, address, text, sizeof text));
  }
  return 0;
}
`;

interface Raised {
  readonly sites: NamedSites;
  readonly addresses: Readonly<Record<"h1" | "h2" | "h3", string>>;
}

async function raise(resolver: ResolverName, serial: number, directory: string): Promise<Raised> {
  const clients = { h1: "dhcpcd", h2: "dhclient", h3: "wide" } as const;
  const sites = await raiseSites({ runtime: "node", resolver, serial, directory, clients });
  try {
    await Promise.all([sites.boxes.alpha.start(), sites.boxes.beta.start()]);
    return { sites, addresses: await moveIn(sites) };
  } catch (error) {
    throw new Error(`${String(error)}\n${sites.lastWords()}`);
  }
}

function behind(resolver: ResolverName, serial: number): void {
  const test = suite(`behind ${resolver}`);
  const directory = scratch(resolver);
  let raised: Raised | undefined;
  test.before(async () => {
    raised = await raise(resolver, serial, directory);
  });

  const there = (): Raised => {
    if (raised === undefined) throw new Error("the world was not raised");
    return raised;
  };

  test("AAAA is the ULID alone; A and HTTPS are empty; other names are as they are", () => {
    const { sites, addresses } = there();
    const host = sites.node("h1");
    assert.is(dig(host, NAME, "AAAA"), addresses.h2);
    for (const type of ["A", "HTTPS"]) {
      const whole = host.run(["dig", "+time=5", NAME, type]);
      assert.match(whole, /status: NOERROR/, type);
      assert.match(whole, /ANSWER: 0/, type);
    }
    assert.is(dig(host, `ns.${BETA_ZONE}`, "AAAA"), "2001:db8:53::2", "a server without a ULID keeps its address");
    assert.match(host.run(["dig", "+time=5", `nobody.${BETA_ZONE}`, "AAAA"]), /status: NXDOMAIN/);
    assert.is(dig(host, `h1.${ALPHA_ZONE}`, "AAAA"), addresses.h1, "a host of one's own site");
  });

  test("the reverse tree names hosts by their ULIDs", () => {
    const { sites, addresses } = there();
    assert.is(dig(sites.node("h1"), "-x", addresses.h2), `${NAME}.`);
    assert.is(dig(sites.node("h2"), "-x", addresses.h1), `h1.${ALPHA_ZONE}.`);
  });

  test("the world sees locators, one for each provider, and the ULID", () => {
    const { sites, addresses } = there();
    const locator = (base: string, ulid: string) => `${base}${hexOf(ulid).slice(base.length)}`;
    const seen = (name: string) => dig(sites.node("dns"), `@2001:db8:53::53`, name, "AAAA").split("\n").map(hexOf).sort();
    const wanted = (site: typeof ALPHA, ulid: string) =>
      site.providers.map(({ prefix }) => locator(hexOf(prefix.base).slice(0, 12), ulid)).sort();
    assert.equal(seen(NAME), wanted(BETA, addresses.h2));
    assert.equal(seen(`h1.${ALPHA_ZONE}`), wanted(ALPHA, addresses.h1));
  });

  test("BIND takes updates with the right key alone", () => {
    const { sites } = there();
    const update = `server 2001:db8:53::2\nupdate add thief.${BETA_ZONE} 5 AAAA 2001:db8::bad\nsend\n`;
    assert.throws(() => sites.node("dns").run(["nsupdate"], update), /REFUSED/);
    assert.is(dig(sites.node("dns"), "@2001:db8:53::2", `thief.${BETA_ZONE}`, "AAAA"), "");
  });

  if (havePeers("getent"))
    test("glibc's resolver, with the whole name and by the search list", () => {
      const { sites, addresses } = there();
      const ask = (node: string, name: string) => [
        ...new Set(
          sites
            .node(node)
            .run(["getent", "ahosts", name])
            .trim()
            .split("\n")
            .map((line) => line.split(/\s+/)[0]),
        ),
      ];
      assert.equal(ask("h1", NAME), [addresses.h2]);
      assert.equal(ask("h2", "h3"), [addresses.h3]);
    });

  if (havePeers("musl-gcc"))
    test("musl's resolver", () => {
      const { sites, addresses } = there();
      writeFileSync(`${directory}/ask.c`, ASK_C);
      must(["musl-gcc", "-static", "-o", `${directory}/ask`, `${directory}/ask.c`]);
      assert.is(
        sites
          .node("h1")
          .run([`${directory}/ask`, NAME])
          .trim(),
        addresses.h2,
      );
      assert.is(
        sites
          .node("h2")
          .run([`${directory}/ask`, "h3"])
          .trim(),
        addresses.h3,
      );
    });

  if (havePeers("chromium", "python3"))
    test("a browser reaches the host by its name, at its ULID", async () => {
      const { sites, addresses } = there();
      const page = `<title>pshim6</title><p>this is ${NAME}</p>`;
      must(["mkdir", "-p", `${directory}/www`]);
      writeFileSync(`${directory}/www/index.html`, page);
      const server = sites
        .node("h2")
        .start(["python3", "-u", "-m", "http.server", "--bind", "::", "--directory", `${directory}/www`, "80"]);
      await server.said(/Serving HTTP/);
      const browser = browse(sites, `http://${NAME}/`, directory);
      assert.is(await browser.ended(BROWSER_PATIENCE), 0, `${browser.lastWords}\n${sites.lastWords()}`);
      assert.match(browser.log, `this is ${NAME}`);
      await server.said(new RegExp(`^${addresses.h1} .*"GET / HTTP/1.1" 200`, "m"));
      await server.stop();
    });

  test("a host that gives its address back is gone from the zone, and comes again", async () => {
    const { sites, addresses } = there();
    const h3 = `h3.${BETA_ZONE}`;
    const seen = () => dig(sites.node("dns"), "@2001:db8:53::2", h3, "AAAA");
    await sites.hosts.h3.release();
    await until(`${h3} is gone`, () => (seen() === "" ? true : undefined), sites.lastWords);
    sites.hosts.h3.start();
    const [{ address }] = await sites.hosts.h3.until("has an address", (held) => held.length > 0);
    assert.is(address, addresses.h3);
    await until(`${h3} is there`, () => (seen() === "" ? undefined : true), sites.lastWords);
  });

  test.after(async () => {
    if (raised === undefined) return stopAll();
    for (const box of Object.values(raised.sites.boxes)) assert.is(await box.stop(), 0, box.lastWords());
    stopAll();
    await raised.sites.ground.raze();
  });
  test.run();
}

/** The page as the browser sees it, on its standard output. */
function browse(sites: NamedSites, url: string, directory: string): Program {
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", `--user-data-dir=${directory}/browser`];
  const quiet = ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  return sites.node("h1").start(["chromium", ...flags, ...quiet, "--dump-dom", url], { env: { HOME: directory } });
}

const PROGRAMS = ["ip", "dig", "nsupdate", "named", "unbound", "dhclient", "dhcpcd", "dhcp6c"];
if (havePeers("root", ...PROGRAMS) && insideCage(fileURLToPath(import.meta.url))) {
  behind("unbound", 0);
  behind("bind", 1);
}
