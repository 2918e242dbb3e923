import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Runs `use` with a fresh directory of mode 0700 that is gone afterwards. */
export async function withScratch(use: (directory: string) => Promise<void> | void): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "pshim6-test-"));
  try {
    await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The error that `work` throws or rejects with. @throws when it does neither */
export async function errorOf(work: () => unknown): Promise<{ code: string; message: string }> {
  try {
    await work();
  } catch (error) {
    if (error instanceof Error) return { code: "code" in error ? String(error.code) : "", message: error.message };
    throw error;
  }
  throw new Error("no error came");
}

/** What `promise` resolves with. @throws when it takes longer than 5 s, naming what was waited for */
export function within<T>(what: string, promise: Promise<T>): Promise<T> {
  let limit: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    limit = setTimeout(() => reject(new Error(`${what}: not within 5 s`)), 5_000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(limit));
}
