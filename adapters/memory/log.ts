import { type Fields, LOG_LEVELS, type Log, type LogLevel, type LogOptions, type Logs } from "../../runtime/port/log.ts";

/** A note that was taken. */
export interface Note {
  readonly area: string;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Fields;
}

/** Logs, and what was noted. */
export interface MemoryLogs extends Logs {
  /** The notes since the last call, oldest first. */
  take(): Note[];
}

/** Logs that keep their notes, at most `limit` of them: the oldest go first. */
export function memoryLogs(limit = 1_000): MemoryLogs {
  const notes: Note[] = [];
  let options: LogOptions = { level: "warn", format: "text" };
  const noting =
    (area: string, level: LogLevel) =>
    (message: string, fields: Fields = {}) => {
      if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(options.areas?.[area] ?? options.level)) return;
      notes.push({ area, level, message, fields });
      if (notes.length > limit) notes.shift();
    };
  return {
    take: () => notes.splice(0),
    configure(given) {
      options = given;
    },
    area: (name): Log => ({
      debug: noting(name, "debug"),
      info: noting(name, "info"),
      warn: noting(name, "warn"),
      error: noting(name, "error"),
    }),
  };
}
