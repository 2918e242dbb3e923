/**
 * Transports with paths of their own, and ESP, between two sites: SCTP and Multipath TCP (RFC 6629 §7.3) pass as they are, with a context and
 * without; to a destination that the internet routes SCTP asks for none.
 *
 *  h1 ── boxA ══ isp1 ══╗                 ╔══ isp3 ══ boxB ── h2
 *             ══ isp2 ══╩══ internet ═════╩══ isp4 ══
 *
 * Where the kernel has no SCTP its packets come from raw sockets, and where it has no ESP that goes for ESP.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ALPHA, type Site } from "../../runtime/lab/world.ts";
import { PROJECT } from "../lib/labhost.ts";
import { counter, FOUR_PROVIDERS, inNeighbourhood, type Neighbourhood, type Plan, rows } from "../lib/neighbours.ts";
import { havePeers } from "../lib/peers.ts";

const SCTP = "132";
const ESP = "50";
const EXPERIMENT = "253";
const PORT = "7011";
/** More than {@link ENOUGH}, there and back. */
const PACKETS = 20;
const ENOUGH = 20;

const settings = (text: string, site: Site): string =>
  `${text.replace("idle: 3s", "idle: 10m")}establish: { packets: ${site === ALPHA ? ENOUGH : 0}, seconds: 0 }\n`;
const ROUTABLE: Plan = { sites: FOUR_PROVIDERS, routable: ["2001:db8:a1:1::/64", "2001:db8:b3:1::/64"], settings };
const UNROUTABLE: Plan = { sites: FOUR_PROVIDERS };

/** Packets of a protocol from h1 come back from h2 as they were sent. */
async function echoes(world: Neighbourhood, protocol: string, sizes: readonly number[]): Promise<void> {
  const sink = await world.serve("h2", "sink", protocol);
  for (const octets of sizes) {
    const { code, text } = await world.corner("h1", "raw", world.boxes[1].ulid, protocol, String(octets));
    assert.is(code, 0, `protocol ${protocol}, ${octets} octets: ${text}`);
  }
  world.host.processes.kill(sink.pid, "SIGTERM");
}

async function multipath({ ground, host, boxes, until }: Neighbourhood): Promise<string> {
  const program = ["python3", `${PROJECT}/tests/lib/mptcp.py`];
  let ready = false;
  const line = () => {
    ready = true;
  };
  const child = await ground.spawn("h2", [...program, "serve", PORT], { line, complaint: (text) => console.error(text) });
  await until("h2 listens", () => ready);
  const { code, stdout, stderr } = await ground.run("h1", [...program, "ask", boxes[1].ulid, PORT], 30_000);
  assert.is(code, 0, stderr);
  host.processes.kill(child.pid, "SIGTERM");
  return stdout.trim();
}

/** ESP by the kernels of h1 and h2, if they have it. @returns whether they do */
async function secured({ ground, boxes: [a, b] }: Neighbourhood): Promise<boolean> {
  const [key, cipher] = [`0x${"5a".repeat(32)}`, `0x${"a5".repeat(16)}`];
  const state = (from: string, to: string, spi: string) =>
    `ip xfrm state add src ${from} dst ${to} proto esp spi ${spi} mode transport auth 'hmac(sha256)' ${key} enc 'cbc(aes)' ${cipher}`;
  const policy = (from: string, to: string, way: string) =>
    `ip xfrm policy add src ${from} dst ${to} dir ${way} tmpl proto esp mode transport`;
  for (const [node, own, other] of [
    ["h1", a.ulid, b.ulid],
    ["h2", b.ulid, a.ulid],
  ]) {
    const lines = [state(a.ulid, b.ulid, "0x101"), state(b.ulid, a.ulid, "0x102"), policy(own, other, "out"), policy(other, own, "in")];
    const { code } = await ground.run(node, ["sh", "-ec", lines.join("\n")]);
    if (code !== 0) return false;
  }
  return true;
}

if (havePeers("root", "ip", "python3")) {
  test("SCTP and Multipath TCP in contexts: unchanged, and MPTCP stays MPTCP", () =>
    inNeighbourhood(UNROUTABLE, async (world) => {
      await echoes(world, SCTP, [40, 1400, 3000]);
      assert.is(await multipath(world), "mptcp");
      for (const box of world.boxes) assert.ok((await counter(box, "out-payload-shim6")) > 100);
    }));

  test("SCTP to a routable destination is left alone: it asks for no context, however long it goes on; others do", () =>
    inNeighbourhood(ROUTABLE, async (world) => {
      const [a] = world.boxes;
      await echoes(world, SCTP, Array<number>(PACKETS).fill(200));
      assert.equal(await rows(a), []);
      assert.is(await counter(a, "out-deferred-context"), 0);
      await echoes(world, EXPERIMENT, Array<number>(PACKETS).fill(200));
      await world.until("another protocol has got a context", async () => (await rows(a))[0]?.state === "ESTABLISHED");
      // With it, too, SCTP has no header while the locators are the ULIDs.
      await echoes(world, SCTP, [40, 1400, 3000]);
      for (const box of world.boxes) assert.is(await counter(box, "out-payload-shim6"), 0);
    }));

  test("Multipath TCP to a routable destination stays MPTCP, and needs no header", () =>
    inNeighbourhood(ROUTABLE, async (world) => {
      assert.is(await multipath(world), "mptcp");
      for (const box of world.boxes) assert.is(await counter(box, "out-payload-shim6"), 0);
    }));

  test("Multipath TCP by its port: a rule keeps Shim6 away", () => {
    const rule = (text: string, site: Site) =>
      settings(text, site).replace("seconds: 0 }", `seconds: 0, ports: [{ ports: [${PORT}], when: never }] }`);
    return inNeighbourhood({ ...ROUTABLE, settings: rule }, async (world) => {
      assert.is(await multipath(world), "mptcp");
      assert.equal(await rows(world.boxes[0]), []);
    });
  });

  test("ESP between hosts, its SPI and integrity over what the hosts see", () =>
    inNeighbourhood(UNROUTABLE, async (world) => {
      if (await secured(world)) {
        for (const octets of ["56", "1300", "3000"]) {
          const { code, text } = await world.corner("h1", "ping", world.boxes[1].ulid, octets);
          assert.is(code, 0, text);
        }
      } else {
        console.log("this kernel has no ESP for IPv6: packets of its protocol number instead");
        await echoes(world, ESP, [40, 1400, 3000]);
      }
      assert.ok((await counter(world.boxes[0], "out-payload-shim6")) >= 3);
    }));
}

test.run();
