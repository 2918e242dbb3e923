/**
 * Locator List (RFC 5533 §5.15.2).
 *
 *     |           Type = 2          |C|            Length             |
 *     |                    Locator List Generation                    |
 *     | Num Locators  |       N Octets of Verification Method         ~
 *     ~                 Padding: (7 - N) mod 8 octets                 ~
 *     ~                   Locators 1 through N (16 each)              ~
 *
 * The padding inside is counted in Length and puts the locators on an 8-octet boundary of the header.
 */
import { ADDRESS_OCTETS, addressAt, putAddress } from "../../value/address.ts";
import { putU32, u32 } from "../../value/bytes.ts";
import { type Reject, reject } from "../../value/reject.ts";
import type { ListedLocator } from "../message.ts";
import { OPTION_LOCATOR_LIST } from "../number.ts";
import { checkUnsigned, type OptionCodec, type OptionOf } from "./codec.ts";

/** Octets of Contents before the first verification method. */
export const LOCATOR_METHODS_AT = 5;

export const locatorList: OptionCodec<OptionOf<"locator-list">> = {
  kind: "locator-list",
  type: OPTION_LOCATOR_LIST,
  parse,
  length,
  emit,
  show,
};

function parse(contents: Uint8Array): OptionOf<"locator-list"> | Reject {
  if (contents.length < LOCATOR_METHODS_AT) return reject("bad-list-shim6", contents.length);
  const count = contents[4];
  if (count === 0 || contents.length !== lengthOf(count)) return reject("bad-list-shim6", count);
  const locators: ListedLocator[] = [];
  for (let i = 0; i < count; i++) {
    locators.push({ address: addressAt(contents, locatorAt(count, i)), method: contents[LOCATOR_METHODS_AT + i] });
  }
  return { kind: "locator-list", generation: u32(contents, 0), locators };
}

function length(option: OptionOf<"locator-list">): number {
  return lengthOf(option.locators.length);
}

function emit(option: OptionOf<"locator-list">, contents: Uint8Array): void {
  const count = checkUnsigned(option.locators.length, 8, "number of locators");
  if (count === 0) throw new RangeError("a locator list has at least one locator");
  putU32(contents, 0, checkUnsigned(option.generation, 32, "locator list generation"));
  contents[4] = count;
  option.locators.forEach(({ address, method }, i) => {
    contents[LOCATOR_METHODS_AT + i] = checkUnsigned(method, 8, "verification method");
    putAddress(address, contents, locatorAt(count, i));
  });
}

function show({ generation, locators }: OptionOf<"locator-list">): string {
  return `locators g${generation} ${locators.map(({ address, method }) => `${address}/${method}`).join(",")}`;
}

function lengthOf(count: number): number {
  return locatorAt(count, count);
}

function locatorAt(count: number, index: number): number {
  return LOCATOR_METHODS_AT + count + ((15 - (count % 8)) % 8) + ADDRESS_OCTETS * index;
}
