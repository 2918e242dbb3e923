/**
 * A tunnel to an exit router that the box makes itself (draft §6, at its end), of a kind that every kernel has: what leaves by isp1, and what comes
 * by it, is inside.
 *
 *  h1 ── boxA ── up1 ── isp1 ══ internet
 *          ╚═══ exit1 ═══╝
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { runBox } from "../../runtime/lab/boxes.ts";
import { breakGround } from "../../runtime/lab/ground.ts";
import { settleLines } from "../../runtime/lab/raise.ts";
import { siteFile, siteYaml, stateDirectory } from "../../runtime/lab/site.ts";
import { ALPHA, twoSites } from "../../runtime/lab/world.ts";
import { ownRuntime, testHost } from "../lib/labhost.ts";
import { havePeers } from "../lib/peers.ts";

const host = await testHost("dist/pshim6.mjs");
const OUTSIDE = "2001:db8:e::1";
const HOST = "fc00:aaaa:1::10";
const [ISP1, ISP2] = ALPHA.providers;
const TUNNEL = `kind: vxlan, id: 7, local: "${ISP1.address}", remote: "${ISP1.gateway}", address: "2001:db8:53::2/64", mtu: 1430`;
const EXIT = [
  `link add name exit type vxlan id 7 local ${ISP1.gateway} remote ${ISP1.address} dstport 4789`,
  "link set dev exit mtu 1430 up",
  "address add 2001:db8:53::1/64 dev exit nodad",
  "route replace 2001:db8:a1::/48 via 2001:db8:53::2 dev exit",
  "",
].join("\n");

if (havePeers("root", "ip", "python3")) {
  test("made at the start, carries both ways, gone at the end", async () => {
    const ground = await breakGround(host, 0);
    const said: string[] = [];
    try {
      await ground.raise(twoSites());
      await ground.ip("internet", `address add ${OUTSIDE}/128 dev lo nodad\n`);
      await ground.ip("isp1", EXIT);
      host.files.makeDirectory(`${stateDirectory(ground.directory, ALPHA)}/state`, 0o700);
      const own = { ...ALPHA, providers: [{ ...ISP1, interface: "exit1", gateway: ISP1.gateway }, ISP2] };
      const yaml = siteYaml(own, ground.directory, [], [])
        .replace(`gateway: "${ISP1.gateway}"`, `gateway: "2001:db8:53::1", tunnel: { ${TUNNEL} }`)
        .replace("providers:", "legacy: { mode: map }\nproviders:");
      host.files.writeText(siteFile(ground.directory, ALPHA), yaml);
      const box = await runBox(host, ground, ALPHA, ownRuntime(), (_, text) => said.push(text));
      await ground.ip("h1", settleLines(HOST, ALPHA.lanAddress));
      const sent = async () => {
        const { stdout } = await ground.run("isp1", ["ip", "-j", "-s", "link", "show", "dev", "exit"]);
        const [{ stats64 }]: { stats64: { rx: { packets: number }; tx: { packets: number } } }[] = JSON.parse(stdout);
        return [stats64.rx.packets, stats64.tx.packets];
      };
      const [came, went] = await sent();
      for (let i = 0; i < 5; i++) {
        const { stdout } = await ground.run("h1", ["python3", "tests/lib/mapped.py", "echo", OUTSIDE, "0", "1000"], 20_000);
        assert.is(stdout.trim(), "same");
      }
      const [in2, out2] = await sent();
      assert.ok(in2 - came >= 5 && out2 - went >= 5, `${in2 - came} in, ${out2 - went} out`);
      assert.is(await box.stop(), 0, said.join("\n"));
      assert.not.match((await ground.run("boxA", ["ip", "-br", "link", "show"])).stdout, /exit1/);
    } catch (error) {
      console.error(said.slice(-10).join("\n"));
      throw error;
    } finally {
      await ground.raze();
    }
  });
}

test.run();
