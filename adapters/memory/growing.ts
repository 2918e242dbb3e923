import { PortError } from "../../runtime/port/error.ts";
import type { OpenGrowing } from "../../runtime/port/growing.ts";

/** Growing files in memory. */
export interface MemoryGrowing {
  readonly open: OpenGrowing;
  /** What a reader sees, by path. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** From now on the disk has room for so many octets in all files together. */
  room: number;
}

/** No files yet, and room without end. */
export function memoryGrowing(): MemoryGrowing {
  const files = new Map<string, Uint8Array>();
  const used = () => [...files.values()].reduce((sum, { length }) => sum + length, 0);
  const made: MemoryGrowing = {
    files,
    room: Number.POSITIVE_INFINITY,
    open(path) {
      files.set(path, new Uint8Array());
      let open = true;
      const contents = (): Uint8Array => {
        const octets = files.get(path);
        if (!open || octets === undefined) throw new PortError("closed", `${path}: was closed`);
        return octets;
      };
      return {
        append(octets) {
          const before = contents();
          if (used() + octets.length > made.room) throw new PortError("failed", `${path}: no space left on the device`);
          const after = new Uint8Array(before.length + octets.length);
          after.set(before);
          after.set(octets, before.length);
          files.set(path, after);
        },
        rotate(as) {
          files.set(as, contents());
          files.set(path, new Uint8Array());
        },
        close() {
          open = false;
        },
      };
    },
  };
  return made;
}
