/**
 * What the bundle starts with, on every runtime and in every thread. A worker does its thread's work and never evaluates the
 * program around it: that import is dynamic, which saves a packet thread most of its start-up.
 */
import { serveIfWorker } from "./worker.ts";

if (!(await serveIfWorker())) {
  const { runProgram } = await import("./program.ts");
  await runProgram(import.meta.url);
}
