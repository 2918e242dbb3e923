/** `pshim6 capture` on a made-up interface: which context a packet gets, what is written, when it ends. */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createApi } from "../../../runtime/api/app.ts";
import { Annotator, commentOf } from "../../../runtime/cli/annotate.ts";
import type { Tap } from "../../../runtime/port/tap.ts";
import { address } from "../../../runtime/value/address.ts";
import { contextTag } from "../../../runtime/value/tag.ts";
import { emitPacket } from "../../../runtime/wire/index.ts";
import { insertPayloadHeader } from "../../../runtime/wire/payload.ts";
import { CliMachine } from "../../lib/clihost.ts";
import { contextRow, fakeFacade } from "../../lib/facade.ts";
import { packetOf } from "../../lib/packet.ts";
import { seed } from "../../lib/seed.ts";

const SOCKET = "/run/pshim6/alpha.sock";
// Those of the rows that the façade makes.
const HOST = address("fc00:aaaa:1::1");
const PEER = address("fc00:bbbb:1::10");
const LOCATOR = address("2001:db8:a1::1");
const PEER_LOCATOR = address("2001:db8:b3::10");
const [LOCAL_TAG, PEER_TAG] = [0x2a, 0x2b].map(contextTag);

const inner = (from: typeof HOST, to: typeof HOST) => packetOf(from, to, 17, new Uint8Array(8));
function payload(from: typeof HOST, to: typeof HOST, tag: typeof LOCAL_TAG): Uint8Array {
  const packet = insertPayloadHeader(inner(HOST, PEER), from, to, tag);
  return packet instanceof Uint8Array ? packet : (assert.unreachable() as never);
}
const KEEPALIVE = emitPacket(LOCATOR, PEER_LOCATOR, { kind: "Keepalive", receiverTag: PEER_TAG, options: [] });

test("packets of both sides find their context: by their hosts, by the receiver's tag", () => {
  const annotator = new Annotator();
  const cases: [string, Uint8Array, boolean, string, boolean, string | undefined][] = [
    ["of a host", inner(HOST, PEER), true, "hosts", true, undefined],
    ["for a host", inner(PEER, HOST), false, "hosts", true, undefined],
    ["payload in", payload(PEER_LOCATOR, LOCATOR, LOCAL_TAG), true, "wire", true, "payload"],
    ["payload out", payload(LOCATOR, PEER_LOCATOR, PEER_TAG), false, "wire", true, "payload"],
    // The other end's tag means nothing at this one.
    ["payload out with our tag", payload(LOCATOR, PEER_LOCATOR, LOCAL_TAG), false, "wire", false, "payload"],
    ["a control message", KEEPALIVE, false, "wire", true, "Keepalive"],
    ["of nobody", inner(LOCATOR, PEER_LOCATOR), false, "wire", false, undefined],
  ];
  for (const [name, packet, outgoing] of cases) assert.is(annotator.look(packet, outgoing)?.context, undefined, name);
  annotator.learn([contextRow(1)]);
  for (const [name, packet, outgoing, side, found, message] of cases) {
    const seen = annotator.look(packet, outgoing);
    assert.equal([seen?.side, seen?.context?.id === 1, seen?.message?.split(" ")[0]], [side, found, message], name);
  }
  const seen = annotator.look(KEEPALIVE, false) ?? assert.unreachable();
  assert.match(
    (seen && commentOf(seen)) ?? "",
    /^context 1 fc00:aaaa:1::1 fc00:bbbb:1::10; by isp1 2001:db8:a1::1 2001:db8:b3::10; Keepalive/,
  );
});

test("any octets make no error", () => {
  const annotator = new Annotator();
  annotator.learn([contextRow(1)]);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (octets, outgoing) => {
      const packet = octets.slice();
      if (packet.length > 6) {
        packet[0] = 0x60;
        packet[6] = 140;
      }
      annotator.look(packet, outgoing);
      annotator.look(octets, outgoing);
    }),
    { seed },
  );
});

/** An interface on which `packets` pass. */
function tapOf(packets: readonly [Uint8Array, boolean][], closed: { count: number }, lost: number): Tap {
  const waiting = [...packets];
  return {
    read(limit, take) {
      const some = waiting.splice(0, limit);
      for (const [packet, outgoing] of some) take(packet, 1_800_000_000_123_456_789n, outgoing);
      return some.length;
    },
    missed: () => lost,
    close: () => void closed.count++,
  };
}

async function capture(flags: readonly string[], pauses = 3, lost = 0) {
  const machine = new CliMachine();
  const api = createApi(fakeFacade(2));
  await machine.http.serveSocket(SOCKET, (request) => api.fetch(request));
  const closed = { count: 0 };
  const packets: [Uint8Array, boolean][] = [
    [inner(HOST, PEER), true],
    [payload(LOCATOR, PEER_LOCATOR, PEER_TAG), false],
    [inner(address("fc00:aaaa:1::99"), PEER), true],
    [Uint8Array.of(1, 2, 3), true],
  ];
  const host = { openTap: async () => tapOf(packets, closed, lost) };
  const result = await machine.run(["capture", "--socket", SOCKET, ...flags], { pauses, host });
  assert.is(closed.count, 1);
  return { ...result, written: machine.written };
}

test("a line for each packet", async () => {
  const { code, out } = await capture([]);
  assert.is(code, 0);
  const [first, second, third, end] = out.split("\n");
  assert.is(first, "2027-01-15T08:00:00.123Z hosts in  fc00:aaaa:1::1 > fc00:bbbb:1::10 protocol 17, 48 octets  context 1 by isp1");
  assert.match(second, / wire {2}out 2001:db8:a1::1 > 2001:db8:b3::10 payload, 56 octets {2}context \d by isp1$/);
  assert.match(third, / hosts in {2}fc00:aaaa:1::99 > fc00:bbbb:1::10 protocol 17, 48 octets$/);
  assert.is(end, "");
});

test("filters and ends", async () => {
  const lines = async (...flags: string[]) => (await capture(flags)).out.split("\n").length - 1;
  assert.is(await lines("--count", "1"), 1);
  assert.is(await lines("--ulid", "fc00:aaaa:1::99"), 1);
  assert.is(await lines("--peer", "fc00:bbbb:1::10"), 3);
  assert.is(await lines("--context", "7"), 0);
  assert.is((await capture(["--for", "0.001"], 0)).code, 0);
});

test("packets that came too fast are told of", async () => {
  assert.is((await capture([], 3, 7)).err, "pshim6: 7 packets came too fast and are missing\n");
});

test("a file, and standard output that is no terminal", async () => {
  const { code, err, written } = await capture(["-w", "/tmp/x.pcapng"]);
  assert.equal([code, err], [0, "3 packets\n"]);
  assert.equal(written.get("/tmp/x.pcapng")?.subarray(0, 4), Uint8Array.of(0x0a, 0x0d, 0x0d, 0x0a));
  assert.ok(((await capture(["-w", "-"])).written.get("-")?.length ?? 0) > 300);
  const machine = new CliMachine();
  const terminal = await machine.run(["capture", "-w", "-", "--socket", SOCKET], { columns: 80 });
  assert.equal([terminal.code, terminal.out], [1, ""]);
});

test.run();
