/**
 * The edge with UDP on both sides, a whole IPv6 packet in each datagram: nothing needs a privilege, and the same file runs on Node, Deno and Bun.
 *
 *     node main.mjs settings.json     deno run -A main.mjs settings.json     bun main.mjs settings.json
 *
 * settings.json: what edge.mjs wants, and `inside` and `outside`, each { "listen": port, "send": port } on this machine.
 */
import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import process from "node:process";
import { createEdge } from "./edge.mjs";

const LOOPBACK = "::1";
/** Milliseconds between two looks at the timers, at most. */
const SLEEP = 1000;

const { inside, outside, ...settings } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const sockets = { inside: createSocket("udp6"), outside: createSocket("udp6") };
const edge = await createEdge(settings, {
  toHosts: (packet) => sockets.inside.send(packet.slice(), inside.send, LOOPBACK),
  toNetwork: (packet) => sockets.outside.send(packet.slice(), outside.send, LOOPBACK),
});

let waiting = [];
/** Datagrams that come together run as one batch. */
function take(packet) {
  waiting.push(packet);
  if (waiting.length === 1)
    setImmediate(() => {
      const batch = waiting;
      waiting = [];
      void edge.packets(batch, performance.now()).then(() => sleep());
    });
}

let timer;
function sleep() {
  clearTimeout(timer);
  const now = performance.now();
  const next = edge.tick(now);
  timer = setTimeout(sleep, Math.min(SLEEP, Math.max(1, next - now)));
}

for (const [side, { listen }] of Object.entries({ inside, outside })) {
  sockets[side].on("message", take);
  await new Promise((resolve) => sockets[side].bind(listen, LOOPBACK, resolve));
}
sleep();
console.log("ready");

process.on("SIGTERM", () => {
  console.log(JSON.stringify(edge.core.counters()));
  process.exit(0);
});
