/** The identity of a ULID, or of all, has changed: what that means for each context (RFC 5533 §10.1, shim6-state §7). */
import type { Ulid } from "../value/address.ts";
import type { Millis } from "../value/time.ts";
import { RELIST_BATCH, RELIST_GENTLY, RELIST_OPEN, RELIST_PATIENCE, RETIRED_LOCATORS, UPDATE_WINDOW } from "./constants.ts";
import { addressesOf, type Context, isNegative, isUsable } from "./context.ts";
import type { LocalIdentity } from "./contract.ts";
import type { Engine } from "./engine.ts";
import { startI1 } from "./initiator.ts";
import { owedTo, samePreferences } from "./owed.ts";
import { sameLocators, type Update } from "./update.ts";

/** Puts every context of `local`, or all, before {@link relistSome}, those used last first; `gently` unless others are in a hurry. */
export function identityChanged(engine: Engine, local: Ulid | undefined, gently = false): void {
  const concerned: Context[] = [];
  for (const context of engine.table.all()) if (local === undefined || context.pair.local === local) concerned.push(context);
  const before = local === undefined ? [] : engine.relisting.filter((context) => context.pair.local !== local);
  const isHurry = !gently || (engine.relisting.length > 0 && engine.relistAt === undefined);
  engine.relistAt = isHurry ? undefined : engine.now;
  engine.relisting = [...latestFirst(engine, concerned), ...before];
  relistSome(engine);
}

/** The next {@link RELIST_BATCH} of them, or {@link RELIST_GENTLY}: so many at a time do not hold up the rest of the box. */
export function relistSome(engine: Engine): void {
  const { relistAt } = engine;
  if (engine.relisting.length === 0 || (relistAt !== undefined && !mayGoOn(engine, relistAt))) return;
  const count = relistAt === undefined ? RELIST_BATCH : RELIST_GENTLY;
  const some = engine.relisting.slice(0, count);
  engine.relisting = engine.relisting.slice(count);
  if (relistAt !== undefined) engine.relistAt = engine.now + UPDATE_WINDOW;
  for (const context of some) if (engine.table.byId(context.id) === context) relist(engine, context);
}

/** Whether it is time for the next ones; looks again after a window if not. `relistAt` = when they could come at the earliest. */
function mayGoOn(engine: Engine, relistAt: Millis): boolean {
  if (engine.now < relistAt) return false;
  const open = engine.untold - engine.relisting.length;
  if (open < RELIST_OPEN || engine.now >= engine.relistedAt + RELIST_PATIENCE) {
    engine.relistedAt = engine.now;
    return true;
  }
  engine.relistAt = engine.now + UPDATE_WINDOW;
  return false;
}

/** Sorted as numbers, age and place in one: ages are whole milliseconds below 2^32, places below 2^20. */
function latestFirst(engine: Engine, contexts: readonly Context[]): Context[] {
  const keys = new Float64Array(contexts.length);
  contexts.forEach((context, place) => {
    const age = Math.min(2 ** 32 - 1, Math.max(0, Math.floor(engine.now - engine.lastUse(context))));
    keys[place] = age * 2 ** 20 + place;
  });
  return Array.from(keys.sort(), (key) => contexts[key % 2 ** 20]);
}

function relist(engine: Engine, context: Context): void {
  if (isNegative(context)) return;
  const identity = engine.world.local(context.pair.local, context.pair);
  if (identity === undefined) withdraw(engine, context);
  else if (isUsable(context)) relistUsable(engine, context, identity);
  else reseat(engine, context, identity);
}

function withdraw(engine: Engine, context: Context): void {
  if (!isUsable(context)) engine.effects.push({ kind: "failed", pair: context.pair, why: "refused" });
  engine.remove(context, "withdrawn");
}

/** Removed locators go at once; new ones wait for the Acknowledgement; REAP hears of both, and of preferences. */
function relistUsable(engine: Engine, context: Context, identity: LocalIdentity): void {
  const { challenge } = context.setup ?? {};
  const listed = addressesOf(identity.list);
  const stranded = challenge !== undefined && !listed.includes(challenge.pair.local);
  if (stranded) {
    // The validator is bound to a locator that is gone. The next message on another one brings the next R1bis.
    engine.endSetup(context);
    context.state = "ESTABLISHED";
  }
  if (context.update !== undefined) abandon(engine, context, context.update);
  const before = context.localLocators;
  const gone = [...context.accepted, ...context.retired].filter((locator) => !listed.includes(locator));
  context.retired = [...new Set(gone)].slice(0, RETIRED_LOCATORS);
  engine.admitLocators(context);
  const known = context.told?.preferences;
  const reordered = known !== undefined && !samePreferences(known, identity.preferences);
  if (context.setup === undefined && owedTo(context, identity, engine.options) !== undefined) engine.waitlist.add(context);
  if (stranded || reordered || !sameLocators(before, context.localLocators)) engine.publish(context, "update");
}

/** The peer may have taken the abandoned request or not: what it surely knows is in both lists (§10.3). */
function abandon(engine: Engine, context: Context, update: Update): void {
  engine.setUpdate(context, undefined);
  const { told } = context;
  const sure = told?.locators.filter((locator) => update.told.locators.includes(locator)) ?? [];
  if (told !== undefined && sure.length > 0) context.told = { ...told, locators: sure };
}

/** Set-up goes on with what is left; it begins anew where its pair is gone. The peer knows nothing of us yet. */
function reseat(engine: Engine, context: Context, identity: LocalIdentity): void {
  const { setup } = context;
  if (setup === undefined) return;
  const listed = addressesOf(identity.list);
  const left = setup.candidates.filter(({ local }) => listed.includes(local));
  const peers = [...new Set(setup.candidates.map(({ peer }) => peer))];
  const moved = !listed.includes(context.current.local);
  context.localLocators = listed;
  context.accepted = listed;
  setup.candidates = left.length > 0 ? left : listed.flatMap((local) => peers.map((peer) => ({ local, peer })));
  if (!moved) return;
  setup.next = 0;
  startI1(engine, context, setup);
}
