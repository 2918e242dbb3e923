// The contract of a growing file, on the system's and in memory.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openGrowing } from "../../adapters/common/growing.ts";
import { memoryGrowing } from "../../adapters/memory/growing.ts";
import { PortError } from "../../runtime/port/error.ts";
import type { OpenGrowing } from "../../runtime/port/growing.ts";

const scratch = mkdtempSync(join(tmpdir(), "pshim6-growing-"));
const memory = memoryGrowing();
const cases: [string, OpenGrowing, (path: string) => Uint8Array | undefined][] = [
  ["system", openGrowing, (path) => (existsSync(path) ? Uint8Array.from(readFileSync(path)) : undefined)],
  ["memory", memory.open, (path) => memory.files.get(path)],
];

for (const [name, open, read] of cases) {
  const test = suite(`growing file, ${name}`);
  const path = join(scratch, `${name}.pcap`);

  test("what was appended can be read at once, by whoever opens it", () => {
    const file = open(path);
    assert.equal(read(path), new Uint8Array());
    file.append(Uint8Array.of(1, 2));
    assert.equal(read(path), Uint8Array.of(1, 2));
    file.append(Uint8Array.of(3));
    assert.equal(read(path), Uint8Array.of(1, 2, 3));
    file.close();
    file.close();
  });

  test("opening again loses what was there", () => {
    const file = open(path);
    assert.equal(read(path), new Uint8Array());
    file.close();
  });

  test("after rotate the old octets have the other name, and an empty file goes on", () => {
    const file = open(path);
    for (const octet of [1, 2, 3]) {
      file.append(Uint8Array.of(octet));
      file.rotate(`${path}.1`);
      assert.equal(read(`${path}.1`), Uint8Array.of(octet));
      assert.equal(read(path), new Uint8Array());
    }
    file.append(Uint8Array.of(9));
    assert.equal(read(path), Uint8Array.of(9));
    file.close();
  });

  test.run();
}

const test = suite("growing file, system alone");
test("only its owner may read it, even if it was there before", () => {
  const path = join(scratch, "mode");
  writeFileSync(path, "old", { mode: 0o644 });
  openGrowing(path).close();
  assert.is(statSync(path).mode & 0o777, 0o600);
});
test("no directory: a sentence that names the path", () => {
  assert.throws(
    () => openGrowing(join(scratch, "absent", "x")),
    (error: unknown) => error instanceof PortError && error.code === "missing" && error.message.includes("absent/x"),
  );
});
test.after(() => rmSync(scratch, { recursive: true }));
test.run();
