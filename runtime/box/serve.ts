/** Where the API listens: always on the box's Unix socket, and on the address that site.yaml names, behind a guard and with a token. */
import { guarded } from "../api/guard.ts";
import { isPagePath } from "../api/page.ts";
import type { Site } from "../config/site.ts";
import type { Clock } from "../port/clock.ts";
import type { CryptoPort } from "../port/crypto.ts";
import type { Entropy } from "../port/entropy.ts";
import { PortError } from "../port/error.ts";
import type { Files } from "../port/files.ts";
import type { Handler, Http, Listener } from "../port/http.ts";
import type { Log } from "../port/log.ts";

/** What serving needs. */
export interface ServeParts {
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Entropy;
  readonly crypto: Pick<CryptoPort, "sha256" | "equal">;
  readonly files: Files;
  readonly http: Http;
  readonly log: Log;
  readonly count: (counter: string) => void;
}

/** The token's file, in the site's state directory. */
export const TOKEN_FILE = "api-token";
const TOKEN_OCTETS = 32;
const TOKEN_DIGITS = 32;
const TOKEN_MODE = 0o600;
const CONTROL_DIRECTORY_MODE = 0o755;

/**
 * Serves `fetch` for `site`. @returns what was opened, in this order
 * @throws {PortError} when something cannot be opened; what was opened before is closed then
 */
export async function serveApi(
  site: Site,
  fetch: (request: Request) => Response | Promise<Response>,
  parts: ServeParts,
): Promise<Listener[]> {
  const { files, http, log } = parts;
  files.makeDirectory(site.control.slice(0, site.control.lastIndexOf("/")) || "/", CONTROL_DIRECTORY_MODE);
  const socket = await http.serveSocket(site.control, (request) => fetch(request));
  if (site.api === undefined) return [socket];
  try {
    const { host, port } = site.api.listen;
    const listener = await http.serveAddress(host, port, guardFor(site, host, fetch, parts));
    log.info("the API listens", { address: listener.address, token: `${site.state}/${TOKEN_FILE}` });
    return [socket, listener];
  } catch (error) {
    await socket.close();
    throw error;
  }
}

function guardFor(site: Site, host: string, fetch: (request: Request) => Response | Promise<Response>, parts: ServeParts): Handler {
  const { crypto, clock, count } = parts;
  // Hashes are of one length whatever is said, and tell nothing of how much was right.
  const hashOf = (text: string): Uint8Array => crypto.sha256(new TextEncoder().encode(text));
  const own = hashOf(ownToken(`${site.state}/${TOKEN_FILE}`, parts));
  return guarded({
    fetch,
    isToken: (text) => crypto.equal(hashOf(text), own),
    isLoopback: isLoopback(host),
    isOpen: isPagePath,
    now: () => clock.now(),
    count,
  });
}

/** Whether only programs on this machine reach `host`. */
export function isLoopback(host: string): boolean {
  return host === "::1" || /^127\.\d/.test(host);
}

/** The token in `file`, made when there is none. @throws {PortError} when others can read it, or when it is none */
export function ownToken(file: string, { files, entropy }: Pick<ServeParts, "files" | "entropy">): string {
  const known = files.readText(file)?.trim();
  if (known === undefined) {
    const token = Array.from(entropy.bytes(TOKEN_OCTETS), (octet) => octet.toString(16).padStart(2, "0")).join("");
    files.writeText(file, `${token}\n`, TOKEN_MODE);
    return token;
  }
  const mode = files.mode(file) ?? TOKEN_MODE;
  if ((mode & 0o077) !== 0) throw new PortError("permission", `${file} can be read by others: remove it, and a new one is made`);
  if (!/^[\x21-\x7e]+$/.test(known) || known.length < TOKEN_DIGITS)
    throw new PortError("failed", `${file} holds no token of at least ${TOKEN_DIGITS} characters: remove it, and a new one is made`);
  return known;
}
