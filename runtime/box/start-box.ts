/** The box itself: its machines, who hears of their events, and what it remembers of peers. */
import type { Site } from "../config/site.ts";
import type { Log } from "../port/log.ts";
import type { Ulid } from "../value/address.ts";
import { contains } from "../value/prefix.ts";
import { NEVER } from "../value/time.ts";
import { assembleBox } from "./assemble.ts";
import type { Box } from "./box.ts";
import { Feed } from "./feed.ts";
import type { Identities } from "./identity.ts";
import { Keepsakes } from "./keepsakes.ts";
import type { Ground } from "./start-ground.ts";

/** What this stage adds. */
export interface Boxed extends Ground {
  readonly box: Box;
  readonly events: Feed;
}

/** Makes a box that knows its site, and what was learnt of peers before. Nothing is routed to it yet. */
export function makeBox(ground: Ground): Boxed {
  const { platform, site, undo, log, late } = ground;
  const { clock, logs } = platform;
  // Grows over restarts: peers refuse a list that is older than one they know (runtime/shim6/generations.ts).
  const generation = Math.floor(clock.wall() / 1000) >>> 0;
  const events = new Feed({ run: String(generation), now: () => clock.now(), wall: () => clock.wall(), later: late.later });
  const box = assemble(ground, generation, events, logs.area("contexts"));
  late.box = box;
  undo.push("timer", () => clock.wakeAt(NEVER, () => undefined));
  warnOfUnproved(site, box.parts.identities, log);
  remember(ground, box);
  return { ...ground, box, events };
}

function assemble(ground: Ground, generation: number, events: Feed, log: Log): Box {
  const { platform, site, failure, late, core, exceptions, plane, privateKey, hosts, release } = ground;
  const { clock, entropy, crypto } = platform;
  return assembleBox(site, {
    core,
    clock,
    entropy,
    crypto,
    log,
    generation,
    heard: (event) => {
      events.heard(event);
      late.legacy?.heard(event);
    },
    privateKey,
    pdsOf: (ulid) => hosts.pdsOf(ulid),
    excepted: (peer, port) => exceptions.of(peer, port),
    locate: (ulid, done) => late.services?.locate(ulid, done) ?? false,
    prove: (ulid, done) => late.services?.prove(ulid, done) ?? false,
    bindingChanged: (change) => late.keepsakes?.changed(change),
    send: (packet) => plane.send(packet),
    release: (packets, now) => release.run(packets, now),
    failed: failure.tell,
  });
}

/** Bindings that outlive a restart. */
function remember({ platform: { clock }, site, undo, log, late, store }: Ground, { parts: { bindings } }: Box): void {
  const isPeer = (ulid: Ulid): boolean => contains(site.ulid.generic, ulid) && !contains(site.ulid.prefix, ulid);
  const keepsakes = new Keepsakes({ store, bindings, clock, log, later: late.later, isPeer });
  late.keepsakes = keepsakes;
  keepsakes.recall();
  undo.push("bindings", () => keepsakes.flush());
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
