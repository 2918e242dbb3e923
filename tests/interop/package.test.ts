/**
 * The package as `npm pack` makes it, in an empty folder without network: what it declares, that other people's programs compile against
 * it and run on three runtimes and in a bundle, that its program works.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { build } from "esbuild";
import { publint } from "publint";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PROJECT } from "../lib/labhost.ts";
import { type Installed, inFolder, installPackage } from "../lib/package.ts";

const BIN = join(PROJECT, "node_modules", ".bin");
const ON = { node: ["node"], deno: [join(BIN, "deno"), "run", "-A", "--quiet"], bun: [join(BIN, "bun")] } as const;
/** Modern resolution alone, with nothing but ECMAScript: no DOM, no Node, and declarations are checked, too. */
const STRICT = [
  "--strict",
  "--exactOptionalPropertyTypes",
  "--skipLibCheck",
  "false",
  "--target",
  "es2024",
  "--lib",
  "es2024",
  "--types",
  "",
];

const CONSUMER = `
import { checkSite, decode, routesOf, showFaults, version } from "pshim6";
import { CoreError, createCore, openLane, type ContextValues, type PuntReason } from "pshim6/core";
import { address, contextTag, emitPacket, type Message, parseControl, Refusal, Reject, showMessage } from "pshim6/wire";

const context: ContextValues = {
  localUlid: "fc00:aaaa:1::10", peerUlid: "fc00:bbbb:1::10", localTag: 1, peerTag: 2,
  localLocator: "2001:db8:a1::10", peerLocator: "2001:db8:b3::10",
};
const core = await createCore({ prefixes: { ulid: "fc00:aaaa:1::/48", locators: ["2001:db8:a1::/48"] }, contexts: 16 });
core.addContext(context, 0);
const message: Message = { kind: "Keepalive", receiverTag: contextTag(1), options: [] };
const packet = emitPacket(address(context.peerLocator), address(context.localLocator), message);
const seen: PuntReason[] = [];
core.run([packet], 0, () => undefined);
core.takePunts(9, (octets, reason) => {
  seen.push(reason);
  const parsed = parseControl(octets);
  if (parsed instanceof Reject || parsed instanceof Refusal) throw new Error("not ours");
  if (showMessage(parsed.message) !== showMessage(message)) throw new Error(showMessage(parsed.message));
});
let code = "";
try {
  core.addContext(context, 0);
} catch (error) {
  if (error instanceof CoreError) code = error.code;
}
const lane = await openLane(core.shared, 0);
const reading = checkSite("site: x\\nlan: 5\\n");
const faults = "faults" in reading ? showFaults(reading.faults, "site: x\\nlan: 5\\n", "site.yaml").split("\\n")[0] : routesOf(reading.site);
const fields = decode(Array.from(packet, (octet) => octet.toString(16).padStart(2, "0")).join(""));
export const found = JSON.stringify({ seen, code, slots: lane.batch, faults, msg: fields?.msg, version });
`;
const PRINTED = 'import { found } from "./consumer.js";\nconsole.log(found);\n';

function expected(): string {
  const { version } = JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8")) as { version: string };
  const faults = "site.yaml:1:1: ulid is missing";
  return JSON.stringify({ seen: ["punt-control-shim6"], code: "taken", slots: 64, faults, msg: "Keepalive", version });
}

let installed: (Installed & { readonly scratch: string }) | undefined;
const inPackage = (work: (installed: Installed) => Promise<void> | void) => () => {
  if (installed === undefined) {
    const scratch = mkdtempSync(join(tmpdir(), "pshim6-package-"));
    installed = { ...installPackage(scratch), scratch };
  }
  return work(installed);
};

test(
  "publint and are-the-types-wrong find nothing",
  inPackage(async ({ directory, tarball }) => {
    const { messages } = await publint({
      pkgDir: join(directory, "node_modules", "pshim6"),
      level: "suggestion",
      strict: true,
      pack: false,
    });
    assert.equal(messages, []);
    const analysis = await checkPackage(createPackageFromTarballData(Uint8Array.from(readFileSync(tarball))));
    assert.ok(analysis.types);
    const entries = Object.keys(analysis.entrypoints).sort();
    assert.equal(entries, [".", "./core", "./core.wasm", "./package.json", "./wire"]);
    // Modules are ECMAScript's alone, which every supported Node also requires; resolution of before Node 12 knows no \`exports\`.
    const wrong = analysis.problems.filter((problem) => {
      const kind = "resolutionKind" in problem ? problem.resolutionKind : undefined;
      return kind !== "node10" && !(kind === "node16-cjs" && problem.kind === "CJSResolvesToESM");
    });
    assert.equal(wrong, []);
  }),
);

test(
  "a program compiles against it however it resolves, and runs on three runtimes",
  inPackage(({ directory, env }) => {
    writeFileSync(join(directory, "consumer.ts"), CONSUMER);
    writeFileSync(join(directory, "print.js"), PRINTED);
    writeFileSync(join(directory, "required.cjs"), 'console.log(Object.keys(require("pshim6/core")).sort().join());\n');
    for (const [module, resolution] of [
      ["esnext", "bundler"],
      ["node16", "node16"],
      ["nodenext", "nodenext"],
    ]) {
      inFolder(directory, env, [join(BIN, "tsc"), ...STRICT, "--module", module, "--moduleResolution", resolution, "consumer.ts"]);
    }
    for (const [runtime, words] of Object.entries(ON)) {
      assert.is(inFolder(directory, env, [...words, "print.js"]).trim(), expected(), runtime);
    }
    assert.is(inFolder(directory, env, ["node", "required.cjs"]).trim(), "CoreError,createCore,openLane");
  }),
);

test(
  "its modules need nothing from a runtime: a bundle for browsers holds no other name",
  inPackage(async ({ directory, env }) => {
    writeFileSync(join(directory, "all.js"), 'export * from "pshim6";\nexport * from "pshim6/core";\nexport * from "pshim6/wire";\n');
    // Whatever is not found, such as a module of Node, fails the bundle.
    const { outputFiles } = await build({
      entryPoints: [join(directory, "all.js")],
      bundle: true,
      format: "iife",
      globalName: "pshim6",
      platform: "browser",
      write: false,
      logLevel: "silent",
    });
    writeFileSync(join(directory, "bundle.cjs"), outputFiles[0].contents);
    // A context of its own has ECMAScript, WebAssembly and what is given to it.
    const script = `
      const vm = require("node:vm"), fs = require("node:fs");
      const world = vm.createContext({ crypto: { getRandomValues: (octets) => octets.fill(7) }, URL, TextEncoder, TextDecoder });
      vm.runInContext(fs.readFileSync("bundle.cjs", "utf8"), world);
      const settings = '{ prefixes: { ulid: "fc00:aaaa:1::/48", locators: [] } }';
      vm.runInContext("pshim6.createCore(" + settings + ").then((core) => Object.keys(core.counters()).length)", world).then(console.log);`;
    writeFileSync(join(directory, "world.cjs"), script);
    assert.ok(Number(inFolder(directory, env, ["node", "world.cjs"])) > 30);
  }),
);

test(
  "its program works in an empty folder: npx, deno run, bunx",
  inPackage(({ directory, env }) => {
    const version = expected().match(/"version":"([^"]+)"/)?.[1];
    assert.match(inFolder(directory, env, ["npx", "--no", "--", "pshim6", "--version"]), `pshim6 ${version} on node 2`);
    const program = "node_modules/pshim6/dist/pshim6.mjs";
    assert.match(inFolder(directory, env, [...ON.deno, program, "--version"]), `pshim6 ${version} on deno`);
    assert.match(
      inFolder(directory, env, [join(BIN, "bun"), "x", "--bun", "--no-install", "pshim6", "--version"]),
      `pshim6 ${version} on bun`,
    );
    const rows = JSON.parse(inFolder(directory, env, ["npx", "--no", "--", "pshim6", "bench", "core", "--contexts", "16", "--json"])).rows;
    assert.equal(
      rows.map(({ direction }: { direction: string }) => direction),
      ["out", "in"],
    );
    for (const example of ["home", "campus", "edge"])
      inFolder(directory, env, ["npx", "--no", "--", "pshim6", "check", "-c", `node_modules/pshim6/examples/${example}.yaml`]);
  }),
);

test.after(() => {
  if (installed !== undefined) rmSync(installed.scratch, { recursive: true, force: true });
});
test.run();
