/** `pshim6 capture` in the namespace of a running box, read by tshark and judged; an interface of the kernel's as the tap sees it. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { startBoxes } from "../../runtime/lab/boxes.ts";
import { breakGround } from "../../runtime/lab/ground.ts";
import { siteFile } from "../../runtime/lab/site.ts";
import { ALPHA, twoSites } from "../../runtime/lab/world.ts";
import { ownRuntime, PROJECT, testHost } from "../lib/labhost.ts";
import { havePeers } from "../lib/peers.ts";
import { startStreams } from "../lib/streams.ts";

const host = await testHost("dist/pshim6.mjs");
const PROGRAM = host.selfCommand(ownRuntime()).argv;

function tshark(file: string, ...more: string[]): string[][] {
  const fields = ["frame.interface_name", "ipv6.src", "ipv6.dst", "frame.comment", "frame.packet_flags_direction"];
  const args = ["-r", file, "-T", "fields", "-E", "separator=|", ...fields.flatMap((field) => ["-e", field]), ...more];
  const { status, stdout, stderr } = spawnSync("tshark", args, { encoding: "utf8" });
  assert.is(status, 0, stderr);
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.split("|"));
}

if (havePeers("root", "ip", "python3", "tshark")) {
  test("packets of both sides with their contexts; the control messages are good; a pipe works", async () => {
    const ground = await breakGround(host, 0);
    try {
      await ground.raise(twoSites());
      const boxes = await startBoxes(host, ground, { runtimes: [ownRuntime(), ownRuntime()], log: () => undefined });
      const file = `${ground.directory}/box.pcapng`;
      const capture = (...flags: string[]) =>
        ground.run("boxA", [...PROGRAM, "capture", "-c", siteFile(ground.directory, ALPHA), ...flags]);
      const until = async (what: string, done: () => boolean) => {
        for (let waited = 0; !done(); waited += 50) {
          if (waited > 30_000) throw new Error(`waited 30 s until ${what}`);
          await host.sleep(50);
        }
      };
      // From before the first context on, so that the handshake is in it.
      const complaints: string[] = [];
      const words = [...PROGRAM, "capture", "-c", siteFile(ground.directory, ALPHA), "-w", file];
      const whole = await ground.spawn("boxA", words, { line: () => undefined, complaint: (text) => void complaints.push(text) });
      await until("the capture has begun", () => host.files.mode(file) !== undefined);
      const streams = await startStreams(host, ground, "h1", "h2", boxes[1].ulid, 1);
      await until("there is traffic", () => (streams.latest?.total ?? 0) > 50);
      host.processes.kill(whole.pid, "SIGINT");
      assert.is(await whole.ended, 0, complaints.join("\n"));
      assert.match(complaints.at(-1) ?? "", /^\d+ packets$/, complaints.join("\n"));
      const packets = tshark(file);
      assert.ok(packets.length > 50, `${packets.length} packets`);
      const ofHosts = packets.filter(([name]) => name === "pshim0-hosts");
      const onWire = packets.filter(([name]) => name === "pshim0-wire");
      assert.ok(ofHosts.length > 10 && onWire.length > 10);
      const [context] = (await boxes[0].contexts()) ?? [];
      const about = `context ${context.id} ${context.localUlid} ${context.peerUlid}`;
      for (const some of [ofHosts, onWire]) {
        const known = some.filter(([, , , comment]) => comment.includes(about));
        assert.ok(known.length > some.length / 2, `${known.length} of ${some.length}: ${some.slice(0, 5).join("\n")}`);
      }
      assert.ok(onWire.some(([, , , comment]) => /^I1 /.test(comment)));
      assert.ok(packets.every(([, , , , direction]) => direction === "0x00000001" || direction === "0x00000002"));

      // What is on the wire side alone, as classic pcap, for those who judge control messages.
      const classic = `${ground.directory}/wire.pcap`;
      const converted = spawnSync("tshark", ["-r", file, "-Y", 'frame.interface_name == "pshim0-wire"', "-F", "pcap", "-w", classic]);
      assert.is(converted.status, 0);
      const judge = spawnSync("python3", [join(PROJECT, "tests/lib/judge/shim6judge.py"), classic], { encoding: "utf8" });
      assert.is(judge.status, 0, judge.stdout.slice(-2_000) + judge.stderr);

      // Into a pipe whose reader leaves early.
      const one = [...PROGRAM, "capture", "-c", siteFile(ground.directory, ALPHA), "-w", "-", "--context", String(context.id)];
      const pipe = `${one.map((word) => `'${word}'`).join(" ")} | tshark -l -r - -c 20 -T fields -e frame.comment 2>/dev/null`;
      const piped = await ground.run("boxA", ["sh", "-c", pipe]);
      const comments = piped.stdout.trimEnd().split("\n");
      assert.is(comments.length, 20, piped.stdout + piped.stderr);
      for (const comment of comments) assert.ok(comment.includes(`context ${context.id} `), comment);

      const lines = await capture("--count", "5");
      assert.is(lines.stdout.trimEnd().split("\n").length, 5, lines.stderr);
      await streams.stop();
      for (const box of boxes) assert.is(await box.stop(), 0);
    } finally {
      await ground.raze();
    }
  });
}

test.run();
