/** Budgets for what strangers can make us do: a token bucket for each source /48 and one for all. Bounded; no deadline of its own. */
import { type Address, addressOctets } from "../value/address.ts";
import { hex } from "../value/bytes.ts";
import type { Millis } from "../value/time.ts";
import { BUDGETS, type Budget, type BudgetName, LIMITED_SITES } from "./constants.ts";
import { Recent } from "./recent.ts";

const SITE_OCTETS = 6;

/** Names the /48 of `source`: what one site has (RFC 6177). */
export function siteOf(source: Address): string {
  return hex(addressOctets(source).subarray(0, SITE_OCTETS));
}

class Bucket {
  tokens: number;
  at: Millis;
  constructor(budget: Budget, now: Millis) {
    this.tokens = budget.burst;
    this.at = now;
  }
  refill(budget: Budget, now: Millis): boolean {
    this.tokens = Math.min(budget.burst, this.tokens + (Math.max(0, now - this.at) / 1000) * budget.rate);
    this.at = now;
    return this.tokens >= 1;
  }
}

/** All budgets of one machine. */
export class Limiter {
  readonly #totals = new Map<BudgetName, Bucket>();
  readonly #sites = new Recent<string, Bucket>(LIMITED_SITES);

  /**
   * Takes `cost` tokens of `name` for `who`: a source's /48, or what else shares a bucket. The last token buys anything, at the price of debt.
   * @returns `false`, taking none, if its bucket or everybody's is empty
   */
  allow(name: BudgetName, who: string, now: Millis, cost = 1): boolean {
    const { site: siteBudget, total: totalBudget } = BUDGETS[name];
    const total = this.#totals.get(name) ?? new Bucket(totalBudget, now);
    this.#totals.set(name, total);
    if (!total.refill(totalBudget, now)) return false;
    const key = `${name} ${who}`;
    const site = this.#sites.get(key) ?? new Bucket(siteBudget, now);
    this.#sites.set(key, site);
    if (!site.refill(siteBudget, now)) return false;
    total.tokens -= cost;
    site.tokens -= cost;
    return true;
  }
}
