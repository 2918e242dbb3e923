/** Everything that `dist/` holds: the core and the dashboard, then the bundle with both inside, then what other programs import. Skips what is up to date. */
import { must, runtimeCommand } from "./tools.ts";

const quiet = process.argv.includes("--quiet") ? ["--quiet"] : [];
const [node] = runtimeCommand("node", "");
must(node, ["build/core.ts", ...quiet]);
must(node, ["build/dashboard.ts", ...quiet]);
must(node, ["build/bundle.ts", ...quiet]);
must(node, ["build/package.ts", ...quiet]);
