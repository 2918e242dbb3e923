/** `pshim6 backup`: a copy of what the site must not lose, while the box runs and while it does not. */
import type { Command } from "commander";
import { KEY_FILE } from "../port/store.ts";
import { PRIVATE_KEY, showPem } from "../value/pem.ts";
import { CONFIG_FLAG, CONFIG_HELP, DEFAULT_CONFIG, examples, JSON_FLAG, JSON_HELP } from "./flags.ts";
import { Failure, type Session } from "./session.ts";

interface BackupFlags {
  readonly config?: string;
  readonly withKey?: true;
  readonly json?: true;
}

const OWNER_ONLY = 0o600;

/** Adds the verb `backup` to the program. */
export function addBackup(program: Command, session: Session): void {
  program
    .command("backup")
    .summary("copy what the site must not lose")
    .description(
      `Writes a copy of the site's state (parameters of identifiers, leases, bindings) to a new file, also while the box runs. Only its owner can read it. Without the site's key a copy cannot bring the site back: --with-key writes that one too, as ${KEY_FILE} in the same directory; whoever has it can speak for every host of the site.`,
    )
    .argument("<file>", "where to; nothing of that name is there")
    .option(CONFIG_FLAG, `${CONFIG_HELP} (default: ${DEFAULT_CONFIG})`)
    .option("--with-key", `the private key too, as ${KEY_FILE} beside the file`)
    .option(JSON_FLAG, JSON_HELP)
    .addHelpText("after", examples("pshim6 backup -c site.yaml /backup/state.db", "pshim6 backup --with-key /root/2026-11/state.db"))
    .action((file: string, flags: BackupFlags) => backup(file, flags, session));
}

async function backup(file: string, flags: BackupFlags, session: Session): Promise<void> {
  const { files, openStore } = session.host;
  const site = session.site(flags.config ?? DEFAULT_CONFIG);
  if (files.list(site.state) === undefined) throw new Failure(`there is nothing in ${site.state} yet: nothing to copy`);
  const keyFile = file.includes("/") ? `${file.slice(0, file.lastIndexOf("/"))}/${KEY_FILE}` : KEY_FILE;
  if (file.endsWith("/")) throw new Failure(`${file} is a directory: name a new file in it`);
  const store = await openStore(site.state);
  try {
    const key = flags.withKey
      ? showPem(
          PRIVATE_KEY,
          store.privateKey(() => {
            throw new Failure(`${site.state} holds no key yet: leave out --with-key`);
          }),
        )
      : undefined;
    const there = key === undefined ? undefined : files.readText(keyFile);
    if (there !== undefined && there !== key) throw new Failure(`${keyFile} holds another key: name a file in another directory`);
    store.backup(file);
    if (key !== undefined && there === undefined) files.writeText(keyFile, key, OWNER_ONLY);
  } finally {
    await store.close();
  }
  const copied = flags.withKey ? [file, keyFile] : [file];
  if (flags.json) session.printJson({ files: copied });
  else session.print(`${site.state} was copied to ${copied.join(" and ")}\n`);
}
