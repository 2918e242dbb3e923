/** Where hosts have addresses of a provider beside their ULIDs. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { besideOf, besidePrefixes, besideSubnets, ulidBeside } from "../../../runtime/locator/beside.ts";
import { address } from "../../../runtime/value/address.ts";
import { prefix, showPrefix } from "../../../runtime/value/prefix.ts";

function outsides(provider: string, subnets: readonly string[], first?: number, hosts?: string): readonly string[] | string {
  const found = besideSubnets(
    { prefix: prefix(provider), hosts: hosts === undefined ? undefined : prefix(hosts) },
    subnets.map(prefix),
    first,
  );
  return typeof found === "string" ? found : found.map(({ outside }) => showPrefix(outside));
}
const LAN = "fc00:aaaa:1::/64";

const cases: readonly (readonly [string, readonly string[], number | undefined, string | undefined, readonly string[] | RegExp])[] = [
  ["2001:db8:a1::/48", [LAN], 255, undefined, ["2001:db8:a1:ff::/64"]],
  ["2001:db8:a1:8000::/56", [LAN, "fc00:aaaa:1:1::/64"], 254, undefined, ["2001:db8:a1:80fe::/64", "2001:db8:a1:80ff::/64"]],
  ["2001:db8:a1::/48", [LAN, "fc00:aaaa:1:100::/56"], 1, undefined, ["2001:db8:a1:1::/64", "2001:db8:a1:100::/56"]],
  [
    "2001:db8:a1:8000::/56",
    [LAN, "fc00:aaaa:1:1::/64"],
    255,
    undefined,
    /256 subnets of 64 bits, and fc00:aaaa:1:1::\/64 would need .* number 256/,
  ],
  ["2001:db8:a1:8::/64", [LAN], 0, undefined, ["2001:db8:a1:8::/64"]],
  ["2001:db8:a1:8::/64", [LAN], 255, "2001:db8:f1:8::/64", ["2001:db8:f1:8::/64"]],
  ["2001:db8:a1:8::/64", [LAN], undefined, "2001:db8:f1:8::/80", /longer than 64 bits/],
  ["2001:db8:a1::/48", [LAN], undefined, undefined, /not said where/],
  ["2600::/24", [LAN], 2 ** 32, undefined, ["2600:1::/64"]],
];
for (const [provider, subnets, first, hosts, expected] of cases)
  test(`${provider}, ${first ?? "no number"}, ${hosts ?? "no hosts"}`, () => {
    const found = outsides(provider, subnets, first, hosts);
    if (expected instanceof RegExp) assert.match(String(found), expected);
    else assert.equal(found, expected);
  });

test("an address, and a host's or a subnet's prefix, as they are beside", () => {
  const pairs = besideSubnets({ prefix: prefix("2001:db8:a1::/48") }, [prefix(LAN), prefix("fc00:aaaa:1:100::/56")], 512);
  assert.ok(typeof pairs !== "string");
  assert.is(besideOf(pairs, address("fc00:aaaa:1::10")), "2001:db8:a1:200::10");
  assert.is(besideOf(pairs, address("fc00:aaaa:1:142::10")), "2001:db8:a1:342::10");
  assert.is(besideOf(pairs, address("fc00:aaaa:1:2::10")), undefined);
  assert.is(ulidBeside(pairs, address("2001:db8:a1:342::10")), "fc00:aaaa:1:142::10");
  assert.is(ulidBeside(pairs, address("2001:db8:a1:ff::10")), undefined);
  const twins = (text: string) => besidePrefixes(pairs, prefix(text)).map(showPrefix);
  assert.equal(twins("fc00:aaaa:1::10/128"), ["2001:db8:a1:200::10/128"]);
  assert.equal(twins("fc00:aaaa:1::/48"), ["2001:db8:a1:200::/64", "2001:db8:a1:300::/56"]);
  assert.equal(twins("fc00:bbbb::/32"), []);
});

test.run();
