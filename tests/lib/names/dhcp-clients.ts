/**
 * DHCPv6 clients that others wrote, each in a node of its own with its files in a directory of its own. None touches the
 * machine's resolv.conf: they report what they were told to a script of ours.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { addressesOf, type Held, type Node } from "./nodes.ts";
import { Bell, must, PATIENCE, type Program, until } from "./program.ts";

/** Names of the clients that there are launchers for. */
export const CLIENTS = ["dhclient", "dhcpcd", "dibbler", "wide", "networkd"] as const;

export type ClientName = (typeof CLIENTS)[number];

/** What the program of each is called. */
export const CLIENT_PROGRAMS: Readonly<Record<ClientName, string>> = {
  dhclient: "dhclient",
  dhcpcd: "dhcpcd",
  dibbler: "dibbler-client",
  wide: "dhcp6c",
  networkd: "/usr/lib/systemd/systemd-networkd",
};

/** A client on the interface `lan` of its node. */
export interface DhcpClient {
  readonly name: ClientName;
  readonly node: Node;
  /** Link-layer address of its interface. */
  readonly mac: string;
  /** Starts it; what it wrote down in an earlier life is there. */
  start(): void;
  /** Its addresses now. */
  addresses(): Held[];
  /** Waits until what it holds fits. @throws after `patience`, with the client's last words */
  until(what: string, fits: (held: readonly Held[]) => boolean, patience?: number): Promise<Held[]>;
  /** Waits until what its script was told last, in the client's own words, holds each of `words`. @throws after a while */
  told(words: readonly string[]): Promise<void>;
  /** Whether it tells the server when it goes. */
  readonly releases: boolean;
  /** Makes it release its address, if it does that, and end. */
  release(): Promise<void>;
  /** Ends it, and whatever else runs in its node, without a word to the server. */
  kill(): Promise<void>;
  /** For failures. */
  lastWords(): string;
}

/** How one client is handled. `directory` is its own, for ever; `/etc` and `/var/lib` are its own while it runs. */
interface Recipe {
  /** Configuration, by path; written once. */
  files(directory: string): Readonly<Record<string, string>>;
  /** Directories of the machine that it insists on, by the name under which they are kept in `directory`. */
  readonly mounts: Readonly<Record<string, string>>;
  argv(directory: string): string[];
  /** A signal, or a command, that makes it release and end. */
  readonly release: NodeJS.Signals | ((directory: string) => string[]);
  /** One that ends by {@link release} without a Release. */
  readonly silent?: true;
  /** The file, or the directory of files, where it says what it was told, if not {@link NOTE}'s. */
  readonly told?: string;
  /** A command for its mount namespace before it starts. */
  readonly before?: string;
}

/** Notes what the client says, for {@link DhcpClient.told}. */
const NOTE = 'env > "$told.new" && mv "$told.new" "$told"';

const scriptPath = (directory: string) => `${directory}/script`;
const script = (directory: string, more = "") => `#!/bin/sh\ntold=${directory}/told\n${NOTE}\n${more}`;

const DHCLIENT_SCRIPT = `case "$reason" in
BOUND6|RENEW6|REBIND6|REBOOT6)
  ip -6 address replace "$new_ip6_address/64" dev "$interface" valid_lft "$new_max_life" preferred_lft "$new_preferred_life" ;;
EXPIRE6|RELEASE6|STOP6|FAIL6)
  ip -6 address del "$old_ip6_address/64" dev "$interface" ;;
esac
`;

const NETWORKD = `[Match]
Name=lan
[Network]
DHCP=ipv6
IPv6AcceptRA=no
[DHCPv6]
WithoutRA=solicit
DUIDType=link-layer
UseDomains=yes
UseHostname=no
`;

const dhclientFiles = (directory: string) => ["-cf", `${directory}/conf`, "-lf", `${directory}/leases`, "-pf", `${directory}/pid`];

const RECIPES: Readonly<Record<ClientName, Recipe>> = {
  dhclient: {
    files: (directory) => ({
      conf: "also request dhcp6.name-servers, dhcp6.domain-search;\n",
      leases: "",
      script: script(directory, DHCLIENT_SCRIPT),
    }),
    mounts: {},
    argv: (directory) => ["dhclient", "-6", "-d", "-v", ...dhclientFiles(directory), "-sf", scriptPath(directory), "lan"],
    release: (directory) => ["dhclient", "-6", "-r", "-v", ...dhclientFiles(directory), "-sf", scriptPath(directory), "lan"],
  },
  dhcpcd: {
    files: (directory) => ({
      conf: [
        "duid ll",
        "ipv6only",
        "noipv6rs",
        "nodev",
        "option domain_name_servers, domain_search",
        `script ${scriptPath(directory)}`,
        "interface lan",
        "ia_na 1",
        "",
      ].join("\n"),
      script: script(directory),
    }),
    mounts: { state: "/var/lib/dhcpcd" },
    argv: (directory) => ["dhcpcd", "-B", "-d", "-6", "-f", `${directory}/conf`, "lan"],
    release: "SIGALRM",
  },
  dibbler: {
    files: (directory) => ({
      "etc/client.conf": [
        "log-level 8",
        "log-mode full",
        "duid-type duid-ll",
        `script "${scriptPath(directory)}"`,
        "iface lan {",
        "  ia",
        "  option dns-server",
        "  option domain",
        "}",
        "",
      ].join("\n"),
      script: script(directory),
    }),
    mounts: { state: "/var/lib/dibbler", log: "/var/log/dibbler", etc: "/etc/dibbler" },
    argv: () => ["dibbler-client", "run"],
    release: "SIGTERM",
  },
  wide: {
    files: (directory) => ({
      conf: [
        "interface lan {",
        "  send ia-na 1;",
        "  request domain-name-servers, domain-name;",
        `  script "${scriptPath(directory)}";`,
        "};",
        "id-assoc na 1 { };",
        "",
      ].join("\n"),
      script: script(directory),
    }),
    mounts: { state: "/var/lib/dhcpv6" },
    argv: (directory) => ["dhcp6c", "-f", "-D", "-c", `${directory}/conf`, "-p", `${directory}/pid`, "lan"],
    release: "SIGTERM",
  },
  networkd: {
    files: () => ({ "run/systemd/network/lan.network": NETWORKD }),
    mounts: {},
    argv: () => [CLIENT_PROGRAMS.networkd],
    // Where /sys can be written to it waits for udev.
    before: "mount -o remount,ro /sys",
    release: "SIGTERM",
    silent: true,
    told: "run/systemd/netif/links",
  },
};

/** A client in `node`, not started. */
export function dhcpClient(name: ClientName, node: Node, parent: string): DhcpClient {
  const recipe = RECIPES[name];
  const directory = `${parent}/${node.name}-${name}`;
  const bell = new Bell();
  furnish(directory, recipe);
  const [{ address: mac }] = JSON.parse(node.run(["ip", "-j", "link", "show", "dev", "lan"])) as { address: string }[];
  const monitor = node.start(["ip", "-6", "monitor", "address"], { heard: () => bell.ring() });
  let program: Program | undefined;
  const holds = () => addressesOf(node, "lan");
  const lastWords = () =>
    [`${node.name} holds ${JSON.stringify(holds())}`, program?.lastWords ?? "not started", `${monitor.lastWords}`].join("\n");
  return {
    name,
    node,
    mac,
    start: () => {
      program = node.start(inside(recipe, directory, recipe.argv(directory)), { heard: () => bell.ring(), cwd: directory });
    },
    addresses: holds,
    until: (what, fits, patience = PATIENCE) => {
      const look = () => {
        const held = holds();
        if (fits(held)) return held;
        if (program?.running === false) throw new Error(`${name} ended before: ${what}\n${lastWords()}`);
        return undefined;
      };
      return bell.until(`${name}: ${what}`, look, lastWords, patience);
    },
    told: async (words) => {
      const text = () => textOf(`${directory}/${recipe.told ?? "told"}`);
      const whole = () => (words.every((word) => text().includes(word)) ? true : undefined);
      await until(`${name} is told ${words.join(" and ")}`, whole, () => `${text()}\n${lastWords()}`);
    },
    releases: recipe.silent !== true,
    release: async () => {
      const { release } = recipe;
      if (typeof release === "string") program?.signal(release);
      else await node.start(inside(recipe, directory, release(directory)), { cwd: directory }).ended();
      await program?.ended();
    },
    kill: async () => {
      // Some are several processes, which would keep the port.
      const pids = must(["ip", "netns", "pids", node.namespace]).trim().split("\n").map(Number);
      for (const pid of pids.filter((one) => one !== monitor.pid)) process.kill(pid, "SIGKILL");
      await program?.ended();
    },
    lastWords,
  };
}

function furnish(directory: string, { files, mounts }: Recipe): void {
  for (const name of ["", "run", ...Object.keys(mounts)]) mkdirSync(`${directory}/${name}`, { recursive: true });
  for (const [name, text] of Object.entries(files(directory))) {
    mkdirSync(dirname(`${directory}/${name}`), { recursive: true });
    writeFileSync(`${directory}/${name}`, text, { mode: name === "script" ? 0o755 : 0o644 });
  }
}

function textOf(path: string): string {
  if (!existsSync(path)) return "";
  if (!statSync(path).isDirectory()) return readFileSync(path, "utf8");
  return readdirSync(path)
    .map((name) => readFileSync(`${path}/${name}`, "utf8"))
    .join("");
}

/** `ip netns exec` gives a mount namespace to each program; into it go the client's own directories, and a /run of its own. */
function inside(recipe: Recipe, directory: string, argv: readonly string[]): string[] {
  const binds = Object.entries({ ...recipe.mounts, run: "/run" }).map(([name, at]) => `mount --bind ${directory}/${name} ${at}`);
  return ["sh", "-c", [...binds, ...(recipe.before === undefined ? [] : [recipe.before]), 'exec "$@"'].join(" && "), "sh", ...argv];
}
