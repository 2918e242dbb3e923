/**
 * A box and a host that speaks Shim6 itself (P-Shim6 draft §8): RFC timers, no CAPABILITIES, its ULID is its first locator. First the
 * machines alone, then a whole box with packets.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createReap } from "../../../runtime/reap/machine.ts";
import { timingFor } from "../../../runtime/reap/profile.ts";
import type { Shim6Effect } from "../../../runtime/shim6/contract.ts";
import { type Address, address, addressAt } from "../../../runtime/value/address.ts";
import { contextTag } from "../../../runtime/value/tag.ts";
import {
  emitPacket,
  findOption,
  type I1,
  type I2,
  insertPayloadHeader,
  type Message,
  type Option,
  removePayloadHeader,
} from "../../../runtime/wire/index.ts";
import { ALPHA, type BoxNet, messagesOf, BoxNet as Net, type SiteBox } from "../../lib/boxpair.ts";
import { packetOf } from "../../lib/packet.ts";
import { A1, A2, Bench, US } from "../../lib/shim6bench.ts";
import { Net as Wire } from "../../lib/shim6pair.ts";
import { at, fakeIdentity } from "../../lib/shim6world.ts";

const [H1, H2] = at("2001:db8:c1::1", "2001:db8:c2::1");
const HOST_OPTIONS = { capabilities: undefined, sendTimeoutSeconds: 15 };
const HOST_TAG = contextTag(0x4057);

test("machines: the host initiates, the box answers; the ULID pair is named because ours is no locator", () => {
  const net = new Wire(1, { delay: 10 });
  const box = net.add("boxA", [US], [A1, A2]);
  const host = net.add("host", [H1], [H1, H2], HOST_OPTIONS);
  net.need(host, { local: H1, peer: US, fork: 0 }, [A1, A2]);
  net.run(1000);
  assert.equal(
    net.flights.map(({ message }) => message.kind),
    ["I1", "R1", "I2", "R2"],
  );
  const [ours] = box.shim.contexts();
  const [theirs] = host.shim.contexts();
  assert.equal([ours.state, theirs.state], ["ESTABLISHED", "ESTABLISHED"]);
  assert.equal(ours.pair, { local: US, peer: H1, fork: 0 });
  assert.is(ours.peerTag, theirs.localTag);
  assert.equal(
    ours.peerLocators.map((each) => each.address),
    [H1, H2],
  );
  assert.is(ours.peerCapabilities, undefined);
});

test("machines: the box initiates; towards a host it learns to keep to the RFC's timers", () => {
  const net = new Wire(2, { delay: 10 });
  const box = net.add("boxA", [US], [A1, A2]);
  const host = net.add("host", [H1], [H1, H2], HOST_OPTIONS);
  net.need(box, { local: US, peer: H1, fork: 0 }, [H1]);
  net.run(1000);
  const [ours] = box.shim.contexts();
  const [theirs] = host.shim.contexts();
  assert.equal([ours.state, theirs.state], ["ESTABLISHED", "ESTABLISHED"]);
  assert.equal(theirs.pair, { local: H1, peer: US, fork: 0 });
  const timing = timingFor("fast", ours.localCapabilities, ours.peerCapabilities, ours.peerKeepaliveSeconds, ours.roundTrip);
  assert.equal([timing.sendTimeout, timing.keepaliveTimeout], [15_000, 15_000]);
});

/** A box that serves a ULID that is a locator, too, as a host's own Shim6 has it on both sides. */
function routable(): Bench {
  const bench = new Bench();
  bench.identities.set(A1, fakeIdentity("boxA", A1, [A1, A2]));
  return bench;
}

const described = (locators: readonly Address[]): Option[] => {
  const { list, pds, signature } = fakeIdentity("host", H1, locators);
  const options: Option[] = [
    { kind: "locator-list", ...list },
    { kind: "cga-pds", pds },
  ];
  return signature === undefined ? options : [...options, { kind: "cga-signature", signature }];
};

function hostI2(bench: Bench, options: Option[]): I2 {
  const i1: I1 = { kind: "I1", initiatorTag: HOST_TAG, initiatorNonce: 7, options: [] };
  bench.hear(i1, H1, A1);
  const r1 = bench.sent("R1");
  assert.equal(r1.on, { local: A1, peer: H1 });
  const validator = findOption(r1.options, "responder-validator");
  return {
    kind: "I2",
    initiatorTag: HOST_TAG,
    initiatorNonce: 7,
    responderNonce: r1.responderNonce,
    options: [...(validator === undefined ? [] : [validator]), ...options],
  };
}

const ROUTED = { local: A1, peer: H1, fork: 0 };

test("I1 and I2 without ULID Pair: the addresses are the ULIDs", () => {
  const bench = routable();
  bench.hear(hostI2(bench, described([H1, H2])), H1, A1);
  assert.is(bench.summary(ROUTED), "established:I2 R2 → ESTABLISHED");
  assert.equal(
    bench.view(ROUTED).peerLocators.map((each) => each.address),
    [H1, H2],
  );
});

test("a host with one address, no list and no CGA: its address is its ULID, nothing is left to prove", () => {
  const bench = routable();
  bench.hear(hostI2(bench, []), H1, A1);
  assert.is(bench.summary(ROUTED), "established:I2 R2 → ESTABLISHED");
  assert.equal(
    bench.view(ROUTED).peerLocators.map((each) => each.address),
    [H1],
  );
  assert.is(bench.view(ROUTED).peerBox, undefined);
});

test("the I2 of such a host from another address of its own needs the ULID Pair and a list that holds both", () => {
  const bench = routable();
  const i2 = hostI2(bench, described([H1, H2]));
  bench.hear(i2, H2, A1);
  assert.is(bench.summary(ROUTED), "drop:validator-i2 → IDLE", "the validator was for the first address");
  const named: Option[] = [{ kind: "ulid-pair", sender: H1, receiver: A1 }];
  bench.hear({ kind: "I1", initiatorTag: HOST_TAG, initiatorNonce: 8, options: named }, H2, A1);
  const r1 = bench.sent("R1");
  const validator = r1.options.filter(({ kind }) => kind === "responder-validator");
  const second: I2 = { ...i2, initiatorNonce: 8, responderNonce: r1.responderNonce, options: [...named, ...validator] };
  bench.hear({ ...second, options: [...second.options, ...described([H1])] }, H2, A1);
  assert.is(bench.summary(ROUTED), "drop:unbound-i2 → IDLE");
  bench.hear({ ...second, options: [...second.options, ...described([H1, H2])] }, H2, A1);
  assert.is(bench.summary(ROUTED), "established:I2 R2 → ESTABLISHED");
});

test("a repeated I1 without ULID Pair for a context that stands means that our R2 was lost", () => {
  const bench = routable();
  bench.hear(hostI2(bench, described([H1, H2])), H1, A1);
  bench.hear({ kind: "I1", initiatorTag: HOST_TAG, initiatorNonce: 9, options: [] }, H1, A1);
  assert.is(bench.summary(ROUTED), "R2 → ESTABLISHED");
  bench.hear({ kind: "I1", initiatorTag: contextTag(1), initiatorNonce: 9, options: [] }, H1, A1);
  assert.is(bench.summary(ROUTED), "R1 → ESTABLISHED", "another tag: it has started anew");
});

/** A host as a machine of its own beside the box's network: Shim6 by its rules, payload by hand. */
class PlainHost {
  readonly #net: BoxNet;
  readonly wire = new Wire(3, { delay: 0 });
  readonly node = this.wire.add("host", [H1], [H1, H2], HOST_OPTIONS);
  readonly received: Uint8Array[] = [];
  readonly reap = createReap();
  dead: Address | undefined;
  #seen = 0;

  constructor(net: BoxNet, box: SiteBox) {
    this.#net = net;
    // The host has no real cryptography: it takes what the box says, and says nothing that needs a signature.
    const { world } = this.node;
    Object.assign(world, { verifyCga: () => true, verifyList: () => true, boxOf: () => "box" });
    Object.assign(world, {
      local: () => ({
        ulid: H1,
        list: { generation: 1, locators: [{ address: H1, method: 1 }] },
        preferences: [],
        pds: new Uint8Array(),
        signature: undefined,
      }),
    });
    this.box = box;
  }
  readonly box: SiteBox;

  #step(effects: readonly Shim6Effect[]): void {
    for (const effect of effects) if (effect.kind === "send") this.say(effect.source, effect.destination, effect.message);
  }

  /** A message as a host without CGA says it: no list, no parameters. */
  say(source: Address, destination: Address, message: Message): void {
    const bare =
      "options" in message
        ? { ...message, options: message.options.filter(({ kind }) => kind !== "locator-list" && kind !== "cga-pds") }
        : message;
    this.#net.launch(emitPacket(source, destination, bare as Message));
  }

  call(): void {
    const candidates = this.box.locators.map((peer) => ({ local: H1, peer }));
    this.#step(
      this.node.shim.step(
        { kind: "need", pair: { local: H1, peer: this.box.ulid, fork: 0 }, candidates },
        this.#net.now,
        new Uint8Array(32).fill(5),
      ),
    );
  }

  /** Takes what the network has for the host. */
  listen(): void {
    for (; this.#seen < this.#net.strays.length; this.#seen++) {
      const packet = this.#net.strays[this.#seen];
      const destination = addressAt(packet, 24);
      if (destination !== H1 && destination !== H2) continue;
      if (packet[42] >= 0x80) {
        const restored = removePayloadHeader(packet, this.box.ulid, H1);
        if (restored instanceof Uint8Array) this.received.push(restored);
        continue;
      }
      for (const { source, message } of messagesOf([packet]))
        this.#step(
          this.node.shim.step(
            { kind: "message", source, destination, message, packet },
            this.#net.now,
            new Uint8Array(32).fill(this.#seen),
          ),
        );
    }
  }

  send(): void {
    const [context] = this.node.shim.contexts();
    const packet = packetOf(H1, this.box.ulid, 17, new Uint8Array(30).fill(4));
    const grown = insertPayloadHeader(packet, context.current.local, context.current.peer, context.peerTag ?? contextTag(0));
    if (grown instanceof Uint8Array) this.#net.launch(grown);
  }
}

async function meet(): Promise<{ net: BoxNet; box: SiteBox; host: PlainHost }> {
  const net = new Net();
  const box = await net.add(ALPHA, [{ ulid: H1, locators: [H1] }]);
  return { net, box, host: new PlainHost(net, box) };
}

function turn(net: BoxNet, host: PlainHost, times = 12): void {
  for (let i = 0; i < times; i++) {
    net.run(net.now + 10);
    host.listen();
  }
}

test("whole box: the host calls, packets go both ways, the host's own sees ULIDs", async () => {
  const { net, box, host } = await meet();
  host.call();
  turn(net, host);
  const [context] = box.box.parts.shim6.contexts();
  assert.is(context?.state, "ESTABLISHED");
  assert.equal(context.pair, { local: box.ulid, peer: H1, fork: 0 });
  host.send();
  turn(net, host);
  assert.is(box.delivered.length, 1);
  assert.equal([addressAt(box.delivered[0], 8), addressAt(box.delivered[0], 24)], [H1, box.ulid]);
  net.host(box, H1, 44);
  turn(net, host);
  assert.is(host.received.length, 1);
  assert.is(host.received[0].length, 84);
  assert.equal([addressAt(host.received[0], 8), addressAt(host.received[0], 24)], [box.ulid, H1]);
});

test("whole box: a host of the site calls; the first packet waits for the context and arrives", async () => {
  const { net, box, host } = await meet();
  net.host(box, H1, 44);
  turn(net, host, 40);
  assert.is([...box.box.parts.shim6.contexts()][0]?.state, "ESTABLISHED");
  assert.is(host.received.length, 1);
});

test("whole box: towards the host the RFC's timers hold: no probe before 15 s of silence, keepalives every 5 s", async () => {
  const { net, box, host } = await meet();
  host.call();
  turn(net, host);
  host.send();
  net.run(net.now + 16_000);
  const keepalives = messagesOf(box.sent).filter(({ message }) => message.kind === "Keepalive");
  assert.is(keepalives.length, 3);
  const before = box.sent.length;
  net.host(box, H1);
  net.run(net.now + 14_900);
  assert.is(messagesOf(box.sent.slice(before)).length, 0);
  net.run(net.now + 200);
  assert.equal(
    messagesOf(box.sent.slice(before)).map(({ message }) => message.kind),
    ["Probe"],
  );
});

test("whole box: a packet to an address that nobody bound is refused, not leaked", async () => {
  const { net, box } = await meet();
  net.host(box, address("2001:db8:dead::1"));
  net.run(net.now + 100);
  assert.is(box.sent.length, 0);
  assert.is(box.delivered.length, 1);
  assert.is(box.delivered[0][40], 1, "ICMPv6 Destination Unreachable");
});

test.run();
