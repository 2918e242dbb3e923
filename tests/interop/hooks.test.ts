/** The hooks of examples/hooks, fed what dhcpcd and networkd-dispatcher give them; `pshim6` is a script that notes what it is told. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { insideNamespace } from "../lib/netns.ts";
import { havePeers } from "../lib/peers.ts";

const hook = (name: string) => fileURLToPath(new URL(`../../examples/hooks/${name}`, import.meta.url));

if (havePeers("root", "ip", "awk") && insideNamespace(fileURLToPath(import.meta.url))) {
  /** @returns what `pshim6` was told, by a hook that ended well */
  const told = (argv: readonly string[], env: Readonly<Record<string, string>>): string => {
    const directory = mkdtempSync(join(tmpdir(), "pshim6-hooks-"));
    try {
      const [program, lines, note] = ["pshim6", "lines", "note"].map((name) => join(directory, name));
      writeFileSync(program, `#!/bin/sh\necho "$@" >> ${note}\n`);
      chmodSync(program, 0o755);
      writeFileSync(lines, "up1 isp1\nup2 isp2\n");
      writeFileSync(note, "");
      const { PATH = "/usr/sbin:/usr/bin:/sbin:/bin" } = process.env;
      const done = spawnSync(argv[0], argv.slice(1), { encoding: "utf8", env: { PATH, PSHIM6: program, PSHIM6_LINES: lines, ...env } });
      assert.equal([done.status, done.stderr], [0, ""]);
      return readFileSync(note, "utf8").trim();
    } finally {
      rmSync(directory, { recursive: true });
    }
  };

  test("dhcpcd: what dhcpcd 9 says at each step of a lease", () => {
    const says = (interface_: string, reason: string, more: Readonly<Record<string, string>> = {}) =>
      told(["sh", "-eu", "-c", 'set +u; . "$0"', hook("dhcpcd.exit-hook")], { interface: interface_, reason, ...more });
    const lease = (prefix: string, preferred = "20", place = 1) => ({
      [`new_dhcp6_ia_pd1_prefix${place}`]: prefix,
      [`new_dhcp6_ia_pd1_prefix${place}_length`]: "48",
      [`new_dhcp6_ia_pd1_prefix${place}_pltime`]: preferred,
      [`new_dhcp6_ia_pd1_prefix${place}_vltime`]: preferred === "0" ? "0" : "40",
    });
    for (const reason of ["BOUND6", "RENEW6", "REBIND6", "REBOOT6"])
      assert.is(says("up1", reason, lease("2001:db8:a0::")), "provider set-prefix isp1 2001:db8:a0::/48 --valid 40", reason);
    const changed = { ...lease("2001:db8:a0::", "0"), ...lease("2001:db8:a9::", "20", 2) };
    assert.is(says("up2", "RENEW6", changed), "provider set-prefix isp2 2001:db8:a9::/48 --valid 40");
    assert.is(says("up1", "EXPIRE6"), "provider unset-prefix isp1");
    for (const [line, reason] of [
      ["up1", "PREINIT"],
      ["up1", "CARRIER"],
      ["up1", "STOP6"],
      ["up1", "BOUND6"],
      ["lan", "BOUND6"],
    ])
      assert.is(says(line, reason, line === "lan" ? lease("2001:db8:a0::") : {}), "", `${line} ${reason}`);
  });

  test("networkd: the route of what was delegated", () => {
    spawnSync("ip", ["link", "set", "lo", "up"]);
    const says = (line: string) => told([hook("networkd-dispatcher")], { IFACE: line });
    assert.is(says("up1"), "provider unset-prefix isp1");
    assert.is(spawnSync("ip", "-6 route add unreachable 2001:db8:a0::/48 dev lo proto dhcp".split(" ")).status, 0);
    assert.is(says("up1"), "provider set-prefix isp1 2001:db8:a0::/48");
    assert.is(says("lan"), "");
  });

  test.run();
}
