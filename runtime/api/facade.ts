import type { BindingRow, ContextRow, PathRow, ProviderRow, StatusRow } from "./rows.ts";

/**
 * The box as the API sees it. Each call answers for the present moment, does not wait and changes nothing; rows are made
 * on the way, so that the API can stop after the few that it needs.
 */
export interface BoxFacade {
  status(): StatusRow;
  /** In order of `id`. */
  contexts(): Iterable<ContextRow>;
  paths(): Iterable<PathRow>;
  /** In the order of site.yaml. */
  providers(): Iterable<ProviderRow>;
  bindings(): Iterable<BindingRow>;
  /** Counter → total since start, zeros included; names as `<in|out|punt|drop>-<why>-<protocol>`. */
  counters(): Iterable<readonly [name: string, total: number]>;
}
