/**
 * A host that ISC's client leases a ULID and an address of each provider (draft §7), in real namespaces: plain servers see its address of the provider
 * that it went by, a host at another site its ULID; drained, the provider's address is deprecated. From its ULID it is mapped, by rules, and not by
 * a provider that REAP finds nobody by.
 *
 *  h1 ── boxA ══ isp1 ══╗             ╔══ isp3 ══ boxB ── h2
 *             ══ isp2 ══╩══ internet ═╝
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type BareBox, runBox, startBoxes } from "../../runtime/lab/boxes.ts";
import { breakGround, type Ground } from "../../runtime/lab/ground.ts";
import { controlSocket, siteFile, siteYaml } from "../../runtime/lab/site.ts";
import { ALPHA, BETA, twoSites } from "../../runtime/lab/world.ts";
import type { Address } from "../../runtime/value/address.ts";
import { contains, prefix, withPrefix } from "../../runtime/value/prefix.ts";
import { ownRuntime, testHost } from "../lib/labhost.ts";
import { havePeers } from "../lib/peers.ts";

const host = await testHost("dist/pshim6.mjs");
const OUTSIDE = "2001:db8:e::1";
const PORT = 7007;
const PINNED = 7008;
const SCRIPT = "tests/lib/mapped.py";
const PROVIDERS = ALPHA.providers.map(({ name, prefix: whole }, i) => ({
  name,
  whole,
  beside: prefix(`2001:db8:a${i + 1}:ff::/64`),
  gateway: ALPHA.providers[i].gateway,
}));
/** What the client is told is done to the interface, and nothing else of the machine's. */
const CLIENT_SCRIPT = `#!/bin/sh
case "$reason" in
BOUND6|RENEW6|REBIND6|REBOOT6)
  ip -6 address replace "$new_ip6_address/64" dev "$interface" valid_lft "$new_max_life" preferred_lft "$new_preferred_life" ;;
EXPIRE6|RELEASE6|STOP6|FAIL6)
  ip -6 address del "$old_ip6_address/64" dev "$interface" ;;
esac
`;

interface Held {
  readonly address: Address;
  readonly deprecated: boolean;
}

interface Scene {
  readonly ground: Ground;
  readonly ulid: Address;
  /** h2's ULID. */
  readonly other: Address;
  /** Whom servers saw: node, transport, address. */
  readonly seen: string[];
  /** `pshim6 …` for box A, which must be content. */
  verb(...words: readonly string[]): Promise<string>;
  /** Addresses of h1. */
  held(): Promise<Held[]>;
  until(what: string, done: () => Promise<boolean>): Promise<void>;
  /** What became of a question from h1; from `source`, if it is not the kernel's to choose. */
  ask(how: string, to: string, options?: { number?: number; port?: number; source?: string }): Promise<string>;
}

async function addressesOf(ground: Ground): Promise<Held[]> {
  const { stdout } = await ground.run("h1", ["ip", "-6", "-j", "address", "show", "dev", "lan", "scope", "global"]);
  const links: { addr_info?: { local?: Address; deprecated?: boolean }[] }[] = JSON.parse(stdout || "[]");
  return links.flatMap(({ addr_info = [] }) =>
    addr_info.flatMap(({ local, deprecated = false }) => (local === undefined ? [] : [{ address: local, deprecated }])),
  );
}

async function lease(ground: Ground, said: (text: string) => void): Promise<void> {
  const directory = `${ground.directory}/client`;
  host.files.makeDirectory(directory, 0o700);
  const [conf, leases, pid, script] = ["conf", "leases", "pid", "script"].map((name) => `${directory}/${name}`);
  host.files.writeText(conf, "");
  host.files.writeText(leases, "");
  host.files.writeText(script, CLIENT_SCRIPT, 0o700);
  const argv = ["dhclient", "-6", "-d", "-v", "-cf", conf, "-lf", leases, "-pf", pid, "-sf", script, "lan"];
  await ground.spawn("h1", argv, { line: said, complaint: said });
}

async function serve(ground: Ground, node: string, port: number, seen: string[]): Promise<void> {
  await new Promise<void>((ready, failed) => {
    const line = (text: string) => (text === "ready" ? ready() : seen.push(`${node} ${text}`));
    ground
      .spawn(node, ["python3", SCRIPT, "serve", String(port)], { line, complaint: (text) => seen.push(`${node} ${text}`) })
      .then(({ ended }) => ended.then(() => failed(new Error(`the server in ${node} ended`))), failed);
  });
}

async function inScene(settings: string, use: (scene: Scene) => Promise<void>): Promise<void> {
  const ground = await breakGround(host, 0);
  const said: string[] = [];
  const log = (box: string, text: string) => said.push(`${box}: ${text}`);
  try {
    await ground.raise(twoSites());
    await ground.ip("internet", `address add ${OUTSIDE}/128 dev lo nodad\n`);
    const [first, second] = await startBoxes(host, ground, { runtimes: [ownRuntime(), ownRuntime()], log });
    assert.is(await first.stop(), 0);
    const file = siteFile(ground.directory, ALPHA);
    const yaml = siteYaml(ALPHA, ground.directory, [], [{ site: BETA, ulid: second.ulid }]).replace("idle: 3s", "idle: 600s");
    host.files.writeText(file, `${yaml}dhcp: { preferred: 8s, valid: 600s }\n${settings}`);
    const box: BareBox = await runBox(host, ground, ALPHA, ownRuntime(), log);
    await ground.ip(
      "h1",
      `address flush dev lan scope global\nroute replace fc00:aaaa:1::/64 dev lan\nroute replace default via ${ALPHA.lanAddress} dev lan\n`,
    );
    for (const node of ["h1", "boxA", "boxB", "internet", "h2"]) await ground.run(node, ["python3", SCRIPT, "finish"], 30_000);
    const seen: string[] = [];
    await serve(ground, "internet", PORT, seen);
    await serve(ground, "internet", PINNED, seen);
    await serve(ground, "h2", PORT, seen);
    await serve(ground, "h1", PORT, seen);
    await serve(ground, "h1", PINNED, seen);
    const until = async (what: string, done: () => Promise<boolean>): Promise<void> => {
      for (let waited = 0; !(await done()); waited += 100) {
        if (waited > 40_000)
          throw new Error(`waited 40 s until ${what}\n${JSON.stringify(await addressesOf(ground))}\n${said.slice(-20).join("\n")}`);
        await host.sleep(100);
      }
    };
    await lease(ground, (text) => log("dhclient", text));
    await until("h1 has its addresses", async () => (await addressesOf(ground)).length === 3);
    const ulid = (await addressesOf(ground)).find(({ address }) => contains(ALPHA.ulid, address))?.address;
    assert.ok(ulid !== undefined);
    await use({
      ground,
      ulid,
      other: second.ulid,
      seen,
      until,
      held: () => addressesOf(ground),
      async verb(...words) {
        const argv = [...host.selfCommand(ownRuntime()).argv, ...words, "--socket", controlSocket(ground.directory, ALPHA)];
        const { code, stdout, stderr } = await host.processes.run(argv, { timeout: 30_000 });
        assert.is(code, 0, stderr);
        return stdout;
      },
      async ask(how, to, { number = 10, port = PORT, source } = {}) {
        const argv = [
          "env",
          ...(source === undefined ? [] : [`SOURCE=${source}`]),
          "python3",
          SCRIPT,
          how,
          to,
          String(port),
          String(number),
        ];
        return (await ground.run("h1", argv, 30_000)).stdout.trim();
      },
    });
    assert.is(await box.stop(), 0);
    assert.is(await second.stop(), 0);
    assert.not.match((await ground.run("boxA", ["ip", "-6", "rule", "show"])).stdout, /14\d\d:/, "nothing is left behind");
    assert.equal(
      said.filter((line) => /at .*\.ts/i.test(line)),
      [],
    );
  } catch (error) {
    console.error(said.slice(-20).join("\n"));
    throw error;
  } finally {
    await ground.raze();
  }
}

/** Which provider's address the last connection to `node` came from, of the hosts' own. */
function besideIn(seen: readonly string[], node: string): (typeof PROVIDERS)[number] | undefined {
  const last = seen
    .filter((line) => line.startsWith(`${node} tcp `))
    .at(-1)
    ?.split(" ")[2];
  return last === undefined ? undefined : PROVIDERS.find(({ beside }) => contains(beside, last as Address));
}

if (havePeers("root", "ip", "python3", "dhclient", "nft")) {
  test("a ULID and an address of each provider; what is drained is deprecated, and new connections leave it", () =>
    inScene(
      `legacy: { mode: pa, subnet: 255 }\nfirewall: { simple: true, rules: [{ direction: in, to: ["fc00:aaaa:1::/64"], protocols: [tcp], ports: [${PINNED}], action: accept }] }\n`,
      async ({ ground, ulid, other, seen, held, until, verb, ask }) => {
        const own = [ulid, ...PROVIDERS.map(({ beside }) => withPrefix(beside, ulid))].sort();
        assert.equal((await held()).map(({ address }) => address).sort(), own);
        assert.is(await ask("tcp", OUTSIDE, { number: 100_000 }), "same");
        assert.is(await ask("echo", OUTSIDE), "same");
        const first = besideIn(seen, "internet");
        assert.ok(first !== undefined, seen.join());
        const second = PROVIDERS.find((provider) => provider !== first);
        assert.match(
          await ask("hops", OUTSIDE, { number: 2 }),
          new RegExp(`^EHOSTUNREACH 3/0 ${first.gateway}$`),
          "by the provider whose address it is",
        );
        assert.is(await ask("tcp", other, { number: 100_000 }), "same");
        assert.ok(seen.includes(`h2 tcp ${ulid}`), seen.join());
        const comes = async (port: number) =>
          (
            await ground.run("internet", ["env", `SOURCE=${OUTSIDE}`, "python3", SCRIPT, "tcp", own[1], String(port), "10"], 30_000)
          ).stdout.trim();
        assert.equal(
          [await comes(PINNED), await comes(PORT)],
          ["same", "timed out"],
          "the filter has one rule about the host, at all its addresses",
        );

        await verb("provider", "drain", first.name);
        await until("its address is deprecated", async () =>
          (await held()).some(({ address, deprecated }) => deprecated && contains(first.beside, address)),
        );
        assert.is(await ask("tcp", OUTSIDE), "same");
        assert.is(besideIn(seen, "internet"), second);
        assert.equal((await held()).filter(({ deprecated }) => deprecated).length, 1);
        const { items } = JSON.parse(await verb("show", "leases", "--json"));
        assert.equal(
          items[0].addresses,
          PROVIDERS.map(({ name, beside }) => ({ address: withPrefix(beside, ulid), provider: name, deprecated: name === first.name })),
        );
        const { outcome, verdict } = JSON.parse(await verb("explain", ulid, OUTSIDE, "--json"));
        assert.equal([outcome, verdict], ["plain", `it passes as it is, from the host's address of ${second?.name}: without Shim6`]);
        await verb("provider", "restore", first.name);
        await until("it is preferred again", async () => (await held()).every(({ deprecated }) => !deprecated));
      },
    ));

  test("from its ULID: by rule, and not by a provider that REAP finds nobody by", () =>
    inScene(
      `legacy: { mode: both, subnet: 255 }\npolicy: [{ protocols: [tcp], ports: [${PINNED}], pin: isp2 }]\n`,
      async ({ ground, ulid, other, seen, ask, until, verb }) => {
        const [isp1, isp2] = PROVIDERS.map(({ whole }) => withPrefix(whole, ulid));
        assert.is(await ask("tcp", OUTSIDE, { source: ulid }), "same");
        assert.equal(seen.splice(0), [`internet tcp ${isp1}`]);
        assert.is(await ask("tcp", OUTSIDE, { source: ulid, port: PINNED }), "same");
        assert.equal(seen.splice(0), [`internet tcp ${isp2}`]);

        // The line stays up: a context is all that notices.
        assert.is(await ask("tcp", other, { source: ulid }), "same");
        await ground.ip("isp1", "link set dev core down\n");
        await until("the context has moved", async () => {
          await ask("udp", other);
          return /2001:db8:a2/.test(await verb("show", "contexts"));
        });
        assert.is(await ask("tcp", OUTSIDE, { source: ulid }), "same");
        assert.equal(seen.at(-1), `internet tcp ${isp2}`);
        const { providers } = JSON.parse(await verb("explain", ulid, OUTSIDE, "--json"));
        assert.is(providers[0].state, "REAP finds nobody by it, hosts' addresses of it are deprecated");
      },
    ));
}

test.run();
