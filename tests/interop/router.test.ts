/**
 * Router advertisements to a real kernel, in a network namespace of its own:
 *
 *     [ lan: our router ] ── [ host: accept_ra ]
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openNeighbourLink } from "../../adapters/common/neighbours.ts";
import { loadLibc } from "../../adapters/platform.ts";
import { advertiseOnLan } from "../../runtime/box/lan.ts";
import { PortError } from "../../runtime/port/error.ts";
import type { NeighbourLink } from "../../runtime/port/neighbours.ts";
import { NOTHING_ADVERTISED } from "../../runtime/router/stale.ts";
import { insideNamespace } from "../lib/netns.ts";

function ip(...words: string[]): string {
  const done = spawnSync("ip", words, { encoding: "utf8" });
  return done.stdout + done.stderr;
}

async function until(what: string, done: () => boolean): Promise<void> {
  for (let waited = 0; !done(); waited += 20) {
    if (waited > 15_000) throw new Error(`waited 15 s until ${what}:\n${ip("-6", "route", "show", "dev", "host")}`);
    await sleep(20);
  }
}

const routes = () => ip("-6", "route", "show", "dev", "host");

if (insideNamespace(fileURLToPath(import.meta.url))) {
  const libc = await loadLibc();
  const conf = (name: string, key: string, value: number) => writeFileSync(`/proc/sys/net/ipv6/conf/${name}/${key}`, String(value));
  let link: NeighbourLink;
  const counted = new Map<string, number>();
  let stop: () => void = () => undefined;

  test.before(async () => {
    conf("default", "accept_dad", 0);
    ip("link", "set", "lo", "up");
    ip("link", "add", "lan", "type", "veth", "peer", "name", "host");
    conf("host", "accept_ra", 2);
    // Many, so that the test's own timing does not matter.
    conf("host", "router_solicitations", 0);
    ip("link", "set", "lan", "up");
    ip("link", "set", "host", "up");
    await until("both have addresses", () =>
      ["lan", "host"].every((name) => /inet6 fe80.*scope link\s/.test(ip("-6", "address", "show", "dev", name))),
    );
    link = openNeighbourLink(libc, "lan");
  });

  test("a host takes the router, its lifetime and the MTU", async () => {
    stop = advertiseOnLan({
      clock: { now: () => performance.now(), wall: () => 0, wakeAt: () => undefined },
      entropy: { bytes: (count) => crypto.getRandomValues(new Uint8Array(count)) },
      link,
      says: () => ({
        managed: false,
        other: false,
        mtu: 1492,
        linkAddress: Uint8Array.of(2, 0, 0, 0, 0, 1),
        prefixes: [],
        servers: [],
        search: [],
      }),
      advertised: NOTHING_ADVERTISED,
      keep: () => undefined,
      count: (name) => counted.set(name, (counted.get(name) ?? 0) + 1),
      later: (at, run) => {
        setTimeout(run, Math.max(0, at - performance.now())).unref();
      },
    });
    await until("there is a default route", () => /^default via fe80::\S+ proto ra/m.test(routes()));
    assert.match(routes(), /default .* mtu 1492/);
    assert.match(routes(), /expires 2[67]\d\dsec/);
    const neighbours = ip("-6", "neighbour", "show", "dev", "host");
    assert.match(neighbours, /fe80::\S+ lladdr 02:00:00:00:00:01 router/);
  });

  test("a host that asks is answered", async () => {
    ip("link", "set", "host", "down");
    conf("host", "router_solicitations", -1);
    conf("host", "router_solicitation_delay", 0);
    ip("link", "set", "host", "up");
    await until("it asks", () => (counted.get("in-router-solicitation") ?? 0) > 0);
    await until("it has a router again", () => routes().includes("proto ra"));
    assert.is(counted.get("drop-router-advertisement"), undefined);
  });

  test("the last word takes the route away; afterwards nothing is said or heard", async () => {
    stop();
    await until("the route is gone", () => !routes().includes("default"));
    assert.is(link.advertise(new Uint8Array(16)), false);
    link.receive(1, () => assert.unreachable());
    link.close();
  });

  test("no such interface", () => {
    try {
      openNeighbourLink(libc, "nowhere");
      assert.unreachable();
    } catch (error) {
      assert.ok(error instanceof PortError && error.code === "missing");
    }
  });

  test.run();
}
