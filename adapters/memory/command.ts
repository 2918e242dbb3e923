import type { Command, Finished } from "../../runtime/port/command.ts";
import { PortError } from "../../runtime/port/error.ts";

/** What was run. */
export interface Call {
  readonly program: string;
  readonly args: readonly string[];
  readonly stdin: string;
}

/** Programs as functions; `calls` keeps what was run, oldest first. */
export interface MemoryCommand extends Command {
  readonly calls: readonly Call[];
}

/** Commands without a system: each program is the function of its name. */
export function memoryCommand(programs: Readonly<Record<string, (call: Call) => Partial<Finished>>>): MemoryCommand {
  const calls: Call[] = [];
  return {
    calls,
    run(program, args, stdin = "") {
      if (!Object.hasOwn(programs, program))
        throw new PortError("missing", `\`${program}\` is missing: install the package that brings ${program}`);
      const call = { program, args: [...args], stdin };
      calls.push(call);
      return { code: 0, stdout: "", stderr: "", ...programs[program](call) };
    },
  };
}
