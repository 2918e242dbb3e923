/** Interfaces as the kernel tells of them, over netlink, in a namespace of its own. */
import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { linkDump, neighbourRequest, netlinkAddress, readLinks, readNeighbours } from "../../adapters/common/netlink.ts";
import { loadPlatform } from "../../adapters/platform.ts";
import type { GatewayState, LinkState } from "../../runtime/port/links.ts";
import { address } from "../../runtime/value/address.ts";
import { concat, hex, unhex } from "../../runtime/value/bytes.ts";
import { insideNamespace } from "../lib/netns.ts";
import { seed } from "../lib/seed.ts";

const entry = new URL("../lib/worker-entry.ts", import.meta.url);
const octets = (text: string): Uint8Array => unhex(text.replaceAll(/[^0-9a-f]/g, "")) ?? new Uint8Array();

/** length, type, flags, sequence, port · family, type, index, flags, change · an attribute of another kind · IFLA_IFNAME */
const message = (type: string, flags: string, name = "0700 0300 7570 3100") =>
  octets(`30000000 ${type} 0200 01000000 00000000  00 00 0100 02000000 ${flags} 00000000  0800 0d00 e8030000  ${name}`);

if (insideNamespace(fileURLToPath(import.meta.url))) {
  const ip = (line: string): void => {
    const { status, stderr } = spawnSync("ip", line.split(" "), { encoding: "utf8" });
    assert.is(status, 0, `${line}: ${stderr}`);
  };

  test("messages, octet by octet", () => {
    assert.is(hex(netlinkAddress(1)), "100000000000000001000000");
    assert.is(hex(linkDump()), "20000000 1200 0103 00000000 00000000 00000000000000000000000000000000".replaceAll(" ", ""));
    const cases: [string, Uint8Array, LinkState[]][] = [
      ["up and running", message("1000", "43100100"), [{ name: "up1", up: true }]],
      ["no carrier", message("1000", "03100000"), [{ name: "up1", up: false }]],
      ["switched off", message("1000", "02100000"), [{ name: "up1", up: false }]],
      ["gone", message("1100", "43100100"), [{ name: "up1", up: false }]],
      ["two of them", concat(message("1000", "43100100"), message("1100", "00000000")), [true, false].map((up) => ({ name: "up1", up }))],
      ["something else", message("1400", "43100100"), []],
      ["no name", message("1000", "43100100", "0800 0d00 00000000"), []],
      ["cut off", message("1000", "43100100").subarray(0, 46), []],
      ["an attribute without length", message("1000", "43100100", "0000 0300 7570 3100"), []],
      ["nothing", new Uint8Array(), []],
    ];
    for (const [name, given, links] of cases) assert.equal(readLinks(given), links, name);
    const any = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.tuple(fc.nat(47), fc.nat(255)).map(([at, value]) => message("1000", "43100100").fill(value, at, at + 1)),
    );
    fc.assert(
      fc.property(any, (given) => {
        readLinks(given);
      }),
      { seed, numRuns: 2000 },
    );
  });

  test("every interface once, then what changes: switched off, carrier lost, deleted; nothing after the end", async () => {
    ip("link add up1 type veth peer name far");
    for (const name of ["up1", "far"]) ip(`link set ${name} up`);
    const platform = await loadPlatform(entry);
    const state = new Map<string, boolean>();
    const heard: string[] = [];
    const monitor = await platform.watchLinks({
      link: ({ name, up }) => {
        state.set(name, up);
        heard.push(`${name} ${up}`);
      },
      gateway: () => assert.unreachable("nobody asked for one"),
      failed: (error) => {
        throw error;
      },
    });
    const until = async (name: string, up: boolean): Promise<void> => {
      for (let waited = 0; state.get(name) !== up; waited += 5) {
        if (waited > 10_000) throw new Error(`waited 10 s until ${name} is ${up ? "up" : "down"}: ${heard.join(", ")}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    try {
      await until("up1", true);
      await until("lo", false);
      ip("link set up1 down");
      await until("up1", false);
      ip("link set up1 up");
      await until("up1", true);
      ip("link set far down");
      await until("up1", false);
      ip("link set far up");
      await until("up1", true);
      for (let i = 0; i < 30; i++) ip(`link set up1 ${i % 2 === 0 ? "down" : "up"}`);
      ip("link set up1 down");
      await until("up1", false);
      ip("link set up1 up");
      await until("up1", true);
      ip("link delete up1");
      await until("up1", false);
    } finally {
      await monitor.close();
    }
    await monitor.close();
    const before = heard.length;
    ip("link set lo up");
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.is(heard.length, before);
  });

  test("requests about a neighbour, octet by octet, and what is said of neighbours", () => {
    const gateway = address("2001:db8:f1::1");
    // length, type, flags, sequence, port · family, index, state, flags, type · NDA_DST
    const request = (type: string, flags: string, state: string, ndm: string) =>
      hex(
        octets(
          `30000000 ${type} ${flags} 00000000 00000000  0a000000 07000000 ${state} ${ndm} 00  1400 0100 20010db800f100000000000000000001`,
        ),
      );
    assert.is(hex(neighbourRequest("get", 7, gateway)), request("1e00", "0100", "0000", "00"));
    assert.is(hex(neighbourRequest("create", 7, gateway)), request("1c00", "0106", "0000", "01"));
    assert.is(hex(neighbourRequest("revive", 7, gateway)), request("1c00", "0101", "0000", "01"));
    assert.is(hex(neighbourRequest("probe", 7, gateway)), request("1c00", "0101", "1000", "00"));
    const failed = octets(request("1c00", "0000", "2000", "00"));
    assert.equal(readNeighbours(concat(message("1000", "43100100"), failed)), [{ index: 7, address: gateway, state: 0x20 }]);
    assert.equal(readLinks(failed), []);
    for (let length = 0; length < failed.length; length++) assert.equal(readNeighbours(failed.subarray(0, length)), []);
    const others = [request("1d00", "0000", "2000", "00"), request("1c00", "0000", "2000", "00").replace("0a000000", "02000000")];
    for (const other of others) assert.equal(readNeighbours(octets(other)), [], "taken away, or not of IPv6");
    fc.assert(
      fc.property(fc.nat(failed.length - 1), fc.nat(255), (at, value) => {
        readNeighbours(failed.slice().fill(value, at, at + 1));
      }),
      { seed, numRuns: 2000 },
    );
  });

  test("a gateway answers, falls silent while the line is up, answers again; one that the operator fixed stays as it is", async () => {
    const inside = (...words: string[]): void => {
      const { status, stderr } = spawnSync("nsenter", ["-t", String(far.pid), "-n", ...words], { encoding: "utf8" });
      assert.is(status, 0, `${words.join(" ")}: ${stderr}`);
    };
    const far = spawn("unshare", ["--net", "sleep", "600"]);
    const platform = await loadPlatform(entry);
    const heard: GatewayState[] = [];
    const monitor = await platform.watchLinks({
      link: () => undefined,
      gateway: (state) => heard.push(state),
      failed: (error) => {
        throw error;
      },
    });
    try {
      const own = spawnSync("readlink", ["/proc/self/ns/net"], { encoding: "utf8" }).stdout;
      const isApart = () => spawnSync("readlink", [`/proc/${far.pid}/ns/net`], { encoding: "utf8" }).stdout !== own;
      for (let waited = 0; !isApart(); waited += 5) {
        if (waited > 10_000) throw new Error("no second namespace");
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      ip(`link add up2 type veth peer name gw netns ${far.pid}`);
      ip("link set up2 up");
      inside("ip", "link", "set", "gw", "up");
      ip("-6 address add 2001:db8:f1::2/64 dev up2 nodad");
      inside("ip", "-6", "address", "add", "2001:db8:f1::1/64", "dev", "gw", "nodad");
      ip("-6 neighbour add 2001:db8:f1::9 lladdr 02:00:00:00:00:09 nud permanent dev up2");
      const gateways = ["2001:db8:f1::1", "2001:db8:f1::9"].map((text) => ({ link: "up2", address: address(text) }));
      const until = async (standing: string): Promise<void> => {
        heard.length = 0;
        for (let waited = 0; !heard.some((state) => state.address === gateways[0].address && state.standing === standing); waited += 100) {
          if (waited > 20_000) throw new Error(`waited 20 s until it ${standing}: ${JSON.stringify(heard)}`);
          monitor.solicit([...gateways, { link: "nowhere", address: gateways[0].address }]);
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      };
      await until("answers");
      inside("ip", "-6", "address", "delete", "2001:db8:f1::1/64", "dev", "gw");
      await until("silent");
      inside("ip", "-6", "address", "add", "2001:db8:f1::1/64", "dev", "gw", "nodad");
      await until("answers");
      const fixed = heard.filter((state) => state.address === gateways[1].address).map(({ standing }) => standing);
      assert.ok(fixed.length > 0 && fixed.every((standing) => standing === "fixed"), fixed.join(" "));
      assert.match(spawnSync("ip", ["-6", "neighbour"], { encoding: "utf8" }).stdout, /f1::9 .*lladdr 02:00:00:00:00:09 PERMANENT/);
      monitor.solicit([]);
      await new Promise((resolve) => setTimeout(resolve, 50));
      heard.length = 0;
      ip("-6 neighbour flush dev up2");
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(heard, [], "nobody is watched any more");
    } finally {
      await monitor.close();
      far.kill();
    }
    monitor.solicit([]);
  });

  test.run();
}
