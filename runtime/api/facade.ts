import type { Address } from "../value/address.ts";
import type { BindingRow, ContextRow, FirewallRow, KeyRow, LeaseRow, PathRow, ProviderRow, StatusRow } from "./rows.ts";

/** What became of reading site.yaml again. When it is not `ok`, nothing has changed. */
export type ReloadResult =
  | {
      readonly ok: true;
      readonly file: string;
      /** In words, one for each; empty = the file says what the box does already. */
      readonly changed: readonly string[];
      readonly warnings: readonly string[];
      /** Contexts whose peer has yet to hear of it. */
      readonly untold: number;
    }
  /** `faults`: mistakes in the file; `restart`: settings that only a new process can have; `failed`: the machine refuses. */
  | { readonly ok: false; readonly why: "faults" | "restart" | "failed"; readonly detail: string };

/**
 * The box as the API sees it. Each call answers for the present moment, does not wait and, but for `reload`, changes nothing;
 * rows are made on the way, so that the API can stop after the few that it needs.
 */
export interface BoxFacade {
  status(): StatusRow;
  /** Reads site.yaml again and takes it over as a whole, or not at all. */
  reload(): ReloadResult;
  /** All of them, or those with `ulid` at either end. */
  contexts(ulid: Address | undefined): Iterable<ContextRow>;
  paths(): Iterable<PathRow>;
  /** In the order of site.yaml. */
  providers(): Iterable<ProviderRow>;
  /** All of them, or those of `ulid`. */
  bindings(ulid: Address | undefined): Iterable<BindingRow>;
  /** Counters of the filter in the kernel, by name; none without a filter. */
  firewall(): Iterable<FirewallRow>;
  /** All of them, or that of `ulid`. */
  leases(ulid: Address | undefined): Iterable<LeaseRow>;
  /** The box's own first. */
  keys(): Iterable<KeyRow>;
  /** Counter → total since start, zeros included; names as `<in|out|punt|drop>-<why>-<protocol>`. */
  counters(): Iterable<readonly [name: string, total: number]>;
}
