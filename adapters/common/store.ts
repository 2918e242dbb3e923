import { dirname, join } from "node:path";
import process from "node:process";
import type { DatabaseSync } from "node:sqlite";
import { PortError } from "../../runtime/port/error.ts";
import type { Files } from "../../runtime/port/files.ts";
import type { Store, StoredCga } from "../../runtime/port/store.ts";
import { PRIVATE_KEY, pemOctets, showPem } from "../../runtime/value/pem.ts";
import type { DenoNamespace } from "./deno.ts";
import { portError } from "./error.ts";
import { syncDirectory } from "./files.ts";

const DIRECTORY_MODE = 0o700;
const KEY_MODE = 0o600;
const OTHERS = 0o077;
/** Another process that writes holds us up for so long at most, ms. */
const BUSY_LIMIT = 2_000;
/** PRAGMA user_version: the tables below. */
const SCHEMA_VERSION = 1;

/**
 * Opens the store in `directory`, which is made with mode 0700: `state.db` (SQLite) and `site-key.pem`.
 * @throws {PortError} `permission`, `corrupt`, `unsupported` when a newer pshim6 wrote it, `failed`
 */
export function openStore(deno: DenoNamespace, files: Files, directory: string): Store {
  // Loaded here, not at start: most verbs of the command line store nothing.
  const sqlite = process.getBuiltinModule("node:sqlite");
  if (sqlite === undefined)
    throw new PortError("unsupported", "this runtime has no node:sqlite: use Node 22.13, Deno 2.2, Bun 1.3 or later");
  files.makeDirectory(directory, DIRECTORY_MODE);
  if (((files.mode(directory) ?? 0) & OTHERS) !== 0)
    throw new PortError("permission", `${directory} is open to other users: run \`chmod 700 ${directory}\``);
  const path = join(directory, "state.db");
  const database = explain(path, () => new sqlite.DatabaseSync(path));
  try {
    explain(path, () => prepare(database, path));
  } catch (error) {
    database.close();
    throw error;
  }
  // SQLite syncs its files; the name of a new database is the directory's.
  deno.chmodSync(path, KEY_MODE);
  syncDirectory(directory);
  const insert = database.prepare(
    "INSERT INTO cga (ulid, name, pds) VALUES (?, ?, ?) ON CONFLICT (ulid) DO UPDATE SET name = excluded.name, pds = excluded.pds",
  );
  const select = database.prepare("SELECT ulid, name, pds FROM cga ORDER BY ulid");
  let open = true;
  const use = <T>(work: () => T): T => {
    if (!open) throw new PortError("closed", `${path} is closed`);
    return explain(path, work);
  };
  return {
    privateKey: (make) => use(() => readKey(files, join(directory, "site-key.pem"), make)),
    cgaParameters: () => use(() => new Map(select.all().map((row) => readCga(path, row)))),
    putCga: (ulid, { name, pds }) => {
      use(() => insert.run(ulid, name ?? null, pds));
    },
    close() {
      if (open) database.close();
      open = false;
    },
  };
}

function prepare(database: DatabaseSync, path: string): void {
  database.exec(`PRAGMA busy_timeout = ${BUSY_LIMIT}`);
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("PRAGMA synchronous = FULL");
  const version = Number(database.prepare("PRAGMA user_version").get()?.user_version);
  if (version > SCHEMA_VERSION)
    throw new PortError("unsupported", `${path} was written by a newer pshim6 (version ${version} of its tables): install that one again`);
  if (version === SCHEMA_VERSION) return;
  database.exec(`
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS cga (ulid TEXT PRIMARY KEY, name TEXT, pds BLOB NOT NULL) STRICT, WITHOUT ROWID;
    PRAGMA user_version = ${SCHEMA_VERSION};
    COMMIT;
  `);
}

function readCga(path: string, row: Record<string, unknown>): [string, StoredCga] {
  const { ulid, name, pds } = row;
  if (typeof ulid !== "string" || !(pds instanceof Uint8Array) || (name !== null && typeof name !== "string"))
    throw new PortError("corrupt", `${path}: a row of table cga cannot be read: restore the file from a backup`);
  return [ulid, { name: name ?? undefined, pds: new Uint8Array(pds) }];
}

function readKey(files: Files, path: string, make: () => Uint8Array): Uint8Array {
  const text = files.readText(path);
  if (text === undefined) {
    const key = make();
    files.writeText(path, showPem(PRIVATE_KEY, key), KEY_MODE);
    return key;
  }
  if (((files.mode(path) ?? 0) & OTHERS) !== 0)
    throw new PortError("permission", `${path} holds the site's private key and other users can read it: run \`chmod 600 ${path}\``);
  const key = pemOctets(PRIVATE_KEY, text);
  if (key === undefined) throw new PortError("corrupt", `${path} is no PKCS#8 private key in PEM: restore it from a backup`);
  return key;
}

/** Errors of SQLite as ours; its message says what was wrong, with the file's name before it. */
function explain<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof PortError || !(error instanceof Error)) throw error;
    if (/not a database|malformed|corrupt/.test(error.message))
      throw new PortError("corrupt", `${path} is damaged (${error.message}): restore ${dirname(path)} from a backup`, error);
    if (/locked|busy/.test(error.message)) throw new PortError("busy", `${path} is in use by another process: stop that one first`, error);
    throw portError(path, error);
  }
}
