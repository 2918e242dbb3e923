/** The command line: verbs in the manner of `ip` and `wg`. Parses, calls, prints; what is outside comes in as {@link CliHost}. */
import { Command, CommanderError } from "commander";
import { PortError } from "../port/error.ts";
import { addBackup } from "./backup.ts";
import { addBench, addLab, addRun } from "./big.ts";
import { addCapture } from "./capture.ts";
import { addCga } from "./cga.ts";
import { addCheck } from "./check.ts";
import { addCompletion } from "./completion.ts";
import { addContext } from "./context.ts";
import { addDrill } from "./drill.ts";
import { addEvents } from "./events.ts";
import { addException } from "./exception.ts";
import { addExplain } from "./explain.ts";
import { examples } from "./flags.ts";
import { addDecode, addVectors } from "./golden.ts";
import { addHba } from "./hba.ts";
import type { CliHost } from "./host.ts";
import { addManual } from "./manual.ts";
import { addPolicy } from "./policy.ts";
import { addProvider } from "./provider.ts";
import { addReload } from "./reload.ts";
import { EXIT_FINE, EXIT_USAGE, EXIT_WRONG, Failure, PipeClosed, Session } from "./session.ts";
import { addShow } from "./show.ts";
import { addSim } from "./sim.ts";
import { addTop } from "./top.ts";
import { addZone } from "./zone.ts";

/**
 * Runs one command line. `argv` is what stands behind the program's name.
 * @returns the exit code: 0 fine, 1 the input or the world is wrong, 2 wrong usage. Never rejects.
 */
export async function main(argv: readonly string[], host: CliHost): Promise<number> {
  const session = new Session(host);
  try {
    // Not for people: the lab starts itself under this name inside its hosts, and reads the flags there.
    if (argv[0] === "lab-stream") return await host.runLabStream(argv.slice(1));
    if (argv[0] === "lab-host") return await host.runLabHost(argv.slice(1));
    await programFor(session).parseAsync(argv, { from: "user" });
    return session.exit;
  } catch (error) {
    return explain(error, session);
  }
}

function programFor(session: Session): Command {
  const { host } = session.host;
  const width = () => (host.isTerminal("stdout") ? session.host.terminal.size().columns : 100);
  const program = new Command("pshim6")
    .description("IPv6 multihoming for a whole site, without BGP and without renumbering: a Shim6 proxy (RFC 5533, RFC 5534, RFC 6629).")
    .version(`pshim6 ${session.host.version} on ${host.runtime}`, "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand("help [verb]", "print help about a verb")
    .exitOverride()
    .showHelpAfterError('"--help" behind the verb tells more')
    .configureOutput({
      writeOut: (text) => session.print(text),
      writeErr: (text) => session.note(text),
      outputError: (text, write) => write(text.replace(/^error: /, "pshim6: ")),
      getOutHelpWidth: width,
      getErrHelpWidth: width,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText(
      "after",
      examples("pshim6 check -c site.yaml", "pshim6 run -c site.yaml", "pshim6 show contexts --watch", "pshim6 lab --once"),
    );
  addRun(program, session);
  addCheck(program, session);
  addReload(program, session);
  addExplain(program, session);
  addProvider(program, session);
  addShow(program, session);
  addTop(program, session);
  addContext(program, session);
  addException(program, session);
  addCapture(program, session);
  addDrill(program, session);
  addEvents(program, session);
  addBackup(program, session);
  addCga(program, session);
  addHba(program, session);
  addZone(program, session);
  addPolicy(program, session);
  addLab(program, session);
  addSim(program, session);
  addDecode(program, session);
  addVectors(program, session);
  addBench(program, session);
  addCompletion(program, session);
  addManual(program, session);
  return program;
}

/** Says what went wrong, in words; a stack trace only where PSHIM6_DEBUG asks for it. */
function explain(error: unknown, session: Session): number {
  if (error instanceof PipeClosed) return session.exit;
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_FINE : EXIT_USAGE;
  const debug = session.host.host.environment("PSHIM6_DEBUG") === "1";
  if (debug && error instanceof Error) session.note(`${error.stack ?? error.message}\n`);
  if (error instanceof Failure) {
    session.note(`pshim6: ${error.message}\n`);
    return error.exit;
  }
  if (error instanceof PortError) {
    session.note(`pshim6: ${error.message}\n`);
    return EXIT_WRONG;
  }
  const said = error instanceof Error ? error.message.split("\n")[0] : String(error);
  const more = debug ? "" : "; PSHIM6_DEBUG=1 shows where";
  session.note(`pshim6: this should not have happened: ${said}${more}\n`);
  return EXIT_WRONG;
}
