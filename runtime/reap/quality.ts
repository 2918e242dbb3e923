/**
 * How good a path is that works: the share of questions that are not answered, and how long answers take, both weighted towards now. A path that is
 * too bad for a while is browned out, and stays so until it has been good for a while; the more often that happens, the longer. A pure machine.
 */
import { type Millis, NEVER } from "../value/time.ts";

/** When a path is browned out, and what finding out may cost. */
export interface QualitySettings {
  /** Share of questions without an answer, 0 … 1, from which on it is. */
  readonly loss: number;
  /** Round trip from which on it is. */
  readonly delay: Millis;
  /** Between two questions on a path in use. */
  readonly interval: Millis;
  /** The same on a path that contexts could take. */
  readonly standby: Millis;
  /** For how long a path has to be good until it is no longer browned out, the first time. */
  readonly hold: Millis;
}

// Chosen values.

/** New samples count for so much; the first ones for as much as their number says. */
const LOSS_GAIN = 1 / 32;
const DELAY_GAIN = 1 / 16;
/** With fewer samples nothing is said of a path. */
export const SAMPLES_LEAST = 10;
/** Shares of the thresholds below which a browned-out path is good again. */
export const GOOD_LOSS = 1 / 2;
export const GOOD_DELAY = 3 / 4;
/** Each brown-out so soon after the last one doubles the hold, up to the second. */
export const FLAP_MEMORY: Millis = 600_000;
export const HOLD_MOST: Millis = 600_000;

/** What is known of one path. */
export class PathQuality {
  #samples = 0;
  #loss = 0;
  #delay: Millis | undefined;
  #brown = false;
  #hold: Millis = 0;
  #goodSince: Millis | undefined;
  #endedAt: Millis | undefined;
  #flaps = 0;
  /** When contexts last left the path for being browned out. */
  leftAt: Millis = -NEVER;

  /** Whether it is browned out. */
  get brown(): boolean {
    return this.#brown;
  }

  /** Share of questions without an answer; `undefined` = too few were asked. */
  get loss(): number | undefined {
    return this.#samples < SAMPLES_LEAST ? undefined : this.#loss;
  }

  /** Smoothed round trip; `undefined` = nothing was answered yet. */
  get delay(): Millis | undefined {
    return this.#delay;
  }

  /** For how long the path is to be good now until it is used again, milliseconds. */
  get hold(): Millis {
    return this.#hold;
  }

  /** How bad it is: 1 = just bad enough; `undefined` = not known. */
  badness({ loss, delay }: QualitySettings): number | undefined {
    return this.#samples < SAMPLES_LEAST ? undefined : Math.max(this.#loss / loss, (this.#delay ?? 0) / delay);
  }

  /** What was measured is too old, or says nothing: it begins anew. Whether it is browned out stays. */
  restart(): void {
    this.#samples = 0;
  }

  /** A question was answered after `roundTrip`. `late` = it has been taken for lost before. @returns whether `brown` has changed */
  answered(roundTrip: Millis, late: boolean, now: Millis, settings: QualitySettings): boolean {
    if (late) this.#loss = Math.max(0, this.#loss - LOSS_GAIN);
    else this.#count(0);
    this.#delay = this.#delay === undefined ? roundTrip : this.#delay + DELAY_GAIN * (roundTrip - this.#delay);
    return this.#judge(now, settings);
  }

  /** A question was not answered in time. @returns whether `brown` has changed */
  missed(now: Millis, settings: QualitySettings): boolean {
    this.#count(1);
    return this.#judge(now, settings);
  }

  #count(lost: 0 | 1): void {
    this.#samples++;
    this.#loss += Math.max(LOSS_GAIN, 1 / this.#samples) * (lost - this.#loss);
  }

  #judge(now: Millis, settings: QualitySettings): boolean {
    if (this.#samples < SAMPLES_LEAST) return false;
    const delay = this.#delay ?? 0;
    if (!this.#brown) {
      if (this.#loss < settings.loss && delay < settings.delay) return false;
      this.#flaps = this.#endedAt !== undefined && now - this.#endedAt < FLAP_MEMORY ? this.#flaps + 1 : 0;
      this.#hold = Math.min(Math.max(HOLD_MOST, settings.hold), settings.hold * 2 ** this.#flaps);
      this.#goodSince = undefined;
      this.#brown = true;
      return true;
    }
    if (this.#loss > GOOD_LOSS * settings.loss || delay > GOOD_DELAY * settings.delay) {
      this.#goodSince = undefined;
      return false;
    }
    this.#goodSince ??= now;
    if (now - this.#goodSince < this.#hold) return false;
    this.#brown = false;
    this.#endedAt = now;
    return true;
  }
}
