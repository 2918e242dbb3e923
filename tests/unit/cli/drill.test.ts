/** `pshim6 drill` against a made-up box. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createApi } from "../../../runtime/api/app.ts";
import { CliMachine } from "../../lib/clihost.ts";
import { drillRow, fakeFacade } from "../../lib/facade.ts";

const SOCKET = "/run/pshim6/alpha.sock";

async function machine(): Promise<CliMachine> {
  const made = new CliMachine();
  const api = createApi(fakeFacade(1));
  await made.http.serveSocket(SOCKET, (request) => api.fetch(request));
  return made;
}

test("a drill to its end: progress for people, a table, exit code", async () => {
  const box = new CliMachine();
  const rows = [drillRow(1, { state: "listening" }), drillRow(1, { state: "broken", brokenMs: 200 }), drillRow(1)];
  const asked: string[] = [];
  await box.http.serveSocket(SOCKET, async (request) => {
    asked.push(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`);
    return Response.json(rows.shift());
  });
  const { code, out, err } = await box.run(["drill", "path", "isp1", "--for", "10s", "--socket", SOCKET], { columns: 120, pauses: 9 });
  assert.is(code, 0);
  assert.equal(asked, ['POST /drills {"provider":"isp1","for":"10s"}', "GET /drills/1 ", "GET /drills/1 "]);
  assert.is(
    out,
    `isp1 was dead for 10.0s
3 contexts sent by it, 2 with traffic, 2 of these moved
traffic  flows  back  silent  median    p95  longest  lost out  octets  lost in  octets
tcp          2     2       0   312ms  480ms    512ms        12   14.4k        0       0
every connection survived
`,
  );
  assert.ok(err.includes("\risp1 is dead: 200ms of 10.0s, ^C ends it\x1b[K"), err);
});

test("who stops the program ends the drill, and hears what was", async () => {
  const { code, out } = await (await machine()).run(["drill", "path", "isp1", "--socket", SOCKET]);
  assert.is(code, 0);
  assert.match(out, /^isp1 was dead for 10\.0s, ended before its time\n/);
});

test("connections that did not survive are named, and the exit code is 1", async () => {
  const box = new CliMachine();
  const failed = [{ id: 4, localUlid: "fc00:aaaa:1::1", peerUlid: "fc00:bbbb:1::1", why: "it is gone" }];
  await box.http.serveSocket(SOCKET, () => Response.json(drillRow(1, { survived: false, failures: 3, failed })));
  const { code, out } = await box.run(["drill", "path", "isp1", "--socket", SOCKET]);
  assert.is(code, 1);
  assert.match(out, /\n3 contexts did not survive\n {2}context 4 fc00:aaaa:1::1 fc00:bbbb:1::1: it is gone\n {2}and 2 more\n$/);
  const idle = drillRow(1, { contexts: { affected: 1, active: 0, moved: 0 }, classes: [] });
  const quiet = new CliMachine();
  await quiet.http.serveSocket(SOCKET, () => Response.json(idle));
  assert.match(
    (await quiet.run(["drill", "path", "isp1", "--socket", SOCKET])).out,
    /nothing is proved: no traffic went by this provider\n$/,
  );
});

test("values and JSON; refusals", async () => {
  const box = await machine();
  const run = (...flags: string[]) => box.run(["drill", "path", ...flags, "--socket", SOCKET]);
  assert.match(
    (await run("isp1", "-o", "tsv")).out,
    /^class\tflows\tback\tsilent\tmedianMs\t.*\ntcp\t2\t2\t0\t312\t480\t512\t12\t14400\t0\t0\n$/,
  );
  assert.is(JSON.parse((await run("isp1", "--json")).out).survived, true);
  assert.match((await run("isp9")).err, /there is no provider "isp9"/);
  assert.match((await run("isp1", "--for", "1s")).err, /no other provider works/);
  assert.is((await run("isp1", "--for", "1s", "--force")).code, 0);
  assert.is((await run("isp1", "--for", "soon")).code, 2);
});

test.run();
