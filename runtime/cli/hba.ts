/** `pshim6 hba`: sets of addresses that prove one another without a signature (RFC 5535). */
import type { Command } from "commander";
import { type Cga, fillerKey, finish, generateHba, multiPrefixExtension, multiPrefixOf, secOf, verifyHba } from "../cga/index.ts";
import type { Provider, Site } from "../config/site.ts";
import { type Address, addressOctets } from "../value/address.ts";
import { hex } from "../value/bytes.ts";
import { contains, type Prefix, showPrefix, withPrefix } from "../value/prefix.ts";
import { Reject } from "../value/reject.ts";
import { keyBitsOf, printRefusal, refuseNamesakes } from "./cga.ts";
import { hostName, modifierFor, octetsArgument, privateKeyIn, publicHalf, refuseLarge, SUBNET_LENGTH, subnetOf } from "./cga-make.ts";
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
import { EXIT_USAGE, Failure, type Session } from "./session.ts";

interface GenerateFlags {
  readonly config?: string;
  readonly name?: string;
  readonly only?: true;
  readonly sec: number;
  readonly subnet?: Prefix;
  readonly prefix?: readonly Prefix[];
  readonly key?: string;
  readonly json?: true;
}

/** Octets of the extended modifier (RFC 5535 §5.1). */
const FILLER_OCTETS = 48;

/** Adds the verb `hba` to the program. */
export function addHba(program: Command, session: Session): void {
  const hba = program
    .command("hba")
    .summary("addresses that prove one another")
    .description("Sets of hash-based addresses (RFC 5535): one address in each of some prefixes, bound together without a signature.");
  const several = (text: string, before: readonly Prefix[] = []) => [...before, prefixArgument(text)];
  hba
    .command("generate")
    .summary("make a set for a host")
    .description(
      "Makes an identifier whose locators at the site's providers prove themselves, and keeps its parameters in the site's store. The set is fixed for ever: a provider that comes later has no member in it. The site's key is bound to it too (a hybrid), so that it can sign for such a provider; with --only there is no key. With --prefix instead of -c it needs no site and keeps nothing.",
    )
    .option(CONFIG_FLAG, `${CONFIG_HELP} (default: ${DEFAULT_CONFIG})`)
    .option("--name <name>", "the host's name", hostName)
    .option("--only", "no key: other providers never")
    .option("--subnet <prefix>", "the /64 that the host is in, if the LAN has several", prefixArgument)
    .option("--sec <n>", "how costly a forgery is made: each step 65536 times as much; 1 takes a moment, 2 takes hours", whole(0, 2), 0)
    .option("--prefix <prefix>", "without a site: a /64 of the set; once for each, in their order", several)
    .option("--key <file>", "without a site: the private key of a hybrid, made if there is none")
    .option(JSON_FLAG, JSON_HELP)
    .addHelpText(
      "after",
      examples(
        "pshim6 hba generate -c site.yaml --name h1",
        "pshim6 hba generate --prefix fc00:aaaa:1::/64 --prefix 2001:db8:a1::/64 --prefix 2001:db8:a2::/64",
      ),
    )
    .action((flags: GenerateFlags, command: Command) =>
      flags.prefix || flags.key ? generateAlone(flags, command, session) : generateForSite(flags, session),
    );
  hba
    .command("verify")
    .summary("is this address a member of the set of these parameters?")
    .description("Verifies a member of a set (RFC 5535 §7). Exit code 1 if it is none.")
    .argument("<address>", "any address of the set", addressArgument)
    .requiredOption("--pds <hex>", "the CGA parameters of any address of the set", octetsArgument)
    .option(JSON_FLAG, JSON_HELP)
    .addHelpText("after", examples('pshim6 hba verify 2001:db8:a1:0:1c4a:5bf6:ffb4:ca6c --pds "$PDS"'))
    .action((address: Address, flags: { readonly pds: Uint8Array; readonly json?: true }) => verify(address, flags, session));
}

async function generateForSite(flags: GenerateFlags, session: Session): Promise<void> {
  const site = session.site(flags.config ?? DEFAULT_CONFIG);
  const subnet = subnetOf(site, flags.subnet);
  const { host } = session;
  const store = await host.openStore(site.state);
  try {
    const known = store.cgaParameters();
    refuseNamesakes([flags.name], known);
    const publicKey = flags.only
      ? undefined
      : publicHalf(
          session,
          store.privateKey(() => host.crypto.rsaGenerate(site.key.bits)),
        );
    const inUse = new Set<string>([...site.hosts.map(({ ulid }) => ulid), ...known.keys()]);
    const prefixes = [subnet, ...site.providers.map((provider) => subnetAt(provider, subnet))];
    const [own, ...members] = await make(session, prefixes, publicKey, flags.sec, (address) => inUse.has(address));
    store.putCga(own.address, { name: flags.name, pds: own.pds });
    print(flags, own, locatorsOf(site, members), session);
  } finally {
    await store.close();
  }
}

/** The provider's /64 in place of the LAN's. */
function subnetAt({ name, prefix }: Provider, subnet: Prefix): Prefix {
  if (prefix.length > SUBNET_LENGTH)
    throw new Failure(`provider ${name} gives ${showPrefix(prefix)}: a set takes a /64 of each provider, use "pshim6 cga generate"`);
  return { base: withPrefix(prefix, subnet.base), length: SUBNET_LENGTH };
}

function locatorsOf({ providers }: Site, members: readonly Cga[]) {
  return providers.flatMap(({ name, prefix }) => {
    const member = members.find(({ address }) => contains(prefix, address));
    return member === undefined ? [] : [{ provider: name, locator: member.address }];
  });
}

function print(
  { name, only, sec, json }: GenerateFlags,
  { address, pds }: Cga,
  locators: readonly { readonly provider: string; readonly locator: Address }[],
  session: Session,
): void {
  if (json) {
    session.printJson({ name: name ?? null, address, sec, hybrid: only === undefined, locators, pds: hex(pds) });
    return;
  }
  const listed = locators.map(({ locator }) => `"${locator}"`).join(", ");
  session.print(
    [
      `address ${address}`,
      ...locators.map(({ provider, locator }) => `locator ${locator} at ${provider}`),
      `pds ${hex(pds)}`,
      "",
      `under "hosts:" in the site's settings:`,
      `  - { name: ${name ?? "NAME"}, ulid: "${address}" }`,
      `under "bindings:" at other sites that do not find it in the DNS:`,
      `  - { ulid: "${address}", locators: [${listed}] }\n`,
    ].join("\n"),
  );
}

async function generateAlone(flags: GenerateFlags, command: Command, session: Session): Promise<void> {
  const { prefix: prefixes } = flags;
  const wrong = (text: string) => command.error(`error: ${text}`, { exitCode: EXIT_USAGE });
  if (prefixes === undefined) return wrong("--key wants --prefix: give the /64s of the set");
  if (flags.config !== undefined || flags.subnet !== undefined || flags.only !== undefined)
    return wrong("--prefix replaces -c, --subnet and --only: leave these out");
  const crooked = prefixes.find(({ length }) => length !== SUBNET_LENGTH);
  if (crooked !== undefined) return wrong(`--prefix must be a /64, not ${showPrefix(crooked)}`);
  if (new Set(prefixes.map(showPrefix)).size < prefixes.length) return wrong("a prefix is there twice");
  const publicKey = flags.key === undefined ? undefined : publicHalf(session, privateKeyIn(flags.key, session));
  const set = await make(session, prefixes, publicKey, flags.sec, () => false);
  const members = set.map(({ address, pds }, i) => ({ prefix: showPrefix(prefixes[i]), address, pds: hex(pds) }));
  session.printJson({ name: flags.name ?? null, sec: flags.sec, hybrid: publicKey !== undefined, members });
}

async function make(
  session: Session,
  prefixes: readonly Prefix[],
  publicKey: Uint8Array | undefined,
  sec: number,
  taken: (address: Address) => boolean,
): Promise<Cga[]> {
  const { crypto, entropy } = session.host;
  const hasKey = publicKey !== undefined;
  const random = entropy.bytes(FILLER_OCTETS);
  const extensions = [multiPrefixExtension({ hasKey, prefixes })];
  const inKeysPlace = publicKey ?? fillerKey(random);
  refuseLarge({ publicKey: inKeysPlace, extensions }, hasKey ? [publicKey] : []);
  const modifier = await modifierFor(session, { publicKey: inKeysPlace, extensions, sec });
  return finish(generateHba(crypto, { prefixes, sec, modifier, key: hasKey ? { publicKey } : { random }, taken }));
}

function verify(address: Address, flags: { readonly pds: Uint8Array; readonly json?: true }, session: Session): void {
  const pds = verifyHba(session.host.crypto, address, flags.pds);
  if (pds instanceof Reject) return printRefusal(address, pds, flags, session);
  const set = multiPrefixOf(pds);
  const prefixes = (set?.prefixes ?? []).map(showPrefix);
  const sec = secOf(addressOctets(address).subarray(8));
  const [keyBits = null] = keyBitsOf(pds);
  if (flags.json) session.printJson({ ok: true, address, sec, hybrid: set?.hasKey === true, keyBits, prefixes });
  else
    session.print(
      `${address} is a member of the set over ${prefixes.join(", ")}: Sec ${sec}, ${keyBits === null ? "no key" : `key of ${keyBits} bits`}\n`,
    );
}
