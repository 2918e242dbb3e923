/** `pshim6 cga`: makes identifiers that hosts can prove (RFC 3972) and verifies them. */
import type { Command } from "commander";
import {
  type Extension,
  finish,
  generateCga,
  type Pds,
  proofsOf,
  publicKeyExtension,
  readRsaKey,
  SIGNING_KEYS_LIMIT,
  secOf,
  signingKeys,
  verifyCga,
} from "../cga/index.ts";
import type { Site } from "../config/site.ts";
import { type Address, addressOctets } from "../value/address.ts";
import { hex, sameBytes } from "../value/bytes.ts";
import { PUBLIC_KEY, showPem } from "../value/pem.ts";
import { contains, type Prefix, showPrefix } from "../value/prefix.ts";
import { Reject } from "../value/reject.ts";
import {
  hostName,
  modifierFor,
  octetsArgument,
  privateKeyIn,
  publicHalf,
  publicKeyIn,
  refuseLarge,
  SUBNET_LENGTH,
  subnetOf,
  WHY,
} from "./cga-make.ts";
import {
  addressArgument,
  CONFIG_FLAG,
  CONFIG_HELP,
  DEFAULT_CONFIG,
  examples,
  JSON_FLAG,
  JSON_HELP,
  prefixArgument,
  whole,
} from "./flags.ts";
import { EXIT_USAGE, EXIT_WRONG, Failure, type Session } from "./session.ts";

interface GenerateFlags {
  readonly config?: string;
  readonly name?: string;
  readonly count?: number;
  readonly sec: number;
  readonly subnet?: Prefix;
  readonly prefix?: Prefix;
  readonly key?: string;
  readonly firstKey?: string;
  readonly extraKey?: readonly string[];
  readonly json?: true;
}

interface AdoptFlags {
  readonly config?: string;
  readonly name?: string;
  readonly pds: Uint8Array;
  readonly json?: true;
}

interface VerifyFlags {
  readonly pds: Uint8Array;
  readonly json?: true;
}

const COUNT_LIMIT = 65_536;

/** Adds the verb `cga` to the program. */
export function addCga(program: Command, session: Session): void {
  const cga = program
    .command("cga")
    .summary("identifiers that hosts can prove")
    .description("Cryptographically generated addresses (RFC 3972).");
  addGenerate(cga, session);
  cga
    .command("verify")
    .summary("is this address bound to these parameters?")
    .description("Verifies an address against CGA parameters (RFC 3972 §5). Exit code 1 if they do not belong together.")
    .argument("<address>", "the identifier", addressArgument)
    .requiredOption("--pds <hex>", "the CGA parameters", octetsArgument)
    .option(JSON_FLAG, JSON_HELP)
    .addHelpText("after", examples('pshim6 cga verify fc00:aaaa:1:0:1c4a:5bf6:ffb4:ca6c --pds "$PDS"'))
    .action((address: Address, flags: VerifyFlags) => verify(address, flags, session));
  cga
    .command("adopt")
    .summary("keep an identifier that was made elsewhere")
    .description(
      "Puts an identifier and its parameters into the site's store: one that another box of the site made with this box's key among its keys, or a host with its own. This box signs with its own key, whatever its place; a peer that follows RFC 5533 alone tries the first key only.",
    )
    .argument("<address>", "the identifier", addressArgument)
    .requiredOption("--pds <hex>", "the CGA parameters", octetsArgument)
    .option(CONFIG_FLAG, `${CONFIG_HELP} (default: ${DEFAULT_CONFIG})`)
    .option("--name <name>", "the host's name", hostName)
    .option(JSON_FLAG, JSON_HELP)
    .addHelpText("after", examples('pshim6 cga adopt fc00:aaaa:1:0:1c4a:5bf6:ffb4:ca6c --pds "$PDS" -c site.yaml --name h1'))
    .action((address: Address, flags: AdoptFlags) => adopt(address, flags, session));
  cga
    .command("key")
    .summary("print the site's public key")
    .description("Prints the public half of the site's key in PEM form, for --extra-key at another box. Makes the key if there is none.")
    .option(CONFIG_FLAG, `${CONFIG_HELP} (default: ${DEFAULT_CONFIG})`)
    .addHelpText("after", examples("pshim6 cga key -c site.yaml > second-box.pem"))
    .action((flags: { readonly config?: string }) => printKey(flags, session));
}

function addGenerate(cga: Command, session: Session): void {
  const several = (file: string, before: readonly string[] = []) => [...before, file];
  cga
    .command("generate")
    .summary("make an identifier for a host")
    .description(
      "Makes an identifier with the site's key and keeps its parameters in the site's store. With --prefix and --key instead of -c it needs no site and keeps nothing.",
    )
    .option(CONFIG_FLAG, `${CONFIG_HELP} (default: ${DEFAULT_CONFIG})`)
    .option("--name <name>", "the host's name", hostName)
    .option("--count <n>", "make so many; with --name they are NAME-1 to NAME-n", whole(1, COUNT_LIMIT))
    .option("--subnet <prefix>", "the /64 that the host is in, if the LAN has several", prefixArgument)
    .option("--sec <n>", "how costly a forgery is made: each step 65536 times as much; 1 takes a moment, 2 takes hours", whole(0, 2), 0)
    .option("--extra-key <file>", "a public key (PEM) that may sign too: another box's, or the host's own; again for more", several)
    .option("--first-key <file>", "a public key (PEM) that stands before ours: the one that RFC 5533 alone knows")
    .option("--prefix <prefix>", "without a site: the /64 that the host is in", prefixArgument)
    .option("--key <file>", "without a site: the private key, made if there is none")
    .option(JSON_FLAG, JSON_HELP)
    .addHelpText(
      "after",
      examples(
        "pshim6 cga generate -c site.yaml --name h1",
        "pshim6 cga generate -c site.yaml --name desk --count 40",
        "pshim6 cga generate -c site.yaml --name h1 --extra-key second-box.pem",
        "pshim6 cga generate --prefix fc00:aaaa:1::/64 --key key.pem",
      ),
    )
    .action((flags: GenerateFlags, command: Command) =>
      flags.prefix || flags.key ? generateAlone(flags, command, session) : generateForSite(flags, session),
    );
}

async function generateForSite(flags: GenerateFlags, session: Session): Promise<void> {
  const site = session.site(flags.config ?? DEFAULT_CONFIG);
  const subnet = subnetOf(site, flags.subnet);
  const { host } = session;
  const store = await host.openStore(site.state);
  try {
    const known = store.cgaParameters();
    const names = namesOf(flags);
    refuseNamesakes(names, known);
    const keys = keysOf(
      session,
      flags,
      publicHalf(
        session,
        store.privateKey(() => host.crypto.rsaGenerate(site.key.bits)),
      ),
    );
    const inUse = new Set<string>([...site.hosts.map(({ ulid }) => ulid), ...known.keys()]);
    const rows: { readonly name: string | undefined; readonly address: Address; readonly pds: Uint8Array }[] = [];
    for (const name of names) {
      const made = await make(session, subnet, keys, flags.sec, (address) => inUse.has(address));
      inUse.add(made.address);
      store.putCga(made.address, { name, pds: made.pds });
      rows.push({ name, ...made });
    }
    if (flags.json) {
      const shown = rows.map(({ name, address, pds }) => ({ name: name ?? null, address, sec: flags.sec, pds: hex(pds) }));
      session.printJson(flags.count === undefined ? shown[0] : shown);
    } else {
      const parameters = rows.map(({ address, pds }) => `address ${address}\npds ${hex(pds)}\n`);
      const entries = rows.map(({ name = "NAME", address }) => `  - { name: ${name}, ulid: "${address}" }\n`);
      session.print(`${parameters.join("")}\nunder "hosts:" in the site's settings:\n${entries.join("")}`);
    }
  } finally {
    await store.close();
  }
}

/** A name, or none, for each identifier to make. */
function namesOf({ name, count }: GenerateFlags): (string | undefined)[] {
  if (count === undefined) return [name];
  return Array.from({ length: count }, (_, i) => (name === undefined ? undefined : hostName(`${name}-${i + 1}`)));
}

/** @throws {Failure} when a host of one of these names has an identifier */
export function refuseNamesakes(
  names: readonly (string | undefined)[],
  known: ReadonlyMap<string, { readonly name: string | undefined }>,
): void {
  const namesakes = new Map([...known].map(([address, { name }]) => [name, address]));
  for (const name of names)
    if (name !== undefined && namesakes.has(name))
      throw new Failure(`${name} has an identifier already, ${namesakes.get(name)}: take another name`);
}

async function generateAlone(flags: GenerateFlags, command: Command, session: Session): Promise<void> {
  const { prefix, key } = flags;
  if (prefix === undefined || key === undefined)
    return command.error("error: --prefix and --key go together: give both, or neither and -c", { exitCode: EXIT_USAGE });
  if (flags.config !== undefined || flags.subnet !== undefined || flags.count !== undefined)
    return command.error("error: --prefix and --key replace -c, --subnet and --count: leave these out", { exitCode: EXIT_USAGE });
  if (prefix.length !== SUBNET_LENGTH)
    return command.error(`error: --prefix must be a /64, not ${showPrefix(prefix)}`, { exitCode: EXIT_USAGE });
  const keys = keysOf(session, flags, publicHalf(session, privateKeyIn(key, session)));
  const made = await make(session, prefix, keys, flags.sec, () => false);
  session.printJson({ name: flags.name ?? null, address: made.address, sec: flags.sec, pds: hex(made.pds) });
}

/** The keys that may sign, in their order, `own` among them. */
function keysOf(session: Session, { firstKey, extraKey = [] }: GenerateFlags, own: Uint8Array): Uint8Array[] {
  const first = firstKey === undefined ? [] : [publicKeyIn(firstKey, session)];
  const keys = [...first, own, ...extraKey.map((file) => publicKeyIn(file, session))];
  if (keys.length > SIGNING_KEYS_LIMIT) throw new Failure(`${keys.length} keys: peers try ${SIGNING_KEYS_LIMIT}, leave some out`);
  if (keys.some((key, i) => keys.findIndex((other) => sameBytes(other, key)) !== i))
    throw new Failure("a key is there twice: give each one once, the site's own not at all");
  return keys;
}

async function make(
  session: Session,
  prefix: Prefix,
  [publicKey, ...further]: readonly Uint8Array[],
  sec: number,
  taken: (address: Address) => boolean,
) {
  const extensions: Extension[] = further.map(publicKeyExtension);
  refuseLarge({ publicKey, extensions }, [publicKey, ...further]);
  const modifier = await modifierFor(session, { publicKey, extensions, sec });
  return finish(generateCga(session.host.crypto, { prefix, publicKey, sec, modifier, extensions, taken }));
}

async function adopt(address: Address, flags: AdoptFlags, session: Session): Promise<void> {
  const site = session.site(flags.config ?? DEFAULT_CONFIG);
  const { host } = session;
  const verified = verifyCga(host.crypto, address, flags.pds);
  if (verified instanceof Reject) throw new Failure(`${address} is not bound to these parameters: ${WHY[verified.why] ?? verified.why}`);
  refuseLarge(verified, signingKeys(verified));
  if (!isOfSite(site, address)) throw new Failure(`${address} is no address of the site: it must be in ${showPrefix(site.ulid.prefix)}`);
  const store = await host.openStore(site.state);
  try {
    const known = store.cgaParameters();
    const before = known.get(address);
    if (before !== undefined && !sameBytes(before.pds, flags.pds))
      throw new Failure(`${address} is kept with other parameters already: peers know it by those`);
    if (before === undefined) refuseNamesakes([flags.name], known);
    const own = publicHalf(
      session,
      store.privateKey(() => host.crypto.rsaGenerate(site.key.bits)),
    );
    const { members, signs } = proofsOf(host.crypto, address, flags.pds, own);
    if (!signs && !members.some((member) => site.providers.some(({ prefix }) => contains(prefix, member))))
      throw new Failure(
        `this box could prove nothing with these parameters: its key ("pshim6 cga key") is none of the first ${SIGNING_KEYS_LIMIT} in them, and no provider's prefix holds a member of a set`,
      );
    store.putCga(address, { name: flags.name ?? before?.name, pds: flags.pds });
    if (flags.json) session.printJson({ name: flags.name ?? before?.name ?? null, address, signs });
    else session.print(`kept; under "hosts:" in the site's settings:\n  - { name: ${flags.name ?? "NAME"}, ulid: "${address}" }\n`);
  } finally {
    await store.close();
  }
}

function isOfSite({ ulid }: Site, address: Address): boolean {
  return [ulid.prefix, ...ulid.routable].some((prefix) => contains(prefix, address));
}

async function printKey(flags: { readonly config?: string }, session: Session): Promise<void> {
  const site = session.site(flags.config ?? DEFAULT_CONFIG);
  const store = await session.host.openStore(site.state);
  try {
    const privateKey = store.privateKey(() => session.host.crypto.rsaGenerate(site.key.bits));
    session.print(showPem(PUBLIC_KEY, publicHalf(session, privateKey)));
  } finally {
    await store.close();
  }
}

function verify(address: Address, flags: VerifyFlags, session: Session): void {
  const pds = verifyCga(session.host.crypto, address, flags.pds);
  if (pds instanceof Reject) return printRefusal(address, pds, flags, session);
  const sec = secOf(addressOctets(address).subarray(8));
  const bits = keyBitsOf(pds);
  const [keyBits = null, ...further] = bits;
  if (flags.json) session.printJson({ ok: true, address, sec, keyBits, ...(further.length > 0 && { furtherKeyBits: further }) });
  else session.print(`${address} is bound to these parameters: Sec ${sec}, ${showKeys(bits)}\n`);
}

/** Bits of the keys that may sign; `null` for one that cannot be read. */
export function keyBitsOf(pds: Pds): (number | null)[] {
  return signingKeys(pds).map((key) => readRsaKey(key)?.bits ?? null);
}

function showKeys(bits: readonly (number | null)[]): string {
  if (bits.length === 0) return "no key, a set of addresses that sign nothing";
  const shown = bits.map((each) => String(each ?? "unknown"));
  return shown.length === 1 ? `key of ${shown[0]} bits` : `keys of ${shown.join(", ")} bits`;
}

/** Says why an address does not belong to parameters; the exit code says it too. */
export function printRefusal(address: Address, { why }: Reject, { json }: { readonly json?: true }, session: Session): void {
  session.exit = EXIT_WRONG;
  if (json) session.printJson({ ok: false, address, why });
  else session.print(`${address} is not bound to these parameters: ${WHY[why] ?? why}\n`);
}
