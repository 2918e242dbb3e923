/** The oracle must be able to say no: worlds in which one thing is wrong, and what it says. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createCrypto } from "../../../adapters/common/crypto.ts";
import { memoryOutside } from "../../../adapters/memory/outside.ts";
import type { SimOutside, SimPlane, SimPlaneParts } from "../../../runtime/sim/outside.ts";
import { createSimulator } from "../../../runtime/sim/run.ts";
import { coreModule } from "../../lib/core.ts";

const sound = memoryOutside(coreModule(), createCrypto());
const SHIM6 = 140;
const isPayload = (packet: Uint8Array): boolean => packet[6] === SHIM6 && (packet[42] & 0x80) !== 0;
const isTcp = (packet: Uint8Array): boolean => packet[6] === 6;
const isType = (packet: Uint8Array, type: number): boolean => packet[6] === SHIM6 && packet[42] === type;

/** The invariant that breaks when every box's plane does `spoil` to what it writes. */
async function brokenBy(
  spoil: (packet: Uint8Array, deliver: (packet: Uint8Array) => void) => void,
  scenario = "calm",
): Promise<string | undefined> {
  const plane = (parts: SimPlaneParts): SimPlane => sound.plane({ ...parts, deliver: (packet) => spoil(packet, parts.deliver) });
  return brokenIn({ ...sound, plane }, scenario);
}

async function brokenIn(outside: SimOutside, scenario: string): Promise<string | undefined> {
  const simulator = createSimulator(outside);
  for (let seed = 1; seed <= 12; seed++) {
    const { violation } = await simulator.run(scenario, seed);
    if (violation !== undefined) return violation.invariant;
  }
  return undefined;
}

/** `packet` with one octet changed. */
function changed(packet: Uint8Array, at: number): Uint8Array {
  const other = packet.slice();
  other[at] ^= 0x01;
  return other;
}

test("sound boxes break nothing", async () => {
  assert.is(await brokenBy((packet, deliver) => deliver(packet)), undefined);
});

test("an octet of a delivered packet", async () => {
  assert.is(await brokenBy((packet, deliver) => deliver(isTcp(packet) && packet.length > 100 ? changed(packet, 90) : packet)), "changed");
});

test("the source of a delivered packet", async () => {
  assert.is(await brokenBy((packet, deliver) => deliver(isTcp(packet) ? changed(packet, 23) : packet)), "wrong-ulid");
});

test("a packet delivered twice", async () => {
  assert.is(
    await brokenBy((packet, deliver) => {
      deliver(packet);
      if (isTcp(packet)) deliver(packet.slice());
    }),
    "twice",
  );
});

test("a packet sent twice", async () => {
  assert.is(
    await brokenBy((packet, deliver) => {
      deliver(packet);
      if (isPayload(packet)) deliver(packet.slice());
    }),
    "twice",
  );
});

test("payload by a pair that is not its context's", async () => {
  assert.is(await brokenBy((packet, deliver) => deliver(isPayload(packet) ? changed(packet, 39) : packet)), "wrong-context");
});

test("payload with a foreign tag", async () => {
  assert.is(await brokenBy((packet, deliver) => deliver(isPayload(packet) ? changed(packet, 47) : packet)), "wrong-context");
});

test("a host's packet that leaves as it is", async () => {
  assert.is(await brokenBy((packet, deliver) => deliver(isPayload(packet) ? changed(packet, 6) : packet)), "leak");
});

test("probes that never leave", async () => {
  const PROBE = 67;
  assert.is(await brokenBy((packet, deliver) => (isType(packet, PROBE) ? undefined : deliver(packet)), "failover"), "late");
});

test("I2 that never leaves", async () => {
  const I2 = 3;
  assert.is(await brokenBy((packet, deliver) => (isType(packet, I2) ? undefined : deliver(packet))), "unmade");
});

test("signatures that nobody checks", async () => {
  assert.is(await brokenIn({ ...sound, crypto: { ...sound.crypto, rsaVerify: () => true } }, "on-path"), "unverified");
});

test("a box that sleeps through its deadlines", async () => {
  const clock = (start: number) => {
    const real = sound.clock(start);
    return { ...real, wakeAt: (at: number, run: () => void) => real.wakeAt(Math.max(at, real.now() + 90_000), run) };
  };
  assert.ok(["late", "unmade"].includes((await brokenIn({ ...sound, clock }, "failover")) ?? "nothing"));
});

test("a box that throws", async () => {
  const entropy = (seed: number) => {
    let calls = 0;
    const real = sound.entropy(seed);
    return {
      bytes: (count: number) => {
        if (++calls > 20) throw new Error("no more");
        return real.bytes(count);
      },
    };
  };
  assert.is(await brokenIn({ ...sound, entropy }, "calm"), "exception");
});

test.run();
