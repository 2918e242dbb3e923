/** Providers whose prefix site.yaml leaves to a hook (`prefix: auto`): what was told of them takes its place before anything is checked. */

import { type Prefix, showPrefix } from "../value/prefix.ts";
import { entries } from "./draft.ts";
import { nameField } from "./fields.ts";
import { dig } from "./path.ts";
import type { AwaitedProvider, Provider, Site } from "./site.ts";

/** What stands in place of a prefix that a hook tells. */
export const AUTO = "auto";

/** Prefixes that were told, by provider's name. */
export type ToldPrefixes = ReadonlyMap<string, Prefix>;

/** The content of a site.yaml with what was told in its place, and the names of those whose prefix is told. Nothing of `root` is changed. */
export function withTold(root: unknown, told: ToldPrefixes): { readonly root: unknown; readonly autos: ReadonlySet<string> } {
  const autos = new Set<string>();
  const list = dig(root, ["providers"]);
  if (typeof root !== "object" || root === null || !Array.isArray(list)) return { root, autos };
  const providers: unknown[] = [...list];
  for (const path of entries(root, ["providers"])) {
    const name = nameField.safeParse(dig(root, [...path, "name"])).data;
    if (name === undefined || dig(root, [...path, "prefix"]) !== AUTO) continue;
    autos.add(name);
    const prefix = told.get(name);
    const place = Number(path[1]);
    if (prefix !== undefined) providers[place] = { ...Object(providers[place]), prefix: showPrefix(prefix) };
  }
  return { root: { ...root, providers }, autos };
}

/** All providers of `site`, in the order of site.yaml. */
export function everyProvider({ providers, awaited }: Pick<Site, "providers" | "awaited">): (Provider | AwaitedProvider)[] {
  const all: (Provider | AwaitedProvider)[] = [...providers];
  for (const provider of awaited) all.splice(provider.place, 0, provider);
  return all;
}
