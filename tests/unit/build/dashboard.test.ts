/** What the build made of the dashboard: small enough for a slow line, whole, and with nothing from elsewhere. */
import { readFileSync } from "node:fs";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { PageFile } from "../../../runtime/api/page.ts";

const MOST_OCTETS = 150 * 1_024;
const files = JSON.parse(readFileSync(new URL("../../../dist/dashboard.pack", import.meta.url), "utf8")) as PageFile[];
const plain = ({ coded }: PageFile): string => Buffer.from(coded.identity, "base64").toString("utf8");

test("all files together are small", () => {
  const octets = files.reduce((sum, { coded }) => sum + Buffer.from(coded.gzip, "base64").length, 0);
  console.log(`${octets} octets compressed`);
  assert.ok(octets <= MOST_OCTETS, `${octets}`);
});

test("each coding holds the same", () => {
  for (const file of files) {
    const { identity, gzip, br } = file.coded;
    const octets = Buffer.from(identity, "base64");
    assert.ok(octets.equals(gunzipSync(Buffer.from(gzip, "base64"))), file.name);
    assert.ok(octets.equals(brotliDecompressSync(Buffer.from(br, "base64"))), file.name);
  }
});

test("the page loads its own script and style sheet, and nothing else", () => {
  const [page, ...assets] = files;
  assert.is(page.name, "");
  const html = plain(page);
  const loaded = [...html.matchAll(/(?:src|href)="(?!data:)([^"]*)"/g)]
    .map(([, target]) => target)
    .filter((target) => target !== "reference");
  assert.equal(loaded.sort(), assets.map(({ name }) => `assets/${name}`).sort());
  assert.not.match(html, /<style|<script(?![^>]* src=)|style="| on[a-z]+="/);
  for (const asset of assets) assert.not.match(plain(asset), /url\((?!["']?data:)/, asset.name);
});

test.run();
