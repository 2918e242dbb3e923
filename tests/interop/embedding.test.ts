/** The example programs, as the package brings them: edges on three runtimes that talk to each other, and a page in a real browser. */

import { createSocket, type Socket } from "node:dgram";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseControl, Refusal, Reject } from "../../runtime/embed/wire.ts";
import { packetBetween } from "../lib/edges.ts";
import { PROJECT } from "../lib/labhost.ts";
import { type Program, start, stopAll, until } from "../lib/names/program.ts";
import { type Installed, inFolder, installPackage } from "../lib/package.ts";

const BIN = join(PROJECT, "node_modules", ".bin");
const ON = { node: ["node"], deno: [join(BIN, "deno"), "run", "-A", "--quiet"], bun: [join(BIN, "bun")] } as const;
type RuntimeName = keyof typeof ON;

const SITES = {
  a: { prefixes: { ulid: "fc00:aaaa:1::/48", locators: ["2001:db8:a1::/48"] }, ulid: "fc00:aaaa:1::10", locator: "2001:db8:a1::10" },
  b: { prefixes: { ulid: "fc00:bbbb:1::/48", locators: ["2001:db8:b3::/48"] }, ulid: "fc00:bbbb:1::10", locator: "2001:db8:b3::10" },
} as const;

let installed: (Installed & { readonly scratch: string }) | undefined;
function inPackage(): Installed {
  if (installed === undefined) {
    const scratch = mkdtempSync(join(tmpdir(), "pshim6-embedding-"));
    installed = { ...installPackage(scratch), scratch };
    cpSync(join(installed.directory, "node_modules", "pshim6", "examples", "edge"), join(installed.directory, "edge"), { recursive: true });
  }
  return installed;
}

/** A socket of the test on a port of the system's choice, and what it heard. */
async function listener(): Promise<{ socket: Socket; port: number; heard: Uint8Array[] }> {
  const socket = createSocket("udp6");
  const heard: Uint8Array[] = [];
  socket.on("message", (octets) => heard.push(Uint8Array.from(octets)));
  await new Promise<void>((resolve) => socket.bind(0, "::1", resolve));
  return { socket, port: socket.address().port, heard };
}

/** A port that nobody has, at least for now. */
async function freePort(): Promise<number> {
  const { socket, port } = await listener();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

/** Edges a and b; the network between them is this process, which sees what passes. */
async function talk(runtimes: readonly [RuntimeName, RuntimeName]): Promise<void> {
  const { directory, env } = inPackage();
  const sides = { a: await ends(), b: await ends() };
  const programs: Program[] = [];
  const wire: Uint8Array[] = [];
  try {
    for (const [i, name] of (["a", "b"] as const).entries()) {
      const { prefixes, ulid, locator } = SITES[name];
      const other = SITES[name === "a" ? "b" : "a"];
      const { hosts, network, inside, outside } = sides[name];
      const settings = {
        prefixes,
        own: { [ulid]: locator },
        peers: { [other.ulid]: other.locator },
        inside: { listen: inside, send: hosts.port },
        outside: { listen: outside, send: network.port },
      };
      writeFileSync(join(directory, "edge", `${name}.json`), JSON.stringify(settings));
      programs.push(start(`edge ${name}`, [...ON[runtimes[i]], "main.mjs", `${name}.json`], { cwd: join(directory, "edge"), env }));
      const far = sides[name === "a" ? "b" : "a"];
      network.socket.on("message", (octets) => {
        wire.push(Uint8Array.from(octets));
        network.socket.send(octets, far.outside, "::1");
      });
    }
    for (const program of programs) await program.said(/^ready$/m);
    const [there, back] = [packetBetween(SITES.a.ulid, SITES.b.ulid, "there"), packetBetween(SITES.b.ulid, SITES.a.ulid, "back")];
    const why = () => programs.map(({ lastWords }) => lastWords).join("\n");
    sides.a.hosts.socket.send(there, sides.a.inside, "::1");
    await until("the first packet arrives", () => sides.b.hosts.heard[0], why);
    assert.equal(sides.b.hosts.heard, [there]);
    sides.b.hosts.socket.send(back, sides.b.inside, "::1");
    await until("the answer arrives", () => sides.a.hosts.heard[0], why);
    assert.equal(sides.a.hosts.heard, [back]);
    const kinds = wire.map((packet) => {
      const parsed = parseControl(packet);
      return parsed instanceof Reject || parsed instanceof Refusal ? "payload" : parsed.message.kind;
    });
    assert.equal(kinds, ["I1", "R1", "I2", "R2", "payload", "payload"]);
    for (const program of programs) {
      program.signal("SIGTERM");
      assert.is(await program.ended(), 0, program.lastWords);
      const counters = JSON.parse(program.log.trim().split("\n").at(-1) ?? "");
      assert.equal([counters["out-payload-shim6"], counters["in-payload-shim6"]], [1, 1]);
    }
  } finally {
    for (const { hosts, network } of Object.values(sides)) for (const { socket } of [hosts, network]) socket.close();
    stopAll();
  }
}

async function ends() {
  return { hosts: await listener(), network: await listener(), inside: await freePort(), outside: await freePort() };
}

test("what docs/embedding.md shows runs as it stands", () => {
  const { directory, env } = inPackage();
  const page = readFileSync(join(directory, "node_modules", "pshim6", "docs", "embedding.md"), "utf8");
  const programs = [...page.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, text]) => text);
  const printed = programs.map((text, i) => {
    writeFileSync(join(directory, `page-${i}.js`), text);
    return Object.entries(ON).map(([, words]) => inFolder(directory, env, [...words, `page-${i}.js`]));
  });
  const expected = [/^0 0 Infinity$/m, /^drop-source-ip6$/m, /^I1 .*fc00:bbbb:1::10$/m, /^ip -6 rule add .*/m];
  assert.is(programs.length, expected.length);
  printed.forEach((outputs, i) => {
    for (const output of outputs) assert.match(output, expected[i]);
  });
});

for (const pair of [
  ["node", "deno"],
  ["bun", "node"],
  ["deno", "bun"],
] as const) {
  test(`edges on ${pair.join(" and ")} set up a context and forward`, () => talk(pair));
}

test.after(() => {
  if (installed !== undefined) rmSync(installed.scratch, { recursive: true, force: true });
});
test.run();
