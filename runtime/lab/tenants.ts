/** Hosts that begin with nothing: DHCPv6 gives them an address, a router advertisement a router, and the name server finds the other one. */
import type { Address } from "../value/address.ts";
import { parseAddress } from "../value/address.ts";
import type { Millis } from "../value/time.ts";
import type { LeaseLine, ResolveLine } from "./dweller.ts";
import { type Ground, LabError } from "./ground.ts";
import type { LabHost, RuntimeName } from "./host.ts";
import { hostDuid } from "./site.ts";
import type { Site } from "./world.ts";

/** A host that has an address. */
export interface Tenant {
  readonly address: Address;
  /** The name server that it was told, and the domain to look in. */
  readonly server: string;
  readonly search: string;
  /** What the lease took. */
  readonly ms: Millis;
}

/** A name that was found. */
export interface Found {
  readonly address: Address;
  readonly ms: Millis;
}

/** The kernel takes the router's advertisement by itself; the box sends the first at its start. */
const ROUTER_PATIENCE: Millis = 20_000;
const LOOK: Millis = 50;

/** The host of `site` gets its address, and waits for its router. @throws {LabError} */
export async function moveIn(host: LabHost, ground: Ground, site: Site, runtime: RuntimeName): Promise<Tenant> {
  const words = ["--lease", "lan", "--duid", hostDuid(site)];
  const { address, dns, search, ms } = await ask<LeaseLine>(host, ground, site, runtime, words, `${site.host} got no address by DHCPv6`);
  const given = parseAddress(address);
  if (given === undefined || dns.length === 0) throw new LabError(`${site.host} was given no address or no name server`);
  await ground.ip(site.host, `address add ${given}/128 dev lan nodad\n`);
  for (let waited = 0; ; waited += LOOK) {
    const { stdout } = await ground.run(site.host, ["ip", "-6", "route", "show", "default"]);
    if (stdout.includes("via")) break;
    if (waited > ROUTER_PATIENCE) throw new LabError(`${site.host} heard of no router`);
    await host.sleep(LOOK);
  }
  return { address: given, server: dns[0], search: search[0] ?? "", ms };
}

/** `name`, asked for at the name server that `tenant` was told. @throws {LabError} */
export async function findName(
  host: LabHost,
  ground: Ground,
  site: Site,
  runtime: RuntimeName,
  { server }: Tenant,
  name: string,
): Promise<Found> {
  const words = ["--resolve", name, "--server", server];
  const { addresses, ms } = await ask<ResolveLine>(host, ground, site, runtime, words, `${site.host} did not find ${name}`);
  const address = parseAddress(addresses[0] ?? "");
  if (address === undefined) throw new LabError(`${site.host} was told no address of ${name}`);
  return { address, ms };
}

async function ask<Line>(
  host: LabHost,
  ground: Ground,
  site: Site,
  runtime: RuntimeName,
  words: readonly string[],
  fault: string,
): Promise<Line> {
  const { code, stdout, stderr } = await ground.run(site.host, [...host.selfCommand(runtime).argv, "lab-host", ...words]);
  if (code !== 0) throw new LabError(`${fault}: ${stderr.trim() || `exit code ${code}`}`);
  const line: Line = JSON.parse(stdout);
  return line;
}
