import type { RuntimeName } from "./host.ts";

/** What the lab is asked to do. */
export interface LabOptions {
  /** One round of events, then the end; otherwise rounds until interrupted. */
  readonly once: boolean;
  /** Only the summary on standard output, as one line of JSON. */
  readonly json: boolean;
  /** What carries box A and box B; `undefined` = the runtime the lab runs on. */
  readonly runtimeA?: RuntimeName | undefined;
  readonly runtimeB?: RuntimeName | undefined;
  /** Seconds from the stream's start to the first event; the other times follow from it. */
  readonly seconds?: number | undefined;
  /** Directory for captures of every cable. */
  readonly capture?: string | undefined;
  /** So many rounds, each in a new world; more than one implies {@link once}. */
  readonly passes?: number | undefined;
  /** What the boxes print is shown. */
  readonly verbose?: boolean | undefined;
  /** One-way delay between the sites, milliseconds. */
  readonly delay?: number | undefined;
}

/** The same options as words behind `pshim6 lab`, for a process that goes on in our place. */
export function optionWords(options: LabOptions): string[] {
  const valued: [string, string | number | undefined][] = [
    ["--runtime-a", options.runtimeA],
    ["--runtime-b", options.runtimeB],
    ["--seconds", options.seconds],
    ["--capture", options.capture],
    ["--passes", options.passes],
    ["--delay", options.delay],
  ];
  return [
    ...(options.once ? ["--once"] : []),
    ...(options.json ? ["--json"] : []),
    ...(options.verbose === true ? ["--verbose"] : []),
    ...valued.flatMap(([name, value]) => (value === undefined ? [] : [name, String(value)])),
  ];
}

/** Milliseconds. */
export interface Schedule {
  /** Before the first event. */
  readonly lead: number;
  /** From each event to the next, and from the last to the end. */
  readonly dwell: number;
}

const DEFAULT_LEAD = 8;
/** A context with the fast profile has settled long before; one with RFC 5534's 15 s has not, and the pass waits for it. */
const SHORTEST_DWELL = 2;

/** When things happen. */
export function scheduleOf(options: LabOptions): Schedule {
  const lead = options.seconds ?? DEFAULT_LEAD;
  return { lead: lead * 1000, dwell: Math.max(SHORTEST_DWELL, lead * 0.75) * 1000 };
}
