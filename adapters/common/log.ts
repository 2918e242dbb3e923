import { fstatSync, writeSync } from "node:fs";
import { configureSync, getLogger, type LogRecord, type LogLevel as LogtapeLevel } from "@logtape/logtape";
import type { Fields, Log, LogLevel, LogOptions, Logs } from "../../runtime/port/log.ts";

const ROOT = "pshim6";
export const STDERR = 2;
const LEVELS: Record<LogLevel, LogtapeLevel> = { debug: "debug", info: "info", warn: "warning", error: "error" };
/** Priorities of syslog(3), as sd-daemon(3) wants them before a line. */
const PRIORITIES: Readonly<Record<string, string>> = { debug: "<7>", info: "<6>", warning: "<4>", error: "<3>" };

/**
 * Logs on standard error, through LogTape. LogTape's configuration is the process's: make one of these.
 * `write` takes each line, with its end.
 */
export function systemLogs(write: (line: string) => void = writeStderr): Logs {
  const areas = new Map<string, Log>();
  const configure = ({ level, areas: own = {}, format, journal = false }: LogOptions) => {
    const plain = format === "json" ? showJson : showText;
    const show = (record: LogRecord): string =>
      journal ? `${PRIORITIES[record.level] ?? ""}${plain(record, false)}` : plain(record, true);
    configureSync({
      reset: true,
      sinks: { stderr: (record) => write(`${show(record)}\n`) },
      loggers: [
        { category: [ROOT], lowestLevel: LEVELS[level], sinks: ["stderr"] },
        ...Object.entries(own).map(([area, lowest]) => ({
          category: [ROOT, area],
          lowestLevel: LEVELS[lowest],
          sinks: ["stderr"],
          parentSinks: "override" as const,
        })),
        { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["stderr"] },
      ],
    });
  };
  configure({ level: "warn", format: "text" });
  return {
    configure,
    area(name) {
      const known = areas.get(name);
      if (known !== undefined) return known;
      const made = openLog(name);
      areas.set(name, made);
      return made;
    },
  };
}

/** Whether `descriptor` is the stream of the journal that systemd names in JOURNAL_STREAM, as `device:inode` (systemd.exec(5)). */
export function isJournal(descriptor: number, stream: string | undefined): boolean {
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(descriptor, { bigint: true });
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

function openLog(area: string): Log {
  const logger = getLogger([ROOT, area]);
  return {
    debug: (message, fields = {}) => logger.debug(literal(message), fields),
    info: (message, fields = {}) => logger.info(literal(message), fields),
    warn: (message, fields = {}) => logger.warn(literal(message), fields),
    error: (message, fields = {}) => logger.error(literal(message), fields),
  };
}

/** LogTape reads braces as places for fields; our messages are plain sentences. */
function literal(message: string): string {
  return message.replaceAll("{", "{{").replaceAll("}", "}}");
}

function showText({ timestamp, level, category, message, properties }: LogRecord, timed: boolean): string {
  const fields = Object.entries(properties).map(([name, value]) => ` ${name}=${showValue(value)}`);
  const time = timed ? `${new Date(timestamp).toISOString()} ` : "";
  return `${time}${shortLevel(level)} ${category.at(-1)}: ${message.join("")}${fields.join("")}`;
}

function showJson({ timestamp, level, category, message, properties }: LogRecord, timed: boolean): string {
  const time = timed ? { time: new Date(timestamp).toISOString() } : {};
  const head = { ...time, level: shortLevel(level), area: category.at(-1), message: message.join("") };
  return JSON.stringify({ ...head, ...plainFields(properties) });
}

function shortLevel(level: LogtapeLevel): string {
  return level === "warning" ? "warn" : level;
}

function showValue(value: unknown): string {
  const text = plain(value);
  if (typeof text === "string") return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
  return JSON.stringify(text) ?? "undefined";
}

function plainFields(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, plain(value)]));
}

/** What can be written of a value: octets only as their number, errors as their sentence, no stack. */
function plain(value: unknown): unknown {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `<${value.byteLength} octets>`;
  if (value instanceof Error) return value.message;
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return plainFields(Object.fromEntries(value));
  if (typeof value === "object" && value !== null) return plainFields(value as Fields);
  return value;
}

/** A log that nobody can read any more must not stop the box. */
function writeStderr(line: string): void {
  try {
    writeSync(STDERR, line);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
}
