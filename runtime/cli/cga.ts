/** `pshim6 cga`: makes identifiers that hosts can prove (RFC 3972) and verifies them. */
import { type Command, InvalidArgumentError } from "commander";
import { finish, generateCga, RSA_BITS_DEFAULT, readRsaKey, secOf, verifyCga } from "../cga/index.ts";
import { nameField } from "../config/fields.ts";
import type { Site } from "../config/site.ts";
import { PortError } from "../port/error.ts";
import { type Address, addressOctets } from "../value/address.ts";
import { hex, unhex } from "../value/bytes.ts";
import { PRIVATE_KEY, pemOctets, showPem } from "../value/pem.ts";
import { covers, type Prefix, showPrefix } from "../value/prefix.ts";
import { Reject } from "../value/reject.ts";
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
  readonly json?: true;
}

interface VerifyFlags {
  readonly pds: Uint8Array;
  readonly json?: true;
}

/** Length of a subnet that a CGA fits into (RFC 3972 §3). */
const SUBNET_LENGTH = 64;
const MODIFIER_OCTETS = 16;
const PRIVATE_MODE = 0o600;
const OTHERS = 0o077;
const COUNT_LIMIT = 65_536;

/** Adds the verb `cga` to the program. */
export function addCga(program: Command, session: Session): void {
  const cga = program
    .command("cga")
    .summary("identifiers that hosts can prove")
    .description("Cryptographically generated addresses (RFC 3972).");
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
    .option("--sec <n>", "how costly a forgery is made: 0, or 1 for 65536 times as much", whole(0, 1), 0)
    .option("--prefix <prefix>", "without a site: the /64 that the host is in", prefixArgument)
    .option("--key <file>", "without a site: the private key, made if there is none")
    .option(JSON_FLAG, JSON_HELP)
    .addHelpText(
      "after",
      examples(
        "pshim6 cga generate -c site.yaml --name h1",
        "pshim6 cga generate -c site.yaml --name desk --count 40",
        "pshim6 cga generate --prefix fc00:aaaa:1::/64 --key key.pem",
      ),
    )
    .action((flags: GenerateFlags, command: Command) =>
      flags.prefix || flags.key ? generateAlone(flags, command, session) : generateForSite(flags, session),
    );
  cga
    .command("verify")
    .summary("is this address bound to these parameters?")
    .description("Verifies an address against CGA parameters (RFC 3972 §5). Exit code 1 if they do not belong together.")
    .argument("<address>", "the identifier", addressArgument)
    .requiredOption("--pds <hex>", "the CGA parameters", octetsArgument)
    .option(JSON_FLAG, JSON_HELP)
    .addHelpText("after", examples('pshim6 cga verify fc00:aaaa:1:0:1c4a:5bf6:ffb4:ca6c --pds "$PDS"'))
    .action((address: Address, flags: VerifyFlags) => verify(address, flags, session));
}

async function generateForSite(flags: GenerateFlags, session: Session): Promise<void> {
  const site = session.site(flags.config ?? DEFAULT_CONFIG);
  const subnet = subnetOf(site, flags.subnet);
  const { host } = session;
  const store = await host.openStore(site.state);
  try {
    const known = store.cgaParameters();
    const names = namesOf(flags);
    const namesakes = new Map([...known].map(([address, { name }]) => [name, address]));
    for (const name of names)
      if (name !== undefined && namesakes.has(name))
        throw new Failure(`${name} has an identifier already, ${namesakes.get(name)}: take another name`);
    const privateKey = store.privateKey(() => host.crypto.rsaGenerate(site.key.bits));
    const inUse = new Set<string>([...site.hosts.map(({ ulid }) => ulid), ...known.keys()]);
    const rows = names.map((name) => {
      const made = make(session, subnet, privateKey, flags.sec, (address) => inUse.has(address));
      inUse.add(made.address);
      store.putCga(made.address, { name, pds: made.pds });
      return { name, ...made };
    });
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

/** The /64 for the new host. */
function subnetOf(site: Site, asked: Prefix | undefined): Prefix {
  const { subnets } = site.lan;
  if (asked !== undefined) {
    if (asked.length !== SUBNET_LENGTH)
      throw new Failure(`--subnet must be a /64, not ${showPrefix(asked)}: an identifier takes the other 64 bits`);
    if (subnets.some((subnet) => covers(subnet, asked))) return asked;
    throw new Failure(`--subnet ${showPrefix(asked)} is in no LAN subnet: there is ${subnets.map(showPrefix).join(", ")}`);
  }
  if (subnets.length === 1 && subnets[0].length === SUBNET_LENGTH) return subnets[0];
  throw new Failure(`the LAN has more than one /64: choose one with --subnet out of ${subnets.map(showPrefix).join(", ")}`);
}

function generateAlone(flags: GenerateFlags, command: Command, session: Session): void {
  const { prefix, key } = flags;
  if (prefix === undefined || key === undefined)
    return command.error("error: --prefix and --key go together: give both, or neither and -c", { exitCode: EXIT_USAGE });
  if (flags.config !== undefined || flags.subnet !== undefined || flags.count !== undefined)
    return command.error("error: --prefix and --key replace -c, --subnet and --count: leave these out", { exitCode: EXIT_USAGE });
  if (prefix.length !== SUBNET_LENGTH)
    return command.error(`error: --prefix must be a /64, not ${showPrefix(prefix)}`, { exitCode: EXIT_USAGE });
  const made = make(session, prefix, keyIn(key, session), flags.sec, () => false);
  session.printJson({ name: flags.name ?? null, address: made.address, sec: flags.sec, pds: hex(made.pds) });
}

/** The private key in a PEM file, which is made if it is not there. */
function keyIn(file: string, { host }: Session): Uint8Array {
  const text = host.files.readText(file);
  if (text === undefined) {
    const made = host.crypto.rsaGenerate(RSA_BITS_DEFAULT);
    host.files.writeText(file, showPem(PRIVATE_KEY, made), PRIVATE_MODE);
    return made;
  }
  if (((host.files.mode(file) ?? 0) & OTHERS) !== 0) throw new Failure(`${file} can be read by other users: run "chmod 600 ${file}"`);
  const key = pemOctets(PRIVATE_KEY, text);
  if (key === undefined)
    throw new Failure(
      `${file} holds no private key in PEM form (PKCS#8): make one with "openssl genpkey -algorithm RSA", or name a new file`,
    );
  return key;
}

function make(session: Session, prefix: Prefix, privateKey: Uint8Array, sec: number, taken: (address: Address) => boolean) {
  const { crypto, entropy } = session.host;
  const publicKey = publicHalf(session, privateKey);
  return finish(generateCga(crypto, { prefix, publicKey, sec, modifier: entropy.bytes(MODIFIER_OCTETS), taken }));
}

function publicHalf({ host }: Session, privateKey: Uint8Array): Uint8Array {
  try {
    return host.crypto.rsaPublic(privateKey);
  } catch (error) {
    // Only that it failed may be said: what the system says could quote the key.
    if (error instanceof PortError) throw error;
    throw new Failure("the private key cannot be read: it must be an RSA key");
  }
}

function verify(address: Address, flags: VerifyFlags, session: Session): void {
  const pds = verifyCga(session.host.crypto, address, flags.pds);
  if (pds instanceof Reject) {
    session.exit = EXIT_WRONG;
    if (flags.json) session.printJson({ ok: false, address, why: pds.why });
    else session.print(`${address} is not bound to these parameters: ${WHY[pds.why] ?? pds.why}\n`);
    return;
  }
  const sec = secOf(addressOctets(address).subarray(8));
  const keyBits = readRsaKey(pds.publicKey)?.bits ?? null;
  if (flags.json) session.printJson({ ok: true, address, sec, keyBits });
  else session.print(`${address} is bound to these parameters: Sec ${sec}, key of ${keyBits ?? "unknown"} bits\n`);
}

const WHY: Readonly<Record<string, string>> = {
  "short-pds": "they are too short",
  "bad-key-pds": "their public key cannot be read",
  "bad-extension-pds": "an extension is cut short",
  "collision-count-cga": "their collision count is above 2",
  "prefix-cga": "they are for another subnet",
  "hash1-cga": "their hash is not that of the address",
  "hash2-cga": "they do not have the strength that the address claims (Sec)",
};

function hostName(text: string): string {
  const read = nameField.safeParse(text);
  if (!read.success) throw new InvalidArgumentError("It must be made of lower-case letters, digits and hyphens.");
  return read.data;
}

function octetsArgument(text: string): Uint8Array {
  const octets = unhex(text);
  if (octets === undefined || octets.length === 0) throw new InvalidArgumentError("It must be hexadecimal digits, two for each octet.");
  return octets;
}
