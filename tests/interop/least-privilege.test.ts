/**
 * Boxes of a user who may do nothing but what examples/systemd/pshim6@.service lets its box do: three capabilities, no new privileges. With every
 * service and a filter; hosts come, a stream passes, settings are reloaded, the box stops and leaves nothing. On each runtime.
 */
import { chownSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { startNamedBoxes } from "../../runtime/lab/boxes.ts";
import { breakGround, LABS_DIRECTORY } from "../../runtime/lab/ground.ts";
import type { LabHost, RuntimeName } from "../../runtime/lab/host.ts";
import { siteFile } from "../../runtime/lab/site.ts";
import { moveIn } from "../../runtime/lab/tenants.ts";
import { startTraffic } from "../../runtime/lab/traffic.ts";
import { ALPHA, BETA, namedSites } from "../../runtime/lab/world.ts";
import { PROJECT, testHost } from "../lib/labhost.ts";
import { must, start, stopAll, until } from "../lib/names/program.ts";
import { havePeers } from "../lib/peers.ts";
import { withScratch } from "../lib/scratch.ts";

const UNIT = join(PROJECT, "examples", "systemd", "pshim6@.service");
/** Somebody whom the machine does not know. */
const USER = 61_234;
const GOES_ON = 1_000_000;

/** Capabilities that a line of the unit names, as setpriv(1) writes them. */
function unitCapabilities(setting: string): string {
  const line = readFileSync(UNIT, "utf8").match(new RegExp(`^${setting}=(.*)$`, "m"))?.[1] ?? "";
  return ["-all", ...line.split(" ").map((name) => `+${name.replace(/^CAP_/, "").toLowerCase()}`)].join();
}

/** What a service manager hears on its socket. */
const MANAGER = `import os, socket, sys
heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
heard.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
print("listening", flush=True)
while True: print(heard.recv(4096).decode(), flush=True)
`;

/** On an ordinary machine everybody may open the device, and CAP_NET_ADMIN decides who may use it; in a container its mode may be another. */
function words(device: string): string[] {
  const mounted = ["sh", "-c", 'mount --bind "$0" /dev/net/tun && exec "$@"', device, "env", `NOTIFY_SOCKET=${device}.manager`];
  const ambient = unitCapabilities("AmbientCapabilities");
  const user = [`--reuid=${USER}`, `--regid=${USER}`, "--clear-groups", "--no-new-privs"];
  return [
    ...mounted,
    "setpriv",
    ...user,
    `--inh-caps=${ambient}`,
    `--ambient-caps=${ambient}`,
    `--bounding-set=${unitCapabilities("CapabilityBoundingSet")}`,
  ];
}

/** The lab's host whose boxes run as {@link USER}. What they need of files is theirs. */
async function humbleHost(device: string): Promise<LabHost> {
  const host = await testHost("dist/pshim6.mjs");
  const own = (path: string) => chownSync(path, USER, USER);
  return {
    ...host,
    files: {
      ...host.files,
      makeDirectory(path, mode) {
        host.files.makeDirectory(path, mode);
        own(dirname(path));
        own(path);
      },
      writeText(path, text, mode) {
        host.files.writeText(path, path.endsWith("alpha/site.yaml") ? `${text}firewall: { simple: true }\n` : text, mode);
        own(path);
      },
    },
    selfCommand(runtime) {
      const { argv } = host.selfCommand(runtime);
      return { runtime, argv: [...words(device), ...argv] };
    },
  };
}

async function live(runtime: RuntimeName, serial: number): Promise<void> {
  const plain = await testHost("dist/pshim6.mjs");
  const ground = await breakGround(plain, serial);
  const device = join(ground.directory, "tun");
  const host = await humbleHost(device);
  const said: string[] = [];
  try {
    must(["mknod", "-m", "0666", device, "c", "10", "200"]);
    must(["chmod", "0711", LABS_DIRECTORY, ground.directory]);
    await ground.raise(namedSites());
    const manager = start("manager", ["python3", "-c", MANAGER, `${device}.manager`]);
    await manager.said(/^listening$/m);
    const boxes = await startNamedBoxes(host, ground, { runtimes: [runtime, runtime], log: (box, text) => said.push(`${box}: ${text}`) });
    for (const { pid } of boxes) {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      assert.match(status, new RegExp(`^Uid:\\s+${USER}\\s`, "m"));
      // CAP_NET_BIND_SERVICE 10, CAP_NET_ADMIN 12, CAP_NET_RAW 13.
      for (const set of ["CapPrm", "CapEff", "CapBnd", "CapAmb"]) assert.match(status, new RegExp(`^${set}:\\s+0000000000003400$`, "m"));
    }
    await manager.said(/^READY=1$[\s\S]*^READY=1$/m);
    const [, tenant] = await Promise.all([ALPHA, BETA].map((site) => moveIn(plain, ground, site, runtime)));
    const traffic = await startTraffic(plain, ground, { from: "h1", to: "h2", address: tenant.address, runtime });
    const flows = () => {
      const before = traffic.octets;
      return until(
        "the stream flows",
        () => (traffic.octets > before + GOES_ON ? true : undefined),
        () => said.slice(-20).join("\n"),
      );
    };
    await flows();
    const file = siteFile(ground.directory, ALPHA);
    host.files.writeText(file, (plain.files.readText(file) ?? "").replace("priority: 10", "priority: 30").replace(/^firewall.*\n/m, ""));
    const [program, ...rest] = [...host.selfCommand(runtime).argv, "reload", "-c", file];
    const reloaded = await ground.run(ALPHA.box, [program, ...rest]);
    assert.is(reloaded.code, 0, reloaded.stderr);
    await flows();
    await traffic.stop();
    for (const box of boxes) {
      assert.is(await box.stop(), 0, said.slice(-20).join("\n"));
      const rules = (await ground.run(box.site.box, ["ip", "-6", "rule", "show"])).stdout.trim().split("\n");
      assert.equal(
        rules.map((line) => line.split(":")[0]),
        ["0", "32766"],
        rules.join(", "),
      );
      for (const left of ["ip -6 route show table all proto 140", "nft list tables", "ip link show pshim0"]) {
        const { stdout } = await ground.run(box.site.box, left.split(" "));
        assert.is(stdout.trim(), "", left);
      }
    }
    assert.equal(
      said.filter((line) => /error|may not|permission|EPERM|EACCES/i.test(line)),
      [],
    );
  } catch (error) {
    console.log(said.slice(-30).join("\n"));
    throw error;
  } finally {
    stopAll();
    await ground.raze();
  }
}

if (havePeers("root", "ip", "nft", "setpriv", "python3", "systemd-notify")) {
  for (const [serial, runtime] of (["node", "deno", "bun"] as const).entries())
    test(`three capabilities are enough, on ${runtime}`, () => live(runtime, serial));
}

if (havePeers("systemd-analyze")) {
  test("the unit is one that systemd understands, and little exposed", () =>
    withScratch((directory) => {
      const unit = join(directory, "pshim6@alpha.service");
      must(["cp", UNIT, unit]);
      assert.is(must(["systemd-analyze", "verify", unit]), "");
      const shown = must(["systemd-analyze", "security", "--offline=yes", "--threshold=30", unit]);
      assert.match(shown, /Overall exposure level for \S+: [0-2]\./);
    }));
}

test.run();
