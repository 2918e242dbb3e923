/** Everything that `dist/` holds: the core, then the bundle with the core inside, then what other programs import. Skips what is up to date. */
import { must, runtimeCommand } from "./tools.ts";

const quiet = process.argv.includes("--quiet") ? ["--quiet"] : [];
const [node] = runtimeCommand("node", "");
must(node, ["build/core.ts", ...quiet]);
must(node, ["build/bundle.ts", ...quiet]);
must(node, ["build/package.ts", ...quiet]);
