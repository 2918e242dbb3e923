/**
 * Stands for the program in tests of the lab's own parts: knows `lab-stream`; `reach FROM TO` for want of ping; `standing`,
 * which goes where {@link findStanding} says; and, once there, `lab`, which raises and razes a world and tells of it.
 */
import { connect } from "node:net";
import process from "node:process";
import { createStreamHost } from "../../adapters/lab/host.ts";
import { breakGround } from "../../runtime/lab/ground.ts";
import { ENTERED, findStanding } from "../../runtime/lab/standing.ts";
import { runLabStream } from "../../runtime/lab/verb.ts";
import { twoSites } from "../../runtime/lab/world.ts";
import { testHost } from "./labhost.ts";

const [verb, ...rest] = process.argv.slice(2);
if (verb === "lab-stream") process.exit(await runLabStream(rest, createStreamHost()));
if (verb === "reach") process.exit((await reach(rest[0], rest[1])) ? 0 : 1);
if (verb === "standing") process.exit(await stand());
if (verb === "lab") process.exit(await raiseOnce());
process.exit(2);

async function stand(): Promise<number> {
  const host = await testHost();
  const standing = await findStanding(host, { once: true, json: false });
  console.log(JSON.stringify(standing.kind === "missing" ? standing : { kind: standing.kind }));
  return standing.kind === "enter" ? (await host.processes.run(standing.argv, { terminal: true, env: { [ENTERED]: "1" } })).code : 0;
}

async function raiseOnce(): Promise<number> {
  const host = await testHost();
  const ground = await breakGround(host, 0);
  await ground.raise(twoSites());
  const { stdout } = await ground.run("boxA", ["ip", "-o", "-6", "address", "show", "dev", "up1", "scope", "global"]);
  await ground.raze();
  console.log(JSON.stringify({ up1: /inet6 (\S+)/.exec(stdout)?.[1] }));
  return 0;
}

/** Knocks at a port where nobody listens: that the refusal comes back proves both ways. */
function reach(from: string, to: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: to, port: 9, localAddress: from, family: 6 });
    socket.setTimeout(1000, () => resolve(false));
    socket.on("connect", () => resolve(true));
    socket.on("error", (error) => resolve("code" in error && error.code === "ECONNREFUSED"));
  });
}
