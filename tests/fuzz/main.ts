/** `npm run fuzz`: `--inputs N` `--target wire|core|box|dhcp6|dns` (all of them when absent) `--seed N` `--first N` `--json`. */
import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { boxTarget } from "./box.ts";
import { coreTarget } from "./core.ts";
import { corpus } from "./corpus.ts";
import { dhcp6Target } from "./dhcp6.ts";
import { dnsTarget } from "./dns.ts";
import { FuzzFault, type FuzzReport, fuzz, type Target } from "./run.ts";
import { wireTarget } from "./wire.ts";

const words = process.argv.slice(2);
const value = (name: string): string | undefined => (words.includes(name) ? words[words.indexOf(name) + 1] : undefined);
const number = (name: string, otherwise: number): number => {
  const given = Number(value(name) ?? otherwise);
  if (Number.isSafeInteger(given) && given >= 0) return given;
  console.error(`${name} wants a whole number, not ${value(name)}`);
  return process.exit(2);
};
const inputs = number("--inputs", 1_000_000);
const seed = number("--seed", Math.floor(Math.random() * 2 ** 31));
const first = number("--first", 0);
const chosen = value("--target");
const SHARES: Record<string, number> = { wire: 0.8, core: 0.09, dns: 0.05, dhcp6: 0.05, box: 0.01 };
if (chosen !== undefined && !(chosen in SHARES)) {
  console.error(`--target: one of ${Object.keys(SHARES).join(", ")}`);
  process.exit(2);
}

setFlagsFromString("--expose-gc");
Object.assign(globalThis, { gc: runInNewContext("gc") });
const { packets } = corpus(seed);
const make: Record<string, () => Promise<Target>> = {
  wire: async () => wireTarget(seed),
  core: () => coreTarget(packets),
  box: () => boxTarget(packets),
  dhcp6: async () => dhcp6Target(),
  dns: async () => dnsTarget(seed),
};
const reports: FuzzReport[] = [];
try {
  for (const name of chosen === undefined ? Object.keys(SHARES) : [chosen]) {
    const target = await make[name]();
    const progress = (done: number, perSecond: number) => console.error(`${name}: ${done} inputs, ${Math.round(perSecond)} a second`);
    const share = chosen === undefined ? Math.ceil(inputs * SHARES[name]) : inputs;
    const report = fuzz(target, { seed, first, inputs: share, progress });
    reports.push(report);
    console.error(
      `${name}: ${report.inputs} inputs in ${report.seconds.toFixed(1)} s, seed ${seed}; slowest ${report.slowest.toFixed(2)} ms, heap ${((report.heapGrowth ?? 0) / 1024).toFixed(0)} KiB more`,
    );
  }
} catch (error) {
  if (!(error instanceof FuzzFault)) throw error;
  console.error(error.message);
  process.exit(1);
}
if (words.includes("--json")) console.log(JSON.stringify(reports));
