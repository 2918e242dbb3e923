/** Turns each line of standard input round; ends with status 3 at SIGTERM, with 4 at the end of input. */
import { loadPlatform } from "../../adapters/platform.ts";

const { host } = await loadPlatform();
const detach = host.onSignal("SIGHUP", () => host.exit(9));
detach();
host.onSignal("SIGTERM", () => {
  host.print("terminated\n");
  host.exit(3);
});
host.print(
  `${JSON.stringify({ args: host.args, pid: host.pid, uid: host.uid, mark: host.environment("MARK"), none: host.environment("NO_SUCH_NAME") ?? null })}\n`,
);
host.print("complaint\n", "stderr");
for await (const line of host.inputLines()) host.print(`${[...line].reverse().join("")}\n`);
host.exit(host.print("x".repeat(Number(host.environment("MORE") ?? 0))) ? 4 : 5);
