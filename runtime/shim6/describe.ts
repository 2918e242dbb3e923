/** What we tell of ourselves in I2, R2, I2bis and Update Request: as much of it as fits a control packet (RFC 5533 §5.3, shim6-wire §9). */
import type { Locator } from "../value/address.ts";
import { messageLength, SHIM6_PACKET_LIMIT } from "../wire/emit.ts";
import type { Capabilities, I2, I2bis, LocatorPreferences, Option, Preference, R2 } from "../wire/message.ts";
import { IPV6_HEADER_LENGTH } from "../wire/number.ts";
import { DEFAULT_SEND_TIMEOUT_SECONDS } from "./constants.ts";
import { addressesOf, type Context, type Told } from "./context.ts";
import type { LocalIdentity, Shim6Options, Shim6World } from "./contract.ts";

/** A message and what its receiver will know of us by it. */
export interface Described<M> {
  readonly message: M;
  readonly told: Told;
}

/** One way to describe ourselves, the fullest first. */
interface Portion {
  readonly identity: LocalIdentity;
  readonly preferences: boolean;
  readonly extras: boolean;
}

/**
 * `bare` with everything about us behind its own options. If that passes 1,280 octets: without preferences, then with fewer
 * locators, `keep` always among them, at last without what is optional. An Update Request brings the rest.
 * @returns `undefined` if not even one locator fits
 */
export function describe<M extends I2 | R2 | I2bis>(
  bare: M,
  context: Context,
  identity: LocalIdentity,
  keep: Locator,
  options: Shim6Options,
  shorten: Shim6World["shorten"],
): Described<M> | undefined {
  const capabilities = options.capabilities?.(context.roundTrip);
  const withPortion = (way: Portion): M => ({ ...bare, options: [...bare.options, ...portion(way, options, capabilities)] });
  const whole: Portion = { identity, preferences: true, extras: true };
  const message = withPortion(whole);
  if (fits(message)) return { message, told: toldBy(whole, options, capabilities) };
  for (const { count, ...way } of lesserWays(identity.list.locators.length, shorten !== undefined)) {
    // Measured with the whole list's signature, which is as long as any: only the list that fits is signed.
    const measured = count === identity.list.locators.length ? identity : cutTo(identity, count);
    if (!fits(withPortion({ ...way, identity: measured }))) continue;
    const chosen = measured === identity ? identity : shorten?.(identity, count, keep);
    if (chosen !== undefined)
      return { message: withPortion({ ...way, identity: chosen }), told: toldBy({ ...way, identity: chosen }, options, capabilities) };
  }
  return undefined;
}

/** What to leave out, the least first. */
function lesserWays(total: number, canShorten: boolean): readonly (Omit<Portion, "identity"> & { readonly count: number })[] {
  const shorter = Array.from({ length: canShorten ? total - 1 : 0 }, (_, i) => ({
    count: total - 1 - i,
    preferences: false,
    extras: true,
  }));
  const least = { count: canShorten ? 1 : total, preferences: false, extras: false };
  return [{ count: total, preferences: false, extras: true }, ...shorter, least];
}

function fits(message: I2 | R2 | I2bis): boolean {
  return IPV6_HEADER_LENGTH + messageLength(message) <= SHIM6_PACKET_LIMIT;
}

/** The option with `preferences` for the list of `generation`. Elements only as long as they need to be: flags, then priority, then weight (§5.15.3). */
export function preferencesOption(generation: number, preferences: readonly Preference[]): Option {
  return { kind: "locator-preferences", ...preferencesOf(generation, preferences) };
}

/** The list with its proof; the CGA parameters only for a peer that never saw them. */
export function listOptions({ list, pds, signature }: LocalIdentity, withPds: boolean): Option[] {
  const options: Option[] = [{ kind: "locator-list", ...list }];
  if (withPds) options.push({ kind: "cga-pds", pds });
  if (signature !== undefined) options.push({ kind: "cga-signature", signature });
  return options;
}

/** Whether `identity` has a preference for each locator. */
export function hasPreferences({ list, preferences }: LocalIdentity): boolean {
  return preferences.length === list.locators.length;
}

/** CAPABILITIES, if there is anything to say in it. */
export function asOption(capabilities: Capabilities | undefined): Option[] {
  return capabilities === undefined ? [] : [{ kind: "capabilities", ...capabilities }];
}

function cutTo({ ulid, list, preferences, pds, signature }: LocalIdentity, count: number): LocalIdentity {
  return { ulid, list: { generation: list.generation, locators: list.locators.slice(0, count) }, preferences, pds, signature };
}

function portion({ identity, preferences, extras }: Portion, options: Shim6Options, capabilities: Capabilities | undefined): Option[] {
  const described = listOptions(identity, true);
  if (preferences && hasPreferences(identity)) described.push(preferencesOption(identity.list.generation, identity.preferences));
  if (!extras) return described;
  const { sendTimeoutSeconds: seconds } = options;
  if (seconds !== DEFAULT_SEND_TIMEOUT_SECONDS) described.push({ kind: "keepalive-timeout", seconds });
  return [...described, ...asOption(capabilities)];
}

function toldBy({ identity, preferences, extras }: Portion, options: Shim6Options, capabilities: Capabilities | undefined): Told {
  return {
    locators: addressesOf(identity.list),
    generation: identity.list.generation,
    preferences: preferences && hasPreferences(identity) ? identity.preferences : undefined,
    seconds: extras ? options.sendTimeoutSeconds : DEFAULT_SEND_TIMEOUT_SECONDS,
    capabilities: extras ? capabilities : undefined,
  };
}

function preferencesOf(generation: number, elements: readonly Preference[]): LocatorPreferences {
  if (elements.some(({ weight }) => weight !== undefined)) return { generation, elementLength: 3, elements };
  const elementLength = elements.some(({ priority }) => priority !== undefined) ? 2 : 1;
  return { generation, elementLength, elements };
}
