/**
 * What we use of the `Deno` namespace: native on Deno, `@deno/shim-deno` on Node and Bun (adapters/{node,deno,bun}/host.ts).
 * Named and shaped as there; nothing of our own.
 */
export interface DenoNamespace {
  readonly args: readonly string[];
  readonly pid: number;
  readonly build: { readonly os: string };
  readonly env: { get(name: string): string | undefined };
  uid(): number | null;
  exit(code: number): never;
  addSignalListener(signal: "SIGINT" | "SIGTERM" | "SIGHUP", run: () => void): void;
  removeSignalListener(signal: "SIGINT" | "SIGTERM" | "SIGHUP", run: () => void): void;
  readTextFileSync(path: string): string;
  chmodSync(path: string, mode: number): void;
  renameSync(from: string, to: string): void;
  mkdirSync(path: string, options: { recursive?: boolean; mode?: number }): void;
  statSync(path: string): { readonly mode: number | null; readonly isDirectory: boolean };
  readDirSync(path: string): Iterable<{ readonly name: string }>;
  removeSync(path: string, options: { recursive?: boolean }): void;
}
