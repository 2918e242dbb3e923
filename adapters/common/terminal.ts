import process from "node:process";
import { isatty } from "node:tty";
import type { Terminal } from "../../runtime/port/terminal.ts";

/** Where nobody says how large it is. */
const COLUMNS = 80;
const ROWS = 24;

/** The process' terminal, through `node:`, which all three runtimes have. */
export const systemTerminal: Terminal = {
  size: () => ({ columns: process.stdout.columns || COLUMNS, rows: process.stdout.rows || ROWS }),
  keys(heard) {
    const { stdin } = process;
    if (!isatty(0)) return () => undefined;
    const listen = (piece: string | Uint8Array): void => heard(typeof piece === "string" ? piece : new TextDecoder().decode(piece));
    stdin.setRawMode(true);
    stdin.on("data", listen);
    stdin.resume();
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      stdin.off("data", listen);
      stdin.setRawMode(false);
      stdin.pause();
    };
  },
  onResize(run) {
    process.on("SIGWINCH", run);
    return () => void process.off("SIGWINCH", run);
  },
};
