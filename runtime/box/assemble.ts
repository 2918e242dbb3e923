/** Puts a box together out of what it works with: the one place where the parts of `Box` are made for each other. */
import { createVerifier, signLocatorList } from "../cga/index.ts";
import type { Site } from "../config/site.ts";
import type { Core } from "../fast/contract.ts";
import { createBindings } from "../locator/bindings.ts";
import type { Clock } from "../port/clock.ts";
import type { CryptoPort } from "../port/crypto.ts";
import type { Entropy } from "../port/entropy.ts";
import type { Log } from "../port/log.ts";
import { createReap } from "../reap/machine.ts";
import { capabilitiesFor, SEND_TIMEOUT, timingFor } from "../reap/profile.ts";
import { createShim6 } from "../shim6/machine.ts";
import type { Ulid } from "../value/address.ts";
import { CONTEXT_TAG_BITS } from "../value/tag.ts";
import { Box, type BoxParts } from "./box.ts";
import { Identities, type LocatorSource } from "./identity.ts";

/** What a box must know of its site. */
export interface BoxSite extends Pick<Site, "contexts" | "hold" | "reap" | "bindings"> {
  readonly providers: readonly LocatorSource[];
}

/** What a box is made of. */
export interface AssemblyParts extends Pick<BoxParts, "send" | "release" | "failed"> {
  readonly core: Core;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly crypto: CryptoPort;
  readonly log: Log;
  /** Where the Locator List Generation starts: random, 32 bits. */
  readonly generation: number;
  /** The site's RSA key, PKCS#8 DER. */
  readonly privateKey: Uint8Array;
  /** CGA parameters of a ULID of the site. */
  readonly pdsOf: (ulid: Ulid) => Uint8Array | undefined;
}

/** A box that knows its site and has no context yet. */
export function assembleBox(site: BoxSite, parts: AssemblyParts): Box {
  const { core, clock, entropy, crypto, log, generation, privateKey, pdsOf, send, release, failed } = parts;
  const identities = new Identities(site.providers, generation, pdsOf, (list) => signLocatorList(crypto, list, privateKey));
  const bindings = createBindings();
  bindings.setStatic(site.bindings);
  const { profile } = site.reap;
  const shim6 = createShim6(
    {
      capacity: site.contexts.max,
      capabilities: (roundTrip) => capabilitiesFor(profile, roundTrip),
      sendTimeoutSeconds: SEND_TIMEOUT / 1000,
      tagBits: CONTEXT_TAG_BITS,
      secret: entropy.bytes(32),
    },
    { local: (ulid) => identities.of(ulid), hmac: (key, octets) => crypto.hmacSha256(key, octets), ...createVerifier(crypto) },
  );
  return new Box(
    {
      idleTimeout: site.contexts.idle,
      hold: site.hold,
      timing: (context) =>
        timingFor(profile, context.localCapabilities, context.peerCapabilities, context.peerKeepaliveSeconds, context.roundTrip),
    },
    { core, shim6, reap: createReap(), identities, bindings, clock, entropy, log, send, release, failed },
  );
}
