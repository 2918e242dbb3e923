/** `pshim6 provider` and the routes behind it, against a made-up box. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createApi } from "../../../runtime/api/app.ts";
import { problem, reloadRow } from "../../../runtime/api/rows.ts";
import { CliMachine } from "../../lib/clihost.ts";
import { fakeFacade } from "../../lib/facade.ts";

const SOCKET = "/run/pshim6/alpha.sock";

async function says(...words: string[]): Promise<string> {
  const machine = new CliMachine();
  const api = createApi(fakeFacade(0));
  await machine.http.serveSocket(SOCKET, (request) => api.fetch(request));
  const { code, out, err } = await machine.run(["provider", words[0], "--socket", SOCKET, ...words.slice(1)]);
  return `${code} ${out}${err}`.trim();
}

test("each verb reaches the box", async () => {
  assert.is(await says("drain", "isp1"), "0 drain isp1 false");
  assert.is(await says("drain", "isp1", "--keep"), "0 drain isp1 true");
  assert.is(await says("restore", "isp2"), "0 restore isp2");
  assert.is(await says("break", "isp1"), "0 broken isp1 undefined false");
  assert.is(await says("break", "isp1", "--for", "90s", "--keep"), "0 broken isp1 90000 true");
  assert.is(await says("prefer", "isp2", "--for", "2h"), "0 preferred isp2 7200000 false");
  assert.is(await says("mend", "isp1"), "0 mend isp1");
  assert.is(await says("set-prefix", "isp1", "2001:DB8:a7::/56"), "0 prefix isp1 2001:db8:a7::/56 undefined");
  assert.is(await says("set-prefix", "isp1", "2001:db8:a7::/56", "--valid", "60"), "0 prefix isp1 2001:db8:a7::/56 60000");
  assert.is(
    await says("set-prefix", "isp1", "2001:db8:a7::/56", "--valid", "4294967295"),
    "0 prefix isp1 2001:db8:a7::/56 undefined",
    "for ever",
  );
  assert.is(await says("unset-prefix", "isp1"), "0 prefix isp1 none undefined");
  assert.match(await says("drain", "isp1", "--json"), /^0 \{"file":"\/site.yaml","changed":\["drain isp1 false"\]/);
});

test("what is wrong is said before the box is asked, or by it", async () => {
  assert.match(await says("drain", "isp9"), /^1 pshim6: the box refused: there is no provider "isp9"/);
  assert.match(await says("drain", "../reload"), /^1 pshim6: the box refused: there is no provider/);
  assert.match(await says("set-prefix", "isp1", "2001:db8::1/48"), /^2 .*It must be an IPv6 prefix/s);
  assert.match(await says("set-prefix", "isp1", "2001:db8::/48", "--valid", "0"), /^2 .*whole number/s);
  assert.match(await says("set-prefix", "isp1"), /^2 .*missing required argument 'prefix'/s);
  assert.match(await says("drain"), /^2 /);
  for (const span of ["10", "0m", "-1s", "1.5h", "10m ", "forever"])
    assert.match(await says("prefer", "isp1", "--for", span), /^2 .*It must be a span of time/s, span);
});

test("the routes: what is no request is refused, what changed is told like a reload", async () => {
  const api = createApi(fakeFacade(0));
  const put = async (body: string) => {
    const headers = { "content-type": "application/json" };
    const answer = await api.request("/providers/isp1/prefix", { method: "PUT", headers, body });
    return { status: answer.status, body: await answer.json() };
  };
  for (const body of [
    "{",
    "[]",
    "{}",
    '{"prefix": 7}',
    '{"prefix": "2001:db8::"}',
    '{"prefix": "2001:db8::/48", "valid": -1}',
    '{"prefix": "x"}',
  ]) {
    const refused = await put(body);
    assert.is(refused.status, 400, body);
    problem.parse(refused.body);
  }
  const taken = await put('{"prefix": "2001:db8:a7::/48", "valid": 1.5}');
  assert.equal([taken.status, reloadRow.parse(taken.body).changed], [200, ["prefix isp1 2001:db8:a7::/48 1500"]]);
  const post = (path: string, body?: string) =>
    api.request(path, { method: "POST", ...(body === undefined ? {} : { body, headers: { "content-type": "application/json" } }) });
  for (const body of ['{"for": 0}', '{"for": "10"}', '{"for": "400d"}', '{"for": 1e999}', '{"keep": 1}', '{"until": 3}', "[]", "7"])
    assert.is((await post("/providers/isp1/prefer", body)).status, 400, body);
  for (const [body, said] of [
    [undefined, "preferred isp1 undefined false"],
    ['{"for": 1.5}', "preferred isp1 1500 false"],
    ['{"for": "10m", "keep": true}', "preferred isp1 600000 true"],
  ] as const)
    assert.equal(reloadRow.parse(await (await post("/providers/isp1/prefer", body)).json()).changed, [said]);
  const unknown = await api.request("/providers/isp9/drain", { method: "POST" });
  assert.is(unknown.status, 404);
});

test.run();
