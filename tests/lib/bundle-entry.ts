/** A program as the real one is: one file, for the main thread and for its workers. Prints what it found as JSON. */
import { createSocket } from "node:dgram";
import { serveStore, storeWork } from "../../adapters/common/store-thread.ts";
import { dataWork, serveQueue } from "../../adapters/data/worker.ts";
import { loadLibc, loadMonotonic, loadPlatform } from "../../adapters/platform.ts";
import { address } from "../../runtime/value/address.ts";
import { openEchoCore, openEchoLane } from "./echo.ts";

const work = dataWork();
const groups = storeWork();
if (work !== undefined) {
  await serveQueue(work, { loadLibc: () => loadLibc(), loadMonotonic: () => loadMonotonic(), openLane: openEchoLane });
} else if (groups !== undefined) {
  await serveStore(groups);
} else {
  const { runtime, command, host, openPacketPlane, openStore, files } = await loadPlatform(new URL(import.meta.url));
  const core = await openEchoCore();
  const plane = await openPacketPlane(core, { name: "pb0", queues: 1, entry: new URL(import.meta.url) });
  command.run("ip", ["-batch", "-"], "addr add fc00:2::1/64 dev pb0 nodad\nlink set pb0 up\n");
  await plane.start({ punt: () => undefined, activity: () => undefined, failed: () => undefined });
  const socket = createSocket("udp6");
  await new Promise<void>((resolve) => socket.bind(0, "fc00:2::1", resolve));
  const echo = new Promise<string>((resolve) => socket.once("message", (octets) => resolve(octets.toString())));
  socket.send("through the bundle", 7, "fc00:2::2");
  const answer = await echo;
  socket.close();
  await plane.stop();
  const directory = `/tmp/pshim6-bundle-${host.pid}`;
  const store = openStore(directory);
  await store.commit({ cga: [{ ulid: address("fc00::1"), name: "h", pds: new Uint8Array([1]) }] });
  const kept = store.cgaParameters().size;
  await store.close();
  files.remove(directory);
  host.print(`${JSON.stringify({ runtime, answer, kept, args: host.args })}\n`);
  host.exit(7);
}
