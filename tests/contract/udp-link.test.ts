/** UDP on real links, in a namespace of its own: multicast groups, link-local addresses, one interface of several, answers from the address that was asked. */
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadPlatform } from "../../adapters/platform.ts";
import type { UdpEnd, UdpOptions, UdpPort, UdpSocket } from "../../runtime/port/udp.ts";
import { type Address, address } from "../../runtime/value/address.ts";
import { insideNamespace } from "../lib/netns.ts";
import { within } from "../lib/scratch.ts";

const ANY = address("::");
const ALL_DHCP_AGENTS = address("ff02::1:2");
const [LINK_A, LINK_B] = [address("fe80::a"), address("fe80::b")];
const [FIRST, SECOND] = [address("fc00:1::1"), address("fc00:1::2")];

interface Heard {
  readonly text: string;
  readonly from: UdpEnd;
  readonly to: UdpEnd;
}

interface Listening {
  readonly socket: UdpSocket;
  readonly heard: Heard[];
  count(count: number): Promise<void>;
}

async function listen(port: UdpPort, options: UdpOptions, reply = false): Promise<Listening> {
  const heard: Heard[] = [];
  let changed: () => void = () => undefined;
  const socket = await port.open(options, {
    receive(octets, from, to) {
      heard.push({ text: new TextDecoder().decode(octets), from, to });
      if (reply) socket.send(octets, from, to);
      changed();
    },
  });
  const count = (wanted: number) =>
    within(
      `${wanted} datagrams`,
      new Promise<void>((resolve) => {
        changed = () => {
          if (heard.length >= wanted) resolve();
        };
        changed();
      }),
    );
  return { socket, heard, count };
}

const text = (value: string) => new TextEncoder().encode(value);

if (insideNamespace(fileURLToPath(import.meta.url))) {
  const { command, openUdp } = await loadPlatform();
  const ip = (lines: string) => {
    const done = command.run("ip", ["-6", "-batch", "-"], lines);
    assert.is(done.code, 0, done.stderr);
  };
  // Two ends of a cable in one namespace, and a second cable beside it.
  ip(`link set lo up
link add name la type veth peer name lb
link add name lc type veth peer name ld
${["la", "lb", "lc", "ld"].map((name) => `link set ${name} addrgenmode none\nlink set ${name} up`).join("\n")}
addr add ${LINK_A}/64 dev la nodad
addr add ${LINK_B}/64 dev lb nodad
addr add fe80::c/64 dev lc nodad
addr add fe80::d/64 dev ld nodad
addr add ${FIRST}/128 dev lo nodad
addr add ${SECOND}/128 dev lo nodad
`);
  const port = await openUdp(new URL("../lib/udp-worker.ts", import.meta.url));

  test("a group is heard on its interface, and the answer leaves from there", async () => {
    const server = await listen(port, { address: ANY, port: 0, interface: "lb", groups: [ALL_DHCP_AGENTS] }, true);
    const client = await listen(port, { address: LINK_A, port: 0, interface: "la" });
    const elsewhere = await listen(port, { address: ANY, port: 0, interface: "lc" });
    elsewhere.socket.send(text("elsewhere"), { address: ALL_DHCP_AGENTS, port: server.socket.port });
    client.socket.send(text("solicit"), { address: ALL_DHCP_AGENTS, port: server.socket.port });
    await client.count(1);
    assert.equal(
      server.heard.map((one) => one.text),
      ["solicit"],
    );
    const [{ from, to }] = server.heard;
    assert.is(from.address, LINK_A);
    assert.is(to.address, ALL_DHCP_AGENTS);
    assert.ok((to.interface ?? 0) > 0 && to.interface === from.interface);
    assert.is(client.heard[0].from.address, LINK_B);
    for (const one of [server, client, elsewhere]) one.socket.close();
  });

  test("link-local addresses are told apart by their interface", async () => {
    const server = await listen(port, { address: LINK_B, port: 0, interface: "lb" }, true);
    const client = await listen(port, { address: ANY, port: 0, interface: "la" });
    client.socket.send(text("hello"), { address: LINK_B, port: server.socket.port, interface: await indexOf(port, "la") });
    await client.count(1);
    assert.is(client.heard[0].from.address, LINK_B);
    assert.is(server.heard[0].from.address, LINK_A);
    for (const one of [server, client]) one.socket.close();
  });

  test("a socket of one interface hears nothing of the others", async () => {
    const bound = await listen(port, { address: ANY, port: 0, interface: "la" });
    const free = await listen(port, { address: ANY, port: 0 });
    const barrier = await listen(port, { address: FIRST, port: 0 });
    free.socket.send(text("by lo"), { address: SECOND, port: bound.socket.port });
    free.socket.send(text("barrier"), { address: FIRST, port: barrier.socket.port });
    await barrier.count(1);
    assert.equal(bound.heard, []);
    for (const one of [bound, free, barrier]) one.socket.close();
  });

  test("an answer leaves from the address that was asked, also out of the thread", async () => {
    const answers = await port.openAnswers({ entries: 10, octets: 1_000, clients: [{ base: address("fc00:1::"), length: 64 }] });
    answers.put(["known", "answer"]);
    const server = await listen(port, { address: ANY, port: 0, answers }, true);
    for (const asked of [FIRST, SECOND] as readonly Address[]) {
      const client = await listen(port, { address: FIRST, port: 0, peer: { address: asked, port: server.socket.port } });
      client.socket.send(text("known"));
      client.socket.send(text("unknown"));
      // Whoever is connected hears nothing from another address.
      await client.count(2);
      client.socket.close();
    }
    await answers.close();
  });

  test("a resolver that nobody has a way to is refused at once", async () => {
    const error = await port
      .open({ address: ANY, port: 0, peer: { address: address("2001:db8:77::1"), port: 53 } }, { receive: () => undefined })
      .catch((thrown: unknown) => thrown);
    assert.match(String(error), /no way to \[2001:db8:77::1\]:53: ENETUNREACH/);
  });

  test.after(() => port.close());
  test.run();
}

/** The interface's number, as it is told with what comes in there. */
async function indexOf(port: UdpPort, name: string): Promise<number> {
  const other = name === "la" ? "lb" : "la";
  const here = await listen(port, { address: ANY, port: 0, interface: name, groups: [ALL_DHCP_AGENTS] });
  const there = await listen(port, { address: ANY, port: 0, interface: other });
  there.socket.send(new Uint8Array(1), { address: ALL_DHCP_AGENTS, port: here.socket.port });
  await here.count(1);
  for (const one of [here, there]) one.socket.close();
  return here.heard[0].to.interface ?? 0;
}
