import type { CoreSizes } from "../fast/contract.ts";
import { openLane as openFast } from "../fast/lane.ts";
import type { PacketLane, SharedLanes } from "./contract.ts";
import { CoreError } from "./error.ts";
import { packetLane } from "./lane.ts";

/**
 * Opens lane `index` (0 … lanes − 1) of a core in the thread that will run it; `shared` came from {@link EmbeddedCore.shared}.
 * @throws {CoreError} `memory` if `shared` is nothing of that kind, `option` if there is no such lane
 */
export async function openLane({ memory, module, sizes }: SharedLanes, index: number): Promise<PacketLane> {
  if (!(memory instanceof WebAssembly.Memory) || !(module instanceof WebAssembly.Module) || !hasSizes(sizes))
    throw new CoreError("memory", "this is not what a core shares with other threads");
  if (!Number.isInteger(index) || index < 0 || index >= sizes.lanes) throw new CoreError("option", `lane ${index} of ${sizes.lanes}`);
  return packetLane(await openFast({ memory, module, sizes }, index), new Uint8Array(memory.buffer), sizes.batch);
}

function hasSizes(sizes: object): sizes is CoreSizes {
  return "lanes" in sizes && "batch" in sizes && "slotOctets" in sizes && "contexts" in sizes;
}
