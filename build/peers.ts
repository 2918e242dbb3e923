/** Programs that tests ask for with `havePeers`, and what `.ci/run` installs: a missing one would fail only on a machine that is new. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What every machine has that runs the tests at all, and what is no program. */
const GIVEN = new Set(["root"]);

/** A fault for each program that a test below `root` asks for and `.ci/run` does not name. */
export function checkPeers(root: string): string[] {
  const script = readFileSync(join(root, ".ci/run"), "utf8");
  const named = new Set([...script.matchAll(/(?<=[\s(])([^\s:()]+):[a-z0-9.+-]+(?=\s)/g)].map((match) => match[1]));
  const files = readdirSync(join(root, "tests"), { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  return files.flatMap((file) => {
    const text = readFileSync(join(root, "tests", file), "utf8");
    const asked = [...text.matchAll(/\bhavePeers\(([^)]*)\)/g)].flatMap(([, list]) =>
      [...list.matchAll(/"([^"]+)"/g)].map(([, name]) => name),
    );
    return [...new Set(asked)]
      .filter((name) => !GIVEN.has(name) && !named.has(name))
      .map((name) => `tests/${file}: asks for ${name}, which .ci/run does not install`);
  });
}
