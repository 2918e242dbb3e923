/** The box's memory of what its router advertised (RFC 9096 §3.5), in a file of the state directory: hosts hear of a prefix that went while the box was down. */
import { z } from "zod";
import { PortError } from "../port/error.ts";
import type { Files } from "../port/files.ts";
import type { Log } from "../port/log.ts";
import { type AdvertisedPrefixes, NOTHING_ADVERTISED } from "../router/stale.ts";
import { parsePrefix, showPrefix } from "../value/prefix.ts";

/** Name of the file in the state directory. */
export const ADVERTISED_FILE = "advertised.json";
const OWNER_ONLY = 0o600;

const fileSchema = z.object({
  current: z.array(z.string()),
  stale: z.array(z.object({ prefix: z.string(), until: z.number() })),
});

/** What it works with. */
export interface AdvertisedParts {
  readonly files: Pick<Files, "readText" | "writeText">;
  readonly log: Log;
  readonly directory: string;
}

/** What was advertised before. A file that cannot be read is as good as none, and the log says so. */
export function recallAdvertised({ files, log, directory }: AdvertisedParts): AdvertisedPrefixes {
  const file = `${directory}/${ADVERTISED_FILE}`;
  const text = files.readText(file);
  if (text === undefined) return NOTHING_ADVERTISED;
  const read = fileSchema.safeParse(parsed(text));
  if (!read.success) {
    log.warn("what was advertised to hosts before cannot be read and is forgotten", { file });
    return NOTHING_ADVERTISED;
  }
  return {
    current: read.data.current.flatMap((each) => parsePrefix(each) ?? []),
    stale: read.data.stale.flatMap(({ prefix, until }) => {
      const value = parsePrefix(prefix);
      return value === undefined ? [] : [{ prefix: value, until }];
    }),
  };
}

/** Keeps `advertised`; a disk that refuses costs a line in the log. */
export function keepAdvertised({ files, log, directory }: AdvertisedParts, { current, stale }: AdvertisedPrefixes): void {
  const kept = { current: current.map(showPrefix), stale: stale.map(({ prefix, until }) => ({ prefix: showPrefix(prefix), until })) };
  try {
    files.writeText(`${directory}/${ADVERTISED_FILE}`, `${JSON.stringify(kept, undefined, 2)}\n`, OWNER_ONLY);
  } catch (error) {
    if (!(error instanceof PortError)) throw error;
    log.warn("what is advertised to hosts is not on the disk", { error: error.message });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
