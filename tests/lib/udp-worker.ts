/** A UDP thread whose answers are a table of texts: entries are `[request, answer]`. */
import { loadLibc, loadMonotonic } from "../../adapters/platform.ts";
import { serveDatagrams, udpWork } from "../../adapters/udp/worker.ts";
import { textAnswerer } from "./text-answers.ts";

const work = udpWork();
if (work !== undefined)
  await serveDatagrams(work, { loadLibc: () => loadLibc(), loadMonotonic: () => loadMonotonic(), openAnswerer: textAnswerer });
