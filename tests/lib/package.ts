/** The package as a stranger gets it: packed, and installed in an empty folder, without network. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { PROJECT } from "./labhost.ts";

/** Folder of the Node that the development dependencies bring. */
const NODE = join(PROJECT, "node_modules", "node", "bin");

/** Milliseconds: npm on a machine that has other things to do. */
const PATIENCE = 120_000;

/** A folder with the package installed. */
export interface Installed {
  readonly directory: string;
  /** The package itself, as `npm pack` made it. */
  readonly tarball: string;
  /** What programs there need to see: that Node before any other, a home and a cache of their own. */
  readonly env: Readonly<Record<string, string>>;
}

/** Packs what `dist/` holds and installs it in a new folder of `scratch`, with its one dependency as it lies in node_modules. */
export function installPackage(scratch: string): Installed {
  const [tarballs, directory, home] = ["tarballs", "empty", "home"].map((name) => join(scratch, name));
  for (const folder of [tarballs, directory, home]) mkdirSync(folder);
  const path = `${NODE}${delimiter}${process.env.PATH ?? ""}`;
  const env = {
    PATH: path,
    HOME: home,
    npm_config_cache: join(home, "cache"),
    npm_config_update_notifier: "false",
    npm_config_loglevel: "error",
  };
  const koffi = readdirSync(join(PROJECT, "node_modules", "@koromix")).map((name) => `./node_modules/@koromix/${name}`);
  const packed = ["./node_modules/koffi", ...koffi, "."].map((folder) => pack(folder, tarballs, env));
  writeFileSync(join(directory, "package.json"), '{ "private": true, "type": "module" }\n');
  inFolder(directory, env, ["npm", "install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", ...packed]);
  return { directory, tarball: packed[packed.length - 1], env };
}

function pack(folder: string, into: string, env: Installed["env"]): string {
  return join(into, inFolder(PROJECT, env, ["npm", "pack", "--ignore-scripts", "--silent", "--pack-destination", into, folder]).trim());
}

/** Runs a program in `directory` to its end. @returns what it printed @throws when it fails, with what it said */
export function inFolder(directory: string, env: Readonly<Record<string, string>>, argv: readonly string[]): string {
  const [program, ...words] = argv;
  // Through env(1), which looks for the program where the new PATH says.
  const done = spawnSync("env", [program, ...words], {
    cwd: directory,
    env: { ...process.env, ...env },
    encoding: "utf8",
    timeout: PATIENCE,
  });
  if (done.status !== 0) throw new Error(`${argv.join(" ")}: ${done.stderr || done.stdout || done.error?.message}`);
  return done.stdout;
}
