/** Stands for the program in tests of the lab's own parts: knows `lab-stream`, and `reach FROM TO` for want of ping. */
import { connect } from "node:net";
import process from "node:process";
import { createStreamHost } from "../../adapters/lab/host.ts";
import { runLabStream } from "../../runtime/lab/verb.ts";

const [verb, ...rest] = process.argv.slice(2);
if (verb === "lab-stream") process.exit(await runLabStream(rest, createStreamHost()));
if (verb === "reach") process.exit((await reach(rest[0], rest[1])) ? 0 : 1);
process.exit(2);

/** Knocks at a port where nobody listens: that the refusal comes back proves both ways. */
function reach(from: string, to: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: to, port: 9, localAddress: from, family: 6 });
    socket.setTimeout(1000, () => resolve(false));
    socket.on("connect", () => resolve(true));
    socket.on("error", (error) => resolve("code" in error && error.code === "ECONNREFUSED"));
  });
}
