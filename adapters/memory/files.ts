import { PortError } from "../../runtime/port/error.ts";
import type { Files } from "../../runtime/port/files.ts";

type Entry =
  | { readonly kind: "file"; readonly text: string; readonly mode: number }
  | { readonly kind: "directory"; readonly mode: number };

const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;

/** Files in memory; `/` is there from the start. Paths are absolute, without `.` and `..`. */
export function memoryFiles(): Files {
  const entries = new Map<string, Entry>([["/", { kind: "directory", mode: DIRECTORY_MODE }]]);
  const parent = (path: string) => path.slice(0, Math.max(1, path.lastIndexOf("/")));
  const inside = (directory: string, path: string) => path.startsWith(directory === "/" ? "/" : `${directory}/`) && path !== "/";
  return {
    readText(path) {
      const entry = entries.get(path);
      if (entry?.kind === "directory") throw new PortError("failed", `${path}: is a directory`);
      return entry?.text;
    },
    writeText(path, text, mode = FILE_MODE) {
      if (entries.get(parent(path))?.kind !== "directory") throw new PortError("missing", `${path}: no such file or directory`);
      if (entries.get(path)?.kind === "directory") throw new PortError("failed", `${path}: is a directory`);
      entries.set(path, { kind: "file", text, mode });
    },
    poke(path, text) {
      const entry = entries.get(path);
      if (entry?.kind !== "file") throw new PortError("missing", `${path}: no such file or directory`);
      entries.set(path, { ...entry, text });
    },
    makeDirectory(path, mode = DIRECTORY_MODE) {
      if (entries.has(path)) return;
      if (parent(path) !== path) this.makeDirectory(parent(path), mode);
      entries.set(path, { kind: "directory", mode });
    },
    mode: (path) => entries.get(path)?.mode,
    list(path) {
      if (entries.get(path)?.kind !== "directory") return undefined;
      return [...entries.keys()]
        .filter((other) => inside(path, other) && parent(other) === path)
        .map((other) => other.slice(other.lastIndexOf("/") + 1))
        .sort();
    },
    remove(path) {
      const there = entries.delete(path);
      for (const other of [...entries.keys()]) if (inside(path, other)) entries.delete(other);
      return there;
    },
  };
}
