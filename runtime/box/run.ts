/**
 * Brings a box up and takes it down. Up: core → TUN and packet threads → store and key → kernel's routes and rules → control
 * socket. Whatever fails on the way takes down what was up before it; the errors are sentences for an operator.
 */
import type { ReloadResult } from "../api/facade.ts";
import type { Site } from "../config/site.ts";
import type { Box } from "./box.ts";
import type { BoxPlatform } from "./platform.ts";
import { rehearse } from "./rehearsal.ts";
import { prepareStart } from "./start.ts";
import { type Boxed, makeBox } from "./start-box.ts";
import { layGround } from "./start-ground.ts";
import { openApi, openRouter, openServices, watchLines } from "./start-hosts.ts";
import { enterKernel } from "./start-kernel.ts";
import { receiveOperators } from "./start-operators.ts";
import { Teardown } from "./teardown.ts";

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

/** Hosts whose identities are signed before they are asked for; those of the others when they are. */
const IDENTITIES_AHEAD = 1024;

/** Starts the box of `site`, which was read from `file`. @throws {PortError} with a sentence that says what to do */
export async function startBox(site: Site, file: string, platform: BoxPlatform): Promise<RunningBox> {
  const undo = new Teardown(platform.logs.area("box"));
  try {
    return await bringUp(site, file, platform, undo);
  } catch (error) {
    await undo.run();
    throw error;
  }
}

async function bringUp(read: Site, file: string, platform: BoxPlatform, undo: Teardown): Promise<RunningBox> {
  const { clock } = platform;
  const start = prepareStart(read, file, platform, undo);
  const ground = await layGround(start);
  const boxed = makeBox(ground);
  const routed = enterKernel(boxed);
  const { box } = boxed;
  await ground.threads;
  // Bells that rang before the box was there.
  box.activity();

  const operated = receiveOperators(routed);
  await openServices(operated);
  await openApi(operated);
  await openRouter(operated);
  await watchLines(operated);
  prepareAtLeisure(boxed);
  start.log.info("forwarding", { site: start.site.site, milliseconds: Math.round(clock.now() - start.startedAt) });

  let stopped: Promise<void> | undefined;
  return {
    box,
    failed: start.failure.happened,
    reload: operated.reload,
    stop() {
      stopped ??= undo.run();
      return stopped;
    },
  };
}

/** What would make the first handshakes slow is done beforehand, while nothing else is to do. */
function prepareAtLeisure({ platform, site, privateKey, known, box }: Boxed): void {
  const { clock, entropy, crypto } = platform;
  const [lan] = site.lan.subnets;
  box.whenIdle(rehearse({ clock, entropy, crypto, privateKey, subnet: { base: lan.base, length: 64 } }));
  box.whenIdle(box.parts.identities.prepare(known.slice(0, IDENTITIES_AHEAD)));
}
