import { closeSync, constants, fsyncSync, lstatSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { PortError } from "../../runtime/port/error.ts";
import type { Files } from "../../runtime/port/files.ts";
import { KEY_FILE, type Store } from "../../runtime/port/store.ts";
import { PRIVATE_KEY, pemOctets, showPem } from "../../runtime/value/pem.ts";
import type { DenoNamespace } from "./deno.ts";
import { portError } from "./error.ts";
import { syncDirectory } from "./files.ts";
import { Commits } from "./store-commits.ts";
import { explain } from "./store-error.ts";
import { cgaWriter, factOf, migrate, prepareConnection, readBindings, readCgas, readLeases } from "./store-tables.ts";

const DIRECTORY_MODE = 0o700;
const OWNER_ONLY = 0o600;
const OTHERS = 0o077;
const MODE_BITS = 0o777;
const SERVER_DUID = "server-duid";

/**
 * Opens the store in `directory`, which is made with mode 0700: `state.db` (SQLite) and `site-key.pem`. `entry` is the file that its
 * thread starts with; there is none before the first {@link Store.commit}. Several processes may have the same store open.
 * @throws {PortError} `permission`, `full`, `corrupt`, `busy`, `unsupported` when a newer pshim6 wrote it, `failed`
 */
export function openStore(deno: DenoNamespace, files: Files, directory: string, entry: URL): Store {
  // Loaded here, not at start: most verbs of the command line store nothing.
  const sqlite = process.getBuiltinModule("node:sqlite");
  if (sqlite === undefined)
    throw new PortError("unsupported", "this runtime has no node:sqlite: use Node 22.13, Deno 2.2, Bun 1.3 or later");
  files.makeDirectory(directory, DIRECTORY_MODE);
  if (((files.mode(directory) ?? 0) & OTHERS) !== 0)
    throw new PortError("permission", `${directory} is open to other users: run \`chmod 700 ${directory}\``);
  const path = join(directory, "state.db");
  const database = explain(path, () => new sqlite.DatabaseSync(path));
  const prepare = () => {
    prepareConnection(database);
    migrate(database, path);
    if (((files.mode(path) ?? 0) & MODE_BITS) !== OWNER_ONLY) deno.chmodSync(path, OWNER_ONLY);
    // SQLite syncs its files; the name of a new database is the directory's.
    syncDirectory(directory);
    return cgaWriter(database);
  };
  let putCga: ReturnType<typeof cgaWriter>;
  try {
    putCga = explain(path, prepare);
  } catch (error) {
    database.close();
    throw error;
  }
  const commits = new Commits(path, entry);
  let closed: Promise<void> | undefined;
  const use = <T>(work: () => T): T => {
    if (closed !== undefined) throw new PortError("closed", `${path} is closed`);
    return explain(path, work);
  };
  return {
    privateKey: (make) => use(() => readKey(files, join(directory, KEY_FILE), make)),
    serverDuid: (make) => use(() => factOf(database, path, SERVER_DUID, make)),
    cgaParameters: () => use(() => readCgas(database, path)),
    putCga: (ulid, value) => use(() => putCga(ulid, value)),
    leases: () => use(() => readLeases(database, path)),
    bindings: () => use(() => readBindings(database, path)),
    commit: (group) => commits.commit(group),
    backup: (to) => use(() => copyTo(to, (beside) => explain(to, () => database.prepare("VACUUM INTO ?").run(beside)))),
    close() {
      if (closed === undefined) {
        database.close();
        closed = commits.close();
      }
      return closed;
    },
  };
}

function readKey(files: Files, path: string, make: () => Uint8Array): Uint8Array {
  const text = files.readText(path);
  if (text === undefined) {
    const key = make();
    files.writeText(path, showPem(PRIVATE_KEY, key), OWNER_ONLY);
    return key;
  }
  if (((files.mode(path) ?? 0) & OTHERS) !== 0)
    throw new PortError("permission", `${path} holds the site's private key and other users can read it: run \`chmod 600 ${path}\``);
  const key = pemOctets(PRIVATE_KEY, text);
  if (key === undefined) throw new PortError("corrupt", `${path} is no PKCS#8 private key in PEM: restore it from a backup`);
  return key;
}

/** A new file at `path`, written by `write` beside it: it is there as a whole or not at all. @throws {PortError} `busy` when there is one */
function copyTo(path: string, write: (beside: string) => void): void {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined)
    throw new PortError("busy", `${path} is there already: name a new file, or remove it`);
  const beside = `${path}.${process.pid}.new`;
  try {
    rmSync(beside, { force: true });
    // SQLite takes an empty file as it is, with its mode.
    closeSync(openSync(beside, "wx", OWNER_ONLY));
    write(beside);
    const file = openSync(beside, constants.O_RDONLY);
    try {
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(beside, path);
    syncDirectory(dirname(path));
  } catch (error) {
    rmSync(beside, { force: true });
    throw portError(path, error);
  }
}
