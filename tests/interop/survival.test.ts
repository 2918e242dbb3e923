/**
 * What a TCP connection between two hosts outlives beside the lab's own events, in real namespaces: packets lost in one
 * direction only, and a box that is killed and started again.
 *
 *  h1 ── boxA ══ isp1 ══╗                 ╔══ isp3 ══ boxB ── h2
 *             ══ isp2 ══╩══ internet ═════╝
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Box, startBox, startBoxes } from "../../runtime/lab/boxes.ts";
import { breakGround, type Ground } from "../../runtime/lab/ground.ts";
import { startTraffic, type Traffic } from "../../runtime/lab/traffic.ts";
import { twoSites } from "../../runtime/lab/world.ts";
import { ownRuntime, testHost } from "../lib/labhost.ts";
import { havePeers } from "../lib/peers.ts";

const host = await testHost("dist/pshim6.mjs");
const FLOWING = 2_000_000;
/** A killed box may cost so long, start of the new process included, when the machine is not busy with other things. */
const RESTART_GAP_MS = 3_000;

/** Everything of one run. */
interface World {
  readonly ground: Ground;
  readonly boxes: Box[];
  readonly traffic: Traffic;
  readonly log: (box: string, text: string) => void;
  readonly said: string[];
}

async function inWorld(use: (world: World) => Promise<void>): Promise<void> {
  const ground = await breakGround(host, 0);
  try {
    await ground.raise(twoSites());
    const said: string[] = [];
    const log = (box: string, text: string) => said.push(`${box}: ${text}`);
    const boxes = await startBoxes(host, ground, { runtimes: [ownRuntime(), ownRuntime()], log });
    const traffic = await startTraffic(host, ground, { from: "h1", to: "h2", address: boxes[1].ulid, runtime: ownRuntime() });
    let broken: string | undefined;
    traffic.broken.then((why) => {
      broken = why;
    });
    await flows(traffic);
    await use({ ground, boxes, traffic, log, said });
    assert.is(broken, undefined, said.slice(-20).join("\n"));
    const end = await traffic.stop();
    assert.ok(end.contentOk, end.why);
    for (const box of boxes) assert.is(await box.stop(), 0);
  } finally {
    await ground.raze();
  }
}

async function flows(traffic: Traffic): Promise<void> {
  const before = traffic.octets;
  for (let waited = 0; traffic.octets < before + FLOWING; waited += 50) {
    if (waited > 30_000) throw new Error("waited 30 s for the stream to flow");
    await host.sleep(50);
  }
}

if (havePeers("root", "ip")) {
  for (const [what, rule] of [
    ["from the site", "pref 10 iif customer blackhole"],
    ["towards the site", "pref 11 iif core blackhole"],
  ]) {
    test(`isp1 loses packets ${what} only`, () =>
      inWorld(async ({ ground, traffic }) => {
        traffic.mark();
        await ground.ip("isp1", `rule add ${rule}\n`);
        await flows(traffic);
        console.log(`lost ${what}: the stream stood still for ${traffic.longestGap} ms`);
      }));
  }

  for (const which of [0, 1]) {
    test(`box ${"AB"[which]} is killed and started again`, () =>
      inWorld(async (world) => {
        const { ground, boxes, traffic, log } = world;
        const { site, ulid, runtime, pid, ended } = boxes[which];
        traffic.mark();
        host.processes.kill(pid, "SIGKILL");
        await ended;
        boxes[which] = await startBox(host, ground, { site, ulid }, runtime, log);
        await flows(traffic);
        console.log(`box ${"AB"[which]} killed: the stream stood still for ${traffic.longestGap} ms`);
        const counters = (await boxes[1 - which].counters()) ?? {};
        assert.ok((counters["in-R1bis"] ?? 0) + (counters["in-I1"] ?? 0) > 0, "the context came back by recovery or anew");
        if (traffic.longestGap > RESTART_GAP_MS) console.log(`longer than ${RESTART_GAP_MS} ms: on an idle machine that is a fault`);
      }));
  }

  test.run();
}
