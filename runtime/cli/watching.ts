/** `--watch`: the same again and again, in the same place where a person looks. */
import { Silence } from "./ask.ts";
import type { Session } from "./session.ts";
import { fit } from "./table.ts";

const HOME = "\x1b[H";
const CLEAR = "\x1b[2J";
const TO_LINE_END = "\x1b[K";
const TO_SCREEN_END = "\x1b[J";

/** Prints what `once` gives every `seconds`, until SIGINT or SIGTERM; without `seconds` one time. A box that goes away is waited for on a terminal. */
export async function watch(session: Session, seconds: number | undefined, once: (stop: AbortSignal) => Promise<string>): Promise<void> {
  const { host } = session;
  const stop = new AbortController();
  if (seconds === undefined) {
    session.print(await once(stop.signal));
    return;
  }
  const onScreen = host.host.isTerminal("stdout");
  const unhook = host.onStop(() => stop.abort());
  try {
    for (let first = true; !stop.signal.aborted; first = false) {
      const text = await attempt(once, stop.signal, onScreen && !first);
      if (text === undefined) return;
      if (onScreen) session.print(frame(text, { ...host.terminal.size(), first }));
      else session.print(text);
      if (!(await host.pause(seconds * 1_000))) return;
    }
  } finally {
    unhook();
  }
}

/** `undefined` = the user wants to stop. */
async function attempt(once: (stop: AbortSignal) => Promise<string>, stop: AbortSignal, patient: boolean): Promise<string | undefined> {
  try {
    return await once(stop);
  } catch (error) {
    if (stop.aborted) return undefined;
    if (patient && error instanceof Silence) return `${error.message}\n`;
    throw error;
  }
}

/** `text` over what stands on the screen, cut to it; the first time on an empty one. */
function frame(text: string, { columns, rows, first }: { columns: number; rows: number; first: boolean }): string {
  const lines = text.trimEnd().split("\n");
  const room = Math.max(1, rows - 1);
  const shown = lines.length <= room ? lines : [...lines.slice(0, room - 1), fit(`… ${lines.length - room + 1} more lines`, columns)];
  return `${HOME}${first ? CLEAR : ""}${shown.map((line) => `${line}${TO_LINE_END}\n`).join("")}${TO_SCREEN_END}`;
}
