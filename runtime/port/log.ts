/** Values beside a message. Octets are shown by their number only, so that no key can slip into a log. */
export type Fields = Readonly<Record<string, unknown>>;

/** Notes for the operator. A message is a constant sentence; what varies goes into `fields`. No secrets, ever. */
export interface Log {
  /** What only the one who hunts a fault wants. */
  debug(message: string, fields?: Fields): void;
  /** What happens rarely and is worth knowing afterwards. */
  info(message: string, fields?: Fields): void;
  /** Something is wrong and the box goes on. */
  warn(message: string, fields?: Fields): void;
  /** Something is wrong and what was asked for does not happen. */
  error(message: string, fields?: Fields): void;
}

/** From most to least. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** How logs are kept. */
export interface LogOptions {
  /** Notes below this level are not written. */
  readonly level: LogLevel;
  /** Areas with a level of their own: `shim6`, `reap`, `data`, … */
  readonly areas?: Readonly<Record<string, LogLevel>>;
  /** One line for people, or one JSON object a line. */
  readonly format: "text" | "json";
  /** The reader is systemd's journal: it gets the priority of each line (sd-daemon(3)), and has a clock of its own. */
  readonly journal?: boolean;
}

/** All logs of the program: one for each area. */
export interface Logs {
  /** The log of one area; the same name gives the same log. */
  area(name: string): Log;
  /** From now on, for every area. Before the first call: `warn`, text. */
  configure(options: LogOptions): void;
}
