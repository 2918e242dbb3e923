/** The tables of the store: how they came to be, how rows are read and written. Each thread has a connection of its own. */
import type { DatabaseSync } from "node:sqlite";
import { PortError } from "../../runtime/port/error.ts";
import type { StoredBinding, StoredCga, StoredLease, StoreGroup } from "../../runtime/port/store.ts";
import { parseAddress, type Ulid } from "../../runtime/value/address.ts";

/** Another process or thread that writes holds us up for so long at most, ms. */
const BUSY_LIMIT = 2_000;
/** The log is moved into the database whenever it has so many pages (of 4 KiB): a checkpoint never takes long. */
const CHECKPOINT_PAGES = 256;

/**
 * Step i leads from version i to i + 1 of the tables (PRAGMA user_version). A step that was once released does not change.
 * Times are REAL: `NEVER` is infinite.
 */
const STEPS: readonly string[] = [
  "CREATE TABLE IF NOT EXISTS cga (ulid TEXT PRIMARY KEY, name TEXT, pds BLOB NOT NULL) STRICT, WITHOUT ROWID",
  `CREATE TABLE fact (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE lease (
     ulid TEXT PRIMARY KEY, duid BLOB NOT NULL, iaid INTEGER NOT NULL,
     state TEXT NOT NULL CHECK (state IN ('bound', 'released', 'declined')),
     name TEXT, mac TEXT, matched TEXT NOT NULL, since REAL NOT NULL, until REAL NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE binding (
     ulid TEXT NOT NULL, source TEXT NOT NULL, locators TEXT NOT NULL, until REAL NOT NULL, PRIMARY KEY (ulid, source)
   ) STRICT, WITHOUT ROWID`,
];

const PUT_CGA = "INSERT INTO cga (ulid, name, pds) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET name = excluded.name, pds = excluded.pds";
const PUT_LEASE = `INSERT INTO lease (ulid, duid, iaid, state, name, mac, matched, since, until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET duid = excluded.duid, iaid = excluded.iaid, state = excluded.state, name = excluded.name,
  mac = excluded.mac, matched = excluded.matched, since = excluded.since, until = excluded.until`;
const PUT_BINDING = `INSERT INTO binding (ulid, source, locators, until) VALUES (?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET locators = excluded.locators, until = excluded.until`;

/** Sets up a connection: every transaction is on the disk when it has ended, readers and one writer do not wait for each other. */
export function prepareConnection(database: DatabaseSync): void {
  database.exec(`PRAGMA busy_timeout = ${BUSY_LIMIT}`);
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("PRAGMA synchronous = FULL");
  database.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
}

/** Brings the tables to this program's version, each step as a whole. @throws {PortError} `unsupported` when they are newer, and SQLite's errors */
export function migrate(database: DatabaseSync, path: string): void {
  while (versionOf(database) < STEPS.length) {
    transact(database, () => {
      // Another process may have been faster while we waited for the lock.
      const version = versionOf(database);
      if (version >= STEPS.length) return;
      database.exec(STEPS[version]);
      database.exec(`PRAGMA user_version = ${version + 1}`);
    });
  }
  const version = versionOf(database);
  if (version > STEPS.length)
    throw new PortError("unsupported", `${path} was written by a newer pshim6 (version ${version} of its tables): install that one again`);
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA user_version").get()?.user_version);
}

/** Does `work` in one transaction, all of it or nothing. The error is that of `work`, or of the commit. */
export function transact(database: DatabaseSync, work: () => void): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    work();
    database.exec("COMMIT");
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

/** Some errors have ended the transaction already. */
function rollBack(database: DatabaseSync): void {
  try {
    database.exec("ROLLBACK");
  } catch (error) {
    if (!(error instanceof Error && error.message.includes("no transaction is active"))) throw error;
  }
}

/** A function that stores one CGA. */
export function cgaWriter(database: DatabaseSync): (ulid: string, value: StoredCga) => void {
  const put = database.prepare(PUT_CGA);
  return (ulid, { name, pds }) => {
    put.run(ulid, name ?? null, pds);
  };
}

/** A function that writes a group within the caller's transaction. */
export function groupWriter(database: DatabaseSync): (group: StoreGroup) => void {
  const putCga = cgaWriter(database);
  const putLease = database.prepare(PUT_LEASE);
  const forget = database.prepare("DELETE FROM lease WHERE ulid = ?");
  const putBinding = database.prepare(PUT_BINDING);
  const unbind = database.prepare("DELETE FROM binding WHERE ulid = ? AND source = ?");
  return ({ cga = [], leases = [], forgotten = [], bindings = [], unbound = [] }) => {
    for (const value of cga) putCga(value.ulid, value);
    for (const { ulid, duid, iaid, state, name, mac, matched, since, until } of leases)
      putLease.run(ulid, duid, iaid, state, name ?? null, mac ?? null, matched, since, until);
    for (const ulid of forgotten) forget.run(ulid);
    for (const { ulid, source, locators, until } of bindings) putBinding.run(ulid, source, locators.join(" "), until);
    for (const { ulid, source } of unbound) unbind.run(ulid, source);
  };
}

/** All CGA parameters. @throws {PortError} `corrupt` */
export function readCgas(database: DatabaseSync, path: string): Map<string, StoredCga> {
  const rows = database.prepare("SELECT ulid, name, pds FROM cga ORDER BY ulid").all();
  return new Map(
    rows.map(({ ulid, name, pds }) =>
      isText(ulid) && isOctets(pds) && isOptional(name)
        ? [ulid, { name: name ?? undefined, pds: new Uint8Array(pds) }]
        : corrupt(path, "cga"),
    ),
  );
}

/** All leases. @throws {PortError} `corrupt` */
export function readLeases(database: DatabaseSync, path: string): StoredLease[] {
  const rows = database.prepare("SELECT ulid, duid, iaid, state, name, mac, matched, since, until FROM lease ORDER BY ulid").all();
  return rows.map(({ ulid, duid, iaid, state, name, mac, matched, since, until }) => {
    const known = readUlid(ulid);
    if (known === undefined || !isOctets(duid) || !isNumber(iaid) || !isState(state) || !isText(matched)) return corrupt(path, "lease");
    if (!isOptional(name) || !isOptional(mac) || !isNumber(since) || !isNumber(until)) return corrupt(path, "lease");
    const named = { name: name ?? undefined, mac: mac ?? undefined };
    return { ulid: known, duid: new Uint8Array(duid), iaid, state, ...named, matched, since, until };
  });
}

/** All bindings. @throws {PortError} `corrupt` */
export function readBindings(database: DatabaseSync, path: string): StoredBinding[] {
  const rows = database.prepare("SELECT ulid, source, locators, until FROM binding ORDER BY ulid, source").all();
  return rows.map(({ ulid, source, locators, until }) => {
    const known = readUlid(ulid);
    if (known === undefined || !isText(source) || !isText(locators) || !isNumber(until)) return corrupt(path, "binding");
    return { ulid: known, source, locators: locators === "" ? [] : locators.split(" "), until };
  });
}

/** The fact called `name`, made with `make` when it is not known. @throws {PortError} `corrupt` */
export function factOf(database: DatabaseSync, path: string, name: string, make: () => Uint8Array): Uint8Array {
  const read = (): Uint8Array | undefined => {
    const row = database.prepare("SELECT value FROM fact WHERE name = ?").get(name);
    if (row === undefined) return undefined;
    return isOctets(row.value) ? new Uint8Array(row.value) : corrupt(path, "fact");
  };
  const known = read();
  if (known !== undefined) return known;
  const made = make();
  transact(database, () => {
    database.prepare("INSERT INTO fact (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING").run(name, made);
  });
  // Another process may have been faster.
  return read() ?? corrupt(path, "fact");
}

function corrupt(path: string, table: string): never {
  throw new PortError("corrupt", `${path}: a row of table ${table} cannot be read: restore the file from a backup`);
}

function readUlid(value: unknown): Ulid | undefined {
  return isText(value) ? parseAddress(value) : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isOptional(value: unknown): value is string | null {
  return value === null || typeof value === "string";
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}

function isOctets(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
}

function isState(value: unknown): value is StoredLease["state"] {
  return value === "bound" || value === "released" || value === "declined";
}
