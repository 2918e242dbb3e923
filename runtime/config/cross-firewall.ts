/** Checks of `firewall` and `admission` against the rest; see {@link ./cross.ts}. */
import { covers, type Prefix, showPrefix } from "../value/prefix.ts";
import { type At, at, entries, type Findings } from "./draft.ts";
import { nameField, prefixField, quote } from "./fields.ts";
import { endField } from "./firewall-schema.ts";
import { dig, type Path } from "./path.ts";

/** Everything that is wrong with the filter, between settings. */
export function checkFirewall(root: unknown, { ulid }: { readonly ulid: At<Prefix> | undefined }, findings: Findings): void {
  const sets = dig(root, ["firewall", "sets"]);
  const known = new Set(typeof sets === "object" && sets !== null ? Object.keys(sets) : []);
  const used = new Set<string>();
  const names = new Map<string, number>();
  entries(root, ["firewall", "rules"]).forEach((path, i) => {
    const name = at(root, [...path, "name"], nameField);
    const earlier = name && names.get(name.value);
    if (name !== undefined && earlier !== undefined)
      findings.fault(name.path, `is taken already: ${quote(name.value)}`, "counters of rules are told apart by their names");
    if (name !== undefined) names.set(name.value, i);
    for (const side of ["from", "to"] as const) {
      for (const place of entries(root, [...path, side])) {
        const end = at(root, place, endField)?.value;
        if (end === undefined || !("set" in end)) continue;
        used.add(end.set);
        if (!known.has(end.set)) findings.fault(place, `names no set: ${quote(end.set)}`, setsHint(known));
      }
    }
    checkSides(root, path, ulid, findings);
  });
  for (const set of known)
    if (!used.has(set)) findings.warning(["firewall", "sets", set], "is used by no rule", "name it in a rule, or leave it out");
  entries(root, ["admission"]).forEach((path, i, all) => {
    const isOpen = ["peers", "hosts", "locators"].every((key) => dig(root, [...path, key]) === undefined);
    if (isOpen && i + 1 < all.length)
      findings.warning(
        all[i + 1],
        `can never decide: the entry in line ${findings.lineOf(path)} matches everything`,
        "put it before that one",
      );
  });
}

function setsHint(known: ReadonlySet<string>): string {
  return known.size === 0 ? "there is none; add it to firewall.sets" : `there is: ${[...known].join(", ")}`;
}

/** A flow begins on one side and ends on the other. */
function checkSides(root: unknown, path: Path, ulid: At<Prefix> | undefined, { warning }: Findings): void {
  if (ulid === undefined) return;
  const direction = dig(root, [...path, "direction"]) ?? "in";
  const foreign = direction === "in" ? "from" : "to";
  for (const place of entries(root, [...path, foreign])) {
    const prefix = at(root, place, prefixField)?.value;
    if (prefix !== undefined && covers(ulid.value, prefix))
      warning(
        place,
        `lies inside ulid.prefix, ${showPrefix(ulid.value)}: ${showPrefix(prefix)}`,
        "packets between own hosts do not pass the filter",
      );
  }
}
