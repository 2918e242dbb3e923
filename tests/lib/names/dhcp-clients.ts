/**
 * DHCPv6 clients that others wrote, each in a node of its own with its files in a directory of its own. None touches the
 * machine's resolv.conf: they report what they were told to a script of ours.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { addressesOf, type Held, type Node } from "./nodes.ts";
import { Bell, PATIENCE, type Program } from "./program.ts";

/** Names of the clients that there are launchers for. */
export const CLIENTS = ["dhclient", "dhcpcd", "dibbler", "wide"] as const;

export type ClientName = (typeof CLIENTS)[number];

/** What the program of each is called. */
export const CLIENT_PROGRAMS: Readonly<Record<ClientName, string>> = {
  dhclient: "dhclient",
  dhcpcd: "dhcpcd",
  dibbler: "dibbler-client",
  wide: "dhcp6c",
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
  /** What its script was told last, in the client's own words. */
  told(): string;
  /** Makes it release its address and end. */
  release(): Promise<void>;
  /** Ends it without a word to the server. */
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
  /** A signal, or a command, that makes it release. */
  readonly release: NodeJS.Signals | ((directory: string) => string[]);
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
    told: () => (existsSync(`${directory}/told`) ? readFileSync(`${directory}/told`, "utf8") : ""),
    release: async () => {
      const { release } = recipe;
      if (typeof release === "string") program?.signal(release);
      else await node.start(inside(recipe, directory, release(directory)), { cwd: directory }).ended();
      await program?.ended();
    },
    kill: async () => {
      program?.signal("SIGKILL");
      await program?.ended();
    },
    lastWords,
  };
}

function furnish(directory: string, { files, mounts }: Recipe): void {
  for (const name of ["", "run", ...Object.keys(mounts)]) mkdirSync(`${directory}/${name}`, { recursive: true });
  for (const [name, text] of Object.entries(files(directory))) writeFileSync(`${directory}/${name}`, text, { mode: 0o755 });
}

/** `ip netns exec` gives a mount namespace to each program; into it go the client's own directories, and a /run of its own. */
function inside(recipe: Recipe, directory: string, argv: readonly string[]): string[] {
  const binds = Object.entries({ ...recipe.mounts, run: "/run" }).map(([name, at]) => `mount --bind ${directory}/${name} ${at}`);
  return ["sh", "-c", [...binds, 'exec "$@"'].join(" && "), "sh", ...argv];
}
