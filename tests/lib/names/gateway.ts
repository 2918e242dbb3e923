/**
 * The DNS service alone, as a program for tests and benches: `gateway.ts SITE`, the part of site.yaml as JSON. Lines on standard output: `ready`,
 * `learn {…}`, `asked {…}`, and `totals {…}` whenever SIGUSR2 comes and at the end, which is SIGTERM.
 */
import process from "node:process";
import { fileURLToPath } from "node:url";
import { loadPlatform, type RuntimeName } from "../../../adapters/platform.ts";
import { runtimeCommand } from "../../../build/tools.ts";
import { NameService } from "../../../runtime/box/names.ts";
import type { NameSite } from "../../../runtime/box/names-settings.ts";
import { type Address, address, addressOctets } from "../../../runtime/value/address.ts";
import { prefix } from "../../../runtime/value/prefix.ts";
import { CLASS_IN, TYPE_AAAA } from "../../../runtime/wire/dns.ts";
import { dnsName } from "../../../runtime/wire/dns-name.ts";

/** What the program is told. */
export interface GatewayWords {
  readonly listen: readonly { readonly host: string; readonly port: number }[];
  readonly upstreams: readonly { readonly host: string; readonly port: number; readonly domains: readonly string[] }[];
  readonly timeout?: number;
  readonly cache?: number;
  readonly handshake?: "packet" | "answer";
  /** The site's own names: AAAA records. */
  readonly local?: Readonly<Record<string, string>>;
}

/** The site's block in these worlds. */
export const SITE_PREFIX = "fc00:aaaa:1::/48";

/** The words that start it on `runtime`. */
export function gatewayCommand(runtime: RuntimeName, words: GatewayWords): string[] {
  return [...runtimeCommand(runtime, fileURLToPath(import.meta.url)), JSON.stringify(words)];
}

function siteOf(words: GatewayWords): NameSite {
  const provider = {
    name: "isp1",
    prefix: prefix("2001:db8:a1::/48"),
    interface: "up1",
    gateway: undefined,
    priority: 10,
    weight: 1,
    table: undefined,
    auto: false,
  };
  return {
    ulid: { prefix: prefix(SITE_PREFIX), generic: prefix("fc00::/7"), routable: [] },
    lan: { interface: "lo", subnets: [prefix("fc00:aaaa:1::/64")], advertise: false },
    providers: [provider],
    legacy: { mode: "off", names: "pass" },
    policy: [],
    dns: {
      listen: words.listen,
      upstreams: words.upstreams,
      type: 65_280,
      handshake: words.handshake ?? "packet",
      proof: "dns",
      reverse: true,
      cache: words.cache ?? 65_536,
      timeout: words.timeout ?? 1_500,
    },
  };
}

async function run(words: GatewayWords): Promise<void> {
  const { clock, entropy, tcp, openUdp } = await loadPlatform();
  const udp = await openUdp(new URL("../worker-entry.ts", import.meta.url));
  const say = (kind: string, value: unknown) => process.stdout.write(`${kind} ${JSON.stringify(value)}\n`);
  const arm = () =>
    clock.wakeAt(service.wakeAt, () => {
      service.poll(clock.now());
      arm();
    });
  const service: NameService = new NameService(siteOf(words), {
    now: () => clock.now(),
    entropy,
    udp,
    tcp,
    learn: (ulid, locators, names) => say("learn", { ulid, locators: locators.map((one) => one.address), names }),
    asked: (host: Address, ulid) => say("asked", { host, ulid }),
    woken: () => arm(),
  });
  const own = new Map(Object.entries(words.local ?? {}).map(([name, text]) => [dnsName(name), address(text)]));
  service.setLocal({
    find(name, type) {
      const found = own.get(name);
      if (found === undefined) return undefined;
      return type === TYPE_AAAA ? [{ name, type, class: CLASS_IN, ttl: 300, data: addressOctets(found) }] : [];
    },
  });
  const totals = () => {
    const counters: Record<string, number> = {};
    for (const [name, count] of service.counters()) counters[name] = (counters[name] ?? 0) + count;
    say("totals", { ...service.totals(), counters });
  };
  process.on("SIGUSR2", totals);
  process.on("SIGTERM", () => {
    totals();
    void service
      .close()
      .then(() => udp.close())
      .then(() => process.exit(0));
  });
  await service.start();
  arm();
  process.stdout.write("ready\n");
}

const [, program, words] = process.argv;
if (program !== undefined && fileURLToPath(import.meta.url) === program && words !== undefined)
  await run(JSON.parse(words) as GatewayWords);
