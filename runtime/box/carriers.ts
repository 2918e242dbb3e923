/** Which provider a locator belongs to, remembered: lists of a hundred thousand contexts ask for few locators, again and again. */
import type { Provider } from "../config/site.ts";
import type { Address } from "../value/address.ts";
import { contains } from "../value/prefix.ts";

/** Locators remembered; then it begins anew. */
const LOCATORS = 131_072;

/** Names of providers, by locator. */
export class Carriers {
  readonly #providers: () => readonly Pick<Provider, "name" | "prefix">[];
  readonly #names = new Map<Address, string | undefined>();
  #from: readonly Pick<Provider, "name" | "prefix">[] | undefined;

  /** @param providers those of the site now; another array after a reload */
  constructor(providers: () => readonly Pick<Provider, "name" | "prefix">[]) {
    this.#providers = providers;
  }

  /** The provider whose prefix holds `locator`. */
  nameOf(locator: Address): string | undefined {
    const providers = this.#providers();
    if (providers !== this.#from || this.#names.size >= LOCATORS) {
      this.#names.clear();
      this.#from = providers;
    }
    const known = this.#names.get(locator);
    if (known !== undefined || this.#names.has(locator)) return known;
    const name = providers.find(({ prefix }) => contains(prefix, locator))?.name;
    this.#names.set(locator, name);
    return name;
  }
}
