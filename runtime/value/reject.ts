/**
 * Why octets from the network were not taken. `why` is the counter's name behind `drop-`; `at` is the octet (from the
 * first octet of what was being read) or the number that was wrong.
 */
export class Reject {
  readonly why: string;
  readonly at: number;
  constructor(why: string, at: number) {
    this.why = why;
    this.at = at;
  }
}

/** Short for `new Reject`. */
export function reject(why: string, at = 0): Reject {
  return new Reject(why, at);
}
