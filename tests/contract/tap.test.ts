/** Tap: packets of the kernel's loopback interface, in a namespace of its own. */
import { spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadPlatform } from "../../adapters/platform.ts";
import { insideNamespace } from "../lib/netns.ts";
import { havePeers } from "../lib/peers.ts";
import { errorOf, within } from "../lib/scratch.ts";

if (insideNamespace(fileURLToPath(import.meta.url))) {
  const { openTap } = await loadPlatform();
  spawnSync("ip", ["link", "set", "lo", "up"]);

  /** A datagram with `text` has gone over the loopback interface. */
  async function exchange(text: string): Promise<void> {
    const [from, to] = [createSocket("udp6"), createSocket("udp6")];
    await new Promise<void>((resolve) => to.bind(0, "::1", resolve));
    const heard = new Promise<void>((resolve) => to.once("message", () => resolve()));
    from.send(text, to.address().port, "::1");
    await within("a datagram", heard);
    from.close();
    to.close();
  }

  test("whole packets, both ways, with the kernel's time", async () => {
    const tap = await openTap("lo");
    try {
      const before = BigInt(Date.now()) * 1_000_000n;
      await exchange("first");
      const seen: { text: string; at: bigint; outgoing: boolean }[] = [];
      const count = tap.read(100, (packet, at, outgoing) => {
        if (packet[0] >> 4 === 6 && packet[6] === 17) seen.push({ text: new TextDecoder().decode(packet.slice(48)), at, outgoing });
      });
      assert.ok(count >= 2);
      assert.equal(
        seen.map(({ text, outgoing }) => [text, outgoing]),
        [
          ["first", true],
          ["first", false],
        ],
      );
      for (const { at } of seen) assert.ok(at >= before - 1_000_000n && at < before + 10_000_000_000n, `${at} against ${before}`);
      assert.is(
        tap.read(100, () => assert.unreachable()),
        0,
      );
    } finally {
      tap.close();
    }
  });

  test("no more than asked for, the rest later; nothing after the end", async () => {
    const tap = await openTap("lo");
    await exchange("one");
    assert.is(
      tap.read(1, () => undefined),
      1,
    );
    assert.is(
      tap.read(0, () => undefined),
      0,
    );
    assert.ok(tap.read(100, () => undefined) >= 1);
    await exchange("two");
    tap.close();
    tap.close();
    assert.is(
      tap.read(100, () => undefined),
      0,
    );
  });

  const maybe = havePeers("python3") ? test : test.skip;
  maybe("packets that find no room are counted", async () => {
    const tap = await openTap("lo");
    assert.is(tap.missed(), 0);
    const flood = [
      "import socket",
      "s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)",
      "for i in range(6000):",
      "  try: s.sendto(bytes(60000), ('::1', 9))",
      "  except OSError: pass",
    ];
    assert.is(spawnSync("python3", ["-c", flood.join("\n")]).status, 0);
    const missed = tap.missed();
    let taken = 0;
    while (tap.read(256, () => taken++) > 0);
    assert.ok(missed > 100 && taken > 100, `${missed} missed, ${taken} taken`);
    assert.is(tap.missed(), missed);
    tap.close();
    assert.is(tap.missed(), 0);
  });

  test("no such interface", async () => {
    assert.is((await errorOf(() => openTap("none0"))).code, "missing");
  });

  test.run();
}
