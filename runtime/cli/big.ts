/** The verbs that are programs of their own: `run`, `lab`, `bench`. Their options are read here, the rest is the host's. */
import { type Command, Option } from "commander";
import { LOG_LEVELS, type LogLevel } from "../port/log.ts";
import { CONFIG_FLAG, CONFIG_HELP, DEFAULT_CONFIG, examples, JSON_FLAG, JSON_HELP, seconds, whole } from "./flags.ts";
import { RUNTIMES, type RuntimeName } from "./host.ts";
import type { Session } from "./session.ts";

interface RunFlags {
  readonly config: string;
  readonly logLevel?: LogLevel;
  readonly pcap?: string;
  readonly pcapLimit: number;
}

interface LabFlags {
  readonly once?: true;
  readonly json?: true;
  readonly verbose?: true;
  readonly runtime?: RuntimeName;
  readonly runtimeA?: RuntimeName;
  readonly runtimeB?: RuntimeName;
  readonly seconds?: number;
  readonly passes?: number;
  readonly capture?: string;
}

interface BenchFlags {
  readonly json?: true;
  readonly contexts?: number;
}

const MEGABYTE = 1_000_000;
const PCAP_LIMIT = 100;
const PCAP_LIMIT_MOST = 1_000_000;
const CONTEXTS_MOST = 1_048_576;

/** Adds the verb `run` to the program. */
export function addRun(program: Command, session: Session): void {
  program
    .command("run")
    .summary("run the box of a site")
    .description("Runs the box until it is told to stop (SIGINT, SIGTERM). Needs root, or CAP_NET_ADMIN and the TUN device.")
    .option(CONFIG_FLAG, CONFIG_HELP, DEFAULT_CONFIG)
    .addOption(
      new Option("--log-level <level>", "least weight of what is logged; without it, log.level of the settings").choices(LOG_LEVELS),
    )
    .option("--pcap <file>", "keep a capture of all Shim6 control messages there; it can be read at any time")
    .option("--pcap-limit <MB>", "most that the capture takes; its older half is <file>.1", whole(1, PCAP_LIMIT_MOST), PCAP_LIMIT)
    .addHelpText(
      "after",
      examples("pshim6 run -c site.yaml", "pshim6 run -c site.yaml --log-level debug", "pshim6 run -c site.yaml --pcap /tmp/shim6.pcap"),
    )
    .action(async (flags: RunFlags) => {
      const site = session.site(flags.config);
      const logLevel = flags.logLevel ?? site.log.level;
      const capture = flags.pcap === undefined ? {} : { capture: { file: flags.pcap, limit: flags.pcapLimit * MEGABYTE } };
      session.exit = await session.host.runBox(
        { ...site, log: { ...site.log, level: logLevel } },
        { file: flags.config, logLevel, ...(flags.logLevel === undefined ? {} : { keepLogLevel: true as const }), ...capture },
      );
    });
}

/** Adds the verb `lab` to the program. */
export function addLab(program: Command, session: Session): void {
  const runtime = (flag: string, help: string): Option => new Option(`${flag} <name>`, help).choices(RUNTIMES);
  program
    .command("lab")
    .summary("two sites on this machine: see a connection outlive its provider")
    .description(
      "Raises two sites with their providers in network namespaces, starts both boxes and a connection between two hosts, and kills providers. Needs root, or user namespaces.",
    )
    .option("--once", "one round, then exit code 0 if the connection outlived everything")
    .option(JSON_FLAG, `${JSON_HELP}, one event a line`)
    .addOption(runtime("--runtime", "run both boxes on it"))
    .addOption(runtime("--runtime-a", "run the left box on it"))
    .addOption(runtime("--runtime-b", "run the right box on it"))
    .option("--seconds <n>", "end after so many seconds", seconds)
    .option("--passes <n>", "end after so many rounds", whole(1, 1_000_000))
    .option("--capture <directory>", "keep captures of every link there")
    .option("--verbose", "show what the boxes log")
    .addHelpText(
      "after",
      examples("pshim6 lab", "pshim6 lab --once --json", "pshim6 lab --runtime-a deno --runtime-b bun --capture /tmp/captures"),
    )
    .action(async (flags: LabFlags) => {
      session.exit = await session.host.runLab({
        once: flags.once === true,
        json: flags.json === true,
        verbose: flags.verbose === true,
        runtimeA: flags.runtimeA ?? flags.runtime,
        runtimeB: flags.runtimeB ?? flags.runtime,
        seconds: flags.seconds,
        passes: flags.passes,
        capture: flags.capture,
      });
    });
}

/** Adds the verb `bench` to the program. */
export function addBench(program: Command, session: Session): void {
  program
    .command("bench")
    .summary("measure the packet core")
    .description("Measures the program on this machine.")
    .addHelpText("after", examples("pshim6 bench core", "pshim6 bench core --json"))
    .command("core")
    .summary("nanoseconds per packet through the packet core")
    .description("Measures the packet core alone: nanoseconds per packet in both directions.")
    .option("--contexts <n>", "contexts in the table; without it, a series of sizes", whole(1, CONTEXTS_MOST))
    .option(JSON_FLAG, JSON_HELP)
    .addHelpText("after", examples("pshim6 bench core", "pshim6 bench core --contexts 1048576 --json"))
    .action(async (flags: BenchFlags) => {
      session.exit = await session.host.benchCore({ json: flags.json === true, contexts: flags.contexts });
    });
}
