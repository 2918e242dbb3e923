/** Which line of site.yaml says something. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { lineFinder } from "../../../runtime/config/where.ts";

test("what stands there, line by line; what does not, nowhere", () => {
  const at = lineFinder("site: alpha\npolicy:\n  - { name: a,\n      pin: isp1 }\n  - name: b\ndns:\n");
  const paths = [["site"], ["policy", 0], ["policy", 0, "pin"], ["policy", 1, "name"], ["policy", 2], ["zone"], ["dns", "listen"]];
  assert.equal(paths.map(at), [1, 3, 4, 5, undefined, undefined, undefined]);
});

test("a text that is no YAML has no lines to tell of", () => {
  assert.is(lineFinder("a: [")(["a"]), undefined);
});

test.run();
