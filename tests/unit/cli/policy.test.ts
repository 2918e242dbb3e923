/** `pshim6 policy test` on a made-up machine: the rule that decides, why earlier ones do not, and the providers' order. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { CliMachine } from "../../lib/clihost.ts";

const SITE = `
site: alpha
ulid: { prefix: "fc00:aaaa:1::/48" }
lan: { interface: lan, subnets: ["fc00:aaaa:1::/64"] }
providers:
  - { name: isp1, prefix: "2001:db8:a1::/48", interface: up1, priority: 10 }
  - { name: isp2, prefix: "2001:db8:a2::/48", interface: up2, priority: 20 }
policy:
  - { name: voice, protocols: [udp], ports: [5060], hours: ["mon-fri 08:00-18:00"], pin: isp2 }
  - { to: ["fc00:cccc::/32"], avoid: [isp1] }
  - { name: friends, names: [beta.example], spread: { isp1: 60, isp2: 40 } }
`;
const FLOW = ["policy", "test", "-c", "/site.yaml", "--from", "fc00:aaaa:1::10", "--to", "fc00:bbbb:1::10"];

function run(...words: readonly string[]) {
  const machine = new CliMachine();
  machine.files.writeText("/site.yaml", SITE);
  return machine.run([...FLOW, ...words]);
}

test("the first rule that matches, and why those before it do not", async () => {
  const { code, out } = await run("--name", "H2.Beta.Example.", "--at", "sat 12:00", "--protocol", "udp", "--port", "5060");
  assert.is(code, 0);
  assert.match(out, /^friends decides: spreads isp1 60, isp2 40\n {2}voice does not match: hours\n {2}rule 2 does not match: to\n/);
});

test("a rule about ports needs to know them, and says that it needs a context of its own", async () => {
  const { out } = await run("--at", "mon 09:00", "--protocol", "17", "--port", "5060");
  assert.match(out, /^voice decides: pinned to isp2 \(needs a context of its own\)\n/);
  assert.match(out, /isp2 +1 /);
  assert.match(out, /isp1 +never /);
  const { out: unknown } = await run("--at", "mon 09:00");
  assert.match(unknown, /^no rule decides: the providers' own priorities hold\n {2}voice does not match: protocols\n/);
});

test("as JSON", async () => {
  const { out } = await run("--name", "beta.example", "--at", "sun 00:00", "--json");
  const { rule, use, providers, before } = JSON.parse(out);
  assert.equal([rule, use], ["friends", "spread"]);
  assert.equal(providers[0], { name: "isp1", rank: 0, weight: 60, allowed: true });
  assert.equal(before, [
    { rule: "voice", why: "protocols" },
    { rule: "rule 2", why: "to" },
  ]);
});

test("what cannot be read is said", async () => {
  for (const [words, said] of [
    [["--at", "noon"], /--at is no time of the week: noon/],
    [["--protocol", "tpc"], /--protocol is no protocol: "tpc"/],
    [["--port", "99999"], /--port is neither a port nor a range/],
  ] as const) {
    const { code, err } = await run(...words);
    assert.is(code, 1);
    assert.match(err, said);
  }
});

test.run();
