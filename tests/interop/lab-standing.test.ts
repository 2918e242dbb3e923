/** The lab of an ordinary user: it goes on as root of a user namespace, or says in one sentence what is missing. */
import { spawnSync } from "node:child_process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { commandOf } from "../lib/labhost.ts";
import { havePeers } from "../lib/peers.ts";

/** Runs `standing` as user 65534 who sees a /dev/net of our making, in a mount namespace of its own. */
function standAs(nobodysDevice: string): { status: number | null; lines: string[]; stderr: string } {
  const user = "exec setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all";
  const script = `mount -t tmpfs tmpfs /dev/net && ${nobodysDevice} && ${user} "$@"`;
  const done = spawnSync("unshare", ["--mount", "sh", "-c", script, "sh", ...commandOf("node", "tests/lib/labself.ts").argv, "standing"], {
    encoding: "utf8",
    cwd: "/",
  });
  return { status: done.status, lines: done.stdout.trim().split("\n"), stderr: done.stderr };
}

if (havePeers("root", "ip", "unshare", "setpriv")) {
  test("an ordinary user raises the world inside a user namespace", () => {
    const { status, lines, stderr } = standAs("mknod /dev/net/tun c 10 200 && chmod 666 /dev/net/tun");
    assert.equal(
      lines.map((line) => JSON.parse(line)),
      [{ kind: "enter" }, { up1: "2001:db8:f1::2/64" }],
      stderr,
    );
    assert.is(status, 0);
  });

  test("without /dev/net/tun it says so", () => {
    assert.match(standAs("true").lines[0], /dev\/net\/tun is missing: load the kernel module/);
  });

  test("with a /dev/net/tun for root only it says so", () => {
    assert.match(standAs("mknod /dev/net/tun c 10 200 && chmod 600 /dev/net/tun").lines[0], /may be opened by root only/);
  });
}

test.run();
