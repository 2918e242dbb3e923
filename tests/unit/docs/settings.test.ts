/** Every example of settings in the documentation is one that `pshim6 check` takes. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parse, stringify } from "yaml";
import { readSite } from "../../../runtime/config/read.ts";
import { type Fence, fencesOf, looseCommands, pages } from "../../lib/docs.ts";
import { PROJECT } from "../../lib/labhost.ts";

/** What an example that shows a part of the settings is a part of. */
const WHOLE = {
  site: "alpha",
  ulid: { prefix: "fc00:aaaa:1::/48" },
  lan: { interface: "lan", subnets: ["fc00:aaaa:1::/64"] },
  providers: [
    { name: "isp1", prefix: "2001:db8:a1::/48", interface: "up1", gateway: "2001:db8:f1::1" },
    { name: "isp2", prefix: "2001:db8:a2::/48", interface: "up2", gateway: "2001:db8:f2::1" },
    { name: "lte", prefix: "2001:db8:a3::/48", interface: "wwan0" },
  ],
};

const fences = pages(PROJECT).flatMap((page) => fencesOf(PROJECT, page));
const settings = fences.filter(({ language, exception }) => language === "yaml" && exception?.kind !== "not site.yaml");

function faultsOf({ text }: Fence): string[] {
  const shown: unknown = parse(text);
  if (typeof shown !== "object" || shown === null) return ["it holds no settings"];
  const whole = "site" in shown ? text : stringify({ ...WHOLE, ...shown });
  const read = readSite(whole, "site.yaml");
  return "faults" in read ? read.faults.map(({ path, message }) => `${path}: ${message}`) : [];
}

for (const fence of settings)
  test(`${fence.where}: the settings are good`, () => {
    assert.equal(faultsOf(fence), [], fence.text);
  });

test("a bad setting would be seen", () => {
  const bad = { where: "", language: "yaml", text: "mss: 12", exception: undefined };
  assert.is(faultsOf(bad).length, 1);
});

test("no command stands outside of a fence, where nothing tries it", () => {
  assert.equal(
    pages(PROJECT).flatMap((page) => looseCommands(PROJECT, page)),
    [],
  );
});

test.run();
