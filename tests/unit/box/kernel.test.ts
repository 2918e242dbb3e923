/** Sysctls: written, left as they are, or named when they may not be written. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { setSysctl } from "../../../runtime/box/kernel.ts";
import { PortError } from "../../../runtime/port/error.ts";

const FORWARDING = { key: "net.ipv6.conf.all.forwarding", value: "1" };
const ADVERTISED = { key: "net.ipv6.conf.eth0/1.accept_ra", value: "0" };

/** A kernel in which each setting is `now`. @returns what was written, and why it was refused */
function attempt(sysctl: typeof FORWARDING, now: string | undefined, refused: boolean): string[] {
  const did: string[] = [];
  const files = {
    readText: () => now,
    poke(path: string, text: string) {
      if (refused) throw new PortError("permission", `${path}: read-only`);
      did.push(`${path} ${text}`);
    },
    writeText: () => undefined,
    makeDirectory: () => undefined,
    mode: () => undefined,
    list: () => undefined,
    remove: () => false,
  };
  try {
    setSysctl(sysctl, files);
  } catch (error) {
    if (!(error instanceof PortError)) throw error;
    did.push(`${error.code}: ${error.message}`);
  }
  return did;
}

test("a setting is written where its value is another, or unknown", () => {
  assert.equal(attempt(FORWARDING, "0\n", false), ["/proc/sys/net/ipv6/conf/all/forwarding 1"]);
  assert.equal(attempt(ADVERTISED, undefined, false), ["/proc/sys/net/ipv6/conf/eth0.1/accept_ra 0"]);
  assert.equal(attempt(FORWARDING, "1\n", true), []);
});

test("what may not be written is named, with what to do", () => {
  assert.equal(attempt(FORWARDING, "0\n", true), [
    "permission: sysctl net.ipv6.conf.all.forwarding cannot be set to 1: set it before the box starts (docs/install.md); /proc/sys/net/ipv6/conf/all/forwarding: read-only",
  ]);
});

test("a machine that forwards takes no advertisements with 1, either", () => {
  assert.equal(attempt(ADVERTISED, "1\n", true), []);
  assert.is(attempt(ADVERTISED, "2\n", true).length, 1);
});

test.run();
