/** `pshim6 show` against a made-up box. */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createApi } from "../../../runtime/api/app.ts";
import { CONTEXTS } from "../../../runtime/cli/columns.ts";
import { CliMachine } from "../../lib/clihost.ts";
import { contextRow, fakeFacade, QUIET } from "../../lib/facade.ts";

const SITE = readFileSync(new URL("../../../examples/lab-alpha.yaml", import.meta.url), "utf8");
const SOCKET = "/run/pshim6/alpha.sock";

async function machine(contexts = 2): Promise<CliMachine> {
  const made = new CliMachine();
  made.files.writeText("/site.yaml", SITE);
  const api = createApi(fakeFacade(contexts));
  await made.http.serveSocket(SOCKET, (request) => api.fetch(request));
  return made;
}

test("contexts as a table; a pipe has no width", async () => {
  const { code, out, err } = await (await machine()).run(["show", "contexts", "-c", "/site.yaml"]);
  assert.equal([code, err], [0, ""]);
  const [head, first, second, end] = out.split("\n");
  assert.match(head, /^id {2}host +peer +fork +state +by +local locator +peer locator +tags +out +octets +in +octets +sent +heard +age$/);
  assert.match(
    first,
    /^ 0 {2}fc00:aaaa:1::0 {2}fc00:bbbb:1::10 +- +Operational {2}isp1 {2}2001:db8:a1::0 .* 1\.2k +5\.6M +7 +700 +12ms +1\.5s +1m05s$/,
  );
  assert.match(second, /^ 1 /);
  assert.is(end, "");
});

test("a fork is called after the rule whose flows it carries, or by its number", () => {
  const fork = CONTEXTS.find(({ title }) => title === "fork");
  assert.ok(fork !== undefined);
  const shown = (change: Parameters<typeof contextRow>[1]) => fork.cell(contextRow(1, change));
  assert.equal([shown({}), shown({ fork: 0xab, rule: "voice" }), shown({ fork: 0xab })], ["-", "voice", "000000ab"]);
  assert.is(fork.plain?.(contextRow(1, { fork: 0xab, rule: "voice" })), "171");
});

test("a table fits the terminal, whatever its width", async () => {
  for (const view of ["contexts", "paths", "providers", "bindings", "counters", "leases", "keys"]) {
    for (const columns of [20, 40, 60, 80, 100, 160, 240]) {
      const { code, out } = await (await machine()).run(["show", view, "--socket", SOCKET], { columns });
      assert.is(code, 0);
      const widest = Math.max(...out.split("\n").map((line) => line.length));
      // Seven columns cannot be dropped from contexts: below that the table is as narrow as it gets.
      assert.ok(widest <= Math.max(columns, 54), `${view} on ${columns} columns: ${widest}`);
    }
  }
});

test("paths say what they carry", async () => {
  const { out } = await (await machine()).run(["show", "paths", "--socket", SOCKET], { columns: 240 });
  assert.match(out, /^box +local +peer +by +state +since +rtt +loss +mtu +contexts\n.* lost +250ms +- +- +1400 +0\n/);
});

test("JSON is what the box said", async () => {
  const { out } = await (await machine(5)).run(["show", "contexts", "--socket", SOCKET, "--json", "--limit", "1"]);
  const body = JSON.parse(out);
  assert.equal([body.items.length, body.total, body.items[0].localTag], [1, 5, "00000000002a"]);
});

test("cut lists say so; empty ones too", async () => {
  assert.match(
    (await (await machine(5)).run(["show", "contexts", "--socket", SOCKET, "--limit", "2"])).out,
    /\n3 more; --limit shows up to 100000\n$/,
  );
  assert.is((await (await machine(0)).run(["show", "contexts", "--socket", SOCKET])).out, "no contexts\n");
  assert.is((await (await machine(5)).run(["show", "contexts", "--socket", SOCKET, "--ulid", "fc00:AAAA:1::3"])).out.split("\n").length, 3);
});

test("counters without zeros, and with", async () => {
  const box = await machine();
  assert.is((await box.run(["show", "counters", "--socket", SOCKET])).out, "counter            total\nout-shim6-packets     42\n");
  assert.match((await box.run(["show", "counters", "--socket", SOCKET, "--all"])).out, /drop-bad-sum-shim6 +0\n/);
});

test("leases with what is left of them; keys without anything secret", async () => {
  const box = await machine();
  const { out } = await box.run(["show", "leases", "--socket", SOCKET]);
  const [head, bound, declined] = out.split("\n");
  assert.match(head, /^identifier +name +state +ends in +link address +DUID +IAID +by +since$/);
  assert.match(bound, /^fc00:aaaa:1::1 +h1 +bound +1m05s +02:00:00:00:00:01 +00030001020000000001 +00000007 +pool +2026-/);
  assert.match(declined, /^fc00:aaaa:1::2 +- +declined +never +- /);
  const dual = new CliMachine();
  const api = createApi(fakeFacade(1, QUIET, ["isp1", "isp2"]));
  await dual.http.serveSocket(SOCKET, (request) => api.fetch(request));
  const addresses = await dual.run(["show", "leases", "--socket", SOCKET]);
  assert.match(addresses.out, /^identifier +name +state +ends in +addresses +link/);
  assert.match(addresses.out, / 1m05s +2001:db8:a1:ff::1 \(isp1\) 2001:db8:a2:ff::1 \(isp2, deprecated\) +02:/);
  const json = JSON.parse((await box.run(["show", "leases", "--socket", SOCKET, "--json", "--ulid", "fc00:aaaa:1::1"])).out);
  assert.equal([json.total, json.items[0].until], [1, "2026-09-21T14:46:40.000Z"]);
  assert.match(
    (await box.run(["show", "keys", "--socket", SOCKET])).out,
    /^file +bits +identifiers +SHA-256 of the public key\n\/var\/lib\/pshim6\/site-key\.pem +2048 +2 +(ef){32}\nelsewhere +- +0 +(01){32}\n$/,
  );
});

test("status", async () => {
  assert.is(
    (await (await machine()).run(["show", "status", "--socket", SOCKET])).out,
    "site      alpha\nversion   1.2.3 on node 26.10.0\nup for    1h01m\ncontexts  2 of 65536\ndevice    pshim0, MTU 1500\n",
  );
});

test("the only box's socket is found", async () => {
  const box = await machine();
  assert.match((await box.run(["show", "paths"])).err, /^pshim6: no box runs here: start one with "pshim6 run"/);
  box.files.makeDirectory("/run/pshim6");
  box.files.writeText(SOCKET, "");
  assert.match((await box.run(["show", "paths"])).out, /^box +local/);
  box.files.writeText("/run/pshim6/beta.sock", "");
  assert.match((await box.run(["show", "paths"])).err, /several boxes run here \(alpha\.sock, beta\.sock\): choose one/);
});

test("no box, a stranger, another version, a refusal", async () => {
  const box = new CliMachine();
  const said = async (path: string) => {
    const { code, out, err } = await box.run(["show", "paths", "--socket", path]);
    assert.equal([code, out], [1, ""]);
    return err;
  };
  assert.is(await said("/none.sock"), "pshim6: no box answers at /none.sock: is it running?\n");
  await box.http.serveSocket("/text.sock", () => new Response("hello"));
  assert.match(await said("/text.sock"), /^pshim6: what answers at \/text\.sock is no box/);
  await box.http.serveSocket("/new.sock", () => Response.json({ items: [{ peer: 1 }], total: 1 }));
  assert.match(await said("/new.sock"), /has another version/);
  await box.http.serveSocket("/no.sock", () =>
    Response.json({ type: "about:blank", title: "x", status: 503, detail: "it stops" }, { status: 503 }),
  );
  assert.is(await said("/no.sock"), "pshim6: the box refused: it stops\n");
});

test("watch goes on until told to stop", async () => {
  const box = await machine();
  const { code, out } = await box.run(["show", "status", "--socket", SOCKET, "--watch", "0.5", "--json"], { pauses: 2 });
  assert.is(code, 0);
  assert.is(out.trimEnd().split("\n").length, 3);
  assert.equal(box.paused, [500, 500, 500]);
  const screen = await box.run(["show", "status", "--socket", SOCKET, "--watch"], { pauses: 1, columns: 80 });
  // An empty screen once, then what stands there is written over.
  assert.is(screen.out.split("\x1b[H\x1b[2J").length, 2);
  assert.is(screen.out.split("\x1b[H").length, 3);
  assert.ok(screen.out.endsWith("MTU 1500\x1b[K\n\x1b[J"));
  assert.is(box.paused.at(-1), 1_000);
});

test("a watch fits the screen, and waits for a box that went away", async () => {
  const box = new CliMachine();
  const api = createApi(fakeFacade(30));
  const served = await box.http.serveSocket(SOCKET, (request) => api.fetch(request));
  const gone = { paused: () => void served.close() };
  const { code, out } = await box.run(["show", "contexts", "--socket", SOCKET, "--watch"], { columns: 100, rows: 10, pauses: 1, ...gone });
  assert.is(code, 0);
  const [first, second] = out.split("\x1b[H").slice(1);
  assert.is(first.split("\n").length, 10);
  assert.match(first, /… 23 more lines/);
  assert.match(second, /^no box answers at /);
  const piped = await box.run(["show", "contexts", "--socket", SOCKET, "--watch"], { pauses: 1 });
  assert.equal([piped.code, piped.err], [1, `pshim6: no box answers at ${SOCKET}: is it running?\n`]);
});

test("tab-separated values are what the box said, under the API's names", async () => {
  const box = await machine();
  const { out } = await box.run(["show", "contexts", "--socket", SOCKET, "-o", "tsv"], { columns: 40 });
  const [head, first] = out.split("\n").map((line) => line.split("\t"));
  const row = Object.fromEntries(head.map((name, i) => [name, first[i]]));
  assert.equal([row.id, row.localUlid, row.sentOctets, row.ageMs, row.reap], ["0", "fc00:aaaa:1::0", "5678901", "65000", undefined]);
  for (const view of [
    "status",
    "health",
    "paths",
    "providers",
    "bindings",
    "counters",
    "leases",
    "keys",
    "firewall",
    "events",
    "policy",
    "site",
    "drills",
  ]) {
    const lines = (await box.run(["show", view, "--socket", SOCKET, "-o", "tsv"])).out.trimEnd().split("\n");
    for (const line of lines) assert.is(line.split("\t").length, lines[0].split("\t").length, view);
  }
  const both = await box.run(["show", "paths", "--json", "-o", "tsv"]);
  assert.is(both.code, 2);
});

test("the filters of the API", async () => {
  const box = await machine(5);
  const items = async (...flags: string[]) =>
    JSON.parse((await box.run(["show", ...flags, "--socket", SOCKET, "--json"])).out).items.length;
  assert.is(await items("contexts", "--peer", "fc00:bbbb:1::10"), 5);
  assert.is(await items("contexts", "--peer", "fc00:bbbb:1::11"), 0);
  assert.is(await items("contexts", "--provider", "isp9"), 0);
  assert.is(await items("contexts", "--state", "Exploring"), 0);
  assert.is(await items("leases", "--state", "declined"), 1);
  assert.is(await items("bindings", "--source", "dns"), 0);
});

test("rules, settings, drills, health", async () => {
  const box = await machine();
  const out = async (...what: string[]) => (await box.run(["show", ...what, "--socket", SOCKET])).out;
  assert.match(
    await out("policy"),
    /^rule +wants +decided +for +where\npartner +prefers isp2, then isp1 +3 +names \["beta.example"\] +\/site.yaml:9\n/,
  );
  assert.is(
    await out("site"),
    '/site.yaml\nsetting              value\nsite                 "alpha"\nproviders[0].name    "isp1"\nproviders[0].prefix  "2001:db8:a1::/48"\n',
  );
  assert.match(
    await out("drills"),
    /^id +at +provider +state +dead for +active +moved +survived\n 1 +2027-01-15T08:00:00.000Z +isp1 +done +10\.0s +2 +2 +all\n$/,
  );
  assert.match(await out("health"), /^the box can do its work\ncheck +state +detail\nline isp1 +ok +up1 is up\n$/);
  // A box that cannot do its work answers 503, and says why.
  const idle = await (await machine(0)).run(["show", "health", "--socket", SOCKET]);
  assert.equal([idle.code, idle.err], [1, ""]);
  assert.match(idle.out, /^the box cannot do its work\n/);
});

test("colours on a terminal that has them", async () => {
  const box = await machine();
  const coloured = async (environment: Record<string, string>, columns?: number) => {
    const { out } = await box.run(["show", "contexts", "--socket", SOCKET], { environment, columns });
    return out.includes("\x1b[32mOperational\x1b[0m");
  };
  assert.is(await coloured({ TERM: "xterm" }, 200), true);
  assert.is(await coloured({ TERM: "xterm", NO_COLOR: "" }, 200), true);
  assert.is(await coloured({ TERM: "xterm", NO_COLOR: "1" }, 200), false);
  assert.is(await coloured({ TERM: "dumb" }, 200), false);
  assert.is(await coloured({ TERM: "xterm" }), false);
});

test("one context: shown, moved, dropped", async () => {
  const box = await machine(2);
  const say = (...argv: string[]) => box.run(["context", ...argv, "--socket", SOCKET]);
  assert.match((await say("show", "1")).out, /^id +1\nlocalUlid +fc00:aaaa:1::1\n[\s\S]*ageMs +1m05s\n$/);
  assert.is(JSON.parse((await say("show", "1", "--json")).out).localUlid, "fc00:aaaa:1::1");
  assert.is((await say("rehome", "0")).out, "context 0: looks for a better pair\n");
  assert.is((await say("discard", "1")).out, "context 1: dropped\n");
  assert.is((await say("discard", "1", "-o", "tsv")).out, "id\tdetail\n1\tdropped\n");
  const missing = await say("show", "7");
  assert.equal([missing.code, missing.err], [1, "pshim6: the box refused: there is no context 7\n"]);
  assert.match((await say("rehome", "1")).err, /context 1 is not established/);
});

test("a pipe that closes ends a watch", async () => {
  const { code, err } = await (await machine()).run(["show", "status", "--socket", SOCKET, "--watch"], { reads: 2, pauses: 1e9 });
  assert.equal([code, err], [0, ""]);
});

test.run();
