/** What `pshim6/core` is: the packet core with its program inside. */
import octets from "../../dist/core.wasm";
import type { CoreSettings, EmbeddedCore } from "../../runtime/embed/contract.ts";
import { embedCore } from "../../runtime/embed/core.ts";

export type {
  ContextKey,
  ContextUpdate,
  ContextValues,
  CoreSettings,
  Direction,
  DueKind,
  EmbeddedCore,
  Forward,
  PacketLane,
  PuntReason,
  SharedLanes,
  SitePrefixes,
  TakePunt,
  Timing,
  Traffic,
} from "../../runtime/embed/contract.ts";
export { CoreError, type CoreErrorCode } from "../../runtime/embed/error.ts";
export { openLane } from "../../runtime/embed/open.ts";

/** Makes a packet core with a memory of its own. @throws {CoreError} `option`, `prefix`, `memory`, `module` */
export function createCore(settings: CoreSettings): Promise<EmbeddedCore> {
  return embedCore(octets, settings);
}
