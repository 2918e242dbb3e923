/** The locators of a context as rows for the API, and wishes about them checked before they are taken up (RFC 6316 §6). */
import type { PreferQuestion, WishedLocator, WishQuestion, WishResult } from "../api/facade.ts";
import type { LocatorsRow } from "../api/rows-locators.ts";
import type { Provider } from "../config/site.ts";
import type { ContextView } from "../shim6/contract.ts";
import type { Address } from "../value/address.ts";
import { contains } from "../value/prefix.ts";
import { METHOD_CGA, METHOD_HBA, PREFERENCE_BROKEN, type Preference } from "../wire/message.ts";
import type { Box } from "./box.ts";
import { pathFor } from "./explain-standing.ts";

/** What it works with. */
export interface LocatorParts {
  readonly box: Pick<Box, "parts" | "wish" | "wishOf">;
  readonly site: () => { readonly providers: readonly Pick<Provider, "name" | "prefix">[] };
}

const METHODS: Readonly<Record<number, string>> = { [METHOD_CGA]: "CGA", [METHOD_HBA]: "HBA" };
/** What a wish that names nothing more of it gives. */
const FIRST = { priority: 0, weight: 1 };

/** Locators and wishes of one box's contexts. For the control thread. */
export class Locators {
  readonly #parts: LocatorParts;

  constructor(parts: LocatorParts) {
    this.#parts = parts;
  }

  /** Both lists of context `id`; `undefined` = there is none. */
  row(id: number): LocatorsRow | undefined {
    const { box } = this.#parts;
    const context = box.parts.shim6.get(id);
    if (context === undefined) return undefined;
    const { pair, localLocators, peerLocators } = context;
    const current = box.parts.reap.currentOf(id) ?? context.current;
    const wish = box.wishOf(pair);
    const identity = box.parts.identities.of(pair.local);
    const paths = [...box.parts.reap.paths()];
    const listed = identity?.list.locators ?? localLocators.map((address) => ({ address, method: 0 }));
    return {
      id,
      local: listed.map(({ address, method }, place) => ({
        ...common(address, method, identity?.preferences[place], current.local, wish.local),
        provider: this.#providerOf(address) ?? null,
        isKnown: localLocators.includes(address),
      })),
      peer: peerLocators.map(({ address, method, preference, verified }) => ({
        ...common(address, method, preference, current.peer, wish.peer),
        isVerified: verified,
        path: pathFor(paths, { local: current.local, peer: address })?.state ?? "unknown",
      })),
    };
  }

  /** Takes `wish` up for context `id`. */
  wish(id: number, wish: WishQuestion): WishResult {
    const context = this.#established(id);
    if ("ok" in context) return context;
    for (const end of ["local", "peer"] as const) {
      const known = knownOf(context, end);
      const place = wish[end].findIndex(({ address }) => !known.includes(address));
      if (place >= 0)
        return invalid(`${end}/${place}/address`, `${wish[end][place].address} is none of the context's locators that may be used`);
    }
    const { box } = this.#parts;
    if (!box.wish(id, wish)) return { ok: false, why: "refused", detail: "there are as many wishes as there may be" };
    const isNothing = wish.local.length + wish.peer.length === 0;
    return { ok: true, detail: isNothing ? "nothing is wished of it any more" : "it goes by the wish as soon as that has proved to work" };
  }

  /** Takes up that context `id` is to go by a provider, or a pair. */
  prefer(id: number, { provider, local, peer }: PreferQuestion): WishResult {
    const context = this.#established(id);
    if ("ok" in context) return context;
    const own = provider === undefined ? local : context.localLocators.find((address) => this.#providerOf(address) === provider);
    if (provider !== undefined && own === undefined)
      return invalid("provider", `the context has no locator of a provider ${JSON.stringify(provider)}`);
    const named = (address: Address | undefined): readonly WishedLocator[] => (address === undefined ? [] : [{ address, ...FIRST }]);
    const result = this.wish(id, { local: named(own), peer: named(peer) });
    return result.ok || result.field === undefined ? result : { ...result, field: result.field.split("/")[0] };
  }

  #established(id: number): ContextView | Extract<WishResult, { ok: false }> {
    const context = this.#parts.box.parts.shim6.get(id);
    if (context === undefined) return { ok: false, why: "unknown", detail: `there is no context ${id}` };
    return context.state === "ESTABLISHED" ? context : { ok: false, why: "refused", detail: `context ${id} is not established` };
  }

  #providerOf(locator: Address): string | undefined {
    return this.#parts.site().providers.find(({ prefix }) => contains(prefix, locator))?.name;
  }
}

/** EINVALIDLOCATOR, and the MUST of RFC 6316 §14.1: what is not in the context's lists is not taken, nor what the peer has not proved. */
function knownOf({ localLocators, peerLocators }: ContextView, end: "local" | "peer"): readonly Address[] {
  return end === "local" ? localLocators : peerLocators.filter(({ verified }) => verified).map(({ address }) => address);
}

function common(address: Address, method: number, preference: Preference | undefined, current: Address, wishes: readonly WishedLocator[]) {
  const wished = wishes.find((each) => each.address === address);
  return {
    address,
    method: METHODS[method] ?? "none",
    priority: preference?.priority ?? null,
    weight: preference?.weight ?? null,
    isBroken: ((preference?.flags ?? 0) & PREFERENCE_BROKEN) !== 0,
    isCurrent: address === current,
    wished: wished === undefined ? null : { priority: wished.priority, weight: wished.weight },
  };
}

function invalid(field: string, detail: string): WishResult {
  return { ok: false, why: "invalid", detail, field };
}
