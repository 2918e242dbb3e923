/** A mistake in a configuration file, and how it is shown to the one who made it. */
export interface Fault {
  /** 1-based. */
  readonly line: number;
  /** 1-based, in UTF-16 units. */
  readonly column: number;
  /** The setting, such as `providers[1].prefix`; empty = the file as a whole. */
  readonly path: string;
  /** What is wrong: the end of a sentence that begins with the path. */
  readonly message: string;
  /** What to do; empty = nothing to add. */
  readonly hint: string;
}

const WIDEST = 160;

/**
 * The faults as text for a person: for each `file:line:column`, the complaint, the source line with a caret, the hint.
 * `text` is the file's content. Control characters are shown as dots, long lines are cut around the column.
 */
export function showFaults(faults: readonly Fault[], text: string, file: string): string {
  const lines = text.split(/\r\n|\r|\n/);
  return faults.map((fault) => showFault(fault, lines[fault.line - 1] ?? "", file)).join("\n");
}

function showFault(fault: Fault, source: string, file: string): string {
  const subject = fault.path === "" ? "" : `${fault.path} `;
  const number = String(fault.line);
  const margin = " ".repeat(number.length);
  const start = fault.column > WIDEST - 20 ? fault.column - Math.floor(WIDEST / 2) : 0;
  const shown = printable(source.slice(start, start + WIDEST));
  const head = `${file}:${fault.line}:${fault.column}: ${printable(subject + fault.message)}\n`;
  const excerpt = source.trim() === "" ? "" : ` ${number} | ${shown}\n ${margin} | ${" ".repeat(Math.max(0, fault.column - 1 - start))}^\n`;
  const hint = fault.hint === "" ? "" : ` ${margin} = ${printable(fault.hint)}\n`;
  return head + excerpt + hint;
}

/** One column on a terminal for each character, and nothing that moves the cursor. */
function printable(text: string): string {
  return text.replace(/\t/g, " ").replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "·");
}
