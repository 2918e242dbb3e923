/**
 * Brings a box up and takes it down. Up: core → TUN and packet threads → store and key → kernel's routes and rules → control
 * socket. Whatever fails on the way takes down what was up before it; the errors are sentences for an operator.
 */
import { createApi } from "../api/app.ts";
import type { ReloadResult } from "../api/facade.ts";
import type { PageFile } from "../api/page.ts";
import { showFaults } from "../config/fault.ts";
import { readSite } from "../config/read.ts";
import type { Site } from "../config/site.ts";
import type { Core, CorePrefixes, CoreSizes, Lane, PairRules, SharedCore } from "../fast/contract.ts";
import { slotFor } from "../fast/plan.ts";
import type { Clock } from "../port/clock.ts";
import type { Command } from "../port/command.ts";
import type { CryptoPort } from "../port/crypto.ts";
import type { Entropy } from "../port/entropy.ts";
import { PortError } from "../port/error.ts";
import type { Files } from "../port/files.ts";
import type { Http } from "../port/http.ts";
import type { LinkMonitor, LinkWatcher } from "../port/links.ts";
import type { Log, Logs } from "../port/log.ts";
import type { NeighbourLink } from "../port/neighbours.ts";
import type { PacketPlane } from "../port/packet.ts";
import { KEY_FILE, type Store } from "../port/store.ts";
import type { TcpPort } from "../port/tcp.ts";
import type { UdpPort } from "../port/udp.ts";
import { address, type Ulid } from "../value/address.ts";
import { contains } from "../value/prefix.ts";
import { type Millis, NEVER } from "../value/time.ts";
import { keepAdvertised, recallAdvertised } from "./advertised.ts";
import { assembleBox } from "./assemble.ts";
import type { Box } from "./box.ts";
import { DRILL_CLEAN, DrillGround } from "./drill.ts";
import { egressPlan } from "./egress.ts";
import { Exceptions } from "./exceptions.ts";
import { Explainer } from "./explain.ts";
import { createFacade } from "./facade.ts";
import { Feed } from "./feed.ts";
import { filterCounts, loadFilter, removeFilter } from "./filter.ts";
import { askGateways } from "./gateways.ts";
import { Hosts } from "./hosts.ts";
import type { Identities } from "./identity.ts";
import { Keepsakes } from "./keepsakes.ts";
import { setUpEgress, takeDownEgress } from "./kernel.ts";
import { advertiseOnLan, announcementOf, type LifeOf, linkAddressOf } from "./lan.ts";
import { Legacy } from "./legacy.ts";
import { Lines } from "./lines.ts";
import { Loads } from "./loads.ts";
import { mtuOf } from "./mapping.ts";
import { lookUp } from "./names-look.ts";
import { Past } from "./past.ts";
import { plainPairs, tellCore, ways } from "./prefixes.ts";
import { Providers, sayAwaited } from "./providers.ts";
import { rehearse } from "./rehearsal.ts";
import { Release } from "./release.ts";
import { Reloader } from "./reload.ts";
import { serveApi } from "./serve.ts";
import { Services } from "./services.ts";
import { flowOf, whereIn } from "./site-rows.ts";
import { keyRows, leaseRow } from "./state-rows.ts";
import { Teardown } from "./teardown.ts";
import { Told } from "./told.ts";

/** The outside, as a box needs it. */
export interface BoxPlatform {
  readonly version: string;
  readonly runtime: string;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logs: Logs;
  readonly files: Files;
  readonly command: Command;
  readonly http: Http;
  readonly crypto: CryptoPort;
  /** The dashboard's files; absent = there is none. */
  readonly page?: readonly PageFile[];
  readonly tcp: TcpPort;
  /** UDP for the services; nothing is opened yet. @throws {PortError} `unsupported`, `permission` */
  openUdp(): Promise<UdpPort>;
  /** Absent = what is logged is not for site.yaml to say. */
  readonly setLog: ((log: Site["log"]) => void) | undefined;
  openStore(directory: string): Store;
  openCore(
    sizes: CoreSizes,
    settings: { readonly passRouting: boolean; readonly mtu: number; readonly mss: "auto" | "off" | number },
  ): Promise<Core>;
  openLane(shared: SharedCore, index: number): Promise<Lane>;
  openPacketPlane(core: Core, options: { readonly name: string; readonly queues: number }): Promise<PacketPlane>;
  /** Router solicitations and advertisements on an interface. @throws {PortError} `missing`, `permission`, `failed` */
  openNeighbourLink(name: string): Promise<NeighbourLink>;
  /** Hears of interfaces and gateways until it is closed. @throws {PortError} `failed` */
  watchLinks(watcher: LinkWatcher): Promise<LinkMonitor>;
}

/** A box that forwards. */
export interface RunningBox {
  readonly box: Box;
  /** Resolves with the error that ended the box by itself. */
  readonly failed: Promise<Error>;
  /** Reads site.yaml again and takes it over as a whole, or not at all. */
  reload(): ReloadResult;
  /** Takes everything down; the second call is the same as the first. */
  stop(): Promise<void>;
}

/** Frames in a batch. */
const BATCH = 128;
/** Whatever the TUN's MTU: the kernel hands over what it would otherwise cut itself. */
const LARGEST_FRAME = 40 + 65_535;
const SPILL_OCTETS = 1 << 19;
const PUNT_OCTETS = 1 << 20;
/** Hosts whose identities are signed before they are asked for; those of the others when they are. */
const IDENTITIES_AHEAD = 1024;

/** Starts the box of `site`, which was read from `file`. @throws {PortError} with a sentence that says what to do */
export async function startBox(site: Site, file: string, platform: BoxPlatform): Promise<RunningBox> {
  const undo = new Teardown(platform.logs.area("box"));
  const takeDown = (): Promise<void> => undo.run();
  try {
    return await bringUp(site, file, platform, undo, takeDown);
  } catch (error) {
    await takeDown();
    throw error;
  }
}

async function bringUp(
  read: Site,
  file: string,
  platform: BoxPlatform,
  undo: Teardown,
  takeDown: () => Promise<void>,
): Promise<RunningBox> {
  const { clock, entropy, crypto, files, logs } = platform;
  const log = logs.area("box");
  const told = new Told({ files, clock, log, directory: read.state });
  const { site, text } = withKnown(read, file, told, files, log);
  const startedAt = clock.now();
  const core = await platform.openCore(
    {
      contexts: site.contexts.max,
      lanes: site.tun.queues + 1,
      batch: BATCH,
      slotOctets: slotFor(LARGEST_FRAME),
      spillOctets: SPILL_OCTETS,
      puntOctets: PUNT_OCTETS,
      plainPairs: plainPairs(site),
      ways: ways(site),
    },
    { passRouting: site.shim6.routingHeader === "pass", mtu: site.tun.mtu, mss: site.mss },
  );
  const exceptions = new Exceptions({ files, log, directory: site.state, changed: () => tellCore(ruled, reloader.site) });
  const ruled = {
    setPrefixes: (prefixes: CorePrefixes) => core.setPrefixes(prefixes),
    setPairRules: (rules: PairRules) => core.setPairRules(exceptions.over(rules)),
  };
  tellCore(ruled, site);

  const plane = await platform.openPacketPlane(core, { name: site.tun.name, queues: site.tun.queues });
  undo.push("packet threads", () => plane.stop());
  let fail: (error: Error) => void = () => undefined;
  const failed = new Promise<Error>((resolve) => {
    fail = resolve;
  });
  // A fault of our own ends the box in good order: routes and rules go, the operator is told.
  const guard = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      fail(error instanceof Error ? error : new Error(String(error)));
    }
  };
  // The threads start while this one goes on; their first bell is heard when `box` is there, which is before the next await.
  let box: Box | undefined;
  const threads = plane.start({
    punt: (packet, reason, context) => guard(() => box?.punt(packet, reason, context)),
    activity: () => guard(() => box?.activity()),
    failed: (error) => fail(error),
  });
  // Waited for below; a failure meanwhile is not unhandled.
  threads.catch(() => undefined);

  const store = platform.openStore(site.state);
  undo.push("store", () => store.close());
  const privateKey = store.privateKey(() => {
    log.info("making the site's key", { bits: site.key.bits });
    return crypto.rsaGenerate(site.key.bits);
  });
  const parameters = store.cgaParameters();
  const known = [...parameters.keys()]
    .map(address)
    .filter((ulid) => [site.ulid.prefix, ...site.ulid.routable].some((own) => contains(own, ulid)));
  for (const { name, ulid } of site.hosts)
    if (!parameters.has(ulid))
      throw new PortError(
        "missing",
        `host ${name}: nothing is known about ${ulid} in ${site.state}; make its ULID with \`pshim6 cga generate --name ${name}\``,
      );

  const hosts = new Hosts(parameters, site.hosts);

  const lane = await platform.openLane(core.shared, site.tun.queues);
  const release = new Release(lane, new Uint8Array(core.shared.memory.buffer), BATCH, (packet) => plane.send(packet));

  let keepsakes: Keepsakes | undefined;
  let services: Services | undefined;
  let legacy: Legacy | undefined;
  // Grows over restarts: peers refuse a list that is older than one they know (runtime/shim6/generations.ts).
  const generation = Math.floor(clock.wall() / 1000) >>> 0;
  const events = new Feed({
    run: String(generation),
    now: () => clock.now(),
    wall: () => clock.wall(),
    later: (at, run) => box?.at(at, run),
  });
  box = assembleBox(site, {
    core,
    clock,
    entropy,
    crypto,
    log: logs.area("contexts"),
    generation,
    heard: (event) => {
      events.heard(event);
      legacy?.heard(event);
    },
    privateKey,
    pdsOf: (ulid) => hosts.pdsOf(ulid),
    excepted: (peer, port) => exceptions.of(peer, port),
    locate: (ulid, done) => services?.locate(ulid, done) ?? false,
    prove: (ulid, done) => services?.prove(ulid, done) ?? false,
    bindingChanged: (change) => keepsakes?.changed(change),
    send: (packet) => plane.send(packet),
    release: (packets, now) => release.run(packets, now),
    failed: (error) => fail(error),
  });

  undo.push("timer", () => clock.wakeAt(NEVER, () => undefined));
  const later = (at: Millis, run: () => void): void => box?.at(at, run);
  const { bindings, identities } = box.parts;
  warnOfUnproved(site, identities, log);
  const isPeer = (ulid: Ulid): boolean => contains(site.ulid.generic, ulid) && !contains(site.ulid.prefix, ulid);
  keepsakes = new Keepsakes({ store, bindings, clock, log, later, isPeer });
  keepsakes.recall();
  undo.push("bindings", () => keepsakes?.flush());

  // Nothing is routed to the box yet: what must not pass never does.
  let filtered = site;
  undo.push("filter", () => removeFilter(filtered, platform.command));
  loadFilter(site, platform.command);

  const plan = egressPlan(site);
  const reloader = new Reloader(site, plan, {
    file,
    text,
    told: () => told.prefixes,
    box,
    core: ruled,
    kernel: platform,
    store,
    log,
    setLog: platform.setLog,
    learnt: (anew, next) => {
      hosts.renew(anew, next.hosts);
      filtered = next;
      void services?.configure(next);
    },
  });
  const lines = new Lines({
    site: () => reloader.site,
    plan: () => reloader.plan,
    box,
    clock,
    command: platform.command,
    log: logs.area("lines"),
    changed: () => services?.changed(),
    broken: () => told.named("broken"),
    mapped: () => legacy?.tell(),
  });
  legacy = new Legacy({
    core,
    box,
    clock,
    log,
    told,
    site: () => reloader.site,
    slots: () => reloader.plan.slots,
    isUsable: (provider) => lines.isUsable(provider),
    lanMtu: () => mtuOf(files.readText(`/sys/class/net/${site.lan.interface}/mtu`)),
    changed: () => services?.changed(),
  });
  legacy.tell();
  if (site.egress.manage) {
    undo.push("routes", () => takeDownEgress(site, plan, platform.command));
    setUpEgress(site, plan, platform);
  } else log.info("routes and rules are left to the operator", { print: `pshim6 check -c ${file} --routes` });
  await threads;
  // Bells that rang before the box was there.
  box.activity();

  /** A context in advance, if the host is ours and there is none (draft §6, step 2). */
  const expect = (local: Ulid, peer: Ulid): void => {
    const pair = { local, peer, fork: 0 };
    if (exceptions.of(peer, undefined) === undefined && hosts.pdsOf(local) !== undefined && box?.parts.shim6.find(pair) === undefined)
      box?.need(pair);
  };
  const loads = new Loads({
    providers: () => reloader.site.providers,
    files,
    now: () => clock.now(),
    later,
    log,
    changed: (full) => box.setFull(full),
  });
  loads.refresh();
  const reload = (): ReloadResult => {
    const result = reloader.run();
    lines.refresh();
    providers.refresh();
    loads.refresh();
    return result;
  };
  const providers = new Providers({
    file,
    told,
    reloader,
    drain: box.moves,
    prefer: (prefixes) => {
      if (identities.setPreferred(prefixes, box.parts.shim6.untold > 0)) box.identityChanged(true);
    },
    clock,
    log: logs.area("providers"),
    later,
    changed: () => {
      lines.refresh();
      providers.refresh();
      services?.changed();
    },
    untold: () => box.parts.shim6.untold,
  });
  if (told.named("broken").size > 0) lines.refresh();
  sayAwaited(site, logs.area("providers"));
  const where = whereIn(file, () => reloader.text);
  const explainer = new Explainer({
    site: () => reloader.site,
    box,
    hosts,
    told,
    linesDown: () => lines.dead,
    gatewaysSilent: () => lines.silent,
    slots: () => reloader.plan.slots,
    excepted: (peer, port) => exceptions.of(peer, port),
    line: where,
    flowOf: (asked, names) => flowOf(asked, names, clock.wall()),
    look: (name) =>
      lookUp(
        name,
        (asked, then) => services?.look(asked, then) ?? false,
        (wait, run) => later(clock.now() + wait, run),
      ),
  });
  const isUsable = (provider: string): boolean => lines.isUsable(provider) && providers.isUsable(provider);
  const drills = new DrillGround({
    ...box.parts,
    site: () => reloader.site,
    isUsable,
    clock,
    later,
    command: platform.command,
    log: logs.area("drills"),
  });
  undo.push("drills", () => drills.close());
  later(clock.now() + DRILL_CLEAN, () => drills.clean());
  const facade = createFacade({
    exceptions,
    explainer,
    file,
    where,
    get site() {
      return reloader.site;
    },
    box,
    reload,
    providers,
    told,
    filterCounts: () => filterCounts(reloader.site, platform.command),
    version: platform.version,
    runtime: platform.runtime,
    startedAt,
    events,
    past: new Past({ paths: () => box.parts.reap.paths(), now: () => clock.now(), later }),
    drills,
    linesDown: () => lines.dead,
    gatewaysSilent: () => lines.silent,
    planeTotals: () => new Map([...plane.totals(), ...(services?.totals() ?? [])]),
    keys: () => keyRows(crypto, `${site.state}/${KEY_FILE}`, crypto.rsaPublic(privateKey), hosts.parameters),
    leases: () => (services?.leases() ?? []).map((lease) => leaseRow(lease, clock.wall())),
  });
  const lifeOf: LifeOf = (provider) => legacy?.lifeOf(provider) ?? { deprecated: false, until: NEVER };
  services = await Services.open(site, {
    ...platform,
    store,
    privateKey,
    hosts,
    bindings,
    counters: box.counters,
    isUsable,
    asked: (host, peer) => expect(host, peer),
    lifeOf,
    spotted: (addresses, names, until) => legacy?.spotted(addresses, names, until),
    later,
    whenIdle: (work) => box.whenIdle(work),
    failed: (error) => fail(error),
  });
  undo.push("names and addresses", () => services?.close());
  const api = createApi(facade, platform.page);
  const counts = (name: string): void => box?.counters.count(name);
  for (const listener of await serveApi(site, (request) => api.fetch(request), { ...platform, log, count: counts }))
    undo.push("API", () => listener.close());
  if (site.lan.advertise) {
    const linkAddress = linkAddressOf(files.readText(`/sys/class/net/${site.lan.interface}/address`));
    const memory = { files, log, directory: site.state };
    undo.push(
      "router",
      advertiseOnLan({
        clock,
        entropy,
        link: await platform.openNeighbourLink(site.lan.interface),
        says: () => announcementOf(reloader.site, linkAddress, lifeOf),
        advertised: recallAdvertised(memory),
        keep: (advertised) => keepAdvertised(memory, advertised),
        count: (name) => box.counters.count(name),
        later: (at, run) => box.at(at, run),
      }),
    );
  }
  if (site.links.watch) {
    // REAP finds out by itself, later.
    const deaf = (error: Error): void => log.error("lines that go down are noticed late from now on", { error: error.message });
    const monitor = await platform.watchLinks({
      link: (link) => guard(() => lines.heard(link)),
      gateway: (gateway) => guard(() => lines.asked(gateway)),
      failed: deaf,
    });
    undo.push("lines", () => monitor.close());
    undo.push("gateways", askGateways({ monitor, lines, interval: () => reloader.site.links.gateway.interval, clock, later }));
  }
  const [lan] = site.lan.subnets;
  box.whenIdle(rehearse({ clock, entropy, crypto, privateKey, subnet: { base: lan.base, length: 64 } }));
  box.whenIdle(box.parts.identities.prepare(known.slice(0, IDENTITIES_AHEAD)));
  log.info("forwarding", { site: site.site, milliseconds: Math.round(clock.now() - startedAt) });

  let stopped: Promise<void> | undefined;
  return {
    box,
    failed,
    reload,
    stop() {
      stopped ??= takeDown();
      return stopped;
    },
  };
}

/** The settings with the prefixes that were told before the restart, and their text; what does not fit any more is left out, with a line in the log. */
function withKnown(
  site: Site,
  file: string,
  told: Told,
  files: Pick<Files, "readText">,
  log: Log,
): { readonly site: Site; readonly text: string | undefined } {
  const text = files.readText(file);
  if (text === undefined || told.prefixes.size === 0 || site.awaited.length === 0) return { site, text };
  const reading = readSite(text, file, told.prefixes);
  if ("site" in reading) return { site: { ...reading.site, log: site.log }, text };
  log.error("prefixes that were told before do not fit the settings", { why: showFaults(reading.faults, text, file).trimEnd() });
  return { site, text };
}

/** Parameters may be those of another box, or of a set over other providers: better said now than with the host's first packet. */
function warnOfUnproved({ hosts, providers }: Site, identities: Identities, log: Log): void {
  if (providers.length === 0) return;
  for (const { name, ulid } of hosts)
    if (identities.of(ulid) === undefined)
      log.warn("nothing proves a locator of this host: its parameters name other keys, and no member of a set at our providers", {
        host: name,
        ulid,
      });
}
