/** `pshim6 context locators` and `prefer`, and `pshim6 exception`, against a made-up box. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createApi } from "../../../runtime/api/app.ts";
import { locatorsRow } from "../../../runtime/api/rows-locators.ts";
import { CliMachine } from "../../lib/clihost.ts";
import { fakeFacade } from "../../lib/facade.ts";

const SOCKET = "/run/pshim6/alpha.sock";

/** A machine whose box knows four contexts; the last is not established. */
async function boxed(): Promise<(...words: string[]) => Promise<string>> {
  const machine = new CliMachine();
  const api = createApi(fakeFacade(4));
  await machine.http.serveSocket(SOCKET, (request) => api.fetch(request));
  return async (...words) => {
    const { code, out, err } = await machine.run([...words, "--socket", SOCKET]);
    return `${code} ${out}${err}`.trim();
  };
}

test("the locators of both ends: whose, whether they may be used, what is wished", async () => {
  const says = await boxed();
  const lines = (await says("context", "locators", "2")).split("\n").map((line) => line.trim().replace(/ {2,}/g, " | "));
  assert.equal(lines, [
    "0 end | address | provider | state | wished | rank | proved by",
    "local | 2001:db8:a1::2 | isp1 | in use | - | 1/60 | CGA",
    "local | 2001:db8:a2::2 | isp2 | the peer does not know it | 0/1 | 1/60 | CGA",
    "peer | 2001:db8:b3::10 | - | in use, path alive | - | 1/60 | CGA",
    "peer | 2001:db8:b4::10 | - | broken, not verified, path lost | - | - | CGA",
  ]);
  assert.is(await says("context", "locators", "0"), "0 context 0 has no locators");
  assert.is(locatorsRow.parse(JSON.parse((await says("context", "locators", "2", "--json")).slice(2))).id, 2);
  const [names, , second] = (await says("context", "locators", "2", "-o", "tsv")).slice(2).split("\n");
  assert.equal(
    [names, second],
    ["end\taddress\tprovider\tstate\twished\trank\tmethod", "local\t2001:db8:a2::2\tisp2\tthe peer does not know it\t0/1\t1/60\tCGA"],
  );
  assert.is(await says("context", "locators", "9"), "1 pshim6: the box refused: there is no context 9");
});

test("a wish: by provider, by locators, and none any more", async () => {
  const says = await boxed();
  assert.is(await says("context", "prefer", "1", "isp2"), "0 context 1: isp2 undefined");
  assert.is(await says("context", "prefer", "1", "isp2", "--peer", "2001:DB8:b4::10"), "0 context 1: isp2 2001:db8:b4::10");
  assert.is(await says("context", "prefer", "1", "--local", "2001:db8:a2::1"), "0 context 1: 2001:db8:a2::1 undefined");
  assert.is(await says("context", "prefer", "1", "--none"), "0 context 1: 0 0");
  assert.is(await says("context", "prefer", "1", "isp2", "--json"), '0 {"id":1,"detail":"isp2 undefined"}');
  assert.is(await says("context", "prefer", "0", "isp2"), "1 pshim6: the box refused: none of its locators");
  assert.is(await says("context", "prefer", "3", "isp2"), "1 pshim6: the box refused: context 3 is not established");
  for (const words of [[], ["isp2", "--none"]])
    assert.match(
      await says("context", "prefer", "1", ...words),
      /^2 .*say a provider, --local or --peer, or --none alone/,
      words.join(" "),
    );
  assert.match(await says("context", "prefer", "1", "isp2", "--local", "2001:db8::1"), /^2 .*not both/);
  assert.match(await says("context", "prefer", "1", "--peer", "isp2"), /^2 .*It must be an IPv6 address/);
  assert.match(await says("context", "prefer", "1", "--peer", "::1", "--none"), /^2 .*cannot be used with/);
});

test("exceptions: listed, added to those that there are, removed one by one", async () => {
  const says = await boxed();
  const shown = async (...words: string[]) => (await says("exception", ...words)).replace(/ {2,}/g, " ");
  assert.is(await shown("list"), "0 no exceptions");
  assert.is(await shown("add", "fc00:BBBB:1::/48"), "0 for what\npeer fc00:bbbb:1::/48");
  assert.is(
    await shown("add", "fc00:cccc::1", "123", "5000-6000", "fc00:bbbb:1::/48", "123-123"),
    "0 for what\npeer fc00:bbbb:1::/48\npeer fc00:cccc::1/128\nport 123\nport 5000-6000",
  );
  assert.is(await shown("list", "--json"), '0 {"peers":["fc00:bbbb:1::/48","fc00:cccc::1/128"],"ports":["123","5000-6000"]}');
  assert.match(await shown("remove", "123", "5001"), /^1 pshim6: there is no exception 5001: "pshim6 exception list"/);
  assert.is(await shown("remove", "fc00:cccc::1", "123"), "0 for what\npeer fc00:bbbb:1::/48\nport 5000-6000", "nothing went before");
  assert.is(await shown("list", "-o", "tsv"), "0 kind\twhat\npeer\tfc00:bbbb:1::/48\nport\t5000-6000");
  assert.is(await shown("remove", "fc00:bbbb:1::/48", "5000-6000"), "0 no exceptions");
});

test("what is no exception is wrong usage", async () => {
  const says = await boxed();
  for (const word of ["h2", "70000", "9-1", "fc00:bbbb:1::1/48", "10.0.0.1", "-"])
    assert.match(await says("exception", "add", word), /^2 .*It must be an IPv6 address, a prefix, a port/s, word);
  assert.match(await says("exception", "add"), /^2 .*missing required argument 'what'/s);
  assert.match((await new CliMachine().run(["exception"])).err, /Usage: pshim6 exception/);
});

test("completion knows the verbs, and that a provider stands behind the id", async () => {
  const { out } = await new CliMachine().run(["completion", "bash"]);
  assert.match(out, /"context"\) subs="[^"]*locators prefer/);
  assert.match(out, /"exception"\) subs="list add remove"/);
  assert.match(out, /"context prefer #1"\) _pshim6_words .*completion providers/);
});

test.run();
