/**
 * Brings a box up and takes it down. Up: core → TUN and packet threads → store and key → kernel's routes and rules → control
 * socket. Whatever fails on the way takes down what was up before it; the errors are sentences for an operator.
 */
import { createApi } from "../api/app.ts";
import type { Site } from "../config/site.ts";
import type { Core, CoreSizes, Lane, SharedCore } from "../fast/contract.ts";
import type { Clock } from "../port/clock.ts";
import type { Command } from "../port/command.ts";
import type { CryptoPort } from "../port/crypto.ts";
import type { Entropy } from "../port/entropy.ts";
import { PortError } from "../port/error.ts";
import type { Files } from "../port/files.ts";
import type { Http } from "../port/http.ts";
import type { Logs } from "../port/log.ts";
import type { PacketPlane } from "../port/packet.ts";
import type { Store } from "../port/store.ts";
import { address } from "../value/address.ts";
import { u32 } from "../value/bytes.ts";
import { contains } from "../value/prefix.ts";
import { NEVER } from "../value/time.ts";
import { assembleBox } from "./assemble.ts";
import type { Box } from "./box.ts";
import { egressPlan } from "./egress.ts";
import { createFacade } from "./facade.ts";
import { rehearse } from "./rehearsal.ts";
import { Release } from "./release.ts";

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
  openStore(directory: string): Store;
  openCore(sizes: CoreSizes, settings: { readonly passRouting: boolean }): Promise<Core>;
  openLane(shared: SharedCore, index: number): Promise<Lane>;
  openPacketPlane(core: Core, options: { readonly name: string; readonly queues: number }): Promise<PacketPlane>;
}

/** A box that forwards. */
export interface RunningBox {
  readonly box: Box;
  /** Resolves with the error that ended the box by itself. */
  readonly failed: Promise<Error>;
  /** Takes everything down; the second call is the same as the first. */
  stop(): Promise<void>;
}

/** Frames in a batch. */
const BATCH = 64;
const FRAME_OCTETS = 2048;
const PUNT_OCTETS = 1 << 20;
/** Hosts whose identities are signed before they are asked for; those of the others when they are. */
const IDENTITIES_AHEAD = 1024;
const CONTROL_DIRECTORY_MODE = 0o755;

/** Starts the box of `site`. @throws {PortError} with a sentence that says what to do */
export async function startBox(site: Site, platform: BoxPlatform): Promise<RunningBox> {
  const undo: (() => void | Promise<void>)[] = [];
  const takeDown = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    return await bringUp(site, platform, undo, takeDown);
  } catch (error) {
    await takeDown();
    throw error;
  }
}

async function bringUp(
  site: Site,
  platform: BoxPlatform,
  undo: (() => void | Promise<void>)[],
  takeDown: () => Promise<void>,
): Promise<RunningBox> {
  const { clock, entropy, crypto, files, http, logs } = platform;
  const log = logs.area("box");
  const startedAt = clock.now();
  const core = await platform.openCore(
    {
      contexts: site.contexts.max,
      lanes: site.tun.queues + 1,
      batch: BATCH,
      slotOctets: FRAME_OCTETS,
      puntOctets: PUNT_OCTETS,
    },
    { passRouting: site.shim6.routingHeader === "pass" },
  );
  core.setPrefixes({ ulid: site.ulid.prefix, generic: site.ulid.generic, locators: site.providers.map(({ prefix }) => prefix) });

  const plane = await platform.openPacketPlane(core, { name: site.tun.name, queues: site.tun.queues });
  undo.push(() => plane.stop());
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
  undo.push(() => store.close());
  const privateKey = store.privateKey(() => {
    log.info("making the site's key", { bits: site.key.bits });
    return crypto.rsaGenerate(site.key.bits);
  });
  const parameters = store.cgaParameters();
  const known = [...parameters.keys()].map(address).filter((ulid) => contains(site.ulid.prefix, ulid));
  for (const { name, ulid } of site.hosts)
    if (!parameters.has(ulid))
      throw new PortError(
        "missing",
        `host ${name}: nothing is known about ${ulid} in ${site.state}; make its ULID with \`pshim6 cga generate --name ${name}\``,
      );

  const lane = await platform.openLane(core.shared, site.tun.queues);
  const release = new Release(lane, new Uint8Array(core.shared.memory.buffer), BATCH, (packet) => plane.send(packet));

  box = assembleBox(site, {
    core,
    clock,
    entropy,
    crypto,
    log,
    generation: u32(entropy.bytes(4), 0),
    privateKey,
    pdsOf: (ulid) => parameters.get(ulid)?.pds,
    send: (packet) => plane.send(packet),
    release: (packets, now) => release.run(packets, now),
    failed: (error) => fail(error),
  });

  undo.push(() => clock.wakeAt(NEVER, () => undefined));

  if (site.egress.manage) {
    undo.push(() => removeEgress(site, platform));
    setUpEgress(site, platform);
  }
  await threads;
  // Bells that rang before the box was there.
  box.activity();

  const facade = createFacade({
    site,
    box,
    version: platform.version,
    runtime: platform.runtime,
    startedAt,
    planeTotals: () => plane.totals(),
  });
  const api = createApi(facade);
  files.makeDirectory(site.control.slice(0, site.control.lastIndexOf("/")) || "/", CONTROL_DIRECTORY_MODE);
  const listener = await http.serveSocket(site.control, (request) => api.fetch(request));
  undo.push(() => listener.close());
  const [lan] = site.lan.subnets;
  box.whenIdle(rehearse({ clock, entropy, crypto, privateKey, subnet: { base: lan.base, length: 64 } }));
  box.whenIdle(box.parts.identities.prepare(known.slice(0, IDENTITIES_AHEAD)));
  log.info("forwarding", { site: site.site, milliseconds: Math.round(clock.now() - startedAt) });

  let stopped: Promise<void> | undefined;
  return {
    box,
    failed,
    stop() {
      stopped ??= takeDown();
      return stopped;
    },
  };
}

/** @throws {PortError} naming every interface of the settings that there is not. */
function checkInterfaces(site: Site, command: Command): void {
  const { stdout } = command.run("ip", ["-j", "link", "show"]);
  const links: unknown = stdout.trim() === "" ? [] : JSON.parse(stdout);
  const names = new Set(
    Array.isArray(links)
      ? links.map((link: unknown) => (typeof link === "object" && link !== null ? Reflect.get(link, "ifname") : undefined))
      : [],
  );
  const wanted = [
    { name: site.lan.interface, of: "lan" },
    ...site.providers.map((provider) => ({ name: provider.interface, of: `provider ${provider.name}` })),
  ];
  const missing = wanted.filter(({ name }) => !names.has(name));
  if (missing.length > 0)
    throw new PortError(
      "missing",
      `there is no interface ${missing.map(({ name, of }) => `${name} (${of})`).join(", ")}: correct site.yaml, or make it first; \`ip link\` lists those there are`,
    );
}

/** One run of `ip` for everything: what a killed box left goes first, removal of nothing is no error. */
function setUpEgress(site: Site, { command, files }: BoxPlatform): void {
  const plan = egressPlan(site);
  for (const { key, value } of plan.sysctls) files.poke(sysctlPath(key), value);
  const done = command.run("ip", ["-6", "-batch", "-"], lines([...plan.down, ...plan.up]));
  if (done.code === 0) return;
  checkInterfaces(site, command);
  throw new PortError("failed", `the kernel refuses a route or rule: ${firstLine(done.stderr)}`);
}

function removeEgress(site: Site, { command }: BoxPlatform): void {
  command.run("ip", ["-6", "-force", "-batch", "-"], lines(egressPlan(site).down));
}

function lines(plan: readonly string[]): string {
  return plan.map((line) => `${line}\n`).join("");
}

function firstLine(text: string): string {
  return text.split("\n").find((line) => line.trim() !== "") ?? "ip gave no reason";
}

/** `net.ipv6.conf.eth0/1.accept_ra` → `/proc/sys/net/ipv6/conf/eth0.1/accept_ra`. */
function sysctlPath(key: string): string {
  return `/proc/sys/${key.replace(/[./]/g, (mark) => (mark === "." ? "/" : "."))}`;
}
