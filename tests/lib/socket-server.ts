/** Serves the socket given until it is killed. */
import { argv } from "node:process";
import { loadPlatform } from "../../adapters/platform.ts";

const { http, host } = await loadPlatform();
await http.serveSocket(argv[2], () => new Response("alive"));
host.print("listening\n");
