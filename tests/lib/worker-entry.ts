/** What a worker thread of the tests starts with: the same as one of the program's. */
import { serveIfWorker } from "../../adapters/worker.ts";

await serveIfWorker();
