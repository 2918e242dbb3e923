/** The main thread's program: hands the command line the outside, and runs a box when it asks for one. */
import process from "node:process";
import coreOctets from "../dist/core.wasm";
import page from "../dist/dashboard.pack";
import { Capture, capturePlane } from "../runtime/box/capture.ts";
import { egressPlan, egressScript } from "../runtime/box/egress.ts";
import { startBox } from "../runtime/box/run.ts";
import type { BenchOptions, CliHost, RunOptions } from "../runtime/cli/host.ts";
import { main } from "../runtime/cli/main.ts";
import type { Site } from "../runtime/config/site.ts";
import { BENCH_BATCH, BENCH_CONTEXTS, type CoreBenchRow, measureCore, showCoreBench } from "../runtime/fast/bench.ts";
import { createCore, HASH_KEY_OCTETS } from "../runtime/fast/core.ts";
import { openLane } from "../runtime/fast/lane.ts";
import { runDweller } from "../runtime/lab/dweller.ts";
import { runLab } from "../runtime/lab/lab.ts";
import { runLabStream } from "../runtime/lab/verb.ts";
import { PortError } from "../runtime/port/error.ts";
import type { LogOptions } from "../runtime/port/log.ts";
import { createCrypto } from "./common/crypto.ts";
import { writeOctets } from "./common/files.ts";
import { openGrowing } from "./common/growing.ts";
import { isJournal, STDERR } from "./common/log.ts";
import { openSink } from "./common/sink.ts";
import { systemTerminal } from "./common/terminal.ts";
import { createDwellerHost, createLabHost, createStreamHost } from "./lab/host.ts";
import { memoryOutside } from "./memory/outside.ts";
import { checkAge, runOnNewer } from "./newer.ts";
import { loadPlatform, type Platform } from "./platform.ts";
import { searchInThreads } from "./search/threads.ts";
import { selfWords } from "./self.ts";

/** Runs the command line to its end and exits. `entry` is the URL of the file that every process and thread starts with. */
export async function runProgram(entry: string): Promise<never> {
  const platform = await loadPlatform(new URL(entry));
  const code = await main(platform.host.args, cliHost(platform, entry));
  return platform.host.exit(code);
}

function cliHost(platform: Platform, entry: string): CliHost {
  const { host, files, http, entropy, runtime } = platform;
  return {
    version: PSHIM6_VERSION,
    host,
    files,
    http,
    entropy,
    crypto: createCrypto(),
    wall: () => platform.clock.wall(),
    searchModifier: (search, tried) => searchInThreads(search, tried, { entropy, entry: new URL(entry) }),
    terminal: systemTerminal,
    openTap: (name) => platform.openTap(name),
    openSink,
    pause: (time, wake) => pause(platform, time, wake),
    onStop: (run) => onStop(platform, run),
    openStore: (directory) => platform.openStore(directory),
    routes: (site) => egressScript(egressPlan(site), site),
    runBox: (site, options) => runBox(site, options, platform, entry),
    runLab: async (options) => {
      const elsewhere = await runOnNewer(entry, host.args, host.runtime);
      if (elsewhere !== undefined) return elsewhere;
      const selfCommand = (wanted: typeof runtime) => ({ runtime: wanted, argv: selfWords(entry, wanted, runtime) });
      return runLab(options, createLabHost({ runtime, selfCommand, files, http }));
    },
    runLabStream: (argv) => runLabStream(argv, createStreamHost()),
    runLabHost: (argv) =>
      runDweller(
        argv,
        createDwellerHost(platform, () => platform.openUdp(new URL(entry))),
      ),
    openSimulation: async () => memoryOutside(await WebAssembly.compile(coreOctets), createCrypto()),
    writeOctets: (path, octets) => writeOctets(path, octets),
    benchCore: (options) => benchCore(options, platform),
  };
}

/** One box in the foreground, until a signal or until it fails. */
async function runBox(site: Site, options: RunOptions, platform: Platform, entry: string): Promise<number> {
  const { host, logs } = platform;
  checkAge(host.runtime);
  const configure = (log: Site["log"]): void => logs.configure(logOptions(log, host));
  configure(site.log);
  const stop = new Promise<undefined>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) host.onSignal(signal, () => resolve(undefined));
  });
  const capture = options.capture === undefined ? undefined : openCapture(options.capture, platform);
  const running = await startBox(site, options.file, {
    ...platform,
    setLog: options.keepLogLevel ? undefined : configure,
    version: PSHIM6_VERSION,
    runtime: host.runtime,
    page,
    crypto: createCrypto(),
    openCore: async (sizes, settings) =>
      createCore(await WebAssembly.compile(coreOctets), sizes, {
        ...settings,
        hashKey: platform.entropy.bytes(HASH_KEY_OCTETS),
        now: platform.clock.now(),
      }),
    openLane,
    openUdp: () => platform.openUdp(new URL(entry)),
    openPacketPlane: async (core, plane) => {
      const opened = await platform.openPacketPlane(core, { ...plane, entry: new URL(entry) });
      return capture === undefined ? opened : capturePlane(opened, capture);
    },
  });
  // What came of it is in the log.
  host.onSignal("SIGHUP", () => void running.reload());
  host.print(`ready ${site.site} on ${host.runtime}, control socket ${site.control}\n`);
  tellManager(platform);
  const failure = await Promise.race([stop, running.failed]);
  await running.stop();
  capture?.close();
  if (failure === undefined) return 0;
  logs.area("box").error("the box stopped by itself", { error: failure.message });
  return 1;
}

/** How the log is kept for whoever reads standard error. */
function logOptions({ level, areas, format }: Site["log"], host: Platform["host"]): LogOptions {
  const journal = isJournal(STDERR, host.environment("JOURNAL_STREAM"));
  const wanted = format === "auto" ? (journal || host.isTerminal("stderr") ? "text" : "json") : format;
  return { level, areas, format: wanted, journal };
}

/** A service manager that waits for us is told that packets flow (sd_notify(3)): by its own program, because not every runtime has datagrams on Unix sockets. */
function tellManager({ host, command, logs }: Platform): void {
  if (host.environment("NOTIFY_SOCKET") === undefined) return;
  try {
    const { code, stderr } = command.run("systemd-notify", ["--ready"]);
    if (code !== 0) throw new PortError("failed", stderr.trim());
  } catch (error) {
    if (!(error instanceof PortError)) throw error;
    logs.area("box").error("the service manager could not be told that the box is ready", { error: error.message });
  }
}

function openCapture({ file, limit }: NonNullable<RunOptions["capture"]>, { clock, logs }: Platform): Capture {
  return new Capture({ file: openGrowing(file), older: `${file}.1`, limit, wall: () => clock.wall(), log: logs.area("capture") });
}

/** The core alone, without device or privilege. */
async function benchCore({ json, contexts }: BenchOptions, { host, entropy }: Platform): Promise<number> {
  const module = await WebAssembly.compile(coreOctets);
  const rows: CoreBenchRow[] = [];
  for (const count of contexts === undefined ? BENCH_CONTEXTS : [2 ** Math.ceil(Math.log2(contexts))]) {
    const nanoseconds = () => Number(process.hrtime.bigint());
    rows.push(...(await measureCore(count, { module, hashKey: entropy.bytes(HASH_KEY_OCTETS), nanoseconds })));
  }
  host.print(
    json ? `${JSON.stringify({ bench: "core", runtime: host.runtime, batch: BENCH_BATCH, rows })}\n` : showCoreBench(rows, host.runtime),
  );
  return 0;
}

function pause(platform: Platform, time: number, wake?: AbortSignal): Promise<boolean> {
  if (wake?.aborted) return Promise.resolve(true);
  return new Promise((resolve) => {
    const done = (finished: boolean) => {
      clearTimeout(timer);
      wake?.removeEventListener("abort", woken);
      unhook();
      resolve(finished);
    };
    const woken = () => done(true);
    const timer = setTimeout(() => done(true), time);
    wake?.addEventListener("abort", woken);
    const unhook = onStop(platform, () => done(false));
  });
}

function onStop({ host }: Platform, run: () => void): () => void {
  const ends = (["SIGINT", "SIGTERM"] as const).map((signal) => host.onSignal(signal, run));
  return () => {
    for (const end of ends) end();
  };
}
