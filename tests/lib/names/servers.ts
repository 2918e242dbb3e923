/** Servers that others wrote, in nodes of a test's world: what ours is measured against, and what stands behind it. */
import { mkdirSync, writeFileSync } from "node:fs";
import type { Node } from "./nodes.ts";
import { type Program, until } from "./program.ts";

/** What Kea gives out on one interface. Lifetimes in seconds. */
export interface KeaOptions {
  readonly interface: string;
  /** `fc00:aaaa:1::/64`. */
  readonly subnet: string;
  /** `first - last`. */
  readonly pool: string;
  readonly preferred: number;
  readonly valid: number;
  readonly renew: number;
  readonly rebind: number;
  readonly dns?: string;
  readonly search?: string;
  /** Threads that serve; absent = its main thread. */
  readonly threads?: number;
  /** A line for each lease, or warnings only. */
  readonly log?: "INFO" | "WARN";
}

/** Kea's DHCPv6 server with its memfile, ready to serve. `directory` must exist. */
export async function startKea(node: Node, directory: string, options: KeaOptions): Promise<Program> {
  const data = [
    ...(options.dns === undefined ? [] : [{ name: "dns-servers", data: options.dns }]),
    ...(options.search === undefined ? [] : [{ name: "domain-search", data: options.search }]),
  ];
  const config = {
    Dhcp6: {
      "interfaces-config": { interfaces: [options.interface] },
      "lease-database": { type: "memfile", persist: true, name: `${directory}/leases.csv`, "lfc-interval": 0 },
      "server-id": { type: "LL", persist: false },
      "preferred-lifetime": options.preferred,
      "valid-lifetime": options.valid,
      "renew-timer": options.renew,
      "rebind-timer": options.rebind,
      "option-data": data,
      subnet6: [{ id: 1, subnet: options.subnet, interface: options.interface, pools: [{ pool: options.pool }] }],
      loggers: [{ name: "kea-dhcp6", output_options: [{ output: "stdout" }], severity: options.log ?? "INFO" }],
      "multi-threading": {
        "enable-multi-threading": options.threads !== undefined,
        ...(options.threads === undefined ? {} : { "thread-pool-size": options.threads }),
      },
    },
  };
  writeFileSync(`${directory}/kea.json`, JSON.stringify(config, undefined, 1));
  const env = { KEA_PIDFILE_DIR: directory, KEA_LOCKFILE_DIR: directory };
  const kea = node.start(["kea-dhcp6", "-c", `${directory}/kea.json`], { env });
  // With warnings only it never says that it started; its socket does.
  if (options.log === "WARN")
    await until(
      "Kea serves",
      () => (/:547 /.test(node.run(["ss", "-lun6"])) ? true : undefined),
      () => kea.lastWords,
    );
  else await kea.said(/DHCP6_STARTED/);
  return kea;
}

/** A zone that BIND serves from a text. */
export interface BindZone {
  readonly name: string;
  readonly text: string;
  /** Name of the TSIG key with which it may be updated. */
  readonly key?: string;
}

/** What BIND does. */
export interface BindOptions {
  readonly listen: string;
  readonly zones: readonly BindZone[];
  /** Base64 secrets of hmac-sha256 keys, by name. */
  readonly keys?: Readonly<Record<string, string>>;
}

/** BIND 9, authoritative for `zones`. */
export async function startBind(node: Node, directory: string, options: BindOptions): Promise<Program> {
  mkdirSync(directory, { recursive: true });
  const zones = options.zones.map(({ name, text, key }, i) => {
    const file = `${directory}/zone${i}`;
    writeFileSync(file, text);
    const update = key === undefined ? "" : `allow-update { key "${key}"; };`;
    return `zone "${name}" { type primary; file "${file}"; ${update} };`;
  });
  const keys = Object.entries(options.keys ?? {}).map(([name, secret]) => `key "${name}" { algorithm hmac-sha256; secret "${secret}"; };`);
  const settings = [
    `directory "${directory}";`,
    `pid-file "${directory}/pid"; session-keyfile "${directory}/session"; lock-file none;`,
    `listen-on { none; }; listen-on-v6 { ${options.listen}; };`,
    "recursion no; dnssec-validation no; notify no; allow-query { any; }; allow-transfer { any; };",
  ].join("\n");
  writeFileSync(`${directory}/named.conf`, [...keys, `options { ${settings} };`, "controls { };", ...zones, ""].join("\n"));
  const named = node.start(["named", "-g", "-n", "1", "-c", `${directory}/named.conf`], { cwd: directory });
  await named.said(/ running\n/);
  return named;
}

/** What a resolver resolves. */
export interface ResolverOptions {
  readonly listen: string;
  /** Servers of zones that no root leads to, by zone. */
  readonly stubs: Readonly<Record<string, string>>;
}

/** BIND 9 as recursive resolver, open to everyone in the test's world. */
export async function startResolver(node: Node, directory: string, options: ResolverOptions): Promise<Program> {
  mkdirSync(directory, { recursive: true });
  const zones = Object.entries(options.stubs).map(
    ([zone, server]) => `zone "${zone}" { type static-stub; server-addresses { ${server}; }; };`,
  );
  const settings = [
    `directory "${directory}";`,
    `pid-file "${directory}/pid"; session-keyfile "${directory}/session"; lock-file none;`,
    `listen-on { none; }; listen-on-v6 { ${options.listen}; };`,
    "recursion yes; dnssec-validation no; allow-query { any; }; allow-recursion { any; }; max-ncache-ttl 1; empty-zones-enable no;",
  ].join("\n");
  writeFileSync(`${directory}/named.conf`, [`options { ${settings} };`, "controls { };", ...zones, ""].join("\n"));
  const named = node.start(["named", "-g", "-n", "1", "-c", `${directory}/named.conf`], { cwd: directory });
  await named.said(/ running\n/);
  return named;
}

/** Unbound as recursive resolver, open to everyone in the test's world. */
export async function startUnbound(node: Node, directory: string, options: ResolverOptions): Promise<Program> {
  mkdirSync(directory, { recursive: true });
  const stubs = Object.entries(options.stubs).map(([zone, server]) => `stub-zone:\n  name: "${zone}"\n  stub-addr: ${server}\n`);
  const server = [
    "server:",
    `  directory: "${directory}"`,
    `  pidfile: "${directory}/pid"`,
    '  chroot: ""',
    '  username: ""',
    "  use-syslog: no",
    "  verbosity: 2",
    "  log-queries: yes",
    `  interface: ${options.listen}`,
    "  access-control: ::/0 allow",
    "  do-ip4: no",
    '  module-config: "iterator"',
    "  cache-max-ttl: 60",
    "  cache-max-negative-ttl: 1",
    ...Object.keys(options.stubs).flatMap((zone) => (zone.endsWith("ip6.arpa") ? [`  local-zone: "${zone}" nodefault`] : [])),
    "remote-control:",
    "  control-enable: no",
    "",
  ];
  writeFileSync(`${directory}/unbound.conf`, `${server.join("\n")}${stubs.join("")}`);
  const unbound = node.start(["unbound", "-d", "-p", "-c", `${directory}/unbound.conf`], { cwd: directory });
  await unbound.said(/start of service/);
  return unbound;
}
