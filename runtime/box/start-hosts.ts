/** What hosts and operators reach once packets flow: names and addresses, the API, the router on the LAN; and who listens to the kernel's lines. */
import { createApi } from "../api/app.ts";
import type { Ulid } from "../value/address.ts";
import { keepAdvertised, recallAdvertised } from "./advertised.ts";
import { askGateways } from "./gateways.ts";
import { advertiseOnLan, announcementOf, linkAddressOf } from "./lan.ts";
import { serveApi } from "./serve.ts";
import { Services } from "./services.ts";
import type { Operated } from "./start-operators.ts";

/** Names and addresses, as far as the site asks for them. @throws {PortError} with a sentence for the operator */
export async function openServices(operated: Operated): Promise<void> {
  const { platform, site, undo, failure, late, store, privateKey, hosts, box, legacy, isUsable } = operated;
  const services = await Services.open(site, {
    ...platform,
    store,
    privateKey,
    hosts,
    bindings: box.parts.bindings,
    counters: box.counters,
    isUsable,
    asked: (host, peer) => expectContext(operated, host, peer),
    lifeOf: (provider) => legacy.lifeOf(provider),
    spotted: (addresses, names, until) => legacy.spotted(addresses, names, until),
    later: late.later,
    whenIdle: (work) => box.whenIdle(work),
    failed: failure.tell,
  });
  late.services = services;
  undo.push("names and addresses", () => services.close());
}

/** A context in advance, if the host is ours and there is none (draft §6, step 2). */
function expectContext({ exceptions, hosts, box }: Operated, local: Ulid, peer: Ulid): void {
  const pair = { local, peer, fork: 0 };
  if (exceptions.of(peer, undefined) === undefined && hosts.pdsOf(local) !== undefined && box.parts.shim6.find(pair) === undefined)
    box.need(pair);
}

/** The API on its socket, and at the address that the site names. @throws {PortError} when something cannot be opened */
export async function openApi({ platform, site, undo, log, box, facade }: Operated): Promise<void> {
  const api = createApi(facade, platform.page);
  const count = (name: string): void => box.counters.count(name);
  for (const listener of await serveApi(site, (request) => api.fetch(request), { ...platform, log, count }))
    undo.push("API", () => listener.close());
}

/** The box as the hosts' router, if the site wants that. @throws {PortError} when the LAN's interface cannot be listened to */
export async function openRouter({ platform, site, undo, log, box, reloader, legacy }: Operated): Promise<void> {
  if (!site.lan.advertise) return;
  const { clock, entropy, files } = platform;
  const linkAddress = linkAddressOf(files.readText(`/sys/class/net/${site.lan.interface}/address`));
  const memory = { files, log, directory: site.state };
  undo.push(
    "router",
    advertiseOnLan({
      clock,
      entropy,
      link: await platform.openNeighbourLink(site.lan.interface),
      says: () => announcementOf(reloader.site, linkAddress, (provider) => legacy.lifeOf(provider)),
      advertised: recallAdvertised(memory),
      keep: (advertised) => keepAdvertised(memory, advertised),
      count: (name) => box.counters.count(name),
      later: (at, run) => box.at(at, run),
    }),
  );
}

/** Hears from the kernel of lines and gateways, if the site wants that. @throws {PortError} when the kernel does not tell */
export async function watchLines({ platform, site, undo, log, failure, late, reloader, lines }: Operated): Promise<void> {
  if (!site.links.watch) return;
  const monitor = await platform.watchLinks({
    link: (link) => failure.guard(() => lines.heard(link)),
    gateway: (gateway) => failure.guard(() => lines.asked(gateway)),
    // REAP finds out by itself, later.
    failed: (error) => log.error("lines that go down are noticed late from now on", { error: error.message }),
  });
  undo.push("lines", () => monitor.close());
  const interval = () => reloader.site.links.gateway.interval;
  undo.push("gateways", askGateways({ monitor, lines, interval, clock: platform.clock, later: late.later }));
}
