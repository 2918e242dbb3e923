/**
 * A failover drill on a running box, in real namespaces, with streams through it:
 *
 *  h1 ── boxA ══ isp1 ══╗                 ╔══ isp3 ══ boxB ── h2
 *             ══ isp2 ══╩══ internet ═════╝
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type DrillRow, drillRow } from "../../runtime/api/drill-rows.ts";
import { startBoxes } from "../../runtime/lab/boxes.ts";
import { breakGround, type Ground } from "../../runtime/lab/ground.ts";
import { controlSocket, siteFile } from "../../runtime/lab/site.ts";
import { ALPHA, twoSites } from "../../runtime/lab/world.ts";
import { ownRuntime, testHost } from "../lib/labhost.ts";
import { havePeers } from "../lib/peers.ts";
import { startStreams } from "../lib/streams.ts";

const host = await testHost("dist/pshim6.mjs");
const PROGRAM = host.selfCommand(ownRuntime()).argv;

async function tables(ground: Ground): Promise<string> {
  return (await ground.run("boxA", ["nft", "list", "tables"])).stdout;
}

if (havePeers("root", "ip", "nft", "python3")) {
  test("a drill breaks a provider, tells what came of it, and leaves nothing behind", async () => {
    const ground = await breakGround(host, 0);
    try {
      await ground.raise(twoSites());
      const said: string[] = [];
      const log = (box: string, text: string) => said.push(`${box}: ${text}`);
      const boxes = await startBoxes(host, ground, { runtimes: [ownRuntime(), ownRuntime()], log });
      const streams = await startStreams(host, ground, "h1", "h2", boxes[1].ulid, 8);
      const echo = `import socket\ns=socket.socket(socket.AF_INET6,socket.SOCK_DGRAM)\ns.bind(("${boxes[1].ulid}",7))\nwhile True:\n s.sendto(*s.recvfrom(99))`;
      const ask = `import socket,time\ns=socket.socket(socket.AF_INET6,socket.SOCK_DGRAM)\nwhile True:\n s.sendto(b"x",("${boxes[1].ulid}",7)); time.sleep(0.02)`;
      const silent = { line: () => undefined, complaint: () => undefined };
      const udp = [await ground.spawn("h2", ["python3", "-c", echo], silent), await ground.spawn("h1", ["python3", "-c", ask], silent)];
      const file = siteFile(ground.directory, ALPHA);
      const drill = (...flags: string[]) => host.processes.run([...PROGRAM, "drill", "path", ...flags, "-c", file], { timeout: 60_000 });
      const carrier = async () => (await boxes[0].contexts())?.[0]?.localProvider;
      for (let waited = 0; (await carrier()) !== "isp1"; waited++) {
        if (waited > 100) throw new Error("no context by isp1");
        await host.sleep(100);
      }

      const done = await drill("isp1", "--for", "4s", "--json");
      assert.is(done.code, 0, done.stderr + done.stdout + said.slice(-10).join("\n"));
      const row = drillRow.parse(JSON.parse(done.stdout));
      console.log(JSON.stringify(row.classes));
      assert.equal([row.survived, row.state, row.cut, row.failures], [true, "done", false, 0]);
      assert.ok((row.brokenMs ?? 0) >= 4_000 && (row.brokenMs ?? 0) < 6_000, String(row.brokenMs));
      assert.equal([row.contexts.active, row.contexts.moved], [1, 1]);
      const tcp = row.classes.find((each) => each.class === "tcp") ?? assert.unreachable();
      assert.equal([tcp?.flows, tcp?.back, tcp?.silent], [1, 1, 0]);
      assert.ok((tcp?.maxMs ?? 0) > 30 && (tcp?.maxMs ?? 0) < 3_500, `${tcp?.maxMs} ms`);
      assert.ok((tcp?.lostOut.packets ?? 0) > 0, "nothing was lost: nothing was broken");
      // Twenty milliseconds between two datagrams: the time is the failover's.
      const datagrams = row.classes.find((each) => each.class === "udp") ?? assert.unreachable();
      assert.equal([datagrams?.flows, datagrams?.back, datagrams?.silent], [1, 1, 0]);
      assert.ok((datagrams?.lostOut.packets ?? 0) >= 5 && (datagrams?.maxMs ?? 0) >= 100, JSON.stringify(datagrams));
      assert.is(await carrier(), "isp2");
      assert.not.match(await tables(ground), /pshim6_drill/);

      // Where nothing can take over, connections do not survive it, and go on behind it.
      await ground.ip("isp2", "route add blackhole default metric 1\nroute add blackhole 2001:db8:a2::/48 metric 1\n");
      for (let waited = 0; (await carrier()) !== "isp1"; waited++) {
        if (waited > 100) throw new Error("the context does not come back to isp1");
        await host.sleep(100);
      }
      const lost = await drill("isp1", "--for", "3s");
      assert.is(lost.code, 1, lost.stderr + lost.stdout);
      assert.match(lost.stdout, /^isp1 was dead for 3\.\ds\n1 context sent by it, 1 with traffic, 0 of these moved\n/);
      assert.match(lost.stdout, /\n1 context did not survive\n {2}context \d+ \S+ \S+: it found no other way\n/);

      const socket = controlSocket(ground.directory, ALPHA);
      const demand = async (path: string, init?: RequestInit): Promise<DrillRow> =>
        drillRow.parse(await (await host.http.request(socket, new Request(`http://box${path}`, init))).json());
      const begin = (body: unknown) =>
        demand("/drills", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
      const over = async (id: number): Promise<DrillRow> => {
        for (let waited = 0; waited < 300; waited++) {
          const now = await demand(`/drills/${id}`);
          if (now.state === "done") return now;
          await host.sleep(100);
        }
        throw new Error(`drill ${id} does not end`);
      };

      // An end before its time; another one meanwhile is refused.
      const { id } = await begin({ provider: "isp2", for: "5m" });
      assert.match(await tables(ground), /pshim6_drill_pshim0/);
      const second = await drill("isp2");
      assert.equal([second.code, /under way/.test(second.stderr)], [1, true], second.stderr);
      await demand(`/drills/${id}`, { method: "DELETE" });
      assert.is((await over(id)).cut, true);
      assert.not.match(await tables(ground), /pshim6_drill/);

      // Nobody asks any more: the box ends it by itself.
      const alone = await over((await begin({ provider: "isp2", for: 1 })).id);
      assert.equal([alone.cut, alone.forMs], [false, 1_000]);
      assert.not.match(await tables(ground), /pshim6_drill/);

      // The last provider that works is not broken unasked.
      await host.processes.run([...PROGRAM, "provider", "drain", "isp2", "-c", file], { timeout: 30_000 });
      const only = await drill("isp1");
      assert.equal([only.code, /no other provider than isp1 works/.test(only.stderr)], [1, true], only.stderr);
      assert.is((await drill("isp9")).code, 1);

      // A box that ends in the middle of a drill takes it along.
      await begin({ provider: "isp1", for: "5m", force: true });
      for (const child of udp) {
        host.processes.kill(child.pid, "SIGKILL");
        await child.ended;
      }
      const report = await streams.stop();
      assert.equal(report.broken, []);
      for (const box of boxes) assert.is(await box.stop(), 0);
      assert.not.match(await tables(ground), /pshim6_drill/);
    } finally {
      await ground.raze();
    }
  });
}

test.run();
