/**
 * A box whose disk is full, in real namespaces: hosts that ask for an address get no answer and the log says why, whoever has one goes on talking, and
 * when there is room again all is well.
 *
 *  h1 ── boxA ══ isp1 ══╗                 ╔══ isp3 ══ boxB ── h2
 *             ══ isp2 ══╩══ internet ═════╝
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { startBox, startBoxes } from "../../runtime/lab/boxes.ts";
import { breakGround, type Ground } from "../../runtime/lab/ground.ts";
import { siteFile, stateDirectory } from "../../runtime/lab/site.ts";
import { startTraffic } from "../../runtime/lab/traffic.ts";
import { ALPHA, twoSites } from "../../runtime/lab/world.ts";
import { ownRuntime, testHost } from "../lib/labhost.ts";
import { insideCage } from "../lib/names/cage.ts";
import { havePeers } from "../lib/peers.ts";

/** More leases than the store's write-ahead log has room for at once. */
const ASKS = 200;

function must(program: string, ...words: string[]): void {
  const { status, stderr } = spawnSync(program, words, { encoding: "utf8" });
  assert.is(status, 0, stderr);
}

if (havePeers("root", "ip", "mount", "timeout") && insideCage(fileURLToPath(import.meta.url), process.argv.slice(2))) {
  const host = await testHost("dist/pshim6.mjs");
  const program = host.selfCommand(ownRuntime()).argv;

  /** Whether a host that nobody knows gets an address within so many seconds. */
  const asks = async (ground: Ground, number: number, seconds: number): Promise<boolean> => {
    const duid = `0004${number.toString(16).padStart(32, "0")}`;
    const { code } = await ground.run("h1", ["timeout", String(seconds), ...program, "lab-host", "--lease", "lan", "--duid", duid]);
    return code === 0;
  };

  test("no lease is promised that is not stored; contexts live on; room on the disk is enough to go on", async () => {
    const ground = await breakGround(host, 0);
    const state = `${stateDirectory(ground.directory, ALPHA)}/state`;
    try {
      await ground.raise(twoSites());
      mkdirSync(state, { recursive: true, mode: 0o700 });
      must("mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "none", state);
      const said: string[] = [];
      const log = (_: string, text: string) => said.push(text);
      const [first, b] = await startBoxes(host, ground, { runtimes: [ownRuntime(), ownRuntime()], log });
      await first.stop();
      const file = siteFile(ground.directory, ALPHA);
      host.files.writeText(file, `${host.files.readText(file)}dhcp: { dns: ["${ALPHA.lanAddress}"] }\n`);
      const a = await startBox(host, ground, { site: ALPHA, ulid: first.ulid }, ownRuntime(), log);
      const traffic = await startTraffic(host, ground, { from: "h1", to: "h2", address: b.ulid, runtime: ownRuntime() });
      assert.ok(await asks(ground, 0, 20), "with room on the disk");

      spawnSync("dd", ["if=/dev/zero", `of=${state}/filler`, "bs=4096"]);
      const refused = async () => ((await a.counters())?.["drop-commit-dhcp6"] ?? 0) > 0;
      for (let i = 1; i < ASKS && !(await refused()); i++) await asks(ground, i, 3);
      assert.ok(await refused(), "a commit failed");
      assert.ok(
        said.some((line) => line.includes("leases are not stored") && line.includes("make room on the disk")),
        said.slice(-5).join("\n"),
      );
      const before = traffic.octets;
      for (let waited = 0; traffic.octets < before + 1_000_000; waited += 50) {
        assert.ok(waited < 30_000, "the stream goes on");
        await host.sleep(50);
      }
      rmSync(`${state}/filler`);
      assert.ok(await asks(ground, ASKS, 20), "with room again");
      const end = await traffic.stop();
      assert.ok(end.contentOk, end.why);
      assert.equal(await Promise.all([a.stop(), b.stop()]), [0, 0]);
    } finally {
      spawnSync("umount", ["--lazy", state]);
      await ground.raze();
    }
  });

  test.run();
}
