/**
 * Locator Preferences (RFC 5533 §5.15.3).
 *
 *     |           Type = 3          |C|            Length             |
 *     |                    Locator List Generation                    |
 *     |  Element Len  |  Element[1]   |  Element[2]   | ...           |
 *
 * An element: flags, priority, weight, and whatever a longer one holds; only so many octets as Element Len says.
 */
import { putU32, u32 } from "../../value/bytes.ts";
import { type Reject, reject } from "../../value/reject.ts";
import type { Preference } from "../message.ts";
import { OPTION_LOCATOR_PREFERENCES } from "../number.ts";
import { checkUnsigned, type OptionCodec, type OptionOf } from "./codec.ts";

/** Octets of Contents before the first element. */
const ELEMENTS_AT = 5;

export const locatorPreferences: OptionCodec<OptionOf<"locator-preferences">> = {
  kind: "locator-preferences",
  type: OPTION_LOCATOR_PREFERENCES,
  parse,
  length,
  emit,
  show,
};

function parse(contents: Uint8Array): OptionOf<"locator-preferences"> | Reject {
  if (contents.length < ELEMENTS_AT) return reject("bad-preferences-shim6", contents.length);
  const elementLength = contents[4];
  if (elementLength === 0) return reject("bad-preferences-shim6", 0);
  const elements: Preference[] = [];
  let at = ELEMENTS_AT;
  for (; at + elementLength <= contents.length; at += elementLength) elements.push(readElement(contents.subarray(at, at + elementLength)));
  const option = { kind: "locator-preferences" as const, generation: u32(contents, 0), elementLength, elements };
  return at === contents.length ? option : { ...option, ragged: true };
}

function readElement(octets: Uint8Array): Preference {
  const [flags, priority, weight] = octets;
  if (octets.length === 1) return { flags };
  if (octets.length === 2) return { flags, priority };
  if (octets.length === 3) return { flags, priority, weight };
  return { flags, priority, weight, rest: octets.slice(3) };
}

function length({ elementLength, elements }: OptionOf<"locator-preferences">): number {
  return ELEMENTS_AT + elementLength * elements.length;
}

function emit({ generation, elementLength, elements, ragged }: OptionOf<"locator-preferences">, contents: Uint8Array): void {
  if (elementLength === 0 || ragged) throw new RangeError("preferences that do not divide into elements cannot be written");
  putU32(contents, 0, checkUnsigned(generation, 32, "locator list generation"));
  contents[4] = checkUnsigned(elementLength, 8, "element length");
  elements.forEach(({ flags, priority = 0, weight = 0, rest }, i) => {
    const element = contents.subarray(ELEMENTS_AT + i * elementLength, ELEMENTS_AT + (i + 1) * elementLength);
    const octets = [checkUnsigned(flags, 8, "flags"), checkUnsigned(priority, 8, "priority"), checkUnsigned(weight, 8, "weight")];
    element.set(octets.slice(0, elementLength));
    if (rest !== undefined && elementLength > 3) element.set(rest.subarray(0, elementLength - 3), 3);
  });
}

function show({ generation, elements, ragged }: OptionOf<"locator-preferences">): string {
  const each = elements.map(({ flags, priority, weight }) => [flags, priority, weight].filter((octet) => octet !== undefined).join("/"));
  return `preferences g${generation} ${each.join(",")}${ragged ? " ragged" : ""}`;
}
