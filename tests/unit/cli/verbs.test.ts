/** The verbs on a made-up machine: what is printed, what is handed over, how it ends. */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { CliMachine } from "../../lib/clihost.ts";

const SITE = readFileSync(new URL("../../../examples/lab-alpha.yaml", import.meta.url), "utf8");

function machine(): CliMachine {
  const made = new CliMachine();
  made.files.writeText("/site.yaml", SITE);
  return made;
}

test("version and help", async () => {
  const version = await machine().run(["--version"]);
  assert.equal(version, { code: 0, out: "pshim6 1.2.3 on node 26.10.0\n", err: "" });
  const help = await machine().run(["--help"]);
  assert.is(help.code, 0);
  for (const verb of ["run", "lab", "sim", "check", "show", "reload", "decode", "vectors", "cga", "zone", "bench"])
    assert.match(help.out, new RegExp(`^  ${verb} `, "m"));
});

test("help with examples on every verb", async () => {
  const verbs = [
    "run",
    "lab",
    "check",
    "show",
    "reload",
    "show contexts",
    "show counters",
    "decode",
    "vectors",
    "cga generate",
    "cga verify",
    "zone",
    "bench",
    "bench core",
  ];
  for (const verb of verbs) {
    const { code, out, err } = await machine().run([...verb.split(" "), "--help"]);
    assert.equal([code, err], [0, ""], verb);
    assert.match(out, /\nExamples:\n {2}/, verb);
    const longest = Math.max(...out.split("\n").map((line) => line.length));
    assert.ok(longest <= 110, `${verb}: a line of ${longest} characters`);
  }
});

test("wrong usage ends with 2 and says what to do", async () => {
  const cases: [string[], RegExp][] = [
    [["chek"], /unknown command 'chek'[\s\S]*Did you mean check\?/],
    [["check", "--jsn"], /unknown option '--jsn'[\s\S]*Did you mean --json\?/],
    [["check", "extra"], /too many arguments/],
    [["vectors"], /missing required argument 'file'/],
    [["show", "nothing"], /unknown command 'nothing'/],
    [["show", "contexts", "--ulid", "10.0.0.1"], /It must be an IPv6 address/],
    [["show", "contexts", "--limit", "-1"], /It must be a whole number from 0 to 100000/],
    [["show", "contexts", "--watch", "soon"], /It must be a number of seconds above 0/],
    [["lab", "--runtime", "perl"], /Allowed choices are node, deno, bun/],
    [["lab", "--seconds", "0"], /above 0/],
    [["run", "--pcap-limit", "0"], /whole number from 1 to/],
    [["run", "--log-level", "loud"], /Allowed choices are debug, info, warn, error/],
    [["cga", "generate", "--sec", "3"], /whole number from 0 to 2/],
    [["cga", "generate", "--prefix", "fc00:aaaa:1::/64"], /--prefix and --key go together/],
    [["cga", "generate", "--prefix", "fc00:aaaa:1::/48", "--key", "k"], /must be a \/64/],
    [["cga", "generate", "--prefix", "fc00:aaaa:1::/64", "--key", "k", "-c", "x"], /replace -c/],
    [["cga", "verify", "fc00::1"], /required option '--pds <hex>' not specified/],
    [["cga", "verify", "fc00::1", "--pds", "abc"], /hexadecimal/],
    [["bench", "core", "--contexts", "1e9"], /whole number/],
  ];
  for (const [argv, message] of cases) {
    const { code, out, err } = await machine().run(argv);
    assert.equal([code, out], [2, ""], argv.join(" "));
    assert.match(err, message, argv.join(" "));
    assert.match(err, /^pshim6: /, argv.join(" "));
  }
  for (const argv of [[], ["show"], ["cga"], ["bench"]]) {
    const { code, out, err } = await machine().run(argv);
    assert.equal([code, out], [2, ""], `"${argv.join(" ")}"`);
    assert.match(err, /Usage: pshim6/);
  }
});

test("check: a right file", async () => {
  const box = machine();
  const { code, out, err } = await box.run(["check", "-c", "/site.yaml"]);
  assert.equal([code, err], [0, ""]);
  assert.is(
    out,
    `/site.yaml: ok
site alpha
  identifiers  fc00:aaaa:1::/48 of fc00::/7
  LAN          lan: fc00:aaaa:1::/64
  isp1         2001:db8:a1::/48 on up1 via 2001:db8:f1::1, priority 10, weight 60
  isp2         2001:db8:a2::/48 on up2 via 2001:db8:f2::1, priority 10, weight 40
  bindings     1
  hosts        none
`,
  );
  box.files.writeText("/site.yaml", `${SITE}hosts: [{ name: h1, ulid: "fc00:aaaa:1::10" }]\n`);
  assert.match(
    (await box.run(["check", "-c", "/site.yaml"])).out,
    / {2}h1 fc00:aaaa:1::10\n {4}2001:db8:a1::10 by isp1\n {4}2001:db8:a2::10 by isp2\n$/,
  );
  const json = JSON.parse((await box.run(["check", "-c", "/site.yaml", "--json"])).out);
  assert.equal([json.ok, json.summary.hosts[0].locators[1]], [true, { provider: "isp2", locator: "2001:db8:a2::10" }]);
});

test("check: every mistake, exit code 1", async () => {
  const box = machine();
  box.files.writeText("/site.yaml", SITE.replace("site: alpha", "siet: alpha").replace("profile: fast", "profile: fats"));
  const { code, out } = await box.run(["check", "-c", "/site.yaml"]);
  assert.is(code, 1);
  assert.match(out, /siet is no setting[\s\S]*did you mean site\?[\s\S]*did you mean fast\?[\s\S]*\/site\.yaml: 3 mistakes\n$/);
  const json = await box.run(["check", "-c", "/site.yaml", "--json"]);
  assert.is(json.code, 1);
  assert.equal(
    JSON.parse(json.out).faults.map(({ path }: { path: string }) => path),
    ["site", "siet", "reap.profile"],
  );
});

test("check: no file, and routes for the operator", async () => {
  const box = machine();
  assert.equal(await box.run(["check", "-c", "/none.yaml"]), {
    code: 1,
    out: "",
    err: "pshim6: there is no file /none.yaml: check the path\n",
  });
  assert.is((await box.run(["check", "-c", "/site.yaml", "--routes"])).out, "# routes of alpha\n");
});

test("run hands over a checked site", async () => {
  const box = machine();
  assert.is((await box.run(["run", "-c", "/site.yaml"])).code, 0);
  assert.is((await box.run(["run", "-c", "/site.yaml", "--log-level", "debug"])).code, 0);
  assert.is((await box.run(["run", "-c", "/site.yaml", "--pcap", "/tmp/x.pcap", "--pcap-limit", "7"])).code, 0);
  assert.equal(box.handed, [
    ["run", "alpha", "info", { file: "/site.yaml", logLevel: "info" }],
    ["run", "alpha", "debug", { file: "/site.yaml", logLevel: "debug", keepLogLevel: true }],
    ["run", "alpha", "info", { file: "/site.yaml", logLevel: "info", capture: { file: "/tmp/x.pcap", limit: 7_000_000 } }],
  ]);
  box.files.writeText("/site.yaml", "site: x\n");
  const { code, err } = await box.run(["run", "-c", "/site.yaml"]);
  assert.is(code, 1);
  assert.match(err, /providers is missing[\s\S]*pshim6: \/site\.yaml has 3 mistakes: correct them and try again\n$/);
  assert.is(box.handed.length, 3);
});

test("an exit code of what was handed over is ours", async () => {
  assert.is((await machine().run(["lab"], { host: { runLab: async () => 7 } })).code, 7);
});

test("lab and bench hand over their options", async () => {
  const box = machine();
  await box.run(["lab"]);
  await box.run("lab --once --json --verbose --runtime bun --runtime-b deno --seconds 2.5 --passes 3 --capture /tmp/x".split(" "));
  await box.run("bench core --contexts 1024 --json".split(" "));
  await box.run(["lab-stream", "--serve", "::1", "--help"]);
  const none = { runtimeA: undefined, runtimeB: undefined, seconds: undefined, passes: undefined, capture: undefined };
  assert.equal(box.handed, [
    ["lab", { once: false, json: false, verbose: false, ...none }],
    ["lab", { once: true, json: true, verbose: true, runtimeA: "bun", runtimeB: "deno", seconds: 2.5, passes: 3, capture: "/tmp/x" }],
    ["bench", { json: true, contexts: 1024 }],
    ["lab-stream", ["--serve", "::1", "--help"]],
  ]);
});

test("decode: lines in, JSON out", async () => {
  const { code, out } = await machine().run(["decode"], { input: ["# nothing", "", "zz"] });
  assert.is(code, 0);
  assert.equal(JSON.parse(out), { verdict: "invalid", error: "not hexadecimal" });
});

test("vectors: a line each, the sums, exit code 1 if one differs", async () => {
  const box = machine();
  const wrong = { name: "odd", kind: "no-such-kind", hex: "00", fields: {} };
  box.files.writeText("/v.json", JSON.stringify([wrong]));
  const { code, out } = await box.run(["vectors", "/v.json"]);
  assert.equal([code, out], [1, "FAIL  no-such-kind odd: unknown kind no-such-kind\n0 passed, 1 failed\n"]);
  const json = await box.run(["vectors", "/v.json", "--json"]);
  assert.is(json.code, 1);
  assert.equal(JSON.parse(json.out.trimEnd().split("\n")[1]), { passed: 0, failed: 1 });
  box.files.writeText("/v.json", "[]");
  assert.equal(await box.run(["vectors", "/v.json"]), { code: 0, out: "0 passed, 0 failed\n", err: "" });
  box.files.writeText("/v.json", "{");
  const broken = await box.run(["vectors", "/v.json"]);
  assert.is(broken.code, 1);
  assert.match(broken.err, /^pshim6: \/v\.json cannot be used: not JSON/);
});

test("a pipe that closes ends quietly", async () => {
  for (const argv of [["--help"], ["check", "-c", "/site.yaml"], ["decode"]]) {
    assert.equal(await machine().run(argv, { reads: 0, input: ["zz", "zz"] }), { code: 0, out: "", err: "" }, argv.join(" "));
  }
});

test("no stack trace unless asked for", async () => {
  const fails = { runBox: () => Promise.reject(new TypeError("boom\nsecond line")) };
  const quiet = await machine().run(["run", "-c", "/site.yaml"], { host: fails });
  assert.equal(quiet, { code: 1, out: "", err: "pshim6: this should not have happened: boom; PSHIM6_DEBUG=1 shows where\n" });
  const loud = await machine().run(["run", "-c", "/site.yaml"], { host: fails, environment: { PSHIM6_DEBUG: "1" } });
  assert.match(loud.err, /TypeError: boom|at /);
});

test.run();
