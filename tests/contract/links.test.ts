/** Interfaces as the kernel tells of them, over netlink, in a namespace of its own. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { linkDump, netlinkAddress, readLinks } from "../../adapters/common/netlink.ts";
import { loadPlatform } from "../../adapters/platform.ts";
import type { LinkState } from "../../runtime/port/links.ts";
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
    const monitor = await platform.watchLinks(
      ({ name, up }) => {
        state.set(name, up);
        heard.push(`${name} ${up}`);
      },
      (error) => {
        throw error;
      },
    );
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

  test.run();
}
