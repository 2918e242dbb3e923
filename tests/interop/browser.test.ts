/** examples/browser in real Chromium, served from the installed package: captures of several kinds through the core in its worker. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { address } from "../../runtime/value/address.ts";
import { concat, putU32 } from "../../runtime/value/bytes.ts";
import { contextTag } from "../../runtime/value/tag.ts";
import { emitPacket, insertPayloadHeader, type Message } from "../../runtime/wire/index.ts";
import { pcapHeader, pcapRecord } from "../../runtime/wire/pcap.ts";
import { packetBetween } from "../lib/edges.ts";
import { installPackage } from "../lib/package.ts";
import { havePeers } from "../lib/peers.ts";

const [A, B] = [address("fc00:aaaa:1::10"), address("fc00:bbbb:1::10")];
const [LOCATOR_A, LOCATOR_B] = [address("2001:db8:a1::10"), address("2001:db8:b3::10")];
const [TAG_A, TAG_B] = [contextTag(0x1234), contextTag(0x5678)];
const TYPES: Record<string, string> = { ".html": "text/html", ".mjs": "text/javascript" };

/** A handshake that A began, then a packet each way and one to nobody: as seen at A's box, LAN and line together. */
function conversation(): Uint8Array[] {
  const pair = { kind: "ulid-pair", sender: A, receiver: B } as const;
  const validator = { kind: "responder-validator", validator: new Uint8Array(16) } as const;
  const out = (message: Message) => emitPacket(LOCATOR_A, LOCATOR_B, message);
  const back = (message: Message) => emitPacket(LOCATOR_B, LOCATOR_A, message);
  const answer = insertPayloadHeader(packetBetween(B, A, "back"), LOCATOR_B, LOCATOR_A, TAG_A);
  if (!(answer instanceof Uint8Array)) throw new Error("no packet");
  return [
    out({ kind: "I1", initiatorTag: TAG_A, initiatorNonce: 1, options: [pair] }),
    back({ kind: "R1", initiatorNonce: 1, responderNonce: 2, options: [validator] }),
    out({ kind: "I2", initiatorTag: TAG_A, initiatorNonce: 1, responderNonce: 2, options: [validator, pair] }),
    back({ kind: "R2", responderTag: TAG_B, initiatorNonce: 1, options: [] }),
    packetBetween(A, B, "there"),
    answer,
    packetBetween(A, "fc00:cccc::1", "nobody"),
  ];
}

const pcapFile = (packets: readonly Uint8Array[]) => concat(pcapHeader(), ...packets.map((packet) => pcapRecord(0, packet)));

/** Little-endian, Ethernet with a VLAN tag, a frame that was cut and one of IPv4 among them. */
function pcapngFile(packets: readonly Uint8Array[]): Uint8Array {
  const tag = Uint8Array.from([0x81, 0, 0, 7, 0x86, 0xdd]);
  const frames = packets.map((packet) => concat(new Uint8Array(12), tag, packet));
  const other = concat(new Uint8Array(12), Uint8Array.from([8, 0]), new Uint8Array(60));
  const enhanced = (frame: Uint8Array, whole = frame.length) => block(6, concat(words(0, 0, 0, frame.length, whole), padded(frame)));
  const section = block(0x0a0d0d0a, concat(words(0x1a2b3c4d, 1), words(0xffff_ffff, 0xffff_ffff)));
  return concat(
    section,
    block(1, words(1, 0)),
    enhanced(other),
    enhanced(frames[0].subarray(0, 30), frames[0].length),
    ...frames.map((frame) => enhanced(frame)),
  );
}

function block(type: number, body: Uint8Array): Uint8Array {
  const length = 12 + body.length;
  return concat(words(type, length), body, words(length));
}

function words(...values: readonly number[]): Uint8Array {
  const octets = new Uint8Array(4 * values.length);
  values.forEach((value, i) => {
    putU32(octets, 4 * i, value);
    octets.subarray(4 * i, 4 * i + 4).reverse();
  });
  return octets;
}

function padded(octets: Uint8Array): Uint8Array {
  return concat(octets, new Uint8Array(-octets.length & 3));
}

/** Serves the files below `root` on loopback, without any header that isolates. */
async function serve(root: string): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    const path = join(root, normalize(decodeURIComponent((request.url ?? "/").split("?")[0])));
    const file = path.endsWith("/") ? join(path, "index.html") : path;
    if (!file.startsWith(root) || !existsSync(file)) return void response.writeHead(404).end();
    response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" }).end(readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, "::1", resolve));
  const place = server.address();
  return { server, url: `http://[::1]:${typeof place === "object" ? place?.port : place}` };
}

async function run(page: Page, name: string, octets: Uint8Array): Promise<Record<string, unknown>> {
  await page.evaluate(() => delete document.body.dataset.result);
  await page.setInputFiles("input[name=capture]", { name, mimeType: "application/octet-stream", buffer: Buffer.from(octets) });
  await page.click("button");
  await page.waitForFunction(() => document.body.dataset.result !== undefined, undefined, { timeout: 30_000 });
  return JSON.parse((await page.evaluate(() => document.body.dataset.result)) ?? "{}");
}

if (havePeers("chromium")) {
  test("a page runs captures through the core in a worker", async () => {
    const scratch = mkdtempSync(join(tmpdir(), "pshim6-browser-"));
    let browser: Browser | undefined;
    let server: Server | undefined;
    try {
      const { directory } = installPackage(scratch);
      const served = await serve(join(directory, "node_modules", "pshim6"));
      server = served.server;
      browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
      const page = await browser.newPage();
      const faults: string[] = [];
      page.on("pageerror", (error) => faults.push(error.message));
      page.on("console", (message) => {
        if (message.type() === "error") faults.push(message.text());
      });
      await page.goto(`${served.url}/examples/browser/`);
      assert.is(await page.evaluate(() => crossOriginIsolated), false);
      const packets = conversation();
      for (const [name, file] of [
        ["bare.pcap", pcapFile(packets)],
        ["tagged.pcapng", pcapngFile(packets)],
      ] as const) {
        const { counters, messages, forwarded, contexts, nanoseconds, packets: count } = await run(page, name, file);
        assert.equal([forwarded, contexts, count], [2, 1, packets.length], name);
        assert.ok(Number(nanoseconds) > 0);
        assert.equal(counters, {
          "out-payload-shim6": 1,
          "in-payload-shim6": 1,
          "punt-no-context": 1,
          "punt-control-shim6": 2,
          "drop-source-ip6": 2,
        });
        assert.equal(
          (messages as string[]).map((line) => line.split(": ")[1].split(" ")[0]),
          ["I1", "R1", "I2", "R2"],
        );
      }
      assert.match((await page.textContent("#status")) ?? "", /^7 packets, 2 forwarded, 1 contexts, \d+ ns a packet$/);
      assert.is(await page.locator("#counters tr").count(), 5);
      await page.setInputFiles("input[name=capture]", {
        name: "x",
        mimeType: "text/plain",
        buffer: Buffer.from("this is no capture at all, by no means"),
      });
      await page.click("button");
      await page.waitForFunction(() => /neither/.test(document.querySelector("#status")?.textContent ?? ""), undefined, {
        timeout: 10_000,
      });
      assert.equal(faults, []);
    } finally {
      await browser?.close();
      server?.close();
      rmSync(scratch, { recursive: true, force: true });
    }
  });
}

test.run();
