/** A worker of the packet plane with the stand-in lane. */
import { dataWork, serveQueue } from "../../adapters/data/worker.ts";
import { loadLibc, loadMonotonic } from "../../adapters/platform.ts";
import { openEchoLane } from "./echo.ts";

const work = dataWork();
if (work !== undefined)
  await serveQueue(work, { loadLibc: () => loadLibc(), loadMonotonic: () => loadMonotonic(), openLane: openEchoLane });
