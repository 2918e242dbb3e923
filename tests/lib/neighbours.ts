/**
 * Two boxes with something of another kind between them or beside them: a world changed as a test wants it, the sites' settings changed too,
 * hosts with unroutable ULIDs or with addresses of a provider's.
 */
import * as assert from "uvu/assert";
import type { ContextRow } from "../../runtime/api/rows.ts";
import { type Box, startBox } from "../../runtime/lab/boxes.ts";
import { breakGround, type Ground } from "../../runtime/lab/ground.ts";
import type { LabHost } from "../../runtime/lab/host.ts";
import { settleLines } from "../../runtime/lab/raise.ts";
import { type Settled, siteFile, siteYaml, stateDirectory } from "../../runtime/lab/site.ts";
import { startTraffic, type Traffic } from "../../runtime/lab/traffic.ts";
import { ALPHA, BETA, provider, type Site, twoSites, type World } from "../../runtime/lab/world.ts";
import type { Child } from "../../runtime/port/process.ts";
import { type Address, parseAddress } from "../../runtime/value/address.ts";
import { prefix, showPrefix } from "../../runtime/value/prefix.ts";
import { ownRuntime, PROJECT, testHost } from "./labhost.ts";

/** Site beta with a second provider. */
export const BETA_OF_TWO: Site = { ...BETA, providers: [...BETA.providers, provider("isp4", "b4", "f4", "up4", 20)] };
const FLOWING = 200_000;
const PATIENCE_MS = 30_000;
const SAID = 20;

/** What a neighbourhood is made of. */
export interface Plan {
  readonly sites: readonly [Site, Site];
  /** The subnet of each site out of a provider's prefix that its host lives in; absent = both have unroutable ULIDs, and know each other by bindings. */
  readonly routable?: readonly [string, string];
  /** The world with what stands in it beside the boxes. */
  readonly world?: (world: World) => World;
  /** A site's settings, changed. */
  readonly settings?: (text: string, site: Site) => string;
  /** Runs before the boxes start. */
  readonly prepare?: (ground: Ground) => Promise<void>;
}

/** A running one. */
export interface Neighbourhood {
  readonly host: LabHost;
  readonly ground: Ground;
  readonly boxes: readonly [Box, Box];
  readonly said: readonly string[];
  until(what: string, done: () => Promise<boolean> | boolean): Promise<void>;
  /** Waits until another {@link FLOWING} octets have arrived. */
  flows(traffic: Traffic): Promise<void>;
  /** A stream to the site's host; port 5001. */
  stream(from: string, to: string, address: Address): Promise<Traffic>;
  /** Standard output of a command inside a node. */
  at(node: string, ...argv: string[]): Promise<string>;
  /** tests/lib/corners.py inside a node. @returns exit code and output, nothing asserted */
  corner(node: string, ...words: string[]): Promise<{ readonly code: number; readonly text: string }>;
  /** The same for verbs that go on: resolves when it is ready. */
  serve(node: string, ...words: string[]): Promise<Child>;
  /** Rules for nftables inside a node. */
  nft(node: string, rules: string): Promise<void>;
}

/** Raises the plan, runs `use`, takes everything down; what boxes said about errors fails the test. */
export async function inNeighbourhood(plan: Plan, use: (world: Neighbourhood) => Promise<void>): Promise<void> {
  const host = await testHost("dist/pshim6.mjs");
  const ground = await breakGround(host, 0);
  const said: string[] = [];
  try {
    const world = twoSites(plan.sites);
    await ground.raise(plan.world?.(world) ?? world);
    await plan.prepare?.(ground);
    const boxes = await startSites(host, ground, plan, (box, text) => said.push(`${box}: ${text}`));
    await use(neighbourhood(host, ground, boxes, said));
    assert.equal(
      said.filter((line) => /error|at .*\.ts/i.test(line)),
      [],
    );
  } finally {
    await ground.raze();
  }
}

/** A counter of a box, 0 when it never counted. */
export async function counter(box: Box, name: string): Promise<number> {
  return (await box.counters())?.[name] ?? 0;
}

/** What a box tells of its contexts. */
export async function rows(box: Box): Promise<readonly ContextRow[]> {
  return (await box.contexts()) ?? [];
}

function neighbourhood(host: LabHost, ground: Ground, boxes: readonly [Box, Box], said: readonly string[]): Neighbourhood {
  const helper = ["python3", `${PROJECT}/tests/lib/corners.py`];
  const until: Neighbourhood["until"] = async (what, done) => {
    for (let waited = 0; !(await done()); waited += 50) {
      if (waited > PATIENCE_MS) throw new Error(`waited ${PATIENCE_MS / 1000} s until ${what}\n${said.slice(-SAID).join("\n")}`);
      await host.sleep(50);
    }
  };
  return {
    host,
    ground,
    boxes,
    said,
    until,
    flows: async (traffic) => {
      const before = traffic.octets;
      await until("the stream flows", () => traffic.octets > before + FLOWING);
    },
    stream: (from, to, address) => startTraffic(host, ground, { from, to, address, runtime: ownRuntime() }),
    at: async (node, ...argv) => (await ground.run(node, argv)).stdout,
    corner: async (node, ...words) => {
      const { code, stdout, stderr } = await ground.run(node, [...helper, ...words], 60_000);
      return { code, text: `${stdout}${stderr}`.trim() };
    },
    serve: async (node, ...words) => {
      let ready = false;
      const line = () => {
        ready = true;
      };
      const child = await ground.spawn(node, [...helper, ...words], { line, complaint: (text) => console.error(`${node}: ${text}`) });
      await until(`${words.join(" ")} at ${node} is ready`, () => ready);
      return child;
    },
    nft: async (node, rules) => {
      const { code, stderr } = await host.processes.run(["ip", "netns", "exec", ground.namespace(node), "nft", "-f", "-"], {
        input: rules,
      });
      assert.is(code, 0, stderr);
    },
  };
}

async function startSites(host: LabHost, ground: Ground, plan: Plan, log: (box: string, text: string) => void): Promise<[Box, Box]> {
  const [a, b] = await Promise.all([settle(host, ground, plan, 0), settle(host, ground, plan, 1)]);
  const start = async (own: Settled, other: Settled, subnet: string | undefined): Promise<Box> => {
    host.files.writeText(siteFile(ground.directory, own.site), settings(plan, own.site, ground.directory, [own], [other]));
    const box = await startBox(host, ground, own, ownRuntime(), log);
    if (subnet === undefined) await ground.ip(own.site.host, settleLines(own.ulid, own.site.lanAddress));
    else {
      const { base } = prefix(subnet);
      await ground.ip(own.site.box, `address add ${base}1/64 dev lan nodad\n`);
      await ground.ip(own.site.host, settleLines(own.ulid, `${base}1`));
    }
    return box;
  };
  return [await start(a, b, plan.routable?.[0]), await start(b, a, plan.routable?.[1])];
}

function settings(plan: Plan, site: Site, directory: string, own: readonly Settled[], others: readonly Settled[]): string {
  const subnet = plan.routable?.[plan.sites.indexOf(site)];
  const plain = siteYaml(site, directory, own, subnet === undefined ? others : []);
  const text =
    subnet === undefined
      ? plain
      : plain
          .replace("ulid: {", `ulid: { routable: ["${subnet}"],`)
          .replace(`subnets: ["${showPrefix(site.subnet)}"]`, `subnets: ["${showPrefix(site.subnet)}", "${subnet}"]`);
  return plan.settings?.(text, site) ?? text;
}

/** Has a site's box make its host's ULID, in the routable subnet if there is one. */
async function settle(host: LabHost, ground: Ground, plan: Plan, which: 0 | 1): Promise<Settled> {
  const site = plan.sites[which];
  const file = siteFile(ground.directory, site);
  host.files.makeDirectory(`${stateDirectory(ground.directory, site)}/state`, 0o700);
  host.files.writeText(file, settings(plan, site, ground.directory, [], []));
  const subnet = plan.routable?.[which];
  const words = ["cga", "generate", "-c", file, "--name", site.host, "--json", ...(subnet === undefined ? [] : ["--subnet", subnet])];
  const { code, stdout, stderr } = await host.processes.run([...host.selfCommand(ownRuntime()).argv, ...words], { timeout: 60_000 });
  assert.is(code, 0, stderr);
  const ulid = parseAddress(JSON.parse(stdout).address);
  assert.ok(ulid !== undefined);
  return { site, ulid };
}

/** Sites of the lab with one provider more at beta: most of RFC 6629's figures have two at both ends. */
export const FOUR_PROVIDERS: readonly [Site, Site] = [ALPHA, BETA_OF_TWO];
