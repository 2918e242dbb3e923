// A host of the site that misbehaves, and outsiders who would use up what hosts need: hold queues, refusals, error messages.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Hold } from "../../../runtime/box/hold.ts";
import { BUDGETS } from "../../../runtime/shim6/constants.ts";
import { address, addressAt } from "../../../runtime/value/address.ts";
import { putU16 } from "../../../runtime/value/bytes.ts";
import { checksum } from "../../../runtime/wire/index.ts";
import { connected, messagesOf, strangerAt, twoBoxes } from "../../lib/boxpair.ts";
import { packetOf } from "../../lib/packet.ts";

const [greedy, modest] = ["fc00:aaaa:1::1", "fc00:aaaa:1::2"].map(address);

test("hold queues: a host that calls a thousand others leaves room for its neighbour's first packet", () => {
  for (const rule of ["keep-oldest", "keep-newest"] as const) {
    const hold = new Hold({ packets: 16, octets: 32_768, total: 100_000 }, rule);
    for (let n = 0; n < 1000; n++) hold.push(`${n}`, packetOf(greedy, modest, 17, new Uint8Array(1000)));
    assert.ok(hold.octets <= 50_000, `${hold.octets} octets`);
    assert.is(hold.push("neighbour", packetOf(modest, greedy, 17, new Uint8Array(1000))), 0);
    assert.is(hold.take("neighbour").length, 1);
    const { keys } = hold;
    for (let n = 0; n < 1000; n++) hold.take(`${n}`);
    assert.ok(keys < 60);
    assert.equal([hold.octets, hold.keys], [0, 0]);
    assert.is(hold.push("again", packetOf(greedy, modest, 17, new Uint8Array(1000))), 0, "its share is free again");
  }
});

test("hold queues: nothing that comes from outside is ever held", async () => {
  const { net, a, b } = await connected();
  for (let n = 0; n < 2000; n++)
    net.launch(packetOf(strangerAt(1, n), a.locators[n % 2], [140, 17, 58][n % 3], new Uint8Array(8 * (n % 90))));
  for (let n = 0; n < 200; n++) net.launch(packetOf(b.ulid, a.ulid, 17, new Uint8Array(400)));
  net.run(net.now + 100);
  assert.equal(a.box.held, { octets: 0, keys: 0 });
});

test("outsiders who draw Error messages do not use up what tells hosts that a peer is unreachable", async () => {
  const { net, a } = await twoBoxes();
  const odd = packetOf(strangerAt(2), a.locators[0], 140, Uint8Array.of(59, 0, 9, 0, 0, 0, 0, 0));
  putU16(odd, 44, checksum(odd.subarray(40)));
  for (let n = 0; n < 5000; n++) net.launch(odd);
  net.run(net.now + 10);
  const errors = messagesOf(a.sent).filter(({ message }) => message.kind === "Error").length;
  assert.is(errors, BUDGETS.error.site.burst, "within their /48's budget");
  assert.is(a.count("drop-error-limit"), 5000 - errors);
  // Another /48 still hears what was wrong with its message.
  const other = packetOf(strangerAt(3), a.locators[0], 140, odd.subarray(40));
  net.launch(other);
  net.run(net.now + 10);
  assert.is(addressAt(a.sent[a.sent.length - 1], 24), strangerAt(3));
  net.host(a, address("fc00:cccc:1::9"));
  assert.is(a.delivered.length, 1, "the host is told");
});

test("a host that calls unknown peers without end is told at a bounded rate, and its neighbour is told at once", async () => {
  const { net, a } = await twoBoxes();
  for (let n = 0; n < 3000; n++) a.plane.receive(packetOf(greedy, address("fc00:cccc:1::9"), 17, new Uint8Array(20)));
  assert.is(a.delivered.length, BUDGETS.error.site.burst);
  a.plane.receive(packetOf(modest, address("fc00:cccc:1::9"), 17, new Uint8Array(20)));
  assert.is(a.delivered.length, BUDGETS.error.site.burst + 1);
  assert.is(addressAt(a.delivered[a.delivered.length - 1], 24), modest);
  assert.is(net.strays.length, 0);
});

test.run();
