/**
 * Which lines carry: told by the kernel, believed at once when they go, and with patience when they come back, because a line that flaps
 * does more harm than one that is gone. The damping is that of RFC 2439 §4.2: each loss costs a penalty that halves with time; above one
 * threshold the line stays out although it is up, until the penalty is below another. A pure machine.
 */
import type { LinkState } from "../port/links.ts";
import { type Millis, NEVER } from "../value/time.ts";

/** How long a flapping line is left alone. */
export interface Damping {
  /** In which a penalty halves. */
  readonly halfLife: Millis;
  /** At most, after the last loss. */
  readonly longest: Millis;
}

/** A line may be used again, or may not. */
export interface LineChange {
  readonly name: string;
  readonly usable: boolean;
}

/** A loss costs so much; more than {@link CUT_OFF} keeps the line out until less than {@link REUSE} is left (figures as RFC 2439 §4.8.1 has them). */
const PENALTY = 1_000;
const CUT_OFF = 2_000;
const REUSE = 750;

interface Line {
  up: boolean;
  usable: boolean;
  penalty: number;
  /** When `penalty` was right. */
  at: Millis;
  suppressed: boolean;
}

/** The lines of a box. One that nothing has been heard of is taken for up. */
export class Liveness {
  readonly #damping: () => Damping;
  readonly #lines = new Map<string, Line>();

  constructor(damping: () => Damping) {
    this.#damping = damping;
  }

  /** Interfaces that must not be used now. */
  get dead(): ReadonlySet<string> {
    return new Set([...this.#lines].filter(([, { usable }]) => !usable).map(([name]) => name));
  }

  /** When {@link poll} is due. */
  get wakeAt(): Millis {
    return Math.min(NEVER, ...[...this.#lines.values()].filter((line) => line.up && line.suppressed).map((line) => this.#releaseOf(line)));
  }

  /** @returns what the report changes, if anything */
  heard({ name, up }: LinkState, now: Millis): LineChange | undefined {
    const line = this.#lines.get(name) ?? { up: true, usable: true, penalty: 0, at: now, suppressed: false };
    const known = this.#lines.has(name);
    this.#lines.set(name, line);
    if (up === line.up) return undefined;
    line.up = up;
    this.#decay(line, now);
    // A line that was down when the box came up has lost nothing yet.
    if (!up && known) this.#punish(line);
    return this.#judge(name, line);
  }

  /** Forgets all but those with these names: what is forgotten is taken for up again. */
  keep(names: ReadonlySet<string>): void {
    for (const name of this.#lines.keys()) if (!names.has(name)) this.#lines.delete(name);
  }

  /** @returns lines that have been left alone for long enough */
  poll(now: Millis): LineChange[] {
    return [...this.#lines].flatMap(([name, line]) => {
      if (!line.up || !line.suppressed || now < this.#releaseOf(line)) return [];
      this.#decay(line, now);
      line.suppressed = false;
      return this.#judge(name, line) ?? [];
    });
  }

  #judge(name: string, line: Line): LineChange | undefined {
    const usable = line.up && !line.suppressed;
    if (usable === line.usable) return undefined;
    line.usable = usable;
    return { name, usable };
  }

  #punish(line: Line): void {
    const { halfLife, longest } = this.#damping();
    line.penalty = Math.min(line.penalty + PENALTY, REUSE * 2 ** (longest / halfLife));
    if (line.penalty > CUT_OFF) line.suppressed = true;
  }

  #decay(line: Line, now: Millis): void {
    line.penalty *= 2 ** ((line.at - now) / this.#damping().halfLife);
    line.at = now;
    if (line.penalty < REUSE) line.suppressed = false;
  }

  /** When its penalty will have come down to {@link REUSE}. */
  #releaseOf({ penalty, at }: Line): Millis {
    return at + Math.max(0, this.#damping().halfLife * Math.log2(penalty / REUSE));
  }
}
