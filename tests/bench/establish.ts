/**
 * Contexts established a second between two boxes of one process: core, machines, real RSA-2,048 signatures, no kernel. Every
 * host of one site talks to every host of the other; a list is signed and verified once for each host.
 *
 *   npm run bench -- establish [--hosts N] [--json]
 */
import process from "node:process";
import { runtimeName } from "../../adapters/platform.ts";
import { establishAll, KEY_BITS, makeWorld } from "../lib/bench/pairs.ts";
import { profiled } from "../lib/bench/profile.ts";

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  const hosts = args.includes("--hosts") ? Number(args[args.indexOf("--hosts") + 1]) : 90;
  const warm = await makeWorld(24);
  establishAll(warm.a, warm.b);
  const world = await makeWorld(hosts);
  const figures = establishAll(world.a, world.b);
  const watched = await makeWorld(hosts);
  const profile = await profiled(() => establishAll(watched.a, watched.b));
  if (args.includes("--json")) {
    console.log(JSON.stringify({ bench: "establish", runtime: runtimeName(), keyBits: KEY_BITS, hosts, ...figures, profile }));
    return;
  }
  console.log(`${runtimeName()}: ${figures.contexts} contexts between ${hosts} × ${hosts} hosts in ${figures.milliseconds.toFixed(0)} ms`);
  console.log(
    `${figures.perSecond} contexts a second, ${figures.perCpuSecond} a second of processor time, both boxes on one thread, keys of ${KEY_BITS} bits`,
  );
  for (const { what, share } of profile) console.log(`${(100 * share).toFixed(1).padStart(6)} %  ${what}`);
}

await main();
