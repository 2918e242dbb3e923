/** What lies in examples/ is right: settings have neither mistakes nor warnings, sysctls are lines that sysctl(8) takes. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { showFaults } from "../../../runtime/config/fault.ts";
import { readSite } from "../../../runtime/config/read.ts";

const EXAMPLES = fileURLToPath(new URL("../../../examples/", import.meta.url));
/** For a laboratory without name service and with a second site of one provider. */
const WARNED = new Set(["lab-beta.yaml"]);

for (const name of readdirSync(EXAMPLES).filter((file) => file.endsWith(".yaml"))) {
  test(name, () => {
    const text = readFileSync(join(EXAMPLES, name), "utf8");
    const reading = readSite(text, name);
    if ("faults" in reading) throw new Error(showFaults(reading.faults, text, name));
    if (!WARNED.has(name)) assert.is(showFaults(reading.warnings, text, name), "");
  });
}

test("sysctls", () => {
  const lines = readFileSync(join(EXAMPLES, "sysctl.d", "90-pshim6.conf"), "utf8").split("\n");
  const settings = lines.filter((line) => line !== "" && !line.startsWith("#"));
  assert.ok(settings.length > 5);
  for (const line of settings) assert.match(line, /^net(\.[a-z0-9_]+)+ = \d+$/);
});

test.run();
