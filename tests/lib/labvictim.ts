/** A lab that says who it is and waits to be killed; its one process does not care for SIGTERM. */
import { breakGround } from "../../runtime/lab/ground.ts";
import { twoSites } from "../../runtime/lab/world.ts";
import { testHost } from "./labhost.ts";

const host = await testHost();
const ground = await breakGround(host, 0);
await ground.raise(twoSites());
const lines: string[] = [];
const stubborn = 'trap "" TERM; echo deaf; while :; do sleep 1; done';
const child = await ground.spawn("boxA", ["sh", "-c", stubborn], { line: (text) => lines.push(text), complaint: () => undefined });
while (lines.length === 0) await host.sleep(10);
console.log(JSON.stringify({ id: ground.id, child: child.pid }));
await host.sleep(600_000);
