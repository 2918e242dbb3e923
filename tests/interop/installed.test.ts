/**
 * As a new user tries it, with Node and npm alone: the packed package in an empty folder, a box out of ten lines of settings, the
 * demonstration; then the same program as a single executable.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { tooOld } from "../../adapters/newer.ts";
import { PROJECT } from "../lib/labhost.ts";
import { must, type Program, start, stopAll } from "../lib/names/program.ts";
import { type Installed, inFolder, installPackage } from "../lib/package.ts";
import { havePeers } from "../lib/peers.ts";

/** Three links with nobody at their other ends. */
const LINKS = ["lan0", "wan0", "wan1"].flatMap((name) => [
  `ip link add ${name} type veth peer name ${name}x`,
  `ip link set ${name} up`,
  `ip link set ${name}x up`,
]);
/** A pass of the laboratory takes half a minute. */
const LAB_PATIENCE = 150_000;

/** Ten lines; the last two only because this is not the machine's only box. */
const site = (directory: string): string => `site: home
ulid: { prefix: "fc00:aaaa:1::/48" }
lan: { interface: lan0, subnets: ["fc00:aaaa:1::/64"] }
providers:
  - { name: fibre, prefix: "2001:db8:a1::/48", interface: wan0, gateway: "fe80::1" }
  - { name: cable, prefix: "2001:db8:a2::/48", interface: wan1, gateway: "fe80::1" }
bindings:
  - { ulid: "fc00:bbbb:1::10", locators: ["2001:db8:b3::10"] }
state: ${directory}/state
control: ${directory}/control.sock
`;

/** `words` start the program. A box comes up in a network of its own, says what it does, and goes. */
async function runsABox(words: readonly string[], directory: string, env: Installed["env"]): Promise<void> {
  writeFileSync(join(directory, "site.yaml"), site(directory));
  assert.match(inFolder(directory, env, [...words, "check", "-c", "site.yaml"]), /ok\nsite home\n/);
  const script = [...LINKS, 'exec "$@"'].join(" && ");
  const box = start("box", ["unshare", "--net", "sh", "-c", script, "sh", ...words, "run", "-c", "site.yaml"], { cwd: directory, env });
  await box.said(/^ready home on /m);
  const shown = inFolder(directory, env, [...words, "show", "status", "-c", "site.yaml"]);
  assert.match(shown, /home/);
  assert.match(inFolder(directory, env, [...words, "show", "providers", "-c", "site.yaml"]), /fibre[\s\S]*cable/);
  // npx would end, and its shell, and nobody would tell the box: Ctrl-C reaches all three, a signal to one does not.
  process.kill(youngest(box.pid), "SIGTERM");
  assert.is(await box.ended(), 0, box.lastWords);
}

/** The last of a row of processes each of which has started the next with the same words. */
function youngest(pid: number): number {
  const child = must(["ps", "--no-headers", "-A", "-o", "ppid=,pid=,args="])
    .split("\n")
    .filter((line) => line.includes("run -c site.yaml"))
    .map((line) => line.trim().split(/\s+/).map(Number))
    .find(([parent]) => parent === pid);
  return child === undefined ? pid : youngest(child[1]);
}

/** The laboratory comes up and a stream flows; a signal to the process that was started ends it, and all that it raised. */
async function connects(lab: Program): Promise<void> {
  await lab.said(/h1 connected to h2/, 0, LAB_PATIENCE);
  lab.signal("SIGTERM");
  await lab.ended();
  assert.match(lab.log, /"why":\["interrupted"\]/);
}

async function endsWell(lab: Program): Promise<void> {
  assert.is(await lab.ended(LAB_PATIENCE), 0, lab.lastWords);
  const report = JSON.parse(lab.log.trim().split("\n").at(-1) ?? "");
  assert.ok(report.ok, lab.lastWords);
}

if (havePeers("root", "ip", "unshare", "ps")) {
  const scratch = mkdtempSync(join(tmpdir(), "pshim6-installed-"));
  const executable = join(scratch, "pshim6");
  let installed: Installed | undefined;
  const inPackage = () => {
    installed ??= installPackage(scratch);
    return installed;
  };

  test("npx runs a box out of ten lines", async () => {
    const { directory, env } = inPackage();
    await runsABox(["npx", "--no", "--", "pshim6"], directory, env);
  });

  test("npx runs the demonstration", async () => {
    const { directory, env } = inPackage();
    await endsWell(start("lab", ["npx", "--no", "--", "pshim6", "lab", "--once", "--json"], { cwd: directory, env }));
  });

  test("an older Node is told so, and gets a newer one for the demonstration", async () => {
    const old = must(["sh", "-c", "PATH=/usr/local/bin:/usr/bin:/bin; command -v node && node --version || true"]).trim().split("\n");
    if (tooOld(`node ${old[1]?.slice(1)}`) === undefined) return console.log("skipped: this machine's own Node is not old");
    const { directory, env } = inPackage();
    writeFileSync(join(directory, "site.yaml"), site(directory));
    const program = join(directory, "node_modules", "pshim6", "dist", "pshim6.mjs");
    const refused = start("run", [old[0], program, "run", "-c", "site.yaml"], { cwd: directory, env });
    assert.is(await refused.ended(), 1);
    assert.match(refused.log, /this is node \S+, and a box needs node 22\.13 or later; .*npx -p "node@>=22\.13" -p pshim6 pshim6/);
    // Stands for npx: what it is asked to run runs on the Node that comes first in PATH.
    writeFileSync(join(directory, "npx"), '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift; exec "$@"\n', { mode: 0o755 });
    const path = { PATH: `${directory}:${env.PATH}` };
    const lab = start("lab", [old[0], program, "lab", "--json"], { cwd: directory, env: { ...env, ...path } });
    await lab.said(/asking npx for a newer one/);
    await connects(lab);
    const nobody = start("lab", [old[0], program, "lab"], { cwd: directory, env: { ...env, PATH: "/nowhere" } });
    assert.is(await nobody.ended(), 1);
    assert.match(nobody.log, /and npx brought none/);
  });

  test("a single executable does all of this with nothing beside it", async () => {
    const { directory } = inPackage();
    const node = join(PROJECT, "node_modules", "node", "bin", "node");
    must([node, join(PROJECT, "build", "executable.ts"), "--out", executable]);
    const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };
    assert.match(inFolder("/", env, [executable, "--version"]), /^pshim6 \S+ on bun /);
    await runsABox([executable], directory, env);
    await connects(start("lab", [executable, "lab", "--json"], { cwd: "/", env }));
  });

  test.after(() => {
    stopAll();
    rmSync(scratch, { recursive: true, force: true });
  });
  test.run();
}
