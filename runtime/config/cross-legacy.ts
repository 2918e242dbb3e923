/** Checks of `legacy` against the rest; see {@link ./cross.ts}. */
import { contains, type Prefix } from "../value/prefix.ts";
import { type At, at, entries, type Findings } from "./draft.ts";
import { globalAddressField } from "./fields.ts";
import { dig } from "./path.ts";
import { SPARED_LIMIT } from "./site.ts";

/** Everything that is wrong about hosts that are mapped. */
export function checkLegacy(root: unknown, { generic }: { readonly generic: At<Prefix> | undefined }, { fault, warning }: Findings): void {
  const names = dig(root, ["legacy", "names"]);
  if (names !== undefined && dig(root, ["dns"]) === undefined)
    warning(["legacy", "names"], "has nothing to decide", "it is about the answers of the DNS gateway, which there is not");
  if (dig(root, ["legacy", "mode"]) !== "map" || generic === undefined) return;
  const spared = entries(root, ["bindings"]).filter((path) => {
    const peer = at(root, [...path, "ulid"], globalAddressField);
    return peer !== undefined && !contains(generic.value, peer.value);
  });
  if (spared.length > SPARED_LIMIT)
    fault(
      spared[SPARED_LIMIT],
      `is one of ${spared.length} hosts outside ulid.generic`,
      `with legacy.mode: map the box tells at most ${SPARED_LIMIT} of them from peers without Shim6`,
    );
}
