/** What the words in the search box mean. */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readSearch } from "../../../runtime/dashboard/search.ts";
import { seed } from "../../lib/seed.ts";

const KNOWN = { providers: ["isp1", "isp2", "operational"], hosts: new Map([["printer", "fc00:aaaa:1::7"]]) };

test("words", () => {
  const rows: [text: string, query: Record<string, string>, unknown: string[]][] = [
    ["", {}, []],
    ["  ", {}, []],
    ["FC00:aaaa:1:0::7", { ulid: "fc00:aaaa:1::7" }, []],
    ["printer", { ulid: "fc00:aaaa:1::7" }, []],
    ["Printer isp1", { ulid: "fc00:aaaa:1::7", provider: "isp1" }, []],
    ["exploring", { state: "Exploring" }, []],
    ["i1-sent via=ISP2", { state: "I1-SENT", provider: "isp2" }, []],
    ["peer=fc00::1 host=fc00::2", { peer: "fc00::1", ulid: "fc00::2" }, []],
    ["to=fc00::1, state=established", { peer: "fc00::1", state: "ESTABLISHED" }, []],
    ["peer=printer", { peer: "fc00:aaaa:1::7" }, []],
    ["state=operational", { state: "Operational" }, []],
    ["operational", { provider: "operational" }, []],
    ["isp3", {}, ["isp3"]],
    ["isp1 isp2", { provider: "isp1" }, ["isp2"]],
    ["isp1 isp1", { provider: "isp1" }, []],
    ["state=isp1", {}, ["state=isp1"]],
    ["colour=red", {}, ["colour=red"]],
    ["peer=", {}, ["peer="]],
    ["fc00:", {}, ["fc00:"]],
  ];
  for (const [text, query, unknown] of rows) assert.equal(readSearch(text, KNOWN), { query, unknown }, text);
});

test("any text means something or is named", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const { query, unknown } = readSearch(text, KNOWN);
      const words = text.split(/[\s,]+/).filter((word) => word !== "");
      assert.ok(Object.keys(query).length + unknown.length <= words.length);
      if (words.length > 0) assert.ok(Object.keys(query).length + unknown.length > 0);
    }),
    { seed },
  );
});

test.run();
