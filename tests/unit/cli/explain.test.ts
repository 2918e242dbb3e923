/** `pshim6 explain` against a made-up box: how the ends are written, what is printed, and how wide. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createApi } from "../../../runtime/api/app.ts";
import { explainRow } from "../../../runtime/api/rows-explain.ts";
import { CliMachine } from "../../lib/clihost.ts";
import { fakeFacade } from "../../lib/facade.ts";

const SOCKET = "/run/pshim6/alpha.sock";

async function says(...words: string[]): Promise<string> {
  const machine = new CliMachine();
  const api = createApi(fakeFacade(0));
  await machine.http.serveSocket(SOCKET, (request) => api.fetch(request));
  const { code, out, err } = await machine.run(["explain", "--socket", SOCKET, ...words]);
  return `${code} ${out}${err}`.trim();
}

test("the ends may be written in several ways", async () => {
  const expected = /^0 h1 → h2\.beta\.example: context 7 carries it by isp1 \(any any\)/;
  for (const words of [
    ["h1", "h2.beta.example"],
    ["h1", "to", "h2.beta.example"],
    ["h1 -> h2.beta.example"],
    ["h1->h2.beta.example"],
    ["h1", "->", "h2.beta.example"],
    ["h1 → h2.beta.example"],
  ])
    assert.match(await says(...words), expected, words.join(" "));
  assert.match(await says("to", "to", "to"), /^0 to → to: /, "a host may be called so");
  assert.match(await says("h1", "->", "h2", "--protocol", "tcp", "--port", "443"), /^0 h1 → h2: .*\(6 443\)/s);
});

test("what is no flow is wrong usage", async () => {
  assert.match(await says("h1", "-"), /^2 .*the shell took the > for itself/);
  for (const words of [["h1"], ["h1", "to"], ["h1", "h2", "h3"], ["h1 -> h2 -> h3"]])
    assert.match(await says(...words), /^2 .*two ends are wanted/, words.join(" "));
  assert.match(await says("h1", "h2", "--prot", "tcp"), /^2 .*unknown option '--prot'/);
  assert.match(await says("h1", "h2", "--port", "70000"), /^2 .*whole number/);
  assert.match(await says("h1", "h2", "--protocol", "tcpp"), /^1 .*the box refused: protocol: must be a protocol's name/);
});

test("one screen: 80 columns, a mark for each step, the reason under it; somebody unknown is a wrong input", async () => {
  const text = await says("h1", "h2");
  for (const line of text.split("\n")) assert.ok([...line].length <= 80 + "0 ".length, line);
  assert.match(text, /^\+ name {4}hosts are told fc00:bbbb:1::10$/m);
  assert.match(text, /^ {10}the DNS gateway knows it$/m);
  assert.match(text, /^\? filter {2}the filter lets it pass/m);
  assert.match(text, /\(\/site\.yaml:3\)$/m);
  assert.match(text, /^isp1 +2001:db8:a1::10 +2001:db8:b3::10 +alive, in use +12ms$/m);
  assert.match(text, /^isp1 +yes +up +\/site\.yaml:5$/m);
  assert.match(await says("h1", "nobody"), /^1 h1 → nobody: nothing is known of nobody/);
});

test("for programs: the whole as JSON, the steps as lines", async () => {
  const json = await says("h1", "h2", "--json");
  assert.is(explainRow.parse(JSON.parse(json.slice(2))).context, 7);
  assert.match(await says("h1", "h2", "-o", "tsv"), /^\+\tname\thosts are told/m);
});

test.run();
