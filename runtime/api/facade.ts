import type { Address } from "../value/address.ts";
import type { BindingRow, ContextRow, PathRow, ProviderRow, StatusRow } from "./rows.ts";

/**
 * The box as the API sees it. Each call answers for the present moment, does not wait and changes nothing; rows are made
 * on the way, so that the API can stop after the few that it needs.
 */
export interface BoxFacade {
  status(): StatusRow;
  /** All of them, or those with `ulid` at either end. */
  contexts(ulid: Address | undefined): Iterable<ContextRow>;
  paths(): Iterable<PathRow>;
  /** In the order of site.yaml. */
  providers(): Iterable<ProviderRow>;
  /** All of them, or those of `ulid`. */
  bindings(ulid: Address | undefined): Iterable<BindingRow>;
  /** Counter → total since start, zeros included; names as `<in|out|punt|drop>-<why>-<protocol>`. */
  counters(): Iterable<readonly [name: string, total: number]>;
}
