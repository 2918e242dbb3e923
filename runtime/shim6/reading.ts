/**
 * RFC 5533 numbers the verification methods in two ways: HBA 1 and CGA 2 in §5.15.2, the other way round in §17. We send the
 * first; of a peer's list, the reading counts that verifies, for all its locators alike.
 */
import { type LocatorList, METHOD_CGA, METHOD_HBA } from "../wire/message.ts";

/** The list in the other numbering; `undefined` if it has another method as well, which no reading makes right. */
export function exchanged(list: LocatorList): LocatorList | undefined {
  if (list.locators.some(({ method }) => method !== METHOD_HBA && method !== METHOD_CGA)) return undefined;
  const locators = list.locators.map(({ address, method }) => ({ address, method: METHOD_HBA + METHOD_CGA - method }));
  return { generation: list.generation, locators };
}

/** Whether a signature must prove part of the list. */
export function hasCga({ locators }: LocatorList): boolean {
  return locators.some(({ method }) => method === METHOD_CGA);
}
