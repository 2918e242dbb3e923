/** The ground that a box stands on: core, TUN and packet threads, then store, key and hosts, then the control thread's own lane. */
import type { Core, CorePrefixes, PairRules } from "../fast/contract.ts";
import { slotFor } from "../fast/plan.ts";
import { PortError } from "../port/error.ts";
import type { PacketPlane } from "../port/packet.ts";
import type { Store } from "../port/store.ts";
import { address, type Ulid } from "../value/address.ts";
import { contains } from "../value/prefix.ts";
import { Exceptions } from "./exceptions.ts";
import { Hosts } from "./hosts.ts";
import { plainPairs, tellCore, ways } from "./prefixes.ts";
import { Release } from "./release.ts";
import type { Start } from "./start.ts";

/** What this stage adds. */
export interface Ground extends Start {
  readonly core: Core;
  /** What of the core depends on settings, with the exceptions laid over them. */
  readonly ruled: Pick<Core, "setPrefixes" | "setPairRules">;
  readonly exceptions: Exceptions;
  readonly plane: PacketPlane;
  /** Resolves when the packet threads run. A failure is not unhandled before somebody waits. */
  readonly threads: Promise<void>;
  readonly store: Store;
  /** The site's RSA key, PKCS#8 DER. */
  readonly privateKey: Uint8Array;
  readonly hosts: Hosts;
  /** ULIDs of the site that were made before this start. */
  readonly known: readonly Ulid[];
  readonly release: Release;
}

/** Frames in a batch. */
const BATCH = 128;
/** Whatever the TUN's MTU: the kernel hands over what it would otherwise cut itself. */
const LARGEST_FRAME = 40 + 65_535;
const SPILL_OCTETS = 1 << 19;
const PUNT_OCTETS = 1 << 20;

/** Lays it. @throws {PortError} with a sentence for the operator */
export async function layGround(start: Start): Promise<Ground> {
  const { platform, site, undo } = start;
  const core = await openCore(start);
  const rules = ruleCore(start, core);
  const { plane, threads } = await startPlane(start, core);
  const store = platform.openStore(site.state);
  undo.push("store", () => store.close());
  const privateKey = keyOf(start, store);
  const people = hostsOf(start, store);
  const lane = await platform.openLane(core.shared, site.tun.queues);
  const release = new Release(lane, new Uint8Array(core.shared.memory.buffer), BATCH, (packet) => plane.send(packet));
  return { ...start, core, ...rules, plane, threads, store, privateKey, ...people, release };
}

function openCore({ platform, site }: Start): Promise<Core> {
  return platform.openCore(
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
}

/** The core is told of its site for the first time. */
function ruleCore({ platform: { files }, site, log, late }: Start, core: Core): Pick<Ground, "exceptions" | "ruled"> {
  const changed = (): void => tellCore(ruled, late.reloader?.site ?? site);
  const exceptions = new Exceptions({ files, log, directory: site.state, changed });
  const ruled = {
    setPrefixes: (prefixes: CorePrefixes) => core.setPrefixes(prefixes),
    setPairRules: (rules: PairRules) => core.setPairRules(exceptions.over(rules)),
  };
  tellCore(ruled, site);
  return { exceptions, ruled };
}

/** The threads start while this one goes on: bells that ring before the box is there are made up for when the threads have been waited for. */
async function startPlane({ platform, site, undo, failure, late }: Start, core: Core): Promise<Pick<Ground, "plane" | "threads">> {
  const plane = await platform.openPacketPlane(core, { name: site.tun.name, queues: site.tun.queues });
  undo.push("packet threads", () => plane.stop());
  const threads = plane.start({
    punt: (packet, reason, context) => failure.guard(() => late.box?.punt(packet, reason, context)),
    activity: () => failure.guard(() => late.box?.activity()),
    failed: failure.tell,
  });
  // Waited for later; a failure meanwhile is not unhandled.
  threads.catch(() => undefined);
  return { plane, threads };
}

function keyOf({ platform: { crypto }, site, log }: Start, store: Store): Uint8Array {
  return store.privateKey(() => {
    log.info("making the site's key", { bits: site.key.bits });
    return crypto.rsaGenerate(site.key.bits);
  });
}

/** @throws {PortError} `missing`: a host of site.yaml has a ULID that was not made here */
function hostsOf({ site }: Start, store: Store): Pick<Ground, "hosts" | "known"> {
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
  return { hosts: new Hosts(parameters, site.hosts), known };
}
