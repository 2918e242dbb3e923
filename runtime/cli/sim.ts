/** `pshim6 sim`: thousands of simulated worlds, each decided by its seed; what must never happen is looked for in all of them. */
import { type Command, InvalidArgumentError } from "commander";
import { Capture } from "../sim/pcap.ts";
import { createSimulator, type SeedResult, type Simulator } from "../sim/run.ts";
import { SCENARIOS } from "../sim/scenario.ts";
import { examples, JSON_FLAG, JSON_HELP } from "./flags.ts";
import { EXIT_USAGE, EXIT_WRONG, Failure, type Session } from "./session.ts";
import { showTable } from "./table.ts";

interface SimFlags {
  readonly seeds: readonly SeedRange[];
  readonly scenario: readonly string[];
  readonly json?: true;
  readonly trace?: true;
  readonly pcap?: string;
}

/** Seeds from one number to another, both included. */
interface SeedRange {
  readonly first: number;
  readonly last: number;
}

const DEFAULT_SEEDS: readonly SeedRange[] = [{ first: 1, last: 1000 }];
const DEFAULT_SCENARIO = "standard";
const SEED_LIMIT = Number.MAX_SAFE_INTEGER;
/** Violations whose last events are shown; the seed tells the rest. */
const EXPLAINED = 3;
const LAST_EVENTS = 12;
const PROGRESS_EVERY_MS = 200;

/** Adds the verb `sim` to the program. */
export function addSim(program: Command, session: Session): void {
  program
    .command("sim")
    .summary("run simulated worlds and look for what must never happen")
    .description(
      "Runs boxes, hosts and providers in memory on virtual time. A seed decides everything: topology, loss, failures, restarts, attackers. " +
        "The same seed gives the same run on every machine. Exit code 1 if an invariant broke.",
    )
    .option("--seeds <list>", "seeds and ranges of them, such as 17 or 1-10000 or 1-5,9", seedsArgument, DEFAULT_SEEDS)
    .option("--scenario <list>", "scenarios, or all", scenariosArgument, [DEFAULT_SCENARIO])
    .option("--trace", "print every event")
    .option("--pcap <file>", "write what crossed the wires, with virtual time; for one seed of one scenario")
    .option(JSON_FLAG, `${JSON_HELP}: one violation a line, then the sums`)
    .addHelpText(
      "after",
      `\nScenarios:\n${Object.entries(SCENARIOS)
        .map(([name, { about }]) => `  ${name.padEnd(15)} ${about}`)
        .join("\n")}\n${examples(
        "pshim6 sim --seeds 1-10000",
        "pshim6 sim --seeds 1-500 --scenario failover,one-way",
        "pshim6 sim --seeds 17 --scenario failover --trace --pcap 17.pcap",
      )}`,
    )
    .action(async (flags: SimFlags) => {
      await new Sweep(session, flags).run();
    });
}

function seedsArgument(text: string): SeedRange[] {
  return text.split(",").map((part) => {
    const match = /^(\d{1,16})(?:-(\d{1,16}))?$/.exec(part);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (match === null || first > last || last > SEED_LIMIT)
      throw new InvalidArgumentError(`"${part}" is neither a seed nor a range of seeds such as 1-10000.`);
    return { first, last };
  });
}

function scenariosArgument(text: string): string[] {
  if (text === "all") return Object.keys(SCENARIOS);
  const names = text.split(",");
  const unknown = names.find((name) => !Object.hasOwn(SCENARIOS, name));
  if (unknown !== undefined)
    throw new InvalidArgumentError(`There is no scenario "${unknown}"; there are ${Object.keys(SCENARIOS).join(", ")}, or all.`);
  return names;
}

/** Sums over the seeds of one scenario. */
interface Sum {
  readonly scenario: string;
  seeds: number;
  events: number;
  packets: number;
  checks: number;
  recoveries: number;
  violations: number;
  virtualMs: number;
}

/** One run of the verb. */
class Sweep {
  readonly #session: Session;
  readonly #flags: SimFlags;
  readonly #sums: Sum[] = [];
  readonly #total: number;
  #done = 0;
  #violations = 0;
  #startedAt = 0;
  #shownAt = 0;
  /** Of all hashes in order. */
  #fingerprint = 0x811c9dc5;

  constructor(session: Session, flags: SimFlags) {
    this.#session = session;
    this.#flags = flags;
    this.#total = flags.scenario.length * flags.seeds.reduce((sum, { first, last }) => sum + last - first + 1, 0);
    if (flags.pcap !== undefined && this.#total !== 1)
      throw new Failure("--pcap takes one seed of one scenario: add --seeds N --scenario NAME", EXIT_USAGE);
  }

  async run(): Promise<void> {
    const simulator = createSimulator(await this.#session.host.openSimulation());
    this.#startedAt = performance.now();
    for (const scenario of this.#flags.scenario) await this.#runScenario(simulator, scenario);
    this.#clearProgress();
    if (this.#violations > 0) this.#session.exit = EXIT_WRONG;
    this.#sayEnd();
  }

  async #runScenario(simulator: Simulator, scenario: string): Promise<void> {
    const sum: Sum = { scenario, seeds: 0, events: 0, packets: 0, checks: 0, recoveries: 0, violations: 0, virtualMs: 0 };
    this.#sums.push(sum);
    for (const { first, last } of this.#flags.seeds) {
      for (let seed = first; seed <= last; seed++) {
        const result = await this.#runSeed(simulator, scenario, seed);
        add(sum, result);
        this.#mix(result.hash);
        this.#done++;
        if (result.violation !== undefined) await this.#sayViolation(simulator, result);
        this.#progress();
      }
    }
  }

  async #runSeed(simulator: Simulator, scenario: string, seed: number): Promise<SeedResult> {
    const { trace, pcap } = this.#flags;
    const capture = pcap === undefined ? undefined : new Capture();
    const result = await simulator.run(scenario, seed, {
      ...(trace ? { line: (text: string) => this.#session.print(`${text}\n`) } : {}),
      ...(capture === undefined ? {} : { wire: (at: number, packet: Uint8Array) => capture.add(at, packet) }),
    });
    if (pcap !== undefined && capture !== undefined) this.#session.host.writeOctets(pcap, capture.octets());
    return result;
  }

  async #sayViolation(simulator: Simulator, { scenario, seed, violation, hash }: SeedResult): Promise<void> {
    if (violation === undefined) return;
    this.#violations++;
    this.#clearProgress();
    const { invariant, at, what, stack } = violation;
    const replay = `pshim6 sim --scenario ${scenario} --seeds ${seed} --trace`;
    if (this.#flags.json) {
      this.#session.printJson({ scenario, seed, invariant, atMs: at, what, hash, replay, ...(stack === undefined ? {} : { stack }) });
      return;
    }
    this.#session.print(`VIOLATED ${invariant}: scenario ${scenario}, seed ${seed}, at ${(at / 1000).toFixed(6)} s: ${what}\n`);
    if (stack !== undefined) this.#session.print(`${stack.split("\n").slice(1, 6).join("\n")}\n`);
    if (!this.#flags.trace && this.#violations <= EXPLAINED) {
      const last: string[] = [];
      await simulator.run(scenario, seed, {
        line: (text) => {
          last.push(text);
          if (last.length > LAST_EVENTS) last.shift();
        },
      });
      for (const line of last) this.#session.print(`  ${line}\n`);
    }
    this.#session.print(`  replay: ${replay}\n`);
  }

  #sayEnd(): void {
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const perMinute = Math.round((this.#done * 60) / Math.max(seconds, 1e-3));
    const hash = (this.#fingerprint >>> 0).toString(16).padStart(8, "0");
    if (this.#flags.json) {
      const total = { seeds: this.#done, violations: this.#violations, seconds: Number(seconds.toFixed(3)), perMinute, hash };
      this.#session.printJson({ ...total, scenarios: this.#sums });
      return;
    }
    const number = (pick: (sum: Sum) => number) => (sum: Sum) => String(pick(sum));
    const columns = [
      { title: "SCENARIO", cell: (sum: Sum) => sum.scenario },
      { title: "SEEDS", cell: number(({ seeds }) => seeds), right: true },
      { title: "VIOLATED", cell: number(({ violations }) => violations), right: true },
      { title: "PACKETS", cell: number(({ packets }) => packets), right: true },
      { title: "EVENTS", cell: number(({ events }) => events), right: true, spare: 2 },
      { title: "CHECKS", cell: number(({ checks }) => checks), right: true, spare: 1 },
      { title: "RECOVERIES", cell: number(({ recoveries }) => recoveries), right: true },
      { title: "VIRTUAL", cell: (sum: Sum) => `${(sum.virtualMs / 3_600_000).toFixed(1)} h`, right: true, spare: 3 },
    ];
    this.#session.print(showTable(columns, this.#sums, this.#session.width()));
    this.#session.print(
      `${this.#done} seeds in ${seconds.toFixed(1)} s (${perMinute} a minute), ${this.#violations} violated, fingerprint ${hash}\n`,
    );
  }

  #mix(hash: string): void {
    for (let i = 0; i < hash.length; i++) this.#fingerprint = Math.imul(this.#fingerprint ^ hash.charCodeAt(i), 0x01000193);
  }

  #progress(): void {
    const now = performance.now();
    if (now - this.#shownAt < PROGRESS_EVERY_MS || !this.#session.host.host.isTerminal("stderr")) return;
    this.#shownAt = now;
    const perMinute = Math.round((this.#done * 60_000) / (now - this.#startedAt));
    this.#session.note(`\r${this.#done} of ${this.#total} seeds, ${perMinute} a minute, ${this.#violations} violated `);
  }

  #clearProgress(): void {
    if (this.#shownAt === 0) return;
    this.#shownAt = 0;
    this.#session.note("\r\x1b[K");
  }
}

function add(sum: Sum, { events, packets, checks, recoveries, violation, virtual }: SeedResult): void {
  sum.seeds++;
  sum.events += events;
  sum.packets += packets;
  sum.checks += checks;
  sum.recoveries += recoveries;
  sum.virtualMs += virtual;
  if (violation !== undefined) sum.violations++;
}
