/**
 * Every command of the documentation, typed as it stands there: fence by fence, on the box of site alpha in the world that
 * tests/lib/names/sites.ts draws, with a context between h1 and h2.
 */
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Fence, fencesOf, pages } from "../lib/docs.ts";
import { commandOf, PROJECT } from "../lib/labhost.ts";
import { insideCage, scratch } from "../lib/names/cage.ts";
import { must, stopAll } from "../lib/names/program.ts";
import { BETA_ZONE, moveIn, type NamedSites, raiseSites } from "../lib/names/sites.ts";
import { sendStream, serveStreams } from "../lib/names/traffic.ts";
import { havePeers } from "../lib/peers.ts";

const fences = pages(PROJECT)
  .flatMap((page) => fencesOf(PROJECT, page))
  .filter(({ language }) => language === "sh");
/** What fences before may have changed. */
const AS_IT_WAS = ["pshim6 provider set-prefix isp1 2001:db8:a1::/48", "pshim6 provider restore isp1"];
const CLIENTS = { h1: "dhclient", h2: "dhcpcd", h3: "dibbler" } as const;

let sites: NamedSites;
/** Where the reader sits, and what he finds in PATH before all others. */
let desk = "";
let tools = "";

async function raise(): Promise<void> {
  // The paths that the documentation names are this world's own.
  for (const place of ["/var/lib", "/var/backups"]) {
    const over = scratch("over");
    for (const part of ["upper", "work"]) mkdirSync(`${over}/${part}`);
    must(["mount", "-t", "overlay", "overlay", "-o", `lowerdir=${place},upperdir=${over}/upper,workdir=${over}/work`, place]);
  }
  mkdirSync("/run/pshim6");
  mkdirSync("/var/lib/pshim6");
  mkdirSync("/etc/pshim6", { recursive: true });
  const directory = scratch("docs");
  sites = await raiseSites({
    runtime: "node",
    resolver: "unbound",
    serial: 0,
    directory,
    clients: CLIENTS,
    more: 'api: { listen: "[::1]:8686" }',
  });
  const { alpha, beta } = sites.boxes;
  symlinkSync(alpha.state, "/var/lib/pshim6/alpha");
  symlinkSync(`${alpha.directory}/control.sock`, "/run/pshim6/alpha.sock");
  symlinkSync(alpha.file, "/etc/pshim6/site.yaml");
  desk = scratch("desk");
  symlinkSync(`${PROJECT}/dist`, `${desk}/dist`);
  symlinkSync(alpha.file, `${desk}/site.yaml`);
  tools = scratch("tools");
  tool("pshim6", ["python3", `${PROJECT}/tests/lib/reader.py`, ...commandOf("node", "dist/pshim6.mjs").argv, "--"]);
  tool("npx", ["shift;", "exec", `${tools}/pshim6`]);
  // An answer that is a refusal is a failure.
  writeFileSync(`${tools}/.curlrc`, "fail\nshow-error\nsilent\n");
  const settings = readFileSync(alpha.file, "utf8").replace('prefix: "2001:db8:a1::/48"', "prefix: auto").replace("idle: 3s", "idle: 10m");
  writeFileSync(alpha.file, settings);
  await Promise.all([alpha.start(), beta.start()]);
  alpha.verb("provider", "set-prefix", "isp1", "2001:db8:a1::/48");
  await moveIn(sites);
  const sink = await serveStreams(sites.node("h2"));
  const stream = await sendStream(sites.node("h1"), `h2.${BETA_ZONE}`, sink);
  await stream.more(1);
}

function tool(name: string, argv: readonly string[]): void {
  const line = argv[0] === "shift;" ? `shift\n${argv.slice(1).join(" ")} "$@"` : `exec ${argv.join(" ")} "$@"`;
  writeFileSync(`${tools}/${name}`, `#!/bin/sh\n${line}\n`);
  chmodSync(`${tools}/${name}`, 0o755);
}

/** Types a fence, and stops at the first command that fails. */
function type({ text, where }: Fence): void {
  const { node } = sites.boxes.alpha;
  const settings = [
    `cd ${desk}`,
    `PATH=${tools}:$PATH`,
    `export PATH CURL_HOME=${tools}`,
    "exec 2>&1",
    `(${AS_IT_WAS.join("; ")}) > /dev/null`,
    "set -ex",
  ];
  try {
    must(node.enter(["bash", "-c", [...settings, text].join("\n")]));
  } catch (error) {
    throw new Error(`${where}: ${error instanceof Error ? error.message.slice(-3_000) : error}\n${sites.boxes.alpha.lastWords()}`);
  }
}

if (havePeers("root", "ip", "python3", "curl", "dig", "unbound", "named", "dhclient", "dhcpcd", "dibbler-client", "nft")) {
  if (insideCage(fileURLToPath(import.meta.url))) {
    test("two sites with names, and a context between their hosts", raise);
    for (const fence of fences) {
      if (fence.exception !== undefined) {
        console.log(`${fence.where}: ${fence.exception.kind}: ${fence.exception.why}`);
        continue;
      }
      test(`${fence.where}: what it says to type works`, () => type(fence));
    }
    test("a command that fails would be seen", () => {
      const bad = { where: "nowhere", language: "sh", text: "pshim6 show nothing", exception: undefined };
      assert.throws(() => type(bad), /nothing/);
    });
    test.after(async () => {
      stopAll();
      await sites.ground.raze();
    });
    test.run();
  }
}
