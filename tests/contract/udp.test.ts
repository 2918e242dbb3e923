/** UDP: a network in memory, and this runtime's on the loopback interface. */
import process from "node:process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { memoryNet } from "../../adapters/memory/udp.ts";
import { loadPlatform } from "../../adapters/platform.ts";
import { UDP_LARGEST, type UdpEnd, type UdpHandlers, type UdpPort } from "../../runtime/port/udp.ts";
import { address } from "../../runtime/value/address.ts";
import { prefix } from "../../runtime/value/prefix.ts";
import { within } from "../lib/scratch.ts";
import { textAnswerer } from "../lib/text-answers.ts";

const ONE = address("::1");
const ANY = address("::");
const platform = await loadPlatform();
const real = await platform.openUdp(new URL("../lib/udp-worker.ts", import.meta.url));
const memory = memoryNet({ openAnswerer: textAnswerer }).node([{ name: "lo", index: 1, addresses: [ONE] }]);
const ports: readonly (readonly [string, UdpPort])[] = [
  ["memory", memory],
  ["system", real],
];

interface Heard {
  readonly text: string;
  readonly from: UdpEnd;
  readonly to: UdpEnd;
}

/** Handlers that keep what they hear, and a wait for the `count`-th of it. */
function listener(reply?: (heard: Heard) => void) {
  const heard: Heard[] = [];
  let settled = 0;
  let refused = 0;
  let changed: () => void = () => undefined;
  const handlers: UdpHandlers = {
    receive(octets, from, to) {
      const one = { text: new TextDecoder().decode(octets), from, to };
      heard.push(one);
      reply?.(one);
      changed();
    },
    settled() {
      settled++;
      changed();
    },
    refused() {
      refused++;
      changed();
    },
  };
  /** Looks at every change, and every `pace` ms where nobody tells of it. */
  const until = (what: string, done: () => boolean, pace?: number) => {
    let timer: ReturnType<typeof setInterval> | undefined;
    const came = new Promise<void>((resolve) => {
      changed = () => {
        if (done()) resolve();
      };
      if (pace !== undefined) timer = setInterval(() => changed(), pace);
      changed();
    });
    return within(what, came).finally(() => clearInterval(timer));
  };
  return {
    heard,
    handlers,
    settled: () => settled,
    refused: () => refused,
    count: (count: number) => until(`${count} datagrams`, () => heard.length >= count),
    until,
  };
}

const text = (value: string) => new TextEncoder().encode(value);
const codeOf = (error: unknown) => (error instanceof Error && "code" in error ? error.code : String(error));

for (const [name, port] of ports) {
  test(`${name}: a request and its answer, each end named`, async () => {
    const asked = listener();
    const server = await port.open(
      { address: ANY, port: 0 },
      { receive: (octets, from, to) => server.send(text(`echo ${new TextDecoder().decode(octets)}`), from, to) },
    );
    const client = await port.open({ address: ONE, port: 0 }, asked.handlers);
    client.send(text("hello"), { address: ONE, port: server.port });
    await asked.count(1);
    assert.is(asked.heard[0].text, "echo hello");
    assert.is(asked.heard[0].from.address, ONE);
    assert.is(asked.heard[0].from.port, server.port);
    assert.is(asked.heard[0].to.address, ONE);
    assert.is(asked.heard[0].to.port, client.port);
    assert.equal([...client.totals()].sort(), [
      ["in-udp", 1],
      ["out-udp", 1],
    ]);
    server.close();
    client.close();
  });

  test(`${name}: a burst arrives whole and in order; batches are told`, async () => {
    const sent = Array.from({ length: 1_000 }, (_, i) => `datagram ${i}`);
    const got = listener();
    const server = await port.open({ address: ONE, port: 0 }, got.handlers);
    const client = await port.open({ address: ONE, port: 0 }, listener().handlers);
    for (let at = 0; at < sent.length; at += 100) {
      for (const one of sent.slice(at, at + 100)) client.send(text(one), { address: ONE, port: server.port });
      await got.count(at + 100);
    }
    assert.equal(
      got.heard.map((one) => one.text),
      sent,
    );
    await got.until("word of the last batch", () => got.settled() > 0);
    server.close();
    client.close();
  });

  test(`${name}: what is handed to send may change at once`, async () => {
    const got = listener();
    const server = await port.open({ address: ONE, port: 0 }, got.handlers);
    const client = await port.open({ address: ONE, port: 0 }, listener().handlers);
    const octets = text("before");
    client.send(octets, { address: ONE, port: server.port });
    octets.fill(0);
    await got.count(1);
    assert.is(got.heard[0].text, "before");
    server.close();
    client.close();
  });

  test(`${name}: a socket with a peer hears that peer only`, async () => {
    const got = listener();
    const peer = await port.open({ address: ONE, port: 0 }, { receive: (octets, from, to) => peer.send(octets, from, to) });
    const stranger = await port.open({ address: ONE, port: 0 }, listener().handlers);
    const socket = await port.open({ address: ANY, port: 0, peer: { address: ONE, port: peer.port } }, got.handlers);
    stranger.send(text("forged"), { address: ONE, port: socket.port });
    socket.send(text("real"));
    await got.count(1);
    assert.equal(
      got.heard.map((one) => one.text),
      ["real"],
    );
    for (const one of [peer, stranger, socket]) one.close();
  });

  test(`${name}: a closed port at the peer is told`, async () => {
    const got = listener();
    const gone = await port.open({ address: ONE, port: 0 }, listener().handlers);
    const socket = await port.open({ address: ANY, port: 0, peer: { address: ONE, port: gone.port } }, got.handlers);
    gone.close();
    // The thread closes the descriptor a moment after our call: until then nobody refuses.
    const again = setInterval(() => socket.send(text("anybody there?")), 5);
    socket.send(text("anybody there?"));
    await got.until("a refusal", () => got.refused() > 0);
    clearInterval(again);
    assert.is(got.heard.length, 0);
    socket.close();
  });

  test(`${name}: what is too long is dropped and counted`, async () => {
    const got = listener();
    const server = await port.open({ address: ONE, port: 0, largest: 100 }, got.handlers);
    const client = await port.open({ address: ONE, port: 0 }, listener().handlers);
    const to = { address: ONE, port: server.port };
    client.send(new Uint8Array(101), to);
    client.send(new Uint8Array(UDP_LARGEST + 1), to);
    client.send(new Uint8Array(100), to);
    await got.count(1);
    assert.is(got.heard[0].text.length, 100);
    assert.is(server.totals().get("drop-long-udp"), 1);
    assert.is(client.totals().get("drop-write-udp"), 1);
    assert.is(client.totals().get("out-udp"), 2);
    server.close();
    client.close();
  });

  test(`${name}: empty datagrams and the largest ones pass`, async () => {
    const got = listener();
    const server = await port.open({ address: ONE, port: 0 }, got.handlers);
    const client = await port.open({ address: ONE, port: 0 }, listener().handlers);
    client.send(new Uint8Array(0), { address: ONE, port: server.port });
    client.send(text("x".repeat(UDP_LARGEST)), { address: ONE, port: server.port });
    await got.count(2);
    assert.equal(
      got.heard.map((one) => one.text.length),
      [0, UDP_LARGEST],
    );
    server.close();
    client.close();
  });

  test(`${name}: a socket that is closed hears nothing, and its port is free`, async () => {
    const got = listener();
    const server = await port.open({ address: ONE, port: 0 }, got.handlers);
    const other = listener();
    const client = await port.open({ address: ONE, port: 0 }, other.handlers);
    const to = { address: ONE, port: server.port };
    const barrier = listener();
    const behind = await port.open({ address: ONE, port: 0 }, barrier.handlers);
    client.send(text("late"), to);
    client.send(text("later"), { address: ONE, port: behind.port });
    server.close();
    server.close();
    await barrier.count(1);
    const next = await openAgain(() => port.open({ address: ONE, port: to.port }, got.handlers));
    client.send(text("early"), to);
    await got.count(1);
    assert.equal(
      got.heard.map((one) => one.text),
      ["early"],
    );
    for (const one of [next, client, behind]) one.close();
  });

  test(`${name}: what is queued leaves before the socket is closed`, async () => {
    const got = listener();
    const server = await port.open({ address: ONE, port: 0 }, got.handlers);
    const client = await port.open({ address: ONE, port: 0 }, listener().handlers);
    client.send(text("last words"), { address: ONE, port: server.port });
    client.close();
    client.send(text("after"), { address: ONE, port: server.port });
    await got.count(1);
    assert.is(got.heard[0].text, "last words");
    server.close();
  });

  test(`${name}: hundreds of sockets for one query each`, async () => {
    const server = await port.open({ address: ONE, port: 0 }, { receive: (octets, from, to) => server.send(octets, from, to) });
    const ports = new Set<number>();
    const all = await Promise.all(
      Array.from({ length: 500 }, async (_, i) => {
        const got = listener();
        const socket = await port.open({ address: ANY, port: 0, peer: { address: ONE, port: server.port } }, got.handlers);
        ports.add(socket.port);
        socket.send(text(`query ${i}`));
        await got.count(1);
        assert.is(got.heard[0].text, `query ${i}`);
        return socket;
      }),
    );
    assert.is(ports.size, 500);
    for (const socket of all) socket.close();
    server.close();
  });

  test(`${name}: answers are given before anybody hears of the request`, async () => {
    const answers = await port.openAnswers({ entries: 10, octets: 1_000, clients: [prefix("::1/128")] });
    const missed = listener();
    const server = await port.open({ address: ANY, port: 0, answers }, missed.handlers);
    const got = listener();
    const client = await port.open({ address: ONE, port: 0 }, got.handlers);
    const to = { address: ONE, port: server.port };
    answers.put(["known", "answer"]);
    // Answers are given soon, not at once: until then the server hears of the request.
    for (let asked = 1; got.heard.length === 0; asked++) {
      client.send(text("known"), to);
      await within("the request's end", Promise.race([got.count(1), missed.count(asked)]));
    }
    const before = missed.heard.length;
    client.send(text("unknown"), to);
    client.send(text("known"), to);
    await got.count(2);
    await missed.count(before + 1);
    assert.equal(
      got.heard.map((one) => one.text),
      ["answer", "answer"],
    );
    assert.is(got.heard[0].from.address, ONE);
    assert.is(got.heard[0].from.port, server.port);
    assert.is(missed.heard[before].text, "unknown");
    // The answer may be here before it was counted.
    await got.until("the count of two", () => answers.totals().get("out-answered-udp") === 2, 1);
    answers.clear();
    for (let asked = 3; missed.heard.length === before + 1; asked++) {
      client.send(text("known"), to);
      await within("the request's end", Promise.race([got.count(asked), missed.count(before + 2)]));
    }
    await answers.close();
    await answers.close();
    client.send(text("known"), to);
    assert.is(codeOf(await port.open({ address: ANY, port: 0, answers }, missed.handlers).catch((error: unknown) => error)), "closed");
    client.close();
  });

  test(`${name}: strangers are not answered from what was kept`, async () => {
    const answers = await port.openAnswers({ entries: 10, octets: 1_000, clients: [prefix("fc00:1::/48")] });
    const missed = listener();
    const server = await port.open({ address: ONE, port: 0, answers }, missed.handlers);
    const client = await port.open({ address: ONE, port: 0 }, listener().handlers);
    answers.put(["known", "answer"]);
    client.send(text("known"), { address: ONE, port: server.port });
    await missed.count(1);
    assert.is(answers.totals().size, 0);
    await answers.close();
    client.close();
  });

  test(`${name}: mistakes are errors with a code`, async () => {
    const first = await port.open({ address: ONE, port: 0 }, listener().handlers);
    const code = (options: Parameters<UdpPort["open"]>[0]) =>
      port.open(options, listener().handlers).then(
        () => "opened",
        (error: unknown) => codeOf(error),
      );
    assert.is(await code({ address: ONE, port: first.port }), "busy");
    assert.is(await code({ address: address("2001:db8::1"), port: 0 }), "missing");
    assert.is(await code({ address: ANY, port: 0, interface: "nowhere" }), "missing");
    first.close();
  });
}

test("system: source ports are drawn at random", async () => {
  const peer = { address: ONE, port: 9 };
  const drawn: number[] = [];
  for (let i = 0; i < 200; i++) {
    const socket = await real.open({ address: ANY, port: 0, peer }, listener().handlers);
    drawn.push(socket.port);
    socket.close();
  }
  const near = drawn.slice(1).filter((port, i) => Math.abs(port - drawn[i]) < 64).length;
  assert.ok(near < 20, `${near} of 199 ports lie beside the one before`);
  assert.ok(Math.max(...drawn) - Math.min(...drawn) > 4_096, "the ports lie together");
});

test("system: threads that wait cost no processor time", async () => {
  const socket = await real.open({ address: ONE, port: 0 }, listener().handlers);
  const before = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, 400));
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 200_000, `${user + system} µs of processor time in 400 ms`);
  socket.close();
});

test("system: a thread that cannot start is an error of open", async () => {
  const port = await platform.openUdp(new URL("data:text/javascript,throw new Error('no such thread')"));
  const error = await port.open({ address: ONE, port: 0 }, listener().handlers).catch((thrown: unknown) => thrown);
  assert.is(codeOf(error), "failed");
  await port.close();
});

for (const [name, port] of ports)
  test(`${name}: after close nothing opens, and all is quiet`, async () => {
    const socket = await port.open({ address: ONE, port: 0 }, listener().handlers);
    await port.close();
    await port.close();
    socket.send(text("nobody"), { address: ONE, port: 9 });
    socket.close();
    const error = await port.open({ address: ONE, port: 0 }, listener().handlers).catch((thrown: unknown) => thrown);
    assert.is(codeOf(error), "closed");
  });

/** A descriptor is closed a moment after `close`. */
async function openAgain<T>(open: () => Promise<T>): Promise<T> {
  for (let i = 0; ; i++) {
    try {
      return await open();
    } catch (error) {
      if (codeOf(error) !== "busy" || i > 500) throw error;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

test.run();
