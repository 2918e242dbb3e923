/** `pshim6 decode` and `pshim6 vectors`: packets into words, and the implementation against golden vectors. */
import type { Command } from "commander";
import { decodeLine } from "./decode.ts";
import { examples, JSON_FLAG, JSON_HELP } from "./flags.ts";
import { EXIT_WRONG, Failure, type Session } from "./session.ts";
import { judgeVectors, VectorFileError, type VectorResult } from "./vectors.ts";

/** Adds the verb `decode` to the program. */
export function addDecode(program: Command, session: Session): void {
  program
    .command("decode")
    .summary("Shim6 packets in hexadecimal into JSON")
    .description(
      "Reads packets from standard input, one a line in hexadecimal: IPv6 packets or bare Shim6 messages. Writes a JSON object a line. " +
        "Empty lines and lines that begin with # are passed over.",
    )
    .option("--all", "show what a receiver passes over, too: reserved bits, padding, octets behind the message")
    .option(JSON_FLAG, "no effect: it is always JSON")
    .addHelpText("after", examples("pshim6 decode < packets.hex", "xxd -p -c 0 packet.bin | pshim6 decode | jq ."))
    .action(async (flags: { readonly all?: true }) => {
      for await (const line of session.host.host.inputLines()) {
        const fields = decodeLine(line, flags.all === true);
        if (fields !== undefined) session.printJson(fields);
      }
    });
}

/** Adds the verb `vectors` to the program. */
export function addVectors(program: Command, session: Session): void {
  program
    .command("vectors")
    .summary("judge golden vectors")
    .description("Parses and makes every vector of a file and compares. Exit code 1 if one differs.")
    .argument("<file>", "vectors as JSON")
    .option(JSON_FLAG, `${JSON_HELP}, one result a line, then the sums`)
    .addHelpText("after", examples("pshim6 vectors vectors.json", "pshim6 vectors vectors.json --json | jq 'select(.ok == false)'"))
    .action((file: string, flags: { readonly json?: true }) => vectors(file, flags.json === true, session));
}

function vectors(file: string, json: boolean, session: Session): void {
  const results = judge(file, session);
  const passed = results.filter(({ ok }) => ok).length;
  const failed = results.length - passed;
  // Before printing: who closes the pipe early still gets the right exit code.
  if (failed > 0) session.exit = EXIT_WRONG;
  for (const result of results) {
    if (json) session.printJson(result);
    else
      session.print(
        result.ok ? `ok    ${result.kind} ${result.name}\n` : `FAIL  ${result.kind} ${result.name}: ${result.why ?? "it differs"}\n`,
      );
  }
  if (json) session.printJson({ passed, failed });
  else session.print(`${passed} passed, ${failed} failed\n`);
}

function judge(file: string, session: Session): VectorResult[] {
  try {
    return judgeVectors(session.text(file), session.host.crypto);
  } catch (error) {
    if (error instanceof VectorFileError) throw new Failure(`${file} cannot be used: ${error.message}`);
    throw error;
  }
}
